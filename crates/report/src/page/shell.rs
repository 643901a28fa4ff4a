//! The HTML around the page.

use serde::Serialize;

use super::Report;
use super::assets::{LICENSES, SCRIPT, STYLE};
use super::policy::file_policy;
use crate::label::clean;
use crate::svg::escape;

/// The server's page; its script is at `/explorer.js`, its style at `/explorer.css`.
#[must_use]
pub fn served_page() -> String {
    let (before, after) = page("causal-trace", "<link rel=\"stylesheet\" href=\"/explorer.css\">\n");
    format!("{before}<script src=\"/explorer.js\"></script>\n{after}")
}

/// A report file's page before and after its chunks. The script comes last, when all that it asks for is there.
pub(super) fn file_page(report: &Report) -> (String, String) {
    let names: Vec<&str> = report.folders.iter().map(|folder| folder.name.as_str()).collect();
    let title = escape(&clean(&format!("{} - causal tracing", names.join(", "))));
    let policy = file_policy();
    let head = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<style>{STYLE}</style>\n"
    );
    let (before, after) = page(&title, &head);
    let data = data_block("application/json", "report", &json(report));
    let licenses = data_block("text/plain", "licenses", LICENSES);
    (format!("{before}{data}"), format!("{licenses}<script>{SCRIPT}</script>\n{after}"))
}

/// A page with what belongs into its head, before and after what comes after its empty body.
fn page(title: &str, head: &str) -> (String, String) {
    let before = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{head}\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"causal-trace {}\">\n\
         <title>{title}</title>\n</head>\n<body>\n<div id=\"page\"></div>\n\
         <noscript>This page draws its figures with a script, which your browser does not run.</noscript>\n",
        env!("CARGO_PKG_VERSION")
    );
    (before, "</body>\n</html>\n".to_owned())
}

/// Text for the script, which the browser leaves alone. There is no `<` in it that could end the element.
pub(super) fn data_block(kind: &str, id: &str, text: &str) -> String {
    format!("<script type=\"{kind}\" id=\"{id}\">{text}</script>\n")
}

/// JSON without any character that means something to HTML, or ends a line in a script.
fn json(value: &impl Serialize) -> String {
    // A report has no maps with other keys than names, so this does not fail.
    let text = serde_json::to_string(value).unwrap_or_default();
    // Outside of texts JSON has none of these.
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_leave_its_element() {
        let hostile = "</script><!-- <script> ]]> & \u{2028}\u{2029} \" \\ \0 \u{202e}";
        let text = json(&hostile);
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\0']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }

    #[test]
    fn assets_cannot_leave_their_elements() {
        for (asset, end) in [(SCRIPT, "</script"), (LICENSES, "</script"), (STYLE, "</style")] {
            let lower = asset.to_ascii_lowercase();
            assert!(!lower.contains(end) && !lower.contains("<!--"), "{end} or a comment in an asset");
            assert!(!asset.contains('\r'), "browsers make another text of it, with another hash");
        }
    }
}
