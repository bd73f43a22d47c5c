//! `barline models list|verify|fetch`. Nothing here uses the network.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use engine::SCHEMA;
use models::Model;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::table::table;
use crate::{
    args::{Common, Models, ModelsWhat},
    output::{Fault, wants_json, warn},
    session::Session,
};

/// One file of a model.
#[derive(Serialize)]
struct FileRow {
    schema: u32,
    file: String,
    bytes: u64,
    sha256: String,
    notes: BTreeMap<String, String>,
}

/// One model.
#[derive(Serialize)]
struct ModelRow {
    schema: u32,
    model: String,
    name: Option<String>,
    licence: Option<String>,
    encoder: Option<String>,
    adapter: Option<String>,
    lm: Option<String>,
    heads: Option<String>,
    megabytes: f64,
    notes: BTreeMap<String, String>,
}

/// Runs `barline models`.
pub(crate) fn models(common: &Common, args: &Models) -> anyhow::Result<u8> {
    match &args.what {
        ModelsWhat::List(plain) => list(common, wants_json(common, *plain)),
        ModelsWhat::Verify(plain) => verify(common, wants_json(common, *plain)),
        ModelsWhat::Fetch { name, plain } => Ok(fetch(name, wants_json(common, *plain))),
    }
}

fn list(common: &Common, json: bool) -> anyhow::Result<u8> {
    let mut rows = Vec::new();
    let mut code = 0;
    // The embedded model always, and the folder that is named.
    let named = common.model.as_ref().map(|_| common.clone());
    for common in [Some(Common { model: None, ..common.clone() }), named].into_iter().flatten() {
        let session = Session::new(&common)?;
        match session.model() {
            Ok(model) => {
                rows.push(row(&session.model_name(), model, bytes(&files(common.model.as_deref()))))
            }
            Err(fault) => {
                warn(&fault.line(&session.model_name()));
                code = 1;
            }
        }
    }
    table(json, &rows)?;
    Ok(code)
}

fn row(name: &str, model: &Model, bytes: u64) -> ModelRow {
    let manifest = &model.manifest;
    let stated = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let row = ModelRow {
        schema: SCHEMA,
        model: name.to_owned(),
        name: stated(&manifest.name),
        licence: stated(&manifest.licence),
        encoder: model.encoder.as_ref().map(|encoder| {
            let config = encoder.config();
            format!("{} layers of {}", config.num_hidden_layers, config.hidden_size)
        }),
        adapter: manifest.adapter.as_ref().map(|adapter| adapter.kind.clone()),
        lm: model.lm.as_ref().map(|lm| {
            let config = lm.config();
            format!("{} layers of {}", config.layers, config.hidden_size)
        }),
        heads: model.heads.as_ref().map(|_| "yes".to_owned()),
        megabytes: bytes as f64 / 1e6,
        notes: BTreeMap::new(),
    };
    ModelRow { notes: reasons(&row), ..row }
}

/// Why fields are null.
fn reasons(row: &ModelRow) -> BTreeMap<String, String> {
    let unstated = "barline.json does not say, or is not there";
    let fields = [
        ("name", &row.name, unstated),
        ("licence", &row.licence, unstated),
        ("encoder", &row.encoder, "the model has none"),
        ("adapter", &row.adapter, "the model has none"),
        ("lm", &row.lm, "the model has none"),
        ("heads", &row.heads, "the model has none"),
    ];
    let missing = fields.into_iter().filter(|(_, value, _)| value.is_none());
    missing.map(|(field, _, why)| (field.to_owned(), why.to_owned())).collect()
}

/// Loads the model, which checks every tensor, and sums up its files.
fn verify(common: &Common, json: bool) -> anyhow::Result<u8> {
    let session = Session::new(common)?;
    if let Err(fault) = session.model() {
        return Ok(failed(&session.model_name(), &fault, json));
    }
    let rows: Vec<FileRow> = files(common.model.as_deref())
        .into_iter()
        .map(|(file, bytes, sha256)| FileRow {
            schema: SCHEMA,
            file,
            bytes,
            sha256,
            notes: BTreeMap::new(),
        })
        .collect();
    table(json, &rows)?;
    Ok(0)
}

fn fetch(name: &str, json: bool) -> u8 {
    let message = format!(
        "this build has no network client, and nothing leaves this machine: download the files of \
         https://huggingface.co/{name} into a folder and name that folder with --model"
    );
    failed(name, &Fault::new("network", message), json)
}

fn failed(file: &str, fault: &Fault, json: bool) -> u8 {
    let mut report = crate::output::Report::array(json);
    report.fail(file, fault);
    report.finish()
}

/// Path, size and checksum of a model's files.
fn files(folder: Option<&Path>) -> Vec<(String, u64, String)> {
    let Some(folder) = folder else {
        return engine::embedded_files()
            .iter()
            .map(|(name, content)| {
                ((*name).to_owned(), content.len() as u64, hex(&Sha256::digest(content)))
            })
            .collect();
    };
    let mut paths = Vec::new();
    for part in ["", "encoder", "lm"] {
        let entries = std::fs::read_dir(folder.join(part))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok());
        paths.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    paths.sort();
    paths.into_iter().filter_map(|path| file(folder, path)).collect()
}

fn file(folder: &Path, path: PathBuf) -> Option<(String, u64, String)> {
    let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
    let mut content = std::fs::File::open(path).ok()?;
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = content.read(&mut buffer).ok()?;
        if read == 0 {
            return Some((name, bytes, hex(&digest.finalize())));
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(files: &[(String, u64, String)]) -> u64 {
    files.iter().map(|file| file.1).sum()
}
