//! A sweep as an array job of a real Slurm, with all that may happen to it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

mod cluster;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cluster::{AtWork, Cluster};
use support::{isolated, stderr, stdout, succeeds, tables};
use tempfile::tempdir;

const FACTS: &str = "400";
/// So that a task takes some seconds.
const SAMPLES: &str = "12";

/// The numbers of the jobs that `--submit` tells of.
fn submitted(cluster: &Cluster, folder: &Path) -> [String; 2] {
    let program = assert_cmd::cargo::cargo_bin!("causal-trace").display().to_string();
    let output = cluster
        .command(&program, folder)
        .args(["slurm", "results", "--limit", FACTS, "--samples", SAMPLES, "--array", "8", "--submit"])
        .args(["--sbatch", "--time=60 --cpus-per-task=1", "--claim-expiry", "5"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stdout(&output);
    let number = |after: &str| {
        let rest = said.split(after).nth(1).unwrap();
        rest.chars().take_while(char::is_ascii_digit).collect::<String>()
    };
    [number("submitted job "), number("and job ")]
}

#[test]
fn an_array_that_is_cancelled_killed_and_requeued_gives_the_tables_of_one_process() {
    let daemons = tempdir().unwrap();
    let Some(mut cluster) = Cluster::start(daemons.path()) else { return };
    let folder = tempdir().unwrap();
    let results = folder.path().join("results");
    succeeds(folder.path(), &["sweep", "--limit", FACTS, "--samples", SAMPLES, "--out", "whole"]);
    let whole = tables(&folder.path().join("whole"));

    let [array, summary] = submitted(&cluster, folder.path());
    let mut seen = Vec::new();
    // One that runs, and one that waits.
    let AtWork { task: cancelled, .. } = cluster.at_work(&array, &results, &mut seen);
    cluster.told("scancel", &[&format!("{array}_{cancelled}"), &format!("{array}_7")]);
    // As Slurm does before the end of its time, to the script alone.
    let AtWork { task: late, shell } = cluster.at_work(&array, &results, &mut seen);
    assert!(Command::new("kill").args(["-USR1", &shell.to_string()]).status().unwrap().success());
    // As one with a higher priority does.
    let AtWork { task: preempted, .. } = cluster.at_work(&array, &results, &mut seen);
    cluster.told("scontrol", &["requeue", &format!("{array}_{preempted}")]);
    // While a job's first run is still ending, Slurm would take its second for a duplicate, and drain the node.
    cluster
        .wait_until("no task is ending", |cluster| cluster.asked("squeue", &["-h", "-t", "CG"]).is_empty());
    // What was queued again waits for two minutes; an operator may let it begin.
    for task in [late, preempted] {
        let (job, now) = (format!("JobId={array}_{task}"), "StartTime=now");
        cluster.wait_until("it waits to begin again", |cluster| {
            let mut update = cluster.command("scontrol", folder.path());
            update.args(["update", &job, now]).output().unwrap().status.success()
        });
    }
    cluster.at_work(&array, &results, &mut seen);
    cluster.kill_node(Duration::from_secs(2));
    cluster.wait_for_jobs();

    // The summary's job found that two tasks are missing, and says how they are run again.
    let said = std::fs::read_to_string(results.join("slurm/summary.txt")).unwrap();
    let again = format!("sbatch --array={cancelled},7 results/slurm/job.sh");
    assert!(said.contains("missing") && said.contains(&again), "{said}");
    assert!(!results.join("slurm/summary.json").exists());
    let logs = |task: usize| {
        let log = results.join(format!("slurm/logs/{array}_{task}.txt"));
        std::fs::read_to_string(log).unwrap_or_default()
    };
    let saved = |task: usize| logs(task).contains("finishing and saving the part in hand");
    assert!(saved(cancelled), "{}", logs(cancelled));
    for task in [late, preempted] {
        let log = logs(task);
        assert!(saved(task) && log.contains("are there already"), "{task} did not go on: {log}");
    }

    let again = format!("--array={cancelled},7");
    let job = cluster.command("sbatch", folder.path()).args([&again, "results/slurm/job.sh"]).status();
    assert!(job.unwrap().success());
    cluster.wait_for_jobs();
    let job = cluster.command("sbatch", folder.path()).arg("results/slurm/summary.sh").status();
    assert!(job.unwrap().success());
    cluster.wait_for_jobs();

    succeeds(folder.path(), &["check", "results"]);
    assert!(tables(&results) == whole, "the tables of {array} differ from those of one process");
    succeeds(folder.path(), &["merge", "results", "--sorted", "--out", "merged"]);
    assert!(tables(&folder.path().join("merged")) == whole);
    let said = std::fs::read_to_string(results.join("slurm/summary.txt")).unwrap();
    assert!(said.contains(stdout(&succeeds(folder.path(), &["summary", "whole"])).trim()), "{said}");
    assert!(results.join("slurm/figures").is_dir() && summary != array);
}

#[test]
fn without_slurm_the_scripts_are_written_and_submitted_by_nobody() {
    let folder = tempdir().unwrap();
    let binary = assert_cmd::cargo::cargo_bin!("causal-trace");
    let mut command = isolated(Command::new(binary), folder.path());
    command.args(["slurm", "my results", "--array", "2", "--submit", "--limit", "8"]);
    let output = command.env("PATH", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("there is no sbatch on the path"), "{}", stderr(&output));
    support::fails(
        folder.path(),
        &["status", "my results"],
        1,
        &["no task has begun to work", "my results/slurm/logs"],
    );
    // Without Slurm the array's tasks are what the script says they are.
    for task in ["0", "1"] {
        let mut script = isolated(Command::new("bash"), folder.path());
        script.args(["my results/slurm/job.sh"]).env("SLURM_ARRAY_TASK_ID", task).env("SLURM_JOB_ID", "1");
        let output = script.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let output = succeeds(folder.path(), &["check", "my results"]);
    assert!(stdout(&output).contains("8 facts"), "{}", stdout(&output));
}

#[test]
fn what_no_task_could_do_is_refused_before_it_is_submitted() {
    let folder = tempdir().unwrap();
    let refused = |args: &[&str], code: i32, word: &str| {
        let slurm = [&["slurm", "results", "--array", "2"], args].concat();
        support::fails(folder.path(), &slurm, code, &[word]);
        assert!(!folder.path().join("results").exists(), "{args:?}");
    };
    refused(&["--facts", "nowhere.json"], 1, "nowhere.json");
    refused(&["--ids", "-5"], 1, "-5");
    refused(&["--sbatch", "--array=0-3"], 2, "--array");
    refused(&["--sbatch", "--arr=0-3"], 2, "--array");
    refused(&["--sbatch", "--partition=long\nrm -r ."], 1, "control character");
    refused(&["--sbatch", "-D /elsewhere"], 2, "--chdir");
    refused(&["--sbatch", "--partition=long -oall.txt"], 2, "--output");
    refused(&["--model", "./nowhere"], 1, "./nowhere");
    refused(&["--sbatch", "long"], 2, "long");
    refused(&["--sbatch", "--comment='open"], 2, "quotation mark");
    refused(&["--noise-stream", "rome", "--seed", "99999999999"], 2, "--seed");
    support::fails(folder.path(), &["slurm", "results", "--array", "0"], 2, &["--array"]);
    support::fails(folder.path(), &["status", "results"], 1, &["results"]);
    std::fs::create_dir(folder.path().join("notes")).unwrap();
    std::fs::write(folder.path().join("notes/mine.txt"), "").unwrap();
    support::fails(folder.path(), &["slurm", "notes", "--array", "2"], 1, &["mine.txt"]);
    succeeds(folder.path(), &["sweep", "--limit", "4", "--samples", "1", "--out", "results"]);
    let other = ["slurm", "results", "--array", "2", "--limit", "4", "--samples", "3"];
    support::fails(folder.path(), &other, 1, &["settings.corruption.samples"]);
    assert!(!folder.path().join("results/slurm").exists());
}
