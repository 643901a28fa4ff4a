//! NumPy's npz: a zip archive of npy arrays, stored without compression, as `numpy.savez` writes it.

use std::io::{Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

use npyz::{AutoSerialize, DType, Deserialize, NpyFile, Serialize, TypeStr, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Why an npz file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArrayFileError {
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is not an npz file, or damaged.
    #[error("{} is not an npz file that can be read: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An array is missing, or has another type than it should.
    #[error("{}: array \"{name}\": {reason}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Arrays being collected into the bytes of an npz file.
pub(crate) struct NpzBytes {
    zip: ZipWriter<Cursor<Vec<u8>>>,
}

impl NpzBytes {
    pub(crate) fn new() -> Self {
        NpzBytes { zip: ZipWriter::new(Cursor::new(Vec::new())) }
    }

    /// Adds an array; an empty shape is a scalar.
    pub(crate) fn array<T: AutoSerialize + Copy>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[T],
    ) -> std::io::Result<()> {
        self.typed(name, shape, T::default_dtype(), values.iter())
    }

    /// Adds an array of texts, NumPy's `<U…`; an empty shape is a scalar.
    pub(crate) fn texts(&mut self, name: &str, shape: &[usize], values: &[&str]) -> std::io::Result<()> {
        let longest = values.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let dtype: TypeStr = format!("<U{longest}").parse().map_err(std::io::Error::other)?;
        self.typed(name, shape, DType::Plain(dtype), values.iter().copied())
    }

    fn typed<'a, T: Serialize + ?Sized + 'a>(
        &mut self,
        name: &str,
        shape: &[usize],
        dtype: DType,
        values: impl Iterator<Item = &'a T>,
    ) -> std::io::Result<()> {
        // No time stamp: the same trace gives the same bytes.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default());
        self.zip.start_file(format!("{name}.npy"), options)?;
        let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        let mut array = Vec::new();
        let mut writer =
            npyz::WriteOptions::<T>::new().dtype(dtype).shape(&shape).writer(&mut array).begin_nd()?;
        for value in values {
            writer.push(value)?;
        }
        writer.finish()?;
        self.zip.write_all(&array)
    }

    pub(crate) fn finish(self) -> std::io::Result<Vec<u8>> {
        Ok(self.zip.finish()?.into_inner())
    }
}

/// An array's shape and its values, row-major.
pub(crate) type Array<T> = (Vec<usize>, Vec<T>);

/// An npz file being read.
pub(crate) struct NpzReader<R> {
    path: PathBuf,
    zip: ZipArchive<R>,
}

impl NpzReader<std::io::BufReader<std::fs::File>> {
    pub(crate) fn open(path: &Path) -> Result<Self, ArrayFileError> {
        let file = std::fs::File::open(path)
            .map_err(|source| ArrayFileError::Read { path: path.to_owned(), source })?;
        let zip = ZipArchive::new(std::io::BufReader::new(file))
            .map_err(|error| ArrayFileError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
        Ok(NpzReader { path: path.to_owned(), zip })
    }
}

impl<R: Read + Seek> NpzReader<R> {
    /// An array with its shape, or `None` when the file has none of that name.
    pub(crate) fn optional<T: Deserialize>(
        &mut self,
        name: &str,
    ) -> Result<Option<Array<T>>, ArrayFileError> {
        let wrong =
            |reason: String| ArrayFileError::Array { path: self.path.clone(), name: name.to_owned(), reason };
        let file = match self.zip.by_name(&format!("{name}.npy")) {
            Ok(file) => file,
            Err(zip::result::ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let array = NpyFile::new(file).map_err(|error| wrong(error.to_string()))?;
        let shape = array.shape().iter().map(|&size| size as usize).collect();
        let values = array.into_vec().map_err(|error| wrong(error.to_string()))?;
        Ok(Some((shape, values)))
    }

    /// An array with its shape.
    pub(crate) fn array<T: Deserialize>(&mut self, name: &str) -> Result<Array<T>, ArrayFileError> {
        let missing = ArrayFileError::Array {
            path: self.path.clone(),
            name: name.to_owned(),
            reason: "it is missing".to_owned(),
        };
        self.optional(name)?.ok_or(missing)
    }

    /// A single value.
    pub(crate) fn scalar<T: Deserialize>(&mut self, name: &str) -> Result<T, ArrayFileError> {
        let empty = ArrayFileError::Array {
            path: self.path.clone(),
            name: name.to_owned(),
            reason: "it holds no value".to_owned(),
        };
        self.array(name)?.1.pop().ok_or(empty)
    }
}
