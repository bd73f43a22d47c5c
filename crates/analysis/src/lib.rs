//! Meters and detectors: loudness, peaks, spectrum, stereo, dynamics, tempo, key, sections and the findings drawn
//! from them. Pure: no threads, no files. Every stream gives the same result whatever blocks it arrives in.

mod band_meter;
mod chords;
mod chroma;
mod decibel;
mod detect;
mod error;
mod key;
mod likelihood;
mod masking;
mod meter;
mod monitor;
mod mono;
mod music;
mod rhythm;
mod sections;
mod spectrum;
#[cfg(test)]
mod testing;

pub use band_meter::BandMeter;
pub use chords::Chord;
pub use detect::{Programme, Target, detect};
pub use error::AnalysisError;
pub use key::Key;
pub use masking::{Hidden, masking};
pub use meter::Meter;
pub use monitor::{Monitor, Reading};
pub use music::{Music, MusicTracker};
pub use rhythm::{Rhythm, TimeSignature};
