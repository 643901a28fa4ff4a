//! Addresses: whose they are, and where redirects lead.

/// Scheme, host and port.
pub(super) fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |place| place + 3);
    let end = url[host..].find('/').map_or(url.len(), |place| host + place);
    &url[..end]
}

/// Where a redirect leads.
pub(super) fn resolved(from: &str, location: &str) -> String {
    let scheme = location.split(['/', '?', '#']).next().unwrap_or_default();
    if scheme.ends_with(':') {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{}:{location}", from.split(':').next().unwrap_or_default())
    } else if let Some(path) = location.strip_prefix('/') {
        format!("{}/{path}", origin(from))
    } else {
        format!("{}/{location}", from.rsplit_once('/').map_or(from, |(folder, _)| folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved() {
        assert_eq!(origin("http://a:1/b/c"), "http://a:1");
        assert_eq!(origin("https://a"), "https://a");
        assert_eq!(resolved("http://a:1/b/c", "/d"), "http://a:1/d");
        assert_eq!(resolved("http://a:1/b/c", "d"), "http://a:1/b/d");
        assert_eq!(resolved("http://a:1/b/c", "/d?next=https://x"), "http://a:1/d?next=https://x");
        assert_eq!(resolved("https://a:1/b/c", "//x/y"), "https://x/y");
        assert_eq!(resolved("http://a:1/b/c", "https://x/y"), "https://x/y");
    }
}
