//! The default model must not start a thread: a plugin lives in another program's process. This
//! file holds one test only, so that no other runs beside it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_os = "linux")]

use std::path::Path;

use models::{Compute, Lm, Logits, ModelFolder, Source};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn small_models_run_on_the_calling_thread_alone() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let before = threads();
    let model = ModelFolder::open(&golden.join("musilingo-tiny/s0/mert")).unwrap();
    // Ten seconds: activations far above the 65 536 values from which candle would use its pool.
    model.soft_tokens(&vec![0.1; 240_000]).unwrap();
    let lm = Lm::load(
        &Source::Dir(golden.join("llama-tiny/gqa-theta1e4-untied-s0")),
        "",
        &Compute::cpu(),
    )
    .unwrap();
    let embeds = lm.embed(&vec![5; 2_000]).unwrap();
    lm.forward(&embeds, &mut lm.cache(), Logits::All).unwrap();
    assert_eq!(threads(), before);
}
