//! Listens to notes rather than levels: pulse, chords, key and sections of a mono stream.

use signal::Section;

use crate::chords::{self, Chord, Classes};
use crate::chroma::{self, Partial, Partials};
use crate::key::{Key, Tally};
use crate::rhythm::{self, Onsets, Rhythm};
use crate::sections::Scenery;

/// Frames of partials begun within the length of one; the key and the sections count one in so many of them.
const OVERLAP: usize = 4;
const STRIDE: usize = 2;

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
    /// Its sections, from 0 to its end without gaps.
    pub sections: Vec<Section>,
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
    bin_hz: f64,
    chroma: Vec<[f32; 12]>,
    classes: Vec<Classes>,
    tally: Tally,
    scenery: Scenery,
}

impl Pitches {
    fn hear(&mut self, partials: &[Partial], power: &[f32]) {
        if self.chroma.len().is_multiple_of(STRIDE) {
            self.tally.add(partials);
            self.scenery.add(partials, power, self.bin_hz);
        }
        self.chroma.push(chroma::fold(partials));
        self.classes.push(Classes::of(partials));
    }
}

impl MusicTracker {
    /// For a mono stream.
    pub fn new(rate_hz: u32) -> Self {
        let partials = Partials::new(rate_hz, OVERLAP);
        let pitches = Pitches {
            bin_hz: partials.bin_hz(),
            chroma: Vec::new(),
            classes: Vec::new(),
            tally: Tally::new(),
            scenery: Scenery::default(),
        };
        Self { rate_hz, samples: 0, onsets: Onsets::new(rate_hz), partials, pitches }
    }

    /// Takes the next samples, in blocks of any size.
    pub fn push(&mut self, mono: &[f32]) {
        self.samples += mono.len() as u64;
        self.onsets.push(mono);
        let pitches = &mut self.pitches;
        self.partials.push(mono, |partials, power| pitches.hear(partials, power));
    }

    /// Ends the slice.
    pub fn finish(mut self) -> Music {
        let duration_s = self.samples as f64 / f64::from(self.rate_hz);
        self.onsets.flush();
        let pitches = &mut self.pitches;
        self.partials.flush(|partials, power| pitches.hear(partials, power));
        let step_s = self.partials.hop_s();
        let rhythm = rhythm::pulse(&self.onsets, &pitches.chroma, step_s, duration_s);
        let harmony = chords::recognise(&pitches.classes, step_s, &rhythm.beats_s, duration_s);
        let key = pitches.tally.key(&harmony);
        let attacks = rhythm::attacks(&self.onsets.strength, self.onsets.step_s()) as f64;
        let onsets_per_s = (duration_s > 0.0).then(|| attacks / duration_s);
        let hop_s = step_s * STRIDE as f64;
        let sections = pitches.scenery.sections(hop_s, duration_s, &rhythm.downbeats_s);
        Music { rhythm, chords: harmony.chords, key, onsets_per_s, sections }
    }
}

#[cfg(test)]
mod tests;
