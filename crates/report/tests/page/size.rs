//! How large a report is.

use std::time::Instant;

use causal_trace_core::Component;
use causal_trace_report::page::ReportFile;
use tempfile::tempdir;

use crate::made_up::{manifest, noisy, written};

#[test]
fn a_usual_sweep_fits_with_all_its_samples() {
    let folder = tempdir().unwrap();
    let manifest = manifest(&Component::ROME, &[]);
    let records: Vec<_> = (0..1209).map(|id| noisy(&manifest, id)).collect();
    let results = written(folder.path(), manifest, &records, 16);
    let begin = Instant::now();
    let mut file = ReportFile::new(15_000_000);
    file.add(&results, "made-up", &mut |_| {}).unwrap();
    let report = file.finish().unwrap();
    println!("{} bytes in {:.1} s", report.size(), begin.elapsed().as_secs_f64());
    assert!(report.has_samples && report.prompts_with_numbers == 1209 && report.size() <= 15_000_000);
}
