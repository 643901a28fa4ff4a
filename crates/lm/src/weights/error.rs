//! What can be wrong with a folder's weights, and what to do about it.

use std::path::PathBuf;

use super::torch::TorchError;

/// Why weights could not be opened, or a tensor not be read.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The folder has none of the files that weights are published in.
    #[error(
        "no weights in {}: expected model.safetensors or pytorch_model.bin, or one of these with \
         '.index.json'; download the model's weights into that folder",
        folder.display()
    )]
    NoWeights {
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// Several safetensors files, and nothing that says which of them make up the model.
    #[error(
        "{} has {} safetensors files ({}) but no model.safetensors.index.json that says how they belong \
         together: download the index too, or leave only one file there",
        folder.display(), files.len(), files.join(", ")
    )]
    NoIndex {
        /// The folder that was searched.
        folder: PathBuf,
        /// The names of the files.
        files: Vec<String>,
    },
    /// The operating system refused to open, map or read a file.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another program has written to a file that is in use.
    #[error(
        "{} has been changed since it was opened: wait until nothing writes to it, then run again",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Git LFS's pointer instead of the file itself.
    #[error(
        "{} is only Git LFS's pointer to the weights: run 'git lfs pull' there, or download the file again",
        path.display()
    )]
    GitLfsPointer {
        /// The pointer file.
        path: PathBuf,
    },
    /// The header of a safetensors file is broken or does not agree with the file's length.
    #[error(
        "{} ({found} bytes) is damaged or not a whole safetensors file ({source}): download it again",
        path.display()
    )]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: usize,
        /// What the parser objected to.
        source: safetensors::SafeTensorError,
    },
    /// A PyTorch file is broken, or holds something else than a checkpoint of tensors.
    #[error("{}: {source}", path.display())]
    Torch {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TorchError,
    },
    /// The index of a sharded checkpoint is not of the expected form.
    #[error("{} is not an index of weights ({reason}): download it again", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The index names a file that is not in the folder.
    #[error(
        "{} names the shard '{shard}' for '{tensor}', but it is not in that folder: download it too",
        index.display()
    )]
    MissingShard {
        /// The index file.
        index: PathBuf,
        /// The missing file's name.
        shard: String,
        /// One of the tensors that should be in it.
        tensor: String,
    },
    /// A shard lacks a tensor that the index says it has.
    #[error(
        "{} says that '{tensor}' is in '{shard}', but it is not: index and shard are of different versions, \
         download both again",
        index.display()
    )]
    NotInShard {
        /// The index file.
        index: PathBuf,
        /// The shard's file name.
        shard: String,
        /// The tensor that is not there.
        tensor: String,
    },
    /// A tensor that the model needs is not in the checkpoint.
    #[error("no tensor '{tensor}' in {} {}", folder.display(), near_names(near))]
    Missing {
        /// The name asked for.
        tensor: String,
        /// The folder, or the name of the embedded file.
        folder: PathBuf,
        /// Names that are there and look most like it.
        near: Vec<String>,
    },
    /// A tensor whose numbers are of a type that is not computed with.
    #[error(
        "'{tensor}' in {} is stored as {dtype}: only f32, f16, bf16 and f64 weights can be read; use a \
         checkpoint that is not quantised",
        path.display()
    )]
    Dtype {
        /// The tensor.
        tensor: String,
        /// The file it is in.
        path: PathBuf,
        /// The type's name in that file.
        dtype: String,
    },
    /// A tensor of another shape than the model's configuration asks for.
    #[error(
        "'{tensor}' in {} has shape {found:?} where the configuration asks for {expected:?}: weights and \
         config.json are not of the same model",
        path.display()
    )]
    Shape {
        /// The tensor.
        tensor: String,
        /// The file it is in.
        path: PathBuf,
        /// The shape that was expected.
        expected: Vec<usize>,
        /// The shape that was found.
        found: Vec<usize>,
    },
    /// A tensor with numbers that nothing can be computed with.
    #[error(
        "'{tensor}' in {} holds numbers that are not finite (NaN or infinity): the file is damaged, or the weights \
         overflowed when they were converted; download the model again, or convert it without float16",
        path.display()
    )]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// The file it is in.
        path: PathBuf,
    },
    /// A tensor that has more elements than are stored, by repeating some of them.
    #[error(
        "'{tensor}' in {} is a repeating view of shape {shape:?} over fewer stored numbers: save the \
         checkpoint again with contiguous tensors",
        path.display()
    )]
    Expanded {
        /// The tensor.
        tensor: String,
        /// The file it is in.
        path: PathBuf,
        /// Its shape.
        shape: Vec<usize>,
    },
}

fn near_names(near: &[String]) -> String {
    match near {
        [] => "(it holds no tensors)".to_owned(),
        names => format!("(nearest names: {})", names.join(", ")),
    }
}
