//! Key of a slice: pitch classes of its partials, tuning estimated, and its chords, held against the profiles of all keys.
//! Of the two pitch profiles one knows which notes sound stable, the other which are used.

mod profiles;

use crate::chords::{Harmony, TRIADS};
use crate::chroma::Partial;
use crate::likelihood::likeliest;
use profiles::{KRUMHANSL, OPENINGS, SHARES, TEMPERLEY};

/// Ten-cent steps in an octave.
const STEPS: usize = 120;
/// A partial is also the second to fourth harmonic of a lower note, each this much less likely.
const HARMONIC_DECAY: f64 = 0.4;
const HARMONICS: usize = 4;
/// Partials below this pitch (C3) are mostly roots: they count more.
const BASS_PITCH: f64 = 48.0;
const BASS_GAIN: f64 = 1.5;
/// Fewest frames with pitches (a sixth of a second each).
const FEWEST_FRAMES: usize = 6;
/// So many frames say as much as the songs did that the gains below were fitted on; fewer say less (8 s).
const FULL_FRAMES: f64 = 48.0;
/// One note has the third and the fifth among its harmonics, and one chord is in many keys: so many pitch classes must lead, each for
/// this part of the time.
const FEWEST_LEADS: usize = 3;
const LEAD_SHARE: f64 = 0.05;
/// A profile fits at least this well (correlation), or there is no key.
const LEAST_FIT: f64 = 0.3;
/// Partials of notes gather around the semitones of one tuning; those of noise (0.01) and
/// drums (0.05) don't. Lengths of the mean vector from which there is a key, and from which it is clear.
pub(crate) const LEAST_CLARITY: f64 = 0.07;
const CLEAR: f64 = 0.15;

/// What correlations with the two profiles, log-likelihoods of the chords' shares and of the first chord, and being minor
/// at all say: fitted by logistic regression on 126 factory songs and 36 of POP909 that no figure is reported on, so that
/// a key's likelihood is its confidence.
const KRUMHANSL_GAIN: f64 = 1.5;
const TEMPERLEY_GAIN: f64 = 6.0;
const SHARES_GAIN: f64 = 1.9;
const OPENING_GAIN: f64 = 0.8;
const MINOR_GAIN: f64 = 0.9;

/// Pitch classes as most keys spell them.
pub(crate) const NAMES: [&str; 12] =
    ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

/// A key and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Pitch class of the tonic, 0 = C.
    pub tonic: usize,
    /// Minor rather than major.
    pub minor: bool,
    /// 0 to 1.
    pub confidence: f64,
    /// Deviation of the slice's tuning from A4 = 440 Hz, in cents.
    pub tuning_cents: f64,
}

impl Key {
    /// The key's name, e.g. `A minor`, `Bb major`.
    pub fn name(&self) -> String {
        format!("{} {}", NAMES[self.tonic % 12], if self.minor { "minor" } else { "major" })
    }
}

