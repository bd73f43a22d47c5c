//! What stops a measurement.

use thiserror::Error;

/// Why audio can't be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnalysisError {
    /// A sample rate outside 1 kHz to 768 kHz.
    #[error("sample_rate_hz: {found} is outside 1000..=768000")]
    SampleRate {
        /// The rate asked for, in Hz.
        found: u32,
    },
    /// No channels, or more than 64.
    #[error("channels: {found} is outside 1..=64")]
    Channels {
        /// The number of channels asked for.
        found: usize,
    },
    /// A block of interleaved samples that ends within a frame.
    #[error("samples: {found} is not a multiple of {channels} channels")]
    Ragged {
        /// Samples in the block.
        found: usize,
        /// Channels of the meter.
        channels: usize,
    },
    /// A sample that is NaN or infinite.
    #[error("samples: frame {frame} is not a finite number")]
    NotFinite {
        /// Frame from the start of the stream.
        frame: u64,
    },
}

/// Checks a format against what the meters take.
pub(crate) fn check_format(rate_hz: u32, channels: usize) -> Result<(), AnalysisError> {
    if !(1_000..=768_000).contains(&rate_hz) {
        return Err(AnalysisError::SampleRate { found: rate_hz });
    }
    if !(1..=64).contains(&channels) {
        return Err(AnalysisError::Channels { found: channels });
    }
    Ok(())
}
