//! Requests that are not of this server's own page: nothing is done, nothing is told.

use tempfile::tempdir;

use crate::client::{Answer, Server};

const PROMPT: &str = r#"{"prompt":"Space Needle is in"}"#;

fn started() -> (tempfile::TempDir, Server) {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    (folder, server)
}

/// Nothing of the page or of the file system is in a refusal.
fn refused(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status(), status, "{what}: {}", answer.text());
    let text = answer.text();
    assert!(
        !text.contains("<html") && !text.contains("root:") && !text.contains("tokens\""),
        "{what}: {text}"
    );
    let allowed = answer.head.header("access-control-allow-origin");
    assert_eq!(allowed, None, "{what}: other pages may read the answer");
}

#[test]
fn other_hosts_are_refused() {
    let (_folder, server) = started();
    let port = server.port;
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"] {
        let host = format!("{host}:{port}");
        assert_eq!(server.request("GET", "/", &[("host", &host)], b"").status(), 200, "{host}");
    }
    let other_port = format!("127.0.0.1:{}", port.wrapping_add(1));
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        &format!("localhost.evil.example:{port}"),
        &format!("127.0.0.1:{port}.evil.example"),
        &format!("user@127.0.0.1:{port}"),
        &format!("0.0.0.0:{port}"),
        &other_port,
        "127.0.0.1",
        "localhost",
        "",
        "\u{fc}",
    ] {
        for path in ["/", "/explorer.js", "/api/report", "/api/live"] {
            refused(&server.request("GET", path, &[("host", host)], b""), 421, host);
        }
    }
    let mine = server.host();
    refused(&server.request("GET", "/", &[], b""), 421, "no host");
    refused(&server.request("GET", "/", &[("host", &mine), ("host", "evil.example")], b""), 421, "two hosts");
    let elsewhere = format!("http://evil.example:{port}/");
    refused(
        &server.request("GET", &elsewhere, &[("host", &mine)], b""),
        421,
        "another host in the first line",
    );
}

#[test]
fn pages_of_others_are_refused() {
    let (_folder, server) = started();
    let (host, port) = (server.host(), server.port);
    let post = |headers: &[(&str, &str)]| {
        let headers = [&[("host", &*host), ("content-type", "application/json")], headers].concat();
        server.request("POST", "/api/tokens", &headers, PROMPT.as_bytes())
    };
    let origin = format!("http://{host}");
    assert_eq!(post(&[("origin", &origin)]).status(), 200);
    assert_eq!(post(&[("origin", &origin), ("sec-fetch-site", "same-origin")]).status(), 200);
    for other in [
        "http://evil.example",
        "null",
        "",
        "file://",
        &format!("http://localhost:{port}"),
        &format!("https://{host}"),
        &format!("http://{host}.evil.example"),
        &format!("http://127.0.0.1:{}", port.wrapping_add(1)),
    ] {
        refused(&post(&[("origin", other)]), 403, other);
        let asked = server.request("GET", "/api/report", &[("host", &host), ("origin", other)], b"");
        refused(&asked, 403, other);
        let deleted = server.request("DELETE", "/api/jobs/j1", &[("host", &host), ("origin", other)], b"");
        refused(&deleted, 403, other);
    }
    refused(&post(&[]), 403, "no origin");
    refused(&server.request("DELETE", "/api/jobs/j1", &[("host", &host)], b""), 403, "no origin");
    for site in ["cross-site", "same-site", "?"] {
        refused(&post(&[("origin", &origin), ("sec-fetch-site", site)]), 403, site);
        let script = [
            ("host", &*host),
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "script"),
        ];
        refused(&server.request("GET", "/explorer.js", &script, b""), 403, site);
        let frame = [
            ("host", &*host),
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
        ];
        refused(&server.request("GET", "/", &frame, b""), 403, site);
        // A link to a view, in somebody's notes.
        let link = [
            ("host", &*host),
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(server.request("GET", "/", &link, b"").status(), 200);
        refused(&server.request("GET", "/api/report", &link, b""), 403, site);
    }
    // The question that a browser asks before it lets another page post JSON.
    let asked =
        [("host", &*host), ("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    refused(&server.request("OPTIONS", "/api/jobs", &asked, b""), 403, "preflight");
}

#[test]
fn what_is_posted_must_be_json() {
    let (_folder, server) = started();
    let (host, origin) = (server.host(), format!("http://{}", server.host()));
    let post = |path: &str, kind: Option<&str>| {
        let mut headers = vec![("host", &*host), ("origin", &*origin)];
        headers.extend(kind.map(|kind| ("content-type", kind)));
        server.request("POST", path, &headers, PROMPT.as_bytes())
    };
    assert_eq!(post("/api/tokens", Some("application/json; charset=utf-8")).status(), 200);
    let kinds = [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
        Some(""),
    ];
    for kind in kinds {
        for path in ["/api/tokens", "/api/jobs", "/api/jobs/j1/save"] {
            refused(&post(path, kind), 415, kind.unwrap_or("none"));
        }
    }
}

#[test]
fn no_path_leads_out_of_the_page() {
    let (folder, server) = started();
    std::fs::write(folder.path().join("secret.txt"), "root:").unwrap();
    for path in [
        "/../../../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/....//....//etc/passwd",
        "/explorer.js/../../../etc/passwd",
        "/secret.txt",
        "/./secret.txt",
        "//etc/passwd",
        "/etc/passwd%00.js",
        "/api/folders/0/chunks/0",
        "/api/folders/..%2f..%2fetc/chunks/passwd",
        "/api/folders/../chunks/0",
        "/api/jobs/..%2f..%2fetc%2fpasswd/events",
        "/api/jobs/%ff%fe/events",
        "/api/folders/%ff/chunks/0",
    ] {
        refused(&server.get(path), 404, path);
    }
    for path in ["etc/passwd", "/\u{1}", "/ /etc/passwd HTTP/1.1\r\nx: "] {
        refused(&server.get(path), 400, path);
    }
    refused(&server.get(&format!("/{}", "x".repeat(1 << 20))), 431, "a long path");
}

#[test]
fn methods_and_bytes_that_make_no_sense_are_refused() {
    let (_folder, server) = started();
    let host = server.host();
    refused(&server.post("/", "{}"), 405, "POST /");
    refused(&server.get("/api/jobs"), 405, "GET /api/jobs");
    refused(
        &server.request("PUT", "/api/live", &[("host", &host), ("origin", &format!("http://{host}"))], b""),
        405,
        "PUT",
    );
    refused(&server.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 400, "TLS");
    refused(&server.raw(b"GET / HTTP/9.9\r\n\r\n"), 400, "another version");
    // The server is there for the next.
    assert_eq!(server.get("/").status(), 200);
}

#[test]
fn every_answer_is_protected() {
    let (_folder, server) = started();
    let evil = server.request("GET", "/", &[("host", "evil.example")], b"");
    let answers =
        [server.get("/"), server.get("/explorer.js"), server.get("/api/live"), server.get("/nothing"), evil];
    for answer in answers {
        let policy = answer.head.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.head.header(name), Some(value));
        }
    }
    let page = server.get("/");
    assert_eq!(page.head.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("/explorer.js"));
    assert_eq!(
        server.get("/explorer.js").head.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(server.get("/explorer.css").head.header("content-type"), Some("text/css; charset=utf-8"));
}
