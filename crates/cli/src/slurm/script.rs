//! The scripts of a sweep's jobs.

use std::borrow::Cow;
use std::fmt::Write;

use causal_trace_report::page::quoted;

/// Seconds before the end of its time at which a task is told: enough for what it has in hand, and no more than a part of
/// its time.
const WARNING: u64 = 300;
const PART_OF_TIME: u64 = 3;

/// What is written into the scripts.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// The program, by its whole path: a job does not have the submitter's.
    pub(crate) program: String,
    /// The folder in which the command was typed, so that paths in it mean the same.
    pub(crate) folder: String,
    /// The results folder, as typed.
    pub(crate) results: String,
    /// The folder of the scripts, as typed.
    pub(crate) scripts: String,
    /// A name for `squeue`.
    pub(crate) name: String,
    /// Tasks of the array.
    pub(crate) tasks: usize,
    /// How many of them may run at a time.
    pub(crate) at_a_time: Option<usize>,
    /// Options of `sweep`, each as words.
    pub(crate) options: Vec<Vec<String>>,
    /// Options of `sbatch`, each as words.
    pub(crate) sbatch: Vec<Vec<String>>,
}

/// Both scripts.
#[derive(Debug)]
pub(crate) struct Scripts {
    /// The array: a task for each share.
    pub(crate) job: String,
    /// What is done when its tasks have ended.
    pub(crate) summary: String,
}

impl Jobs {
    pub(crate) fn scripts(&self) -> Scripts {
        Scripts { job: self.job(), summary: self.summary() }
    }

    fn job(&self) -> String {
        let Jobs { tasks, .. } = self;
        let (results, script) = (quoted(&self.results), quoted(&self.scripts));
        let at_a_time = self.at_a_time.map_or(String::new(), |most| format!("%{most}"));
        let own = [
            ("--job-name", self.name.clone()),
            ("--array", format!("0-{}{at_a_time}", tasks - 1)),
            ("--requeue", String::new()),
            ("--open-mode", "append".to_owned()),
            ("--output", format!("{}/logs/%A_%a.txt", escaped(&self.scripts))),
            ("--signal", format!("B:USR1@{}", self.warning())),
        ];
        let sbatch = self.sbatch(&own);
        let mut sweep = format!("    {} sweep\n", quoted(&self.program));
        let mut options = self.options.clone();
        options.push(vec!["--out".to_owned(), self.results.clone()]);
        for option in options {
            // Writing to a string does not fail.
            let _ = writeln!(sweep, "    {}", in_shell(&option));
        }
        format!(
            r#"#!/bin/bash
# A sweep in {tasks} shares, a task for each; written by `causal-trace slurm`.
#
#   sbatch {script}/job.sh  # all tasks
#   sbatch --array=3,5 {script}/job.sh  # tasks 3 and 5 again
#   causal-trace status {results} --watch  # how far they are
#
# A task that is run again goes on where it stopped.

{sbatch}
sweep=(
{sweep}    --shard "$SLURM_ARRAY_TASK_ID/{tasks}"
)

# Told to end, the sweep saves what it has in hand. Slurm itself queues a task again that is preempted or whose node fails; a
# task whose time is nearly over asks for it.
end() {{
    told=yes
    [[ -z ${{task:-}} ]] || kill -TERM "$task"
}}
trap end TERM
trap 'again=yes; end' USR1
# In the background, so that this shell hears signals while it waits.
"${{sweep[@]}}" &
task=$!
[[ -z ${{told:-}} ]] || end
wait "$task"
while kill -0 "$task" 2>/dev/null; do wait "$task"; done
wait "$task"
code=$?
if [[ -n ${{again:-}} && $code -gt 128 ]]; then
    echo "told to end before anything was begun: the time limit is too short (--sbatch \"--time=…\")"
elif [[ -n ${{again:-}} && $code -ne 0 ]]; then
    # By both numbers: the number of an array's last task is also that of the whole array.
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"#
        )
    }

    fn summary(&self) -> String {
        let (program, results, scripts) =
            (quoted(&self.program), quoted(&self.results), quoted(&self.scripts));
        let own = [
            ("--job-name", format!("{}-summary", self.name)),
            ("--open-mode", "truncate".to_owned()),
            ("--output", format!("{}/summary.txt", escaped(&self.scripts))),
        ];
        let sbatch = self.sbatch(&own);
        format!(
            r#"#!/bin/bash
# What a sweep comes to, when the tasks of job.sh have ended; written by `causal-trace slurm`.

{sbatch}
# What dead workers left behind is moved aside, and so is what is damaged, to be computed again.
if ! {program} check {results} && ! {{ {program} check {results} --repair && {program} check {results}; }}; then
    {program} status {results}
    echo "When nothing is missing any more: sbatch" {scripts}/summary.sh
    exit 1
fi
set -e
{program} summary {results}
{program} summary {results} --json > {scripts}/summary.json
{program} figures {results} --out {scripts}/figures
"#
        )
    }

