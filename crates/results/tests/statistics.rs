//! Averages by role: against numbers worked out by hand, the original's aggregates, and NumPy.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod records;

use std::process::Command;

use causal_trace_core::{Component, Direction, Metric, RoleConvention};
use causal_trace_results::interchange::import_rome;
use causal_trace_results::statistics::{
    ComponentSummary, Selection, StatisticsError, Summariser, Summary, SummaryOptions, common_ids,
};
use causal_trace_results::{Manifest, OtherMetric, Outcome, PromptRecord, SkipReason};
use records::{RandomRecords, export, manifest, python, shared, skipped, with_effects};
use serde_json::Value;

const RESIDUAL: [Component; 1] = [Component::Residual];

fn summarise(records: &[PromptRecord], manifest: &Manifest, options: SummaryOptions) -> Summary {
    let mut summariser = Summariser::new(manifest, options);
    for record in records {
        summariser.add(record).unwrap();
    }
    summariser.finish().unwrap()
}

fn with_roles(roles: RoleConvention) -> SummaryOptions {
    SummaryOptions { roles, ..SummaryOptions::default() }
}

fn close(found: &[Vec<f64>], expected: &[[f64; 2]]) {
    assert_eq!(found.len(), expected.len());
    for (role, (found, expected)) in found.iter().zip(expected).enumerate() {
        for (found, expected) in found.iter().zip(expected) {
            let same = (found - expected).abs() < 1e-12 || (found.is_nan() && expected.is_nan());
            assert!(same, "role {role}: {found}, expected {expected}");
        }
    }
}

/// A prompt with a subject of two tokens, one with a subject of one and nothing but one token after it, one
/// whose subject ends it.
fn three_prompts() -> Vec<PromptRecord> {
    let long: [&[f64]; 5] = [&[0.0, 0.0], &[0.1, -0.1], &[0.5, 0.3], &[-0.2, 0.2], &[0.1, 0.6]];
    vec![
        with_effects(1, 1..3, (0.8, 0.2), &long),
        with_effects(2, 0..1, (0.5, 0.3), &[&[0.3, 0.1], &[0.2, -0.4]]),
        with_effects(3, 1..2, (0.4, 0.4), &[&[0.0, 0.0], &[-0.1, -0.2]]),
    ]
}

const NONE: f64 = f64::NAN;

#[test]
fn rome_s_roles_worked_out_by_hand() {
    let folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    let summary = summarise(&three_prompts(), &folder, with_roles(RoleConvention::Rome));
    let residual = &summary.components[&Component::Residual];
    assert_eq!(residual.counts, [3, 0, 3, 2, 0, 2]);
    assert_eq!(residual.prompt_counts, [3, 0, 3, 2, 0, 2]);
    assert_eq!((residual.layers, residual.window), (2, 1));
    let averages =
        [[0.1, -0.2 / 3.0], [NONE, NONE], [0.7 / 3.0, 0.2 / 3.0], [0.0, -0.1], [NONE, NONE], [0.15, 0.1]];
    close(&residual.average_indirect_effect, &averages);
    close(&residual.average_percent_improvement, &averages.map(|row| row.map(|value| 2.0 * value)));
    let deviations = [
        [0.2, (0.07f64 / 3.0).sqrt()],
        [NONE, NONE],
        // Squares of 0.8/3, 0.2/3, −1/3; of 0.7/3, 0.1/3, −0.8/3.
        [(0.56f64 / 6.0).sqrt(), (1.14f64 / 18.0).sqrt()],
        [0.08f64.sqrt(), 0.18f64.sqrt()],
        [NONE, NONE],
        [0.005f64.sqrt(), 0.5f64.sqrt()],
    ];
    close(&residual.sd_indirect_effect, &deviations);
    close(&residual.sd_percent_improvement, &deviations.map(|row| row.map(|value| 2.0 * value)));
    let third = 1.0 / 3.0;
    let wrong = [[third, 2.0 * third], [NONE, NONE], [third, third], [0.5, 0.5], [NONE, NONE], [0.0, 0.5]];
    close(&residual.wrong_direction_share, &wrong);
    // The subject of one token counts as its last; the third prompt has no effect that goes up.
    let peaks = [[0, 0], [0, 0], [1, 0], [0, 0], [0, 0], [0, 1]];
    assert_eq!(residual.peaks, peaks);
    assert_eq!(residual.without_peak, 1);
    assert_eq!(residual.role_peaks, [[2, 0], [0, 0], [2, 0], [1, 1], [0, 0], [1, 1]]);
    assert_eq!(summary.prompts, 3);
    assert!((summary.average_total_effect - 0.8 / 3.0).abs() < 1e-12);
    assert!((summary.mean_clean - 1.7 / 3.0).abs() < 1e-12);
    assert!((summary.mean_corrupted - 0.3).abs() < 1e-12);
}

