//! Kinds of wrong input, as a table: each message says what is wrong, where, and what to do next.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::{copied_model, isolated, model_with, refuses, succeeds};
use tempfile::tempdir;

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
        says: ["unrecognized subcommand", "'sumary'", "'summary'"],
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