    /// How long before the end of its time a task is told, in seconds.
    fn warning(&self) -> u64 {
        let time = self.sbatch.iter().find_map(|words| {
            let (name, value) = words[0].split_once('=').unzip();
            match name.unwrap_or(&words[0]) {
                "--time" | "-t" => value.or(words.get(1).map(String::as_str)),
                other => other.strip_prefix("-t"),
            }
        });
        time.and_then(seconds).map_or(WARNING, |time| WARNING.min(time / PART_OF_TIME).max(1))
    }

    /// The lines for `sbatch`: ours, without what was given, and what was given.
    fn sbatch(&self, own: &[(&str, String)]) -> String {
        let folder = [("--chdir", self.folder.clone())];
        let is_given =
            |name: &str| self.sbatch.iter().any(|words| words.first().is_some_and(|word| sets(word, name)));
        let mut lines = String::new();
        for (name, value) in own.iter().chain(&folder).filter(|(name, _)| !is_given(name)) {
            let option = if value.is_empty() { (*name).to_owned() } else { format!("{name}={value}") };
            let _ = writeln!(lines, "#SBATCH {}", in_sbatch(&option));
        }
        for option in &self.sbatch {
            let words: Vec<_> = option.iter().map(|word| in_sbatch(word)).collect();
            let _ = writeln!(lines, "#SBATCH {}", words.join(" "));
        }
        lines
    }
}

/// Whether a word sets an option of `sbatch` that we would set.
fn sets(word: &str, name: &str) -> bool {
    word.split('=').next() == Some(name) || (name == "--job-name" && word.starts_with("-J"))
}

/// A time as Slurm takes it: minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes,
/// days-hours:minutes:seconds. `None` for what is none of these.
fn seconds(time: &str) -> Option<u64> {
    let (days, rest) = time.split_once('-').map_or((None, time), |(days, rest)| (Some(days), rest));
    let mut numbers = Vec::new();
    for number in rest.split(':') {
        numbers.push(number.parse::<u64>().ok()?);
    }
    let units: &[u64] = match (days, numbers.len()) {
        (None, 1) => &[60],
        (None, 2) => &[60, 1],
        (_, 1..=3) => &[3600, 60, 1],
        _ => return None,
    };
    let days = days.map_or(Some(0), |days| days.parse::<u64>().ok())?;
    let rest: u64 = numbers.iter().zip(units).map(|(number, unit)| number.saturating_mul(*unit)).sum();
    Some(days.saturating_mul(24 * 3600).saturating_add(rest))
}

/// A word of a line for `sbatch`, which knows quotes and comments, but nothing else of a shell.
fn in_sbatch(word: &str) -> Cow<'_, str> {
    let is_special = |c: char| c.is_whitespace() || "'\"\\#".contains(c);
    if word.is_empty() || word.contains(is_special) { quoted(word) } else { Cow::Borrowed(word) }
}

fn in_shell(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A path in a pattern of `sbatch`, where the percent sign begins a number.
fn escaped(path: &str) -> String {
    path.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn jobs() -> Jobs {
        Jobs {
            program: "/opt/my tools/causal-trace".to_owned(),
            folder: "/home/me".to_owned(),
            results: "results".to_owned(),
            scripts: "results/slurm".to_owned(),
            name: "causal-trace-results".to_owned(),
            tasks: 8,
            at_a_time: Some(2),
            options: vec![words("--model ./gpt2-xl"), words("--fresh-noise")],
            sbatch: vec![words("--partition=long"), words("-J mine")],
        }
    }

    #[test]
    fn the_array_has_a_task_for_each_share() {
        let script = jobs().scripts().job;
        for line in [
            "#SBATCH --array=0-7%2",
            "#SBATCH --requeue",
            "#SBATCH --partition=long",
            "#SBATCH -J mine",
            "#SBATCH --chdir=/home/me",
            "    '/opt/my tools/causal-trace' sweep",
            "    --model ./gpt2-xl",
            "    --fresh-noise",
            "    --out results",
            "    --shard \"$SLURM_ARRAY_TASK_ID/8\"",
        ] {
            assert!(script.lines().any(|found| found == line), "{line} is not in\n{script}");
        }
        assert!(!script.contains("--job-name"), "what is given replaces ours:\n{script}");
    }

    #[test]
    fn a_task_is_told_before_its_time_is_over() {
        let warning = |option: &str| Jobs { sbatch: vec![words(option)], ..jobs() }.warning();
        assert_eq!(warning("--partition=long"), WARNING);
        for long in ["--time=60", "-t 1:00:00", "--time 1-0", "-t16", "--time=UNLIMITED"] {
            assert_eq!(warning(long), WARNING, "{long}");
        }
        assert_eq!([warning("--time=6"), warning("-t 0:30"), warning("--time=0:0:1")], [120, 10, 1]);
        assert_eq!(seconds("1-2:3:4"), Some(93_784));
        assert_eq!([seconds("1-2-3"), seconds("x"), seconds("1:2:3:4"), seconds("")], [None; 4]);
    }

    #[test]
    fn percent_signs_of_paths_are_no_patterns() {
        let scripts = "50%/slurm".to_owned();
        let script = Jobs { scripts, ..jobs() }.scripts().job;
        assert!(script.contains("50%%/slurm/logs/%A_%a.txt"), "{script}");
    }
}