#[test]
fn the_original_s_roles_worked_out_by_hand() {
    let folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    let summary = summarise(&three_prompts(), &folder, with_roles(RoleConvention::Dannyallover));
    let residual = &summary.components[&Component::Residual];
    assert_eq!(residual.counts, [3, 0, 1, 2, 0, 1]);
    let averages = [[0.1, -0.2 / 3.0], [NONE, NONE], [0.5, 0.3], [0.0, -0.1], [NONE, NONE], [0.1, 0.6]];
    close(&residual.average_indirect_effect, &averages);
    assert!(residual.sd_indirect_effect[2][0].is_nan(), "one token has no deviation");
    assert_eq!(residual.peaks, [[1, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 1]]);
}

#[test]
fn several_tokens_of_a_role_are_pooled() {
    let folder = manifest(&RESIDUAL, 1, Direction::Denoise);
    let two: [&[f64]; 6] = [&[0.9], &[0.1], &[-0.3], &[0.9], &[0.4], &[0.5]];
    let one: [&[f64]; 5] = [&[0.9], &[0.8], &[0.9], &[0.4], &[0.5]];
    let records = [with_effects(1, 0..4, (1.0, 0.0), &two), with_effects(2, 0..3, (1.0, 0.0), &one)];
    let summary = summarise(&records, &folder, with_roles(RoleConvention::Rome));
    let residual = &summary.components[&Component::Residual];
    assert_eq!((residual.counts[1], residual.prompt_counts[1]), (3, 2));
    assert!((residual.average_indirect_effect[1][0] - 0.2).abs() < 1e-12, "0.35 were the mean of means");
    assert!((residual.sd_indirect_effect[1][0] - 0.31f64.sqrt()).abs() < 1e-12);
    assert_eq!(residual.wrong_direction_share[1][0], 0.5, "the first prompt's mean is −0.1");
}

#[test]
fn when_noising_an_effect_is_expected_to_be_negative() {
    let folder = manifest(&RESIDUAL, 2, Direction::Noise);
    let summary = summarise(&three_prompts(), &folder, with_roles(RoleConvention::Rome));
    let residual = &summary.components[&Component::Residual];
    assert_eq!(residual.wrong_direction_share[5], [1.0, 0.5]);
    assert_eq!(residual.peaks, [[0, 0], [0, 0], [0, 1], [1, 0], [0, 0], [0, 1]]);
    assert_eq!(residual.without_peak, 0);
}

/// The three prompts with a KL divergence beside the probability: 0 when clean, and effects of the other sign, twice
/// as large.
fn with_divergence(records: Vec<PromptRecord>) -> Vec<PromptRecord> {
    let metric = Metric::KlDivergence;
    let with = |mut record: PromptRecord| {
        let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
        let mut grid = traced.grids[0].clone();
        grid.metric = metric;
        for table in [&mut grid.indirect_effect, &mut grid.percent_improvement] {
            table.iter_mut().for_each(|effect| *effect *= -2.0);
        }
        traced.grids.push(grid);
        traced.others =
            vec![OtherMetric { metric, clean: 0.0, corrupted: 3.0, corrupted_samples: Vec::new() }];
        record
    };
    records.into_iter().map(with).collect()
}

