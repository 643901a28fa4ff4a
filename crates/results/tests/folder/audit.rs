//! Everything that is wrong is found, and put right so that the same sweep ends with the same bytes.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use causal_trace_results::{CLAIM_EXPIRY, Claims, Fault, Finding, ResultsFolder, Worker};
use tempfile::tempdir;

use crate::common::{complete, files, three_parts};

fn audit(folder: &Path) -> Vec<Finding> {
    ResultsFolder::open(folder).unwrap().audit(CLAIM_EXPIRY).unwrap()
}

fn old(path: &Path) {
    let hour = Duration::from_secs(3600);
    fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - hour).unwrap();
}

/// Does something to a complete folder, which must be found to be that; repaired and continued it is as it was.
fn is_found(damage: impl Fn(&Path), faults: &[Fault], reason: &str) {
    let (whole, folder) = (tempdir().unwrap(), tempdir().unwrap());
    let manifest = three_parts(whole.path());
    complete(folder.path(), &manifest);
    assert_eq!(audit(folder.path()), []);
    damage(folder.path());
    let before = files(folder.path());
    let findings = audit(folder.path());
    assert_eq!(files(folder.path()), before, "nothing is changed");
    assert_eq!(findings.iter().map(|finding| finding.fault).collect::<Vec<_>>(), faults, "{findings:?}");
    assert!(findings[0].reason.contains(reason), "{findings:?}");
    let results = ResultsFolder::open(folder.path()).unwrap();
    let aside = results.set_aside(&findings).unwrap();
    let kept = files(folder.path()).into_values().collect::<Vec<_>>();
    assert!(before.values().all(|bytes| kept.contains(bytes)), "nothing is deleted");
    complete(folder.path(), &manifest);
    if let Some(aside) = aside {
        assert!(aside.starts_with(folder.path().join("damaged")));
        fs::remove_dir_all(folder.path().join("damaged")).unwrap();
    }
    assert_eq!(audit(folder.path()), []);
    assert_eq!(files(folder.path()), files(whole.path()));
}

fn change(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

const MARKER: &str = "parts/part-00001.json";
const SITES: &str = "sites/part-00001.parquet";

#[test]
fn damaged_parts() {
    for table in ["prompts/part-00001.parquet", SITES] {
        is_found(|folder| change(&folder.join(table), |bytes| bytes[90] ^= 4), &[Fault::Damaged], "altered");
        is_found(
            |folder| change(&folder.join(table), |bytes| bytes.truncate(50)),
            &[Fault::Damaged],
            "50 bytes",
        );
        is_found(|folder| fs::remove_file(folder.join(table)).unwrap(), &[Fault::Damaged], "missing");
    }
    is_found(|folder| change(&folder.join(MARKER), |bytes| bytes.truncate(9)), &[Fault::Damaged], "EOF");
    is_found(
        |folder| {
            fs::copy(folder.join(MARKER), folder.join("parts/part-00007.json")).unwrap();
        },
        &[Fault::Damaged],
        "knows nothing",
    );
    is_found(|folder| fs::write(folder.join("plan.json"), "{}").unwrap(), &[Fault::Damaged], "plan.json");
}

#[test]
fn missing_and_orphaned_parts() {
    let missing = [Fault::Orphaned, Fault::Orphaned, Fault::Missing];
    is_found(|folder| fs::remove_file(folder.join(MARKER)).unwrap(), &missing, "not complete");
    is_found(
        |folder| {
            for file in [MARKER, SITES, "prompts/part-00001.parquet"] {
                fs::remove_file(folder.join(file)).unwrap();
            }
        },
        &[Fault::Missing],
        "1 of 3 parts are not there (0 of them in work)",
    );
}

/// The first part again, under the number of the second, which has as many facts.
#[test]
fn facts_that_are_there_twice() {
    let folder = tempdir().unwrap();
    let manifest = crate::common::manifest(&[3, 3]);
    complete(folder.path(), &manifest);
    for (kind, extension) in [("prompts", "parquet"), ("sites", "parquet"), ("parts", "json")] {
        let file = |part: usize| folder.path().join(format!("{kind}/part-{part:05}.{extension}"));
        fs::copy(file(0), file(1)).unwrap();
    }
    let findings = audit(folder.path());
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].fault, &findings[0].parts[..]), (Fault::Duplicated, &[0, 1][..]));
    assert!(
        findings[0].reason.contains("3 facts (fact 0 first) are in part 0 and in part 1"),
        "{findings:?}"
    );
    ResultsFolder::open(folder.path()).unwrap().set_aside(&findings).unwrap();
    complete(folder.path(), &manifest);
    assert_eq!(audit(folder.path()), []);
}

#[test]
fn files_that_do_not_belong_there() {
    let copy = |to: &'static str| {
        move |folder: &Path| {
            fs::copy(folder.join(SITES), folder.join(to)).unwrap();
        }
    };
    is_found(copy("sites/part-00001 (copy).parquet"), &[Fault::Foreign], "(copy)");
    is_found(copy("prompts/part-00009.parquet"), &[Fault::Foreign], "part-00009");
    is_found(copy("parts/notes.txt"), &[Fault::Foreign], "notes.txt");
}

#[test]
fn what_dead_workers_left() {
    let folder = tempdir().unwrap();
    let manifest = three_parts(folder.path());
    fs::remove_file(folder.path().join(MARKER)).unwrap();
    let claims = Claims::open(folder.path(), Worker::here(None, None, "tests"), CLAIM_EXPIRY).unwrap();
    let claim = claims.take(1).unwrap().unwrap();
    let findings = audit(folder.path());
    assert_eq!(findings.len(), 1, "tables of a part in work are no orphans: {findings:?}");
    assert!(findings[0].reason.contains("(1 of them in work)"), "{findings:?}");
    old(&folder.path().join("claims/part-00001.json"));
    let leftover = folder.path().join("sites/.part-00001.parquet.dead.0.tmp");
    fs::write(&leftover, "PAR1").unwrap();
    assert!(!audit(folder.path()).iter().any(|finding| finding.fault == Fault::Leftover), "it is young");
    old(&leftover);
    let faults: Vec<Fault> = audit(folder.path()).iter().map(|finding| finding.fault).collect();
    let expected = [Fault::Orphaned, Fault::Orphaned, Fault::Stale, Fault::Leftover, Fault::Missing];
    assert_eq!(faults, expected);
    ResultsFolder::open(folder.path()).unwrap().set_aside(&audit(folder.path())).unwrap();
    drop(claim);
    complete(folder.path(), &manifest);
    assert_eq!(audit(folder.path()), []);
}
