//! `causal-trace slurm`: the jobs of a sweep on a cluster.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use causal_trace_report::page::quoted;
use causal_trace_results::{FolderError, ResultsFolder, SLURM};
use clap::{Args as _, CommandFactory};

use super::sweep::prepared;
use super::with_threads;
use crate::args::{Args, SlurmArgs, SweepOptions, Tasks};
use crate::fact_file::FactFile;
use crate::models;
use crate::output_folder::{OutputFolder, refuse_among_tables};
use crate::printer::Printer;
use crate::settings;
use crate::slurm::{Jobs, Scripts, Submitted, submit, typed};
use crate::sweep::Sweep;
use crate::usage::Usage;

/// Options of `sbatch` on which the scripts rely, long and, where they have one, short.
const OWN: [(&str, Option<&str>); 6] = [
    ("--array", Some("-a")),
    ("--chdir", Some("-D")),
    ("--error", Some("-e")),
    ("--output", Some("-o")),
    ("--signal", None),
    ("--open-mode", None),
];

const JOB: &str = "job.sh";
const SUMMARY: &str = "summary.sh";
const LOGS: &str = "logs";

pub(crate) fn run(args: &SlurmArgs, printer: &Printer) -> Result<()> {
    refuse_among_tables(&args.results)?;
    // What every task would find wrong is found here once; and the nodes may have no network.
    settings::check(&args.options.method)?;
    FactFile::open(args.options.facts.as_deref(), printer)?.choose(&super::sweep::choice(&args.options))?;
    match ResultsFolder::open(&args.results) {
        Ok(folder) => {
            let same = |sweep: &Sweep<'_>| sweep.refuse_other(&folder);
            with_threads(args.options.method.threads, || {
                prepared(&args.options, &args.results, printer, same)
            })??;
        }
        Err(FolderError::NotAFolder { .. }) => {
            refuse_other_files(&args.results)?;
            models::provide(&args.options.model, printer)?;
        }
        Err(error) => return Err(error.into()),
    }
    let folder = args.results.join(SLURM);
    let jobs = jobs(args, &folder)?;
    let Scripts { job, summary } = jobs.scripts();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot write {}", folder.display()))?;
    let out = OutputFolder::create(&folder)?;
    // Slurm does not make the folder of its logs, and a task whose log cannot be written fails without a word.
    OutputFolder::create(&folder.join(LOGS))?;
    out.write(JOB, job.as_bytes())?;
    out.write(SUMMARY, summary.as_bytes())?;
    let (job, summary) = (folder.join(JOB), folder.join(SUMMARY));
    let said = if args.submit {
        submitted(&jobs, &submit(&job, &summary)?)
    } else {
        to_submit(&jobs, &job, &summary)
    };
    printer.result(&said);
    Ok(())
}

/// A new results folder holds nothing yet but the scripts.
fn refuse_other_files(results: &Path) -> Result<()> {
    let Ok(files) = std::fs::read_dir(results) else { return Ok(()) };
    for file in files {
        let name = file?.file_name();
        if name != SLURM && !name.to_string_lossy().starts_with('.') {
            bail!(
                "{} is no results folder and holds {}: name another folder",
                results.display(),
                name.display()
            );
        }
    }
    Ok(())
}

fn jobs(args: &SlurmArgs, folder: &Path) -> Result<Jobs> {
    let Tasks { count, at_a_time } = args.array;
    let name = std::path::absolute(&args.results)?
        .file_name()
        .map_or_else(String::new, |name| name.display().to_string());
    Ok(Jobs {
        program: text(std::env::current_exe().context("cannot tell where this program is")?)?,
        folder: text(std::env::current_dir().context("cannot tell in which folder this is")?)?,
        results: text(args.results.clone())?,
        scripts: text(folder.to_owned())?,
        name: format!("causal-trace-{name}"),
        tasks: count,
        at_a_time,
        options: options()?,
        sbatch: sbatch(&args.sbatch)?,
    })
}

/// The options of the sweep, as they were typed.
fn options() -> Result<Vec<Vec<String>>> {
    let program = Args::command();
    let matches = program.clone().get_matches();
    let matches = matches.subcommand_matches("slurm").context("this is another command")?;
    let sweep = SweepOptions::augment_args(clap::Command::new("sweep"));
    // Also those of all commands, such as --no-config.
    let options = typed(program.get_arguments().chain(sweep.get_arguments()), matches)?;
    options.iter().flatten().try_for_each(|word| refuse_control_characters(word))?;
    Ok(options)
}

/// The options of `sbatch`, each with the words that follow it.
fn sbatch(given: &[String]) -> Result<Vec<Vec<String>>> {
    let mut options: Vec<Vec<String>> = Vec::new();
    for text in given {
        refuse_control_characters(text)?;
        let words = shlex::split(text)
            .ok_or_else(|| Usage(format!("--sbatch {text}: a quotation mark is opened and not closed")))?;
        for word in words {
            if word.starts_with('-') {
                options.push(vec![word]);
            } else if let Some(last) = options.last_mut() {
                last.push(word);
            } else {
                let problem =
                    format!("--sbatch takes options, as in \"--partition=long\", and {word} is none");
                return Err(Usage(problem).into());
            }
        }
    }
    for words in &options {
        let given = words[0].split('=').next().unwrap_or_default();
        // sbatch takes the beginning of a long option for the option.
        let is_long = |own: &str| given.len() > 3 && own.starts_with(given);
        let is_short = |own: &str| given.starts_with(own) && !given.starts_with("--");
        let own = OWN.iter().find(|(long, short)| is_long(long) || short.is_some_and(is_short));
        if let Some((long, _)) = own {
            let problem = format!(
                "--sbatch may not have {long}, which the scripts set themselves: for the number of tasks give --array \
                 without --sbatch, and change anything else in the scripts"
            );
            return Err(Usage(problem).into());
        }
    }
    Ok(options)
}

fn text(path: PathBuf) -> Result<String> {
    let text = path.into_os_string().into_string().map_err(|path| {
        anyhow::anyhow!("{} is not UTF-8: a script cannot say it; rename it", path.display())
    })?;
    refuse_control_characters(&text)?;
    Ok(text)
}

/// A line end would end a comment, or a line for `sbatch`.
fn refuse_control_characters(text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        bail!("{text:?} has a control character in it: a script cannot say it");
    }
    Ok(())
}

fn submitted(jobs: &Jobs, Submitted { array, summary }: &Submitted) -> String {
    let Jobs { tasks, results, scripts, .. } = jobs;
    format!(
        "submitted job {array}, {tasks} tasks, and job {summary}, the summary when all have ended\n\
         how far they are: causal-trace status {results} --watch\n\
         what comes out:   {scripts}/summary.txt, summary.json and figures, by job {summary}\n\
         what they say:    {scripts}/logs",
        results = quoted(results),
        scripts = quoted(scripts),
    )
}

fn to_submit(jobs: &Jobs, job: &Path, summary: &Path) -> String {
    let (job, summary) = (job.display().to_string(), summary.display().to_string());
    let (job, summary) = (quoted(&job), quoted(&summary));
    format!(
        "wrote {job} ({} tasks) and {summary}; they are submitted with --submit, or with\n  \
         array=$(sbatch --parsable {job})\n  \
         sbatch --dependency=afterany:${{array%%;*}} {summary}",
        jobs.tasks
    )
}
