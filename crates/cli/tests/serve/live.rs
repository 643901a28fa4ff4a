//! The live view: what is typed is traced, as `trace` traces it; jobs wait, end, and go with those who asked for them.

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Event, Head, PATIENCE, Server};
use crate::support::{golden, succeeds};

pub(crate) const PROMPT: &str = "Space Needle can be found in the city of";

/// A trace of the subject's tokens in [`PROMPT`] with some settings changed.
pub(crate) fn request(changes: &[(&str, Value)]) -> Value {
    let mut request = json!({
        "prompt": PROMPT, "subject": [0, 5], "answer": null, "counterpart": null,
        "settings": {
            "components": ["residual"], "window": 10, "direction": "denoise", "corruption": "noise", "noise": "s3",
            "samples": 10, "seed": 1, "metrics": [],
        },
    });
    for (name, value) in changes {
        let within = if request.get(name).is_some() { &mut request } else { &mut request["settings"] };
        assert!(within.get(name).is_some(), "{name}");
        within[*name] = value.clone();
    }
    request
}

/// A trace that takes longer than anybody waits here.
pub(crate) fn long_request() -> Value {
    let all = ["residual", "mlp", "attn", "resid_pre", "resid_mid", "mlp_severed", "attn_severed"];
    let prompt = format!("{PROMPT}{}", " the city of".repeat(14));
    request(&[("prompt", json!(prompt)), ("components", json!(all)), ("samples", json!(100))])
}

/// Every number of every site, `[component, metric, token, layer]` and what is told of it.
fn told(story: &[Event]) -> Vec<(Value, Value)> {
    let mut sites = Vec::new();
    for event in story.iter().filter(|event| event.name == "sites") {
        for site in event.data["sites"].as_array().unwrap() {
            let place = json!([event.data["component"], event.data["metric"], site["token"], site["layer"]]);
            sites.push((place, site.clone()));
        }
    }
    sites
}

/// The story's numbers are those of the trace that the command line does.
fn equals_the_command(story: &[Event], command: &str, folder: &std::path::Path) {
    let words = shlex::split(command).unwrap();
    assert_eq!(words[..2], ["causal-trace", "trace"]);
    let words: Vec<&str> = words[1..].iter().map(String::as_str).chain(["--json", "--quiet"]).collect();
    let trace: Value = serde_json::from_slice(&succeeds(folder, &words).stdout).unwrap();
    let last = story.last().unwrap();
    assert_eq!(last.name, "done", "{last:?}");
    let baseline = &story.iter().find(|event| event.name == "baseline").unwrap().data;
    assert_eq!(baseline["answer"]["text"], trace["answer"]);
    assert_eq!(baseline["foil"], trace["foil"]);
    assert_eq!(baseline["metrics"][0]["clean"], trace["baseline"]["clean"]);
    assert_eq!(baseline["metrics"][0]["corrupted"], trace["baseline"]["corrupted"]);
    let started = &story.iter().find(|event| event.name == "started").unwrap().data;
    assert_eq!(started["tokens"], trace["prompt"]["tokens"]);
    let span = &trace["prompt"]["subject_span"];
    assert_eq!(started["subject"], json!([span["start"], span["end"]]));
    let sites = told(story);
    let mut expected = 0;
    for grid in trace["components"].as_array().unwrap() {
        let rows = grid["patched"].as_array().unwrap();
        for token in 0..rows.len() {
            for layer in 0..rows[token].as_array().unwrap().len() {
                let place = json!([grid["component"], grid["metric"], token, layer]);
                let mut found = sites.iter().filter(|(found, _)| *found == place);
                let (_, site) = found.next().unwrap_or_else(|| panic!("{place} was not told: {command}"));
                assert!(found.next().is_none(), "{place} was told twice");
                for number in ["patched", "indirect_effect", "percent_improvement"] {
                    // To the last digit.
                    assert_eq!(site[number], grid[number][token][layer], "{number} at {place}: {command}");
                }
                expected += 1;
            }
        }
    }
    assert_eq!(sites.len(), expected);
}

