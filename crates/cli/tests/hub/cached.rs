//! What is in the cache already.

use crate::repository::Repository;
use crate::server::Server;
use crate::support::stderr;
use crate::user::User;

const NAME: &str = "org/golden";

#[test]
fn a_cached_model_needs_no_network() {
    let server = Server::of(NAME, Repository::golden("gpt2"));
    let user = User::of(&server);
    user.predicts(&[NAME]);
    server.forget();
    let output = user.predicts(&[NAME]);
    assert!(server.seen().is_empty(), "{:?}", server.seen());
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
    user.with("HF_HUB_OFFLINE", "1").predicts(&[NAME]);
    assert!(server.seen().is_empty());
}

#[test]
fn what_is_missing_from_the_cache_is_downloaded_alone() {
    let server = Server::of(NAME, Repository::golden("gpt2").sharded());
    let user = User::of(&server);
    user.predicts(&[NAME]);
    std::fs::remove_file(user.snapshot(NAME).join("tokenizer.json")).unwrap();
    let shard = "model-00002-of-00002.safetensors";
    let blob = std::fs::canonicalize(user.snapshot(NAME).join(shard)).unwrap();
    // A link that leads nowhere is no file.
    std::fs::remove_file(blob).unwrap();
    server.forget();
    user.predicts(&[NAME]);
    let downloads: Vec<String> =
        server.seen().into_iter().filter(|seen| seen.method == "GET").map(|seen| seen.path).collect();
    assert_eq!(downloads.iter().filter(|path| path.starts_with("/cdn/")).count(), 1, "{downloads:?}");
    // The tokenizer's contents were there under another name.
    assert!(!downloads.iter().any(|path| path.ends_with("tokenizer.json")), "{downloads:?}");
}

#[test]
fn offline_says_what_is_missing() {
    let server = Server::of(NAME, Repository::golden("gpt2"));
    let user = User::of(&server);
    user.predicts(&[NAME]);
    std::fs::remove_file(user.snapshot(NAME).join("model.safetensors")).unwrap();
    server.forget();
    let user = user.with("HF_HUB_OFFLINE", "1");
    user.fails(
        &[NAME],
        &["without its weights", "HF_HUB_OFFLINE", "hf download org/golden`", "causal-trace models"],
    );
    user.fails(
        &["org/other", "--revision", "v1"],
        &["not in the Hugging Face cache", "hf download org/other --revision v1"],
    );
    assert!(server.seen().is_empty());
}

#[test]
fn the_cache_may_lie_elsewhere() {
    let server = Server::of(NAME, Repository::golden("gpt2"));
    let user = User::of(&server).with("HF_HUB_CACHE", "elsewhere");
    user.predicts(&[NAME]);
    assert!(user.folder().join("elsewhere/models--org--golden/blobs").is_dir());
    assert!(!user.cached(NAME).exists());
}
