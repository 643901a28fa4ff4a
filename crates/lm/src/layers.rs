//! A model's layers one after the other: from memory, or from the files with the next layer being read while one is
//! in use.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::checkpoint::Checkpoint;
use crate::head::Head;
use crate::{Block, ModelError};

/// How many blocks of a streamed model are in memory at most while its layers are walked through with two of them in
/// use: those, and the one that is read ahead. Beside the last block the head takes the place of a third.
pub(crate) const BLOCKS_AT_ONCE: usize = 3;

/// Where a model's blocks and its head are.
#[derive(Debug, Clone)]
pub(crate) enum Parts {
    Resident { blocks: Vec<Arc<Block>>, head: Arc<Head> },
    Streamed(Arc<Checkpoint>),
}

/// A walk through the blocks of a model, first to last, that ends at the head.
///
/// The blocks of a streamed model are read and packed one ahead, by threads of their own. They end when this value is
/// dropped, which waits for the block in hand.
#[derive(Debug)]
pub struct Layers<'a>(Walk<'a>);

#[derive(Debug)]
enum Walk<'a> {
    Resident { blocks: std::slice::Iter<'a, Arc<Block>>, head: &'a Arc<Head> },
    Streamed(Reader),
}

/// What is read.
enum Part {
    Block(Arc<Block>),
    Head(Arc<Head>),
}

/// The receiving end of a thread that reads one part ahead.
#[derive(Debug)]
struct Reader {
    blocks_left: usize,
    /// Absent only while it is being dropped.
    parts: Option<Receiver<Result<Part, ModelError>>>,
    thread: Option<JoinHandle<()>>,
}

impl Parts {
    pub(crate) fn layers(&self) -> Result<Layers<'_>, ModelError> {
        Ok(Layers(match self {
            Parts::Resident { blocks, head } => Walk::Resident { blocks: blocks.iter(), head },
            Parts::Streamed(checkpoint) => Walk::Streamed(Reader::start(Arc::clone(checkpoint))?),
        }))
    }
}

impl Iterator for Layers<'_> {
    type Item = Result<Arc<Block>, ModelError>;

    /// The next block. An error, which only a streamed model has, ends the walk.
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Resident { blocks, .. } => blocks.next().map(|block| Ok(Arc::clone(block))),
            Walk::Streamed(reader) => reader.block(),
        }
    }
}

impl Layers<'_> {
    /// The head; blocks that were not asked for are passed over.
    ///
    /// # Errors
    /// When the model is streamed and its files cannot be read, or have been changed.
    pub fn head(self) -> Result<Arc<Head>, ModelError> {
        match self.0 {
            Walk::Resident { head, .. } => Ok(Arc::clone(head)),
            Walk::Streamed(mut reader) => loop {
                if let Part::Head(head) = reader.part()? {
                    return Ok(head);
                }
            },
        }
    }
}

impl Reader {
    fn start(checkpoint: Arc<Checkpoint>) -> Result<Self, ModelError> {
        let blocks_left = checkpoint.architecture.n_layers;
        // A part waits with its sender until it is taken: so there is never more than one ahead.
        let (sender, parts) = sync_channel(0);
        // Threads of their own: those of the caller are busy computing, and reading may wait for a disk.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(rayon::current_num_threads()).build();
        let pool = pool.map_err(|error| ModelError::Thread { source: std::io::Error::other(error) })?;
        let read = move || pool.install(|| read_all(&checkpoint, &sender));
        let thread = Builder::new().name("layers".to_owned()).spawn(read);
        let thread = thread.map_err(|source| ModelError::Thread { source })?;
        Ok(Reader { blocks_left, parts: Some(parts), thread: Some(thread) })
    }

    fn block(&mut self) -> Option<Result<Arc<Block>, ModelError>> {
        self.blocks_left = self.blocks_left.checked_sub(1)?;
        match self.part() {
            Ok(Part::Block(block)) => Some(Ok(block)),
            Ok(Part::Head(_)) => None,
            Err(error) => {
                self.blocks_left = 0;
                Some(Err(error))
            }
        }
    }

    fn part(&mut self) -> Result<Part, ModelError> {
        match self.parts.as_ref().map(Receiver::recv) {
            Some(Ok(part)) => part,
            _ => {
                // The thread has ended: after an error that was received before, or by a panic, which goes on here.
                if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
                    resume_unwind(panic);
                }
                Err(ModelError::LayersEnded)
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Without a receiver the thread ends at its next part.
        self.parts = None;
        if let Some(thread) = self.thread.take() {
            // Nobody waits for what it was reading, nor for why it could not.
            let _ = thread.join();
        }
    }
}

/// Reads every block and the head until nobody takes them any more, or one cannot be read.
fn read_all(checkpoint: &Checkpoint, sender: &SyncSender<Result<Part, ModelError>>) {
    let n_layers = checkpoint.architecture.n_layers;
    let blocks = (0..n_layers).map(|layer| checkpoint.block(layer).map(|block| Part::Block(Arc::new(block))));
    let head = std::iter::once_with(|| checkpoint.head().map(|head| Part::Head(Arc::new(head))));
    for part in blocks.chain(head) {
        let failed = part.is_err();
        if sender.send(part).is_err() || failed {
            return;
        }
    }
}
