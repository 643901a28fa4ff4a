//! The named tensors of a model, in the files of a folder in Hugging Face layout.
//!
//! [`Weights::open`] reads only tables of contents: of safetensors files, or of PyTorch's
//! `pytorch_model.bin` in both its container forms, whose pickle is interpreted as data and never
//! executed. [`Weights::tensor`] gives a [`TensorView`], read from the file and converted to f32 on request.

mod error;
mod file;
mod folder;
mod mapped;
mod pickle;
mod safetensors_file;
mod tensor;
mod torch;
mod zip;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use error::WeightsError;
pub use pickle::PickleError;
pub use tensor::{Dtype, TensorView};
pub use torch::TorchError;
pub use zip::ZipError;

use file::WeightsFile;
use folder::{Format, Index, Layout};
pub use folder::{files, published_names, shards_of};

/// How many similar names an error about a missing tensor shows.
const N_NEAR_NAMES: usize = 3;

/// The tensors of one checkpoint. Files stay open as long as this value lives.
#[derive(Debug)]
pub struct Weights {
    folder: PathBuf,
    files: Vec<WeightsFile>,
    tensors: BTreeMap<String, Placed>,
}

/// A tensor and the file it is in, as an index into `Weights::files`.
#[derive(Debug)]
struct Placed {
    file: usize,
    entry: Entry,
}

/// Where in its file a tensor lies. `bytes` is within the file.
#[derive(Debug, Clone)]
struct Entry {
    element: Element,
    shape: Vec<usize>,
    /// In elements; `None` if the tensor is contiguous.
    strides: Option<Vec<usize>>,
    bytes: Range<usize>,
}

/// What a tensor's elements are.
#[derive(Debug, Clone)]
enum Element {
    Float(Dtype),
    /// Masks, positions, quantised weights: listed under the type's name, but not readable as weights.
    Other(String),
}

impl Weights {
    /// Opens the weights of a folder: the first found of `model.safetensors`, its sharded form with an index,
    /// `pytorch_model.bin`, its sharded form, and a single `*.safetensors` of another name.
    ///
    /// # Errors
    /// If the folder has no weights, or a file is damaged, missing, or not a checkpoint of tensors.
    pub fn open(folder: &Path) -> Result<Weights, WeightsError> {
        let mut weights = Weights { folder: folder.to_owned(), files: Vec::new(), tensors: BTreeMap::new() };
        match folder::layout(folder)? {
            Layout::Single(format, path) => weights.add_file(format, WeightsFile::open(&path)?)?,
            Layout::Sharded(format, index) => weights.add_shards(format, folder, &index)?,
        }
        Ok(weights)
    }

    /// A safetensors file that is part of the program. `name` stands for it in error messages.
    ///
    /// # Errors
    /// If the bytes are not a whole safetensors file.
    pub fn from_static(name: &str, bytes: &'static [u8]) -> Result<Weights, WeightsError> {
        let mut weights =
            Weights { folder: PathBuf::from(name), files: Vec::new(), tensors: BTreeMap::new() };
        weights.add_file(Format::Safetensors, WeightsFile::from_static(name, bytes))?;
        Ok(weights)
    }

    /// The names of all tensors, sorted; also of those that are not weights, such as masks.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether the checkpoint has a tensor of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// A tensor of floating-point numbers.
    ///
    /// # Errors
    /// If there is no such tensor, or its elements are not of a type that weights are read from.
    pub fn tensor(&self, name: &str) -> Result<TensorView<'_>, WeightsError> {
        let (name, placed) = self.tensors.get_key_value(name).ok_or_else(|| self.missing(name))?;
        let (file, entry) = (&self.files[placed.file], &placed.entry);
        let (tensor, path) = (name.clone(), file.path.clone());
        let dtype = match &entry.element {
            Element::Float(dtype) => *dtype,
            Element::Other(dtype) => return Err(WeightsError::Dtype { tensor, path, dtype: dtype.clone() }),
        };
        let n_elements = entry.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
        if n_elements.is_none_or(|n| n > entry.bytes.len() / dtype.size()) {
            return Err(WeightsError::Expanded { tensor, path, shape: entry.shape.clone() });
        }
        Ok(TensorView {
            name,
            dtype,
            shape: entry.shape.clone(),
            file,
            bytes: entry.bytes.clone(),
            strides: entry.strides.as_deref(),
        })
    }

    fn add_file(&mut self, format: Format, file: WeightsFile) -> Result<(), WeightsError> {
        let index = self.files.len();
        for (name, entry) in entries(format, &file)? {
            self.tensors.insert(name, Placed { file: index, entry });
        }
        self.files.push(file);
        Ok(())
    }

    fn add_shards(&mut self, format: Format, folder: &Path, index: &Index) -> Result<(), WeightsError> {
        for (shard, tensors) in &index.shards {
            let path = folder.join(shard);
            let (index, shard) = (index.path.clone(), shard.clone());
            if let Some(tensor) = tensors.first().filter(|_| !path.is_file()).cloned() {
                return Err(WeightsError::MissingShard { index, shard, tensor });
            }
            let file = WeightsFile::open(&path)?;
            let mut entries: HashMap<_, _> = entries(format, &file)?.into_iter().collect();
            for tensor in tensors.iter().cloned() {
                let Some(entry) = entries.remove(&tensor) else {
                    return Err(WeightsError::NotInShard { index, shard, tensor });
                };
                self.tensors.insert(tensor, Placed { file: self.files.len(), entry });
            }
            self.files.push(file);
        }
        Ok(())
    }

    fn missing(&self, tensor: &str) -> WeightsError {
        let mut names: Vec<&str> = self.names().collect();
        names.sort_by_key(|name| std::cmp::Reverse(likeness(name, tensor)));
        let near = names.into_iter().take(N_NEAR_NAMES).map(str::to_owned).collect();
        WeightsError::Missing { tensor: tensor.to_owned(), folder: self.folder.clone(), near }
    }
}

fn entries(format: Format, file: &WeightsFile) -> Result<Vec<(String, Entry)>, WeightsError> {
    match format {
        Format::Safetensors => safetensors_file::entries(&file.path, &file.contents()?),
        Format::Torch => torch::entries(&file.contents()?)
            .map_err(|source| WeightsError::Torch { path: file.path.clone(), source }),
    }
}

/// How many bytes two names share at their starts and ends: checkpoints differ by a prefix or by a part.
fn likeness(a: &str, b: &str) -> usize {
    let same = |(a, b): &(u8, u8)| a == b;
    let prefix = a.bytes().zip(b.bytes()).take_while(same).count();
    let suffix = a.bytes().rev().zip(b.bytes().rev()).take_while(same).count();
    (prefix + suffix).min(a.len()).min(b.len())
}
