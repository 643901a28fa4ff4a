//! Downloads that break off, stand still, or arrive damaged.

use std::time::Duration;

use crate::repository::{Repository, etag};
use crate::server::Server;
use crate::support::stderr;
use crate::user::User;
use crate::wire::Fault;

const NAME: &str = "org/golden";
const WEIGHTS: &str = "model.safetensors";

fn served() -> (Server, User, Repository) {
    let repository = Repository::golden("gpt2");
    let server = Server::of(NAME, repository.clone());
    let user = User::of(&server);
    (server, user, repository)
}

/// Where the downloads of the weights began.
fn starts(server: &Server) -> Vec<Option<String>> {
    server.downloads(WEIGHTS).into_iter().map(|seen| seen.range).collect()
}

fn is_whole(user: &User, repository: &Repository) {
    assert_eq!(std::fs::read(user.snapshot(NAME).join(WEIGHTS)).unwrap(), repository.weights());
    assert!(user.parts(NAME).is_empty());
}

#[test]
fn a_download_that_breaks_off_goes_on_by_itself() {
    let (server, user, repository) = served();
    server.fail(WEIGHTS, Fault::Cut(100_000), 2);
    user.predicts(&[NAME]);
    let ranges = ["bytes=100000-", "bytes=200000-"].map(|range| Some(range.to_owned()));
    assert_eq!(starts(&server), [&[None], &ranges[..]].concat());
    is_whole(&user, &repository);
}

#[test]
fn a_server_that_falls_silent_is_asked_again() {
    let (server, user, repository) = served();
    server.fail(WEIGHTS, Fault::Stall(150_000), 1);
    user.predicts(&[NAME]);
    assert_eq!(starts(&server), [None, Some("bytes=150000-".to_owned())]);
    is_whole(&user, &repository);
}

#[test]
fn a_slow_server_is_waited_for() {
    let (server, user, repository) = served();
    // Longer, in all, than it may be silent.
    server.fail(WEIGHTS, Fault::Slow(100), 1);
    user.predicts(&[NAME]);
    assert_eq!(starts(&server), [None]);
    is_whole(&user, &repository);
}

#[test]
fn a_download_that_fails_is_gone_on_with_by_the_next_command() {
    let (server, user, repository) = served();
    server.fail(WEIGHTS, Fault::Cut(123_456), 1);
    server.fail(WEIGHTS, Fault::Status(503), usize::MAX);
    user.fails(&[NAME], &["broke off after 123.46 kB of 418.77 kB", "503", "the same command goes on"]);
    assert!(!user.snapshot(NAME).join(WEIGHTS).exists());
    server.mend();
    server.forget();
    user.predicts(&[NAME]);
    assert_eq!(starts(&server), [Some("bytes=123456-".to_owned())]);
    is_whole(&user, &repository);
}

#[test]
fn a_download_that_was_killed_is_gone_on_with() {
    let (server, user, repository) = served();
    server.fail(WEIGHTS, Fault::Slow(150), 1);
    let mut running = user.command(&["tokens", "--prompt", "a", "--model", NAME]).spawn().unwrap();
    let has_part = || user.parts(NAME).iter().any(|part| part.metadata().unwrap().len() > 50_000);
    for _ in 0..400 {
        if has_part() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(has_part(), "nothing came");
    running.kill().unwrap();
    running.wait().unwrap();
    server.mend();
    server.forget();
    user.predicts(&[NAME]);
    let [Some(range)] = &starts(&server)[..] else { panic!("{:?}", starts(&server)) };
    assert_ne!(range, "bytes=0-");
    is_whole(&user, &repository);
}

#[test]
fn a_server_without_ranges_gives_the_file_from_its_start() {
    let (server, user, repository) = served();
    server.fail(WEIGHTS, Fault::Cut(100_000), 1);
    server.fail(WEIGHTS, Fault::NoRanges, 1);
    user.predicts(&[NAME]);
    assert_eq!(starts(&server), [None, Some("bytes=100000-".to_owned())]);
    is_whole(&user, &repository);
}

#[test]
fn a_damaged_file_is_downloaded_once_more() {
    let (server, user, repository) = served();
    server.fail(WEIGHTS, Fault::Corrupt(300_000), 1);
    server.fail("tokenizer.json", Fault::Corrupt(10), 1);
    let output = user.predicts(&[NAME]);
    for name in [WEIGHTS, "tokenizer.json"] {
        assert!(stderr(&output).contains(&format!("{name} arrived damaged")), "{}", stderr(&output));
    }
    is_whole(&user, &repository);
}

#[test]
fn a_file_that_stays_damaged_is_never_used() {
    let (server, user, repository) = served();
    server.fail(WEIGHTS, Fault::Corrupt(300_000), usize::MAX);
    let sum = etag(WEIGHTS, repository.weights());
    user.fails(&[NAME], &["arrived damaged twice", &sum, "another network"]);
    assert_eq!(server.downloads(WEIGHTS).len(), 2);
    assert!(
        !user.snapshot(NAME).join(WEIGHTS).exists() && !user.cached(NAME).join("blobs").join(sum).exists()
    );
    assert!(user.parts(NAME).is_empty());
}

#[test]
fn a_part_that_was_damaged_on_the_disk_is_noticed() {
    let (server, user, repository) = served();
    let sum = etag(WEIGHTS, repository.weights());
    let blobs = user.cached(NAME).join("blobs");
    for rubbish in [vec![7; 100_000], vec![7; repository.weights().len()], vec![7; 1_000_000]] {
        std::fs::create_dir_all(&blobs).unwrap();
        std::fs::write(blobs.join(format!("{sum}.causal-trace.part")), rubbish).unwrap();
        user.predicts(&[NAME]);
        is_whole(&user, &repository);
        std::fs::remove_dir_all(user.cached(NAME)).unwrap();
    }
    assert!(server.downloads(WEIGHTS).len() >= 3);
}

#[test]
fn a_disk_that_is_too_small_is_noticed_before_the_download() {
    let (server, user, _) = served();
    server.claim(WEIGHTS, 1 << 60);
    user.fails(&[NAME], &["1.15 EB more", "left", "HF_HUB_CACHE"]);
    assert!(server.downloads(WEIGHTS).is_empty() && server.downloads("tokenizer.json").is_empty());
}
