//! Models that come as they should.

use crate::repository::{Repository, etag};
use crate::server::{Access, COMMIT, OTHER_COMMIT, Server, TOKEN};
use crate::support::{golden, stderr, stdout};
use crate::user::{User, predictions};
use crate::wire::Fault;

const NAME: &str = "org/golden";

/// What the golden model of a family says, opened as a folder.
fn expected(user: &User, family: &str) -> serde_json::Value {
    predictions(&user.predicts(&[golden(family).join("model").to_str().unwrap()]))
}

#[test]
fn a_model_is_downloaded_with_what_is_needed_of_it_and_no_more() {
    let repository = Repository::golden("gpt2");
    let server = Server::of(NAME, repository.clone());
    let user = User::of(&server);
    let output = user.predicts(&[NAME]);
    assert_eq!(predictions(&output), expected(&user, "gpt2"));
    let said = stderr(&output);
    assert!(said.contains("downloading org/golden: ") && said.contains("downloaded 4"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\r'), "a bar without a terminal: {said:?}");
    for unneeded in ["README.md", "tf_model.h5", "onnx/model.safetensors", "generation_config.json"] {
        assert!(!server.seen().iter().any(|seen| seen.path.contains(unneeded)), "{unneeded} was asked for");
        assert!(!user.snapshot(NAME).join(unneeded).exists());
    }
    // As Hugging Face's own tools keep it.
    let weights = user.snapshot(NAME).join("model.safetensors");
    let blob = etag("model.safetensors", repository.weights());
    assert_eq!(std::fs::read_link(&weights).unwrap().to_str().unwrap(), format!("../../blobs/{blob}"));
    assert_eq!(std::fs::read(&weights).unwrap(), repository.weights());
    assert_eq!(std::fs::read_to_string(user.cached(NAME).join("refs/main")).unwrap(), COMMIT);
    assert!(user.parts(NAME).is_empty());
}

#[test]
fn shards_come_with_their_index() {
    let server = Server::of(NAME, Repository::golden("llama").sharded());
    let user = User::of(&server);
    assert_eq!(predictions(&user.predicts(&[NAME])), expected(&user, "llama"));
    for shard in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
        assert_eq!(server.downloads(shard).len(), 1, "{shard}");
    }
}

#[test]
fn weights_of_pytorch_are_taken_where_there_are_no_others() {
    let mut both = Repository::golden("gpt2");
    both.files.insert("pytorch_model.bin".to_owned(), b"not needed".to_vec());
    let server = Server::of("org/torch", Repository::golden("gpt2").torch());
    server.add("org/both", "main", COMMIT, both, Access::All);
    let user = User::of(&server);
    assert_eq!(predictions(&user.predicts(&["org/torch"])), expected(&user, "gpt2"));
    assert_eq!(server.downloads("pytorch_model.bin").len(), 1);
    server.forget();
    user.predicts(&["org/both"]);
    assert!(!server.seen().iter().any(|seen| seen.path.contains("pytorch_model.bin")));
}

#[test]
fn a_model_that_was_renamed_is_found_under_its_old_name() {
    let server = Server::of("openai-community/golden", Repository::golden("gpt2"));
    server.rename("golden", "openai-community/golden");
    let user = User::of(&server);
    assert_eq!(predictions(&user.predicts(&["golden"])), expected(&user, "gpt2"));
    assert!(user.cached("golden").is_dir());
}

#[test]
fn a_revision_is_another_state_of_the_model() {
    let server = Server::of(NAME, Repository::golden("gpt2"));
    server.add(NAME, "refs/pr/1", OTHER_COMMIT, Repository::golden("gptj"), Access::All);
    let user = User::of(&server);
    let (main, other) = (expected(&user, "gpt2"), expected(&user, "gptj"));
    assert_ne!(main, other);
    assert_eq!(predictions(&user.predicts(&[NAME])), main);
    for revision in ["refs/pr/1", OTHER_COMMIT] {
        assert_eq!(predictions(&user.predicts(&[NAME, "--revision", revision])), other, "{revision}");
    }
    assert_eq!(server.downloads("model.safetensors").len(), 2);
    let output = user.run(&[
        "trace",
        "--model",
        NAME,
        "--revision",
        "refs/pr/1",
        "--json",
        "--noise",
        "0.5",
        "--prompt",
        crate::support::PROMPT,
        "--subject",
        crate::support::SUBJECT,
    ]);
    assert!(stdout(&output).contains("org/golden@refs/pr/1"), "{}", stderr(&output));
    user.fails(&[NAME, "--revision", "v9"], &["no revision v9", "/org/golden/tree/main"]);
    for local in ["demo", golden("gpt2").join("model").to_str().unwrap()] {
        let output = user.run(&["tokens", "--prompt", "a", "--model", local, "--revision", "v9"]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("--revision v9"), "{}", stderr(&output));
    }
}

#[test]
fn a_token_opens_what_is_gated_and_goes_to_the_hub_alone() {
    let server = Server::start();
    server.add("org/gated", "main", COMMIT, Repository::golden("gpt2"), Access::Gated);
    server.add("org/private", "main", COMMIT, Repository::golden("gpt2"), Access::Private);
    let user = User::of(&server).with("HF_TOKEN", TOKEN);
    user.predicts(&["org/gated"]);
    user.predicts(&["org/private"]);
    let (elsewhere, here): (Vec<_>, Vec<_>) =
        server.seen().into_iter().partition(|seen| seen.host.starts_with("localhost"));
    assert!(
        elsewhere.len() == 2 && elsewhere.iter().all(|seen| seen.authorization.is_none()),
        "{elsewhere:?}"
    );
    assert!(here.iter().all(|seen| seen.authorization.is_some()), "{here:?}");
    // The same from the file that `hf auth login` writes.
    let user = User::of(&server);
    std::fs::create_dir_all(user.folder().join("no-cache")).unwrap();
    std::fs::write(user.folder().join("no-cache/token"), format!("{TOKEN}\n")).unwrap();
    user.predicts(&["org/gated"]);
}

#[test]
fn two_at_once_share_one_download() {
    let server = Server::of(NAME, Repository::golden("gpt2"));
    server.fail("model.safetensors", Fault::Slow(100), usize::MAX);
    let user = User::of(&server);
    let args = ["tokens", "--prompt", "a", "--json", "--model", NAME];
    let running: Vec<_> = (0..3).map(|_| user.command(&args).spawn().unwrap()).collect();
    let outputs: Vec<_> = running.into_iter().map(|one| one.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
        assert_eq!(predictions(output), predictions(&outputs[0]));
    }
    assert_eq!(server.downloads("model.safetensors").len(), 1);
    let waited = outputs
        .iter()
        .filter(|output| stderr(output).contains("another process is downloading model.safetensors"));
    assert_eq!(waited.count(), 2);
}
