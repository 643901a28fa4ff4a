//! Several metrics in one folder, and prompts with a counterpart: read as written, and refused where they do not fit.

use causal_trace_core::{Component, Metric};
use causal_trace_results::{FolderWriter, PromptRecord, SkipReason};
use tempfile::tempdir;

use crate::common::{
    PAIR_METRICS, manifest, manifest_of_pairs, numbers, records, says, skipped, traced, traced_pair,
};

#[test]
fn metrics_and_counterparts_are_read_as_they_were_written() {
    let folder = tempdir().unwrap();
    let mut not_aligned = skipped(3, SkipReason::NotAligned);
    not_aligned.counterpart = traced_pair(3, 6).counterpart;
    assert_ne!(not_aligned.tokens.len(), 6);
    let mut without_foil = traced_pair(4, 5);
    numbers(&mut without_foil).foil = None;
    let written = vec![traced_pair(1, 4), traced_pair(2, 3), not_aligned, without_foil];
    let mut writer = FolderWriter::create(folder.path(), &manifest_of_pairs(&[4])).unwrap();
    writer.write_part(0, &written).unwrap();
    assert_eq!(records(folder.path()).unwrap(), written);
}

/// What is refused for the first fact of a part of two.
fn refused(change: impl FnOnce(&mut PromptRecord), says_what: &[&str]) {
    let folder = tempdir().unwrap();
    let mut written = vec![traced_pair(5, 4), traced_pair(6, 4)];
    change(&mut written[0]);
    let mut writer = FolderWriter::create(folder.path(), &manifest_of_pairs(&[2])).unwrap();
    says(writer.write_part(0, &written), says_what);
}

#[test]
fn metrics_are_those_of_the_settings() {
    refused(
        |it| {
            numbers(it).grids.remove(1);
        },
        &[
            "residual has the metrics [\"probability\", \"kl_divergence\"], in place of [\"probability\", \"rank\"",
        ],
    );
    refused(
        |it| numbers(it).grids.swap(1, 2),
        &["[\"probability\", \"kl_divergence\", \"rank\"], in place of"],
    );
    refused(
        |it| {
            numbers(it).grids.remove(3);
        },
        &["its components are residual, in place of residual, mlp_sev"],
    );
    refused(|it| numbers(it).grids[4].component = Component::Residual, &["fact 5"]);
    refused(
        |it| {
            numbers(it).others.pop();
        },
        &["beside the probability it has the metrics [\"rank\"], in place of [\"rank\", \"kl_divergence\"]"],
    );
    let folder = tempdir().unwrap();
    let mut more = traced(1, 4);
    let rank = traced_pair(1, 4);
    let Some(traced) = rank.traced() else { unreachable!() };
    numbers(&mut more).grids.insert(1, traced.grids[1].clone());
    let mut writer = FolderWriter::create(folder.path(), &manifest(&[1])).unwrap();
    says(writer.write_part(0, &[more]), &["residual has the metrics [\"probability\", \"rank\"]"]);
}

#[test]
fn numbers_of_other_metrics_are_whole() {
    refused(
        |it| numbers(it).grids[2].patched[4] = f64::NAN,
        &["fact 5", "residual (kl_divergence): patched is NaN at token 1, layer 1"],
    );
    refused(
        |it| numbers(it).grids[1].patched[3] = 0.5,
        &["residual (rank): patched is 0.5 at token 1, layer 0"],
    );
    refused(|it| numbers(it).grids[1].samples[0] = 0.0, &["residual (rank): a sample is 0 at token 0"]);
    refused(|it| numbers(it).others[1].clean = f64::INFINITY, &["kl_divergence: clean is inf"]);
    refused(|it| numbers(it).others[0].corrupted = 0.0, &["rank: corrupted is 0"]);
    refused(
        |it| numbers(it).others[0].corrupted_samples[1] = f32::NAN,
        &["rank: a sample of corrupted is NaN"],
    );
    refused(
        |it| {
            numbers(it).others[0].corrupted_samples.pop();
        },
        &["rank: it has 1 samples, and the probability 2"],
    );
    refused(|it| numbers(it).foil = Some((String::new(), u32::MAX)), &["a token id is 4294967295"]);
}

#[test]
fn a_counterpart_is_as_long_as_the_prompt() {
    let lengthen = |it: &mut PromptRecord| {
        let other = it.counterpart.as_mut().unwrap();
        other.ids.push(1);
        other.tokens.push(" more".to_owned());
    };
    refused(lengthen, &["its counterpart has 5 tokens, and the prompt 4"]);
    refused(|it| it.counterpart = None, &["it has no counterpart, the prompt of the corrupted run"]);
    refused(
        |it| {
            it.counterpart.as_mut().unwrap().ids.pop();
        },
        &["its counterpart has 3 token ids and 4 tokens"],
    );
}

#[test]
fn a_manifest_names_each_metric_once() {
    let folder = tempdir().unwrap();
    let mut unusable = manifest_of_pairs(&[1]);
    unusable.settings.metrics.push(Metric::Probability);
    says(FolderWriter::create(folder.path(), &unusable), &["settings.metrics names probability"]);
    unusable.settings.metrics = [PAIR_METRICS, PAIR_METRICS].concat();
    says(FolderWriter::create(folder.path(), &unusable), &["settings.metrics names rank"]);
}
