//! The small set of oscillators, filters and effects that the procedural voices, the songs and the planted defects are made of.
//! Only add, multiply, divide and square root on floats, and `libm`: the same samples on every platform.

mod echo;
mod envelope;
mod filter;
mod modal;
mod osc;
mod shape;

pub(crate) use echo::{Chorus, Hall};
pub(crate) use envelope::{Envelope, Shape, gate};
pub(crate) use filter::{Biquad, OnePole, Resonator, Svf};
pub(crate) use modal::{Mode, ring};
pub(crate) use osc::{Drift, Noise, Pink, Rotor, Saw, Table, sine};
pub(crate) use shape::{crush, drive, soft};

/// Amplitude ratio of a level in dB.
pub(crate) fn db(level_db: f64) -> f64 {
    libm::exp(level_db * (core::f64::consts::LN_10 / 20.0))
}

/// Level in dB of an amplitude ratio, floored at -200 dB.
pub(crate) fn to_db(ratio: f64) -> f64 {
    20.0 * libm::log10(ratio.max(1e-10))
}

/// Frequency ratio of an interval in semitones.
pub(crate) fn semitones(interval: f64) -> f64 {
    libm::exp2(interval / 12.0)
}

/// Root mean square, 0 for nothing.
pub(crate) fn rms(samples: &[f32]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let power: f64 = samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    (power / samples.len() as f64).sqrt()
}

/// Scales to that absolute peak; silence stays silence.
pub(crate) fn normalise(samples: &mut [f32], peak: f32) {
    let loudest = samples.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    if loudest > 1e-9 {
        let gain = peak / loudest;
        samples.iter_mut().for_each(|x| *x *= gain);
    }
}

/// Takes a constant offset out, as a coupling capacitor does.
pub(crate) fn block_dc(samples: &mut [f32], rate_hz: f64) {
    Biquad::high_pass(16.0, 0.7, rate_hz).run(samples);
}
