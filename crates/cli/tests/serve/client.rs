//! A running server, and a small client for it that sends what it is told to, right or wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::isolated;

/// Nothing takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a folder, ended with this value.
pub(crate) struct Server {
    child: Child,
    /// What it printed: its address.
    pub(crate) url: String,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        Self::start_with(folder, args, &std::env::var("PATH").unwrap())
    }

    /// Where programs are looked for in these folders.
    pub(crate) fn start_with(folder: &Path, args: &[&str], path: &str) -> Self {
        let mut child = isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder)
            .env("PATH", path)
            .args(["serve", "--port", "0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().to_owned();
        let port = url.split([':', '/']).filter_map(|part| part.parse().ok()).next();
        let port = port.unwrap_or_else(|| panic!("no address in {url:?}"));
        Server { child, url, port }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends some bytes as they are, and reads the answer to the end of the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // The server may answer and hang up before it has read all.
        let _ = stream.write_all(bytes);
        Answer::read(&mut BufReader::new(stream)).unwrap()
    }

    /// A request with these headers and no others.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length =
            if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let head = format!("{method} {path} HTTP/1.1\r\n{headers}{length}connection: close\r\n\r\n");
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// A question as this server's own page asks it.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let headers =
            [("host", &*self.host()), ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")];
        self.request("GET", path, &headers, b"")
    }

    /// The same with something in JSON.
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let (host, origin) = (self.host(), format!("http://{}", self.host()));
        let headers = [("host", &*host), ("origin", &*origin), ("content-type", "application/json")];
        self.request("POST", path, &headers, body.as_bytes())
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        let (host, origin) = (self.host(), format!("http://{}", self.host()));
        self.request("DELETE", path, &[("host", &*host), ("origin", &*origin)], b"")
    }

    /// Asks for a trace; gives its id and the command that does the same.
    pub(crate) fn start_job(&self, request: &Value) -> (String, String) {
        let started = self.post("/api/jobs", &request.to_string()).json(200);
        let text = |name: &str| started[name].as_str().unwrap().to_owned();
        (text("job"), text("command"))
    }

    pub(crate) fn events(&self, job: &str) -> Events {
        let mut stream = self.connect();
        let host = self.host();
        write!(stream, "GET /api/jobs/{job}/events HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let mut reader = BufReader::new(stream);
        let head = Head::read(&mut reader).unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        Events { reader, rest: String::new() }
    }

    /// Everything that a job tells, to its end.
    pub(crate) fn story(&self, job: &str) -> Vec<Event> {
        self.events(job).collect()
    }

    /// Ends it as Ctrl-C does; gives its exit code and what it said.
    pub(crate) fn stop(self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.ended()
    }

    /// Waits for its end; gives its exit code and what it said.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }

    /// The most memory that it has held, in bytes; none where the system does not tell.
    pub(crate) fn peak_memory(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first lines of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// None at the end of the connection.
    pub(crate) fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines.first()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Some(Head { status, headers })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// An answer whose length is known.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// None at the end of the connection.
    pub(crate) fn read(reader: &mut impl BufRead) -> Option<Self> {
        let head = Head::read(reader)?;
        let mut body = vec![0; head.header("content-length").map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        Some(Answer { head, body })
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer in JSON, which has that status.
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{}", self.text());
        assert_eq!(self.head.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The words of a refusal.
    pub(crate) fn error(&self, status: u16) -> String {
        self.json(status)["error"].as_str().unwrap().to_owned()
    }
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A job's events as they come.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
    rest: String,
}

impl Events {
    /// The first event of that name.
    pub(crate) fn wait_for(&mut self, name: &str) -> Event {
        self.find(|event| event.name == name).unwrap_or_else(|| panic!("the stream ended without {name}"))
    }

    /// The next chunk of the transfer; none at its end.
    fn chunk(&mut self) -> Option<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        self.reader.read_exact(&mut chunk).unwrap();
        chunk.truncate(length);
        (length > 0).then(|| String::from_utf8(chunk).unwrap())
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                    return Some(Event { name: name.to_owned(), data: serde_json::from_str(data).unwrap() });
                }
            }
            let chunk = self.chunk()?;
            self.rest.push_str(&chunk);
        }
    }
}
