//! Amounts of memory: as typed, as free, as used.

use anyhow::Result;
use causal_trace_core::Precision;
use causal_trace_lm::{Architecture, Placement};

use crate::slurm;

/// For the states, where the system does not tell what is free.
const UNKNOWN_BUDGET: usize = 2 << 30;
/// What the program takes beside weights and states: itself, a tokenizer, results.
pub(crate) const PROGRAM: usize = 48 << 20;
/// Rows of states that there must be room for: a prompt of 128 tokens, clean and corrupted once.
const LEAST_ROWS: usize = 256;

/// Bytes as in `1000000`, `500M` or `4G`; the letters stand for powers of 1024.
pub(crate) fn parse_bytes(text: &str) -> Result<usize, String> {
    let wrong = || "expected bytes above 0, as in 500M or 4G".to_owned();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1usize << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let number: usize = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|&bytes| bytes > 0).ok_or_else(wrong)
}

/// How the memory of a run is shared between the model's weights and the states of its traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) placement: Placement,
    /// Bytes for states and the buffers that work on them.
    pub(crate) states: usize,
}

/// The memory that a model and its traces may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    /// So many bytes, all in all.
    Of(usize),
    /// The system does not tell what is free.
    Unknown,
}

impl Budget {
    /// What was asked for; otherwise three quarters of the free memory, of the machine or of the container, whichever
    /// has less, and no more than Slurm has given. Of several models, each gets an equal part.
    pub(crate) fn new(asked: Option<usize>, models: usize) -> Self {
        let machine = || status_number("/proc/meminfo", "MemAvailable:").map(|kilobytes| kilobytes * 1024);
        let unused = || machine().into_iter().chain(free_in_container()).min().map(|bytes| bytes / 4 * 3);
        let free = || unused().into_iter().chain(slurm::memory(&slurm::environment)).min();
        asked.or_else(free).map_or(Budget::Unknown, |bytes| Budget::Of(bytes / models))
    }

    /// Where a model's weights are to be, and what is left: in memory, if that leaves enough for the states of a prompt.
    ///
    /// # Errors
    /// When it is not enough even for a streamed model.
    pub(crate) fn shares(
        self,
        architecture: &Architecture,
        precision: Precision,
        may_stream: bool,
    ) -> Result<Shares> {
        let Budget::Of(bytes) = self else {
            return Ok(Shares { placement: Placement::Resident, states: UNKNOWN_BUDGET });
        };
        let with = |placement: Placement| {
            let taken = beside_states(architecture, precision, placement);
            let least = least(architecture, precision, placement);
            if bytes >= least { Ok(Shares { placement, states: bytes - taken }) } else { Err(least) }
        };
        let resident = with(Placement::Resident);
        tracing::debug!(budget = bytes, weights = architecture.resident_bytes(precision), %precision, "memory shared");
        // A model of two layers is no smaller when it is streamed.
        let streamed = || if may_stream { with(Placement::Streamed) } else { Err(usize::MAX) };
        resident.or_else(|needed| streamed().map_err(|other| needed.min(other))).map_err(|needed| {
            let (has, needed) = (described(bytes), described(needed));
            let problem = format!("{has} of memory are too little for this model: it needs {needed}");
            anyhow::anyhow!("{problem}; see --memory")
        })
    }
}

/// The least memory with which a model is traced, all in all, with its weights in one place or the other.
pub(crate) fn least(architecture: &Architecture, precision: Precision, placement: Placement) -> usize {
    // When the states come, the last block has been packed.
    let states = (LEAST_ROWS * row_bytes(architecture)).max(architecture.packing_bytes());
    beside_states(architecture, precision, placement).saturating_add(states)
}

/// What weights and program take.
fn beside_states(architecture: &Architecture, precision: Precision, placement: Placement) -> usize {
    let weights = match placement {
        Placement::Resident => architecture.resident_bytes(precision),
        Placement::Streamed => architecture.streamed_bytes(precision),
    };
    weights.saturating_add(PROGRAM)
}

/// What a token of a prompt takes at least: in the clean run, in a corrupted run, and while it is worked on.
fn row_bytes(architecture: &Architecture) -> usize {
    let held = 2 * (4 * architecture.d_model + architecture.d_qkv());
    (held + architecture.buffer_width()) * size_of::<f32>()
}

/// Bytes as `--memory` takes them, rounded up: `4100M`, `12G`.
pub(crate) fn described(bytes: usize) -> String {
    let megabytes = bytes.div_ceil(1 << 20);
    if megabytes < 10_000 { format!("{megabytes}M") } else { format!("{}G", megabytes.div_ceil(1 << 10)) }
}

/// What the control group leaves, where it sets a limit (version 2, then version 1). Pages of files count as used there,
/// but those that were not used lately are given back when they are needed.
fn free_in_container() -> Option<usize> {
    let read = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<usize>().ok();
    let version_2 = ["memory.max", "memory.current", "memory.stat", "inactive_file "];
    let version_1 = [
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file ",
    ];
    [version_2, version_1].into_iter().find_map(|[limit, used, stat, unused]| {
        let path = |name: &str| format!("/sys/fs/cgroup/{name}");
        let unused = status_number(&path(stat), unused).unwrap_or(0);
        Some(read(&path(limit))?.saturating_add(unused).saturating_sub(read(&path(used))?))
    })
}

/// The most memory that this process has held, where the system tells.
pub(crate) fn peak_bytes() -> Option<usize> {
    status_number("/proc/self/status", "VmHWM:").map(|kilobytes| kilobytes * 1024)
}

/// The number after a field's name, of a file with one to a line.
fn status_number(path: &str, field: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read() {
        assert_eq!(parse_bytes("1"), Ok(1));
        assert_eq!(parse_bytes("4G"), Ok(4 << 30));
        assert_eq!(parse_bytes("500m"), Ok(500 << 20));
        assert_eq!(parse_bytes("3KiB"), Ok(3072));
        for wrong in ["", "0", "G", "-1", "1.5G", "4X", "99999999999999999999", "9999999999999T"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong} was accepted");
        }
    }

    #[test]
    fn weights_are_in_memory_where_they_leave_room_and_streamed_elsewhere() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/gptj/model");
        let architecture = Architecture { n_layers: 10_000, ..Architecture::of_folder(&folder).unwrap() };
        let shares = |bytes: usize| Budget::Of(bytes).shares(&architecture, Precision::F32, true);
        let (resident, streamed) =
            (architecture.resident_bytes(Precision::F32), architecture.streamed_bytes(Precision::F32));
        assert!(streamed * 10 < resident);
        let plenty = shares(resident + (1 << 30)).unwrap();
        assert_eq!(plenty, Shares { placement: Placement::Resident, states: (1 << 30) - PROGRAM });
        let scarce = shares(resident).unwrap();
        assert_eq!(scarce, Shares { placement: Placement::Streamed, states: resident - streamed - PROGRAM });
        let message = shares(PROGRAM).unwrap_err().to_string();
        let needed = message.split("it needs ").nth(1).unwrap().split(';').next().unwrap();
        assert_eq!(shares(parse_bytes(needed).unwrap()).unwrap().placement, Placement::Streamed);
        assert!(Budget::Of(resident).shares(&architecture, Precision::F32, false).is_err());
        assert_eq!(Budget::new(Some(10), 2), Budget::Of(5));
        assert_eq!([1, 500 << 20, (4 << 30) + 1, 12 << 30].map(described), ["1M", "500M", "4097M", "12G"]);
    }
}
