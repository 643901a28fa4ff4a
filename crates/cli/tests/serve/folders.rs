//! Results folders that are shown.

use serde_json::Value;
use tempfile::tempdir;

use crate::client::Server;
use crate::support::{fails, succeeds};

/// The header of a chunk, see explorer/src/chunk.ts.
fn header(chunk: &[u8]) -> Value {
    let length = u32::from_le_bytes(chunk[..4].try_into().unwrap()) as usize;
    serde_json::from_slice(&chunk[4..4 + length]).unwrap()
}

#[test]
fn folders_are_shown_with_their_parts() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    for (out, limit) in [("a/results", "20"), ("b/results", "2")] {
        succeeds(path, &["sweep", "--limit", limit, "--samples", "2", "--quiet", "--out", out]);
    }
    let server = Server::start(path, &["a/results", "b/results"]);
    let report = server.get("/api/report").json(200);
    let folders = report["folders"].as_array().unwrap();
    let names: Vec<&str> = folders.iter().map(|folder| folder["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/results", "b/results"]);
    let prompts = folders[0]["prompts"].as_array().unwrap();
    assert!(prompts.len() > 10);
    let mut seen = 0;
    let n_chunks = prompts.iter().filter_map(|row| row["chunk"].as_u64()).max().unwrap() + 1;
    assert!(n_chunks > 1);
    for part in 0..n_chunks {
        let answer = server.get(&format!("/api/folders/0/chunks/{part}"));
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.head.header("content-type"), Some("application/octet-stream"));
        for prompt in header(&answer.body)["prompts"].as_array().unwrap() {
            let row = prompts.iter().find(|row| row["id"] == prompt["id"]).unwrap();
            assert_eq!((&row["answer"], row["chunk"].as_u64()), (&prompt["answer"], Some(part)));
            seen += 1;
        }
    }
    assert_eq!(seen, prompts.len());
    for number in [
        "99",
        "-1",
        "+1",
        "00",
        "0x0",
        "1e0",
        "0 ",
        "18446744073709551616",
        "9".repeat(400).as_str(),
        "NaN",
        "٣",
    ] {
        let number: String = number.bytes().map(|byte| format!("%{byte:02x}")).collect();
        server.get(&format!("/api/folders/0/chunks/{number}")).error(404);
        server.get(&format!("/api/folders/{number}/chunks/0")).error(404);
    }
    server.get("/api/folders/0/chunks/").error(404);
}

#[test]
fn a_folder_that_cannot_be_read_is_an_error_at_the_start() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    fails(path, &["serve", "--port", "0", "nowhere"], 1, &["nowhere"]);
    std::fs::create_dir(path.join("empty")).unwrap();
    fails(path, &["serve", "--port", "0", "empty"], 1, &["empty"]);
    std::fs::create_dir(path.join("broken")).unwrap();
    std::fs::write(path.join("broken/manifest.json"), "{").unwrap();
    fails(path, &["serve", "--port", "0", "broken"], 1, &["broken", "manifest.json"]);
}

#[test]
fn a_damaged_part_is_named_and_ends_the_server() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    succeeds(path, &["sweep", "--limit", "2", "--samples", "2", "--quiet", "--out", "results"]);
    let sites = std::fs::read_dir(path.join("results/sites")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&sites).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&sites, bytes).unwrap();
    let (code, said) = Server::start(path, &["results"]).ended();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error: cannot show results") && said.contains("part-00000"), "{said}");
}