#[test]
fn a_metric_that_falls_as_the_answer_comes_back_has_the_same_peaks() {
    let mut folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    folder.settings.metrics = vec![Metric::KlDivergence];
    let records = with_divergence(three_prompts());
    let of = |metric| summarise(&records, &folder, SummaryOptions { metric, ..SummaryOptions::default() });
    let (probability, divergence) = (of(Metric::Probability), of(Metric::KlDivergence));
    assert_eq!((probability.metric, divergence.metric), (Metric::Probability, Metric::KlDivergence));
    assert_eq!((divergence.mean_clean, divergence.mean_corrupted), (0.0, 3.0));
    assert_eq!((divergence.average_total_effect, divergence.ci95_total_effect), (-3.0, [-3.0, -3.0]));
    let [first, second] =
        [&probability, &divergence].map(|summary| &summary.components[&Component::Residual]);
    assert_eq!(first.wrong_direction_share[5], second.wrong_direction_share[5]);
    assert_eq!((&first.peaks, &first.role_peaks), (&second.peaks, &second.role_peaks));
    let averages: Vec<f64> = first.average_indirect_effect[2].iter().map(|average| -2.0 * average).collect();
    assert_eq!(second.average_indirect_effect[2], averages);
    assert_eq!(serde_json::to_value(&divergence).unwrap()["metric"], "kl_divergence");
}

#[test]
fn the_noise_error_is_that_of_the_metric() {
    let mut folder = manifest(&RESIDUAL, 1, Direction::Denoise);
    folder.settings.metrics = vec![Metric::KlDivergence];
    let record = with_effects(1, 0..1, (0.9, 0.25), &[&[0.4], &[0.1]]);
    let mut record = with_divergence(vec![record]).remove(0);
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.others[0].corrupted_samples = vec![2.0, 4.0];
    traced.grids[1].samples = vec![1.0, 4.0, 2.0, 4.0];
    let options = SummaryOptions { metric: Metric::KlDivergence, ..SummaryOptions::default() };
    let errors = &summarise(&[record], &folder, options).components[&Component::Residual].noise_error;
    // Differences −1 and 0 at the subject: deviation √0.5, over √2.
    assert_eq!((errors[0][0], errors[3][0]), (0.5, 0.0));
}

#[test]
fn a_metric_that_was_not_measured_is_an_error() {
    let folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    let options = SummaryOptions { metric: Metric::Rank, ..SummaryOptions::default() };
    let mut summariser = Summariser::new(&folder, options.clone());
    let error = summariser.add(&three_prompts()[0]).unwrap_err().to_string();
    assert!(error.contains("rank was not measured in this folder, which has probability"), "{error}");
    assert!(matches!(Summariser::new(&folder, options).finish(), Err(StatisticsError::NoMetric { .. })));
}

#[test]
fn the_noise_error_is_that_of_one_prompt_s_mean() {
    let folder = manifest(&RESIDUAL, 1, Direction::Denoise);
    let mut record = with_effects(1, 0..1, (0.9, 0.25), &[&[0.4], &[0.1]]);
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.corrupted_samples = vec![0.0, 0.5];
    // Differences 0.25, 0.75 at the subject: deviation √0.125, error 0.25. The second token's: 0 and 0.
    traced.grids[0].samples = vec![0.25, 1.25, 0.0, 0.5];
    let summary = summarise(&[record.clone()], &folder, with_roles(RoleConvention::Dannyallover));
    let errors = &summary.components[&Component::Residual].noise_error;
    assert_eq!((errors[0][0], errors[3][0]), (0.25, 0.0));
    assert!(errors[1][0].is_nan());
    let without = with_effects(2, 0..1, (0.9, 0.25), &[&[0.4], &[0.1]]);
    let summary = summarise(&[without], &folder, with_roles(RoleConvention::Dannyallover));
    assert!(summary.components[&Component::Residual].noise_error[0][0].is_nan());
}

