//! Requests and answers as they go over a connection, and what goes wrong there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What goes wrong with the bytes of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The connection closes after so many bytes of an answer.
    Cut(usize),
    /// Nothing more comes after so many bytes of an answer, but the connection stays.
    Stall(usize),
    /// A byte of the file is another.
    Corrupt(usize),
    /// This status instead.
    Status(u16),
    /// Parts are not given, only the whole.
    NoRanges,
    /// So many milliseconds for each twentieth of the file.
    Slow(u64),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) authorization: Option<String>,
}

/// An answer before it is written.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let answer = Answer::new(status).with("X-Error-Message", message);
        if code.is_empty() { answer } else { answer.with("X-Error-Code", code) }
    }
}

/// The head of a request; none has a body.
pub(crate) fn read(stream: &TcpStream) -> std::io::Result<Seen> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    Ok(Seen {
        method,
        host: headers.get("host").cloned().unwrap_or_default(),
        path,
        range: headers.get("range").cloned(),
        authorization: headers.get("authorization").cloned(),
    })
}

/// Gives an answer, or the part of it that is asked for, with its fault.
pub(crate) fn write(
    stream: &mut TcpStream,
    seen: &Seen,
    mut answer: Answer,
    fault: Option<Fault>,
) -> std::io::Result<()> {
    match fault {
        Some(Fault::Status(status)) => answer = Answer::new(status),
        Some(Fault::Corrupt(place)) => answer.body[place] ^= 1,
        _ => {}
    }
    let from =
        seen.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    if let Some(from) = from.filter(|_| answer.status == 200 && !matches!(fault, Some(Fault::NoRanges))) {
        answer = part(answer, from);
    }
    send(stream, answer, seen.method == "HEAD", fault)
}

fn part(answer: Answer, from: usize) -> Answer {
    let len = answer.body.len();
    if from >= len {
        return Answer::new(416).with("Content-Range", format!("bytes */{len}"));
    }
    let range = format!("bytes {from}-{}/{len}", len - 1);
    let mut part = Answer { status: 206, headers: answer.headers, body: answer.body[from..].to_vec() };
    part.headers.retain(|(name, _)| *name != "Content-Length");
    part.with("Content-Range", range)
}

fn send(stream: &mut TcpStream, answer: Answer, is_head: bool, fault: Option<Fault>) -> std::io::Result<()> {
    let Answer { status, headers, body } = answer;
    write!(stream, "HTTP/1.1 {status} -\r\nConnection: close\r\n")?;
    if !headers.iter().any(|(name, _)| *name == "Content-Length") {
        write!(stream, "Content-Length: {}\r\n", body.len())?;
    }
    headers.iter().try_for_each(|(name, value)| write!(stream, "{name}: {value}\r\n"))?;
    write!(stream, "\r\n")?;
    if is_head {
        return Ok(());
    }
    match fault {
        Some(Fault::Cut(len)) => stream.write_all(&body[..len.min(body.len())]),
        Some(Fault::Stall(len)) => {
            stream.write_all(&body[..len.min(body.len())])?;
            std::thread::sleep(Duration::from_secs(20));
            Ok(())
        }
        Some(Fault::Slow(wait)) => body.chunks(body.len().div_ceil(20)).try_for_each(|chunk| {
            std::thread::sleep(Duration::from_millis(wait));
            stream.write_all(chunk)
        }),
        _ => stream.write_all(&body),
    }
}
