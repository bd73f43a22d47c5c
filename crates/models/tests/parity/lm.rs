//! Llama, Qwen2 and Qwen3: all logits, greedy decoding with the cache, prefill in pieces, both
//! styles of config.

use std::path::Path;

use models::{Compute, Lm, Logits, Source, Tensor};

use crate::{Tensors, close, computes, flat, variants};

fn check_case(dir: &Path) {
    let inputs = Tensors::load(&dir.join("inputs.safetensors"));
    let expected = Tensors::load(&dir.join("expected.safetensors"));
    for (how, compute) in computes() {
        check_model(
            &Lm::load(&Source::Dir(dir.to_owned()), "", &compute).unwrap(),
            &inputs,
            &expected,
            how,
        );
    }
    if dir.join("config.v5.json").is_file() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::copy(dir.join("config.v5.json"), temp.path().join("config.json")).unwrap();
        std::fs::copy(dir.join("model.safetensors"), temp.path().join("model.safetensors"))
            .unwrap();
        let lm = Lm::load(&Source::Dir(temp.path().to_owned()), "", &Compute::cpu()).unwrap();
        check_model(&lm, &inputs, &expected, "config of transformers 5");
    }
}

fn prompt(lm: &Lm, inputs: &Tensors) -> Tensor {
    let mut before = vec![lm.config().bos_token_id.unwrap()];
    before.extend(inputs.ids("input_ids_before"));
    let after = inputs.ids("input_ids_after");
    Tensor::cat(
        &[&lm.embed(&before).unwrap(), inputs.get("soft_tokens"), &lm.embed(&after).unwrap()],
        0,
    )
    .unwrap()
}

fn check_model(lm: &Lm, inputs: &Tensors, expected: &Tensors, how: &str) {
    let embeds = prompt(lm, inputs);
    expected.check("inputs_embeds", &flat(&embeds), how);
    expected.check("rope.inv_freq", &lm.config().frequencies(), how);
    for (layer, state) in lm.hidden_states(&embeds).unwrap().iter().enumerate() {
        expected.check(&format!("hidden_states.{layer}"), &flat(state), how);
    }
    let logits = lm.forward(&embeds, &mut lm.cache(), Logits::All).unwrap();
    assert!(expected.map.contains_key("logits"));
    expected.check("logits", &flat(&logits), how);

    let (greedy_logits, greedy_ids) = greedy(lm, &embeds, expected.ids("greedy_ids").len());
    assert_eq!(greedy_ids, expected.ids("greedy_ids"), "{how}");
    expected.check("greedy_logits", &greedy_logits, how);

    // The prompt in three pieces leaves the same cache.
    let mut cache = lm.cache();
    let rows = embeds.dims()[0];
    let mut last = None;
    for (start, len) in [(0, 5), (5, 1), (6, rows - 6)] {
        last = Some(
            lm.forward(&embeds.narrow(0, start, len).unwrap(), &mut cache, Logits::Last).unwrap(),
        );
    }
    assert_eq!(cache.len(), rows);
    close(
        &flat(&last.unwrap()),
        &greedy_logits[..lm.config().vocab_size],
        &format!("{how}: prefill in pieces"),
    );
}

fn greedy(lm: &Lm, embeds: &Tensor, n: usize) -> (Vec<f32>, Vec<u32>) {
    let mut cache = lm.cache();
    let mut next = embeds.clone();
    let (mut all, mut ids) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let logits = flat(&lm.forward(&next, &mut cache, Logits::Last).unwrap());
        let best =
            (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap() as u32;
        all.extend(logits);
        ids.push(best);
        next = lm.embed(&[best]).unwrap();
    }
    (all, ids)
}

#[test]
fn llama() {
    variants("llama-tiny").iter().for_each(|dir| check_case(dir));
}

#[test]
fn qwen2() {
    variants("qwen2-tiny").iter().for_each(|dir| check_case(dir));
}

#[test]
fn qwen3() {
    variants("qwen3-tiny").iter().for_each(|dir| check_case(dir));
}
