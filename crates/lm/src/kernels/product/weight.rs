//! The right side of a product, packed once.

use causal_trace_core::Precision;

use super::{bf16, parts, single};

/// A matrix `[n_in, n_out]`, packed for a precision.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    n_in: usize,
    n_out: usize,
    precision: Precision,
    form: Form,
}

#[derive(Debug, Clone)]
pub(super) enum Form {
    Single(single::Panels),
    Bf16(bf16::weight::Weight),
}

/// How a checkpoint keeps a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// `[n_in, n_out]`, as GPT-2's `Conv1D`.
    InOut,
    /// `[n_out, n_in]`, as PyTorch's `Linear`.
    OutIn,
}

impl Weight {
    /// Packs a matrix.
    ///
    /// # Panics
    /// When it has not n_in · n_out elements.
    pub(crate) fn pack(
        precision: Precision,
        values: &[f32],
        order: Order,
        n_in: usize,
        n_out: usize,
    ) -> Self {
        assert_eq!(values.len(), n_in * n_out, "a weight has n_in · n_out elements");
        let form = match parts(precision) {
            None => Form::Single(single::Panels::pack(values, order, n_in, n_out)),
            Some(parts) => Form::Bf16(bf16::weight::Weight::pack(values, order, n_in, n_out, parts)),
        };
        Weight { n_in, n_out, precision, form }
    }

    pub(crate) fn n_in(&self) -> usize {
        self.n_in
    }

    pub(crate) fn n_out(&self) -> usize {
        self.n_out
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }
}
