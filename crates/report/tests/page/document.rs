//! A report file as a browser takes it apart.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causal_trace_core::{Component, Direction};
use causal_trace_report::page::{ReportFile, SCRIPT, STYLE, served_page, served_policy};
use causal_trace_results::{Outcome, ResultsFolder};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::tempdir;

use crate::chunks::{assert_same, decoded};
use crate::made_up::{manifest, noisy, written};

/// A report file, taken apart.
pub(crate) struct Document {
    pub(crate) html: String,
    pub(crate) report: Value,
    /// The chunks, unpacked, by their ids.
    pub(crate) chunks: BTreeMap<String, Vec<u8>>,
    script: String,
}

/// A file of some folders, of at most so many bytes.
pub(crate) fn document(folders: &[(&ResultsFolder, &str)], max_size: usize) -> Document {
    let mut file = ReportFile::new(max_size);
    for (folder, name) in folders {
        file.add(folder, name, &mut |_| {}).unwrap();
    }
    let finished = file.finish().unwrap();
    let mut html = Vec::new();
    finished.write(&mut html).unwrap();
    assert_eq!(html.len(), finished.size());
    assert!(html.len() <= max_size);
    parsed(String::from_utf8(html).unwrap())
}

/// Every script element is one that the program wrote: its beginning is as it writes it, and none has an end inside.
fn parsed(html: String) -> Document {
    let mut found =
        Document { html: html.clone(), report: Value::Null, chunks: BTreeMap::new(), script: String::new() };
    for element in html.split("<script").skip(1) {
        let (tag, rest) = element.split_once('>').unwrap();
        let (text, after) = rest.split_once("</script>").unwrap();
        assert!(!after.contains("</script"), "an end without a beginning");
        let attributes: Vec<&str> = tag.split('"').collect();
        match attributes[..] {
            [""] => found.script = text.to_owned(),
            [" type=", "application/json", " id=", "report", ""] => {
                found.report = serde_json::from_str(text).unwrap()
            }
            [" type=", "text/plain", " id=", "licenses", ""] => {}
            [" type=", "application/octet-stream", " id=", id, ""] => {
                found.chunks.insert(id.to_owned(), unpacked(text));
            }
            _ => panic!("a script element that is not the program's: {tag}"),
        }
    }
    found
}

