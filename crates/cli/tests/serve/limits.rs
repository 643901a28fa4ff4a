//! What is too much, too slow, or meant to break something.

use std::io::{BufReader, Read, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Answer, Server};
use crate::live::{long_request, request};

/// The memory that is given to the model and its traces, and what the program takes beside it, whatever is asked of it.
const MEMORY: (&str, usize) = ("100M", 100 << 20);
const MORE_MEMORY: usize = 100 << 20;

#[test]
fn what_is_too_long_is_refused() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let limit = server.get("/api/live").json(200)["max_prompt_bytes"].as_u64().unwrap() as usize;
    let prompt = |bytes: usize| "x".repeat(bytes);
    for bytes in [limit + 1, 100_000] {
        let asked = json!({ "prompt": prompt(bytes) }).to_string();
        let error = server.post("/api/tokens", &asked).error(413);
        assert!(error.contains(&bytes.to_string()) && error.contains(&limit.to_string()), "{error}");
        server.post("/api/jobs", &request(&[("prompt", json!(prompt(bytes)))]).to_string()).error(413);
        let pair = request(&[("corruption", json!("pair")), ("counterpart", json!(prompt(bytes)))]);
        server.post("/api/jobs", &pair.to_string()).error(413);
    }
    // The longest prompt that is taken has more tokens than the model takes: they are shown without a prediction.
    let tokens = server.post("/api/tokens", &json!({ "prompt": prompt(limit) }).to_string()).json(200);
    assert!(tokens["tokens"].as_array().unwrap().len() > 64);
    assert_eq!(tokens["top"], json!([]));
    let error = server.post("/api/tokens", &json!({ "prompt": prompt(300_000) }).to_string()).error(413);
    assert!(error.contains("256"), "{error}");
    // An answer to what is much longer gets lost where the server does not read on.
    let mut stream = server.connect();
    let host = server.host();
    write!(
        stream,
        "POST /api/jobs HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n\
         content-length: 1000000000\r\n\r\n"
    )
    .unwrap();
    assert_eq!(Answer::read(&mut BufReader::new(stream)).unwrap().status(), 413);
    let too_many = request(&[
        ("prompt", json!("the city of ".repeat(20))),
        ("samples", json!(100)),
        ("components", json!(["residual", "mlp", "attn", "resid_pre", "resid_mid"])),
        ("metrics", json!(["rank", "logit", "kl_divergence"])),
    ]);
    assert!(server.post("/api/jobs", &too_many.to_string()).error(413).contains("500000"));
}

#[test]
fn a_body_without_a_length_is_bounded_too() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let host = server.host();
    let mut stream = server.connect();
    write!(
        stream,
        "POST /api/tokens HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    )
    .unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    // The server may well hang up before all is sent.
    for _ in 0..100 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 413"), "{answer:?}");
    assert_eq!(server.get("/").status(), 200);
}

