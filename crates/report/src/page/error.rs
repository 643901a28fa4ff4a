//! Why there is no page.

use causal_trace_results::FolderError;
use causal_trace_results::statistics::StatisticsError;

/// Why a results folder cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its numbers cannot be averaged.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
}
