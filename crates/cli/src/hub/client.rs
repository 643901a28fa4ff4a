//! Requests: who asks, where redirects lead, and what refusals say.

use std::io::Read;
use std::time::Duration;

use anyhow::{Result, bail};
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body};

use super::Settings;
use super::address::{origin, resolved};
use super::certificates::tls;
use super::settings::Token;

const NO_HOST: &str = "no such host is known";
const CONNECT: Duration = Duration::from_secs(20);
const MOST_REDIRECTS: usize = 8;
/// An answer that is not a file is no longer than this.
const LONGEST_TEXT: u64 = 64 << 20;
/// How long to wait before another try, in milliseconds.
pub(super) const WAITS: [u64; 4] = [200, 800, 2500, 6000];

/// Asks one server, and those that it refers to.
pub(crate) struct Client {
    agent: Agent,
    /// The server that may know who asks.
    endpoint: String,
    token: Option<Token>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server does not give it.
    Refused(Refusal),
    /// The server cannot be reached, or no longer.
    Network { reason: String, passing: bool },
    /// What came is not what was asked for.
    Strange(String),
}

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The hub's word for the reason, as `GatedRepo`.
    pub(crate) code: String,
    /// The reason in words, where it is given.
    pub(crate) message: String,
}

impl Failure {
    /// Whether another try may help.
    fn is_passing(&self) -> bool {
        match self {
            Failure::Refused(refusal) => matches!(refusal.status, 408 | 429 | 500..),
            Failure::Network { passing, .. } => *passing,
            Failure::Strange(_) => false,
        }
    }

    pub(super) fn broken_off(error: &std::io::Error) -> Self {
        Failure::Network { reason: reason(error), passing: true }
    }
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The headers, of a file that lies elsewhere those of the reference to it.
    Head,
    /// The bytes from here on.
    From(u64),
}

/// A file's bytes.
pub(crate) struct Opened {
    /// Where they begin.
    pub(crate) start: u64,
    pub(crate) reader: Box<dyn Read + Send>,
}

