//! What every request must be before it is looked at, and what every answer carries.
//!
//! The server does what it is asked, so it must know who asks. A browser tells: which host it was sent for (`Host`),
//! which page asks (`Origin`, `Sec-Fetch-Site`). Pages of others are refused, whether they ask openly or under a name of
//! their own that points here.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, LOCATION, ORIGIN,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use causal_trace_report::page::served_policy;

use super::Problem;
use super::address::Address;
use super::token::Token;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Who may ask.
pub(super) struct Guard {
    pub(super) address: Address,
    /// Where the address alone does not tell.
    pub(super) token: Option<Token>,
}

/// Refuses what is not for this server or not from its own page; adds the headers of every answer.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut answer = match guard.admit(&request) {
        Err(problem) => and_close(problem.into_response()),
        Ok(()) => match guard.first_visit(&request) {
            Some(answer) => and_close(answer),
            None => next.run(request).await,
        },
    };
    protect(answer.headers_mut());
    answer
}

/// Who is not let in does not keep a connection either.
fn and_close(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

impl Guard {
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let host = self.host(request)?;
        check_origin(request, host)?;
        check_fetch_metadata(request)?;
        check_content_type(request)
    }

    /// The host that the request is for, which is this server.
    fn host<'a>(&self, request: &'a Request) -> Result<&'a str, Problem> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            _ => None,
        };
        // A request may name a host in its first line too, and then means that one.
        let in_line = request.uri().authority().map(|authority| authority.as_str());
        match host {
            Some(host)
                if self.address.is_named(host) && in_line.is_none_or(|it| self.address.is_named(it)) =>
            {
                Ok(host)
            }
            _ => {
                let origin = self.address.origin();
                let error = format!(
                    "this is not the host that was asked for: the address of this server is {origin}"
                );
                Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, error))
            }
        }
    }

    /// Where a secret is needed: the answer to a visitor who brings it for the first time, or does not have it.
    fn first_visit(&self, request: &Request) -> Option<Response> {
        let token = self.token.as_ref()?;
        let is_page = request.uri().path() == "/";
        if is_page && token.is_in_address(request.uri()) {
            // To an address without the secret, which can be shown and kept in the browser's history.
            let headers = [(LOCATION, "/".to_owned()), (SET_COOKIE, token.set_cookie())];
            return Some((StatusCode::SEE_OTHER, headers).into_response());
        }
        if token.is_in_cookie(request.headers()) {
            return None;
        }
        let error = "open the address that causal-trace serve printed, with the token in it";
        let status = StatusCode::UNAUTHORIZED;
        Some(if is_page {
            (status, error).into_response()
        } else {
            Problem::new(status, error).into_response()
        })
    }
}

fn text<'a>(request: &'a Request, name: &HeaderName) -> Option<&'a str> {
    // What is not text is not what a browser sends.
    request.headers().get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether the method only asks.
fn is_question(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// A browser tells the origin of every page that posts or deletes.
fn check_origin(request: &Request, host: &str) -> Result<(), Problem> {
    let is_ours = match text(request, &ORIGIN) {
        Some(origin) => {
            origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
        }
        None => is_question(request),
    };
    if is_ours { Ok(()) } else { Err(foreign()) }
}

/// Where a browser tells more: only this page's own questions, and visits of the page itself, by a link too.
fn check_fetch_metadata(request: &Request) -> Result<(), Problem> {
    let is_visit = || {
        is_question(request)
            && request.uri().path() == "/"
            && text(request, &FETCH_MODE) == Some("navigate")
            && text(request, &FETCH_DEST) == Some("document")
    };
    match text(request, &FETCH_SITE) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) if is_visit() => Ok(()),
        Some(_) => Err(foreign()),
    }
}

fn foreign() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "only this server's own page may ask this")
}

/// A form of another page cannot send JSON without asking first.
fn check_content_type(request: &Request) -> Result<(), Problem> {
    let kind = text(request, &CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if *request.method() == Method::POST
        && !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    {
        let error = "what is posted must be application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    Ok(())
}

/// The headers of every answer.
fn protect(headers: &mut HeaderMap) {
    let fixed = [
        (CONTENT_SECURITY_POLICY, served_policy()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
