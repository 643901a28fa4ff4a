//! `causal-trace figures` as a user runs it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use support::{copied_model, fails, shared, stderr, succeeds};
use tempfile::tempdir;

/// All files below a folder, by their path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_folder_is_drawn_without_its_model_and_the_same_each_time() {
    let folder = tempdir().unwrap();
    let model = copied_model(folder.path(), "gpt2");
    let facts = r#"[
        {"known_id": 0, "prompt": "Vinson Massif is located in the continent of", "subject": "Vinson Massif", "attribute": "Antarctica"},
        {"known_id": 25, "prompt": "Windows Media Player is developed by", "subject": "Windows Media Player", "attribute": "Microsoft"},
        {"known_id": 26, "prompt": "Windows Media Player is developed by", "subject": "Windows Media Player", "attribute": "Apple"}]"#;
    std::fs::write(folder.path().join("facts.json"), facts).unwrap();
    let sweep = ["sweep", "--model", "gpt2", "--facts", "facts.json", "--component", "all", "--window", "3"];
    succeeds(folder.path(), &[&sweep[..], &["--samples", "3", "--out", "results"]].concat());
    std::fs::remove_dir_all(model).unwrap();
    for out in ["a", "b"] {
        succeeds(folder.path(), &["figures", "results", "--out", out]);
    }
    let (first, second) = (files(&folder.path().join("a")), files(&folder.path().join("b")));
    assert!(first == second, "other bytes the second time");
    for stem in [
        "average-indirect-effect",
        "sd-percent-improvement",
        "lines",
        "peaks",
        "wrong-direction",
        "fewest-and-most-tokens",
        "prompt-0/prompt-0-residual-ie",
        "prompt-0/prompt-0-mlp-pi-cutoff",
        "prompt-25/prompt-25-attn-ie-diverging",
        "prompt-25/repeated-25-residual",
    ] {
        let file =
            |end: &str| first.get(&format!("{stem}.{end}")).unwrap_or_else(|| panic!("no {stem}.{end}"));
        assert!(file("png").starts_with(b"\x89PNG") && file("pdf").starts_with(b"%PDF"), "{stem}");
        let svg = String::from_utf8(file("svg").clone()).unwrap();
        for word in ["gpt2", "3 samples", "seed 1", "causal-trace"] {
            assert!(svg.contains(word), "{stem}: '{word}' is not in the figure");
        }
    }
    assert!(!first.keys().any(|name| name.contains("prompt-26")), "a skipped fact is not drawn");
    let gallery = String::from_utf8(first["gallery-ie.html"].clone()).unwrap();
    assert!(gallery.contains("Vinson Massif is located") && !gallery.contains("<script"), "{gallery}");
    assert!(first["gallery-pi.pdf"].starts_with(b"%PDF"));

    let bare = ["figures", "results", "--prompts", "ids:0", "--formats", "svg", "--no-title", "--no-caption"];
    let note = stderr(&succeeds(folder.path(), &[&bare[..], &["--out", "a"]].concat()));
    assert!(note.contains("a also holds") && note.contains("did not write"), "what is left is named: {note}");
    let full = String::from_utf8(first["lines.svg"].clone()).unwrap();
    let bare = std::fs::read_to_string(folder.path().join("a/lines.svg")).unwrap();
    for word in ["Average indirect effect", "3 samples"] {
        let drawn = |svg: &str| svg.lines().any(|line| line.starts_with("<text") && line.contains(word));
        assert!(drawn(&full) && !drawn(&bare), "'{word}' is drawn, or was not before");
        assert!(bare.contains(word), "'{word}' is not in the metadata");
    }
}

#[test]
fn two_models_are_drawn_side_by_side() {
    let folder = tempdir().unwrap();
    for model in ["demo", "demo-j"] {
        succeeds(
            folder.path(),
            &["sweep", "--model", model, "--limit", "12", "--samples", "2", "--out", model],
        );
    }
    let beside =
        ["figures", "demo", "--beside", "demo-j", "--prompts", "random:1", "--formats", "svg", "--out", "f"];
    succeeds(folder.path(), &beside);
    let drawn = files(&folder.path().join("f"));
    let averages = String::from_utf8(drawn["beside.svg"].clone()).unwrap();
    assert!(averages.contains("residual: demo<") && averages.contains("residual: demo-j<"), "{averages}");
    let of_prompt = drawn.keys().filter(|name| name.starts_with("beside-prompt-")).count();
    assert_eq!(of_prompt, 2, "IE and PI of one prompt: {:?}", drawn.keys());
    assert!(drawn.keys().all(|name| !name.ends_with(".png")));
}

#[test]
fn the_published_results_are_drawn() {
    let Some(shared) = shared("the published results; they are not drawn") else { return };
    let folder = tempdir().unwrap();
    for model in ["gpt2-xl", "gpt-j"] {
        let cases = shared.join("seed").join(model);
        let import =
            ["import", cases.to_str().unwrap(), "--from", "rome", "--model-name", model, "--out", model];
        succeeds(folder.path(), &import);
    }
    let figures =
        ["figures", "gpt2-xl", "--beside", "gpt-j", "--roles", "dannyallover", "--gallery", "random:5"];
    succeeds(folder.path(), &[&figures[..], &["--prompts", "ids:12", "--out", "f"]].concat());
    let drawn = files(&folder.path().join("f"));
    let svg = String::from_utf8(drawn["average-indirect-effect.svg"].clone()).unwrap();
    for word in ["gpt2-xl", "999 prompts", "noise not recorded", "last subject token (979)"] {
        assert!(svg.contains(word), "'{word}' is not in the figure");
    }
}

#[test]
fn a_folder_that_cannot_be_drawn_is_an_error() {
    let folder = tempdir().unwrap();
    fails(folder.path(), &["figures", "nothing", "--out", "f"], 1, &["nothing"]);
    succeeds(folder.path(), &["sweep", "--limit", "2", "--samples", "1", "--out", "results"]);
    std::fs::write(folder.path().join("file"), "").unwrap();
    fails(folder.path(), &["figures", "results", "--out", "file"], 1, &["file"]);
    fails(folder.path(), &["figures", "results", "--out", "f", "--select", "ids:99999"], 1, &["99999"]);
    fails(
        folder.path(),
        &["figures", "results", "--out", "f", "--formats", "gif"],
        2,
        &["svg", "pdf", "png"],
    );
}
