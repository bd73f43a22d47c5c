//! The model folder: barline.json and the parts it names, on disk or compiled in. A bare encoder
//! folder (config.json and weights) opens as well.

use std::path::Path;

use serde::Deserialize;

use crate::{
    Adapter, Encoder, Heads, Lm, Model, ModelError, Tokenizer,
    adapter::AdapterConfig,
    compute::Compute,
    prompt::Prompt,
    source::{Source, relative},
};

const MANIFEST: &str = "barline.json";
/// The only version of barline.json so far.
const FORMAT: u32 = 1;
/// The rate that windows come at; an encoder of another rate would hear everything transposed.
const RATE_HZ: u32 = 24_000;

/// barline.json.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Manifest {
    /// Version of this file's layout.
    pub format: u32,
    /// Name of the model.
    #[serde(default)]
    pub name: String,
    /// Licence of the weights.
    #[serde(default)]
    pub licence: String,
    /// Folder of the encoder.
    #[serde(default)]
    pub encoder: Option<String>,
    /// Folder of the language model.
    #[serde(default)]
    pub lm: Option<String>,
    /// The adapter between them.
    #[serde(default)]
    pub adapter: Option<AdapterConfig>,
    /// Whether audio is normalised first; preprocessor_config.json decides where this is not said.
    #[serde(default)]
    pub normalize_input: Option<bool>,
    /// File of the heads.
    #[serde(default)]
    pub heads: Option<String>,
    /// Words around the soft tokens.
    #[serde(default)]
    pub prompt: Option<Prompt>,
}

/// Opens models.
#[derive(Clone, Copy, Debug)]
pub struct ModelFolder;

impl ModelFolder {
    /// Opens a directory on the processor.
    ///
    /// # Errors
    /// Whatever is wrong with it, by file and field.
    pub fn open(dir: &Path) -> Result<Model, ModelError> {
        Self::load(&Source::Dir(dir.to_owned()), &Compute::cpu(), &|_| ())
    }

    /// Opens files compiled into the program, on the processor.
    ///
    /// # Errors
    /// As [`ModelFolder::open`].
    pub fn embedded(files: &'static [(&'static str, &'static [u8])]) -> Result<Model, ModelError> {
        Self::load(&Source::Embedded(files), &Compute::cpu(), &|_| ())
    }

    /// Opens any source on any device. `progress` is told the share of the weights that are there, 0 to 1.
    ///
    /// # Errors
    /// As [`ModelFolder::open`].
    pub fn load(
        source: &Source,
        compute: &Compute,
        progress: &dyn Fn(f64),
    ) -> Result<Model, ModelError> {
        if !source.has(MANIFEST) {
            return bare_encoder(source, compute);
        }
        let manifest: Manifest = serde_json::from_slice(&source.read(MANIFEST)?)
            .map_err(|e| ModelError::field(MANIFEST, "manifest", e.to_string()))?;
        if manifest.format != FORMAT {
            return Err(ModelError::field(
                MANIFEST,
                "format",
                format!("{} where {FORMAT} is needed", manifest.format),
            ));
        }
        let total_bytes = Self::weight_bytes(source)?.max(1) as f64;
        let mut loaded_bytes = 0;
        let encoder = match &manifest.encoder {
            Some(path) => {
                let folder = subfolder("encoder", path)?;
                let encoder = load_encoder(source, &folder, manifest.normalize_input, compute)?;
                loaded_bytes += bytes_in(source, &folder)?;
                progress(loaded_bytes as f64 / total_bytes);
                Some(encoder)
            }
            None => None,
        };
        let (lm, tokenizer) = match &manifest.lm {
            Some(path) => {
                let folder = subfolder("lm", path)?;
                let lm = Lm::load(source, &folder, compute)?;
                loaded_bytes += bytes_in(source, &folder)?;
                progress(loaded_bytes as f64 / total_bytes);
                let tokenizer = Tokenizer::load(source, &folder, lm.config().vocab_size)?;
                (Some(lm), Some(tokenizer))
            }
            None => (None, None),
        };
        let adapter = load_adapter(source, &manifest, encoder.as_ref(), lm.as_ref())?;
        let heads = match (&manifest.heads, &encoder) {
            (None, _) => None,
            (Some(path), Some(encoder)) => {
                let path = relative(MANIFEST, "heads", path)?;
                Some(Heads::load(source, path, 2 * encoder.config().hidden_size)?)
            }
            (Some(_), None) => {
                return Err(ModelError::field(MANIFEST, "heads", "needs an encoder"));
            }
        };
        progress(1.0);
        Ok(Model { manifest, encoder, adapter, lm, tokenizer, heads })
    }

