//! The HTML around the page.

/// The server's page; its script is at `/explorer.js`, its style at `/explorer.css`.
#[must_use]
pub fn served_page() -> String {
    page(
        "causal-trace",
        "<link rel=\"stylesheet\" href=\"/explorer.css\">\n",
        "<script src=\"/explorer.js\"></script>\n",
    )
}

/// A page with what belongs into its head, and what comes after its empty body.
pub(super) fn page(title: &str, head: &str, end: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"causal-trace {}\">\n\
         <title>{title}</title>\n{head}</head>\n<body>\n<div id=\"page\"></div>\n\
         <noscript>This page draws its figures with a script, which your browser does not run.</noscript>\n\
         {end}</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    )
}
