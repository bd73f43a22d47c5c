//! Distributions after the logits processors of transformers.

use models::Sampling;

use crate::{Tensors, close, root};

fn cases() -> Vec<(&'static str, Sampling)> {
    let base = Sampling { temperature: 1.0, ..Sampling::greedy() };
    vec![
        ("t0.1_top_p0.5", Sampling::musilingo(0)),
        ("t1.0_top_p0.9", Sampling { top_p: 0.9, ..base.clone() }),
        (
            "t0.7_top_k10_top_p0.8",
            Sampling { temperature: 0.7, top_k: 10, top_p: 0.8, ..base.clone() },
        ),
        (
            "t0.1_top_k50_top_p0.9_rep1.1",
            Sampling {
                temperature: 0.1,
                top_k: 50,
                top_p: 0.9,
                repetition_penalty: 1.1,
                ..base.clone()
            },
        ),
        ("min_p0.1", Sampling { min_p: 0.1, ..base }),
    ]
}

#[test]
fn probabilities_penalty_and_bans() {
    let inputs = Tensors::load(&root().join("sampling/inputs.safetensors"));
    let expected = Tensors::load(&root().join("sampling/expected.safetensors"));
    let (rows, vocab) = inputs.get("logits").dims2().unwrap();
    let logits = inputs.values("logits");
    let history = inputs.ids("history");
    let length = history.len() / rows;
    let row =
        |index: usize| (&logits[index * vocab..][..vocab], &history[index * length..][..length]);
    for (name, sampling) in cases() {
        let actual: Vec<f32> = (0..rows)
            .flat_map(|index| sampling.probabilities(row(index).0, row(index).1))
            .collect();
        close(&actual, &expected.values(name), name);
    }
    let penalty = Sampling { repetition_penalty: 1.3, ..Sampling::greedy() };
    let bans = Sampling { no_repeat_ngram: 3, ..Sampling::greedy() };
    for index in 0..rows {
        let (logits, history) = row(index);
        let mut adjusted = logits.to_vec();
        penalty.adjust(&mut adjusted, history);
        close(
            &adjusted,
            &expected.values("rep1.3_logits")[index * vocab..][..vocab],
            "rep1.3_logits",
        );
        let banned = bans.banned(history);
        let mask: Vec<u32> = (0..vocab as u32).map(|id| u32::from(banned.contains(&id))).collect();
        assert_eq!(mask, &expected.ids("no_repeat_ngram3_banned")[index * vocab..][..vocab]);
    }
}
