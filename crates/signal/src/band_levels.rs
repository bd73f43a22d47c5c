//! Levels in 1/3-octave bands, ten times a second: what is kept of a signal once its audio is gone.
//!
//! `analysis::BandMeter` writes them for a stem or a plugin instance, `analysis::masking` compares them.

/// The bands of one step in dBFS, lowest first; see [`BandLevels::steps_db`].
pub type BandStep = [f32; BandLevels::BANDS];

/// Band levels of one signal over time. 1.2 kB a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BandLevels {
    /// Mean power of the channels in dBFS (a full-scale sine is -3.01), `[steps][BANDS]`: step `i` tells of the time
    /// from `i` to `i + 1` times [`Self::STEP_S`]. [`crate::Band::FLOOR_DB`] at the least, and where the sample rate
    /// doesn't reach.
    pub steps_db: Vec<BandStep>,
}

impl BandLevels {
    /// Bands of a step: 25 Hz to 20 kHz.
    pub const BANDS: usize = 30;

    /// Time between steps in seconds.
    pub const STEP_S: f64 = 0.1;

    /// No steps yet, with room for a time in seconds.
    pub fn with_room(seconds: f64) -> Self {
        Self { steps_db: Vec::with_capacity((seconds / Self::STEP_S).ceil() as usize) }
    }

    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.steps_db.len() as f64 * Self::STEP_S
    }

    /// Lower and upper edge of a band in Hz (IEC 61260-1 base 10).
    pub fn edges_hz(band: usize) -> [f64; 2] {
        [Self::at_hz(band as f64 - 0.5), Self::at_hz(band as f64 + 0.5)]
    }

    /// Exact centre of a band in Hz (IEC 61260-1 base 10).
    pub fn centre_hz(band: usize) -> f64 {
        Self::at_hz(band as f64)
    }

    /// Band 16 is the one at 1 kHz.
    fn at_hz(band: f64) -> f64 {
        1_000.0 * 10f64.powf((band - 16.0) / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_those_of_iec_61260() {
        // IEC 61260-1:2014, table E.1: exact mid-band frequencies of 25 Hz, 1 kHz and 20 kHz.
        for (band, exact_hz) in [(0, 25.119), (16, 1_000.0), (29, 19_952.6)] {
            assert!((BandLevels::centre_hz(band) / exact_hz - 1.0).abs() < 1e-4);
        }
        for band in 1..BandLevels::BANDS {
            let (below, above) = (BandLevels::edges_hz(band - 1), BandLevels::edges_hz(band));
            assert!((below[1] - above[0]).abs() < 1e-9);
        }
    }
}
