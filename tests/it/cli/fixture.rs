//! Files for the tests of the command: audio made here, reference tensors from tests/golden.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use safetensors::SafeTensors;
use tempfile::TempDir;

/// 16-bit stereo with a beat, a bass note and some hiss.
pub(crate) fn song(path: &Path, rate_hz: u32, seconds: f64) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let mut noise = 1u32;
    for i in 0..(seconds * f64::from(rate_hz)) as usize {
        let t = i as f64 / f64::from(rate_hz);
        let beat = t % 0.5;
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss =
            (f64::from(noise) / f64::from(u32::MAX) - 0.5) * (-((t + 0.25) % 0.5) * 40.0).exp();
        let kick = (std::f64::consts::TAU * 55.0 * beat).sin() * (-beat * 12.0).exp();
        let bass = (std::f64::consts::TAU * 82.4 * t).sin();
        for side in [1.0, 0.8] {
            writer
                .write_sample(((0.4 * kick + 0.2 * bass + 0.2 * side * hiss) * 32_000.0) as i16)
                .unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// Four seconds of a kick drum, half a second apart, that nothing else could be.
pub(crate) fn kick(path: &Path) {
    let samples: Vec<f32> = (0..4 * 24_000)
        .map(|i| {
            let beat = (i % 12_000) as f32 / 24_000.0;
            let turns = 50.0 * beat + 2.0 * (1.0 - (-beat * 30.0).exp());
            0.8 * (std::f32::consts::TAU * turns).sin() * (-beat * 12.0).exp()
        })
        .collect();
    float_wav(path, 24_000, &samples);
}

/// Mono 32-bit float samples.
pub(crate) fn float_wav(path: &Path, rate_hz: u32, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|x| writer.write_sample(*x).unwrap());
    writer.finalize().unwrap();
}

pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

pub(crate) fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(path)
}

/// f32 tensors of a file by name, with their shapes.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = file.tensors().into_iter().filter(|(_, t)| t.dtype() == safetensors::Dtype::F32);
    floats
        .map(|(name, tensor)| {
            let values =
                tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            (name, (tensor.shape().to_vec(), values.collect()))
        })
        .collect()
}

pub(crate) fn assert_close(name: &str, got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{name}");
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-4 + 1e-4 * b.abs(), "{name}: {a} {b}");
    }
}