#[test]
fn numbers_are_those_of_the_command_line() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let other = "Opera House can be found in the city of";
    let n_tokens = |prompt: &str| {
        let tokens = server.post("/api/tokens", &json!({ "prompt": prompt }).to_string()).json(200);
        tokens["tokens"].as_array().unwrap().len()
    };
    let mut requests = vec![
        request(&[("components", json!(["mlp", "residual", "attn"])), ("window", json!(3))]),
        request(&[
            ("components", json!(["mlp_severed", "resid_pre"])),
            ("direction", json!("noise")),
            ("seed", json!(7)),
        ]),
        request(&[("corruption", json!("noise_replace")), ("noise", json!("u0.5")), ("samples", json!(3))]),
        request(&[
            ("noise", json!("t3")),
            ("metrics", json!(["rank", "kl_divergence", "probability", "logit_difference"])),
        ]),
        request(&[
            ("corruption", json!("random_embedding")),
            ("samples", json!(2)),
            ("noise", json!("nonsense")),
        ]),
        request(&[("corruption", json!("shuffle")), ("samples", json!(2))]),
        // A part of the subject, another answer.
        request(&[("subject", json!([1, 3])), ("answer", json!(431))]),
        // A word that occurs before, so that its text does not tell which is meant.
        request(&[
            ("prompt", json!("the city of Seattle is the city of")),
            ("subject", json!([n_tokens("the city of Seattle is"), n_tokens("the city of Seattle is the")])),
        ]),
    ];
    requests.push(request(&[
        ("corruption", json!("pair")),
        ("counterpart", json!(other)),
        ("metrics", json!(["logit_difference"])),
    ]));
    for request in requests {
        let (job, command) = server.start_job(&request);
        equals_the_command(&server.story(&job), &command, folder.path());
    }
}

#[test]
fn another_model_is_traced_as_well() {
    let folder = tempdir().unwrap();
    let model = golden("gptj").join("model");
    let model = model.to_str().unwrap();
    let server = Server::start(folder.path(), &["--model", model, "--precision", "bf16x6"]);
    let live = server.get("/api/live").json(200);
    assert_eq!(live["example"], Value::Null);
    let names: Vec<&str> =
        live["components"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(!names.contains(&"resid_mid"), "there is no such state in this model: {names:?}");
    let (job, command) = server.start_job(&request(&[("subject", json!([0, 2])), ("samples", json!(3))]));
    equals_the_command(&server.story(&job), &command, folder.path());
}

#[test]
fn what_the_page_begins_with_can_be_asked() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let live = server.get("/api/live").json(200);
    assert_eq!((&live["model"], &live["saves_to"]), (&json!("demo"), &json!("live-traces")));
    let prompt = live["example"]["prompt"].as_str().unwrap();
    let tokens = server.post("/api/tokens", &json!({ "prompt": prompt }).to_string()).json(200);
    let texts: Vec<&str> =
        tokens["tokens"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    assert_eq!(texts.concat(), prompt);
    let span: Vec<usize> = serde_json::from_value(tokens["subject"].clone()).unwrap();
    assert_eq!(texts[span[0]..span[1]].concat().trim(), live["example"]["subject"].as_str().unwrap());
    assert_eq!(tokens["top"].as_array().unwrap().len(), 10);
    assert_eq!(tokens["top"][0]["text"], " Seattle");
    let request = json!({ "prompt": prompt, "subject": span, "answer": null, "counterpart": null, "settings": live["defaults"] });
    let (job, command) = server.start_job(&request);
    equals_the_command(&server.story(&job), &command, folder.path());
}

#[test]
fn sites_come_while_the_trace_runs() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &["--threads", "1"]);
    let all = json!(["residual", "mlp", "attn"]);
    let (job, _) =
        server.start_job(&request(&[("components", all), ("window", json!(3)), ("samples", json!(40))]));
    let story = server.story(&job);
    let names: Vec<&str> = story.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names[..2], ["queued", "started"]);
    let baseline = names.iter().position(|&name| name == "baseline").unwrap();
    let first = names.iter().position(|&name| name == "sites").unwrap();
    assert!(baseline < first);
    // Progress is told between the sites.
    let last = names.iter().rposition(|&name| name == "sites").unwrap();
    let between = names[first..last].iter().filter(|&&name| name == "progress").count();
    assert!(between >= 3, "{names:?}");
    let progress: Vec<u64> = story
        .iter()
        .filter(|event| event.name == "progress")
        .map(|event| event.data["done"].as_u64().unwrap())
        .collect();
    assert!(progress.is_sorted(), "{progress:?}");
    // Who comes late hears the same.
    let again = server.story(&job);
    assert_eq!(again.len(), story.len());
    assert!(again.iter().zip(&story).all(|(again, first)| again.data == first.data));
}

#[test]
fn a_job_goes_with_its_reader() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (long, _) = server.start_job(&long_request());
    let mut events = server.events(&long);
    events.wait_for("started");
    drop(events);
    let start = Instant::now();
    let (short, _) = server.start_job(&request(&[("samples", json!(1))]));
    assert_eq!(server.story(&short).last().unwrap().name, "done");
    assert!(start.elapsed() < PATIENCE / 3, "{:?}", start.elapsed());
    assert_eq!(server.story(&long).last().unwrap().name, "cancelled");
    server.post(&format!("/api/jobs/{long}/save"), "{}").error(409);
}

