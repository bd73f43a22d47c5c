//! Effects that move the level: a compressor and a tremolo.

use super::RATE_HZ;
use crate::dsp::{Rotor, db, to_db};
use crate::rng::{Draw as _, Rng};

/// Samples that share one gain: logarithms are too slow for every sample, and 0.67 ms is short against any attack.
const BLOCK: usize = 16;

/// A feed-forward peak compressor with a hard knee.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compressor {
    pub(super) threshold_db: f64,
    pub(super) ratio: f64,
    pub(super) attack_s: f64,
    pub(super) release_s: f64,
}

impl Compressor {
    /// From a gentle leveller to a pumping limiter; thresholds suit sounds that peak at -6 dBFS.
    pub(super) fn random(rng: &mut Rng) -> Self {
        Self {
            threshold_db: rng.range(-34.0, -12.0),
            ratio: rng.log_range(1.5, 12.0),
            attack_s: rng.log_range(0.0008, 0.04),
            release_s: rng.log_range(0.03, 0.5),
        }
    }

    /// Runs in place, without make-up gain.
    pub(super) fn run(self, samples: &mut [f32]) {
        let pull = |time_s: f64| 1.0 - libm::exp(-(BLOCK as f64) / (time_s * RATE_HZ));
        let (attack, release) = (pull(self.attack_s), pull(self.release_s));
        let (mut reduction_db, mut gain) = (0.0_f64, 1.0_f32);
        for block in samples.chunks_mut(BLOCK) {
            let peak = block.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
            let over_db = (to_db(f64::from(peak)) - self.threshold_db).max(0.0);
            let target_db = over_db * (1.0 - 1.0 / self.ratio);
            let speed = if target_db > reduction_db { attack } else { release };
            reduction_db += speed * (target_db - reduction_db);
            // A straight line from gain to gain: steps of a gain are heard as zipper noise.
            let slope = (db(-reduction_db) as f32 - gain) / BLOCK as f32;
            for x in block {
                gain += slope;
                *x *= gain;
            }
        }
    }
}

/// Swings the level between 1 and `1 - depth`.
pub(super) fn tremolo(samples: &mut [f32], speed_hz: f64, depth: f64) {
    let mut swing = Rotor::new(speed_hz, 0.0, RATE_HZ);
    for x in samples {
        *x *= (1.0 - depth * (0.5 + 0.5 * swing.next())) as f32;
    }
}
