//! Why there is no page.

use causal_trace_results::FolderError;
use causal_trace_results::statistics::StatisticsError;

use super::left_out::megabytes;

/// Why a results folder cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its numbers cannot be averaged.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
    /// Not even the tables fit into a file.
    #[error(
        "the page with its tables takes {} without any prompt's numbers, and may have {}: give a larger --max-size, or \
         look at the results with `causal-trace serve`",
        megabytes(*needed),
        megabytes(*max_size)
    )]
    TooLarge {
        /// Bytes of the page without any numbers to open.
        needed: usize,
        /// Bytes that it may have.
        max_size: usize,
    },
}
