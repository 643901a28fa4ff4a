//! What says that a part is complete: `parts/part-00000.json`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::layout::Table;

/// The tables of a complete part, as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    pub(super) prompts: TableMark,
    pub(super) sites: TableMark,
}

/// One table as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableMark {
    pub(super) rows: usize,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Marker {
    pub(super) fn table(&self, table: Table) -> &TableMark {
        match table {
            Table::Prompts => &self.prompts,
            Table::Sites => &self.sites,
        }
    }
}

impl TableMark {
    pub(super) fn of(rows: usize, bytes: &[u8]) -> Self {
        TableMark { rows, bytes: bytes.len() as u64, sha256: sha256(bytes) }
    }

    /// What distinguishes a file from the one that was marked.
    pub(super) fn fault(&self, bytes: &[u8]) -> Option<String> {
        self.size_fault(bytes.len() as u64).or_else(|| {
            let altered = "its content was altered: the SHA-256 is not the one recorded when it was written";
            (sha256(bytes) != self.sha256).then(|| altered.to_owned())
        })
    }

    /// The same by the size alone.
    pub(super) fn size_fault(&self, bytes: u64) -> Option<String> {
        (bytes != self.bytes).then(|| format!("it has {bytes} bytes and was written with {}", self.bytes))
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
