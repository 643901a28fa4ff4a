//! Interrupted, and continued; and what stands in the way of writing.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use causal_trace_results::FolderWriter;
use tempfile::tempdir;

use crate::common::{complete, files, manifest, part, records, says, three_parts};

/// Continues a folder in which the last steps of writing part 1 are undone, and expects the uninterrupted bytes.
fn continues_after(undo: impl Fn(&Path)) {
    let (whole, folder) = (tempdir().unwrap(), tempdir().unwrap());
    let manifest = three_parts(whole.path());
    complete(folder.path(), &manifest);
    undo(folder.path());
    let facts = if folder.path().join("parts/part-00001.json").exists() { 9 } else { 6 };
    assert_eq!(records(folder.path()).unwrap().len(), facts);
    complete(folder.path(), &manifest);
    assert_eq!(files(folder.path()), files(whole.path()));
}

/// A file as a writer leaves it that died an hour ago.
fn left_behind(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let hour = Duration::from_secs(3600);
    fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - hour).unwrap();
}

#[test]
fn a_sweep_goes_on_from_every_step_of_writing_a_part() {
    let remove = |folder: &Path, names: &[&str]| {
        names.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    };
    let (marker, prompts, sites) =
        ("parts/part-00001.json", "prompts/part-00001.parquet", "sites/part-00001.parquet");
    continues_after(|_| {});
    continues_after(|folder| remove(folder, &[marker]));
    continues_after(|folder| {
        remove(folder, &[marker]);
        left_behind(&folder.join("parts/.part-00001.json.node-7-0123456789abcdef.4.tmp"), "{\"pro");
    });
    continues_after(|folder| remove(folder, &[marker, sites]));
    continues_after(|folder| {
        remove(folder, &[marker, sites]);
        left_behind(&folder.join("sites/.part-00001.parquet.tmp"), "PAR1");
    });
    continues_after(|folder| remove(folder, &[marker, sites, prompts]));
    continues_after(|folder| {
        remove(folder, &[marker, sites, prompts]);
        left_behind(&folder.join("prompts/.part-00001.parquet.tmp"), "");
    });
}

#[test]
fn a_folder_that_was_hardly_begun_is_begun_again() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join(".lock"), "").unwrap();
    fs::write(folder.path().join(".manifest.json.tmp"), "{\"for").unwrap();
    three_parts(folder.path());
    assert_eq!(records(folder.path()).unwrap().len(), 9);
    fs::remove_dir_all(folder.path().join("prompts")).unwrap();
    fs::remove_dir_all(folder.path().join("sites")).unwrap();
    fs::remove_dir_all(folder.path().join("parts")).unwrap();
    assert!(records(folder.path()).unwrap().is_empty());
    three_parts(folder.path());
}

#[test]
fn other_settings_are_refused_and_named() {
    let folder = tempdir().unwrap();
    let mut manifest = three_parts(folder.path());
    let before = files(folder.path());
    manifest.settings.corruption.as_mut().unwrap().seed = 2;
    manifest.model.weights_sha256 = Some("e".repeat(64));
    let differs = [
        "settings.corruption.seed is 1 in the folder and 2 now",
        "model.weights_sha256 is \"bbbb",
        "name another folder",
    ];
    says(FolderWriter::create(folder.path(), &manifest), &differs);
    assert_eq!(files(folder.path()), before);
}

#[test]
fn names_of_the_same_things_may_change() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[4, 3]);
    let mut writer = FolderWriter::create(folder.path(), &manifest).unwrap();
    writer.write_part(0, &part(0, 4)).unwrap();
    drop(writer);
    let mut renamed = manifest.clone();
    renamed.model.name = "./copy/of/demo".to_owned();
    complete(folder.path(), &renamed);
    let whole = tempdir().unwrap();
    complete(whole.path(), &manifest);
    assert_eq!(files(folder.path()), files(whole.path()), "the folder's own name of the model is kept");
}

#[test]
fn a_folder_of_other_things_is_left_alone() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    says(FolderWriter::create(folder.path(), &manifest(&[1])), &["thesis.tex", "new or an empty folder"]);
    assert_eq!(files(folder.path()).len(), 1);
    let file = folder.path().join("thesis.tex");
    says(FolderWriter::create(&file, &manifest(&[1])), &["cannot create", "thesis.tex"]);
}

#[test]
fn what_cannot_be_written_leaves_complete_parts_alone() {
    for file in ["prompts/part-00001.parquet", "sites/part-00001.parquet"] {
        let folder = tempdir().unwrap();
        let manifest = manifest(&[4, 3]);
        let mut writer = FolderWriter::create(folder.path(), &manifest).unwrap();
        writer.write_part(0, &part(0, 4)).unwrap();
        // Something that cannot be replaced is in the way.
        fs::create_dir(folder.path().join(file)).unwrap();
        says(writer.write_part(1, &part(1, 3)), &["cannot", file]);
        assert_eq!(writer.missing_parts(), [1]);
        assert_eq!(records(folder.path()).unwrap().len(), 4);
        fs::remove_dir(folder.path().join(file)).unwrap();
        writer.write_part(1, &part(1, 3)).unwrap();
        let whole = tempdir().unwrap();
        complete(whole.path(), &manifest);
        assert_eq!(files(folder.path()), files(whole.path()), "nothing is left beside them");
    }
}
