//! Several workers in one folder.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use causal_trace_results::{CLAIM_EXPIRY, Claims, FolderWriter, Holder, Plan, SlurmTask, Worker};
use tempfile::{TempDir, tempdir};

use crate::common::{complete, files, manifest, numbers, part, records, says, traced};

const SOON: Duration = Duration::from_millis(800);

/// A worker on some machine.
fn worker(id: &str, host: &str) -> Worker {
    Worker { id: id.to_owned(), host: host.to_owned(), ..Worker::here(None, None, "tests") }
}

fn claims(folder: &TempDir, id: &str, expiry: Duration) -> Claims {
    Claims::open(folder.path(), worker(id, &format!("host of {id}")), expiry).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("claims")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn dated(path: &Path, time: SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_part_is_claimed_by_one_worker_until_it_gives_it_up() {
    let folder = tempdir().unwrap();
    let (first, mut second) = (claims(&folder, "a", CLAIM_EXPIRY), claims(&folder, "b", CLAIM_EXPIRY));
    let claim = first.take(5).unwrap().unwrap();
    assert_eq!(claim.part(), 5);
    assert!(second.take(5).unwrap().is_none());
    assert_eq!(second.ask(5).unwrap(), Holder::Living);
    assert!(second.take(6).unwrap().is_some(), "another part is free");
    assert_eq!(names(folder.path()), ["part-00005.json"], "the claim on part 6 was dropped");
    drop(claim);
    assert_eq!(second.ask(5).unwrap(), Holder::Nobody);
    assert!(second.take(5).unwrap().is_some());
}

#[test]
fn of_many_that_ask_at_once_one_gets_the_part() {
    let folder = tempdir().unwrap();
    let held = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|id| {
                let claims = claims(&folder, &id.to_string(), CLAIM_EXPIRY);
                scope.spawn(move || claims.take(0).unwrap())
            })
            .collect();
        asking.into_iter().filter_map(|claim| claim.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(held.len(), 1);
    assert_eq!(names(folder.path()), ["part-00000.json"]);
}

#[test]
fn a_claim_without_a_beat_expires_by_the_clock_of_the_files() {
    let folder = tempdir().unwrap();
    let (first, mut second) = (claims(&folder, "a", CLAIM_EXPIRY), claims(&folder, "b", CLAIM_EXPIRY));
    let mut claim = first.take(5).unwrap().unwrap();
    let path = folder.path().join("claims/part-00005.json");
    dated(&path, SystemTime::now() - 2 * CLAIM_EXPIRY);
    claim.beat();
    assert_eq!(second.ask(5).unwrap(), Holder::Living, "a beat gives it a new date");
    dated(&path, SystemTime::now() - 2 * CLAIM_EXPIRY);
    let Holder::Cleared(Some(gone)) = second.ask(5).unwrap() else { panic!("it has expired") };
    assert_eq!(gone.id, "a");
    let taken = second.take(5).unwrap().unwrap();
    // The first one was only slow. It may beat and give up what is no longer its own.
    claim.beat();
    drop(claim);
    assert_eq!(names(folder.path()), ["part-00005.json"]);
    assert!(fs::read_to_string(&path).unwrap().contains("host of b"));
    drop(taken);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_claim_from_the_future_expires_when_it_is_seen_not_to_change() {
    let folder = tempdir().unwrap();
    let (first, mut second) = (claims(&folder, "a", SOON), claims(&folder, "b", SOON));
    let mut claim = first.take(5).unwrap().unwrap();
    let path = folder.path().join("claims/part-00005.json");
    let skewed = || dated(&path, SystemTime::now() + Duration::from_secs(86_400));
    skewed();
    for _ in 0..8 {
        assert_eq!(second.ask(5).unwrap(), Holder::Living);
        std::thread::sleep(SOON / 4);
        claim.beat();
        skewed();
    }
    assert_eq!(second.ask(5).unwrap(), Holder::Living);
    std::thread::sleep(SOON);
    assert!(matches!(second.ask(5).unwrap(), Holder::Cleared(_)));
}

#[test]
fn a_claim_that_cannot_be_read_expires_too() {
    let folder = tempdir().unwrap();
    let mut claims = claims(&folder, "a", SOON);
    fs::write(folder.path().join("claims/part-00003.json"), "{\"par").unwrap();
    assert_eq!(claims.ask(3).unwrap(), Holder::Living);
    std::thread::sleep(SOON);
    assert_eq!(claims.ask(3).unwrap(), Holder::Cleared(None));
    assert!(claims.take(3).unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn a_worker_that_died_on_this_machine_is_known_to_be_dead() {
    let folder = tempdir().unwrap();
    let here = |id| Claims::open(folder.path(), worker(id, "this machine"), CLAIM_EXPIRY).unwrap();
    let claim = here("a").take(5).unwrap().unwrap();
    assert_eq!(here("b").ask(5).unwrap(), Holder::Living, "its lock is held");
    // The same file without the process that held its lock.
    let text = fs::read(folder.path().join("claims/part-00005.json")).unwrap();
    drop(claim);
    fs::write(folder.path().join("claims/part-00005.json"), text).unwrap();
    let elsewhere = claims(&folder, "c", CLAIM_EXPIRY).ask(5).unwrap();
    assert_eq!(elsewhere, Holder::Living, "another machine cannot know");
    assert!(matches!(here("b").ask(5).unwrap(), Holder::Cleared(Some(_))));
}

#[test]
fn a_requeued_job_knows_that_its_earlier_run_has_ended() {
    let folder = tempdir().unwrap();
    let run = |job: &str, restarts| {
        let slurm = SlurmTask { job: job.to_owned(), array_job: None, array_task: None, restarts };
        let host = format!("node {job} {restarts}");
        let worker = Worker { slurm: Some(slurm), ..worker(&host, &host) };
        Claims::open(folder.path(), worker, CLAIM_EXPIRY).unwrap()
    };
    let claim = run("17", 0).take(5).unwrap().unwrap();
    assert_eq!(run("18", 1).ask(5).unwrap(), Holder::Living);
    assert_eq!(run("17", 0).ask(5).unwrap(), Holder::Living);
    assert!(matches!(run("17", 1).ask(5).unwrap(), Holder::Cleared(_)));
    drop(claim);
}

#[test]
fn workers_that_agree_write_one_folder_together() {
    let (folder, whole) = (tempdir().unwrap(), tempdir().unwrap());
    let manifest = manifest(&[4, 3, 2, 5, 1, 3]);
    complete(whole.path(), &manifest);
    std::thread::scope(|scope| {
        for first in 0..4 {
            let (folder, manifest) = (&folder, &manifest);
            scope.spawn(move || {
                let mut writer = FolderWriter::create(folder.path(), manifest).unwrap();
                // Without claims: every part by everybody, in another order.
                for index in (first..6).chain(0..first) {
                    writer.write_part(index, &part(index, manifest.parts[index])).unwrap();
                }
            });
        }
    });
    assert_eq!(files(folder.path()), files(whole.path()));
}

#[test]
fn the_first_marker_counts_and_other_numbers_are_refused() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[2]);
    let mut writers = [0, 1].map(|_| FolderWriter::begin(folder.path(), &manifest).unwrap());
    let (ours, mut theirs) = ([traced(5, 4), traced(6, 3)], [traced(5, 4), traced(6, 3)]);
    numbers(&mut theirs[1]).grids[0].patched[2] += 1e-3;
    writers[0].write_part(0, &ours).unwrap();
    let before = files(folder.path());
    says(
        writers[1].write_part(0, &theirs),
        &["part 0", "1 of 2 facts (fact 6 first), by 1.0e-3", "kept", "CAUSAL_TRACE_ISA"],
    );
    assert_eq!(files(folder.path()), before);
}

/// Tables of other numbers, of a worker that died before it could write its marker, are replaced.
#[test]
fn what_a_dead_worker_left_does_not_count() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[1]);
    FolderWriter::begin(folder.path(), &manifest).unwrap().write_part(0, &[traced(5, 4)]).unwrap();
    fs::remove_file(folder.path().join("parts/part-00000.json")).unwrap();
    let mut other = traced(5, 4);
    numbers(&mut other).grids[0].patched[2] += 1e-3;
    let mut writer = FolderWriter::begin(folder.path(), &manifest).unwrap();
    writer.write_part(0, std::slice::from_ref(&other)).unwrap();
    assert_eq!(records(folder.path()).unwrap(), [other]);
}

/// Workers whose numbers differ, without claims, as fast as they can: the folder is consistent at every end.
#[test]
fn workers_that_disagree_leave_a_folder_that_agrees_with_itself() {
    let manifest = manifest(&[1]);
    let mut refused = 0;
    for _ in 0..40 {
        let folder = tempdir().unwrap();
        let outcomes: Vec<bool> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|worker| {
                    let (folder, manifest) = (&folder, &manifest);
                    scope.spawn(move || {
                        let mut record = traced(5, 4);
                        numbers(&mut record).grids[0].patched[2] += 1e-3 * f64::from(worker);
                        let mut writer = FolderWriter::begin(folder.path(), manifest).unwrap();
                        writer.write_part(0, &[record]).is_ok()
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        refused += outcomes.iter().filter(|is_ok| !**is_ok).count();
        // Complete with somebody's numbers, or absent; never damaged.
        assert!(records(folder.path()).unwrap().len() <= 1);
    }
    assert!(refused > 0);
}

#[test]
fn one_plan_counts_for_all() {
    let folder = tempdir().unwrap();
    let writer = FolderWriter::begin(folder.path(), &manifest(&[1, 1])).unwrap();
    let plan = |costs: [f64; 2]| Plan { unit: "operations".to_owned(), costs: costs.to_vec() };
    assert_eq!(writer.settle_plan(plan([1.5, 2.0])).unwrap(), plan([1.5, 2.0]));
    assert_eq!(writer.settle_plan(plan([7.0, 7.0])).unwrap(), plan([1.5, 2.0]), "the first one stays");
    fs::write(folder.path().join("plan.json"), "{").unwrap();
    assert_eq!(writer.settle_plan(plan([7.0, 7.0])).unwrap(), plan([7.0, 7.0]), "a damaged one does not");
}

#[test]
fn what_living_workers_are_just_writing_is_left_alone() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[1]);
    FolderWriter::begin(folder.path(), &manifest).unwrap();
    let claim = claims(&folder, "slow", CLAIM_EXPIRY).take(0).unwrap();
    let old = SystemTime::now() - 2 * CLAIM_EXPIRY;
    let [theirs, nobodys, young] = ["slow.3", "dead.3", "young.3"]
        .map(|name| folder.path().join(format!("sites/.part-00000.parquet.{name}.tmp")));
    for (path, date) in [(&theirs, old), (&nobodys, old), (&young, SystemTime::now())] {
        fs::write(path, "PAR1").unwrap();
        dated(path, date);
    }
    FolderWriter::begin(folder.path(), &manifest).unwrap();
    assert!(theirs.exists() && young.exists() && !nobodys.exists());
    drop(claim);
}
