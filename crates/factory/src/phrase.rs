//! Random musical phrases for any instrument: key, chords, rhythm and touch. `clip` and the held-out phrases play them.

use signal::Label;

use crate::note::Note;
use crate::rng::{Draw as _, Rng};

mod drums;
mod pitched;

/// Scales as semitones over the tonic: major, natural and harmonic minor, dorian, mixolydian, phrygian, lydian.
const SCALES: [[f64; 7]; 7] = [
    [0.0, 2.0, 4.0, 5.0, 7.0, 9.0, 11.0],
    [0.0, 2.0, 3.0, 5.0, 7.0, 8.0, 10.0],
    [0.0, 2.0, 3.0, 5.0, 7.0, 8.0, 11.0],
    [0.0, 2.0, 3.0, 5.0, 7.0, 9.0, 10.0],
    [0.0, 2.0, 4.0, 5.0, 7.0, 9.0, 10.0],
    [0.0, 1.0, 3.0, 5.0, 7.0, 8.0, 10.0],
    [0.0, 2.0, 4.0, 6.0, 7.0, 9.0, 11.0],
];

/// What all parts of a clip share: tempo, meter, key and chords.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Quarter notes a minute.
    pub tempo_bpm: f64,
    beats_per_bar: usize,
    tonic: f64,
    scale: [f64; 7],
    /// The degree on which each half bar's chord stands, repeated.
    roots: Vec<i32>,
    /// How late the off-beat sixteenths come, as a share of a sixteenth.
    swing: f64,
}

impl Setting {
    /// Any tempo from 60 to 185, mostly four beats, any key.
    pub fn random(rng: &mut Rng) -> Self {
        let half_bars = rng.pick(&[2, 4, 4, 8]);
        let mut roots = Vec::new();
        while roots.len() < half_bars {
            let root = rng.pick(&[0, 0, 3, 4, 5, 5, 1, 2, 6]);
            let lasts = rng.pick(&[1, 2, 2, 2, 4]);
            roots.extend(core::iter::repeat_n(root, lasts));
        }
        Self {
            tempo_bpm: rng.log_range(60.0, 185.0),
            beats_per_bar: rng.pick(&[4, 4, 4, 4, 4, 4, 3, 6]),
            tonic: rng.int(0, 11) as f64,
            scale: SCALES[rng.weighted(&[4.0, 4.0, 1.0, 2.0, 1.0, 0.5, 0.5])],
            roots,
            swing: if rng.chance(0.25) { rng.range(0.1, 0.34) } else { 0.0 },
        }
    }

    /// The same music at another tempo.
    #[must_use]
    pub fn at_tempo(mut self, tempo_bpm: f64) -> Self {
        self.tempo_bpm = tempo_bpm;
        self
    }

    fn step_s(&self) -> f64 {
        15.0 / self.tempo_bpm
    }

    fn steps_per_bar(&self) -> usize {
        self.beats_per_bar * 4
    }

    /// Time of a sixteenth, swung.
    fn at_s(&self, step: usize) -> f64 {
        let late = if step % 2 == 1 { self.swing } else { 0.0 };
        (step as f64 + late) * self.step_s()
    }

    /// MIDI pitch of a scale degree; degree 0 is the tonic in the octave from MIDI 0.
    fn pitch(&self, degree: i32) -> f64 {
        self.tonic
            + 12.0 * f64::from(degree.div_euclid(7))
            + self.scale[degree.rem_euclid(7) as usize]
    }

    /// The scale degree nearest to a MIDI pitch.
    fn degree(&self, pitch: f64) -> i32 {
        let guess = ((pitch - self.tonic) / 12.0 * 7.0).round() as i32;
        let miss = |degree: &i32| ((self.pitch(*degree) - pitch).abs() * 1000.0) as i64;
        (guess - 2..=guess + 2).min_by_key(miss).unwrap_or(guess)
    }

    /// Root degree, in 0..7, of the chord that sounds at a sixteenth.
    fn root(&self, step: usize) -> i32 {
        self.roots[step / (self.steps_per_bar() / 2).max(1) % self.roots.len()]
    }
}

/// A phrase for a label, within the pitches and the number of voices that its instrument allows.
/// Onsets lie in `0..length_s` and are sorted; kit phrases are General MIDI percussion keys.
pub fn compose(
    label: Label,
    setting: &Setting,
    range: (f64, f64),
    polyphony: usize,
    length_s: f64,
    rng: &mut Rng,
) -> Vec<Note> {
    let steps = (length_s / setting.step_s()).ceil() as usize;
    let mut notes = if label.is_kit_piece() || matches!(label, Label::Drums | Label::Percussion) {
        drums::compose(label, setting, range, steps, rng)
    } else {
        pitched::compose(label, setting, range, polyphony, steps, rng)
    };
    let sloppy_s = rng.log_range(0.0005, 0.012);
    for note in &mut notes {
        note.start_s = (note.start_s + rng.normal(sloppy_s)).max(0.0);
        note.velocity = (note.velocity + rng.normal(0.05)).clamp(0.05, 1.0);
    }
    notes.retain(|note| note.start_s < length_s);
    notes.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    notes
}

#[cfg(test)]
mod tests;
