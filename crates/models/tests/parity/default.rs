//! The embedded default: the trained weights in model-assets/ give here what training/export.py got from them in torch.

use std::{collections::HashMap, path::Path, sync::atomic::AtomicBool};

use models::{Compute, Heard, Keep, LogMel, LogMelConfig, Model, ModelFolder, Sampling, Source};
use serde_json::Value;

use crate::{Tensors, close, flat, root};

#[test]
fn trained_weights() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model-assets");
    let dir = root().join("default");
    let expected = Tensors::load(&dir.join("expected.safetensors"));
    let clip = expected.values("samples");
    for (how, pool) in [("one thread", false), ("pool", true)] {
        let source = Source::Dir(assets.clone());
        let model = ModelFolder::load(&source, &Compute::cpu_with_pool(pool), &|_| ()).unwrap();
        let hidden = model.encoder().unwrap().encode(&clip, Keep::All).unwrap();
        let last = hidden.states.len() - 1;
        for state in [0, last] {
            expected.check(&format!("hidden_states.{state}"), &hidden.states[state], how);
        }
        expected.check("mean_hidden_states", &hidden.mean, how);
        let heard = model.heard(&hidden).unwrap();
        expected.check("pooled", &heard.pooled().next().unwrap(), how);
        check_heads(&expected, &model, &heard, how);
        expected.check("soft_tokens", &flat(&heard.soft_tokens), how);
        let told: Value =
            serde_json::from_slice(&std::fs::read(dir.join("expected.json")).unwrap()).unwrap();
        let instruction = told["instruction"].as_str().unwrap();
        let cancel = AtomicBool::new(false);
        let answer = model
            .answer(&heard, instruction, &Sampling::greedy(), 60, &cancel, &mut |_, _| {})
            .unwrap();
        assert_eq!(answer.text, told["text"].as_str().unwrap(), "{how}");
    }
}

/// The vectors hold probabilities in the order of the classes, the heads give them ranked.
fn check_heads(expected: &Tensors, model: &Model, heard: &Heard, how: &str) {
    let classes: Value =
        serde_json::from_slice(&std::fs::read(root().join("default/expected.json")).unwrap())
            .unwrap();
    for (name, ranked) in [
        ("label", model.labels(heard).unwrap()),
        ("instruments", model.instruments(heard).unwrap()),
        ("descriptors", model.descriptors(heard).unwrap()),
    ] {
        let of: HashMap<String, f32> = ranked.into_iter().collect();
        let order = classes["classes"][name].as_array().unwrap();
        let values: Vec<f32> = order.iter().map(|class| of[class.as_str().unwrap()]).collect();
        assert_eq!(values.len(), of.len());
        expected.check(&format!("heads.{name}"), &values, how);
    }
}

#[test]
fn log_mel_front_end() {
    let expected = Tensors::load(&root().join("default/expected.safetensors"));
    let config: Value = serde_json::from_slice(
        &std::fs::read(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model-assets/encoder/config.json"),
        )
        .unwrap(),
    )
    .unwrap();
    let config: LogMelConfig = serde_json::from_value(config["log_mel"].clone()).unwrap();
    let mel = LogMel::new(config, 24_000, 1, "config.json").unwrap();
    let actual = mel.forward(&expected.values("samples"));
    let first = expected.values("log_mel");
    close(&actual[..first.len()], &first, "log_mel");
}
