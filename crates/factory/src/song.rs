//! Whole songs from a seed: form, harmony, ensemble and parts. `write` renders one into a folder with its truth;
//! tests, training and `barline eval` call it.

mod files;
mod form;
mod measure;
mod part;
mod render;

#[cfg(test)]
mod tests;

use signal::Label;

use crate::defect::{Defect, Kind, Target};
use crate::note::Note;
use crate::rng::{Draw as _, rng};
use crate::theory::{Chord, Key};
use crate::truth::Truth;

pub use files::{FactoryError, write};
pub use render::{Rendered, Stem};

/// Beats of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Upper number.
    pub beats: usize,
    /// Lower number: 4 for quarters, 8 for eighths.
    pub unit: usize,
}

impl Meter {
    /// Length of a bar in quarter notes.
    pub fn quarters(self) -> f64 {
        self.beats as f64 * 4.0 / self.unit as f64
    }

    /// Length of the beat that is felt in quarter notes: in compound meters three of the meter's units.
    pub fn beat_quarters(self) -> f64 {
        if self.unit == 8 && self.beats.is_multiple_of(3) { 1.5 } else { 1.0 }
    }
}

impl std::fmt::Display for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.beats, self.unit)
    }
}

/// A stretch of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `intro`, `verse`, `chorus`, `bridge` or `outro`; equal names have equal music.
    pub name: &'static str,
    /// Index of its first bar, from 0.
    pub first_bar: usize,
    /// Its length.
    pub bars: usize,
}

/// One instrument's part.
#[derive(Clone, Debug)]
pub struct Part {
    /// The instrument.
    pub label: Label,
    /// All its notes, sorted by onset.
    pub notes: Vec<Note>,
    /// Level of its passages above the mix's reference.
    pub gain_db: f64,
    /// -1 left, 0 middle, 1 right.
    pub pan: f64,
    /// Share of reverberation, 0 dry to 1.
    pub space: f64,
    /// Seed of the instrument's patch.
    pub patch: u64,
}

/// A composed song.
#[derive(Clone, Debug)]
pub struct Song {
    /// What it was composed from.
    pub seed: u64,
    /// Quarter notes a minute, constant.
    pub tempo_bpm: f64,
    /// Constant.
    pub meter: Meter,
    /// Constant.
    pub key: Key,
    /// The chords of each bar, evenly spread over it.
    pub chords: Vec<Vec<Chord>>,
    /// The form, covering all bars.
    pub sections: Vec<Section>,
    /// The ensemble.
    pub parts: Vec<Part>,
}

impl Song {
    /// Composes the song of a seed: 16 to 32 bars, 4 to 8 parts.
    pub fn compose(seed: u64) -> Self {
        let mut rng = rng(seed, "song");
        let meter = [(4, 4), (3, 4), (6, 8)][rng.weighted(&[0.8, 0.12, 0.08])];
        let meter = Meter { beats: meter.0, unit: meter.1 };
        // Tenths keep the number short in the truth.
        let tempo_bpm = (rng.log_range(62.0, 178.0) * 10.0).round() / 10.0;
        let key = Key::draw(&mut rng);
        let sections = form::sections(&mut rng);
        let chords = form::chords(key, &sections, &mut rng);
        let mut song = Self { seed, tempo_bpm, meter, key, chords, sections, parts: Vec::new() };
        let labels = form::ensemble(&mut rng);
        let plan = form::plan(&song.sections, &labels, &mut rng);
        song.parts = part::parts(&song, &labels, &plan);
        song
    }

    /// All that is known about this song as it was rendered.
    pub fn truth(&self, rendered: &Rendered) -> Truth {
        measure::truth(self, rendered)
    }

    /// Number of bars.
    pub fn bars(&self) -> usize {
        self.chords.len()
    }

    /// Length of a bar.
    pub fn bar_s(&self) -> f64 {
        self.meter.quarters() * 60.0 / self.tempo_bpm
    }

    /// Length of the audio: all bars and a tail for what still rings.
    pub fn length_s(&self) -> f64 {
        self.bars() as f64 * self.bar_s() + 1.5
    }

    /// The section of a bar.
    pub fn section(&self, bar: usize) -> &'static str {
        self.sections.iter().rev().find(|s| s.first_bar <= bar).map_or("verse", |s| s.name)
    }

    /// The faults that belong to the seed: none for half of the songs, else one to three on stems or the mix.
    pub fn defects(&self) -> Vec<Defect> {
        let mut rng = rng(self.seed, "defects");
        if rng.chance(0.5) {
            return Vec::new();
        }
        let mut defects: Vec<Defect> = Vec::new();
        for _ in 0..rng.int(1, 3) {
            let on = if rng.chance(0.3) {
                Target::Mix
            } else {
                Target::Stem(rng.int(0, self.parts.len() - 1))
            };
            let kind = Kind::draw(on, &mut rng);
            if defects.iter().all(|other| other.on != on) {
                defects.push(Defect::draw(on, kind, &mut rng));
            }
        }
        defects
    }
}
