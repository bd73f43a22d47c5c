//! Listens to notes rather than levels: pulse, chords and key of a mono stream.

use crate::chords::{self, Chord, Classes};
use crate::chroma::{self, Partial, Partials};
use crate::key::{Key, Tally};
use crate::rhythm::{self, Onsets, Rhythm};

/// Frames of partials begun within the length of one; the key counts one in so many of them.
const OVERLAP: usize = 4;
const KEY_STRIDE: usize = 2;

/// The music of a slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Music {
    /// Tempo, beats and bars.
    pub rhythm: Rhythm,
    /// The chords, changing on beats; on half seconds where there is no pulse.
    pub chords: Vec<Chord>,
    /// The key, where there are clear pitches.
    pub key: Option<Key>,
    /// Attacks a second; `None` where there is nothing.
    pub onsets_per_s: Option<f64>,
}

/// Listens to a mono stream.
#[derive(Debug)]
pub struct MusicTracker {
    rate_hz: u32,
    samples: u64,
    onsets: Onsets,
    partials: Partials,
    pitches: Pitches,
}

/// What the partials of all frames come to.
#[derive(Debug)]
struct Pitches {
    chroma: Vec<[f32; 12]>,
    classes: Vec<Classes>,
    tally: Tally,
}

impl Pitches {
    fn hear(&mut self, partials: &[Partial]) {
        if self.chroma.len().is_multiple_of(KEY_STRIDE) {
            self.tally.add(partials);
        }
        self.chroma.push(chroma::fold(partials));
        self.classes.push(Classes::of(partials));
    }
}

impl MusicTracker {
    /// For a mono stream.
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            samples: 0,
            onsets: Onsets::new(rate_hz),
            partials: Partials::new(rate_hz, OVERLAP),
            pitches: Pitches { chroma: Vec::new(), classes: Vec::new(), tally: Tally::new() },
        }
    }

    /// Takes the next samples, in blocks of any size.
    pub fn push(&mut self, mono: &[f32]) {
        self.samples += mono.len() as u64;
        self.onsets.push(mono);
        let pitches = &mut self.pitches;
        self.partials.push(mono, |partials, _| pitches.hear(partials));
    }

    /// Ends the slice.
    pub fn finish(mut self) -> Music {
        let duration_s = self.samples as f64 / f64::from(self.rate_hz);
        self.onsets.flush();
        let pitches = &mut self.pitches;
        self.partials.flush(|partials, _| pitches.hear(partials));
        let step_s = self.partials.hop_s();
        let rhythm = rhythm::pulse(&self.onsets, &pitches.chroma, step_s, duration_s);
        let harmony = chords::recognise(&pitches.classes, step_s, &rhythm.beats_s, duration_s);
        let key = pitches.tally.key(&harmony);
        let attacks = rhythm::attacks(&self.onsets.strength, self.onsets.step_s()) as f64;
        let onsets_per_s = (duration_s > 0.0).then(|| attacks / duration_s);
        Music { rhythm, chords: harmony.chords, key, onsets_per_s }
    }
}

#[cfg(test)]
mod tests;
