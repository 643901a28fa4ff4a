//! The left side of a product.

use causal_trace_core::Precision;

use super::{bf16, parts, single};

/// Rows that are multiplied with a weight, as its precision asks for them.
#[derive(Debug)]
pub(crate) struct Left {
    precision: Precision,
    rows: usize,
    width: usize,
    form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    Single(single::Rows),
    Bf16(bf16::left::Left),
}

impl Default for Left {
    fn default() -> Self {
        Left { precision: Precision::F32, rows: 0, width: 0, form: Form::Single(single::Rows::default()) }
    }
}

impl Left {
    /// Makes room for rows that are written next; what was there is no longer defined.
    pub(crate) fn reset(&mut self, precision: Precision, rows: usize, width: usize) {
        (self.precision, self.rows, self.width) = (precision, rows, width);
        match (&mut self.form, parts(precision)) {
            (Form::Single(form), None) => form.reset(rows, width),
            (Form::Bf16(form), Some(parts)) => form.reshape(rows, width, parts),
            // Memory is kept only from one product to the next of its kind, which in a model is all of them.
            (form, None) => {
                let mut single = single::Rows::default();
                single.reset(rows, width);
                *form = Form::Single(single);
            }
            (form, Some(parts)) => {
                let mut left = bf16::left::Left::default();
                left.reshape(rows, width, parts);
                *form = Form::Bf16(left);
            }
        }
    }

    /// Sets some inputs of a row, from `start` on, which is a multiple of a panel's width.
    ///
    /// # Panics
    /// When they lie outside the matrix.
    pub(crate) fn write(&mut self, row: usize, start: usize, values: &[f32]) {
        assert!(row < self.rows && start + values.len() <= self.width, "inputs lie within the matrix");
        match &mut self.form {
            Form::Single(form) => form.write(row, start, values),
            Form::Bf16(form) => form.write_row(row, start, values),
        }
    }

    /// All of `x`, `[rows, width]`.
    pub(crate) fn pack(&mut self, precision: Precision, x: &[f32], width: usize) {
        assert!(x.len().is_multiple_of(width), "x is whole rows");
        self.reset(precision, x.len() / width, width);
        for (row, values) in x.chunks_exact(width).enumerate() {
            self.write(row, 0, values);
        }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of each row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// What it is packed for.
    pub(super) fn precision(&self) -> Precision {
        self.precision
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }
}
