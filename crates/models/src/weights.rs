//! Named tensors from safetensors files (one or several) or a torch checkpoint, always handed out
//! as f32 with the shape checked and every value finite.

mod pickle;
mod shards;

use std::collections::BTreeMap;

use half::{bf16, f16};
use safetensors::Dtype;

use crate::{
    ModelError,
    source::{Blob, Source},
};

/// The tensors of one part of a model.
#[derive(Debug)]
pub struct Weights {
    /// File named in errors that no single file is to blame for.
    name: String,
    store: Store,
    /// `__metadata__` of the safetensors header.
    metadata: BTreeMap<String, String>,
}

#[derive(Debug)]
enum Store {
    Safetensors { files: Vec<(String, Blob)>, entries: BTreeMap<String, Entry> },
    Torch(pickle::Checkpoint),
}

#[derive(Debug)]
struct Entry {
    file: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    offset: u64,
    bytes: usize,
}

impl Weights {
    /// Opens the weights of a Hugging Face folder: `model.safetensors`, its shards by
    /// `model.safetensors.index.json`, or `pytorch_model.bin`, looked for in this order.
    ///
    /// # Errors
    /// If none is there, or a header is damaged or a file truncated.
    pub fn open_folder(source: &Source, folder: &str) -> Result<Self, ModelError> {
        let single = format!("{folder}model.safetensors");
        let index = format!("{folder}model.safetensors.index.json");
        let torch = format!("{folder}pytorch_model.bin");
        if source.has(&single) {
            Self::open(source, &single)
        } else if source.has(&index) {
            shards::open(source, folder, &index)
        } else if source.has(&torch) {
            Self::open(source, &torch)
        } else {
            Err(ModelError::file(single, "missing, and so are its index and pytorch_model.bin"))
        }
    }

    /// Opens one file: safetensors, or a torch checkpoint by its suffix (`.bin`, `.pt`, `.pth`).
    ///
    /// # Errors
    /// As [`Weights::open_folder`].
    pub fn open(source: &Source, path: &str) -> Result<Self, ModelError> {
        if [".bin", ".pt", ".pth"].iter().any(|suffix| path.ends_with(suffix)) {
            let store = Store::Torch(pickle::Checkpoint::open(source, path)?);
            return Ok(Self { name: path.to_owned(), store, metadata: BTreeMap::new() });
        }
        let blob = source.open(path)?;
        let mut entries = BTreeMap::new();
        let metadata = shards::read_header(path, &blob, 0, &mut entries)?;
        let store = Store::Safetensors { files: vec![(path.to_owned(), blob)], entries };
        Ok(Self { name: path.to_owned(), store, metadata })
    }

    /// The file to name in an error about `tensor`.
    pub fn file_of(&self, tensor: &str) -> &str {
        match &self.store {
            Store::Safetensors { files, entries } => {
                entries.get(tensor).map_or(&self.name, |entry| &files[entry.file].0)
            }
            Store::Torch(_) => &self.name,
        }
    }

    /// The header's free text entries; empty for a torch checkpoint.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Whether a tensor of this name is there.
    pub fn has(&self, tensor: &str) -> bool {
        self.shape(tensor).is_some()
    }

    /// The shape of a tensor, if it is there.
    pub fn shape(&self, tensor: &str) -> Option<Vec<usize>> {
        match &self.store {
            Store::Safetensors { entries, .. } => {
                entries.get(tensor).map(|entry| entry.shape.clone())
            }
            Store::Torch(checkpoint) => checkpoint.shape(tensor),
        }
    }

    /// Number of values in all tensors together.
    pub fn elements(&self) -> usize {
        match &self.store {
            Store::Safetensors { entries, .. } => {
                entries.values().map(|entry| entry.shape.iter().product::<usize>()).sum()
            }
            Store::Torch(checkpoint) => checkpoint.elements(),
        }
    }

    /// One tensor as f32 in row-major order. `shape` is what the architecture needs.
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if it is missing, has another shape, is not of a floating type or
    /// holds a value that is not finite.
    pub fn values(&self, tensor: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let fail = |message: String| ModelError::tensor(self.file_of(tensor), tensor, message);
        let Some(found) = self.shape(tensor) else {
            return Err(fail("missing".to_owned()));
        };
        if found != shape {
            return Err(fail(format!("shape {found:?} where {shape:?} is needed")));
        }
        let values = match &self.store {
            Store::Safetensors { files, entries } => {
                let entry = &entries[tensor];
                let (name, blob) = &files[entry.file];
                let bytes = blob.read_at(name, entry.offset, entry.bytes)?;
                to_f32(entry.dtype, &bytes)
                    .ok_or_else(|| fail(format!("{:?} is not f32, f16 or bf16", entry.dtype)))?
            }
            Store::Torch(checkpoint) => checkpoint.values(tensor).map_err(&fail)?,
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(fail(format!("value {index} is not finite ({})", values[index]))),
            None => Ok(values),
        }
    }

    /// Whether any tensor's name begins with `prefix`.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        match &self.store {
            Store::Safetensors { entries, .. } => {
                entries.keys().any(|name| name.starts_with(prefix))
            }
            Store::Torch(checkpoint) => checkpoint.has_prefix(prefix),
        }
    }
}

fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let pairs = || bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    Some(match dtype {
        Dtype::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        Dtype::F16 => pairs().map(|bits| f16::from_bits(bits).to_f32()).collect(),
        Dtype::BF16 => pairs().map(|bits| bf16::from_bits(bits).to_f32()).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
