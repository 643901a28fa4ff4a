//! Sweeps that are killed, interrupted, started twice, or that run out of disk: nothing complete is lost, and the
//! continued sweep ends with the bytes of an uninterrupted one.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use causal_trace_results::ResultsFolder;
use support::{fails, isolated, stderr, succeeds, tables};
use tempfile::tempdir;

const SWEEP: [&str; 9] =
    ["sweep", "--limit", "160", "--samples", "4", "--component", "all", "--threads", "1"];

fn sweep(out: &str) -> Vec<&str> {
    [&SWEEP[..], &["--out", out]].concat()
}

fn started(folder: &Path, args: &[&str]) -> Child {
    isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn complete_parts(results: &Path) -> usize {
    let is_marker = |entry: &std::fs::DirEntry| !entry.file_name().to_string_lossy().starts_with('.');
    let entries = std::fs::read_dir(results.join("parts"));
    entries.map_or(0, |entries| entries.filter(|entry| is_marker(entry.as_ref().unwrap())).count())
}

/// How many parts there will be.
fn all_parts(results: &Path) -> usize {
    ResultsFolder::open(results).unwrap().manifest().parts.len()
}

/// Sends a signal by its name to a running sweep.
fn send(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

#[test]
fn a_sweep_killed_twenty_times_ends_with_the_same_bytes() {
    let folder = tempdir().unwrap();
    let start = Instant::now();
    succeeds(folder.path(), &sweep("whole"));
    let whole = start.elapsed();
    let killed = folder.path().join("killed");
    // SplitMix64: the moments are spread, and the same in every run of the test.
    let mut state = 7u64;
    let mut moment = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 40) as f64 / (1u64 << 24) as f64
    };
    let expected = tables(&folder.path().join("whole"));
    let (mut kills, mut complete, mut finished) = (0, 0, 0);
    while kills < 20 {
        let mut child = started(folder.path(), &sweep("killed"));
        std::thread::sleep(whole.mul_f64(0.3 * moment()));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            // It was done before the moment came: as it should be, and another one is begun.
            assert_eq!(differing(&killed, &expected), [""; 0], "after {kills} kills");
            std::fs::remove_dir_all(&killed).unwrap();
            (complete, finished) = (0, finished + 1);
            continue;
        }
        kills += 1;
        let now = complete_parts(&killed);
        assert!(now >= complete, "a complete part was lost: {now} of {complete} are left");
        complete = now;
    }
    println!("{kills} kills, {finished} sweeps finished between them, {complete} parts at the end");
    succeeds(folder.path(), &sweep("killed"));
    assert_eq!(differing(&killed, &expected), [""; 0]);
}

/// The tables that are not as expected. A file that a killed process had begun stays for two minutes, under a hidden name.
fn differing(results: &Path, expected: &[(String, Vec<u8>)]) -> Vec<String> {
    let found: BTreeMap<String, Vec<u8>> =
        tables(results).into_iter().filter(|(name, _)| !name.contains("/.")).collect();
    let expected: BTreeMap<String, Vec<u8>> = expected.iter().cloned().collect();
    let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let differs = |name: &&&String| found.get(**name) != expected.get(**name);
    names.iter().filter(differs).map(|name| (*name).clone()).collect()
}

#[test]
fn ctrl_c_saves_the_part_in_hand() {
    let folder = tempdir().unwrap();
    let mut child = started(folder.path(), &sweep("results"));
    let results = folder.path().join("results");
    while complete_parts(&results) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "the sweep ended before it could be interrupted");
        std::thread::sleep(Duration::from_millis(5));
    }
    send(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("interrupted") && message.contains("the same command goes on"), "{message}");
    let (saved, all) = (complete_parts(&results), all_parts(&results));
    assert!((1..all).contains(&saved), "{saved} of {all} parts");
    assert_eq!(std::fs::read_dir(results.join("claims")).unwrap().count(), 0, "its claims are given up");
    let again = succeeds(folder.path(), &sweep("results"));
    let told = format!("{saved} of {all} parts are there already");
    assert!(stderr(&again).contains(&told), "{}", stderr(&again));
    succeeds(folder.path(), &sweep("whole"));
    assert_eq!(tables(&results), tables(&folder.path().join("whole")));
}

#[test]
fn two_sweeps_in_one_folder_share_the_work() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &sweep("whole"));
    let mut children = [(); 2].map(|()| started(folder.path(), &sweep("results")));
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let results = folder.path().join("results");
    assert!(tables(&results) == tables(&folder.path().join("whole")));
    assert_eq!(std::fs::read_dir(results.join("claims")).unwrap().count(), 0, "all claims are given up");
}

