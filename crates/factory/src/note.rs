//! A note to be played: what composers (`song`, `phrase`) write and voices read.

use serde::{Deserialize, Serialize};

/// One note of a part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Onset from the start of the part.
    pub start_s: f64,
    /// Time from onset to release.
    pub duration_s: f64,
    /// MIDI pitch, fractions allowed: 69 is A4 at 440 Hz. Unpitched voices read it as "which piece" or "how high".
    pub pitch: f64,
    /// Strength of the stroke, 0 to 1.
    pub velocity: f64,
}

impl Note {
    /// The pitch as a frequency in equal temperament.
    pub fn freq_hz(&self) -> f64 {
        pitch_hz(self.pitch)
    }

    /// Time of the release.
    pub fn end_s(&self) -> f64 {
        self.start_s + self.duration_s
    }
}

/// Frequency in Hz of a MIDI pitch in equal temperament, A4 = 440 Hz.
pub fn pitch_hz(pitch: f64) -> f64 {
    440.0 * libm::exp2((pitch - 69.0) / 12.0)
}
