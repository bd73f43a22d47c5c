//! Model folders that are wrong in one place: the error names the file and the field. And a bare
//! encoder folder and heads, which are right.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use models::{Heads, Model, ModelError, ModelFolder, Source};
use serde_json::{Value, json};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/musilingo-tiny/s0")
}

/// A whole, correct model folder to damage.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let parts = [
            "mert/config.json",
            "mert/model.safetensors",
            "llm/config.json",
            "llm/model.safetensors",
        ];
        for name in parts.into_iter().chain(["llm/tokenizer.json", "adapter.safetensors"]) {
            let to = folder.path(name);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, std::fs::read(golden().join(name)).unwrap()).unwrap();
        }
        folder.write(
            "barline.json",
            &json!({
                "format": 1, "name": "tiny", "licence": "none", "encoder": "mert/", "lm": "llm/",
                "adapter": {"kind": "linear", "weights": "adapter.safetensors", "layers": "mean", "chunk_frames": 325},
                "normalize_input": false, "heads": null, "prompt": {"bos": true, "before": "a", "after": "b"},
            }),
        );
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.path(name), value.to_string()).unwrap();
    }

    /// Sets one field of a JSON file, by JSON pointer; `Null` removes nothing but says null.
    fn set(&self, name: &str, pointer: &str, value: Value) {
        let mut json: Value =
            serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap();
        match json.pointer_mut(pointer) {
            Some(slot) => *slot = value,
            None => json[pointer.trim_start_matches('/')] = value,
        }
        self.write(name, &json);
    }

    fn tensors(
        &self,
        name: &str,
        change: impl FnOnce(&mut std::collections::HashMap<String, Tensor>),
    ) {
        let mut tensors = candle_core::safetensors::load(self.path(name), &Device::Cpu).unwrap();
        change(&mut tensors);
        candle_core::safetensors::save(&tensors, self.path(name)).unwrap();
    }

    fn open(&self) -> Result<Model, ModelError> {
        ModelFolder::open(self.0.path())
    }

    fn error(&self) -> String {
        self.open().expect_err("the folder is damaged").to_string()
    }
}

#[test]
fn the_undamaged_folder_opens() {
    let model = Folder::new().open().unwrap();
    assert!(
        model.encoder.is_some()
            && model.lm.is_some()
            && model.adapter.is_some()
            && model.heads.is_none()
    );
    assert!(matches!(model.heads(), Err(ModelError::Absent { part: "heads" })));
}

#[test]
fn wrong_fields_are_named() {
    let cases: [(&str, &str, Value, &[&str]); 25] = [
        ("barline.json", "/format", json!(2), &["barline.json: format"]),
        ("barline.json", "/encoder", json!("../mert"), &["barline.json: encoder", "leaves"]),
        ("barline.json", "/lm", json!("/llm"), &["barline.json: lm", "relative"]),
        ("barline.json", "/heads", json!("a/../../h"), &["barline.json: heads", "leaves"]),
        ("barline.json", "/heads", json!("heads.safetensors"), &["heads.safetensors"]),
        ("barline.json", "/adapter/weights", json!("..\\x"), &["adapter.weights", "leaves"]),
        ("barline.json", "/adapter/kind", json!("perceiver"), &["adapter.kind", "perceiver"]),
        ("barline.json", "/adapter/chunk_frames", json!(0), &["adapter.chunk_frames"]),
        ("barline.json", "/adapter/layers", json!([1, 4]), &["adapter.layers", "4"]),
        ("barline.json", "/encoder", Value::Null, &["adapter", "encoder"]),
        (
            "mert/config.json",
            "/model_type",
            json!("whisper"),
            &["mert/config.json: model_type", "whisper", "hubert"],
        ),
        (
            "mert/config.json",
            "/architectures",
            json!(["WhisperModel"]),
            &["mert/config.json: architectures", "WhisperModel"],
        ),
        (
            "mert/config.json",
            "/num_attention_heads",
            json!(5),
            &["mert/config.json: num_attention_heads"],
        ),
        ("mert/config.json", "/conv_stride", json!([5, 2]), &["mert/config.json: conv_dim"]),
        (
            "mert/config.json",
            "/conv_band_stride",
            json!([2]),
            &["mert/config.json: conv_band_stride", "each convolution"],
        ),
        (
            "mert/config.json",
            "/hidden_act",
            json!("relu"),
            &["mert/config.json: hidden_act", "relu"],
        ),
        (
            "mert/config.json",
            "/sample_rate",
            json!(16_000),
            &["mert/config.json: sample_rate", "24000"],
        ),
        ("mert/config.json", "/hidden_size", json!("x"), &["mert/config.json"]),
        (
            "llm/config.json",
            "/model_type",
            json!("mamba"),
            &["llm/config.json: model_type", "mamba", "qwen3"],
        ),
        (
            "llm/config.json",
            "/architectures",
            json!(["MambaForCausalLM"]),
            &["llm/config.json: architectures", "MambaForCausalLM"],
        ),
        (
            "llm/config.json",
            "/num_key_value_heads",
            json!(3),
            &["llm/config.json: num_key_value_heads"],
        ),
        (
            "llm/config.json",
            "/rope_scaling",
            json!({"rope_type": "yarn"}),
            &["rope_scaling.rope_type", "yarn"],
        ),
        (
            "llm/config.json",
            "/rope_scaling",
            json!({"rope_type": "llama3"}),
            &["rope_scaling.low_freq_factor"],
        ),
        (
            "llm/config.json",
            "/vocab_size",
            json!(421),
            &["llm/model.safetensors: tensor model.embed_tokens.weight", "[421, 48]"],
        ),
        (
            "llm/config.json",
            "/num_hidden_layers",
            json!(4),
            &["llm/model.safetensors: tensor model.layers.3.", "missing"],
        ),
    ];
    for (file, pointer, value, needles) in cases {
        let folder = Folder::new();
        folder.set(file, pointer, value.clone());
        let error = folder.error();
        for needle in needles {
            assert!(error.contains(needle), "{file} {pointer} = {value}: {error}");
        }
    }
}

