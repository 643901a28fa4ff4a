//! Four workers on one folder, and everything that may befall them: killed, stopped for longer than their claims live,
//! asked to end, run twice, a full disk, a folder that becomes read-only, bytes that change, files that are cut short,
//! clocks that are wrong. Whatever happens, the end is the tables of one uninterrupted process.
//!
//! `CAUSAL_TRACE_FAULTS=100` runs so many schedules in place of a few; `CAUSAL_TRACE_FAULTS_SEED` the first one's seed.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of test functions")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use causal_trace_results::ResultsFolder;
use support::{causal_trace, isolated, stderr, succeeds, tables};
use tempfile::{TempDir, tempdir};

/// Schedules of an ordinary run of the tests.
const A_FEW: u64 = 4;
/// A sweep of a second or two.
const SWEEP: [&str; 12] = [
    "sweep",
    "--limit",
    "120",
    "--samples",
    "2",
    "--component",
    "all",
    "--threads",
    "1",
    "--claim-expiry",
    "1",
    "--out",
];
/// How long faults befall the workers: about as long as the sweep takes without any, and within these bounds.
const FAULTS: [Duration; 2] = [Duration::from_millis(1500), Duration::from_secs(8)];
/// A worker that has not ended by then never will.
const FOR_EVER: Duration = Duration::from_secs(120);
/// The number of the signal that asks a process to end.
const SIGTERM: i32 = 15;
/// The numeric id of a user without rights on most systems.
const NOBODY: u32 = 65_534;

/// Who works: the shares of four processes.
const CASTS: [[&str; 4]; 4] = [
    ["0/4", "1/4", "2/4", "3/4"],
    ["any", "any", "any", "any"],
    ["0/2", "0/2", "1/2", "1/2"],
    ["0/1", "0/1", "0/3", "any"],
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Kill,
    Stop,
    Terminate,
    DoubleRun,
    FullDisk,
    ReadOnly,
    Corrupt,
    Truncate,
    SkewedClock,
}

const KINDS: [Fault; 9] = [
    Fault::Kill,
    Fault::Stop,
    Fault::Terminate,
    Fault::DoubleRun,
    Fault::FullDisk,
    Fault::ReadOnly,
    Fault::Corrupt,
    Fault::Truncate,
    Fault::SkewedClock,
];

/// SplitMix64: the same schedule for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        if things.is_empty() { None } else { things.get(self.below(things.len())) }
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.next() % (to - from))
    }
}

/// What this machine and user allow.
struct Means {
    /// Workers run as a user who may be refused something: root never is.
    as_nobody: bool,
    /// A small disk can be made.
    disks: bool,
    /// How long faults befall the workers.
    faults: Duration,
}

impl Means {
    fn found(folder: &Path, sweep: Duration) -> Self {
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let runs = || {
            let mut command = isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder);
            command.uid(NOBODY).arg("--version").output().is_ok_and(|output| output.status.success())
        };
        let as_nobody = is_root && runs();
        let disks = is_root && Disk::new(folder, 1 << 20).is_some();
        Means { as_nobody, disks, faults: sweep.clamp(FAULTS[0], FAULTS[1]) }
    }

    /// Why a kind of fault cannot be had here.
    fn refuses(&self, fault: Fault) -> Option<&'static str> {
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        match fault {
            Fault::FullDisk if !self.disks => Some("a small disk needs root, who may mount one"),
            Fault::ReadOnly if is_root && !self.as_nobody => {
                Some("workers run as root, whom nothing refuses")
            }
            _ => None,
        }
    }
}

/// A small file system of its own, unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    fn new(folder: &Path, bytes: u64) -> Option<Self> {
        let path = folder.join("disk");
        fs::create_dir_all(&path).ok()?;
        let size = format!("size={bytes},mode=0777");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Disk(path))
    }

    /// Leaves no byte free until the file that is given is removed.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A share, and the processes that do it.
struct Worker {
    share: &'static str,
    child: Child,
    /// Stopped until then.
    stopped: Option<Instant>,
}

/// A schedule at work.
struct Stage<'a> {
    root: &'a TempDir,
    home: PathBuf,
    means: &'a Means,
    log: PathBuf,
    workers: Vec<Worker>,
    counts: BTreeMap<Fault, usize>,
}

