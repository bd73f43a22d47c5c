//! Signals for the tests: tones in dBFS, clicks, chords, noise; all mono f32 until spread over channels.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

/// The rate most tests run at.
pub(crate) const RATE_HZ: u32 = 48_000;

/// Samples in a time.
pub(crate) fn samples(seconds: f64) -> usize {
    (seconds * f64::from(RATE_HZ)).round() as usize
}

/// A sine of a peak level in dBFS.
pub(crate) fn sine_at(rate_hz: u32, freq_hz: f64, peak_dbfs: f64, seconds: f64) -> Vec<f32> {
    let (step, peak) =
        (std::f64::consts::TAU * freq_hz / f64::from(rate_hz), 10f64.powf(peak_dbfs / 20.0));
    let count = (seconds * f64::from(rate_hz)).round() as usize;
    (0..count).map(|i| (peak * (i as f64 * step).sin()) as f32).collect()
}

/// A sine at [`RATE_HZ`].
pub(crate) fn sine(freq_hz: f64, peak_dbfs: f64, seconds: f64) -> Vec<f32> {
    sine_at(RATE_HZ, freq_hz, peak_dbfs, seconds)
}

/// White noise of an RMS level in dBFS.
pub(crate) fn noise(seed: u64, rms_dbfs: f64, count: usize) -> Vec<f32> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let peak = 3f64.sqrt() * 10f64.powf(rms_dbfs / 20.0);
    (0..count).map(|_| (peak * (2.0 * rng.random::<f64>() - 1.0)) as f32).collect()
}

/// The same samples in every channel, interleaved.
pub(crate) fn spread(mono: &[f32], channels: usize) -> Vec<f32> {
    mono.iter().flat_map(|&x| std::iter::repeat_n(x, channels)).collect()
}

/// Two channels interleaved.
pub(crate) fn interleave(left: &[f32], right: &[f32]) -> Vec<f32> {
    left.iter().zip(right).flat_map(|(&l, &r)| [l, r]).collect()
}

/// Adds a sound into a track from a time on, as far as the track reaches.
pub(crate) fn mix_in(track: &mut [f32], at_s: f64, sound: &[f32]) {
    for (slot, x) in track.iter_mut().skip(samples(at_s)).zip(sound) {
        *slot += x;
    }
}

/// A plucked note: eight decaying partials with a soft attack.
pub(crate) fn note(pitch: f64, peak_dbfs: f64, seconds: f64) -> Vec<f32> {
    let freq_hz = 440.0 * ((pitch - 69.0) / 12.0).exp2();
    let mut out = vec![0.0; samples(seconds)];
    for partial in 1..=8 {
        let level_db = peak_dbfs - 6.0 * f64::from(partial);
        for (slot, x) in out.iter_mut().zip(sine(freq_hz * f64::from(partial), level_db, seconds)) {
            *slot += x;
        }
    }
    for (index, x) in out.iter_mut().enumerate() {
        let t = index as f64 / f64::from(RATE_HZ);
        *x *= ((t / 0.01).min(1.0) * (-t * 2.0).exp()) as f32;
    }
    out
}

/// A drum hit: noise and a low thump, decaying.
pub(crate) fn hit(seed: u64, low: f64, high: f64) -> Vec<f32> {
    let mut out = noise(seed, -18.0, samples(0.12));
    for (index, x) in out.iter_mut().enumerate() {
        let t = index as f64 / f64::from(RATE_HZ);
        let thump = (std::f64::consts::TAU * 60.0 * t).sin() * (-t * 25.0).exp();
        *x = (low * 0.5 * thump) as f32 + *x * (high * (-t * 60.0).exp()) as f32;
    }
    out
}

/// Feeds blocks of random sizes, from one frame to about a second.
pub(crate) fn random_blocks(
    seed: u64,
    interleaved: &[f32],
    channels: usize,
    mut feed: impl FnMut(&[f32]),
) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut rest = interleaved;
    while !rest.is_empty() {
        let magnitude = rng.random_range(0.0..4.7f64);
        let frames = (10f64.powf(magnitude) as usize).clamp(1, rest.len() / channels);
        let (block, next) = rest.split_at(frames * channels);
        feed(block);
        rest = next;
    }
}
