//! Models as the server has them.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

use crate::support::golden;

/// The files of one model.
#[derive(Clone)]
pub(crate) struct Repository {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Repository {
    /// A golden model, with files beside it that nobody needs.
    pub(crate) fn golden(family: &str) -> Self {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(golden(family).join("model")).unwrap() {
            let path = entry.unwrap().path();
            files
                .insert(path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
        }
        for name in ["README.md", "tf_model.h5", "onnx/model.safetensors", "generation_config.json"] {
            files.insert(name.to_owned(), b"not needed".to_vec());
        }
        Repository { files }
    }

    /// The same with its weights in two files and an index.
    pub(crate) fn sharded(mut self) -> Self {
        let tensors = self.take_tensors();
        let shard = |which: usize| format!("model-0000{}-of-00002.safetensors", which + 1);
        let map: BTreeMap<&String, String> =
            tensors.iter().enumerate().map(|(n, (name, ..))| (name, shard(n % 2))).collect();
        let index = json!({ "metadata": {}, "weight_map": map });
        self.files.insert("model.safetensors.index.json".to_owned(), index.to_string().into_bytes());
        for which in 0..2 {
            let part: Vec<Tensor> = tensors.iter().skip(which).step_by(2).cloned().collect();
            self.files.insert(shard(which), safetensors(&part));
        }
        self
    }

    /// The same with its weights as PyTorch saves them.
    pub(crate) fn torch(mut self) -> Self {
        let tensors = self.take_tensors();
        self.files.insert("pytorch_model.bin".to_owned(), torch(&tensors));
        self
    }

    pub(crate) fn weights(&self) -> &[u8] {
        &self.files["model.safetensors"]
    }

    fn take_tensors(&mut self) -> Vec<Tensor> {
        let bytes = self.files.remove("model.safetensors").unwrap();
        let data = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        let header: BTreeMap<String, Value> = serde_json::from_slice(&bytes[8..data]).unwrap();
        let tensors = header.into_iter().filter(|(name, _)| name != "__metadata__");
        let place = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        tensors
            .map(|(name, entry)| {
                assert_eq!(entry["dtype"], "F32");
                let shape = entry["shape"].as_array().unwrap().iter().map(place).collect();
                let [start, end] = [0, 1].map(|end| data + place(&entry["data_offsets"][end]));
                (name, shape, bytes[start..end].to_vec())
            })
            .collect()
    }
}

/// Name, shape, and float32 values.
type Tensor = (String, Vec<usize>, Vec<u8>);

/// Whether the hub keeps such a file outside of git.
pub(crate) fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".bin")
}

/// What the hub calls a file by.
pub(crate) fn etag(name: &str, bytes: &[u8]) -> String {
    if is_large(name) { hex(&Sha256::digest(bytes)) } else { git_hash(bytes) }
}

fn git_hash(bytes: &[u8]) -> String {
    let mut sum = Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
    sum.update(bytes);
    hex(&sum.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values);
        header.insert(
            name.clone(),
            json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] }),
        );
    }
    let header = Value::Object(header).to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

/// An archive as `torch.save` writes it: a pickle that describes the tensors, and their values beside it.
fn torch(tensors: &[Tensor]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("archive/data.pkl", stored).unwrap();
    archive.write_all(&pickle(tensors)).unwrap();
    for (key, (_, _, values)) in tensors.iter().enumerate() {
        archive.start_file(format!("archive/data/{key}"), stored).unwrap();
        archive.write_all(values).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn pickle(tensors: &[Tensor]) -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let number = |number: usize| [b"J", &(number as u32).to_le_bytes()[..]].concat();
    let tuple = |items: Vec<Vec<u8>>| [b"(".to_vec(), items.concat(), b"t".to_vec()].concat();
    let mut out = b"\x80\x02}(".to_vec();
    for (key, (name, shape, values)) in tensors.iter().enumerate() {
        let storage = tuple(vec![
            text("storage"),
            b"ctorch\nFloatStorage\n".to_vec(),
            text(&key.to_string()),
            text("cpu"),
            number(values.len() / 4),
        ]);
        let stride = |axis: usize| number(shape[axis + 1..].iter().product());
        let arguments = tuple(vec![
            [storage, b"Q".to_vec()].concat(),
            number(0),
            tuple(shape.iter().map(|&size| number(size)).collect()),
            tuple((0..shape.len()).map(stride).collect()),
            b"\x89".to_vec(),
            b"ccollections\nOrderedDict\n)R".to_vec(),
        ]);
        out.extend(
            [text(name), b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec(), arguments, b"R".to_vec()].concat(),
        );
    }
    out.extend(b"u.");
    out
}