#[test]
fn a_job_has_several_readers_until_the_last_goes() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (job, _) = server.start_job(&long_request());
    let (mut first, mut second) = (server.events(&job), server.events(&job));
    first.wait_for("started");
    drop(first);
    // The server has noticed, and goes on.
    std::thread::sleep(Duration::from_millis(500));
    second.wait_for("progress");
    assert_eq!(server.delete(&format!("/api/jobs/{job}")).status(), 204);
    second.wait_for("cancelled");
}

#[test]
fn jobs_wait_in_a_queue_of_bounded_length() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (running, _) = server.start_job(&long_request());
    let mut story = server.events(&running);
    story.wait_for("started");
    let waiting: Vec<String> = (0..3).map(|_| server.start_job(&long_request()).0).collect();
    let error = server.post("/api/jobs", &request(&[]).to_string()).error(429);
    assert!(error.contains('3'), "{error}");
    let mut last = server.events(&waiting[2]);
    assert_eq!(last.next().unwrap().data, json!({"before": 3}));
    // One that waits is cancelled: there is a place again, and those behind it move up.
    assert_eq!(server.delete(&format!("/api/jobs/{}", waiting[0])).status(), 204);
    assert_eq!(server.story(&waiting[0]).last().unwrap().name, "cancelled");
    assert_eq!(last.next().unwrap().data, json!({"before": 2}));
    let (short, _) = server.start_job(&request(&[("samples", json!(1))]));
    assert_eq!(server.post("/api/jobs", &request(&[]).to_string()).status(), 429);
    // The one that runs is cancelled, and all others.
    assert_eq!(server.delete(&format!("/api/jobs/{running}")).status(), 204);
    story.wait_for("cancelled");
    assert!(story.next().is_none(), "nothing comes after the end");
    for job in &waiting[1..] {
        assert_eq!(server.delete(&format!("/api/jobs/{job}")).status(), 204);
    }
    last.wait_for("cancelled");
    assert_eq!(server.story(&short).last().unwrap().name, "done");
    // Cancelled when it is over, a job stays as it is.
    assert_eq!(server.delete(&format!("/api/jobs/{short}")).status(), 204);
    assert_eq!(server.story(&short).last().unwrap().name, "done");
}

#[test]
fn few_jobs_are_kept_when_they_are_over() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let jobs: Vec<String> = (0..10)
        .map(|_| {
            let (job, _) = server.start_job(&request(&[("samples", json!(1))]));
            assert_eq!(server.story(&job).last().unwrap().name, "done");
            job
        })
        .collect();
    server.get(&format!("/api/jobs/{}/events", jobs[0])).error(404);
    assert_eq!(server.story(&jobs[9]).last().unwrap().name, "done");
    // Those that were cancelled push out none that are done; of them only the end is kept.
    let mut cancelled = Vec::new();
    for _ in 0..10 {
        let (job, _) = server.start_job(&long_request());
        let mut events = server.events(&job);
        events.wait_for("started");
        assert_eq!(server.delete(&format!("/api/jobs/{job}")).status(), 204);
        assert_eq!(events.last().unwrap().name, "cancelled");
        cancelled.push(job);
    }
    for job in &jobs[2..] {
        assert_eq!(server.story(job).last().unwrap().name, "done");
    }
    let story = server.story(&cancelled[8]);
    assert_eq!(story.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["cancelled"]);
    server.get(&format!("/api/jobs/{}/events", cancelled[0])).error(404);
    assert_eq!(server.post(&format!("/api/jobs/{}/save", jobs[2]), "{}").status(), 200);
}

/// It takes fifteen seconds.
#[test]
fn jobs_that_nobody_listens_to_take_no_place() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (running, _) = server.start_job(&long_request());
    let mut story = server.events(&running);
    story.wait_for("started");
    let unheard: Vec<String> = (0..3).map(|_| server.start_job(&long_request()).0).collect();
    server.post("/api/jobs", &request(&[]).to_string()).error(429);
    std::thread::sleep(Duration::from_secs(16));
    let (heard, _) = server.start_job(&request(&[("samples", json!(1))]));
    assert_eq!(server.events(&heard).next().unwrap().data, json!({"before": 1}));
    assert_eq!(server.story(&unheard[0]).last().unwrap().name, "cancelled");
    story.wait_for("progress");
}

