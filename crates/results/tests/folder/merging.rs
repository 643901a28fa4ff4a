//! Shards of one sweep, and sweeps of different facts, become one folder.

use std::fs;
use std::path::{Path, PathBuf};

use causal_trace_core::Component;
use causal_trace_results::{
    FolderError, FolderWriter, Manifest, MergeOrder, Merged, MissingParts, ResultsFolder,
};
use tempfile::tempdir;

use crate::common::{complete, facts, files, manifest, part, records, says, three_parts, traced};

fn merge(sources: &[PathBuf], out: &Path) -> Result<Merged, FolderError> {
    causal_trace_results::merge(sources, out, MergeOrder::Named)
}

fn write(path: &Path, manifest: &Manifest, parts: &[usize]) -> PathBuf {
    let mut writer = FolderWriter::create(path, manifest).unwrap();
    for &index in parts {
        writer.write_part(index, &part(index, manifest.parts[index])).unwrap();
    }
    path.to_owned()
}

#[test]
fn shards_give_the_bytes_of_the_whole_sweep() {
    let root = tempdir().unwrap();
    let whole = root.path().join("whole");
    let manifest = three_parts(&whole);
    let mut renamed = manifest.clone();
    renamed.model.name = "/elsewhere/demo".to_owned();
    let sources = [
        write(&root.path().join("a"), &manifest, &[1]),
        write(&root.path().join("b"), &manifest, &[0, 2, 1]),
    ];
    let before: Vec<_> = sources.iter().map(|source| files(source)).collect();
    let out = root.path().join("out");
    assert_eq!(merge(&sources, &out).unwrap(), Merged { prompts: 9, parts: 3, missing: Vec::new() });
    assert_eq!(files(&out), files(&whole));
    assert_eq!(sources.iter().map(|source| files(source)).collect::<Vec<_>>(), before);
    let other = write(&root.path().join("c"), &renamed, &[0]);
    merge(&[sources[0].clone(), other], &root.path().join("names may differ")).unwrap();
}

#[test]
fn what_no_shard_had_is_told_and_can_be_added() {
    let root = tempdir().unwrap();
    let whole = root.path().join("whole");
    let manifest = three_parts(&whole);
    let sources =
        [write(&root.path().join("a"), &manifest, &[2]), write(&root.path().join("b"), &manifest, &[])];
    let out = root.path().join("out");
    let missing = vec![MissingParts { folder: out.clone(), parts: vec![0, 1] }];
    assert_eq!(merge(&sources, &out).unwrap(), Merged { prompts: 2, parts: 1, missing });
    complete(&out, &manifest);
    assert_eq!(files(&out), files(&whole));
}

#[test]
fn shards_that_disagree_about_a_part_are_refused() {
    let root = tempdir().unwrap();
    let manifest = manifest(&[1, 1]);
    let sources = ["a", "b"].map(|name| root.path().join(name));
    for (source, n_tokens) in sources.iter().zip([4, 5]) {
        FolderWriter::create(source, &manifest).unwrap().write_part(1, &[traced(1, n_tokens)]).unwrap();
    }
    says(
        merge(&sources, &root.path().join("out")),
        &["part 1 is not the same", "a", "b", "delete the marker"],
    );
    assert!(!root.path().join("out").exists());
}

/// Two sweeps over different facts: ids from 0 and from 1000.
fn sweeps_of_different_facts(root: &Path) -> [PathBuf; 2] {
    let first = manifest(&[4, 3, 2]);
    let mut second = manifest(&[1, 2]);
    second.facts = vec![facts("more.json", "e", 3)];
    let sources = ["a", "b"].map(|name| root.join(name));
    write(&sources[0], &first, &[0, 2]);
    let mut writer = FolderWriter::create(&sources[1], &second).unwrap();
    writer.write_part(1, &[traced(1001, 4), traced(1002, 3)]).unwrap();
    writer.write_part(0, &[traced(1000, 4)]).unwrap();
    sources
}

#[test]
fn sorted_it_does_not_matter_how_the_folders_are_named() {
    let root = tempdir().unwrap();
    let [first, second] = sweeps_of_different_facts(root.path());
    let sorted = |name: &str, sources: &[PathBuf]| {
        let out = root.path().join(name);
        causal_trace_results::merge(sources, &out, MergeOrder::Sorted).unwrap();
        files(&out)
    };
    let named = root.path().join("named");
    merge(&[first.clone(), second.clone()], &named).unwrap();
    let expected = files(&named);
    assert_eq!(sorted("forwards", &[first.clone(), second.clone()]), expected);
    assert_eq!(sorted("backwards", &[second, first]), expected);
}

