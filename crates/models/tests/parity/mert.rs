//! MERT's three kinds of graph: hidden states of one clip, a masked batch, a normalised input.

use std::path::{Path, PathBuf};

use models::{Compute, Encoder, Hidden, Keep, Source};

use crate::{Tensors, computes, root, variants};

const CASES: [&str; 3] = ["mert-postln-tiny", "mert-preln-tiny", "mert-layernorm-tiny"];

/// Inputs and weights that cases share lie in the first case alone.
fn find(dir: &Path, name: &str) -> PathBuf {
    let own = dir.join(name);
    if own.is_file() { own } else { root().join(CASES[0]).join("s0").join(name) }
}

/// A folder with the config and weights of `dir`, the weights under `rename`d tensor names.
fn folder(dir: &Path, rename: &[(&str, &str)]) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    std::fs::copy(dir.join("config.json"), temp.path().join("config.json")).unwrap();
    let mut tensors =
        candle_core::safetensors::load(find(dir, "model.safetensors"), &models::Device::Cpu)
            .unwrap();
    for (old, new) in rename {
        let tensor = tensors.remove(*old).unwrap_or_else(|| panic!("no {old}"));
        tensors.insert((*new).to_owned(), tensor);
    }
    candle_core::safetensors::save(&tensors, temp.path().join("model.safetensors")).unwrap();
    temp
}

fn open(dir: &Path, normalize: bool, compute: &Compute) -> Encoder {
    Encoder::load(&Source::Dir(dir.to_owned()), "", Some(normalize), compute).unwrap()
}

fn check_states(expected: &Tensors, prefix: &str, clips: &[Hidden], how: &str) {
    for layer in 0..clips[0].states.len() {
        let all: Vec<f32> =
            clips.iter().flat_map(|clip| clip.states[layer].iter().copied()).collect();
        expected.check(&format!("{prefix}hidden_states.{layer}"), &all, how);
    }
    let mean: Vec<f32> = clips.iter().flat_map(|clip| clip.mean.iter().copied()).collect();
    expected.check(&format!("{prefix}mean_hidden_states"), &mean, how);
}

fn check_case(dir: &Path) {
    let inputs = Tensors::load(&find(dir, "inputs.safetensors"));
    let expected = Tensors::load(&dir.join("expected.safetensors"));
    let temp = folder(dir, &[]);
    for (how, compute) in computes() {
        let encoder = open(temp.path(), false, &compute);
        let layers = encoder.config().num_hidden_layers;
        let clip = inputs.values("input_values");
        let hidden = encoder.encode(&clip, Keep::All).unwrap();
        assert_eq!(hidden.states.len(), layers + 1);
        assert_eq!(hidden.frames, encoder.frames(clip.len()));
        assert!(
            expected.map.contains_key("hidden_states.0")
                && expected.map.contains_key(&format!("hidden_states.{layers}"))
        );
        check_states(&expected, "", std::slice::from_ref(&hidden), how);
        assert_eq!(
            hidden.mean,
            encoder.encode(&clip, Keep::Mean).unwrap().mean,
            "{how}: the mean needs no states"
        );

        let quiet = encoder.encode(&inputs.values("quiet.input_values"), Keep::All).unwrap();
        expected.check("quiet.last_hidden_state", &quiet.states[layers], how);
        let normalized = open(temp.path(), true, &compute).encode(&clip, Keep::All).unwrap();
        expected.check("normalized.last_hidden_state", &normalized.states[layers], how);

        let padded = inputs.values("batch.input_values");
        let lengths = inputs.ids("batch.lengths");
        let longest = padded.len() / lengths.len();
        let clips: Vec<&[f32]> = padded
            .chunks(longest)
            .zip(&lengths)
            .map(|(clip, length)| &clip[..*length as usize])
            .collect();
        assert_eq!(clips.iter().map(|clip| clip.len()).max(), Some(longest));
        check_states(&expected, "batch.", &encoder.encode_batch(&clips, Keep::All).unwrap(), how);
    }
}

#[test]
fn post_norm_group_norm() {
    variants(CASES[0]).iter().for_each(|dir| check_case(dir));
}

#[test]
fn pre_norm_group_norm() {
    variants(CASES[1]).iter().for_each(|dir| check_case(dir));
}

#[test]
fn layer_norm_and_conv_bias() {
    variants(CASES[2]).iter().for_each(|dir| check_case(dir));
}

#[test]
fn both_names_of_the_weight_norm_and_a_prefix_give_the_same() {
    let dir = &variants(CASES[0])[0];
    let clip = Tensors::load(&find(dir, "inputs.safetensors")).values("quiet.input_values");
    let name = |part: &str| format!("encoder.pos_conv_embed.conv.{part}");
    let renamed = folder(
        dir,
        &[
            (&name("weight_g"), &name("parametrizations.weight.original0")),
            (&name("weight_v"), &name("parametrizations.weight.original1")),
        ],
    );
    let run = |folder: &Path| {
        open(folder, false, &Compute::cpu()).encode(&clip, Keep::Mean).unwrap().mean
    };
    assert_eq!(run(folder(dir, &[]).path()), run(renamed.path()));
}
