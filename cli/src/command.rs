//! The commands, one file each. Each returns the exit code: 0, or 1 if a file failed.

mod advise;
mod ask;
mod bench;
mod caption;
mod embed;
mod embed_captions;
mod eval;
mod label;
mod measure;
mod models;
mod resume;
mod table;

pub(crate) use advise::advise;
pub(crate) use ask::ask;
pub(crate) use bench::bench;
pub(crate) use caption::caption;
pub(crate) use embed::embed;
pub(crate) use embed_captions::embed_captions;
pub(crate) use eval::{
    eval_advice, eval_bank, eval_factory, eval_followups, eval_measure, eval_mixes, eval_music,
    eval_questions, eval_swap,
};
pub(crate) use label::label;
pub(crate) use measure::measure;
pub(crate) use models::models;
