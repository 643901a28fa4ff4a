//! Each way not to get a model has its own message, with the next step.

use std::net::TcpListener;

use serde_json::json;

use crate::repository::Repository;
use crate::server::{Access, COMMIT, Server, TOKEN};
use crate::user::User;
use crate::wire::Fault;

#[test]
fn a_gated_model_says_where_its_licence_is() {
    let server = Server::start();
    server.add("org/gated", "main", COMMIT, Repository::golden("gpt2"), Access::Gated);
    let page = format!("{}/org/gated", server.address());
    User::of(&server)
        .fails(&["org/gated"], &["is gated", "accept its licence at", &page, "HF_TOKEN", "hf auth login"]);
    let stranger = User::of(&server).with("HF_TOKEN", "hf_of_a_stranger");
    let error = stranger.fails(
        &["org/gated"],
        &["is gated", "the token in HF_TOKEN has no access", "not in the authorized list", &page],
    );
    assert!(!error.contains("hf_of_a_stranger"), "a secret is printed: {error}");
    let wrong = User::of(&server).with("HF_TOKEN", "hf_wrong");
    wrong.fails(&["org/gated"], &["does not accept the token in HF_TOKEN", "/settings/tokens"]);
    let garbled = User::of(&server).with("HF_TOKEN", "hf_a b");
    garbled.fails(&["org/gated"], &["the token in HF_TOKEN has characters", "once more"]);
}

#[test]
fn a_model_that_is_not_there_may_be_mistyped_or_private() {
    let server = Server::start();
    let user = User::of(&server);
    user.fails(
        &["gpt2-xll"],
        &["no model gpt2-xll", "did you mean gpt2-xl?", "for a private model set HF_TOKEN"],
    );
    let error = user
        .fails(&["org/my-own"], &["no folder org/my-own here", "no model org/my-own on http://127.0.0.1"]);
    assert!(!error.contains("did you mean"), "{error}");
    let user = user.with("HF_TOKEN", TOKEN);
    user.fails(
        &["llama-3.2-1b"],
        &["did you mean meta-llama/Llama-3.2-1B?", "a token that may see it (here: HF_TOKEN)"],
    );
}

#[test]
fn a_network_that_is_not_there_is_said_to_be_so() {
    let server = Server::start();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://127.0.0.1:{port}");
    let user = User::of(&server).with("HF_ENDPOINT", &nobody);
    user.fails(
        &["gpt2-xll"],
        &["or is it gpt2-xl?", &nobody, "refused", "HTTPS_PROXY", "causal-trace models"],
    );
    let user = User::of(&server).with("HF_ENDPOINT", "https://no-such-host.invalid");
    user.fails(&["gpt2"], &["cannot be reached: no such host is known"]);
    let user = User::of(&server).with("SSL_CERT_FILE", "none.pem");
    user.fails(&["gpt2"], &["SSL_CERT_FILE (none.pem)", "unset it"]);
    // Something that answers, but no hub: the sign-in page of a network.
    let user = User::of(&server).with("HF_ENDPOINT", "nonsense");
    user.fails(&["gpt2"], &["nonsense"]);
}

#[test]
fn a_hub_with_a_problem_of_its_own_is_told_apart() {
    let server = Server::of("org/golden", Repository::golden("gpt2"));
    let user = User::of(&server);
    server.fail("/api/models/org/golden/revision/main", Fault::Status(503), usize::MAX);
    user.fails(&["org/golden"], &["a problem of its own (status 503)", "later"]);
    server.mend();
    server.fail("/api/models/org/golden/revision/main", Fault::Status(429), usize::MAX);
    user.fails(&["org/golden"], &["asked too often", "wait", "HF_TOKEN"]);
    server.mend();
    server.fail("/api/models/org/golden/revision/main", Fault::Cut(10), usize::MAX);
    user.fails(&["org/golden"], &["cannot be reached"]);
    server.mend();
    server.fail("/api/models/org/golden/revision/main", Fault::Corrupt(0), usize::MAX);
    user.fails(&["org/golden"], &["does not answer as the hub does", "HF_ENDPOINT"]);
    // Once is no problem.
    server.mend();
    server.fail("/api/models/org/golden/revision/main", Fault::Status(503), 1);
    user.predicts(&["org/golden"]);
}

#[test]
fn a_model_that_cannot_be_traced_is_refused_before_its_weights_come() {
    let server = Server::start();
    let mut mamba = Repository::golden("gpt2");
    mamba.files.insert("config.json".to_owned(), json!({ "model_type": "mamba" }).to_string().into_bytes());
    server.add("org/mamba", "main", COMMIT, mamba, Access::All);
    let mut gguf = Repository::golden("gpt2");
    gguf.files.retain(|name, _| name == "README.md");
    gguf.files.insert("model.Q4.gguf".to_owned(), Vec::new());
    server.add("org/gguf", "main", COMMIT, gguf, Access::All);
    for (name, lacks) in [("org/weightless", "model.safetensors"), ("org/speechless", "tokenizer.json")] {
        let mut repository = Repository::golden("gpt2");
        repository.files.remove(lacks);
        server.add(name, "main", COMMIT, repository, Access::All);
    }
    let user = User::of(&server);
    user.fails(&["org/mamba"], &["org/mamba cannot be traced", "mamba", "gpt_neox"]);
    user.fails(&["org/gguf"], &["config.json", "GGUF", "the model that they were made from"]);
    user.fails(&["org/weightless"], &["neither safetensors nor pytorch_model.bin"]);
    user.fails(
        &["org/speechless"],
        &["neither tokenizer.json nor vocab.json", "save_pretrained(\"speechless\")"],
    );
    assert!(server.downloads(".safetensors").is_empty());
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let server = Server::of("org/golden", Repository::golden("gpt2"));
    let user = User::of(&server).with("HF_HUB_CACHE", "file");
    std::fs::write(user.folder().join("file"), "").unwrap();
    user.fails(
        &["org/golden"],
        &["cannot write config.json to the Hugging Face cache", "file/models--org--golden"],
    );
}
