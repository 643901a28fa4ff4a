//! What a report file leaves out when it would be too large.

use causal_trace_core::Component;
use causal_trace_report::page::{PageError, ReportFile};
use serde_json::Value;
use tempfile::tempdir;

use crate::document::{Document, document};
use crate::made_up::{manifest, noisy, written};

/// The rows of a folder that have numbers, which come first.
fn with_numbers(document: &Document, folder: usize) -> usize {
    let rows = document.report["folders"][folder]["prompts"].as_array().unwrap();
    let n = rows.iter().take_while(|row| !row["chunk"].is_null()).count();
    assert!(rows[n..].iter().all(|row| row["chunk"].is_null()));
    n
}

#[test]
fn samples_are_left_out_first_and_then_the_last_prompts() {
    let (folder, other) = (tempdir().unwrap(), tempdir().unwrap());
    let manifest = manifest(&Component::ROME, &[]);
    let records: Vec<_> = (0..60).map(|id| noisy(&manifest, id)).collect();
    let first = written(folder.path(), manifest.clone(), &records, 16);
    let second = written(other.path(), manifest, &records[..20], 16);
    let folders = [(&first, "it's one"), (&second, "two")];
    let said = |document: &Document, folder: usize| document.report["folders"][folder]["left_out"].clone();

    let all = document(&folders, 15_000_000);
    assert_eq!((with_numbers(&all, 0), with_numbers(&all, 1)), (60, 20));
    assert!(all.report["folders"][0]["has_samples"] == true && said(&all, 0).is_null());

    let without_samples = document(&folders, all.html.len() - 1);
    assert_eq!((with_numbers(&without_samples, 0), with_numbers(&without_samples, 1)), (60, 20));
    assert_eq!(without_samples.report["folders"][0]["has_samples"], false);
    assert!(without_samples.html.len() < all.html.len() * 3 / 4);
    let words = said(&without_samples, 0);
    let words = words.as_str().unwrap();
    assert!(words.contains("the single samples of every site. The explorer"), "{words}");
    assert!(words.ends_with("causal-trace serve \"it's one\""), "{words}");

    let fewer = document(&folders, without_samples.html.len() - 60_000);
    let (one, two) = (with_numbers(&fewer, 0), with_numbers(&fewer, 1));
    assert!(one < 60 && one > two && two == 20, "{one} and {two}");
    let words = said(&fewer, 0);
    assert!(
        words.as_str().unwrap().contains(&format!("the numbers of {} of 60 prompts", 60 - one)),
        "{words}"
    );
    assert!(said(&fewer, 1).as_str().unwrap().contains("the single samples"));

    let few = document(&folders, fewer.html.len() - 200_000);
    assert!(with_numbers(&few, 1).abs_diff(with_numbers(&few, 0)) < 20, "both folders alike");
    assert_eq!(few.report["folders"][1]["prompts"].as_array().unwrap().len(), 20, "every row stays");
    let numbers = |document: &Document| document.chunks.values().map(Vec::len).sum::<usize>();
    assert!(numbers(&few) < numbers(&fewer));
}

#[test]
fn a_file_too_small_for_its_tables_is_refused() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[Component::Residual], &[]);
    let results = written(folder.path(), manifest.clone(), &[noisy(&manifest, 1)], 1);
    let mut file = ReportFile::new(1000);
    file.add(&results, "one", &mut |_| {}).unwrap();
    let error = file.finish().unwrap_err();
    assert!(matches!(error, PageError::TooLarge { max_size: 1000, .. }));
    assert!(error.to_string().contains("0 MB") && error.to_string().contains("--max-size"), "{error}");
}

#[test]
fn no_name_makes_a_file_too_large() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&Component::ROME, &[]);
    let records: Vec<_> = (0..60).map(|id| noisy(&manifest, id)).collect();
    let results = written(folder.path(), manifest, &records, 16);
    let name = "<\"'$`".repeat(50);
    let size = document(&[(&results, &name)], 15_000_000).html.len();
    for less in [1, 1_000, 300_000, 500_000] {
        assert!(document(&[(&results, &name)], size - less).html.len() <= size - less);
    }
}

#[test]
fn a_folder_without_samples_lacks_none() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&[Component::Residual], &[]);
    let mut record = noisy(&manifest, 1);
    let causal_trace_results::Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
    traced.corrupted_samples.clear();
    traced.grids[0].samples.clear();
    let results = written(folder.path(), manifest, &[record], 1);
    let document = document(&[(&results, "one")], 15_000_000);
    let shown = &document.report["folders"][0];
    assert_eq!((&shown["has_samples"], &shown["left_out"]), (&Value::Bool(false), &Value::Null));
}