fn unpacked(text: &str) -> Vec<u8> {
    let packed = STANDARD.decode(text).unwrap();
    assert_eq!(packed[4..8], [0; 4], "no time in it");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_file_holds_every_prompt_where_its_table_says() {
    let (folder, other) = (tempdir().unwrap(), tempdir().unwrap());
    let all = manifest(&Component::ROME, &[]);
    let records: Vec<_> = (0..40).map(|id| noisy(&all, id)).collect();
    let first = written(folder.path(), all.clone(), &records, 7);
    let mut noising = manifest(&[Component::Residual], &[]);
    noising.settings.direction = Direction::Noise;
    let others: Vec<_> = (0..3).map(|id| noisy(&noising, id)).collect();
    let second = written(other.path(), noising, &others, 7);
    let document = document(&[(&first, "one"), (&second, "two")], 15_000_000);
    let folders = [(&records, Direction::Denoise), (&others, Direction::Noise)];
    for (place, (records, direction)) in folders.into_iter().enumerate() {
        let shown = &document.report["folders"][place];
        assert_eq!(shown["left_out"], Value::Null);
        let rows = shown["prompts"].as_array().unwrap();
        assert_eq!(rows.len(), records.len());
        for (row, record) in rows.iter().zip(records) {
            assert_eq!(row["id"], record.fact.known_id);
            let chunk = decoded(&document.chunks[&format!("chunk-{place}-{}", row["chunk"])]);
            let prompt = chunk.prompts.iter().find(|prompt| prompt["id"] == row["id"]).unwrap();
            assert_same(&chunk, prompt, record, direction);
        }
    }
    let chunks = document.chunks.keys().filter(|id| id.starts_with("chunk-0-")).count();
    assert!(chunks > 1 && document.chunks.len() == chunks + 1, "no chunk too many");
}

#[test]
fn hostile_text_stays_text() {
    let hostile = [
        "</script><script>alert(1)</script>",
        "<!-- <script> -->",
        "<img src=x onerror=alert(1)>",
        "\" ' ` ${x} \\ \\u003c & &lt; ]]>",
        "nul \0 bell \u{7} escape \u{1b}[31m",
        "right to left \u{202e}\u{2067}\u{200f} lines \u{2028}\u{2029} \r\n",
        "\u{feff}\u{fffe}\u{ffff}\u{10ffff}",
    ];
    let long = "<b>x</b>".repeat(12_500);
    let mut manifest = manifest(&[Component::Residual], &[]);
    manifest.model.name = hostile[0].to_owned();
    manifest.facts[0].name = format!("{}.json", hostile[2]);
    let mut records = Vec::new();
    for (id, &text) in hostile.iter().chain([&long.as_str()]).enumerate() {
        let mut record = noisy(&manifest, id as i64);
        record.fact.prompt = text.to_owned();
        record.fact.subject = text.to_owned();
        record.fact.attribute = text.to_owned();
        record.tokens.fill(text.to_owned());
        let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
        traced.answer = text.to_owned();
        records.push(record);
    }
    let folder = tempdir().unwrap();
    let results = written(folder.path(), manifest, &records, 3);
    let document = document(&[(&results, hostile[2])], 15_000_000);
    for text in
        ["alert(1)<", "<img", "<b>", "onerror=alert(1)>", "\0", "\u{202e}\u{2067}\u{200f} lines \u{2028}"]
    {
        assert!(!document.html.contains(text), "{text:?} is in the file");
    }
    let shown = &document.report["folders"][0];
    assert_eq!((&shown["name"], &shown["model"]), (&hostile[2].into(), &hostile[0].into()));
    for (row, record) in shown["prompts"].as_array().unwrap().iter().zip(&records) {
        for key in ["prompt", "subject", "attribute", "answer"] {
            assert_eq!(row[key], record.fact.prompt, "{key}");
        }
        let chunk = decoded(&document.chunks[&format!("chunk-0-{}", row["chunk"])]);
        let prompt = chunk.prompts.iter().find(|prompt| prompt["id"] == row["id"]).unwrap();
        assert_eq!(prompt["tokens"][0], record.fact.prompt);
    }
}

#[test]
fn the_policy_allows_the_script_and_the_style_and_nothing_else() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[Component::Residual], &[]);
    let results = written(folder.path(), manifest.clone(), &[noisy(&manifest, 1)], 1);
    let document = document(&[(&results, "one")], 15_000_000);
    let between = |from: &str, to: &str| document.html.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let policy = between("<meta http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let directives: Vec<&str> = policy.split("; ").collect();
    let (script, style) = (hash(&document.script), hash(between("<style>", "</style>")));
    assert_eq!(
        directives,
        [
            "default-src 'none'",
            &format!("script-src {script}"),
            &format!("style-src {style}"),
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'"
        ]
    );
    assert_eq!((document.script.as_str(), between("<style>", "</style>")), (SCRIPT, STYLE));
    assert!(document.html.find("<meta http-equiv").unwrap() < document.html.find("<style>").unwrap());
    let markup = document.html.replace(SCRIPT, "");
    assert!(!markup.contains(" src=") && !markup.contains(" href="), "nothing is loaded");
}

#[test]
fn the_same_folders_give_the_same_bytes() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&Component::ROME, &[]);
    let records: Vec<_> = (0..30).map(|id| noisy(&manifest, id)).collect();
    let results = written(folder.path(), manifest, &records, 16);
    let [one, other] = [0, 1].map(|_| document(&[(&results, "one")], 15_000_000).html);
    assert!(one == other);
}

#[test]
fn the_servers_page_loads_from_the_server_alone() {
    let page = served_page();
    for part in
        ["<!doctype html>", "<html lang=\"en\">", "<div id=\"page\">", "src=\"/explorer.js\"", "<noscript>"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<style") && !page.contains("id=\"report\""));
    for word in ["unsafe", "http:", "https:", "*"] {
        assert!(!served_policy().contains(word), "{word}");
    }
}
