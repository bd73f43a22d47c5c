//! Barline's vocabulary: labels, reports, resampling, the tap that carries audio and the host's clock from the audio thread
//! to a session, the audition of a move, and the records that sessions show each other. No threads, no files, no models.

pub mod audition;
mod band_levels;
mod bar;
mod bar_clock;
pub mod biquad;
mod downmix;
mod error;
mod feed;
mod finding;
mod label;
mod meter;
mod record;
mod report;
mod resample;
mod ring;
mod tap;
mod transport;

pub use band_levels::{BandLevels, BandStep};
pub use bar::{Bar, BarEvent, PassKind};
pub use bar_clock::BarClock;
pub use downmix::to_mono;
pub use error::SignalError;
pub use feed::{AudioFeed, Chunk};
pub use finding::{Action, Evidence, Finding, FindingKind, Holds, Move, OtherTrack, Severity};
pub use label::Label;
pub use meter::{BarKey, Meter};
pub use record::Record;
pub use report::{Band, ChordSpan, CrestBand, Measurements, Section, StereoBand};
pub use resample::Resampler;
pub use tap::{AudioTap, MAX_BLOCK_FRAMES, MAX_CHANNELS, Mark, capacity_frames, tap};
pub use transport::Transport;
