//! Corruptions, components, metrics and the choices of published systems, as a user asks for them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{PROMPT, SUBJECT, fails, golden, stderr, stdout, succeeds};
use tempfile::tempdir;

/// Of as many tokens as the usual prompt.
const COUNTERPART: &str = "Vinson Massif is located in the city of";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// `trace --json` of the usual prompt on the golden GPT-2.
fn traced(folder: &Path, options: &[&str]) -> Value {
    let model = golden("gpt2").join("model");
    let args =
        ["trace", "--json", "--model", model.to_str().unwrap(), "--prompt", PROMPT, "--subject", SUBJECT];
    parsed(&stdout(&succeeds(folder, &[&args, options].concat())))
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn largest_difference(a: &Value, b: &Value) -> f64 {
    let (a, b) = (numbers(a), numbers(b));
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

const CORRUPTIONS: [&[&str]; 8] = [
    &["--noise", "0.3"],
    &["--noise", "u0.7", "--replace"],
    &["--noise", "t4"],
    &["--noise", "m"],
    &["--corruption", "random-embedding"],
    &["--corruption", "random-embedding", "--spread", "deviation"],
    &["--corruption", "shuffle"],
    &["--counterpart", COUNTERPART],
];

#[test]
fn both_engines_give_the_same_for_every_corruption_direction_and_component() {
    let folder = tempdir().unwrap();
    let components = "residual,mlp,attn,resid_pre,resid_mid,mlp_severed,attn_severed";
    let metrics = "log_probability,logit,logit_difference,kl_divergence,rank";
    for corruption in CORRUPTIONS {
        for direction in ["denoise", "noise"] {
            let common = ["--component", components, "--metric", metrics, "--direction", direction];
            let common = [&common, corruption].concat();
            let [naive, wavefront] = ["naive", "wavefront"]
                .map(|engine| traced(folder.path(), &[&common[..], &["--engine", engine]].concat()));
            let (naive, wavefront) = (&naive["components"], &wavefront["components"]);
            assert_eq!(naive.as_array().unwrap().len(), 7 * 6, "{corruption:?}");
            for (naive, wavefront) in naive.as_array().unwrap().iter().zip(wavefront.as_array().unwrap()) {
                assert_eq!(naive["metric"], wavefront["metric"]);
                let difference = largest_difference(&naive["patched"], &wavefront["patched"]);
                assert!(difference < 1e-5, "{corruption:?} {direction} {}: {difference}", naive["component"]);
            }
        }
    }
}

#[test]
fn metrics_stand_beside_the_probability_and_follow_their_definitions() {
    let folder = tempdir().unwrap();
    let metrics = "log_probability,logit,logit_difference,kl_divergence,rank";
    let found = traced(folder.path(), &["--noise", "0.5", "--metric", metrics]);
    let plain = traced(folder.path(), &["--noise", "0.5"]);
    assert_eq!(found["components"][0], plain["components"][0], "the probability does not change");
    let others = found["baseline"]["others"].as_array().unwrap();
    let clean = |name: &str| {
        let other = others.iter().find(|other| other["metric"] == name).unwrap();
        other["clean"].as_f64().unwrap()
    };
    let p = found["baseline"]["clean"].as_f64().unwrap();
    assert!((clean("log_probability") - p.ln()).abs() < 1e-5);
    assert_eq!((clean("kl_divergence"), clean("rank")), (0.0, 1.0));
    assert!(clean("logit_difference") > 0.0, "the model's own prediction is above the corrupted run's");
    let foil = found["foil"].as_str().unwrap();
    assert_ne!(foil, found["answer"].as_str().unwrap());
    // The last token after the last layer is the clean run's.
    for component in found["components"].as_array().unwrap() {
        let name = component["metric"].as_str().unwrap();
        let last =
            component["patched"].as_array().unwrap().last().unwrap().as_array().unwrap().last().unwrap();
        let expected = if name == "probability" { p } else { clean(name) };
        assert!((last.as_f64().unwrap() - expected).abs() < 1e-6, "{name}");
    }
    let given = traced(
        folder.path(),
        &[
            "--noise",
            "0.5",
            "--metric",
            "logit_difference,logit",
            "--foil",
            found["answer"].as_str().unwrap(),
        ],
    );
    let others = given["baseline"]["others"].as_array().unwrap();
    let difference = others.iter().find(|other| other["metric"] == "logit_difference").unwrap();
    assert_eq!(difference["clean"], 0.0, "the answer's logit minus itself");
}

#[test]
fn several_draws_for_every_site_take_the_plain_loop() {
    let folder = tempdir().unwrap();
    let shared = traced(folder.path(), &["--noise", "0.5", "--engine", "naive"]);
    let fresh = traced(folder.path(), &["--noise", "0.5", "--fresh-noise"]);
    assert_eq!(fresh["config"]["engine"], "naive");
    assert_eq!(fresh["baseline"], shared["baseline"], "the baseline's draws are the shared ones");
    let restored = |found: &Value| numbers(&found["components"][0]["patched"]);
    let differing = restored(&fresh).iter().zip(restored(&shared)).filter(|(a, b)| *a != b).count();
    assert!(differing > 30, "only {differing} sites have other draws");
    // The last token after the last layer is the clean run's, whatever was drawn.
    assert_eq!(restored(&fresh).last(), restored(&shared).last());
}

#[test]
fn options_without_a_meaning_together_are_wrong_usage() {
    let folder = tempdir().unwrap();
    let cases: [(&[&str], &str); 14] = [
        (&["--corruption", "shuffle", "--noise", "s3"], "--noise"),
        (&["--corruption", "shuffle", "--replace"], "--replace"),
        (&["--spread", "deviation"], "--spread"),
        (&["--corpus", "text.txt"], "--corpus"),
        (&["--corruption", "pair"], "--counterpart"),
        (&["--corruption", "swap"], "--counterpart"),
        (
            &[
                "--corruption",
                "shuffle",
                "--counterpart",
                COUNTERPART,
                "--prompt",
                PROMPT,
                "--subject",
                SUBJECT,
            ],
            "pair",
        ),
        (
            &["--counterpart", COUNTERPART, "--prompt", PROMPT, "--subject", SUBJECT, "--samples", "3"],
            "--samples",
        ),
        (&["--fresh-noise", "--engine", "wavefront"], "naive"),
        (&["--fresh-noise", "--noise-stream", "rome"], "independent"),
        (&["--foil", "Europe"], "logit_difference"),
        (&["--metric", "entropy"], "kl_divergence"),
        (&["--component", "residual,head"], "attn_severed"),
        (&["--noise", "t2"], "t3"),
    ];
    for (options, word) in cases {
        fails(folder.path(), &[&["trace"], options].concat(), 2, &[word]);
    }
}

#[test]
fn prompts_that_do_not_align_are_refused_naming_their_tokens() {
    let folder = tempdir().unwrap();
    let pair = ["trace", "--noise-stream", "independent", "--prompt", "France is governed from the city of"];
    let pair = [&pair[..], &["--subject", "France", "--counterpart"]].concat();
    let longer = [&pair[..], &["France is governed from the lovely city of"]].concat();
    fails(folder.path(), &longer, 1, &["align", "'France'", "governed", "against"]);
    let same = [&pair[..], &["France is governed from the city of"]].concat();
    fails(folder.path(), &same, 1, &["same tokens"]);
    let elsewhere = [&pair[..], &["France is governed from the city in"]].concat();
    let note = stderr(&succeeds(folder.path(), &elsewhere));
    assert!(note.contains("'France' is the same in both prompts, which differ in ' of'"), "{note}");
}

#[test]
fn every_metric_is_shown_and_drawn() {
    let folder = tempdir().unwrap();
    let args = ["trace", "--component", "mlp", "--metric", "logit_difference,rank", "--out", "out"];
    let text = stdout(&succeeds(folder.path(), &args));
    for word in ["p(", "logit difference (", "rank(", "on the logit difference", "): rank = "] {
        assert!(text.contains(word), "'{word}' is not in:\n{text}");
    }
    for stem in ["trace_mlp", "trace_mlp-logit-difference", "trace_mlp-rank"] {
        for end in ["svg", "png", "pdf"] {
            assert!(folder.path().join(format!("out/{stem}.{end}")).is_file(), "{stem}.{end}");
        }
    }
    let svg = std::fs::read_to_string(folder.path().join("out/trace_mlp-logit-difference.svg")).unwrap();
    assert!(svg.contains("foil"), "{svg}");
}

#[test]
fn facts_without_relations_cannot_be_swapped() {
    let folder = tempdir().unwrap();
    let fact = r#"{"known_id": 1, "subject": "Oslo", "attribute": "Norway", "prompt": "Oslo is a city in"}"#;
    std::fs::write(folder.path().join("facts.jsonl"), fact).unwrap();
    let args = ["sweep", "--facts", "facts.jsonl", "--corruption", "swap", "--out", "out"];
    fails(folder.path(), &args, 1, &["facts.jsonl", "add relation_id to the facts"]);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn samples_that_repeat_are_named() {
    let folder = tempdir().unwrap();
    let args = ["trace", "--prompt", PROMPT, "--subject", "Mass", "--corruption", "shuffle"];
    let note = stderr(&succeeds(folder.path(), &args));
    assert!(note.contains("2 tokens have 1 other order, so that the 10 samples repeat"), "{note}");
    let once = [&args[..], &["--samples", "1"]].concat();
    assert!(!stderr(&succeeds(folder.path(), &once)).contains("repeat"));
}

#[test]
fn a_corpus_sets_the_covariance_and_is_named() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("corpus.txt"), "Paris is in France.\nOslo is in Norway.\n").unwrap();
    let of = |options: &[&str]| traced(folder.path(), &[&["--noise", "m"], options].concat());
    let (vocabulary, text) = (of(&[]), of(&["--corpus", "corpus.txt"]));
    assert_ne!(vocabulary["baseline"]["corrupted"], text["baseline"]["corrupted"]);
    let population =
        &text["config"]["corruption"]["method"]["noise"]["distribution"]["multivariate"]["population"];
    assert_eq!(population["text"]["name"], "corpus.txt", "{}", text["config"]);
    let model = golden("gpt2").join("model");
    let missing = ["trace", "--model", model.to_str().unwrap(), "--prompt", PROMPT, "--subject", SUBJECT];
    let missing = [&missing[..], &["--noise", "m", "--corpus", "nothing.txt"]].concat();
    fails(folder.path(), &missing, 1, &["nothing.txt"]);
}

/// Facts of one relation, one of which has a one-token subject and one a long attribute.
fn write_facts(folder: &Path) {
    let fact = |id: i64, subject: &str, attribute: &str| {
        let prompt = format!("{subject} belongs to the continent of");
        json!({"known_id": id, "subject": subject, "attribute": attribute, "prompt": prompt, "relation_id": "P30"})
    };
    let facts = json!([
        fact(1, "Kenya", "Africa"),
        fact(2, "France", "Europe"),
        fact(3, "Sri Lanka", "Asia"),
        fact(4, "Costa Rica", "North America"),
    ]);
    std::fs::write(folder.join("facts.json"), facts.to_string()).unwrap();
}

fn exported(folder: &Path, name: &str, options: &[&str]) -> Value {
    let sweep = ["sweep", "--facts", "facts.json", "--out", name];
    succeeds(folder, &[&sweep, options].concat());
    let file = format!("{name}.json");
    succeeds(folder, &["export", name, "--to", "json", "--out", &file]);
    parsed(&std::fs::read_to_string(folder.join(&file)).unwrap())
}

/// Every number of a folder, by fact.
fn effects(folder: &Path, name: &str, options: &[&str]) -> Vec<Value> {
    let exported = exported(folder, name, options);
    let prompts = exported["prompts"].as_array().unwrap();
    prompts.iter().map(|prompt| json!([prompt["tokens"], prompt["traced"]])).collect()
}

fn summary(folder: &Path, args: &[&str]) -> Value {
    parsed(&stdout(&succeeds(folder, &[&["summary", "--json"], args].concat())))
}

#[test]
fn each_choice_of_dannyallover_changes_the_numbers_and_together_they_are_the_preset() {
    let folder = tempdir().unwrap();
    write_facts(folder.path());
    let base = effects(folder.path(), "base", &["--target", "attribute"]);
    let noise = effects(folder.path(), "noise", &["--target", "attribute", "--noise", "0.1"]);
    let longer = effects(folder.path(), "longer", &["--target", "attribute", "--extra-tokens", "1"]);
    for (fact, id) in ["Kenya", "France", "Sri Lanka"].iter().enumerate() {
        assert_ne!(base[fact], noise[fact], "{id}: another noise level");
        assert_ne!(base[fact], longer[fact], "{id}: one token more");
    }
    let last = effects(folder.path(), "last", &["--target", "last-subtoken"]);
    assert_eq!(base[0], last[0], "an attribute of one token joins nothing to the prompt");
    assert!(
        base[3][1].is_null() || base[3][1] == Value::Null,
        "several tokens are not measured as one: {}",
        base[3]
    );
    let (whole, joined) = (&base[3][0], &last[3][0]);
    assert!(joined.as_array().unwrap().len() > whole.as_array().unwrap().len(), "{joined}");

    succeeds(folder.path(), &["sweep", "--facts", "facts.json", "--roles", "dannyallover", "--out", "roles"]);
    succeeds(folder.path(), &["sweep", "--facts", "facts.json", "--out", "usual"]);
    let (theirs, ours) = (summary(folder.path(), &["roles"]), summary(folder.path(), &["usual"]));
    assert_eq!(theirs["role_convention"], "dannyallover");
    let counts = |summary: &Value| numbers(&summary["components"]["residual"]["counts"]);
    assert_ne!(counts(&theirs), counts(&ours), "a subject of one token is its first only");
    assert_eq!(summary(folder.path(), &["roles", "--roles", "rome"])["components"], ours["components"]);

    let preset = exported(folder.path(), "preset", &["--preset", "dannyallover"]);
    let choices =
        ["--noise", "0.1", "--extra-tokens", "1", "--target", "last-subtoken", "--roles", "dannyallover"];
    assert_eq!(preset["prompts"], exported(folder.path(), "choices", &choices)["prompts"]);
    assert_eq!(summary(folder.path(), &["preset"]), summary(folder.path(), &["choices"]));
}

#[test]
fn swapped_subjects_are_of_the_same_relation_and_length() {
    let folder = tempdir().unwrap();
    let sweep = [
        "sweep",
        "--limit",
        "30",
        "--corruption",
        "swap",
        "--metric",
        "logit_difference",
        "--out",
        "swapped",
    ];
    succeeds(folder.path(), &sweep);
    succeeds(folder.path(), &["export", "swapped", "--to", "json", "--out", "swapped.json"]);
    let exported = parsed(&std::fs::read_to_string(folder.path().join("swapped.json")).unwrap());
    let mut swapped = 0;
    for prompt in exported["prompts"].as_array().unwrap() {
        if prompt["traced"].is_null() {
            continue;
        }
        let counterpart = &prompt["counterpart"];
        let (mine, theirs) =
            (prompt["tokens"].as_array().unwrap(), counterpart["tokens"].as_array().unwrap());
        assert_eq!(mine.len(), theirs.len());
        let subject = [&prompt["subject_start"], &prompt["subject_end"]].map(|end| end.as_f64().unwrap());
        for (token, (mine, theirs)) in mine.iter().zip(theirs).enumerate() {
            let is_subject = (subject[0]..subject[1]).contains(&(token as f64));
            assert!(is_subject || mine == theirs, "{prompt}");
        }
        swapped += 1;
    }
    assert!(swapped > 15, "only {swapped} facts were swapped");
    let manifest = std::fs::read_to_string(folder.path().join("swapped/manifest.json")).unwrap();
    assert_eq!(parsed(&manifest)["settings"]["counterparts"], "swapped_subjects");
    let pairs = [
        "sweep",
        "--limit",
        "30",
        "--corruption",
        "pair",
        "--metric",
        "logit_difference",
        "--out",
        "swapped",
    ];
    fails(folder.path(), &pairs, 1, &["settings.counterparts", "swapped_subjects"]);
    let found = summary(folder.path(), &["swapped"]);
    assert!(found["average_total_effect"].as_f64().unwrap() > 0.3, "the other subject's answer is another");
    let difference = summary(folder.path(), &["swapped", "--metric", "logit_difference"]);
    assert_eq!(difference["metric"], "logit_difference");
    assert!(difference["average_total_effect"].as_f64().unwrap() > 1.0);
    // Facts by themselves have no other fact to take a subject from.
    std::fs::write(
        folder.path().join("facts.json"),
        json!([{"known_id": 1, "subject": "Kenya", "attribute": "Africa", "prompt": "Kenya belongs to the continent of", "relation_id": "P30"}])
            .to_string(),
    )
    .unwrap();
    let alone = ["sweep", "--facts", "facts.json", "--corruption", "swap", "--out", "alone"];
    assert!(stderr(&succeeds(folder.path(), &alone)).contains("no_counterpart"));
}

#[test]
fn what_cannot_be_shuffled_is_left_out_with_that_reason() {
    let folder = tempdir().unwrap();
    write_facts(folder.path());
    succeeds(
        folder.path(),
        &[
            "sweep",
            "--facts",
            "facts.json",
            "--target",
            "attribute",
            "--corruption",
            "shuffle",
            "--out",
            "shuffled",
        ],
    );
    let skipped = stdout(&succeeds(folder.path(), &["summary", "shuffled", "--skipped"]));
    assert!(skipped.contains("nothing_to_shuffle") && skipped.contains("one token"), "{skipped}");
    assert!(summary(folder.path(), &["shuffled"])["prompts"].as_u64().unwrap() >= 1);
}