impl Client {
    /// # Errors
    /// When the certificates or the token that the environment names cannot be used.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        if let Some(Token { secret, source }) = &settings.token
            && !secret.bytes().all(|byte| byte.is_ascii_graphic())
        {
            bail!(
                "the token in {source} has characters that no token has: copy it once more, or take it away"
            );
        }
        let config = Agent::config_builder()
            .tls_config(tls(settings.certificates.as_deref())?)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_resolve(Some(CONNECT))
            .timeout_per_read(Some(settings.patience))
            .timeout_per_write(Some(settings.patience))
            .user_agent(concat!("causal-trace/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client {
            agent: Agent::new_with_config(config),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        })
    }

    /// The headers of a file; those of a redirect that was followed stand where the last answer has none of the name.
    pub(super) fn head(&self, url: &str) -> Result<HeaderMap, Failure> {
        persistently(|| {
            let (response, mut before) = self.answer(url, Wanted::Head)?;
            for (name, value) in response.headers() {
                before.insert(name.clone(), value.clone());
            }
            Ok(before)
        })
    }

    /// A short answer, whole.
    pub(crate) fn bytes(&self, url: &str) -> Result<Vec<u8>, Failure> {
        persistently(|| {
            let mut bytes = Vec::new();
            let reader = self.open(url, 0)?.reader;
            reader.take(LONGEST_TEXT).read_to_end(&mut bytes).map_err(|error| Failure::broken_off(&error))?;
            Ok(bytes)
        })
    }

    /// A file from a place on, or from its start where the server cannot do that.
    pub(super) fn open(&self, url: &str, from: u64) -> Result<Opened, Failure> {
        let (response, _) = self.answer(url, Wanted::From(from))?;
        let start = match response.status() {
            StatusCode::PARTIAL_CONTENT => range_start(response.headers())
                .ok_or_else(|| Failure::Strange("a part of a file without a Content-Range".to_owned()))?,
            _ => 0,
        };
        Ok(Opened { start, reader: Box::new(response.into_body().into_reader()) })
    }

    /// Follows redirects: the secret goes to the server that it belongs to, and to no other.
    fn answer(&self, url: &str, wanted: Wanted) -> Result<(Response<Body>, HeaderMap), Failure> {
        let (mut url, mut before) = (url.to_owned(), HeaderMap::new());
        for _ in 0..MOST_REDIRECTS {
            let response = self.ask(&url, wanted)?;
            let status = response.status();
            let location = header(response.headers(), "location").filter(|_| status.is_redirection());
            let Some(location) = location else {
                return if status.is_success() { Ok((response, before)) } else { Err(refused(response)) };
            };
            let next = resolved(&url, location);
            if wanted == Wanted::Head && origin(&next) != origin(&url) {
                return Ok((response, before));
            }
            if url.starts_with("https:") && !next.starts_with("https:") {
                return Err(Failure::Strange(format!("a redirect to {next}, which is not encrypted")));
            }
            // What it says of the file; its own length is that of a redirect.
            let of_file = |name: &str| name == "etag" || name.starts_with("x-");
            let said = response.headers().iter().filter(|(name, _)| of_file(name.as_str()));
            before.extend(said.map(|(name, value)| (name.clone(), value.clone())));
            url = next;
        }
        Err(Failure::Strange(format!("more than {MOST_REDIRECTS} redirects")))
    }

    fn ask(&self, url: &str, wanted: Wanted) -> Result<Response<Body>, Failure> {
        let mut request = if wanted == Wanted::Head { self.agent.head(url) } else { self.agent.get(url) };
        // Packed on the way, a file has another length.
        request = request.header("Accept-Encoding", "identity");
        if let Wanted::From(from @ 1..) = wanted {
            request = request.header("Range", format!("bytes={from}-"));
        }
        if let Some(token) = self.token.as_ref().filter(|_| origin(url) == origin(&self.endpoint)) {
            request = request.header("Authorization", format!("Bearer {}", token.secret));
        }
        request.call().map_err(|error| network(&error))
    }
}

/// Tries again where that may help.
fn persistently<T>(ask: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
    for wait in &WAITS[..2] {
        match ask() {
            Err(failure) if failure.is_passing() => std::thread::sleep(Duration::from_millis(*wait)),
            settled => return settled,
        }
    }
    ask()
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn range_start(headers: &HeaderMap) -> Option<u64> {
    header(headers, "content-range")?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn refused(response: Response<Body>) -> Failure {
    let said = |name: &str| header(response.headers(), name).unwrap_or_default().to_owned();
    let (code, message) = (said("x-error-code"), said("x-error-message"));
    Failure::Refused(Refusal { status: response.status().as_u16(), code, message })
}

fn network(error: &ureq::Error) -> Failure {
    let (reason, passing) = match error {
        // Some come wrapped.
        ureq::Error::Rustls(_) | ureq::Error::Io(_) if error.to_string().contains("certificate") => {
            let advice = "a network that opens TLS needs its certificates in SSL_CERT_FILE";
            (format!("{} ({advice})", error.to_string().trim_start_matches("io: ")), false)
        }
        ureq::Error::HostNotFound => (NO_HOST.to_owned(), false),
        // As the standard library says it, without a kind of its own.
        ureq::Error::Io(error) if error.to_string().contains("failed to lookup address") => {
            (NO_HOST.to_owned(), false)
        }
        ureq::Error::Io(error) => (reason(error), error.kind() != std::io::ErrorKind::ConnectionRefused),
        ureq::Error::Timeout(_) => ("no answer in time".to_owned(), true),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => (format!("not an address: {error}"), false),
        other => (other.to_string(), false),
    };
    Failure::Network { reason, passing }
}

fn reason(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::TimedOut {
        "no answer in time".to_owned()
    } else {
        error.to_string()
    }
}
