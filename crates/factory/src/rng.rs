//! Seeded randomness in independent, named streams, the same on every platform. Everything in the factory draws from it.

use rand::{RngExt as _, SeedableRng as _};

/// The generator behind every random choice.
pub type Rng = rand_pcg::Pcg64Mcg;

/// The stream of that name under a seed. Streams of different names are independent,
/// so that a new draw in one place does not shift the draws elsewhere.
pub fn rng(seed: u64, stream: &str) -> Rng {
    // FNV-1a over the name, then the seed and the hash side by side as the 128-bit state.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in stream.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The splitmix64 finaliser keeps neighbouring seeds far apart: the generator is linear in its state.
    let mix = |x: u64| {
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mix(seed.wrapping_add(hash)).to_le_bytes());
    bytes[8..].copy_from_slice(&mix(seed ^ hash.rotate_left(32)).to_le_bytes());
    Rng::from_seed(bytes)
}

/// The draws the factory makes.
pub trait Draw {
    /// Uniform in `lo..=hi`.
    fn range(&mut self, lo: f64, hi: f64) -> f64;
    /// Uniform in the logarithm between two positive bounds.
    fn log_range(&mut self, lo: f64, hi: f64) -> f64;
    /// Uniform among the integers of `lo..=hi`.
    fn int(&mut self, lo: usize, hi: usize) -> usize;
    /// True with that probability.
    fn chance(&mut self, probability: f64) -> bool;
    /// An index drawn in proportion to the weights.
    fn weighted(&mut self, weights: &[f64]) -> usize;
    /// One of the (non-empty) choices.
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T;
    /// A fresh seed for a child stream.
    fn seed(&mut self) -> u64;
    /// Roughly normal with that deviation (sum of uniforms, bounded at three deviations).
    fn normal(&mut self, deviation: f64) -> f64;
}

impl Draw for Rng {
    fn range(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * self.random::<f64>()
    }

    fn log_range(&mut self, lo: f64, hi: f64) -> f64 {
        lo * libm::exp(libm::log(hi / lo) * self.random::<f64>())
    }

    fn int(&mut self, lo: usize, hi: usize) -> usize {
        let span = (hi - lo + 1) as f64;
        lo + ((self.random::<f64>() * span) as usize).min(hi - lo)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.random::<f64>() < probability
    }

    fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut at = self.random::<f64>() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            at -= weight;
            if at < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.int(0, choices.len() - 1)]
    }

    fn seed(&mut self) -> u64 {
        self.random::<u64>()
    }

    fn normal(&mut self, deviation: f64) -> f64 {
        // Three uniforms on -1..1 have variance 1: sum within +-3.
        deviation * (0..3).map(|_| self.range(-1.0, 1.0)).sum::<f64>()
    }
}
