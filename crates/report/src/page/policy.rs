//! What the browser may load and run: nothing but what this program put there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::assets::{SCRIPT, STYLE};

/// Texts of the style elements that the plotting library puts into its charts.
const CHART_STYLES: [&str; 0] = [];

/// The `Content-Security-Policy` of a report file: script and style by their hashes, and no network.
pub(super) fn file_policy() -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}{}; img-src data: blob:; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE),
        chart_styles()
    )
}

/// The `Content-Security-Policy` header that a server sends with its page.
#[must_use]
pub fn served_policy() -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{}; img-src 'self' data: blob:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        chart_styles()
    )
}

fn chart_styles() -> String {
    CHART_STYLES.iter().map(|text| format!(" {}", hash(text))).collect()
}

/// A text as a source expression of the policy.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}
