//! What a report file leaves out, in words.

use super::Folder;

/// Marks the rows whose chunks are not among the first `chunks`, and says what the folder lacks.
pub(super) fn mark(folder: &mut Folder, chunks: usize, has_samples: bool, max_size: usize) {
    let mut without = 0;
    for row in &mut folder.prompts {
        row.chunk = row.chunk.filter(|&chunk| chunk < chunks);
        without += usize::from(row.chunk.is_none());
    }
    let lacks_samples = folder.has_samples && !has_samples;
    folder.has_samples &= has_samples;
    let samples = lacks_samples.then(|| "the single samples of every site".to_owned());
    let prompts =
        (without > 0).then(|| format!("the numbers of {without} of {} prompts", folder.prompts.len()));
    let lacking: Vec<String> = samples.into_iter().chain(prompts).collect();
    folder.left_out = (!lacking.is_empty()).then(|| {
        format!(
            "Left out, so that this file has at most {}: {}. The explorer shows them: causal-trace serve {}",
            megabytes(max_size),
            lacking.join(", and "),
            super::command::quoted(&folder.name)
        )
    });
}

/// A size of a file, as in "15 MB".
pub(super) fn megabytes(bytes: usize) -> String {
    let text = format!("{:.2}", bytes as f64 / 1e6);
    format!("{} MB", text.trim_end_matches('0').trim_end_matches('.'))
}
