//! The safetensors header, and the index that spreads one model over several files.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::tensor::Metadata;
use serde::Deserialize;

use super::{Entry, Store, Weights};
use crate::{
    ModelError,
    source::{Blob, Source, relative},
};

/// The format's own limit (safetensors specification).
const MAX_HEADER_BYTES: u64 = 100_000_000;

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Reads the header of `blob` into `entries`, as file number `file`; returns its `__metadata__`.
pub(super) fn read_header(
    name: &str,
    blob: &Blob,
    file: usize,
    entries: &mut BTreeMap<String, Entry>,
) -> Result<BTreeMap<String, String>, ModelError> {
    let start = blob.read_at(name, 0, 8.min(blob.len() as usize))?;
    let Ok(start) = <[u8; 8]>::try_from(start.as_ref()) else {
        return Err(ModelError::file(name, "truncated: no safetensors header"));
    };
    let header_len = u64::from_le_bytes(start);
    if header_len > MAX_HEADER_BYTES || header_len + 8 > blob.len() {
        return Err(ModelError::file(
            name,
            format!(
                "not a safetensors file, or truncated: header of {header_len} bytes in {}",
                blob.len()
            ),
        ));
    }
    let json = blob.read_at(name, 8, header_len as usize)?;
    let header = parse_header(name, &json, blob.len() - 8 - header_len)?;
    for (tensor, info) in header.tensors() {
        let (from, to) = info.data_offsets;
        let entry = Entry {
            file,
            dtype: info.dtype,
            shape: info.shape.clone(),
            offset: 8 + header_len + from as u64,
            bytes: to - from,
        };
        entries.insert(tensor, entry);
    }
    Ok(header.metadata().clone().unwrap_or_default().into_iter().collect())
}

/// Parses the JSON and checks that its tensors fill `data_len` bytes exactly.
fn parse_header(name: &str, json: &[u8], data_len: u64) -> Result<Metadata, ModelError> {
    let header: Metadata = serde_json::from_slice(json)
        .map_err(|e| ModelError::file(name, format!("safetensors header: {e}")))?;
    let needed = header.data_len() as u64;
    if needed > data_len {
        return Err(ModelError::file(
            name,
            format!("truncated: {data_len} bytes of tensors where {needed} are needed"),
        ));
    }
    Ok(header)
}

/// Opens every file that the index names and keeps the tensors it assigns to each.
pub(super) fn open(source: &Source, folder: &str, index_path: &str) -> Result<Weights, ModelError> {
    let index: Index = serde_json::from_slice(&source.read(index_path)?)
        .map_err(|e| ModelError::field(index_path, "weight_map", e.to_string()))?;
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    let mut files = Vec::new();
    let mut entries = BTreeMap::new();
    let mut metadata = BTreeMap::new();
    for name in names {
        let path = format!("{folder}{}", relative(index_path, "weight_map", name)?);
        let blob = source.open(&path)?;
        metadata.extend(read_header(&path, &blob, files.len(), &mut entries)?);
        files.push((path, blob));
    }
    for (tensor, name) in &index.weight_map {
        let path = format!("{folder}{name}");
        if entries.get(tensor).is_none_or(|entry| files[entry.file].0 != path) {
            return Err(ModelError::tensor(
                &path,
                tensor,
                "missing, though the index names this file",
            ));
        }
    }
    Ok(Weights {
        name: index_path.to_owned(),
        store: Store::Safetensors { files, entries },
        metadata,
    })
}