#[test]
fn a_prompt_without_a_subject_counts_for_the_total_effect_only() {
    let folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    let mut records = three_prompts();
    records[0].subject = None;
    let summary = summarise(&records, &folder, with_roles(RoleConvention::Rome));
    let residual = &summary.components[&Component::Residual];
    assert_eq!(summary.prompts, 3);
    assert_eq!(residual.prompt_counts[0], 2);
    assert_eq!(residual.without_peak, 2);
}

#[test]
fn the_json_has_the_documented_keys() {
    let folder = manifest(&[Component::Residual, Component::Mlp], 2, Direction::Denoise);
    let mut random = RandomRecords::new(1);
    let mut records: Vec<PromptRecord> = (0..4).map(|id| random.record(id, &folder, 2)).collect();
    records.push(skipped(9, SkipReason::TooLong, "2000 tokens"));
    let summary = summarise(&records, &folder, SummaryOptions::default());
    let json: Value = serde_json::from_str(&serde_json::to_string(&summary).unwrap()).unwrap();
    let keys = ["model", "prompts", "skipped", "average_total_effect", "mean_clean", "mean_corrupted"];
    assert!(keys.iter().all(|key| !json[key].is_null()), "{json}");
    assert_eq!(json["skipped"]["too_long"], 1);
    let mlp = &json["components"]["mlp"];
    assert_eq!((&mlp["layers"], &mlp["window"]), (&Value::from(2), &Value::from(4)));
    let roles = ["first_subject", "middle_subject", "last_subject", "first_subsequent", "further", "last"];
    assert_eq!(mlp["roles"], Value::from(roles.to_vec()));
    for key in [
        "average_indirect_effect",
        "sd_indirect_effect",
        "average_percent_improvement",
        "sd_percent_improvement",
        "wrong_direction_share",
        "ci95_low",
        "ci95_high",
    ] {
        let table = mlp[key].as_array().unwrap();
        assert!(table.len() == 6 && table.iter().all(|row| row.as_array().unwrap().len() == 2), "{key}");
    }
    let one =
        summarise(&three_prompts()[..1], &manifest(&RESIDUAL, 2, Direction::Denoise), Default::default());
    let json = serde_json::to_value(&one).unwrap();
    assert!(json["components"]["residual"]["average_indirect_effect"][1][0].is_null(), "NaN is null");
}

#[test]
fn the_bootstrap_is_seeded_and_encloses_the_average() {
    let folder = manifest(&Component::ROME, 3, Direction::Denoise);
    let mut random = RandomRecords::new(2);
    let records: Vec<PromptRecord> = (0..60).map(|id| random.record(id, &folder, 3)).collect();
    let draw = |seed| {
        let options = SummaryOptions { bootstrap_seed: seed, bootstrap_draws: 500, ..Default::default() };
        summarise(&records, &folder, options)
    };
    let json = |summary: &Summary| serde_json::to_string(summary).unwrap();
    assert_eq!(json(&draw(1)), json(&draw(1)));
    let (first, second) = (draw(1), draw(2));
    assert_ne!(first.components[&Component::Mlp].ci95_low, second.components[&Component::Mlp].ci95_low);
    let [low, high] = first.ci95_total_effect;
    assert!(low < first.average_total_effect && first.average_total_effect < high);
    for component in first.components.values() {
        let ComponentSummary { ci95_low, ci95_high, average_indirect_effect, .. } = component;
        for role in 0..6 {
            for layer in 0..3 {
                let average = average_indirect_effect[role][layer];
                assert!(ci95_low[role][layer] < average && average < ci95_high[role][layer]);
            }
        }
    }
}

#[test]
fn a_single_prompt_has_an_interval_without_width() {
    let folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    let records = RandomRecords::new(3).record(1, &folder, 2);
    let summary = summarise(&[records], &folder, SummaryOptions::default());
    let residual = &summary.components[&Component::Residual];
    for role in 0..6 {
        for layer in 0..2 {
            let average = residual.average_indirect_effect[role][layer];
            let ends = [residual.ci95_low[role][layer], residual.ci95_high[role][layer]];
            assert!(ends.iter().all(|end| *end == average || (end.is_nan() && average.is_nan())));
        }
    }
}

