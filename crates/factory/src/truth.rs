//! What is known about a rendered song, as written to `truth.json`. Tests and `barline eval` read it back.

use serde::{Deserialize, Serialize};
use signal::Label;

use crate::defect::Defect;

/// Everything known about a song.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The seed it came from.
    pub seed: u64,
    /// Frames a second of all files.
    pub sample_rate_hz: u32,
    /// Length of all files: the bars and a tail.
    pub duration_s: f64,
    /// Quarter notes a minute.
    pub tempo_bpm: f64,
    /// E.g. `4/4`.
    pub meter: String,
    /// E.g. `A minor`.
    pub key: String,
    /// The form.
    pub sections: Vec<Section>,
    /// Bar by bar, without gaps.
    pub bars: Vec<Bar>,
    /// The parts.
    pub stems: Vec<StemTruth>,
    /// The planted faults.
    pub defects: Vec<Defect>,
}

/// A stretch of the form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// `intro`, `verse`, `chorus`, `bridge` or `outro`.
    pub name: String,
    /// Its start.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Its first bar, 1-based.
    pub first_bar: usize,
    /// Its last bar.
    pub last_bar: usize,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// 1-based.
    pub bar: usize,
    /// Its start.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Its chords, evenly spread.
    pub chords: Vec<String>,
    /// The section it lies in.
    pub section: String,
    /// The stems that sound in it, loudest first.
    pub instruments: Vec<Instrument>,
}

/// A stem within a bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    /// Index into the stems.
    pub stem: usize,
    /// The instrument.
    pub label: Label,
    /// RMS relative to the mix's in that bar.
    pub level_db: f64,
    /// Whether it lies at most 20 dB below the mix.
    pub audible: bool,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StemTruth {
    /// Relative to the song's folder.
    pub file: String,
    /// The instrument.
    pub label: Label,
    /// Gain in the mix on an instrument that peaks at -6 dBFS.
    pub gain_db: f64,
    /// -1 left to 1 right.
    pub pan: f64,
    /// Its colour.
    pub descriptors: Descriptors,
}

/// How a stem sounds, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descriptors {
    /// Centroid of the long-term magnitude spectrum, logarithmic from 200 Hz to 6 kHz.
    pub brightness: f64,
    /// Share of the power between 120 and 400 Hz, 1 for 90 % and more.
    pub warmth: f64,
    /// Reverberation added in the mix.
    pub space: f64,
    /// Distortion.
    pub dirt: f64,
    /// Onsets a second, logarithmic from 0.5 to 8.
    pub density: f64,
}
