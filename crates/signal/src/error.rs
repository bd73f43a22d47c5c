//! What can be wrong with an audio format, before any sample of it is touched.

use thiserror::Error;

/// A format this crate can't work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignalError {
    /// A sample rate outside `MIN_RATE_HZ..=MAX_RATE_HZ` of [`crate::Resampler`].
    #[error("sample_rate_hz: {found} is outside {min}..={max}")]
    SampleRate {
        /// The rate asked for, in Hz.
        found: u32,
        /// Lowest rate taken, in Hz.
        min: u32,
        /// Highest rate taken, in Hz.
        max: u32,
    },
}
