//! How large a model is, from its architecture alone.

use causal_trace_core::Precision;

use crate::layers::BLOCKS_AT_ONCE;
use crate::{Architecture, NormKind, Positions, Wiring};

impl Architecture {
    /// Number of parameters: embeddings, maps and norms with their biases; a tied head counts once.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        let blocks = self.n_layers.saturating_mul(self.block_weights() + self.block_vectors());
        let head = if self.tied_head { 0 } else { self.head_weights() };
        blocks.saturating_add(self.embeddings() + head + self.head_vectors())
    }

    /// Memory that the weights take while the whole model is in memory, in bytes.
    ///
    /// Maps are packed for products of that precision; embeddings, biases and norms are float32.
    #[must_use]
    pub fn resident_bytes(&self, precision: Precision) -> usize {
        let blocks = self.n_layers.saturating_mul(self.block_bytes(precision));
        blocks.saturating_add(self.head_bytes(precision) + 4 * self.embeddings())
    }

    /// Memory that the weights take at most while a model is streamed, in bytes.
    #[must_use]
    pub fn streamed_bytes(&self, precision: Precision) -> usize {
        // Beside the last block, the head takes the place of a third.
        let block = self.block_bytes(precision);
        let third = block.max(self.head_bytes(precision));
        (BLOCKS_AT_ONCE - 1) * block + third + 4 * self.position_embedding() + self.packing_bytes()
    }

    /// Memory that is taken beside the packed weights while a matrix is packed, in bytes: for every thread, those rows that
    /// it is at work on.
    #[must_use]
    pub fn packing_bytes(&self) -> usize {
        const ROWS: usize = 32;
        4 * ROWS * self.d_model.max(self.d_mlp) * rayon::current_num_threads()
    }

    /// Width of the queries, keys and values of all heads together.
    #[must_use]
    pub fn d_qkv(&self) -> usize {
        self.d_queries() + 2 * self.d_keys()
    }

    /// How many numbers a row takes at most in the buffers of a block that is at work on it, beside the row itself.
    #[must_use]
    pub fn buffer_width(&self) -> usize {
        // Attention's and the mlp's output and one of them normed; queries, keys, values and context.
        let outputs = 3 * self.d_model + self.d_qkv() + self.d_queries();
        // The mlp's middle and, where it is gated, what comes of it.
        let middle = self.d_mlp * if self.gated { 3 } else { 1 };
        // Left sides of two products at once, of up to six bytes a number.
        let packed = (self.d_model.max(self.d_queries()) + self.d_mlp) * 3 / 2;
        outputs + middle + packed
    }

    fn block_bytes(&self, precision: Precision) -> usize {
        self.block_weights() * bytes_per_weight(precision) + 4 * self.block_vectors()
    }

    fn head_bytes(&self, precision: Precision) -> usize {
        self.head_weights() * bytes_per_weight(precision) + 4 * self.head_vectors()
    }

    fn embeddings(&self) -> usize {
        self.d_vocab * self.d_model + self.position_embedding()
    }

    fn position_embedding(&self) -> usize {
        match self.positions {
            Positions::Learned { offset } => (self.max_positions + offset) * self.d_model,
            Positions::Rotary(_) => 0,
        }
    }

    /// How many maps lead into the mlp's middle.
    fn mlp_widths(&self) -> usize {
        if self.gated { 2 } else { 1 }
    }

    fn block_weights(&self) -> usize {
        let attention = self.d_model * (self.d_qkv() + self.d_queries());
        attention + self.d_model * self.d_mlp * (self.mlp_widths() + 1)
    }

    /// Biases and norms.
    fn block_vectors(&self) -> usize {
        let of = |present: bool, width: usize| if present { width } else { 0 };
        let biases = of(self.bias.qkv, self.d_qkv())
            + of(self.bias.attention_out, self.d_model)
            + of(self.bias.mlp, self.mlp_widths() * self.d_mlp + self.d_model);
        let n_norms =
            1 + usize::from(self.wiring != Wiring::ParallelSharedNorm) + 2 * usize::from(self.post_norms);
        let norms = n_norms * self.d_model + of(self.qk_norm, 2 * self.d_head);
        biases + norms * self.vectors_per_norm()
    }

    fn head_weights(&self) -> usize {
        self.d_model * self.d_vocab
    }

    fn head_vectors(&self) -> usize {
        let bias = if self.bias.head { self.d_vocab } else { 0 };
        bias + self.d_model * self.vectors_per_norm()
    }

    fn vectors_per_norm(&self) -> usize {
        match self.norm {
            NormKind::LayerNorm => 2,
            NormKind::Rms | NormKind::RmsUnitOffset => 1,
        }
    }
}

/// What a packed weight takes: two bytes for every bfloat16 part.
fn bytes_per_weight(precision: Precision) -> usize {
    match precision {
        Precision::F32 | Precision::Bf16x3 => 4,
        Precision::Bf16x6 => 6,
        Precision::Bf16 => 2,
    }
}