#[test]
fn what_cannot_be_averaged_is_an_error_that_says_why() {
    let folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    let add = |record: &PromptRecord| {
        let mut summariser = Summariser::new(&folder, SummaryOptions::default());
        summariser.add(record).unwrap_err().to_string()
    };
    let mut summariser = Summariser::new(&folder, SummaryOptions::default());
    summariser.add(&skipped(1, SkipReason::WrongPrediction, "")).unwrap();
    summariser.add(&skipped(2, SkipReason::WrongPrediction, "")).unwrap();
    summariser.add(&skipped(3, SkipReason::TooLong, "")).unwrap();
    let error = summariser.finish().unwrap_err();
    assert!(matches!(error, StatisticsError::NoPrompts { .. }));
    assert!(error.to_string().contains("too_long 1, wrong_prediction 2"), "{error}");

    let mut record = three_prompts().remove(0);
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.grids[0].indirect_effect[3] = f64::NAN;
    let error = add(&record);
    assert!(error.contains("fact 1: the indirect effect of residual at token 1, layer 1"), "{error}");
    let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.grids.clear();
    assert!(add(&record).contains("residual was not traced"));
    assert!(add(&with_effects(5, 0..1, (0.5, 0.1), &[&[0.1; 3]])).contains("3 layers, expected 2"));
}

#[test]
fn a_selection_is_averaged_and_all_skipped_facts_are_counted() {
    let folder = manifest(&RESIDUAL, 2, Direction::Denoise);
    let mut records = three_prompts();
    records.push(skipped(9, SkipReason::TooLong, ""));
    let selection: Selection = "most-tokens:1".parse().unwrap();
    let options = SummaryOptions {
        selection: selection.to_string(),
        selected: Some(selection.choose(&records).unwrap()),
        ..SummaryOptions::default()
    };
    let summary = summarise(&records, &folder, options);
    assert_eq!((summary.prompts, summary.skipped["too_long"]), (1, 1));
    assert_eq!(summary.components[&Component::Residual].average_indirect_effect[2], [0.5, 0.3]);
    let others = [with_effects(3, 0..1, (0.5, 0.1), &[&[0.0]]), skipped(1, SkipReason::TooLong, "")];
    assert_eq!(common_ids(&records, &others).into_iter().collect::<Vec<_>>(), [3]);
}

fn compare(found: &[Vec<f64>], expected: &Value, what: &str) -> f64 {
    let rows = expected.as_array().unwrap();
    assert_eq!(rows.len(), 6, "{what}");
    let mut largest: f64 = 0.0;
    for (found, expected) in found.iter().zip(rows) {
        let expected = expected.as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{what}");
        for (found, expected) in found.iter().zip(expected) {
            match expected.as_f64() {
                None => assert!(found.is_nan(), "{what}: {found}, expected null"),
                Some(expected) => {
                    let difference = (found - expected).abs() / expected.abs().max(1.0);
                    assert!(difference <= 1e-6, "{what}: {found}, expected {expected}");
                    largest = largest.max(difference);
                }
            }
        }
    }
    largest
}