/// Pitch classes of a slice, in ten-cent steps.
#[derive(Debug)]
pub(crate) struct Tally {
    steps: Vec<f64>,
    frames: usize,
    /// Frames in which each pitch class is the strongest.
    leads: [usize; 12],
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { steps: vec![0.0; STEPS], frames: 0, leads: [0; 12] }
    }

    /// The key, or `None` where there are no clear pitches. What the chords say counts as well.
    pub(crate) fn key(&self, harmony: &Harmony) -> Option<Key> {
        if self.frames < FEWEST_FRAMES {
            return None;
        }
        let (tuning, clarity) = self.tuning();
        let least = LEAD_SHARE * self.frames as f64;
        let leads = self.leads.iter().filter(|&&frames| frames as f64 >= least).count();
        if clarity < LEAST_CLARITY || leads < FEWEST_LEADS {
            return None;
        }
        let weight = (self.frames as f64 / FULL_FRAMES).min(1.0);
        let key = best_key(&self.chroma(tuning), harmony, weight)?;
        let confidence = key.confidence * (clarity / CLEAR).min(1.0);
        Some(Key { confidence, tuning_cents: tuning * 100.0, ..key })
    }

    /// Counts the partials of a frame.
    pub(crate) fn add(&mut self, partials: &[Partial]) {
        if partials.is_empty() {
            return;
        }
        self.frames += 1;
        // Each frame counts the same, so that a loud passage doesn't decide alone.
        let scale = 1.0 / partials.iter().map(|p| p.weight).sum::<f64>();
        let mut classes = [0.0; 12];
        for partial in partials {
            let gain = if partial.pitch < BASS_PITCH { BASS_GAIN } else { 1.0 };
            let mut weight = partial.weight * scale * gain;
            for harmonic in 1..=HARMONICS {
                let pitch = partial.pitch - 12.0 * (harmonic as f64).log2();
                let step = (pitch.rem_euclid(12.0) * (STEPS / 12) as f64).round() as usize % STEPS;
                self.steps[step] += weight;
                classes[(pitch.round() as i64).rem_euclid(12) as usize] += weight;
                weight *= HARMONIC_DECAY;
            }
        }
        if let Some(lead) = (0..12).max_by(|&a, &b| f64::total_cmp(&classes[a], &classes[b])) {
            self.leads[lead] += 1;
        }
    }

    /// The slice's tuning in semitones off A4 = 440 Hz, and how clearly its partials keep to it, 0 to 1.
    fn tuning(&self) -> (f64, f64) {
        let per_class = STEPS / 12;
        let (mut sin, mut cos, mut total) = (0.0, 0.0, 0.0);
        for (step, &weight) in self.steps.iter().enumerate() {
            let angle = std::f64::consts::TAU * (step % per_class) as f64 / per_class as f64;
            sin += weight * angle.sin();
            cos += weight * angle.cos();
            total += weight;
        }
        (sin.atan2(cos) / std::f64::consts::TAU, f64::hypot(sin, cos) / f64::max(total, 1e-9))
    }

    /// Pitch classes at that tuning, C first.
    fn chroma(&self, tuning: f64) -> [f64; 12] {
        let per_class = STEPS / 12;
        let mut chroma = [0.0; 12];
        for (step, &weight) in self.steps.iter().enumerate() {
            let pitch = step as f64 / per_class as f64 - tuning;
            // Between two semitones is neither: noise and drums spread over all steps and cancel out.
            let off = pitch - pitch.round();
            chroma[(pitch.round() as i64).rem_euclid(12) as usize] +=
                weight * (-(off / 0.2).powi(2)).exp();
        }
        chroma
    }
}

/// The likeliest key, where what is heard says this much (1: as much as a song).
fn best_key(chroma: &[f64; 12], harmony: &Harmony, weight: f64) -> Option<Key> {
    let says = |key: usize| {
        let (tonic, mode) = (key % 12, key / 12);
        let [sounds, used] =
            [&KRUMHANSL, &TEMPERLEY].map(|profiles| fit(chroma, &profiles[mode], tonic));
        let log = |shares: &[f64; TRIADS], expected: &[f64; TRIADS]| -> f64 {
            let degree = |triad: usize| (triad % 12 + 12 - tonic) % 12 + 12 * (triad / 12);
            (0..TRIADS).map(|triad| shares[triad] * expected[degree(triad)].ln()).sum()
        };
        let chords = SHARES_GAIN * log(&harmony.shares, &SHARES[mode])
            + OPENING_GAIN * log(&harmony.opening, &OPENINGS[mode]);
        let profiles = KRUMHANSL_GAIN * sounds + TEMPERLEY_GAIN * used;
        (f64::midpoint(sounds, used), profiles + chords + MINOR_GAIN * mode as f64)
    };
    let said: Vec<(f64, f64)> = (0..24).map(says).collect();
    if said.iter().map(|(fit, _)| *fit).fold(f64::MIN, f64::max) < LEAST_FIT {
        return None;
    }
    let scores: Vec<f64> = said.iter().map(|(_, score)| weight * score).collect();
    let (best, confidence) = likeliest(&scores)?;
    Some(Key { tonic: best % 12, minor: best >= 12, confidence, tuning_cents: 0.0 })
}

/// Correlation of pitch classes with a profile on a tonic.
fn fit(chroma: &[f64; 12], profile: &[f64; 12], tonic: usize) -> f64 {
    let mean = |values: &[f64; 12]| values.iter().sum::<f64>() / 12.0;
    let (chroma_mean, profile_mean) = (mean(chroma), mean(profile));
    let (mut cross, mut a, mut b) = (0.0, 0.0, 0.0);
    for class in 0..12 {
        let x = chroma[(class + tonic) % 12] - chroma_mean;
        let y = profile[class] - profile_mean;
        cross += x * y;
        a += x * x;
        b += y * y;
    }
    if a > 0.0 { cross / (a * b).sqrt() } else { 0.0 }
}
