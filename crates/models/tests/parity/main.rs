//! Golden parity: every network against the values that torch and transformers give for the same
//! random weights. The cases lie in tests/golden (its README says how they were made); another
//! folder of the same layout can be named in BARLINE_GOLDEN.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod adapter;
mod default;
mod lm;
mod mel;
mod mert;
mod musilingo;
mod sampling;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use models::{Compute, Device, Tensor};

/// Absolute and relative tolerance of every comparison, as the reference's own compare.py has it.
const TOLERANCE: f32 = 1e-4;

/// The ways a model can compute; all must give the reference's values.
fn computes() -> [(&'static str, Compute); 3] {
    [
        ("one thread", Compute::cpu_with_pool(false)),
        ("pool", Compute::cpu_with_pool(true)),
        ("candle", Compute::candle(Device::Cpu)),
    ]
}

fn root() -> PathBuf {
    match std::env::var_os("BARLINE_GOLDEN") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden"),
    }
}

/// The variants under a case folder, sorted; there must be some.
fn variants(case: &str) -> Vec<PathBuf> {
    let dir = root().join(case);
    let mut found: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expected.safetensors").is_file())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no variant of {case}");
    found
}

struct Tensors {
    file: PathBuf,
    map: HashMap<String, Tensor>,
}

impl Tensors {
    fn load(file: &Path) -> Self {
        let map = candle_core::safetensors::load(file, &Device::Cpu)
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        Self { file: file.to_owned(), map }
    }

    fn get(&self, name: &str) -> &Tensor {
        self.map.get(name).unwrap_or_else(|| panic!("{}: no {name}", self.file.display()))
    }

    fn values(&self, name: &str) -> Vec<f32> {
        self.get(name).flatten_all().unwrap().to_vec1().unwrap()
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        let ids: Vec<i64> = self.get(name).flatten_all().unwrap().to_vec1().unwrap();
        ids.into_iter().map(|id| u32::try_from(id).unwrap()).collect()
    }

    /// Asserts that `actual` is the tensor `name` within the tolerance, if the file has that tensor.
    fn check(&self, name: &str, actual: &[f32], how: &str) {
        if self.map.contains_key(name) {
            close(actual, &self.values(name), &format!("{} {name} ({how})", self.file.display()));
        }
    }
}

fn close(actual: &[f32], expected: &[f32], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: number of values");
    let over = |a: f32, e: f32| a.is_nan() || (a - e).abs() > TOLERANCE * (1.0 + e.abs());
    let bad = actual.iter().zip(expected).filter(|(a, e)| over(**a, **e)).count();
    if bad > 0 {
        let (at, (a, e)) =
            actual.iter().zip(expected).enumerate().find(|(_, (a, e))| over(**a, **e)).unwrap();
        panic!("{what}: {bad} of {} values differ, the first at {at}: {a} not {e}", actual.len());
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}
