//! Barline's vocabulary: labels, reports, audio buffers, framing and resampling. No threads, no files, no models.

mod downmix;
mod error;
mod finding;
mod label;
mod report;
mod resample;

pub use downmix::to_mono;
pub use error::SignalError;
pub use finding::{Action, Evidence, Finding, FindingKind, Move, Severity};
pub use label::Label;
pub use report::{Band, Measurements};
pub use resample::Resampler;
