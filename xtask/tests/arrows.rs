//! Which crate may depend on which: the arrows of ARCHITECTURE.md, read from `cargo metadata`.
//!
//! Only what a crate is built with counts; its tests may use anything.
#![expect(clippy::unwrap_used, reason = "the functions that tests share are not seen as tests")]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

/// What one crate of the workspace may depend on.
struct Rule {
    package: &'static str,
    /// Crates of this workspace.
    siblings: &'static [&'static str],
    /// Crates of others.
    others: Others,
}

enum Others {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static [&'static str]]),
}

/// Arguments, progress and errors for people: only the program has them.
const PROGRAM: &[&str] = &["anyhow", "clap", "indicatif"];
/// What runs a model: figures and results are made without.
const MODEL: &[&str] = &["candle-core", "gemm", "safetensors", "tokenizers"];
/// What writes figures.
const FIGURES: &[&str] = &["krilla", "png", "resvg", "rustybuzz"];

const CORE: &str = "causal-trace-core";
const LM: &str = "causal-trace-lm";
const ENGINE: &str = "causal-trace-engine";
const RESULTS: &str = "causal-trace-results";
const REPORT: &str = "causal-trace-report";

const RULES: [Rule; 7] = [
    Rule {
        package: CORE,
        siblings: &[],
        others: Others::Only(&["csv", "rand_chacha", "rand_mt", "serde", "serde_json", "thiserror"]),
    },
    Rule { package: LM, siblings: &[CORE], others: Others::AllBut(&[PROGRAM, FIGURES]) },
    Rule { package: ENGINE, siblings: &[LM, CORE], others: Others::AllBut(&[PROGRAM, FIGURES]) },
    Rule { package: RESULTS, siblings: &[CORE], others: Others::AllBut(&[PROGRAM, FIGURES, MODEL]) },
    Rule { package: REPORT, siblings: &[RESULTS, CORE], others: Others::AllBut(&[PROGRAM, MODEL]) },
    Rule {
        package: "causal-trace",
        siblings: &[CORE, LM, ENGINE, RESULTS, REPORT],
        others: Others::AllBut(&[]),
    },
    Rule { package: "xtask", siblings: &[], others: Others::Only(&[]) },
];

#[test]
fn every_dependency_follows_the_arrows() {
    let faults = faults(&metadata());
    assert!(faults.is_empty(), "{}\nthe rules stand in {}", faults.join("\n"), file!());
}

#[test]
fn a_crate_without_a_rule_is_found() {
    let mut workspace = metadata();
    workspace["packages"].as_array_mut().unwrap().push(json!({ "name": "stray", "dependencies": [] }));
    assert_eq!(faults(&workspace), ["stray: no rule says what it may depend on"]);
}

#[test]
fn a_rule_without_a_crate_is_found() {
    let mut workspace = metadata();
    workspace["packages"].as_array_mut().unwrap().retain(|package| package["name"] != LM);
    assert!(faults(&workspace).contains(&format!("{LM}: a rule, but no crate of the workspace")));
}

#[test]
fn a_forbidden_dependency_is_found_and_one_of_the_tests_is_not() {
    let faults_of = |package: &str, dependency: &str, kind: Value| {
        let mut workspace = metadata();
        let packages = workspace["packages"].as_array_mut().unwrap();
        let package = packages.iter_mut().find(|entry| entry["name"] == package).unwrap();
        let dependencies = package["dependencies"].as_array_mut().unwrap();
        dependencies.push(json!({ "name": dependency, "kind": kind }));
        faults(&workspace)
    };
    for (package, dependency) in
        [(CORE, "gemm"), (CORE, LM), (LM, ENGINE), (ENGINE, "clap"), (RESULTS, "tokenizers"), (REPORT, LM)]
    {
        let expected = format!("{package}: may not depend on {dependency}");
        assert_eq!(faults_of(package, dependency, Value::Null), [expected.as_str()]);
        assert_eq!(faults_of(package, dependency, json!("build")), [expected.as_str()]);
        assert!(faults_of(package, dependency, json!("dev")).is_empty());
    }
}

/// Every breach of the rules, one sentence each.
fn faults(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut faults = Vec::new();
    for rule in RULES.iter().filter(|rule| !names.contains(rule.package)) {
        faults.push(format!("{}: a rule, but no crate of the workspace", rule.package));
    }
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let Some(rule) = RULES.iter().find(|rule| rule.package == name) else {
            faults.push(format!("{name}: no rule says what it may depend on"));
            continue;
        };
        let forbidden = built_with(package).into_iter().filter(|dependency| !rule.allows(dependency));
        faults.extend(forbidden.map(|dependency| format!("{name}: may not depend on {dependency}")));
    }
    faults
}

/// The names of a package's dependencies, those of its tests left out.
fn built_with(package: &Value) -> BTreeSet<&str> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies.filter(|entry| entry["kind"] != "dev").map(|entry| entry["name"].as_str().unwrap()).collect()
}

impl Rule {
    fn allows(&self, dependency: &str) -> bool {
        if RULES.iter().any(|rule| rule.package == dependency) {
            return self.siblings.contains(&dependency);
        }
        match self.others {
            Others::Only(names) => names.contains(&dependency),
            Others::AllBut(groups) => !groups.iter().any(|group| group.contains(&dependency)),
        }
    }
}

/// The packages of this workspace, as cargo sees them.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