#[test]
fn a_question_about_a_stream_is_no_reader() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (job, _) = server.start_job(&long_request());
    let mut story = server.events(&job);
    story.wait_for("started");
    for job in [&job, &server.start_job(&request(&[("samples", json!(1))])).0] {
        let mut stream = server.connect();
        let host = server.host();
        write!(stream, "HEAD /api/jobs/{job}/events HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
            .unwrap();
        let head = Head::read(&mut BufReader::new(stream)).unwrap();
        assert_eq!(head.status, 405);
    }
    let (last, _) = server.start_job(&request(&[("samples", json!(1))]));
    let before = server.events(&last).next().unwrap().data;
    assert_eq!(before, json!({"before": 2}), "the one that was asked about waits as before");
}

/// It takes fifteen seconds.
#[test]
fn a_job_that_nobody_listens_to_ends() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (unheard, _) = server.start_job(&long_request());
    let (short, _) = server.start_job(&request(&[("samples", json!(1))]));
    let mut events = server.events(&short);
    let start = Instant::now();
    events.wait_for("done");
    assert!(start.elapsed() > Duration::from_secs(5), "the long trace came first");
    assert_eq!(server.story(&unheard).last().unwrap().name, "cancelled");
}

#[test]
fn what_cannot_be_traced_is_said() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let refused = |changes: &[(&str, Value)], words: &[&str]| {
        let error = server.post("/api/jobs", &request(changes).to_string()).error(400);
        for word in words {
            assert!(error.contains(word), "{changes:?}: {error}");
        }
    };
    refused(&[("subject", json!([3, 3]))], &["subject"]);
    refused(&[("subject", json!([5, 3]))], &["subject"]);
    refused(&[("subject", json!([5, 99]))], &["5..99", "12", "'Sp'"]);
    refused(&[("subject", json!([-1, 3]))], &["cannot be understood"]);
    refused(&[("subject", json!([0, 1, 2]))], &["cannot be understood"]);
    refused(&[("prompt", json!(""))], &["empty"]);
    refused(&[("prompt", json!("word ".repeat(500)))], &["64"]);
    refused(&[("answer", json!(3072))], &["3072"]);
    refused(&[("answer", json!(-1))], &["cannot be understood"]);
    refused(&[("components", json!([]))], &["component"]);
    refused(&[("components", json!(["everything"]))], &["everything"]);
    refused(&[("window", json!(0))], &["window"]);
    refused(&[("window", json!(1e9))], &["cannot be understood"]);
    refused(&[("samples", json!(0))], &["samples", "100"]);
    refused(&[("samples", json!(101))], &["samples", "100"]);
    refused(&[("noise", json!("loud"))], &["loud", "s3"]);
    refused(&[("noise", json!("-1"))], &["-1"]);
    refused(&[("noise", json!("nan"))], &["nan"]);
    refused(&[("corruption", json!("pair"))], &["other prompt"]);
    refused(&[("corruption", json!("swap"))], &["swap"]);
    refused(&[("metrics", json!(["joy"]))], &["joy"]);
    refused(&[("seed", json!(-1))], &["cannot be understood"]);
    refused(&[("corruption", json!("pair")), ("counterpart", json!("Short"))], &["align"]);
    refused(&[("corruption", json!("pair")), ("counterpart", json!(PROMPT))], &["same tokens"]);
    refused(&[("corruption", json!("shuffle")), ("subject", json!([0, 1]))], &["shuffle"]);
    refused(&[("components", json!(["mlp", "residual", "mlp"]))], &["mlp", "twice"]);
    // What only the engine finds ends the job.
    let failed = |changes: &[(&str, Value)], word: &str| {
        let (job, _) = server.start_job(&request(changes));
        let last = server.story(&job).pop().unwrap();
        assert_eq!(last.name, "failed", "{last:?}");
        let error = last.data["error"].as_str().unwrap().to_owned();
        assert!(error.contains(word) && !error.contains("panicked"), "{error}");
    };
    failed(&[("noise", json!("1e300"))], "finite");
    for unknown in ["j1", "x", "%00", "..%2fj1"] {
        server.get(&format!("/api/jobs/{unknown}/events")).error(404);
        server.post(&format!("/api/jobs/{unknown}/save"), "{}").error(404);
        assert_eq!(server.delete(&format!("/api/jobs/{unknown}")).status(), 404);
    }
}

#[test]
fn ctrl_c_ends_the_server_and_its_job() {
    let folder = tempdir().unwrap();
    for signal in ["-INT", "-TERM"] {
        let server = Server::start(folder.path(), &[]);
        let (job, _) = server.start_job(&long_request());
        let mut events = server.events(&job);
        events.wait_for("started");
        let start = Instant::now();
        let (code, said) = server.stop(signal);
        assert_eq!(code, Some(0), "{said}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        events.wait_for("cancelled");
        assert!(!said.contains("error") && !said.contains("panicked"), "{said}");
    }
}
