//! What is written is read again, and the same records give the same bytes.

use causal_trace_core::Component;
use causal_trace_results::{FolderWriter, Outcome, PromptRecord, ResultsFolder, SkipReason};
use tempfile::tempdir;

use crate::common::{
    complete, files, imported, manifest, numbers, part, records, says, skipped, three_parts, traced,
};

#[test]
fn every_kind_of_record_is_read_as_it_was_written() {
    let folder = tempdir().unwrap();
    let mut written: Vec<PromptRecord> =
        SkipReason::ALL.into_iter().enumerate().map(|(id, reason)| skipped(id as i64, reason)).collect();
    written.push(traced(i64::MAX, 5));
    written.push(traced(-1, 3));
    written.push(imported(77));
    let manifest = manifest(&[written.len()]);
    let mut writer = FolderWriter::create(folder.path(), &manifest).unwrap();
    writer.write_part(0, &written).unwrap();
    assert_eq!(records(folder.path()).unwrap(), written);
    assert_eq!(*ResultsFolder::open(folder.path()).unwrap().manifest(), manifest);
}

#[test]
fn prompts_are_records_without_grids() {
    let folder = tempdir().unwrap();
    three_parts(folder.path());
    let mut expected = records(folder.path()).unwrap();
    assert_eq!(expected.len(), 9);
    for record in &mut expected {
        if let Outcome::Traced(traced) = &mut record.outcome {
            traced.grids.clear();
        }
    }
    // The sites are not even opened.
    std::fs::remove_dir_all(folder.path().join("sites")).unwrap();
    let prompts: Result<Vec<_>, _> = ResultsFolder::open(folder.path()).unwrap().prompts().collect();
    assert_eq!(prompts.unwrap(), expected);
}

#[test]
fn a_table_of_many_rows_is_read() {
    let folder = tempdir().unwrap();
    let written: Vec<PromptRecord> = (0..300).map(|id| traced(id, 12)).collect();
    let mut writer = FolderWriter::create(folder.path(), &manifest(&[300])).unwrap();
    writer.write_part(0, &written).unwrap();
    assert_eq!(records(folder.path()).unwrap(), written);
}

#[test]
fn the_same_records_give_the_same_bytes_in_any_order_of_the_parts() {
    let folders = [tempdir().unwrap(), tempdir().unwrap()];
    let manifest = three_parts(folders[0].path());
    let mut writer = FolderWriter::create(folders[1].path(), &manifest).unwrap();
    for index in [2, 0, 1] {
        writer.write_part(index, &part(index, manifest.parts[index])).unwrap();
    }
    assert_eq!(files(folders[0].path()), files(folders[1].path()));
    let names: Vec<String> = files(folders[0].path()).into_keys().collect();
    assert_eq!(names[..2], ["manifest.json", "parts/part-00000.json"]);
    assert_eq!(names.len(), 1 + 3 * 3);
}

#[test]
fn an_empty_sweep_is_a_folder_too() {
    let folder = tempdir().unwrap();
    complete(folder.path(), &manifest(&[]));
    assert!(records(folder.path()).unwrap().is_empty());
}

/// What is refused for the first fact of a part of two.
fn refused(change: impl FnOnce(&mut PromptRecord), says_what: &[&str]) {
    let folder = tempdir().unwrap();
    let mut written = vec![traced(5, 4), traced(6, 4)];
    change(&mut written[0]);
    let mut writer = FolderWriter::create(folder.path(), &manifest(&[2])).unwrap();
    says(writer.check_part(0, &written), says_what);
    says(writer.write_part(0, &written), says_what);
    assert_eq!(writer.missing_parts(), [0]);
    assert_eq!(files(folder.path()).len(), 1, "something was written");
}

#[test]
fn records_that_are_not_whole_are_refused() {
    refused(
        |it| numbers(it).grids[1].patched[4] = f64::NAN,
        &["fact 5", "mlp: patched is NaN at token 1, layer 1"],
    );
    refused(|it| numbers(it).grids[0].samples[7] = f32::INFINITY, &["a sample is inf at token 1, layer 0"]);
    refused(|it| numbers(it).clean = f64::NAN, &["clean is NaN"]);
    refused(|it| numbers(it).corrupted_samples[1] = f32::NAN, &["corrupted is NaN"]);
    refused(
        |it| numbers(it).grids.truncate(2),
        &["components are residual, mlp, in place of residual, mlp, attn"],
    );
    refused(|it| numbers(it).grids.swap(0, 1), &["components are mlp, residual, attn"]);
    refused(|it| numbers(it).grids[1].component = Component::Residual, &["residual, residual, attn"]);
    refused(
        |it| numbers(it).grids[2].indirect_effect.truncate(11),
        &["attn: 4 tokens and 3 layers", "[12, 11, 12]"],
    );
    refused(
        |it| numbers(it).grids[2].samples.truncate(12),
        &["attn: 12 samples for 12 sites, and 2 samples"],
    );
    refused(|it| it.ids.truncate(3), &["3 token ids and 4 tokens"]);
    refused(|it| it.subject = Some((2..5).into()), &["subject is tokens 2 to 5 of 4"]);
    refused(|it| it.subject = Some((2..2).into()), &["subject is tokens 2 to 2"]);
    refused(|it| it.fact.known_id = 6, &["fact 6 is in", "part-00000"]);
    refused(|it| it.ids[0] = u32::MAX, &["a token id is 4294967295"]);
}

#[test]
fn imported_cases_may_lack_a_component() {
    let folder = tempdir().unwrap();
    let mut manifest = manifest(&[1]);
    manifest.settings.engine = None;
    let mut record = imported(1);
    numbers(&mut record).grids.remove(1);
    let mut writer = FolderWriter::create(folder.path(), &manifest).unwrap();
    writer.write_part(0, std::slice::from_ref(&record)).unwrap();
    assert_eq!(records(folder.path()).unwrap(), [record]);
}

#[test]
fn a_fact_has_one_row_in_the_whole_folder() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[1, 1, 1]);
    let mut writer = FolderWriter::create(folder.path(), &manifest).unwrap();
    writer.write_part(0, &[traced(5, 4)]).unwrap();
    says(writer.write_part(1, &[traced(5, 4)]), &["fact 5 is in", "part-00000", "part-00001"]);
    drop(writer);
    let mut writer = FolderWriter::create(folder.path(), &manifest).unwrap();
    says(writer.write_part(2, &[traced(5, 4)]), &["fact 5 is in", "part-00000", "part-00002"]);
}

#[test]
fn parts_are_those_of_the_manifest() {
    let folder = tempdir().unwrap();
    let mut writer = FolderWriter::create(folder.path(), &manifest(&[1, 2])).unwrap();
    says(writer.write_part(1, &[traced(5, 4)]), &["part 1 holds 2 facts, and 1 were given"]);
    says(writer.write_part(2, &[traced(5, 4)]), &["has no", "part 2"]);
    writer.write_part(0, &[traced(5, 4)]).unwrap();
    writer.write_part(0, &[traced(5, 4)]).unwrap();
    assert_eq!(writer.folder().complete_parts().unwrap(), [0]);
    says(writer.folder().read_part(1), &["no complete part 1"]);
    let mut unusable = manifest(&[1, 0]);
    says(FolderWriter::create(folder.path(), &unusable), &["parts[1] holds no fact"]);
    unusable = manifest(&[1]);
    unusable.model.n_layers = 0;
    says(FolderWriter::create(folder.path(), &unusable), &["n_layers is 0"]);
}
