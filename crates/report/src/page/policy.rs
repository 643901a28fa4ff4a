//! What the browser may load and run: nothing but what this program put there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::assets::{SCRIPT, STYLE};

/// The `Content-Security-Policy` of a report file: script and style by their hashes, and no network.
pub(super) fn file_policy() -> String {
    let (script, style) = (hash(SCRIPT), hash(STYLE));
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; img-src data: blob:; base-uri 'none'; \
         form-action 'none'"
    )
}

/// The `Content-Security-Policy` header that a server sends with its page.
#[must_use]
pub fn served_policy() -> &'static str {
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

/// A text as a source expression of the policy.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}