#[test]
fn the_original_s_published_averages_come_out() {
    let Some(seed) = shared("seed") else { return };
    let text = std::fs::read_to_string(seed.join("expected_aggregates.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    for (model, peak_layer, peak) in [("gpt2-xl", 15, 6.7), ("gpt-j", 5, 9.5)] {
        let expected = &expected[model];
        let (folder, records) = import_rome(&seed.join(model), model).unwrap();
        assert_eq!(records.len(), 999);
        let mut options = with_roles(RoleConvention::Dannyallover);
        let summary = summarise(&records, &folder, options.clone());
        let residual = &summary.components[&Component::Residual];
        assert_eq!(serde_json::to_value(residual.counts).unwrap(), expected["counts"]);
        for (found, key) in [
            (&residual.average_indirect_effect, "aie"),
            (&residual.sd_indirect_effect, "sd_ie"),
            (&residual.average_percent_improvement, "api"),
            (&residual.sd_percent_improvement, "sd_pi"),
        ] {
            println!("{model} {key}: largest difference {:e}", compare(found, &expected[key], key));
        }
        let last_subject = &residual.average_indirect_effect[2];
        let layer =
            (0..last_subject.len()).max_by(|&a, &b| last_subject[a].total_cmp(&last_subject[b])).unwrap();
        assert_eq!(layer, peak_layer);
        assert!((100.0 * last_subject[layer] - peak).abs() < 0.05, "{}", last_subject[layer]);
        for (ids, key) in
            [("most_tokens_ids", "aie_100_most_tokens"), ("least_tokens_ids", "aie_100_least_tokens")]
        {
            let ids = expected[ids].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
            options.selected = Some(Selection::Ids(ids).choose(&records).unwrap());
            let summary = summarise(&records, &folder, options.clone());
            assert_eq!(summary.prompts, 100);
            let found = &summary.components[&Component::Residual].average_indirect_effect;
            println!("{model} {key}: largest difference {:e}", compare(found, &expected[key], key));
        }
    }
}

/// The same numbers from an export, by a script that shares no code with this crate.
#[test]
fn numpy_computes_the_same_from_an_export() {
    let Some(python) = python() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/summarise.py");
    for (seed, n_samples, direction) in
        [(4, 3, Direction::Denoise), (5, 0, Direction::Denoise), (6, 2, Direction::Noise)]
    {
        let manifest = manifest(&Component::ROME, 4, direction);
        let mut random = RandomRecords::new(seed);
        let mut records: Vec<PromptRecord> =
            (0..30).map(|id| random.record(id, &manifest, n_samples)).collect();
        records.push(skipped(40, SkipReason::WrongPrediction, "predicted ' b'"));
        let folder = tempfile::tempdir().unwrap();
        export(&records, &manifest, folder.path());
        for roles in [RoleConvention::Rome, RoleConvention::Dannyallover] {
            let output = Command::new(&python)
                .args([script, "--roles", &roles.to_string(), "--direction", &direction.to_string()])
                .arg(folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
            let ours = serde_json::to_value(summarise(&records, &manifest, with_roles(roles))).unwrap();
            same_numbers(&theirs, &ours, "summary");
        }
    }
}

/// Everything in `theirs` stands in `ours`, numbers but for rounding.
fn same_numbers(theirs: &Value, ours: &Value, place: &str) {
    match (theirs, ours) {
        (Value::Object(theirs), _) => {
            theirs.iter().for_each(|(key, value)| same_numbers(value, &ours[key], &format!("{place}.{key}")));
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            assert_eq!(theirs.len(), ours.len(), "{place}");
            let pairs = theirs.iter().zip(ours).enumerate();
            pairs
                .for_each(|(index, (theirs, ours))| same_numbers(theirs, ours, &format!("{place}[{index}]")));
        }
        (Value::Number(theirs), Value::Number(ours)) => {
            let (theirs, ours) = (theirs.as_f64().unwrap(), ours.as_f64().unwrap());
            let difference = (theirs - ours).abs() / theirs.abs().max(1.0);
            assert!(difference < 1e-6, "{place}: NumPy {theirs}, ours {ours}");
        }
        _ => assert_eq!(theirs, ours, "{place}"),
    }
}

/// A thousand prompts of a large model: the draws pass over all of their sums.
#[test]
fn two_thousand_draws_of_a_thousand_prompts_take_seconds() {
    let folder = manifest(&Component::ROME, 48, Direction::Denoise);
    let mut random = RandomRecords::new(9);
    let records: Vec<PromptRecord> = (0..1209).map(|id| random.record(id, &folder, 0)).collect();
    let start = std::time::Instant::now();
    summarise(&records, &folder, SummaryOptions::default());
    let seconds = start.elapsed().as_secs_f64();
    println!("{seconds:.2} s");
    assert!(seconds < 60.0, "{seconds} s");
}
