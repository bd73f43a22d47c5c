//! The common frame of the procedural voices: a `Tone` makes one note, `Player` places the notes and sets the level.

use signal::Label;

use super::Voice;
use crate::dsp::{block_dc, normalise};
use crate::note::Note;
use crate::rng::{Draw as _, Rng, rng};

/// One note to be sounded.
#[derive(Debug)]
pub(super) struct Stroke<'a> {
    pub(super) note: &'a Note,
    /// Pitch of the note that ended just before, or still sounds.
    pub(super) before: Option<f64>,
    pub(super) rate: f64,
    /// The note's own randomness: no two strokes are quite alike.
    pub(super) rng: Rng,
}

impl Stroke<'_> {
    /// Fundamental of the note.
    pub(super) fn freq(&self) -> f64 {
        self.note.freq_hz()
    }

    /// Amplitude for the velocity: about 30 dB from the softest to the hardest.
    pub(super) fn force(&self) -> f64 {
        let velocity = self.note.velocity.clamp(0.02, 1.0);
        velocity * velocity.sqrt()
    }
}

/// How an instrument makes one note.
pub(super) trait Tone: std::fmt::Debug {
    /// Adds the note to `out`, which begins at its onset and runs to the end of the part.
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]);

    /// What all notes share: body, amplifier, effects.
    fn body(&self, _rate: f64, _stem: &mut [f32]) {}
}

/// A voice that sounds its notes one by one.
#[derive(Debug)]
pub(super) struct Player<T> {
    pub(super) label: Label,
    pub(super) range: (f64, f64),
    pub(super) polyphony: usize,
    pub(super) seed: u64,
    pub(super) tone: T,
}

impl<T: Tone + 'static> Player<T> {
    /// The voice, boxed.
    pub(super) fn boxed(
        label: Label,
        range: (f64, f64),
        polyphony: usize,
        rng: &mut Rng,
        tone: T,
    ) -> Box<dyn Voice> {
        Box::new(Self { label, range, polyphony, seed: rng.seed(), tone })
    }
}

impl<T: Tone> Voice for Player<T> {
    fn label(&self) -> Label {
        self.label
    }

    fn range(&self) -> (f64, f64) {
        self.range
    }

    fn polyphony(&self) -> usize {
        self.polyphony
    }

    fn play(&self, notes: &[Note], length_s: f64, rate_hz: u32) -> Vec<f32> {
        let rate = f64::from(rate_hz);
        let mut stem = vec![0.0; frames(length_s, rate)];
        let mut order: Vec<&Note> = notes.iter().collect();
        order.sort_by(|a, b| a.start_s.total_cmp(&b.start_s).then(a.pitch.total_cmp(&b.pitch)));
        for (index, note) in order.iter().enumerate() {
            let before = order[..index]
                .iter()
                .rev()
                .take(4)
                .find(|last| last.start_s < note.start_s && last.end_s() > note.start_s - 0.12);
            let mut stroke = Stroke {
                note,
                before: before.map(|last| last.pitch),
                rate,
                rng: rng(self.seed.wrapping_add(index as u64), "stroke"),
            };
            let start = frames(note.start_s.max(0.0), rate);
            if let Some(out) = stem.get_mut(start..).filter(|out| !out.is_empty()) {
                self.tone.sound(&mut stroke, out);
            }
        }
        self.tone.body(rate, &mut stem);
        block_dc(&mut stem, rate);
        normalise(&mut stem, 0.5);
        stem
    }
}

/// Frames in a time, at least 0.
pub(super) fn frames(time_s: f64, rate: f64) -> usize {
    (time_s * rate).round().max(0.0) as usize
}

/// Adds one buffer to another from its start, scaled.
pub(super) fn mix(out: &mut [f32], part: &[f32], gain: f64) {
    let gain = gain as f32;
    for (x, y) in out.iter_mut().zip(part) {
        *x += y * gain;
    }
}

/// A scratch buffer for a sound of at most that length within what is left of the part.
pub(super) fn scratch(out: &[f32], length_s: f64, rate: f64) -> Vec<f32> {
    vec![0.0; frames(length_s, rate).min(out.len())]
}
