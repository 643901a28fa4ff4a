//! Sizes that are known from the architecture alone, against the tensors that a model is made of.

use std::path::Path;

use causal_trace_core::Precision;
use causal_trace_lm::{Architecture, Model, supported_model_types};

#[test]
fn parameters_are_those_of_the_tensors_that_are_asked_for() {
    for family in supported_model_types() {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(family).join("model");
        let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
        let (mut all, mut matrices) = (0, 0);
        let mut tensor = |_: &str, shape: &[usize]| {
            let size = shape.iter().product();
            all += size;
            matrices += if shape.len() > 1 { size } else { 0 };
            vec![0.0; size]
        };
        Model::from_source(&config, Precision::F32, &mut tensor).unwrap();
        let architecture = Architecture::of_folder(&folder).unwrap();
        assert_eq!(architecture.n_parameters(), all, "{family}");
        // Beside a tied head, which is counted as packed by itself.
        let tied = if architecture.tied_head { architecture.d_vocab * architecture.d_model } else { 0 };
        assert_eq!(architecture.resident_bytes(Precision::F32), 4 * (all + tied), "{family}");
        // Packed are the matrices that multiply; embeddings are looked up.
        let positions = if architecture.positions == (causal_trace_lm::Positions::Learned { offset: 0 }) {
            architecture.max_positions
        } else if family == "opt" {
            architecture.max_positions + 2
        } else {
            0
        };
        let packed = matrices + tied - (architecture.d_vocab + positions) * architecture.d_model;
        assert_eq!(architecture.resident_bytes(Precision::Bf16), 4 * (all + tied) - 2 * packed, "{family}");
        assert_eq!(architecture.resident_bytes(Precision::Bf16x6), 4 * (all + tied) + 2 * packed, "{family}");
    }
}