#[test]
fn sweeps_of_different_facts_are_put_one_after_the_other() {
    let root = tempdir().unwrap();
    let sources = sweeps_of_different_facts(root.path());
    let out = root.path().join("out");
    let missing = vec![MissingParts { folder: sources[0].clone(), parts: vec![1] }];
    assert_eq!(merge(&sources, &out).unwrap(), Merged { prompts: 9, parts: 4, missing });
    let merged = ResultsFolder::open(&out).unwrap();
    assert_eq!(merged.manifest().parts, [4, 2, 1, 2]);
    assert_eq!(merged.manifest().facts, [facts("facts.json", "d", 9), facts("more.json", "e", 3)]);
    let expected: Vec<_> = sources.iter().flat_map(|source| records(source).unwrap()).collect();
    assert_eq!(records(&out).unwrap(), expected);
    let table =
        |folder: &Path, part: usize| fs::read(folder.join(format!("sites/part-{part:05}.parquet"))).unwrap();
    assert_eq!(table(&out, 1), table(&sources[0], 2));
    // A merged folder can be merged again.
    let again = root.path().join("again");
    let mut third = manifest(&[1]);
    third.facts = vec![facts("third.json", "f", 1)];
    let last = root.path().join("c");
    FolderWriter::create(&last, &third).unwrap().write_part(0, &[traced(5000, 3)]).unwrap();
    assert_eq!(merge(&[out, last], &again).unwrap(), Merged { prompts: 10, parts: 5, missing: Vec::new() });
}

#[test]
fn a_fact_in_two_folders_is_refused() {
    let root = tempdir().unwrap();
    let sources = ["a", "b"].map(|name| root.path().join(name));
    write(&sources[0], &manifest(&[4, 3]), &[0, 1]);
    let mut second = manifest(&[3]);
    second.facts[0].selection = "ids 3,100,9".to_owned();
    let mut writer = FolderWriter::create(&sources[1], &second).unwrap();
    writer.write_part(0, &[traced(3, 4), traced(100, 4), traced(9, 4)]).unwrap();
    says(merge(&sources, &root.path().join("out")), &["facts 3, 100 are in", "/a and again in", "/b"]);
    assert!(!root.path().join("out").exists());
}

#[test]
fn folders_that_differ_in_more_than_facts_are_refused() {
    let root = tempdir().unwrap();
    let sources = sweeps_of_different_facts(root.path());
    let mut other = manifest(&[1]);
    other.facts = vec![facts("third.json", "f", 1)];
    other.settings.window.width = 4;
    other.settings.components = vec![Component::Residual];
    let third = root.path().join("c");
    complete(&third, &manifest_without_parts(other));
    let told = [
        "settings.window.width is 10 in the first and 4 in the second",
        "settings.components is [\"residual\",\"mlp\",\"attn\"]",
        "nothing but their facts",
    ];
    says(merge(&[sources[0].clone(), sources[1].clone(), third], &root.path().join("out")), &told);
}

fn manifest_without_parts(mut manifest: Manifest) -> Manifest {
    manifest.parts.clear();
    manifest
}

#[test]
fn a_merge_needs_whole_sources_and_room() {
    let root = tempdir().unwrap();
    let sources = sweeps_of_different_facts(root.path());
    let out = root.path().join("out");
    says(merge(&[], &out), &["no results folder"]);
    says(merge(&[root.path().join("nowhere")], &out), &["nowhere is not a results folder"]);
    says(merge(&sources, &sources[1]), &["is not empty"]);
    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.txt"), "").unwrap();
    says(merge(&sources, &out), &["is not empty"]);
    fs::remove_file(out.join("notes.txt")).unwrap();
    merge(&sources, &out).unwrap();
    let damaged = sources[1].join("sites/part-00001.parquet");
    crate::damage::change(&damaged, |bytes| bytes[50] ^= 1);
    says(merge(&sources, &root.path().join("other")), &["part 1 is damaged", "/b/sites"]);
}
