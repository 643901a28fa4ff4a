//! The command line that a page shows for a folder. That the program understands it is tested with the program.

use causal_trace_core::{
    Component, CorruptionMode, Direction, Distribution, Engine, Method, Metric, NoiseStream, Population,
    RoleConvention, Spread, Window,
};
use causal_trace_report::page::Folder;
use causal_trace_results::{Counterparts, Manifest, Target};
use tempfile::tempdir;

use crate::made_up::{manifest, noisy, written};

fn shown(edit: impl FnOnce(&mut Manifest)) -> Folder {
    let mut manifest = manifest(&[Component::Residual], &[]);
    edit(&mut manifest);
    let folder = tempdir().unwrap();
    let results = written(folder.path(), manifest.clone(), &[], 1);
    Folder::read(&results, "results").unwrap()
}

fn command(edit: impl FnOnce(&mut Manifest)) -> String {
    shown(edit).command.unwrap()
}

fn corruption(manifest: &mut Manifest) -> &mut causal_trace_core::Corruption {
    manifest.settings.corruption.as_mut().unwrap()
}

#[test]
fn what_is_usual_is_not_said_and_folders_are_left_out() {
    assert_eq!(command(|_| {}), "causal-trace sweep --model made-up --facts facts.json --out results");
    let embedded = command(|manifest| {
        manifest.model.name = "demo".to_owned();
        manifest.facts[0].name = "the embedded facts".to_owned();
    });
    assert_eq!(embedded, "causal-trace sweep --out results");
}

#[test]
fn what_is_not_usual_is_said() {
    let said = command(|manifest| {
        manifest.model.name = "org/name".to_owned();
        manifest.facts[0].name = "C:\\my facts.json".to_owned();
        manifest.facts[0].selection = "ids -3,12".to_owned();
        manifest.target = Target::LastSubtoken;
        let settings = &mut manifest.settings;
        settings.components = Component::ROME.to_vec();
        settings.window = Window { width: 3 };
        settings.residual_window = Window { width: 2 };
        settings.metrics = vec![Metric::LogitDifference, Metric::Rank];
        settings.roles = RoleConvention::Dannyallover;
        settings.direction = Direction::Noise;
        settings.noise.as_mut().unwrap().rule = "0.1".to_owned();
        settings.engine = Some(Engine::Naive);
        settings.precision = Some("bf16x3".to_owned());
        let corruption = corruption(manifest);
        corruption.extra_tokens = 1;
        corruption.stream = NoiseStream::Rome;
        corruption.seed = 7;
        corruption.samples = 3;
    });
    assert_eq!(
        said,
        "causal-trace sweep --model org/name --facts 'my facts.json' --ids=-3,12 --component all --window 3 \
         --residual-window 2 --direction noise --noise 0.1 --extra-tokens 1 --samples 3 --seed 7 --noise-stream rome \
         --engine naive --metric logit_difference,rank --precision bf16x3 --target last-subtoken --roles dannyallover \
         --out results"
    );
}

#[test]
fn every_corruption_is_said() {
    let text =
        || Population::Text { name: "/data/wiki.txt".to_owned(), sha256: String::new(), counts: Vec::new() };
    let with = |method: Method, edit: fn(&mut Manifest)| {
        let said = command(|manifest| {
            corruption(manifest).method = method;
            manifest.settings.noise = None;
            edit(manifest);
        });
        let options = said.strip_prefix("causal-trace sweep --model made-up --facts facts.json ").unwrap();
        options.strip_suffix("--out results").unwrap().trim_end().to_owned()
    };
    assert_eq!(with(Method::Shuffle, |_| {}), "--corruption shuffle");
    assert_eq!(with(Method::Counterpart, |manifest| corruption(manifest).samples = 1), "--corruption pair");
    let swapped = |manifest: &mut Manifest| {
        corruption(manifest).samples = 1;
        manifest.settings.counterparts = Some(Counterparts::SwappedSubjects);
    };
    assert_eq!(with(Method::Counterpart, swapped), "--corruption swap");
    let random = Method::RandomEmbedding { population: text(), spread: Spread::Deviation };
    let fresh = |manifest: &mut Manifest| {
        corruption(manifest).fresh_for_each_site = true;
        manifest.settings.engine = Some(Engine::Naive);
    };
    assert_eq!(
        with(random, fresh),
        "--corruption random-embedding --spread deviation --corpus wiki.txt --fresh-noise"
    );
    let replaced = |baseline_mode| Method::Noise {
        distribution: Distribution::Gaussian,
        level: 0.25,
        mode: CorruptionMode::Replace,
        baseline_mode,
    };
    assert_eq!(with(replaced(CorruptionMode::Replace), |_| {}), "--noise 0.25 --replace");
    assert_eq!(
        with(replaced(CorruptionMode::Add), |_| {}),
        "--noise 0.25 --replace --preset rome --noise-stream independent"
    );
    assert_eq!(
        with(replaced(CorruptionMode::Add), |manifest| corruption(manifest).stream = NoiseStream::Rome),
        "--noise 0.25 --replace --preset rome"
    );
}

#[test]
fn merged_folders_are_swept_one_by_one() {
    let said = command(|manifest| {
        let mut other = manifest.facts[0].clone();
        other.name = "more.json".to_owned();
        other.selection = "limit 5".to_owned();
        manifest.facts[0].selection = "sample 10 seed 1".to_owned();
        manifest.facts.push(other);
    });
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "causal-trace sweep --model made-up --facts facts.json --sample 10 --out results-1",
            "causal-trace sweep --model made-up --facts more.json --limit 5 --out results-2",
            "causal-trace merge results-1 results-2 --out results",
        ]
    );
}

#[test]
fn imported_cases_have_no_command() {
    let imported = shown(|manifest| {
        manifest.settings.engine = None;
        manifest.settings.corruption = None;
        manifest.settings.noise = None;
    });
    assert_eq!(imported.command, None);
    let made = |label: &str| imported.made.iter().find(|row| row.0 == label).map(|row| row.1.as_str());
    assert_eq!(made("corruption"), Some("not recorded"));
    assert_eq!(made("engine"), None);
}

#[test]
fn what_was_run_is_said_in_words() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&Component::ROME, &[Metric::LogProbability]);
    let results = written(folder.path(), manifest.clone(), &[noisy(&manifest, 1)], 1);
    let made = Folder::read(&results, "one").unwrap().made;
    let rows: Vec<_> = made.iter().map(|(label, text)| format!("{label}: {text}")).collect();
    assert_eq!(
        rows,
        [
            "model: made-up (12 layers)",
            "facts: facts.json",
            "answer: the model's own prediction",
            "patching: clean states restored in the corrupted run",
            "components: residual; MLP, window of 10 layers; attention, window of 10 layers",
            "corruption: Gaussian noise 0.1338 (s3) added to the subject's embeddings, 10 samples, seed 1 \
             (independent for every prompt)",
            "measured: probability, log-probability",
            "token roles: as rome counts them",
            "precision: f32",
            "engine: wavefront",
            "computed by: causal-trace 0.1.0",
        ]
    );
}
