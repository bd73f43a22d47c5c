//! Labelled music: songs, stems and planted defects whose truth is known, for the tests, the training and `barline eval`.
//! Pure and seeded: the same seed gives the same samples on every platform.

pub mod bank;
pub mod clip;
pub mod defect;
mod dsp;
pub mod ebu;
pub mod note;
pub mod phrase;
pub mod playing;
pub mod rng;
pub mod scene;
pub mod song;
pub mod theory;
pub mod treatment;
pub mod truth;
pub mod voice;
