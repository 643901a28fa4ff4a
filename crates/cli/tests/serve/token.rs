//! The secret in the address, where others could reach it.

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use tempfile::tempdir;

use crate::client::{PATIENCE, Server};
use crate::support::fails;

#[test]
fn elsewhere_a_secret_is_needed() {
    let folder = tempdir().unwrap();
    for args in [&["--host", "0.0.0.0"][..], &["--token"]] {
        let server = Server::start(folder.path(), args);
        let host = server.host();
        let (origin, query) = server.url.split_once('?').unwrap();
        assert_eq!(origin, format!("http://{host}/"));
        let secret = query.strip_prefix("token=").unwrap();
        assert!(secret.len() >= 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
        let get = |path: &str, cookie: Option<&str>| {
            let mut headers = vec![("host", &*host)];
            headers.extend(cookie.map(|cookie| ("cookie", cookie)));
            server.request("GET", path, &headers, b"")
        };
        let wrong = secret.chars().rev().collect::<String>();
        for path in [
            "/",
            "/explorer.js",
            "/api/report",
            &format!("/?token={wrong}"),
            "/?token=",
            &format!("/api/report?{query}"),
        ] {
            assert_eq!(get(path, None).status(), 401, "{path}");
        }
        let first = get(&format!("/?{query}"), None);
        assert_eq!((first.status(), first.head.header("location")), (303, Some("/")));
        let cookie = first.head.header("set-cookie").unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(pair, format!("causal-trace-{}={secret}", server.port));
        for path in ["/", "/explorer.js", "/api/report", "/api/live"] {
            assert_eq!(get(path, Some(pair)).status(), 200, "{path}");
        }
        assert_eq!(get("/", Some(&pair.replace(secret, &wrong))).status(), 401);
        // A link in somebody's notes brings the cookie, and leads to the page alone.
        let link = |path: &str| {
            let navigation = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
            let headers =
                [&[("host", &*host), ("cookie", pair), ("sec-fetch-dest", "document")], &navigation[..]];
            server.request("GET", path, &headers.concat(), b"").status()
        };
        assert_eq!([link("/"), link("/api/report"), link("/explorer.js")], [200, 403, 403]);
        // The secret does not make another page or another name this server's own.
        let evil = [("host", "evil.example"), ("cookie", pair)];
        assert_eq!(server.request("GET", "/", &evil, b"").status(), 421);
        let foreign = [("host", &*host), ("cookie", pair), ("origin", "http://evil.example")];
        assert_eq!(server.request("GET", "/api/report", &foreign, b"").status(), 403);
    }
    let other = Server::start(folder.path(), &["--token"]);
    let again = Server::start(folder.path(), &["--token"]);
    assert_ne!(other.url.split_once('?').unwrap().1, again.url.split_once('?').unwrap().1);
}

#[test]
fn on_this_machine_there_is_none() {
    let folder = tempdir().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let server = Server::start(folder.path(), &["--host", host]);
        assert_eq!(server.url, format!("http://{host}:{}/", server.port));
    }
}

#[test]
fn addresses_that_cannot_be_had_are_errors() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let port = server.port.to_string();
    fails(folder.path(), &["serve", "--port", &port], 1, &["is taken", &port, "--port"]);
    fails(folder.path(), &["serve", "--port", "0", "--host", "203.0.113.9"], 1, &["203.0.113.9", "--host"]);
    fails(folder.path(), &["serve", "--port", "0", "--host", "no such host"], 1, &["no such host"]);
    fails(folder.path(), &["serve", "--port", "70000"], 2, &["70000"]);
    fails(folder.path(), &["serve", "--no-save", "--save", "x"], 2, &["--no-save"]);
    fails(folder.path(), &["serve", "--model", "no-such-model", "--port", "0"], 1, &["no-such-model"]);
    fails(folder.path(), &["serve", "--facts", "none.json", "--port", "0"], 1, &["none.json"]);
}

/// A program that takes the browser's place writes down what it is given.
#[test]
#[cfg(target_os = "linux")]
fn the_page_is_opened_if_asked() {
    let folder = tempdir().unwrap();
    let (browser, opened) = (folder.path().join("xdg-open"), folder.path().join("opened"));
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" > {}\n", opened.display())).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let server = Server::start_with(folder.path(), &["--open"], &path);
    let start = Instant::now();
    let read = || std::fs::read_to_string(&opened).unwrap_or_default();
    while !read().ends_with('\n') {
        assert!(start.elapsed() < PATIENCE, "nothing was opened");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(read().trim_end(), server.url);
    drop(server);
    // A secret would be an argument of that program, which other users see.
    let (name, page) = ("--token", "--open");
    fails(folder.path(), &["serve", "--port", "0", page, name], 2, &[name, page]);
    let elsewhere = ["serve", "--port", "0", "--host", "0.0.0.0", page];
    fails(folder.path(), &elsewhere, 2, &[page, "secret", "by hand"]);
    let without = Server::start_with(folder.path(), &["--open"], "/nowhere");
    assert_eq!(without.get("/").status(), 200, "without a browser the server is there all the same");
}