#[test]
fn a_worker_that_stands_still_is_not_waited_for_for_ever() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &sweep("whole"));
    let expires = ["--claim-expiry", "1"];
    let mut child = started(folder.path(), &[&sweep("results")[..], &expires].concat());
    let results = folder.path().join("results");
    while complete_parts(&results) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    send(&child, "-STOP");
    let other = succeeds(folder.path(), &[&sweep("results")[..], &expires].concat());
    let whole = tables(&folder.path().join("whole"));
    // Whoever stands still in the middle of a file has it half written, under a hidden name.
    let mut others = tables(&results);
    others.retain(|(name, _)| !name.contains("/."));
    assert!(others == whole);
    let message = stderr(&other);
    if message.contains("waiting") {
        assert!(message.contains("is gone"), "{message}");
    }
    // It goes on where it stood, finds that others have done its work, and disturbs nothing.
    send(&child, "-CONT");
    assert!(child.wait().unwrap().success());
    assert!(tables(&results) == whole);
}

#[test]
fn a_full_disk_leaves_the_complete_parts() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &sweep("whole"));
    let whole = tables(&folder.path().join("whole"));
    let largest = whole.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
    // A limit on the size of files stands in for a full disk: the write fails in the middle of a part.
    let binary = assert_cmd::cargo::cargo_bin!("causal-trace");
    let blocks = (largest - 1) / 512;
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let output = isolated(Command::new("sh"), folder.path())
        .args(["-c", &script, binary.to_str().unwrap()])
        .args(sweep("results"))
        .output()
        .unwrap();
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("results/sites") && message.lines().count() <= 2, "{message}");
    let results = folder.path().join("results");
    let left: Vec<String> = tables(&results).into_iter().map(|(name, _)| name).collect();
    assert!(left.iter().all(|name| !name.contains("/.")), "half a file is left: {left:?}");
    succeeds(folder.path(), &sweep("results"));
    assert_eq!(tables(&results), whole);
}

#[test]
fn damaged_parts_are_named_and_the_others_stay() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &sweep("results"));
    let results = folder.path().join("results");
    let whole = tables(&results);
    let victim = results.join("sites/part-00003.parquet");
    let bytes = std::fs::read(&victim).unwrap();
    let mut altered = bytes.clone();
    altered[bytes.len() / 2] ^= 1;
    for damaged in [&bytes[..bytes.len() / 2], &altered, b""] {
        std::fs::write(&victim, damaged).unwrap();
        for command in [
            &sweep("results")[..],
            &["summary", "results"],
            &["export", "results", "--to", "json", "--out", "x"],
        ] {
            fails(folder.path(), command, 1, &["part-00003"]);
        }
    }
    std::fs::remove_file(&victim).unwrap();
    fails(folder.path(), &["summary", "results"], 1, &["part-00003"]);
    // What the message says to do.
    std::fs::remove_file(results.join("parts/part-00003.json")).unwrap();
    succeeds(folder.path(), &sweep("results"));
    assert_eq!(tables(&results), whole);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_the_work() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    fails(folder.path(), &sweep("file"), 1, &["file"]);
    fails(folder.path(), &sweep("file/results"), 1, &["file/results"]);
    // Nobody may create files there, root included.
    fails(folder.path(), &sweep("/proc/results"), 1, &["/proc/results"]);
}

/// The numeric id of a user without rights on most systems.
const NOBODY: u32 = 65_534;

#[test]
fn a_read_only_folder_is_read_and_not_written() {
    let folder = tempdir().unwrap();
    succeeds(folder.path(), &["sweep", "--limit", "20", "--samples", "2", "--out", "results"]);
    let results = folder.path().join("results");
    // A part is missing, so that there is something to do.
    std::fs::remove_file(results.join("parts/part-00001.json")).unwrap();
    let before = tables(&results);
    let allow = |mode: &str| {
        assert!(Command::new("chmod").args(["-R", mode]).arg(folder.path()).status().unwrap().success());
    };
    allow("a+rX,a-w");
    let as_nobody = |args: &[&str]| {
        let mut command =
            isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder.path());
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        if is_root {
            command.uid(NOBODY);
        }
        command.args(args).output()
    };
    match as_nobody(&["--version"]) {
        Ok(output) if output.status.success() => {
            let read = as_nobody(&["summary", "results"]).unwrap();
            assert!(read.status.success(), "{}", stderr(&read));
            let refused =
                as_nobody(&["sweep", "--limit", "20", "--samples", "2", "--out", "results"]).unwrap();
            assert_eq!(refused.status.code(), Some(1));
            let message = stderr(&refused);
            assert!(message.contains("results") && message.contains("Permission denied"), "{message}");
        }
        _ => println!("skipped: the program cannot be run as another user than root"),
    }
    allow("u+w");
    assert_eq!(tables(&results), before);
}
