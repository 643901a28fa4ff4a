//! Every bad input is one clear error with the documented exit code.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::{
    PROMPT, SUBJECT, copied_model, fails, golden, isolated, model_with, refuses, stderr, succeeds,
};
use tempfile::tempdir;

/// Traces the usual prompt on a model that must be refused.
fn refused(model: &Path, words: &[&str]) {
    let folder = tempdir().unwrap();
    let model = model.to_str().unwrap();
    let args = ["trace", "--model", model, "--prompt", PROMPT, "--subject", SUBJECT, "--noise", "0.5"];
    fails(folder.path(), &args, 1, words);
}

/// A kind of wrong input, and what its message must say.
struct Wrong {
    kind: &'static str,
    /// What is wrong in the folder, if the command line is not.
    prepare: fn(&Path),
    line: &'static str,
    code: i32,
    /// What is wrong, where, and what to do next.
    says: [&'static str; 3],
}

fn nothing(_: &Path) {}

/// A results folder.
fn swept(folder: &Path) {
    succeeds(folder, &["sweep", "--limit", "3", "--samples", "2", "--out", "results"]);
}

const TRACE: &str = "trace --model ./gpt2 --noise 0.5 --prompt 'Vinson Massif is located in the continent of' \
                     --subject 'Vinson Massif'";

const WRONG: [Wrong; 32] = [
    Wrong {
        kind: "a model of a family that is not supported",
        prepare: |folder| drop(model_with(folder, "gpt2", &[("model_type", json!("mamba"))])),
        line: TRACE,
        code: 1,
        says: [
            "\"mamba\" is not supported",
            "./gpt2: config.json: model_type",
            "supported are gpt2, gptj, gpt_neox",
        ],
    },
    Wrong {
        kind: "a config without a field",
        prepare: |folder| drop(model_with(folder, "gpt2", &[("n_embd", json!(null))])),
        line: TRACE,
        code: 1,
        says: ["\"n_embd\" is missing", "./gpt2: config.json", "take the file that came with the weights"],
    },
    Wrong {
        kind: "an activation that is not known",
        prepare: |folder| drop(model_with(folder, "gpt2", &[("activation_function", json!("mish"))])),
        line: TRACE,
        code: 1,
        says: [
            "is \"mish\", which is not supported",
            "config.json: \"activation_function\"",
            "supported are gelu",
        ],
    },
    Wrong {
        kind: "a config that was cut off",
        prepare: |folder| std::fs::write(copied_model(folder, "gpt2").join("config.json"), "{").unwrap(),
        line: TRACE,
        code: 1,
        says: ["not valid JSON", "./gpt2: config.json", "download it again"],
    },
    Wrong {
        kind: "a folder that is no model",
        prepare: |folder| std::fs::create_dir(folder.join("gpt2")).unwrap(),
        line: TRACE,
        code: 1,
        says: ["cannot read", "./gpt2/config.json", "expected a model folder in Hugging Face layout"],
    },
    Wrong {
        kind: "weights that lack a tensor",
        prepare: |folder| drop(model_with(folder, "gpt2", &[("n_layer", json!(7))])),
        line: TRACE,
        code: 1,
        says: ["no tensor 'transformer.h.6.", "in ./gpt2", "nearest names: transformer.h.0."],
    },
    Wrong {
        kind: "a tensor of another shape",
        prepare: |folder| drop(model_with(folder, "gpt2", &[("n_inner", json!(96))])),
        line: TRACE,
        code: 1,
        says: [
            "shape [32, 128] where the configuration asks for [32, 96]",
            "c_fc.weight' in ./gpt2/",
            "not of the same model",
        ],
    },
    Wrong {
        kind: "no weights",
        prepare: |folder| {
            std::fs::remove_file(copied_model(folder, "gpt2").join("model.safetensors")).unwrap()
        },
        line: TRACE,
        code: 1,
        says: ["no weights", "in ./gpt2", "download the model's weights into that folder"],
    },
    Wrong {
        kind: "weights that were cut off",
        prepare: |folder| {
            let path = copied_model(folder, "gpt2").join("model.safetensors");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        },
        line: TRACE,
        code: 1,
        says: ["damaged", "./gpt2/model.safetensors", "download it again"],
    },
    Wrong {
        kind: "no tokenizer",
        prepare: |folder| std::fs::remove_file(copied_model(folder, "gpt2").join("tokenizer.json")).unwrap(),
        line: TRACE,
        code: 1,
        says: ["no tokenizer", "in ./gpt2", "download the model's tokenizer into that folder"],
    },
    Wrong {
        kind: "the tokenizer of another model",
        prepare: |folder| {
            let path = copied_model(folder, "gpt2").join("tokenizer.json");
            let mut tokenizer: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            tokenizer["model"]["vocab"]["zzz-not-embedded"] = json!(5000);
            std::fs::write(&path, tokenizer.to_string()).unwrap();
        },
        line: TRACE,
        code: 1,
        says: ["knows 5001 tokens but the model embeds only 768", "./gpt2", "take both from one folder"],
    },
    Wrong {
        kind: "a prompt beyond the sliding window",
        prepare: |folder| {
            let model = model_with(folder, "mistral", &[("sliding_window", json!(5))]);
            std::fs::rename(model, folder.join("gpt2")).unwrap();
        },
        line: TRACE,
        code: 1,
        says: ["attend to the last 5 only", "the prompt has 15 tokens", "use a shorter prompt"],
    },
    Wrong {
        kind: "an empty prompt",
        prepare: nothing,
        line: "trace --prompt '' --subject a",
        code: 1,
        says: ["empty", "the prompt", "give a text that ends where the model is to continue"],
    },
    Wrong {
        kind: "a subject that is not in the prompt",
        prepare: nothing,
        line: "trace --prompt 'The capital of France is' --subject Germany",
        code: 1,
        says: [
            "the subject 'Germany' is not in the prompt",
            "' capital' ' of' ' France'",
            "write the subject exactly as",
        ],
    },
    Wrong {
        kind: "the same for tokens",
        prepare: nothing,
        line: "tokens --prompt 'The capital of France is' --subject Germany",
        code: 1,
        says: [
            "the subject 'Germany' is not in the prompt",
            "' capital' ' of' ' France'",
            "write the subject exactly as",
        ],
    },
    Wrong {
        kind: "an answer of two tokens",
        prepare: nothing,
        line: "trace --prompt 'The capital of France is' --subject France --answer 'Paris Paris'",
        code: 1,
        says: ["the answer 'Paris Paris' is 2 tokens", "' Paris' ' Paris'", "give the first of them"],
    },
    Wrong {
        kind: "an output folder that is a file",
        prepare: |folder| std::fs::write(folder.join("file"), "").unwrap(),
        line: "trace --out file",
        code: 1,
        says: ["is a file", "--out file", "give a folder"],
    },
    Wrong {
        kind: "an output folder that cannot be made",
        prepare: |folder| std::fs::write(folder.join("file"), "").unwrap(),
        line: "trace --out file/results",
        code: 1,
        says: ["cannot write", "--out file/results", "give a folder where you may write"],
    },
    Wrong {
        kind: "a results folder that is not there",
        prepare: nothing,
        line: "summary results",
        code: 1,
        says: ["is not a results folder", "results", "name a folder that `sweep`, `import` or `merge` made"],
    },
    Wrong {
        kind: "a manifest that was cut off",
        prepare: |folder| {
            swept(folder);
            std::fs::write(folder.join("results/manifest.json"), "{").unwrap();
        },
        line: "figures results --out figures",
        code: 1,
        says: [
            "is damaged",
            "results/manifest.json",
            "put it back from a copy, or run the sweep into a new folder",
        ],
    },
    Wrong {
        kind: "other settings on a results folder",
        prepare: swept,
        line: "sweep --limit 3 --samples 4 --out results",
        code: 1,
        says: [
            "was made with other settings",
            "samples is 2 in the folder and 4 now",
            "name another folder, or use the same settings",
        ],
    },
    Wrong {
        kind: "a metric that was not measured",
        prepare: swept,
        line: "summary results --metric rank",
        code: 1,
        says: ["rank was not measured", "in this folder, which has probability", "trace again with it"],
    },
    Wrong {
        kind: "figures among the tables",
        prepare: swept,
        line: "figures results --out results/sites",
        code: 1,
        says: ["lies among the tables of the results folder", "--out results/sites", "choose another place"],
    },
    Wrong {
        kind: "a folder without case files",
        prepare: |folder| std::fs::create_dir(folder.join("cases")).unwrap(),
        line: "import cases --from rome --model-name gpt2 --out results",
        code: 1,
        says: ["holds no case file", "cases", "expected names as knowledge_0.npz"],
    },
    Wrong {
        kind: "a misspelt experiment",
        prepare: nothing,
        line: "reproduce rome-averges",
        code: 1,
        says: [
            "there is no experiment",
            "'rome-averges'",
            "did you mean rome-averages? `reproduce --list` shows all",
        ],
    },
    Wrong {
        kind: "a wrong experiment file",
        prepare: |folder| {
            std::fs::write(folder.join("mine.toml"), "title = 'x'\n[[run]]\nnam = 'a'\n").unwrap()
        },
        line: "reproduce mine.toml",
        code: 1,
        says: ["missing key", "mine.toml, line 2", "`name`"],
    },
    Wrong {
        kind: "too little memory",
        prepare: nothing,
        line: "trace --memory 1M",
        code: 1,
        says: ["too little for this model", "1M of memory", "it needs 62M; see --memory"],
    },
    Wrong {
        kind: "a wrong configuration file",
        prepare: |folder| std::fs::write(folder.join("mine.toml"), "\nsampels = 3\n").unwrap(),
        line: "CAUSAL_TRACE_CONFIG=mine.toml trace",
        code: 2,
        says: ["unknown key 'sampels'", "mine.toml, line 2", "did you mean samples?"],
    },
    Wrong {
        kind: "instructions that are not known",
        prepare: nothing,
        line: "CAUSAL_TRACE_ISA=avx9 trace",
        code: 2,
        says: ["is \"avx9\"", "CAUSAL_TRACE_ISA", "expected one of portable, avx2"],
    },
    Wrong {
        kind: "a misspelt command",
        prepare: nothing,
        line: "sumary results",
        code: 2,
        says: ["unrecognized subcommand", "'sumary'", "a similar subcommand exists: 'summary'"],
    },
    Wrong {
        kind: "a misspelt option",
        prepare: nothing,
        line: "trace --sampels 3",
        code: 2,
        says: ["unexpected argument", "'--sampels'", "a similar argument exists: '--samples'"],
    },
    Wrong {
        kind: "a seed that NumPy lacks",
        prepare: nothing,
        line: "trace --noise-stream rome --seed 4294967296",
        code: 2,
        says: ["too large for the noise stream of rome", "--seed 4294967296", "up to 4294967295"],
    },
];

#[test]
fn every_kind_of_wrong_input_says_what_and_where_and_what_next() {
    for Wrong { kind, prepare, line, code, says } in &WRONG {
        let folder = tempdir().unwrap();
        prepare(folder.path());
        let mut words = shlex::split(line).unwrap();
        let n_variables = words.iter().take_while(|word| word.starts_with("CAUSAL_TRACE_")).count();
        let variables = words.drain(..n_variables).collect::<Vec<_>>();
        let mut program =
            isolated(Command::new(assert_cmd::cargo::cargo_bin!("causal-trace")), folder.path());
        program.envs(variables.iter().filter_map(|variable| variable.split_once('='))).args(&words);
        println!("{kind}");
        refuses(&program.output().unwrap(), line, *code, says);
    }
}

#[test]
fn truncated_weights_are_refused() {
    let folder = tempdir().unwrap();
    let model = copied_model(folder.path(), "gpt2");
    let path = model.join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for len in [0, 5, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        refused(&model, &["model.safetensors"]);
    }
    std::fs::remove_file(&path).unwrap();
    refused(&model, &["safetensors"]);
}

#[test]
fn weights_that_are_not_numbers_give_no_numbers() {
    let folder = tempdir().unwrap();
    let model = copied_model(folder.path(), "gpt2");
    let path = model.join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let len = bytes.len();
    bytes[len - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let middle = len / 2 / 4 * 4;
    bytes[middle..middle + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    refused(&model, &["not a finite number"]);
}

#[test]
fn a_model_that_is_not_there_is_refused() {
    let folder = tempdir().unwrap();
    let usual = ["--prompt", PROMPT, "--subject", SUBJECT];
    for (model, word) in
        [("./none", "no folder"), ("gpt2", "Hugging Face cache"), ("org/name", "hf download org/name")]
    {
        let args = [&["trace", "--model", model], &usual[..]].concat();
        fails(folder.path(), &args, 1, &[model, word]);
    }
    std::fs::write(folder.path().join("file"), "").unwrap();
    fails(folder.path(), &["tokens", "--model", "file", "--prompt", PROMPT], 1, &["is a file"]);
    let model = golden("gpt2").join("model");
    fails(folder.path(), &["trace", "--model", model.to_str().unwrap()], 2, &["--prompt", "--subject"]);
}

#[test]
fn facts_that_cannot_be_used_are_refused() {
    let folder = tempdir().unwrap();
    let facts = folder.path().join("facts.json");
    fails(folder.path(), &["trace", "--facts", "facts.json"], 1, &["facts.json"]);
    for (text, word) in
        [("", "no facts"), ("[]", "no facts"), ("[1", "fact file"), ("{\"subject\": 1}", "line 1")]
    {
        std::fs::write(&facts, text).unwrap();
        fails(folder.path(), &["trace", "--facts", "facts.json"], 1, &["facts.json", word]);
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = tempdir().unwrap();
    for (args, word) in [
        (&["trace", "--noise", "t2"][..], "s3"),
        (&["trace", "--noise", "-1"], "noise rule"),
        (&["trace", "--component", "mlps"], "residual"),
        (&["trace", "--samples", "0"], "above 0"),
        (&["trace", "--window", "0"], "above 0"),
        (&["trace", "--prompt", PROMPT], "--subject"),
        (&["trace", "--memory", "lots"], "4G"),
        (&["trace", "--precision", "fp8"], "f32, bf16x6, bf16x3, bf16, auto"),
        (&["trace", "--direction", "up"], "denoise"),
        (&["trase"], "trace"),
        (&["tokens"], "--prompt"),
        (&["bench", "--shape", "foo"], "LAYERSxWIDTHxHEADS"),
        (&["bench", "--shape", "2x10x3"], "multiple of the heads"),
        (&["bench", "--subject", "20"], "--tokens 9"),
    ] {
        fails(folder.path(), args, 2, &[word]);
    }
}

#[test]
fn a_number_above_what_is_sensible_is_refused_with_the_limit() {
    let folder = tempdir().unwrap();
    for (args, limit) in [
        (["trace", "--samples", "18446744073709551615"], "10000"),
        (["trace", "--samples", "18446744073709551616"], "10000"),
        (["trace", "--samples", "1000000000"], "10000"),
        (["trace", "--threads", "100000"], "1024"),
        (["bench", "--threads", "100000"], "1024"),
        (["bench", "--tokens", "5000000000"], "1024"),
        (["bench", "--samples", "10001"], "10000"),
        (["bench", "--shape", "1x1000000x1"], "65536"),
        (["bench", "--shape", "1001x64x1"], "1000 layers"),
    ] {
        fails(folder.path(), &args, 2, &[args[1], &format!("at most {limit}")]);
    }
}

/// Errors repeat what was given, but neither its escape codes nor its line ends.
#[test]
fn control_characters_do_not_reach_the_terminal_in_errors() {
    let folder = tempdir().unwrap();
    let prompt = "a\u{1b}[31m\nb Space Needle is in";
    let strange = "Ger\u{1b}[31m\nmany";
    for command in ["trace", "tokens"] {
        for subject in ["Germany", strange] {
            let args = [command, "--prompt", prompt, "--subject", subject];
            fails(folder.path(), &args, 1, &["Ger", "many", "' is'"]);
        }
        let args = [command, "--model", strange, "--prompt", prompt, "--subject", "Space Needle"];
        fails(folder.path(), &args, 1, &["many"]);
    }
    let usual = ["trace", "--prompt", prompt, "--subject", "Space Needle"];
    fails(folder.path(), &[&usual[..], &["--answer", strange]].concat(), 1, &["tokens"]);
    fails(folder.path(), &[&usual[..], &["--facts", strange]].concat(), 1, &["many"]);
    fails(folder.path(), &[&usual[..], &["--noise", strange]].concat(), 2, &["many"]);
}

#[test]
fn a_subject_that_occurs_twice_is_said() {
    let folder = tempdir().unwrap();
    let args = ["trace", "--prompt", "Paris is Paris is in", "--subject", "Paris"];
    assert!(stderr(&succeeds(folder.path(), &args)).contains("occurs 2 times"));
}
