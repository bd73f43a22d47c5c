//! Sessions and the offline driver: windows, meters and the model make a report. The plugin and the command line stand on
//! this crate; it is the only one that starts threads.

mod advice;
mod ask;
mod caption;
mod compare;
mod conversation;
mod driver;
mod embedded;
mod envelope;
mod error;
mod extent;
pub mod format;
pub mod hub;
mod label;
mod memory;
mod narrate;
mod nearby;
mod neighbours;
mod places;
mod playing;
mod presence;
mod recurrence;
mod scope;
pub mod session;
mod slots;
mod sound;
mod source;
mod threads;
mod timeline;
mod topic;
mod vocabulary;
mod window;
mod workers;

pub use advice::{Advice, Company, Part, Request, Scope, advise};
pub use ask::{Answer, Asked, Hearing, ask};
pub use caption::{Decoding, Task, Told, instruct, knows_slots, tell};
pub use conversation::Conversation;
pub use driver::{Context, Progress, Survey, hear, measure, scan, survey};
pub use embedded::{OpenedModel, embedded_files, open_model};
pub use envelope::Envelope;
pub use error::{EngineError, SourceError};
pub use label::{Choice, Labelled, label};
pub use narrate::{Narration, Per, SILENCE, TOO_LITTLE, bars_of, narrate, rhythm};
pub use nearby::among;
pub use playing::playing;
pub use slots::{Facts, Filled, SLOTS};
pub use source::{AudioSource, Samples};
pub use timeline::{Caption, Mark, SCHEMA, Stretch, Timeline, bars, steps};
pub use vocabulary::{instruments, mix_instruments};
pub use window::{
    Cut, Cutter, Heard, MAX_WINDOW_S, MIN_WINDOW_S, MODEL_RATE_HZ, Slice, Span, to_model_rate,
};
pub use workers::Workers;
