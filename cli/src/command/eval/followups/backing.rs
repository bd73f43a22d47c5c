//! What an answer may state beside findings and single measurements: what lies at a frequency, how the level goes, how loud a bar
//! is. All of it is computed anew from the bands and the samples, not by the code that words it.

use engine::Hearing;
use signal::Band;

use super::{
    super::{measure::measure, words::numbers},
    RATE_HZ,
};

/// A frequency stands for the third of an octave around it.
const HALF_THIRD: f64 = 1.122_462;

/// Numbers that are known for this question: those in it, and what was measured where it asks.
pub(super) fn known(question: &str, answer: &str, hearing: &Hearing, mix: &[f32]) -> Vec<f64> {
    let asked = numbers(&question.to_lowercase());
    let mut known = asked.clone();
    let hz: Vec<f64> = asked.iter().flat_map(|n| [*n, 1000.0 * n]).collect();
    let bands = &hearing.measured().bands;
    for &lo in &hz {
        known.push(share_db(bands, lo / HALF_THIRD, lo * HALF_THIRD));
        known.push(share_db(bands, 0.0, lo));
        known.push(share_db(bands, lo, f64::INFINITY));
        known.extend(hz.iter().map(|&hi| share_db(bands, lo, hi)));
    }
    if answer.contains("from quarter to quarter") {
        known.extend(mix.chunks((mix.len() / 4).max(1)).map(level_db));
    }
    if answer.contains("loudest in") {
        let at = |s: f64| 2 * ((s * f64::from(RATE_HZ)) as usize).min(mix.len() / 2);
        let bars = hearing.spans().map(|span| &mix[at(span.start_s)..at(span.end_s)]);
        let loudness = bars.filter_map(|bar| measure(bar, RATE_HZ, 2).ok()?.loudness_lufs);
        known.extend(loudness.collect::<Vec<f64>>());
        known.extend((0..=hearing.bars()).map(|bar| bar as f64));
    }
    known
}

/// The power between two frequencies against the whole, in dB; bands are cut on a logarithmic scale.
fn share_db(bands: &[Band], lo_hz: f64, hi_hz: f64) -> f64 {
    let (mut inside, mut whole) = (0.0, 0.0);
    for band in bands {
        let power = 10f64.powf(band.level_db / 10.0);
        let (lo, hi) = (lo_hz.max(band.lo_hz), hi_hz.min(band.hi_hz));
        whole += power;
        if hi > lo {
            inside += power * (hi.log2() - lo.log2()) / (band.hi_hz.log2() - band.lo_hz.log2());
        }
    }
    10.0 * (inside / whole).log10()
}

fn level_db(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|x| f64::from(*x).powi(2)).sum();
    10.0 * (power / samples.len() as f64).log10()
}