    /// Bytes of weight files in a folder, for the decision whether to load it and where.
    ///
    /// # Errors
    /// If a weight file can't be opened.
    pub fn weight_bytes(source: &Source) -> Result<u64, ModelError> {
        let mut folders = vec![String::new()];
        if source.has(MANIFEST) {
            let manifest: Manifest = serde_json::from_slice(&source.read(MANIFEST)?)
                .map_err(|e| ModelError::field(MANIFEST, "manifest", e.to_string()))?;
            for (field, path) in [("encoder", &manifest.encoder), ("lm", &manifest.lm)] {
                if let Some(path) = path {
                    folders.push(subfolder(field, path)?);
                }
            }
        }
        folders.sort();
        folders.dedup();
        folders.iter().map(|folder| bytes_in(source, folder)).sum()
    }
}

fn subfolder(field: &str, path: &str) -> Result<String, ModelError> {
    let path = relative(MANIFEST, field, path)?.trim_start_matches("./").trim_end_matches('/');
    Ok(if path.is_empty() || path == "." { String::new() } else { format!("{path}/") })
}

/// Bytes of the weight files that lie in this folder itself.
fn bytes_in(source: &Source, folder: &str) -> Result<u64, ModelError> {
    let mut bytes = 0;
    for suffix in [".safetensors", ".bin", ".pth", ".gguf"] {
        for file in source.list(folder, suffix) {
            // An embedded listing reaches below the folder; each file counts once.
            if !file[folder.len()..].contains('/') {
                bytes += source.open(&file)?.len();
            }
        }
    }
    Ok(bytes)
}

fn load_encoder(
    source: &Source,
    folder: &str,
    normalize: Option<bool>,
    compute: &Compute,
) -> Result<Encoder, ModelError> {
    let encoder = Encoder::load(source, folder, normalize, compute)?;
    let rate = encoder.config().sample_rate;
    if rate == RATE_HZ {
        Ok(encoder)
    } else {
        Err(ModelError::field(
            &format!("{folder}config.json"),
            "sample_rate",
            format!("{rate} where {RATE_HZ} is needed"),
        ))
    }
}

fn load_adapter(
    source: &Source,
    manifest: &Manifest,
    encoder: Option<&Encoder>,
    lm: Option<&Lm>,
) -> Result<Option<Adapter>, ModelError> {
    let Some(config) = &manifest.adapter else { return Ok(None) };
    let Some(encoder) = encoder else {
        return Err(ModelError::field(MANIFEST, "adapter", "needs an encoder"));
    };
    let (inputs, states) = (encoder.config().hidden_size, encoder.config().num_hidden_layers + 1);
    let adapter = Adapter::load(source, config, inputs, states, MANIFEST)?;
    match lm.map(|lm| lm.config().hidden_size) {
        Some(width) if width != adapter.width() => Err(ModelError::field(
            &config.weights,
            "weight",
            format!(
                "soft tokens of width {} where the language model has {width}",
                adapter.width()
            ),
        )),
        _ => Ok(Some(adapter)),
    }
}

fn bare_encoder(source: &Source, compute: &Compute) -> Result<Model, ModelError> {
    if !source.has("config.json") {
        return Err(ModelError::file(MANIFEST, "missing, and so is config.json of a bare encoder"));
    }
    let encoder = load_encoder(source, "", None, compute)?;
    let manifest = Manifest { format: FORMAT, encoder: Some(String::new()), ..Manifest::default() };
    Ok(Model {
        manifest,
        encoder: Some(encoder),
        adapter: None,
        lm: None,
        tokenizer: None,
        heads: None,
    })
}
