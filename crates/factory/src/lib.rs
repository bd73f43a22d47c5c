//! Labelled music: songs, stems and planted defects whose truth is known, for the tests, the training and `barline eval`.
//! Pure and seeded: the same seed gives the same samples on every platform.

mod dsp;
pub mod note;
pub mod rng;
pub mod voice;
pub mod bank;
pub mod clip;
pub mod phrase;
pub mod treatment;
pub mod defect;
pub mod song;
pub mod theory;
pub mod truth;
