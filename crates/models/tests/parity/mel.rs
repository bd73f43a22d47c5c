//! The mel filters of the log-mel front end against Slaney's as Whisper uses them.

use models::mel_filters;

use crate::{Tensors, close, root};

#[test]
fn slaney_filters() {
    let expected = Tensors::load(&root().join("log-mel/expected.safetensors"));
    for bands in [80, 128] {
        let name = format!("filters.{bands}");
        let (bins, columns) = expected.get(&name).dims2().unwrap();
        assert_eq!((bins, columns), (201, bands));
        let filters = mel_filters(16_000, 400, bands, 0.0, 8_000.0);
        let actual: Vec<f32> = (0..bins)
            .flat_map(|bin| filters.iter().map(move |filter| filter[bin] as f32))
            .collect();
        // The values are about 0.02, so they are compared a thousandfold.
        let scale = |values: Vec<f32>| values.into_iter().map(|x| x * 1e3).collect::<Vec<_>>();
        close(&scale(actual), &scale(expected.values(&name)), &name);
    }
}
