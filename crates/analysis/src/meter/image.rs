//! Left against right by octaves, from the spectra of the two channels.

use realfft::num_complex::Complex;
use signal::StereoBand;

use super::tonality::PowerBelow;

/// Octaves of IEC 61260-1: 1000 Hz * 10^(3n/10), 31.5 Hz to 16 kHz.
const OCTAVES: std::ops::RangeInclusive<i32> = -5..=4;
/// Mean power of a channel within an octave below which it is silent there (-100 dBFS).
const SILENT_POWER: f64 = 1e-10;

/// Sums of products of two spectra, bin by bin.
#[derive(Debug)]
pub(super) struct Image {
    left: Vec<Complex<f32>>,
    /// Power of each channel, and what they share.
    powers: [Vec<f64>; 2],
    cross: Vec<f64>,
}

impl Image {
    pub(super) fn new(bins: usize) -> Self {
        let zeros = || vec![0.0; bins];
        Self { left: vec![Complex::default(); bins], powers: [zeros(), zeros()], cross: zeros() }
    }

    /// Takes the spectrum of a frame of one channel, the left one first.
    pub(super) fn add(&mut self, channel: usize, spectrum: &[Complex<f32>]) {
        for (sum, x) in self.powers[channel].iter_mut().zip(spectrum) {
            *sum += f64::from(x.norm_sqr());
        }
        if channel == 0 {
            self.left.copy_from_slice(spectrum);
            return;
        }
        for ((sum, l), r) in self.cross.iter_mut().zip(&self.left).zip(spectrum) {
            *sum += f64::from(l.re * r.re + l.im * r.im);
        }
    }

    /// The octaves; `to_mean` scales a sum to mean power.
    pub(super) fn finish(&self, bin_hz: f64, nyquist_hz: f64, to_mean: f64) -> Vec<StereoBand> {
        let edge =
            |octave: i32, offset: f64| 1_000.0 * 10f64.powf(0.3 * (f64::from(octave) + offset));
        let below = |sums: &[f64]| {
            let mut below = PowerBelow::new(bin_hz, sums.len());
            below.fill(sums.iter().copied());
            below
        };
        let [left, right, cross] =
            [&self.powers[0], &self.powers[1], &self.cross].map(|sums| below(sums));
        let octaves = OCTAVES.filter(|&octave| edge(octave, 0.0) < nyquist_hz);
        octaves
            .map(|octave| {
                let (lo_hz, hi_hz) = (edge(octave, -0.5), edge(octave, 0.5).min(nyquist_hz));
                let [left, right] = [&left, &right].map(|of| to_mean * of.between(lo_hz, hi_hz));
                let cross = to_mean * cross.difference(lo_hz, hi_hz);
                let power = left + right;
                StereoBand {
                    lo_hz,
                    hi_hz,
                    correlation: (left.min(right) > SILENT_POWER)
                        .then(|| (cross / (left * right).sqrt()).clamp(-1.0, 1.0)),
                    width: (power > SILENT_POWER)
                        .then(|| ((power - 2.0 * cross) / (2.0 * power)).clamp(0.0, 1.0)),
                }
            })
            .collect()
    }
}
