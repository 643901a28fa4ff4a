//! Typed columns of a batch that was read from a file: nothing is taken for granted.

use std::ops::Range;

use arrow_array::{Array, ListArray, RecordBatch, StringArray};
use causal_trace_core::Metric;

/// A column that is there and has the right type, or what is wrong with it.
pub(super) fn optional<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("column {name} is missing"))?;
    typed(column.as_ref(), name)
}

/// The same for a column that has a value in every row.
pub(super) fn required<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, String> {
    let column = optional::<T>(batch, name)?;
    if column.null_count() > 0 { Err(format!("column {name} has nulls")) } else { Ok(column) }
}

/// A column of lists and the elements of all of them; the elements are never null.
pub(super) fn lists<'a, T: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<(&'a ListArray, &'a T), String> {
    let lists = optional::<ListArray>(batch, name)?;
    let elements = typed::<T>(lists.values().as_ref(), name)?;
    if elements.null_count() > 0 {
        return Err(format!("lists of column {name} have nulls"));
    }
    Ok((lists, elements))
}

/// The elements of the lists in a column of lists of lists; they are never null.
pub(super) fn inner<'a, T: Array + 'static>(lists: &'a ListArray, name: &str) -> Result<&'a T, String> {
    let elements = typed::<T>(lists.values().as_ref(), name)?;
    if elements.null_count() > 0 { Err(format!("lists of column {name} have nulls")) } else { Ok(elements) }
}

/// The metric of that name.
pub(super) fn metric(name: &str) -> Result<Metric, String> {
    let known = |metric: &Metric| metric.name() == name;
    Metric::ALL.into_iter().find(known).ok_or_else(|| format!("'{name}' is not a metric"))
}

fn typed<'a, T: Array + 'static>(array: &'a dyn Array, name: &str) -> Result<&'a T, String> {
    let wrong = || format!("column {name} has the wrong type, {}", array.data_type());
    array.as_any().downcast_ref().ok_or_else(wrong)
}

/// Where the elements of a row's list lie; nowhere for a null.
pub(super) fn elements(lists: &ListArray, row: usize) -> Range<usize> {
    if lists.is_null(row) {
        return 0..0;
    }
    let offsets = lists.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

/// The text of a row, or `None` for a null.
pub(super) fn text(texts: &StringArray, row: usize) -> Option<String> {
    texts.is_valid(row).then(|| texts.value(row).to_owned())
}
