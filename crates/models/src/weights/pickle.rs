//! Torch checkpoints (`pytorch_model.bin`, `.pth`), read with candle's pickle reader. That reader
//! indexes without checks, so a damaged file can panic inside it: the panic is caught here and
//! becomes an error.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use candle_core::{DType, Tensor, pickle::PthTensors};
use half::{bf16, f16};

use crate::{ModelError, source::Source};

/// A checkpoint's table of tensors; the values are read one at a time.
pub(super) struct Checkpoint {
    tensors: PthTensors,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoint").field("shapes", &self.shapes).finish_non_exhaustive()
    }
}

impl Checkpoint {
    pub(super) fn open(source: &Source, path: &str) -> Result<Self, ModelError> {
        let Some(disk) = source.on_disk(path) else {
            return Err(ModelError::file(path, "a torch checkpoint can't be embedded"));
        };
        let size = source.open(path)?.len();
        // MusiLingo's checkpoints hold the weights under `model`, a plain state dict has no key.
        let tensors = match guarded(|| read_table(&disk)) {
            Ok(tensors) => tensors,
            Err(message) => {
                return Err(ModelError::file(path, format!("not a torch checkpoint: {message}")));
            }
        };
        let mut shapes = BTreeMap::new();
        for (name, info) in tensors.tensor_infos() {
            let dims = info.layout.dims().to_vec();
            let bytes =
                dims.iter().try_fold(info.dtype.size_in_bytes(), |all, dim| all.checked_mul(*dim));
            // Torch stores tensors without compression, so none can be larger than the file.
            if bytes.is_none_or(|bytes| bytes as u64 > size) {
                return Err(ModelError::tensor(
                    path,
                    name,
                    format!("shape {dims:?} does not fit a file of {size} bytes"),
                ));
            }
            shapes.insert(name.clone(), dims);
        }
        Ok(Self { tensors, shapes })
    }

    pub(super) fn shape(&self, tensor: &str) -> Option<Vec<usize>> {
        self.shapes.get(tensor).cloned()
    }

    pub(super) fn elements(&self) -> usize {
        self.shapes.values().map(|dims| dims.iter().product::<usize>()).sum()
    }

    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.shapes.keys().any(|name| name.starts_with(prefix))
    }

    pub(super) fn values(&self, tensor: &str) -> Result<Vec<f32>, String> {
        let read = guarded(|| self.tensors.get(tensor))?;
        let tensor = read.ok_or("missing")?;
        to_f32(&tensor)
            .map_err(|e| e.to_string())?
            .ok_or_else(|| format!("{:?} is not f32, f16 or bf16", tensor.dtype()))
    }
}

fn read_table(path: &Path) -> candle_core::Result<PthTensors> {
    let plain = PthTensors::new(path, None)?;
    if plain.tensor_infos().is_empty() { PthTensors::new(path, Some("model")) } else { Ok(plain) }
}

fn guarded<T>(read: impl FnOnce() -> candle_core::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(_) => Err("damaged".to_owned()),
    }
}

/// Converts by hand: candle's `to_dtype` starts its static pool on large tensors.
fn to_f32(tensor: &Tensor) -> candle_core::Result<Option<Vec<f32>>> {
    let flat = tensor.flatten_all()?;
    Ok(Some(match tensor.dtype() {
        DType::F32 => flat.to_vec1::<f32>()?,
        DType::F16 => flat.to_vec1::<f16>()?.into_iter().map(f16::to_f32).collect(),
        DType::BF16 => flat.to_vec1::<bf16>()?.into_iter().map(bf16::to_f32).collect(),
        _ => return Ok(None),
    }))
}
