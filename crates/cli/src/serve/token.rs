//! The secret of an address that others could reach: who has it may use the server.

use anyhow::{Result, anyhow};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, Uri};
use constant_time_eq::constant_time_eq;

/// Bytes of a secret: nobody guesses 128 bits.
const BYTES: usize = 16;
/// What it is called in the address.
const PARAMETER: &str = "token";

/// A secret for as long as the server runs.
pub(super) struct Token {
    secret: String,
    /// Cookies do not know of ports, so that another server's would take this one's place.
    cookie: String,
}

impl Token {
    /// A new secret.
    pub(super) fn new(port: u16) -> Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("cannot draw a secret: {error}"))?;
        let secret = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Token { secret, cookie: format!("causal-trace-{port}") })
    }

    /// What comes after the origin in the address to be printed.
    pub(super) fn query(&self) -> String {
        format!("?{PARAMETER}={}", self.secret)
    }

    /// The cookie that stands for the secret from the first visit on. Scripts cannot read it. Of other sites only
    /// links have it sent, which the guard lets lead to the page and nowhere else.
    pub(super) fn set_cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie, self.secret)
    }

    /// Whether an address has the secret.
    pub(super) fn is_in_address(&self, uri: &Uri) -> bool {
        let parameters = uri.query().unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
        parameters.filter(|(name, _)| *name == PARAMETER).any(|(_, value)| self.is(value))
    }

    /// Whether a request has the cookie.
    pub(super) fn is_in_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.cookie && self.is(value))
    }

    fn is(&self, given: &str) -> bool {
        constant_time_eq(given.as_bytes(), self.secret.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_secret_is_known_by_address_and_cookie() {
        let (token, other) = (Token::new(8787).unwrap(), Token::new(8787).unwrap());
        assert_eq!(token.secret.len(), 2 * BYTES);
        assert_ne!(token.secret, other.secret);
        let uri = |query: &str| format!("/{query}").parse::<Uri>().unwrap();
        assert!(token.is_in_address(&uri(&token.query())));
        assert!(token.is_in_address(&uri(&format!("?a=b&token={}", token.secret))));
        for query in
            ["", "?token=", "?token", &other.query(), &token.query()[..10], &format!("?x={}", token.secret)]
        {
            assert!(!token.is_in_address(&uri(query)), "{query}");
        }
        let cookies = |text: &str| HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(text).unwrap())]);
        let mine = token.set_cookie().split(';').next().unwrap().to_owned();
        assert!(token.is_in_cookie(&cookies(&mine)));
        assert!(token.is_in_cookie(&cookies(&format!("a=b; {mine}; c=d"))));
        assert!(!token.is_in_cookie(&cookies(&mine.replace("8787", "8788"))));
        assert!(!token.is_in_cookie(&cookies("causal-trace-8787=")));
        assert!(!token.is_in_cookie(&HeaderMap::new()));
    }
}
