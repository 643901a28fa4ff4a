//! `--memory`: models larger than it give the same numbers, and too little of it is said.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::io::Write;
use std::path::Path;

use support::{causal_trace, golden, stderr, stdout, succeeds};
use tempfile::tempdir;

const LAYERS: usize = 24;
const WIDTH: usize = 256;
const MIDDLE: usize = 4 * WIDTH;
const VOCABULARY: usize = 768;

/// A GPT-J of 75 MB as float32, stored as bfloat16: `model` in `folder`.
fn make_model(folder: &Path) {
    let model = folder.join("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::copy(golden("gptj").join("model/tokenizer.json"), model.join("tokenizer.json")).unwrap();
    let config = serde_json::json!({
        "model_type": "gptj", "n_layer": LAYERS, "n_embd": WIDTH, "n_head": 4, "vocab_size": VOCABULARY,
        "n_positions": 64, "rotary_dim": 16, "activation_function": "gelu_new", "tie_word_embeddings": false,
    });
    std::fs::write(model.join("config.json"), config.to_string()).unwrap();
    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        ("transformer.wte.weight".to_owned(), vec![VOCABULARY, WIDTH]),
        ("transformer.ln_f.weight".to_owned(), vec![WIDTH]),
        ("transformer.ln_f.bias".to_owned(), vec![WIDTH]),
        ("lm_head.weight".to_owned(), vec![VOCABULARY, WIDTH]),
        ("lm_head.bias".to_owned(), vec![VOCABULARY]),
    ];
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[usize]| {
            tensors.push((format!("transformer.h.{layer}.{name}"), shape.to_vec()));
        };
        add("ln_1.weight", &[WIDTH]);
        add("ln_1.bias", &[WIDTH]);
        for name in ["attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj"] {
            add(&format!("{name}.weight"), &[WIDTH, WIDTH]);
        }
        add("mlp.fc_in.weight", &[MIDDLE, WIDTH]);
        add("mlp.fc_in.bias", &[MIDDLE]);
        add("mlp.fc_out.weight", &[WIDTH, MIDDLE]);
        add("mlp.fc_out.bias", &[WIDTH]);
    }
    let (mut header, mut data, mut random) = (serde_json::Map::new(), Vec::new(), 1u32);
    for (name, shape) in tensors {
        let start = data.len();
        for _ in 0..shape.iter().product() {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value =
                if name.contains("ln_") { 1.0 } else { (random >> 8) as f32 / (1 << 24) as f32 - 0.5 };
            let scale = if name.contains("ln_") { 1.0 } else { 0.2 };
            data.extend_from_slice(&(value * scale).to_le_bytes()[2..]);
        }
        let entry = serde_json::json!({"dtype": "BF16", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert(name, entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = std::fs::File::create(model.join("model.safetensors")).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&header).unwrap();
    file.write_all(&data).unwrap();
}

#[test]
fn a_model_larger_than_the_memory_gives_the_same_bytes() {
    let folder = tempdir().unwrap();
    make_model(folder.path());
    let trace = |memory: &str| {
        let prompt =
            ["--prompt", support::PROMPT, "--subject", support::SUBJECT, "--noise", "0.1", "--samples", "2"];
        let model = ["trace", "--model", "model", "--component", "all", "--json", "--memory", memory];
        succeeds(folder.path(), &[&model[..], &prompt].concat())
    };
    let (resident, streamed) = (trace("1G"), trace("80M"));
    assert!(!stderr(&resident).contains("read from the files"), "{}", stderr(&resident));
    assert!(stderr(&streamed).contains("model: its weights take 74M of memory"), "{}", stderr(&streamed));
    assert!(stderr(&streamed).contains("read from the files"), "{}", stderr(&streamed));
    assert_eq!(stdout(&streamed), stdout(&resident));
}

#[test]
fn parts_of_a_streamed_sweep_are_traced_together_and_saved_apart() {
    let folder = tempdir().unwrap();
    make_model(folder.path());
    let sweep = |memory: &str| {
        let options = ["--samples", "1", "--noise", "0.1", "--target", "attribute", "--limit", "3"];
        let facts = golden("../../demo/facts.json");
        let given = ["sweep", "--model", "model", "--facts", facts.to_str().unwrap()];
        let output =
            succeeds(folder.path(), &[&given[..], &options, &["--out", memory, "--memory", memory]].concat());
        let mut files: Vec<_> = walk(&folder.path().join(memory));
        files.sort();
        (stdout(&output), files)
    };
    let (resident, streamed) = (sweep("1G"), sweep("80M"));
    assert!(resident.1.len() > 3 && streamed.1 == resident.1, "the same files");
}

/// The file of a streamed model is cut short while a sweep reads it, and put back later.
#[cfg(unix)]
#[test]
fn parts_that_cannot_be_computed_are_recorded_and_tried_again() {
    let folder = tempdir().unwrap();
    make_model(folder.path());
    let facts = golden("../../demo/facts.json");
    let sweep = |out: &'static str, memory: &'static str| {
        let options = [
            "--samples",
            "1",
            "--noise",
            "0.1",
            "--target",
            "attribute",
            "--limit",
            "72",
            "--memory",
            memory,
        ];
        let given = ["sweep", "--model", "model", "--facts", facts.to_str().unwrap(), "--out", out];
        [&given[..], &options].concat().into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let program = assert_cmd::cargo::cargo_bin!("causal-trace");
    let mut child = support::isolated(std::process::Command::new(program), folder.path())
        .args(sweep("results", "80M"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let send = |signal: &str, id: u32| {
        assert!(
            std::process::Command::new("kill").args([signal, &id.to_string()]).status().unwrap().success()
        );
    };
    let results = folder.path().join("results");
    let complete = || {
        let parts = std::fs::read_dir(results.join("parts"));
        parts.map_or(0, |parts| {
            parts
                .filter(|part| !part.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'))
                .count()
        })
    };
    while complete() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before anything was saved");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    send("-STOP", child.id());
    let weights = folder.path().join("model/model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    send("-CONT", child.id());
    let output = child.wait_with_output().unwrap();
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot be computed") && message.contains("model.safetensors"), "{message}");
    let said = |args: &[&str]| stdout(&causal_trace(folder.path(), args));
    let (status, check) = (said(&["status", "results"]), said(&["check", "results"]));
    assert!(status.contains("failed (the same sweep") && status.contains("model.safetensors"), "{status}");
    assert!(status.contains("0 left"), "each of them was tried: {status}");
    assert!(check.contains("failed     part") && check.contains("missing"), "{check}");
    std::fs::write(&weights, &whole).unwrap();
    let args = [sweep("results", "80M"), sweep("again", "1G")];
    for args in &args {
        succeeds(folder.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert!(support::tables(&results) == support::tables(&folder.path().join("again")));
    assert_eq!(std::fs::read_dir(results.join("failures")).unwrap().count(), 0);
    succeeds(folder.path(), &["check", "results"]);
}

/// All files below a folder: their paths in it, and their bytes.
fn walk(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap()));
            }
        }
    }
    files
}

#[test]
fn too_little_memory_is_said_with_how_much_it_takes() {
    let folder = tempdir().unwrap();
    let fails = |args: &[&str]| {
        let output = causal_trace(folder.path(), args);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stderr(&output)
    };
    let said = fails(&["trace", "--memory", "10M"]);
    assert!(said.contains("10M of memory are too little") && said.contains("--memory"), "{said}");
    let needed = said.split("it needs ").nth(1).unwrap().split(';').next().unwrap().trim();
    succeeds(folder.path(), &["trace", "--memory", needed]);
    assert!(!folder.path().join("out").exists());
    let said = fails(&["sweep", "--memory", "10M", "--out", "out"]);
    assert!(said.contains("too little") && !folder.path().join("out").exists(), "{said}");
}