#[test]
fn hostile_prompts_are_texts() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let prompts = [
        "<script>alert(1)</script> & <img src=x onerror=alert(1)> is in",
        "\" ' ` \\ $(rm -rf ~) ; | > /dev/null {{ }} %s %n is",
        "\0 \u{1}\u{7f}\u{1b}[2J\r\n\t is",
        "\u{202e}txt.exe\u{202c} \u{200f}برج إيفل\u{200e} is in",
        "\u{feff}\u{fffe}\u{ffff}\u{10ffff} \u{2028}\u{2029} é e\u{301} is",
        "data: x\n\nevent: done\ndata: {}\n\n is",
        " ",
        "\n",
    ];
    for prompt in prompts {
        let tokens = server.post("/api/tokens", &json!({ "prompt": prompt }).to_string()).json(200);
        let n_tokens = tokens["tokens"].as_array().unwrap().len();
        assert!(n_tokens > 0, "{prompt:?}");
        let changes = [("prompt", json!(prompt)), ("subject", json!([0, n_tokens])), ("samples", json!(1))];
        let (job, command) = server.start_job(&request(&changes));
        assert_eq!(command.starts_with('#'), prompt.contains('\0'), "{command}");
        assert!(shlex::split(&command).is_some(), "{command}");
        let story = server.story(&job);
        assert_eq!(story.last().unwrap().name, "done", "{prompt:?}: {:?}", story.last());
        assert_eq!(story.iter().filter(|event| event.name == "done").count(), 1);
        let started = story.iter().find(|event| event.name == "started").unwrap();
        assert_eq!(started.data["tokens"].as_array().unwrap().len(), n_tokens);
    }
    // Half of a character, which no text can have.
    for escape in [r"\ud800", r"\udc00", r"\ud83d x", r"\ud800\ud800"] {
        let error = server.post("/api/tokens", &format!(r#"{{"prompt":"{escape} is in"}}"#)).error(400);
        assert!(error.contains("cannot be understood"), "{error}");
    }
    for body in
        ["", "{", "[]", "null", "\"x\"", "{\"prompt\":1}", "{\"prompt\":\"x\",\"path\":\"/etc/passwd\"}"]
    {
        assert_eq!(server.post("/api/tokens", body).status(), 400, "{body}");
    }
    assert_eq!(server.post("/api/tokens", &"[".repeat(100_000)).status(), 400);
    let not_text = [b"{\"prompt\":\"".as_slice(), &[0xff, 0xfe, 0xc0], b"\"}"].concat();
    let (host, origin) = (server.host(), format!("http://{}", server.host()));
    let headers = [("host", &*host), ("origin", &*origin), ("content-type", "application/json")];
    assert_eq!(server.request("POST", "/api/tokens", &headers, &not_text).status(), 400);
    let empty = server.post("/api/tokens", r#"{"prompt":""}"#).json(200);
    assert_eq!(empty, json!({"tokens": [], "top": [], "subject": null}));
}

/// A thousand questions are sent before any answer is read, while a trace runs.
#[test]
fn a_thousand_requests_at_once_are_answered() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &["--memory", MEMORY.0]);
    let (job, _) = server.start_job(&long_request());
    let mut events = server.events(&job);
    events.wait_for("started");
    let host = server.host();
    let tokens = json!({ "prompt": "The Space Needle is in the city of" }).to_string();
    let post = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let kinds = [
        post("/api/tokens", &tokens),
        get("/api/report"),
        post("/api/jobs", &request(&[]).to_string()),
        get("/explorer.js"),
    ];
    // Two on each connection, so that the files that a process may open are enough.
    let connections: Vec<_> = (0..500)
        .map(|index| {
            let mut stream = server.connect();
            let asked = format!("{}{}", kinds[index % 4], kinds[(index + 1) % 4]);
            stream.write_all(asked.as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut statuses = std::collections::BTreeMap::new();
    for stream in connections {
        let mut reader = BufReader::new(stream);
        for _ in 0..2 {
            let answer = Answer::read(&mut reader).expect("an answer");
            *statuses.entry(answer.status()).or_insert(0) += 1;
        }
    }
    assert_eq!(statuses.values().sum::<usize>(), 1000);
    assert!(statuses.keys().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert!(statuses[&200] >= 750, "only jobs are too many: {statuses:?}");
    if let Some(peak) = server.peak_memory() {
        println!("{} MiB at most", peak >> 20);
        assert!(peak < MEMORY.1 + MORE_MEMORY, "{peak} bytes");
    }
    // It is as it was: the trace runs, and questions are answered.
    events.wait_for("progress");
    assert_eq!(server.get("/api/live").status(), 200);
}

/// It takes ten seconds.
#[test]
fn those_who_say_nothing_are_left() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let host = server.host();
    let silent = server.connect();
    let mut slow = server.connect();
    write!(slow, "GET / HTTP/1.1\r\nhost: ").unwrap();
    let mut half = server.connect();
    write!(
        half,
        "POST /api/tokens HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{"
    )
    .unwrap();
    let start = Instant::now();
    let mut rest = Vec::new();
    for mut stream in [silent, slow] {
        stream.read_to_end(&mut rest).unwrap();
    }
    let answer = Answer::read(&mut BufReader::new(half)).unwrap();
    assert_eq!(answer.status(), 408, "{}", answer.text());
    assert!(
        (Duration::from_secs(8)..Duration::from_secs(30)).contains(&start.elapsed()),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(server.get("/").status(), 200);
}

/// It takes fifteen seconds.
#[test]
fn those_who_read_nothing_are_left() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let length = server.get("/explorer.js").body.len();
    let n_asked = 300;
    let mut stream = server.connect();
    let question = format!("GET /explorer.js HTTP/1.1\r\nhost: {}\r\n\r\n", server.host());
    stream.write_all(question.repeat(n_asked).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_secs(20));
    // What the system holds for the client may still come, and then the end, however the system tells it.
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    assert!(answers.len() < n_asked / 2 * length, "{} bytes of answers of {length} came", answers.len());
    assert_eq!(server.get("/").status(), 200);
}

/// Clients that break off wherever they are.
#[test]
fn clients_that_go_away_leave_nothing_behind() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let host = server.host();
    let body = request(&[]).to_string();
    let asked = format!(
        "POST /api/jobs HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    for end in (1..asked.len()).step_by(7) {
        server.connect().write_all(&asked.as_bytes()[..end]).unwrap();
    }
    for _ in 0..50 {
        server
            .connect()
            .write_all(format!("GET /explorer.js HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes())
            .unwrap();
    }
    let (job, _) = server.start_job(&request(&[("samples", Value::from(1))]));
    assert_eq!(server.story(&job).last().unwrap().name, "done");
}
