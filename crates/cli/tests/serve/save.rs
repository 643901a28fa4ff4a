//! Traces that are saved.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::Server;
use crate::live::{PROMPT, request};
use crate::support::{fails, stderr, succeeds};

#[test]
fn a_saved_trace_is_a_results_folder() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, &[]);
    assert_eq!(server.get("/api/report").json(200)["folders"], json!([]));
    let changes = [
        ("components", json!(["mlp", "residual"])),
        ("window", json!(3)),
        ("metrics", json!(["rank"])),
        ("samples", json!(4)),
    ];
    let (job, command) = server.start_job(&request(&changes));
    let story = server.story(&job);
    assert_eq!(story.last().unwrap().name, "done");
    assert!(!path.join("live-traces").exists(), "nothing is made before it is asked for");
    let save = format!("/api/jobs/{job}/save");
    let saved = server.post(&save, "{}").json(200);
    let name = "0001-space-needle-can-be-found-in-the-city-of";
    assert_eq!(saved, json!({"path": format!("live-traces/{name}"), "folder": 0}));
    assert_eq!(server.post(&save, "{}").json(200), saved, "it is saved once");
    assert_eq!(std::fs::read_dir(path.join("live-traces")).unwrap().count(), 1);

    // The explorer shows it.
    let report = server.get("/api/report").json(200);
    assert_eq!(report["folders"][0]["name"], name);
    assert_eq!(report["folders"][0]["prompts"][0]["answer"], " Seattle");
    assert_eq!(server.get("/api/folders/0/chunks/0").status(), 200);

    // Its numbers are those of the trace.
    let out = saved["path"].as_str().unwrap();
    let summary: Value = serde_json::from_slice(&succeeds(path, &["summary", out, "--json"]).stdout).unwrap();
    let words = shlex::split(&command).unwrap();
    let words: Vec<&str> = words[1..].iter().map(String::as_str).chain(["--json", "--quiet"]).collect();
    let trace: Value = serde_json::from_slice(&succeeds(path, &words).stdout).unwrap();
    assert_eq!(summary["average_total_effect"], trace["total_effect"]);
    succeeds(path, &["export", out, "--to", "json", "--out", "exported.json"]);
    let exported: Value =
        serde_json::from_slice(&std::fs::read(path.join("exported.json")).unwrap()).unwrap();
    let text = exported.to_string();
    let effect = trace["components"][0]["indirect_effect"][1][2].to_string();
    assert!(text.contains(&effect), "{effect} is not in the exported case");

    // A sweep over its fact finds nothing left to do: its settings are the same.
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(path.join(out).join("manifest.json")).unwrap()).unwrap();
    let rule = manifest["settings"]["noise"]["rule"].as_str().unwrap();
    let facts = format!("{out}/facts.json");
    let sweep = [
        "sweep",
        "--facts",
        &facts,
        "--component",
        "residual,mlp",
        "--window",
        "3",
        "--metric",
        "rank",
        "--samples",
        "4",
        "--noise",
        rule,
        "--out",
    ];
    let swept = succeeds(path, &[&sweep[..], &[out]].concat());
    assert!(stderr(&swept).contains("1 of 1 parts are there already"), "{}", stderr(&swept));
    // And makes the same tables elsewhere.
    succeeds(path, &[&sweep[..], &["swept"]].concat());
    assert!(crate::support::tables(&path.join("swept")) == crate::support::tables(&path.join(out)));
}

#[test]
fn saved_traces_are_numbered_whatever_their_prompts() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, &["--save", "my traces/here"]);
    assert_eq!(server.get("/api/live").json(200)["saves_to"], "my traces/here");
    for (index, prompt) in
        ["../../etc/passwd is", "<script>alert(1)</script> is", "\u{202e}\0 is in", "埃菲尔铁塔 is"]
            .iter()
            .enumerate()
    {
        let changes = [
            ("prompt", json!(prompt)),
            ("subject", json!([0, 1])),
            ("samples", json!(1)),
            ("answer", json!(516)),
        ];
        let (job, _) = server.start_job(&request(&changes));
        let last = server.story(&job).pop().unwrap();
        assert_eq!(last.name, "done", "{prompt}: {last:?}");
        let saved = server.post(&format!("/api/jobs/{job}/save"), "{}").json(200);
        assert_eq!(saved["folder"], index);
        let name = saved["path"].as_str().unwrap().strip_prefix("my traces/here/").unwrap();
        assert!(name.starts_with(&format!("{:04}-", index + 1)), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
        succeeds(path, &["summary", saved["path"].as_str().unwrap(), "--json"]);
    }
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 1);
    assert_eq!(server.get("/api/report").json(200)["folders"].as_array().unwrap().len(), 4);
    drop(server);
    // They are results folders like any other.
    let saved = path.join("my traces/here/0001-etc-passwd-is");
    let server = Server::start(path, &[saved.to_str().unwrap()]);
    let report = server.get("/api/report").json(200);
    assert_eq!(report["folders"][0]["prompts"][0]["prompt"], "../../etc/passwd is");
}

#[test]
fn where_nothing_can_be_saved_it_is_said() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("a-file"), "").unwrap();
    let changes = [("samples", json!(1))];
    let server = Server::start(path, &["--no-save"]);
    assert_eq!(server.get("/api/live").json(200)["saves_to"], Value::Null);
    let (job, _) = server.start_job(&request(&changes));
    server.story(&job);
    assert!(server.post(&format!("/api/jobs/{job}/save"), "{}").error(404).contains("--no-save"));
    let server = Server::start(path, &["--save", "a-file"]);
    let (job, _) = server.start_job(&request(&changes));
    server.post(&format!("/api/jobs/{job}/save"), "{}").json(409);
    server.story(&job);
    let error = server.post(&format!("/api/jobs/{job}/save"), "{}").error(500);
    assert!(error.contains("a-file"), "{error}");
    // A second server on the same port does not take this one's place.
    fails(path, &["serve", "--port", &server.port.to_string()], 1, &["taken"]);
}

/// A sweep finds the first occurrence of a subject, so that its command would trace something else.
#[test]
fn a_command_is_shown_where_words_say_what_was_marked() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, &[]);
    let n_tokens = |prompt: &str| {
        let tokens = server.post("/api/tokens", &json!({ "prompt": prompt }).to_string()).json(200);
        tokens["tokens"].as_array().unwrap().len()
    };
    let tokens = server.post("/api/tokens", &json!({ "prompt": PROMPT }).to_string()).json(200);
    let seattle = &tokens["top"][0]["id"];
    let repeated = "the city of Seattle is the city of";
    let later = [n_tokens("the city of Seattle is"), n_tokens("the city of Seattle is the")];
    for (index, (prompt, subject, is_said)) in
        [("Space Needle is in", [0, 5], true), (repeated, later, false), (repeated, [0, 1], true)]
            .into_iter()
            .enumerate()
    {
        let changes = [
            ("prompt", json!(prompt)),
            ("subject", json!(subject)),
            ("answer", seattle.clone()),
            ("samples", json!(1)),
        ];
        let (job, _) = server.start_job(&request(&changes));
        assert_eq!(server.story(&job).last().unwrap().name, "done");
        let saved = server.post(&format!("/api/jobs/{job}/save"), "{}").json(200);
        assert_eq!(saved["folder"], index);
        let report = server.get("/api/report").json(200);
        let command = &report["folders"][index]["command"];
        assert_eq!(command.is_string(), is_said, "{prompt}: {command}");
        succeeds(path, &["summary", saved["path"].as_str().unwrap(), "--json"]);
    }
}
