//! ROME's facts by name.

use sha2::{Digest, Sha256};

use crate::repository::{Repository, hex};
use crate::server::Server;
use crate::support::{PROMPT, SUBJECT, shared, stderr};
use crate::user::User;

const ROME: &str = "61daca55318bb5260c1e62e133debef9102c7b278bbc7b19dd2ac655543f333a";
const USUAL: [&str; 6] = ["trace", "--prompt", PROMPT, "--subject", SUBJECT, "--facts"];

fn user(server: &Server, file: &str) -> User {
    let address = format!("{}/org/facts/resolve/{}/{file}", server.address(), crate::server::COMMIT);
    User::of(server).with("CAUSAL_TRACE_KNOWN_1000_URL", &address)
}

fn server(facts: Vec<u8>) -> Server {
    let mut repository = Repository::golden("gpt2");
    repository.files.insert("known_1000.json".to_owned(), facts);
    Server::of("org/facts", repository)
}

fn fails(user: &User, words: &[&str]) {
    let output = user.run(&[&USUAL[..], &["known_1000"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for word in words {
        assert!(stderr(&output).contains(word), "'{word}' is not in: {}", stderr(&output));
    }
}

#[test]
fn romes_facts_are_downloaded_once() {
    let Some(shared) = shared("ROME's facts by name") else { return };
    let facts = std::fs::read(shared.join("data/known_1000.json")).unwrap();
    assert_eq!(hex(&Sha256::digest(&facts)), ROME);
    let server = server(facts.clone());
    let user = user(&server, "known_1000.json");
    for downloads in [1, 0] {
        server.forget();
        let output = user.run(&[&USUAL[..], &["known_1000"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(
            server
                .downloads("known_1000.json")
                .iter()
                .filter(|seen| seen.path.contains("resolve-cache"))
                .count(),
            downloads
        );
    }
    let place = user.folder().join("no-cache/causal-trace/known_1000.json");
    assert_eq!(std::fs::read(&place).unwrap(), facts);
    // Whoever puts something else there is told.
    std::fs::write(&place, "[]").unwrap();
    fails(&user, &["is not ROME's file", ROME]);
}

#[test]
fn another_file_is_not_taken_for_romes() {
    let server = server(b"[]".to_vec());
    fails(&user(&server, "known_1000.json"), &["is not ROME's file", "2 bytes", ROME]);
    fails(&user(&server, "none.json"), &["status 404", "no-cache/causal-trace/known_1000.json"]);
}

#[test]
fn offline_says_where_to_put_them() {
    let server = server(b"[]".to_vec());
    let user = user(&server, "known_1000.json").with("HF_HUB_OFFLINE", "1");
    fails(
        &user,
        &["HF_HUB_OFFLINE", "put it at", "no-cache/causal-trace/known_1000.json", "or give its path"],
    );
    assert!(server.seen().is_empty());
    // A file of that name in the folder is meant before ROME's.
    std::fs::write(
        user.folder().join("known_1000"),
        "known_id,subject,attribute,prompt\r\n1,Oslo,Norway,Oslo is in\r\n",
    )
    .unwrap();
    let output = user.run(&[&USUAL[..], &["known_1000"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn facts_that_are_not_utf_8_say_how_to_save_them() {
    let user = User::of(&Server::start());
    std::fs::write(
        user.folder().join("mine.csv"),
        b"known_id,subject,attribute,prompt\r\n1,Malm\xf6,Sweden,Malm\xf6 is in\r\n",
    )
    .unwrap();
    let output = user.run(&[&USUAL[..], &["mine.csv"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("CSV UTF-8"), "{}", stderr(&output));
}
