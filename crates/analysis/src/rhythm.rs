//! Tempo, beats and downbeats by ear, for audio whose host gives no clock.

mod beats;
mod onset;
mod tempo;

use crate::chords::{self, Chord, Classes};
use crate::chroma::{self, Partial, Partials};
use onset::Onsets;

/// Shortest slice with a tempo of its own.
const SHORTEST_S: f64 = 3.0;
/// Fewest beats that make a tempo.
const FEWEST_BEATS: usize = 4;
/// Beats a bar where nobody tells.
const COMMON_TIME: usize = 4;

/// The pulse of a slice, and the chords that change on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rhythm {
    /// Tempo in beats a minute, `None` where there is no steady pulse.
    pub tempo_bpm: Option<f64>,
    /// How sure the tempo is, 0 to 1.
    pub confidence: f64,
    /// Times of the beats in seconds.
    pub beats_s: Vec<f64>,
    /// Times of the first beats of the bars in seconds.
    pub downbeats_s: Vec<f64>,
    /// The chords, changing on beats; on half seconds where there is no pulse.
    pub chords: Vec<Chord>,
}

impl Rhythm {
    /// A grid that the user or a host gave: a downbeat at `offset_s`, and beats from the slice's start to its end.
    /// Without a finite positive tempo there are no beats.
    pub fn from_grid(bpm: f64, beats_per_bar: usize, offset_s: f64, duration_s: f64) -> Self {
        let period_s = 60.0 / bpm;
        // A thousand beats a second is no tempo, and would not end.
        if !(period_s.is_finite()
            && period_s > 1e-3
            && offset_s.is_finite()
            && duration_s.is_finite())
        {
            return Self::default();
        }
        let beats_per_bar = beats_per_bar.max(1) as i64;
        let first = (-offset_s / period_s - 1e-9).ceil() as i64;
        let mut rhythm = Self { tempo_bpm: Some(bpm), confidence: 1.0, ..Self::default() };
        for beat in first.. {
            let time_s = offset_s + beat as f64 * period_s;
            if time_s >= duration_s {
                break;
            }
            rhythm.beats_s.push(time_s.max(0.0));
            if beat.rem_euclid(beats_per_bar) == 0 {
                rhythm.downbeats_s.push(time_s.max(0.0));
            }
        }
        rhythm
    }
}

/// Listens for the pulse of a mono stream.
#[derive(Debug)]
pub struct RhythmTracker {
    rate_hz: u32,
    samples: u64,
    onsets: Onsets,
    partials: Partials,
    pitches: Pitches,
}

/// What each frame's partials come to, for downbeats and for chords.
#[derive(Debug, Default)]
struct Pitches {
    chroma: Vec<[f32; 12]>,
    classes: Vec<Classes>,
}

impl Pitches {
    fn hear(&mut self, partials: &[Partial]) {
        self.chroma.push(chroma::fold(partials));
        self.classes.push(Classes::of(partials));
    }
}

impl RhythmTracker {
    /// For a mono stream.
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            samples: 0,
            onsets: Onsets::new(rate_hz),
            partials: Partials::new(rate_hz, 4),
            pitches: Pitches::default(),
        }
    }

    /// Takes the next samples, in blocks of any size.
    pub fn push(&mut self, mono: &[f32]) {
        self.samples += mono.len() as u64;
        self.onsets.push(mono);
        let pitches = &mut self.pitches;
        self.partials.push(mono, |partials, _| pitches.hear(partials));
    }

    /// Ends the slice, taking four beats a bar.
    pub fn finish(self) -> Rhythm {
        self.finish_with_meter(COMMON_TIME)
    }

    /// Ends the slice with the meter given by the user or the host.
    pub fn finish_with_meter(mut self, beats_per_bar: usize) -> Rhythm {
        let duration_s = self.samples as f64 / f64::from(self.rate_hz);
        self.onsets.flush();
        let pitches = &mut self.pitches;
        self.partials.flush(|partials, _| pitches.hear(partials));
        let mut rhythm = self.pulse(beats_per_bar, duration_s);
        let hop_s = self.partials.hop_s();
        rhythm.chords =
            chords::recognise(&self.pitches.classes, hop_s, &rhythm.beats_s, duration_s);
        rhythm
    }

    fn pulse(&self, beats_per_bar: usize, duration_s: f64) -> Rhythm {
        if duration_s < SHORTEST_S {
            return Rhythm::default();
        }
        let step_s = self.onsets.step_s();
        let envelope = onset::flatten(&self.onsets.strength, step_s);
        let Some(tempo) = tempo::estimate(&envelope, step_s) else { return Rhythm::default() };
        let beats = beats::track(&envelope, tempo.period_steps);
        let beats_s: Vec<f64> = beats
            .iter()
            .map(|&beat| beat as f64 * step_s)
            .filter(|&beat| beat < duration_s)
            .collect();
        if beats_s.len() < FEWEST_BEATS {
            return Rhythm::default();
        }
        let low = onset::flatten(&self.onsets.low, step_s);
        let cues = beats::Cues {
            low: &low,
            step_s,
            chroma: &self.pitches.chroma,
            chroma_step_s: self.partials.hop_s(),
        };
        let first = beats::downbeat(&beats_s, beats_per_bar.max(1), &cues);
        let downbeats_s =
            beats_s.iter().copied().skip(first).step_by(beats_per_bar.max(1)).collect();
        let tempo_bpm = Some(60.0 / (tempo.period_steps * step_s));
        let confidence = tempo.confidence;
        Rhythm { tempo_bpm, confidence, beats_s, downbeats_s, chords: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
