//! The human voice's parts: a glottal wave, and a vocal tract of five formants in a chain (Klatt 1980). `sung` and `spoken` move them.

use crate::dsp::{Resonator, Table, db};
use crate::rng::{Draw as _, Rng};

/// First three formants of the vowels in Hz for an adult male (Peterson and Barney 1952).
pub(super) const VOWELS: [[f64; 3]; 10] = [
    [730.0, 1090.0, 2440.0], // father
    [530.0, 1840.0, 2480.0], // bed
    [270.0, 2290.0, 3010.0], // heed
    [570.0, 840.0, 2410.0],  // saw
    [300.0, 870.0, 2240.0],  // who
    [660.0, 1720.0, 2410.0], // had
    [490.0, 1350.0, 1690.0], // bird
    [640.0, 1190.0, 2390.0], // but
    [390.0, 1990.0, 2550.0], // hid
    [440.0, 1020.0, 2240.0], // hood
];

/// Who speaks or sings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    /// Formants relative to an adult male's: about 1.17 for women, 1.35 for children.
    pub(super) scale: f64,
    /// Comfortable fundamental when speaking.
    pub(super) speech_hz: f64,
    /// Comfortable sung MIDI pitches.
    pub(super) sung: (f64, f64),
    /// Fall of the glottal spectrum beyond the first harmonics, in dB an octave.
    pub(super) tilt_db: f64,
    /// Aspiration noise.
    pub(super) breath: f64,
    /// Share of the source's highs that passes above the five formants.
    pub(super) air: f64,
}

impl Person {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let kind = rng.weighted(&[0.42, 0.45, 0.13]);
        let (scale, speech_hz, low) = [
            (rng.range(0.92, 1.06), rng.log_range(85.0, 150.0), rng.range(40.0, 48.0)),
            (rng.range(1.1, 1.24), rng.log_range(165.0, 250.0), rng.range(53.0, 60.0)),
            (rng.range(1.26, 1.45), rng.log_range(230.0, 330.0), rng.range(58.0, 63.0)),
        ][kind];
        Self {
            scale,
            speech_hz,
            sung: (low, low + rng.range(17.0, 24.0)),
            tilt_db: rng.range(7.0, 13.0),
            breath: rng.log_range(0.01, 0.15),
            air: rng.log_range(0.004, 0.1),
        }
    }

    /// The five formants of a vowel. The first is raised to the fundamental, as singers do.
    pub(super) fn formants(&self, vowel: [f64; 3], freq_hz: f64) -> [f64; 5] {
        let [f1, f2, f3] = vowel.map(|f| f * self.scale);
        let f1 = f1.max(freq_hz * 1.02);
        let f2 = f2.max(f1 * 1.25);
        [f1, f2, f3.max(f2 * 1.1), 3400.0 * self.scale, 4300.0 * self.scale]
    }

    /// One period of the derivative of the glottal flow at a pitch; `effort` in 0..1 flattens the tilt.
    pub(super) fn glottis(&self, highest_hz: f64, effort: f64, rate: f64) -> Table {
        let count = ((0.48 * rate).min(16_000.0) / highest_hz).max(1.0) as usize;
        let tilt = self.tilt_db - 4.0 * effort;
        let amps: Vec<f64> = (1..=count)
            .map(|k| {
                // The open quotient rounds off the first harmonic's neighbourhood.
                let glottal = if k == 1 { 1.1 } else { 1.0 };
                glottal
                    * db(-tilt * libm::log2(k as f64) * if k < 4 { 0.75 } else { 1.0 }
                        + if k < 4 { 0.0 } else { -0.5 * tilt + 3.0 })
            })
            .collect();
        Table::new(&amps, &vec![0.25; count])
    }
}

/// Five resonators in a chain with moving centres.
#[derive(Clone, Debug)]
pub(super) struct Tract {
    rate: f64,
    at_hz: [f64; 5],
    resonators: [Resonator; 5],
    air: f64,
    last: f64,
}

impl Tract {
    pub(super) fn new(formants_hz: [f64; 5], air: f64, rate: f64) -> Self {
        let mut tract =
            Self { rate, at_hz: formants_hz, resonators: Default::default(), air, last: 0.0 };
        tract.approach(formants_hz, 1.0);
        tract
    }

    /// Moves a share of the way towards other formants. Bandwidths grow with frequency, after Klatt's table II.
    pub(super) fn approach(&mut self, formants_hz: [f64; 5], share: f64) {
        const WIDTHS: [f64; 5] = [65.0, 85.0, 130.0, 220.0, 300.0];
        for i in 0..5 {
            self.at_hz[i] += share * (formants_hz[i] - self.at_hz[i]);
            let width = WIDTHS[i] + 0.02 * self.at_hz[i];
            self.resonators[i].tune(self.at_hz[i], width, self.rate);
        }
    }

    /// The next sample.
    pub(super) fn next(&mut self, x: f64) -> f64 {
        let edge = self.air * (x - self.last);
        self.last = x;
        edge + self.resonators.iter_mut().fold(x, |x, r| r.next(x))
    }
}