#[test]
fn missing_and_truncated_files_are_named() {
    for name in [
        "mert/config.json",
        "llm/config.json",
        "llm/tokenizer.json",
        "adapter.safetensors",
        "mert/model.safetensors",
        "llm/model.safetensors",
    ] {
        let folder = Folder::new();
        let whole = std::fs::read(folder.path(name)).unwrap();
        std::fs::write(folder.path(name), &whole[..whole.len() / 2]).unwrap();
        let error = folder.error();
        assert!(error.starts_with(name), "{error}");
        std::fs::remove_file(folder.path(name)).unwrap();
        let error = folder.error();
        assert!(error.contains(name), "{error}");
    }
    let empty = tempfile::tempdir().unwrap();
    let error = ModelFolder::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("barline.json") && error.contains("config.json"), "{error}");
}

#[test]
fn tensors_of_the_wrong_kind_are_named() {
    let bias = "encoder.layers.1.attention.q_proj.bias";
    let folder = Folder::new();
    folder.tensors("mert/model.safetensors", |all| drop(all.remove(bias)));
    assert!(folder.error().starts_with(&format!("mert/model.safetensors: tensor {bias}: missing")));
    folder.tensors("mert/model.safetensors", |all| {
        drop(all.insert(bias.to_owned(), Tensor::new(&[f32::NAN; 48], &Device::Cpu).unwrap()))
    });
    assert!(
        folder
            .error()
            .starts_with(&format!("mert/model.safetensors: tensor {bias}: value 0 is not finite"))
    );

    let folder = Folder::new();
    folder.tensors("adapter.safetensors", |all| {
        all.insert(
            "llama_proj.weight".to_owned(),
            Tensor::zeros((40, 48), candle_core::DType::F32, &Device::Cpu).unwrap(),
        );
        all.insert(
            "llama_proj.bias".to_owned(),
            Tensor::zeros(40, candle_core::DType::F32, &Device::Cpu).unwrap(),
        );
    });
    let error = folder.error();
    assert!(
        error.contains("adapter.safetensors: weight")
            && error.contains("40")
            && error.contains("48"),
        "{error}"
    );
}

#[test]
fn a_tokenizer_larger_than_the_model_is_refused() {
    let folder = Folder::new();
    let mut json: Value =
        serde_json::from_slice(&std::fs::read(folder.path("llm/tokenizer.json")).unwrap()).unwrap();
    let vocab = json["model"]["vocab"].as_object_mut().unwrap();
    vocab.insert("zzz".to_owned(), json!(420));
    folder.write("llm/tokenizer.json", &json);
    let error = folder.error();
    assert!(
        error.starts_with("llm/tokenizer.json: model.vocab")
            && error.contains("zzz")
            && error.contains("420"),
        "{error}"
    );
    folder.write("llm/tokenizer.json", &json!({"model": 3}));
    assert!(folder.error().starts_with("llm/tokenizer.json: not a tokenizer"));
}

#[test]
fn a_gguf_language_model_is_refused_by_name() {
    let folder = Folder::new();
    std::fs::remove_file(folder.path("llm/config.json")).unwrap();
    std::fs::write(folder.path("llm/tiny.gguf"), b"GGUF").unwrap();
    assert!(folder.error().starts_with("llm/tiny.gguf: GGUF"));
}

#[test]
fn a_bare_encoder_folder_opens_and_hears() {
    let model = ModelFolder::open(&golden().join("mert")).unwrap();
    let heard = model.soft_tokens(&[0.1; 24_000]).unwrap();
    assert_eq!(heard.soft_tokens.dims(), [0, 48]);
    assert_eq!(heard.windows[0][0].frames, 74);
    assert_eq!(heard.pooled().next().unwrap().len(), 96);
    assert!(model.lm.is_none());
}

