//! Which of a model's files are needed: what `causal_trace_lm` reads, and no more.

use causal_trace_lm::TOKENIZER_FILES;
use causal_trace_lm::weights::published_names;

pub(crate) const CONFIG: &str = "config.json";

/// What is missing for a tokenizer, if anything is.
pub(super) fn missing_tokenizer(has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let has_one = has("tokenizer.json") || (has("vocab.json") && has("merges.txt"));
    (!has_one).then_some("tokenizer.json")
}

/// The files of the tokenizer that are there.
pub(super) fn tokenizer(has: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static str> {
    TOKENIZER_FILES.into_iter().filter(move |name| has(name))
}

/// The file of the weights, or the index that names their files: safetensors first.
pub(super) fn weights<'a>(names: &[&'a str]) -> Option<&'a str> {
    let published = published_names().find_map(|wanted| names.iter().find(|name| **name == wanted));
    let others: Vec<&&str> =
        names.iter().filter(|name| name.ends_with(".safetensors") && !name.contains('/')).collect();
    // One safetensors file by another name is unambiguous.
    published.or(if let [only] = others[..] { Some(only) } else { None }).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safetensors_come_before_pytorch_and_single_files_before_shards() {
        let all = [
            "pytorch_model.bin.index.json",
            "pytorch_model.bin",
            "model.safetensors.index.json",
            "model.safetensors",
        ];
        for n in 1..=all.len() {
            assert_eq!(weights(&all[..n]), Some(all[n - 1]));
        }
        assert_eq!(weights(&["tf_model.h5", "mine.safetensors"]), Some("mine.safetensors"));
        assert_eq!(weights(&["a.safetensors", "b.safetensors"]), None);
        assert_eq!(weights(&["onnx/model.safetensors"]), None);
    }
}
