//! Key of a slice: pitch classes of its partials, tuning estimated, held against key profiles.
//!
//! Profiles: Krumhansl & Kessler 1982 (probe tones) and Temperley 2001 (revised Kostka-Payne counts), averaged; the
//! first knows which notes sound stable, the second which are used.

use crate::chords::Chord;
use crate::chroma::{Partial, Partials};

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
/// A profile fits at least this well (correlation), or there is no key.
const LEAST_FIT: f64 = 0.3;
/// Partials of notes gather around the semitones of one tuning; those of noise (0.01) and
/// drums (0.05) don't. Lengths of the mean vector from which there is a key, and from which it is clear.
pub(crate) const LEAST_CLARITY: f64 = 0.07;
const CLEAR: f64 = 0.15;
/// A lead over the next best key that makes it certain.
const SURE_LEAD: f64 = 0.25;

const KRUMHANSL: [[f64; 12]; 2] = [
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
];
const TEMPERLEY: [[f64; 12]; 2] = [
    [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
    [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
];
/// What chords say beside what all pitches say.
const CHORD_SHARE: f64 = 2.0;
/// The first and the last chord count as if they were longer by this share of the slice: songs begin and end at home.
const FRAME_SHARE: f64 = 0.3;
/// Triads of a key by semitones over the tonic, whether minor, and how much they speak for it: the tonic most, then its
/// dominant and subdominant (after the harmonic hierarchy of Krumhansl 1990, chapter 7).
const DEGREES: [&[(usize, bool, f64)]; 2] = [
    &[
        (0, false, 1.0),
        (7, false, 0.7),
        (5, false, 0.65),
        (9, true, 0.55),
        (2, true, 0.5),
        (4, true, 0.4),
    ],
    &[
        (0, true, 1.0),
        (7, false, 0.7),
        (5, true, 0.65),
        (8, false, 0.55),
        (3, false, 0.5),
        (10, false, 0.5),
        (7, true, 0.5),
    ],
];

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

/// Collects the pitch classes of a mono stream.
#[derive(Debug)]
pub struct KeyTracker {
    partials: Partials,
    tally: Tally,
}

#[derive(Debug)]
struct Tally {
    steps: Vec<f64>,
    frames: usize,
}

impl KeyTracker {
    /// For a mono stream.
    pub fn new(rate_hz: u32) -> Self {
        let tally = Tally { steps: vec![0.0; STEPS], frames: 0 };
        Self { partials: Partials::new(rate_hz, 2), tally }
    }

    /// Takes the next samples, in blocks of any size.
    pub fn push(&mut self, mono: &[f32]) {
        let tally = &mut self.tally;
        self.partials.push(mono, |partials, _| tally.add(partials));
    }

    /// Ends the slice: its key, or `None` where it has no clear pitches. What its chords say counts as well.
    pub fn finish(mut self, chords: &[Chord]) -> Option<Key> {
        let tally = &mut self.tally;
        self.partials.flush(|partials, _| tally.add(partials));
        if self.tally.frames < FEWEST_FRAMES {
            return None;
        }
        let (tuning, clarity) = self.tally.tuning();
        if clarity < LEAST_CLARITY {
            return None;
        }
        let key = best_key(&self.tally.chroma(tuning), chords)?;
        let confidence = key.confidence * (clarity / CLEAR).min(1.0);
        Some(Key { confidence, tuning_cents: tuning * 100.0, ..key })
    }
}

impl Tally {
    fn add(&mut self, partials: &[Partial]) {
        if partials.is_empty() {
            return;
        }
        self.frames += 1;
        // Each frame counts the same, so that a loud passage doesn't decide alone.
        let scale = 1.0 / partials.iter().map(|p| p.weight).sum::<f64>();
        for partial in partials {
            let gain = if partial.pitch < BASS_PITCH { BASS_GAIN } else { 1.0 };
            let mut weight = partial.weight * scale * gain;
            for harmonic in 1..=HARMONICS {
                let pitch = partial.pitch - 12.0 * (harmonic as f64).log2();
                let step = (pitch.rem_euclid(12.0) * (STEPS / 12) as f64).round() as usize % STEPS;
                self.steps[step] += weight;
                weight *= HARMONIC_DECAY;
            }
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

/// How well the chords fit a key, 0 to 1: each by its degree, its length and how clear it is.
fn chord_fit(chords: &[Chord], tonic: usize, minor: bool) -> f64 {
    let degrees = &DEGREES[usize::from(minor)];
    let (mut sum, mut weights) = (0.0, 0.0);
    let total_s: f64 = chords.iter().map(|chord| chord.end_s - chord.start_s).sum();
    for (index, chord) in chords.iter().enumerate() {
        let at_an_end = index == 0 || index + 1 == chords.len();
        let more_s = if at_an_end { FRAME_SHARE * total_s } else { 0.0 };
        let weight = (chord.end_s - chord.start_s + more_s) * (0.2 + chord.confidence);
        let degree = (chord.root + 12 - tonic) % 12;
        let fits = degrees.iter().find(|(at, kind, _)| (*at, *kind) == (degree, chord.minor));
        sum += weight * fits.map_or(0.0, |(.., fit)| *fit);
        weights += weight;
    }
    if weights > 0.0 { sum / weights } else { 0.0 }
}

fn best_key(chroma: &[f64; 12], chords: &[Chord]) -> Option<Key> {
    let mut fits: Vec<(f64, usize, bool)> = Vec::with_capacity(24);
    for (mode, minor) in [false, true].into_iter().enumerate() {
        for tonic in 0..12 {
            let fit =
                0.5 * (fit(chroma, &KRUMHANSL[mode], tonic) + fit(chroma, &TEMPERLEY[mode], tonic));
            fits.push((fit + CHORD_SHARE * chord_fit(chords, tonic, minor), tonic, minor));
        }
    }
    fits.sort_by(|a, b| b.0.total_cmp(&a.0));
    // What a perfect fit comes to.
    let most = if chords.is_empty() { 1.0 } else { 1.0 + CHORD_SHARE };
    let (best, second) = (fits[0].0 / most, fits[1].0 / most);
    let (_, tonic, minor) = fits[0];
    if best.is_nan() || best < LEAST_FIT {
        return None;
    }
    let lead = ((best - second) / SURE_LEAD).min(1.0);
    let confidence = (best * (0.4 + 0.6 * lead)).clamp(0.0, 1.0);
    Some(Key { tonic, minor, confidence, tuning_cents: 0.0 })
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

#[cfg(test)]
mod tests;
