//! Temporal compression: chunks, remainders, a clip shorter than one chunk.

use models::{Adapter, AdapterConfig, Hidden, Layers, Source};

use crate::{Tensors, flat, variants};

#[test]
fn chunk_means_and_projection() {
    let mut checked = 0;
    for dir in variants("adapter") {
        let inputs = Tensors::load(&dir.join("inputs.safetensors"));
        let expected = Tensors::load(&dir.join("expected.safetensors"));
        for (name, stack) in &inputs.map {
            let Some(length) = name.strip_prefix("hidden_stack.") else { continue };
            let (states, frames, width) = stack.dims3().unwrap();
            let values = flat(stack);
            let states_of: Vec<Vec<f32>> =
                values.chunks(frames * width).map(<[f32]>::to_vec).collect();
            let mut mean = vec![0.0; frames * width];
            for state in &states_of {
                mean.iter_mut().zip(state).for_each(|(sum, x)| *sum += x / states as f32);
            }
            expected.check(&format!("mean_states.{length}"), &mean, "sum");
            let hidden = Hidden { frames, width, mean, states: states_of };
            for chunk_frames in [325, 50] {
                for layers in [Layers::All, Layers::List((0..states).collect())] {
                    let config = AdapterConfig {
                        kind: "linear".to_owned(),
                        weights: "model.safetensors".to_owned(),
                        layers,
                        chunk_frames,
                    };
                    let source = Source::Dir(dir.clone());
                    let adapter =
                        Adapter::load(&source, &config, width, states, "barline.json").unwrap();
                    let tokens = adapter.forward(&hidden).unwrap();
                    assert_eq!(tokens.dims(), [frames.div_ceil(chunk_frames), adapter.width()]);
                    assert_eq!(adapter.tokens(frames), frames.div_ceil(chunk_frames));
                    let name = format!("tokens.t{chunk_frames}.{length}");
                    assert!(expected.map.contains_key(&name), "no {name}");
                    expected.check(&name, &flat(&tokens), "adapter");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked >= 12, "only {checked} cases");
}
