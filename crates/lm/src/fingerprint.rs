//! Which model this is: hashes over the files that make it up.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::ModelError;
use crate::weights;

/// The files that a tokenizer may be read from, in the order of their names.
pub const TOKENIZER_FILES: [&str; 6] = [
    "added_tokens.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
];

/// SHA-256 sums, in hexadecimal digits, of what determines a model's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of `config.json`.
    pub config: String,
    /// Of the weight files, one after the other in the order of their names; of a single file, its own sum.
    pub weights: String,
    /// Of the tokenizer's files, one after the other in the order of their names.
    pub tokenizer: String,
}

impl Fingerprint {
    /// Reads every file of a model folder that [`LanguageModel::open`](crate::LanguageModel::open) reads.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Self, ModelError> {
        let tokenizer = TOKENIZER_FILES.iter().map(|name| folder.join(name)).filter(|path| path.is_file());
        Ok(Fingerprint {
            config: sum_of_files([folder.join("config.json")])?,
            weights: sum_of_files(weights::files(folder)?)?,
            tokenizer: sum_of_files(tokenizer)?,
        })
    }

    /// Of a model that is part of the program.
    #[must_use]
    pub fn of_parts(config: &str, weights: &[u8], tokenizer: &[u8]) -> Self {
        Fingerprint {
            config: sha256(config.as_bytes()),
            weights: sha256(weights),
            tokenizer: sha256(tokenizer),
        }
    }
}

/// The SHA-256 sum of some bytes, in hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    digits(Sha256::new_with_prefix(bytes))
}

fn sum_of_files(paths: impl IntoIterator<Item = PathBuf>) -> Result<String, ModelError> {
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    for path in paths {
        let failed = |source| ModelError::Read { path: path.clone(), source };
        let mut file = File::open(&path).map_err(failed)?;
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => break,
                len => sum.update(&buffer[..len]),
            }
        }
    }
    Ok(digits(sum))
}

fn digits(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_summed_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &str| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("config.json", "{}");
        write("model.safetensors", "weights");
        write("vocab.json", "b");
        write("merges.txt", "a");
        write("README.md", "not part of the model");
        let found = Fingerprint::of_folder(folder.path()).unwrap();
        assert_eq!(found, Fingerprint::of_parts("{}", b"weights", b"ab"));
        // `printf abc | sha256sum`
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), abc);
        std::fs::remove_file(folder.path().join("config.json")).unwrap();
        assert!(Fingerprint::of_folder(folder.path()).unwrap_err().to_string().contains("config.json"));
    }

    #[test]
    fn the_shards_that_the_index_names_are_summed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &str| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("config.json", "{}");
        write("tokenizer.json", "t");
        write(
            "model.safetensors.index.json",
            r#"{"weight_map": {"x": "b.safetensors", "y": "a.safetensors"}}"#,
        );
        write("a.safetensors", "first");
        write("b.safetensors", "second");
        write("c.safetensors", "of another model");
        let found = Fingerprint::of_folder(folder.path()).unwrap();
        assert_eq!(found, Fingerprint::of_parts("{}", b"firstsecond", b"t"));
    }
}
