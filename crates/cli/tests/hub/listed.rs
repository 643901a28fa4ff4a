//! `causal-trace models`.

use serde_json::{Value, json};

use crate::repository::Repository;
use crate::server::{Access, COMMIT, OTHER_COMMIT, Server};
use crate::support::{PROMPT, SUBJECT, stderr, stdout};
use crate::user::User;

fn listed(user: &User) -> Vec<Value> {
    let output = user.run(&["models", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    json["models"].as_array().unwrap().clone()
}

fn named<'a>(models: &'a [Value], name: &str, revision: Option<&str>) -> &'a Value {
    models.iter().find(|model| model["name"] == name && model["revision"] == json!(revision)).unwrap()
}

#[test]
fn embedded_models_are_listed_without_a_cache() {
    let user = User::of(&Server::start());
    let models = listed(&user);
    assert_eq!(models.len(), 2);
    for (name, family) in [("demo", "gpt2"), ("demo-j", "gptj")] {
        let model = named(&models, name, None);
        assert!(model["traceable"] == true && model["model_type"] == family, "{model}");
    }
}

#[test]
fn cached_models_are_listed_with_what_hinders_them() {
    let server = Server::of("org/golden", Repository::golden("gpt2"));
    server.add("org/golden", "other", OTHER_COMMIT, Repository::golden("gptj"), Access::All);
    let mut mamba = Repository::golden("gpt2");
    mamba.files.insert("config.json".to_owned(), json!({ "model_type": "mamba" }).to_string().into_bytes());
    server.add("org/mamba", "main", COMMIT, mamba, Access::All);
    server.add("org/part", "main", COMMIT, Repository::golden("llama"), Access::All);
    let user = User::of(&server);
    user.predicts(&["org/golden"]);
    user.predicts(&["org/golden", "--revision", "other"]);
    user.fails(&["org/mamba"], &[]);
    user.predicts(&["org/part"]);
    std::fs::remove_file(user.snapshot("org/part").join("model.safetensors")).unwrap();
    server.forget();
    let models = listed(&user);
    assert_eq!(models.len(), 6, "{models:#?}");
    let whole = named(&models, "org/golden", Some("main"));
    assert!(whole["traceable"] == true && whole["reason"].is_null(), "{whole}");
    let bytes = whole["bytes_on_disk"].as_u64().unwrap();
    assert!(bytes > Repository::golden("gpt2").weights().len() as u64, "{whole}");
    assert_eq!(named(&models, "org/golden", Some("other"))["model_type"], "gptj");
    let mamba = named(&models, "org/mamba", Some("main"));
    assert!(mamba["traceable"] == false && mamba["model_type"] == "mamba", "{mamba}");
    assert!(mamba["reason"].as_str().unwrap().contains("gpt_neox"), "{mamba}");
    let part = named(&models, "org/part", Some("main"));
    assert!(part["reason"].as_str().unwrap().contains("weights missing"), "{part}");
    let table = stdout(&user.run(&["models"]));
    for line in ["org/golden --revision other", "no: not whole", "demo-j", "no-cache/hub"] {
        assert!(table.contains(line), "{table}");
    }
    assert!(server.seen().is_empty(), "the list needs no network");
}

#[test]
fn the_memory_that_is_listed_is_enough_and_little_less_is_not() {
    let server = Server::of("org/golden", Repository::golden("gpt2"));
    let user = User::of(&server);
    user.predicts(&["org/golden"]);
    let models = listed(&user);
    let model = named(&models, "org/golden", Some("main"));
    let least =
        ["memory_bytes", "streamed_memory_bytes"].map(|key| model[key].as_u64().unwrap()).into_iter().min();
    let trace = |memory: u64| {
        let memory = memory.to_string();
        user.run(&[
            "trace",
            "--model",
            "org/golden",
            "--prompt",
            PROMPT,
            "--subject",
            SUBJECT,
            "--memory",
            &memory,
            "--noise",
            "0.5",
        ])
    };
    let enough = trace(least.unwrap());
    assert_eq!(enough.status.code(), Some(0), "{}", stderr(&enough));
    let little = trace(least.unwrap() - 1);
    assert!(stderr(&little).contains("too little"), "{}", stderr(&little));
}