#[test]
fn audio_that_is_too_short_or_not_finite_is_an_error() {
    let model = ModelFolder::open(&golden().join("mert")).unwrap();
    assert!(model.soft_tokens(&[0.0; 399]).unwrap_err().to_string().contains("too few"));
    assert!(model.soft_tokens(&[0.0; 400]).is_ok());
    let mut samples = [0.0; 2_400];
    samples[7] = f32::INFINITY;
    assert_eq!(
        model.soft_tokens(&samples).unwrap_err().to_string(),
        "samples: sample 7 is not finite"
    );
}

#[test]
fn a_prompt_longer_than_the_context_is_an_error() {
    let folder = Folder::new();
    folder.set("llm/config.json", "/max_position_embeddings", json!(8));
    let model = folder.open().unwrap();
    let heard = model.soft_tokens(&[0.1; 24_000]).unwrap();
    let ask = |words: &str| {
        let embeds = model.prompt_embeds(&heard, words).unwrap();
        let lm = model.lm.as_ref().unwrap();
        lm.forward(&embeds, &mut lm.cache(), models::Logits::Last).map(|_| embeds.dims()[0])
    };
    assert_eq!(ask("").unwrap(), 4);
    folder.set("barline.json", "/prompt/after", json!("{instruction} and quite a few words more"));
    let model = folder.open().unwrap();
    let sampling = models::Sampling::greedy();
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let error = model
        .answer(&heard, "words", &sampling, 4, &cancel, &mut |_, _| {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("context of 8"), "{error}");
}

/// A heads file over 2 pooled values: label scores are x0, x1, and x0 + x1 after GELU.
fn heads_file(metadata: &Value) -> &'static [u8] {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), metadata.clone());
    let mut data: Vec<u8> = Vec::new();
    let mut put = |name: &str, shape: &[usize], values: &[f32]| {
        let start = data.len();
        data.extend(values.iter().flat_map(|x| x.to_le_bytes()));
        header.insert(
            name.to_owned(),
            json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}),
        );
    };
    for head in ["label", "descriptors"] {
        put(&format!("{head}.0.weight"), &[2, 2], &[1.0, 0.0, 0.0, 1.0]);
        put(&format!("{head}.0.bias"), &[2], &[0.0, 0.0]);
        put(&format!("{head}.2.weight"), &[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        put(&format!("{head}.2.bias"), &[3], &[0.0, 0.0, 0.0]);
    }
    let json = Value::Object(header).to_string();
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &data].concat().leak()
}

fn heads(metadata: &Value) -> Result<Heads, ModelError> {
    let files: &'static [(&'static str, &'static [u8])] =
        vec![("heads.safetensors", heads_file(metadata))].leak();
    Heads::load(&Source::Embedded(files), "heads.safetensors", 2)
}

#[test]
fn heads_give_calibrated_classes() {
    let metadata = json!({"label": r#"["kick","snare","bass"]"#, "descriptors": r#"["warm","dirty","dense"]"#,
                          "label_temperature": "2.0", "label_abstain": "0.35"});
    let heads = heads(&metadata).unwrap();
    assert_eq!((heads.label_abstain, heads.instruments_threshold), (0.35, 0.5));
    assert_eq!(heads.instruments_doubt, 0.5, "no doubt where none is known");
    // GELU(1) = 0.841345, GELU(0) = 0: scores 0.841345, 0, 0.841345, halved by the temperature.
    let labels = heads.labels(&[1.0, 0.0]).unwrap();
    let raised = (0.841_345f32 / 2.0).exp();
    assert_eq!(
        labels.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["kick", "snare", "bass"]
    );
    assert!((labels[1].1 - 1.0 / (1.0 + 2.0 * raised)).abs() < 1e-5, "{labels:?}");
    assert!((labels.iter().map(|(_, p)| p).sum::<f32>() - 1.0).abs() < 1e-6);
    let descriptors = heads.descriptors(&[1.0, 0.0]).unwrap();
    assert_eq!(descriptors[1], ("dirty".to_owned(), 0.5));
    assert!(heads.instruments(&[1.0, 0.0]).unwrap().is_empty());
    assert!(heads.labels(&[1.0]).unwrap_err().to_string().starts_with("pooled: 1 values"));
}

#[test]
fn heads_without_their_vocabulary_are_refused() {
    let three = r#"["a","b","c"]"#;
    for (metadata, needle) in [
        (json!({"label": three}), "__metadata__.descriptors: missing"),
        (json!({"label": "a, b, c", "descriptors": three}), "__metadata__.label: not a list"),
        (
            json!({"label": r#"["a"]"#, "descriptors": three}),
            "tensor label.2.weight: shape [3, 2] where [1, 2]",
        ),
        (
            json!({"label": three, "descriptors": three, "label_abstain": "high"}),
            "__metadata__.label_abstain",
        ),
        (
            json!({"label": three, "descriptors": three, "label_temperature": "0"}),
            "__metadata__.label_temperature",
        ),
    ] {
        let error = heads(&metadata).unwrap_err().to_string();
        assert!(error.starts_with("heads.safetensors: ") && error.contains(needle), "{error}");
    }
}
