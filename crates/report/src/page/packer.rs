//! Prompts' numbers as text for a report file: in chunks, compressed and in base64.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causal_trace_core::Direction;
use causal_trace_results::PromptRecord;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{SampleEncoding, encode_chunk};

/// About how many bytes a chunk has before it is compressed: few enough to be read at once when a prompt is opened,
/// and enough to compress well.
const CHUNK_BYTES: usize = 1 << 18;
/// Bytes of a site beside its samples: its effects and the noise error.
const SITE_BYTES: usize = 12;
const SAMPLE_BYTES: usize = 2;

/// A chunk, once with and once without the single samples; none where it could not fit into the file any more.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) with_samples: Option<String>,
    pub(super) without: Option<String>,
}

/// Puts prompts into chunks, in their order.
#[derive(Debug)]
pub(super) struct Packer {
    direction: Direction,
    /// Bytes that the file has room for, with samples and without.
    room_with: usize,
    room_without: usize,
    done: Vec<Packed>,
    pending: Vec<PromptRecord>,
    pending_bytes: usize,
}

impl Packer {
    /// Nothing packed yet, of a file with so many bytes at most.
    pub(super) fn new(direction: Direction, max_size: usize) -> Self {
        Packer {
            direction,
            room_with: max_size,
            room_without: max_size,
            done: Vec::new(),
            pending: Vec::new(),
            pending_bytes: 0,
        }
    }

    /// The chunk that the next prompt comes into.
    pub(super) fn chunk(&self) -> usize {
        self.done.len()
    }

    /// Adds a fact; a skipped one has no numbers.
    pub(super) fn add(&mut self, record: PromptRecord) {
        let Some(traced) = record.traced() else { return };
        let bytes = traced
            .grids
            .iter()
            .map(|grid| SITE_BYTES * grid.patched.len() + SAMPLE_BYTES * grid.samples.len());
        self.pending_bytes += bytes.sum::<usize>();
        self.pending.push(record);
        if self.pending_bytes >= CHUNK_BYTES {
            self.pack();
        }
    }

    /// All chunks.
    pub(super) fn finish(mut self) -> Vec<Packed> {
        if !self.pending.is_empty() {
            self.pack();
        }
        self.done
    }

    fn pack(&mut self) {
        let records = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let chunk = |samples| text(&encode_chunk(self.direction, &records, samples));
        let with_samples = within(&mut self.room_with, || chunk(SampleEncoding::Steps));
        let without = within(&mut self.room_without, || chunk(SampleEncoding::Omitted));
        if with_samples.is_none() {
            // All samples are in the file or none, so those that came before are of no use.
            self.done.iter_mut().for_each(|packed| packed.with_samples = None);
        }
        self.done.push(Packed { with_samples, without });
    }
}

/// A text that there is room for. After the first without room there is none for any.
fn within(room: &mut usize, text: impl FnOnce() -> String) -> Option<String> {
    if *room == 0 {
        return None;
    }
    let text = text();
    *room = room.saturating_sub(text.len());
    (*room > 0).then_some(text)
}

/// Bytes as text. Nothing in it tells when it was made.
fn text(bytes: &[u8]) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let packed = gzip.write_all(bytes).and_then(|()| gzip.finish()).unwrap_or_default();
    STANDARD.encode(packed)
}
