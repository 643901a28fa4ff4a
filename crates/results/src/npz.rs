//! NumPy's npz: a zip archive of npy arrays, written without compression as `numpy.savez` does, and read with or
//! without.

use std::io::{Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

use npyz::{
    AutoSerialize, DType, Deserialize, NpyFile, NpyHeader, Order, Serialize, TypeChar, TypeStr, WriterBuilder,
};
use zip::result::ZipError;
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

    /// Adds an array as float32 where that loses no digit, else as float64.
    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], values: &[f64]) -> std::io::Result<()> {
        let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let same = |(&narrow, &wide): (&f32, &f64)| f64::from(narrow) == wide;
        match narrow.iter().zip(values).all(same) {
            true => self.array(name, shape, &narrow),
            false => self.array(name, shape, values),
        }
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

/// More than any case has, in bytes: a small compressed file must not fill the memory.
const LARGEST_ARRAY: u64 = 1 << 30;

/// How the values of an array are read, by the letter and the size of their type; nothing for other types.
type Conversion<T> = fn(TypeChar, u64, NpyFile<&[u8]>) -> Option<std::io::Result<Vec<T>>>;

impl<R: Read + Seek> NpzReader<R> {
    /// Whether the file has an array of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(&format!("{name}.npy")).is_some()
    }

    /// An array of float32 or float64, or `None` when the file has none of that name.
    pub(crate) fn floats(&mut self, name: &str) -> Result<Option<Array<f64>>, ArrayFileError> {
        self.converted(name, "float32 or float64", |letter, size, array| match (letter, size) {
            (TypeChar::Float, 4) => Some(widened::<f32, f64>(array)),
            (TypeChar::Float, 8) => Some(array.into_vec()),
            _ => None,
        })
    }

    /// An array of int32 or int64, or `None` when the file has none of that name.
    pub(crate) fn integers(&mut self, name: &str) -> Result<Option<Array<i64>>, ArrayFileError> {
        self.converted(name, "int32 or int64", |letter, size, array| match (letter, size) {
            (TypeChar::Int, 4) => Some(widened::<i32, i64>(array)),
            (TypeChar::Int, 8) => Some(array.into_vec()),
            _ => None,
        })
    }

    /// An array of texts, or `None` when the file has none of that name.
    ///
    /// NumPy pads texts with null characters, so those at a text's end are lost.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Array<String>>, ArrayFileError> {
        self.converted(name, "texts (NumPy's U)", |letter, _, array| {
            (letter == TypeChar::UnicodeStr).then(|| array.into_vec())
        })
    }

    /// An array of truth values, or `None` when the file has none of that name.
    pub(crate) fn booleans(&mut self, name: &str) -> Result<Option<Array<bool>>, ArrayFileError> {
        self.converted(name, "bool", |letter, _, array| (letter == TypeChar::Bool).then(|| array.into_vec()))
    }

    /// What is wrong with an array of this file.
    pub(crate) fn wrong(&self, name: &str, reason: impl Into<String>) -> ArrayFileError {
        ArrayFileError::Array { path: self.path.clone(), name: name.to_owned(), reason: reason.into() }
    }

    /// An array that must be there.
    pub(crate) fn required<T>(&self, name: &str, array: Option<T>) -> Result<T, ArrayFileError> {
        array.ok_or_else(|| self.wrong(name, "it is missing"))
    }

    /// The only value of an array that must be there.
    pub(crate) fn single<T>(&self, name: &str, array: Option<Array<T>>) -> Result<T, ArrayFileError> {
        let (shape, mut values) = self.required(name, array)?;
        match values.pop() {
            Some(value) if values.is_empty() => Ok(value),
            _ => Err(self.wrong(name, format!("its shape is {shape:?}, expected a single value"))),
        }
    }

    fn converted<T>(
        &mut self,
        name: &str,
        expected: &str,
        convert: Conversion<T>,
    ) -> Result<Option<Array<T>>, ArrayFileError> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        let mut data = &bytes[..];
        let header =
            NpyHeader::from_reader(&mut data).map_err(|error| self.wrong(name, error.to_string()))?;
        let dtype = match header.dtype() {
            DType::Plain(dtype) => dtype,
            other => return Err(self.wrong(name, format!("it holds {}, expected {expected}", other.descr()))),
        };
        let shape = shape_of(&header, &dtype, data.len()).map_err(|reason| self.wrong(name, reason))?;
        let array = NpyFile::with_header(header, data);
        match convert(dtype.type_char(), dtype.size_field(), array) {
            Some(Ok(values)) => Ok(Some((shape, values))),
            Some(Err(error)) => Err(self.wrong(name, error.to_string())),
            None => Err(self.wrong(name, format!("it holds {dtype}, expected {expected}"))),
        }
    }

    /// The whole file of an array: only a reader that comes to the end learns whether the checksum is right.
    fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, ArrayFileError> {
        let mut bytes = Vec::new();
        let read = match self.zip.by_name(&format!("{name}.npy")) {
            Ok(file) => file.take(LARGEST_ARRAY).read_to_end(&mut bytes).map_err(|error| error.to_string()),
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(_) => Ok(Some(bytes)),
            Err(reason) => Err(self.wrong(name, reason)),
        }
    }
}

fn widened<T: Deserialize, U: From<T>>(array: NpyFile<&[u8]>) -> std::io::Result<Vec<U>> {
    Ok(array.into_vec::<T>()?.into_iter().map(U::from).collect())
}

/// The shape, if the data is exactly as long as it says: a damaged header must not ask for memory.
fn shape_of(header: &NpyHeader, dtype: &TypeStr, n_bytes: usize) -> Result<Vec<usize>, String> {
    let shape: Vec<usize> = header.shape().iter().map(|&size| size as usize).collect();
    if header.order() != Order::C && shape.len() > 1 {
        return Err("it is stored by columns; save it with numpy.ascontiguousarray".to_owned());
    }
    let expected = dtype.num_bytes().and_then(|size| {
        let total = shape.iter().try_fold(size.max(1), |total, &size| total.checked_mul(size));
        total.filter(|_| size > 0)
    });
    match expected == Some(n_bytes) {
        true => Ok(shape),
        false => Err(format!("its shape {shape:?} of {dtype} does not fit its {n_bytes} bytes")),
    }
}