impl Stage<'_> {
    fn results(&self) -> PathBuf {
        self.home.join("results")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command =
            isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), self.root.path());
        if self.means.as_nobody {
            command.uid(NOBODY);
        }
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    fn start(&mut self, share: &'static str) {
        let results = self.results();
        let args = [&SWEEP[..], &[results.to_str().unwrap(), "--shard", share]].concat();
        let child = self.command(&args).spawn().unwrap();
        self.workers.push(Worker { share, child, stopped: None });
    }

    /// Sends a signal to a process, which may have ended but is not waited for yet, so that its number is its own.
    fn send(&self, worker: usize, signal: &str) {
        let id = self.workers[worker].child.id().to_string();
        let _ = Command::new("kill").args([signal, &id]).stderr(Stdio::null()).status();
    }

    /// Some file of the results, of one of these folders in it.
    fn some_file(&self, random: &mut Random, folders: &[&str]) -> Option<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        for folder in folders {
            let Ok(entries) = fs::read_dir(self.results().join(folder)) else { continue };
            files.extend(entries.map(|entry| entry.unwrap().path()));
        }
        files.extend([self.results().join("plan.json")].into_iter().filter(|_| folders.len() > 1));
        files.sort();
        random.of(&files).cloned()
    }

    fn befall(&mut self, fault: Fault, random: &mut Random, disk: Option<&Disk>) {
        if let (Fault::FullDisk, None) = (fault, disk) {
            return;
        }
        *self.counts.entry(fault).or_default() += 1;
        let worker = random.below(self.workers.len());
        match fault {
            Fault::Kill => {
                // Not in the list any more: its number may soon be another process's.
                let mut worker = self.workers.swap_remove(worker);
                let _ = worker.child.kill();
                let _ = worker.child.wait();
                // The others go on without it, or it is begun again; somebody must be there for the next fault.
                if self.workers.is_empty() || random.below(2) == 0 {
                    self.start(worker.share);
                }
            }
            Fault::Stop => {
                self.send(worker, "-STOP");
                self.workers[worker].stopped = Some(Instant::now() + random.millis(100, 2500));
            }
            Fault::Terminate => self.send(worker, "-TERM"),
            Fault::DoubleRun => {
                let share = self.workers[worker].share;
                self.start(share);
            }
            Fault::FullDisk => {
                let filler = disk.unwrap().fill();
                std::thread::sleep(random.millis(50, 400));
                fs::remove_file(filler).unwrap();
            }
            Fault::ReadOnly => {
                self.allow(0o555);
                std::thread::sleep(random.millis(50, 400));
                self.allow(0o755);
            }
            Fault::Corrupt | Fault::Truncate => {
                let folders = ["prompts", "sites", "parts", "claims", "failures", "shards"];
                if let Some(path) = self.some_file(random, &folders) {
                    damage(&path, fault, random);
                }
            }
            Fault::SkewedClock => {
                if let Some(path) = self.some_file(random, &["claims"]) {
                    let day = Duration::from_secs(86_400);
                    let now = SystemTime::now();
                    let date = if random.below(2) == 0 { now + day } else { now - day };
                    let _ = File::options().write(true).open(path).and_then(|file| file.set_modified(date));
                }
            }
        }
    }

    /// Who may write the folder and those in it.
    fn allow(&self, mode: u32) {
        let folders = ["", "prompts", "sites", "parts", "claims", "failures", "shards"];
        for folder in folders.map(|name| self.results().join(name)).iter().filter(|folder| folder.is_dir()) {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    fn continue_those_whose_time_has_come(&mut self, now: Instant) {
        for worker in 0..self.workers.len() {
            if self.workers[worker].stopped.is_some_and(|until| until <= now) {
                self.send(worker, "-CONT");
                self.workers[worker].stopped = None;
            }
        }
    }

    /// Waits for every process; whether all of them are done without an error.
    fn wait(&mut self, told: &str) -> bool {
        let start = Instant::now();
        let mut all_well = true;
        while let Some(mut worker) = self.workers.pop() {
            let status = loop {
                self.continue_those_whose_time_has_come(Instant::now());
                if worker.stopped.is_some_and(|until| until <= Instant::now()) {
                    let id = worker.child.id().to_string();
                    let _ = Command::new("kill").args(["-CONT", &id]).status();
                    worker.stopped = None;
                }
                match worker.child.try_wait().unwrap() {
                    Some(status) => break status,
                    None if start.elapsed() > FOR_EVER => {
                        let _ = worker.child.kill();
                        panic!("{told}: shard {} does not end\n{}", worker.share, self.said());
                    }
                    None => std::thread::sleep(Duration::from_millis(20)),
                }
            };
            // Done, or failed in words, or asked to end before it could listen.
            let (code, signal) = (status.code(), status.signal());
            let is_expected = matches!(code, Some(0 | 1)) || signal == Some(SIGTERM);
            assert!(is_expected, "{told}: {status}\n{}", self.said());
            all_well &= code == Some(0);
        }
        all_well
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

fn damage(path: &Path, fault: Fault, random: &mut Random) {
    // The file may have got another name, or none, by now.
    let Ok(mut bytes) = fs::read(path) else { return };
    if bytes.is_empty() || path.is_symlink() {
        return;
    }
    let place = random.below(bytes.len());
    match fault {
        Fault::Truncate => bytes.truncate(place),
        _ => bytes[place] ^= 1 << random.below(8),
    }
    if let Ok(mut file) = File::options().write(true).truncate(true).open(path) {
        let _ = file.write_all(&bytes);
    }
}

/// What is wrong at the end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    lost: usize,
    duplicated: usize,
    wrong: usize,
}

fn tally(expected: &Path, results: &Path) -> Tally {
    let ids = |path: &Path| -> Vec<i64> {
        let folder = ResultsFolder::open(path).unwrap();
        folder.prompts().map(|record| record.unwrap().fact.known_id).collect()
    };
    let (whole, found) = (ids(expected), ids(results));
    let there: BTreeSet<i64> = found.iter().copied().collect();
    let bytes = |path: &Path| -> BTreeMap<String, Vec<u8>> { tables(path).into_iter().collect() };
    let (right, ours) = (bytes(expected), bytes(results));
    let names: BTreeSet<&String> = right.keys().chain(ours.keys()).collect();
    Tally {
        lost: whole.iter().filter(|id| !there.contains(id)).count(),
        duplicated: found.len() - there.len(),
        wrong: names.into_iter().filter(|&name| right.get(name) != ours.get(name)).count(),
    }
}

/// One schedule: faults for a while, then what a person would do until the sweep is done.
fn plays(seed: u64, whole: &Path, means: &Means, counts: &mut BTreeMap<Fault, usize>) -> Tally {
    let mut random = Random(seed);
    let root = tempdir().unwrap();
    let size =
        3 * tables(whole).iter().map(|(_, bytes)| bytes.len().next_multiple_of(4096) as u64).sum::<u64>();
    let disk =
        (means.disks && random.below(3) == 0).then(|| Disk::new(root.path(), size + (2 << 20)).unwrap());
    let home = disk.as_ref().map_or_else(|| root.path().to_owned(), |disk| disk.0.clone());
    if means.as_nobody {
        std::os::unix::fs::chown(root.path(), Some(NOBODY), None).unwrap();
    }
    let log = root.path().join("log");
    let mut stage = Stage { root: &root, home, means, log, workers: Vec::new(), counts: BTreeMap::new() };
    let told = format!("seed {seed}");
    let cast = CASTS[random.below(CASTS.len())];
    cast.into_iter().for_each(|share| stage.start(share));
    let end = Instant::now() + means.faults;
    let kinds: Vec<Fault> = KINDS.into_iter().filter(|fault| means.refuses(*fault).is_none()).collect();
    while Instant::now() < end {
        std::thread::sleep(random.millis(10, 400));
        stage.continue_those_whose_time_has_come(Instant::now());
        // On a disk of its own every third fault is that it is full.
        let fault = if disk.is_some() && random.below(3) == 0 {
            Fault::FullDisk
        } else {
            *random.of(&kinds).unwrap()
        };
        if fault != Fault::DoubleRun || stage.workers.len() < 7 {
            stage.befall(fault, &mut random, disk.as_ref());
        }
    }
    let mut rounds = 0;
    stage.wait(&told);
    loop {
        // Everybody again, until all are done; what is damaged is put right first.
        assert!(rounds < 5, "{told}: not done after {rounds} rounds\n{}", stage.said());
        rounds += 1;
        let results = stage.results();
        if results.join("manifest.json").exists() {
            let repair = ["check", results.to_str().unwrap(), "--repair", "--claim-expiry", "1"];
            let repaired = stage.command(&repair).status().unwrap();
            assert_eq!(repaired.code(), Some(0), "{told}: {}", stage.said());
        }
        cast.into_iter().for_each(|share| stage.start(share));
        if stage.wait(&told) {
            break;
        }
    }
    // Claims of the dead are allowed to be there; nothing else is wrong.
    let results = stage.results();
    let check = causal_trace(root.path(), &["check", results.to_str().unwrap(), "--json"]);
    assert_eq!(check.status.code(), Some(0), "{told}: {}{}", stderr(&check), stage.said());
    for (fault, n) in &stage.counts {
        *counts.entry(*fault).or_default() += n;
    }
    tally(whole, &results)
}

#[test]
fn whatever_befalls_four_workers_nothing_is_lost_doubled_or_wrong() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (n, first) =
        (number("CAUSAL_TRACE_FAULTS").unwrap_or(A_FEW), number("CAUSAL_TRACE_FAULTS_SEED").unwrap_or(1));
    let folder = tempdir().unwrap();
    let start = Instant::now();
    succeeds(folder.path(), &[&SWEEP[..], &["whole"]].concat());
    println!("one uninterrupted process: {:.1} s", start.elapsed().as_secs_f64());
    let means = Means::found(folder.path(), start.elapsed());
    for fault in KINDS {
        if let Some(why) = means.refuses(fault) {
            println!("skipped: {fault:?}: {why}");
        }
    }
    let (mut counts, mut sum) = (BTreeMap::new(), Tally::default());
    let start = Instant::now();
    for seed in first..first + n {
        let tally = plays(seed, &folder.path().join("whole"), &means, &mut counts);
        if tally != Tally::default() || n > A_FEW {
            println!("seed {seed}: {tally:?}");
        }
        sum.lost += tally.lost;
        sum.duplicated += tally.duplicated;
        sum.wrong += tally.wrong;
    }
    let Tally { lost, duplicated, wrong } = sum;
    println!("{n} schedules from seed {first} on in {:.0} s: {counts:?}", start.elapsed().as_secs_f64());
    println!("{lost} prompts lost, {duplicated} duplicated, {wrong} tables wrong");
    assert_eq!(sum, Tally::default());
}
