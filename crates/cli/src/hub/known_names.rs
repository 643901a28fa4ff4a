//! Names of models that people ask for, for those who mistype one.

/// Well-known models of the families that can be traced.
const NAMES: [&str; 82] = [
    "EleutherAI/gpt-j-6b",
    "EleutherAI/gpt-neox-20b",
    "EleutherAI/pythia-70m",
    "EleutherAI/pythia-70m-deduped",
    "EleutherAI/pythia-160m",
    "EleutherAI/pythia-160m-deduped",
    "EleutherAI/pythia-410m",
    "EleutherAI/pythia-410m-deduped",
    "EleutherAI/pythia-1b",
    "EleutherAI/pythia-1b-deduped",
    "EleutherAI/pythia-1.4b",
    "EleutherAI/pythia-1.4b-deduped",
    "EleutherAI/pythia-2.8b",
    "EleutherAI/pythia-2.8b-deduped",
    "EleutherAI/pythia-6.9b",
    "EleutherAI/pythia-6.9b-deduped",
    "EleutherAI/pythia-12b",
    "EleutherAI/pythia-12b-deduped",
    "HuggingFaceTB/SmolLM-135M",
    "HuggingFaceTB/SmolLM-360M",
    "HuggingFaceTB/SmolLM-1.7B",
    "HuggingFaceTB/SmolLM2-135M",
    "HuggingFaceTB/SmolLM2-360M",
    "HuggingFaceTB/SmolLM2-1.7B",
    "Qwen/Qwen2-0.5B",
    "Qwen/Qwen2-1.5B",
    "Qwen/Qwen2-7B",
    "Qwen/Qwen2.5-0.5B",
    "Qwen/Qwen2.5-0.5B-Instruct",
    "Qwen/Qwen2.5-1.5B",
    "Qwen/Qwen2.5-1.5B-Instruct",
    "Qwen/Qwen2.5-3B",
    "Qwen/Qwen2.5-7B",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen2.5-14B",
    "Qwen/Qwen3-0.6B",
    "Qwen/Qwen3-1.7B",
    "Qwen/Qwen3-4B",
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-14B",
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "distilbert/distilgpt2",
    "facebook/opt-125m",
    "facebook/opt-1.3b",
    "facebook/opt-2.7b",
    "facebook/opt-6.7b",
    "facebook/opt-13b",
    "google/gemma-2-2b",
    "google/gemma-2-2b-it",
    "google/gemma-2-9b",
    "google/gemma-2-27b",
    "gpt2",
    "gpt2-large",
    "gpt2-medium",
    "gpt2-xl",
    "huggyllama/llama-7b",
    "meta-llama/Llama-2-7b-chat-hf",
    "meta-llama/Llama-2-7b-hf",
    "meta-llama/Llama-2-13b-hf",
    "meta-llama/Llama-3.1-8B",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.2-1B",
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.2-3B",
    "meta-llama/Llama-3.2-3B-Instruct",
    "meta-llama/Meta-Llama-3-8B",
    "meta-llama/Meta-Llama-3-8B-Instruct",
    "microsoft/phi-1",
    "microsoft/phi-1_5",
    "microsoft/phi-2",
    "mistralai/Mistral-7B-Instruct-v0.2",
    "mistralai/Mistral-7B-Instruct-v0.3",
    "mistralai/Mistral-7B-v0.1",
    "mistralai/Mistral-7B-v0.3",
    "openai-community/gpt2",
    "openai-community/gpt2-large",
    "openai-community/gpt2-medium",
    "openai-community/gpt2-xl",
    "openlm-research/open_llama_3b",
    "openlm-research/open_llama_7b",
    "roneneldan/TinyStories-1M",
    "stabilityai/stablelm-base-alpha-3b",
];

/// How alike two names must be.
const LIKENESS: f64 = 0.7;

/// The well-known name that is most like another, if any is; not that name itself.
pub(super) fn suggestion(given: &str) -> Option<&'static str> {
    let given = given.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let model = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        let whole = strsim::normalized_damerau_levenshtein(&given, &name);
        // The model counts for more than whose it is.
        let part = strsim::normalized_damerau_levenshtein(&model(&given), &model(&name));
        if given.contains('/') { whole.max(0.95 * part) } else { whole.max(0.99 * part) }
    };
    let names = NAMES.into_iter().chain(crate::demo::names());
    let best = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (best.to_lowercase() != given && likeness(best) >= LIKENESS).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_recognised() {
        for (given, meant) in [
            ("gpt2-xll", "gpt2-xl"),
            ("gpt-2-xl", "gpt2-xl"),
            ("gptj-6b", "EleutherAI/gpt-j-6b"),
            ("ElutherAI/gpt-j-6b", "EleutherAI/gpt-j-6b"),
            ("llama-3.2-1b", "meta-llama/Llama-3.2-1B"),
            ("meta/Llama-3.2-1B", "meta-llama/Llama-3.2-1B"),
            ("pythia-70m", "EleutherAI/pythia-70m"),
            ("demmo", "demo"),
        ] {
            assert_eq!(suggestion(given), Some(meant), "{given}");
        }
        for given in ["my-own-model", "org/name", "gpt2", "results"] {
            assert_eq!(suggestion(given), None, "{given}");
        }
    }

    #[test]
    fn names_are_sorted_and_well_formed() {
        for name in NAMES {
            assert!(crate::hub::ModelId::new(name, None).is_ok(), "{name}");
        }
        let mut once = NAMES.to_vec();
        once.dedup();
        assert_eq!(once, NAMES);
    }
}
