//! The offline driver: runs a source through the meters and the model, in two passes and bounded memory. The command
//! line calls it, one file after the other; it uses the workers it is given and nothing depends on their number.

use std::sync::atomic::{AtomicBool, Ordering};

use models::Model;
use rayon::prelude::*;

use crate::{
    error::EngineError,
    source::AudioSource,
    window::{Cut, Cutter, Heard, Slice},
    workers::Workers,
};

pub(crate) use survey::band_levels;
pub use survey::{Survey, measure, scan, survey};

mod survey;

/// How far the work on a file has come: a stage's name, seconds done, seconds in all (0 where unknown).
pub type Progress<'a> = &'a (dyn Fn(&str, f64, f64) + Sync);

/// What every job needs beside its file.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The threads.
    pub workers: &'a Workers,
    /// The model; measuring needs none.
    pub model: Option<&'a Model>,
    /// Told about progress.
    pub progress: Progress<'a>,
    /// Stops the work when set.
    pub cancel: &'a AtomicBool,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("workers", self.workers).finish_non_exhaustive()
    }
}

impl<'a> Context<'a> {
    /// The model.
    ///
    /// # Errors
    /// There is none.
    pub fn model(&self) -> Result<&'a Model, EngineError> {
        self.model.ok_or_else(|| EngineError::request("model", "no model is loaded"))
    }

    /// Fails once the work has been cancelled.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub fn check(&self) -> Result<(), EngineError> {
        if self.cancel.load(Ordering::Relaxed) { Err(EngineError::Cancelled) } else { Ok(()) }
    }
}

/// Slices worked on at once, per worker: enough to keep all of them busy, few enough to bound memory.
const BATCH_PER_WORKER: usize = 2;

/// Cuts a source and works on the slices in parallel; results come back in the order of `cuts`.
///
/// # Errors
/// The first failure of the source or of the work.
pub fn hear<T: Send>(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    cuts: &[Cut],
    stage: &str,
    work: impl Fn(usize, Heard) -> Result<T, EngineError> + Sync,
) -> Result<Vec<T>, EngineError> {
    source.rewind()?;
    let rate_hz = f64::from(source.rate_hz());
    let channels = source.channels();
    let total_s = source.frames_hint().map_or(0.0, |frames| frames as f64 / rate_hz);
    let batch = context.workers.count() * BATCH_PER_WORKER;
    let mut cutter = Cutter::new(source.rate_hz(), channels, cuts);
    let mut done: Vec<(usize, T)> = Vec::with_capacity(cuts.len());
    let mut ready: Vec<Slice> = Vec::new();
    let mut block = Vec::new();
    let mut frames = 0;
    let run = |ready: &mut Vec<Slice>, done: &mut Vec<(usize, T)>| -> Result<(), EngineError> {
        let slices = std::mem::take(ready);
        let results: Result<Vec<_>, EngineError> = context.workers.run(|| {
            slices
                .into_par_iter()
                .map(|slice| {
                    context.check()?;
                    let index = slice.index;
                    Ok((index, work(index, slice.develop()?)?))
                })
                .collect()
        });
        done.extend(results?);
        Ok(())
    };
    while !cutter.is_done() && source.next_block(&mut block)? {
        context.check()?;
        cutter.push(&block, &mut ready)?;
        frames += block.len() / channels;
        if ready.len() >= batch {
            run(&mut ready, &mut done)?;
            (context.progress)(stage, frames as f64 / rate_hz, total_s);
        }
    }
    cutter.finish(&mut ready)?;
    run(&mut ready, &mut done)?;
    done.sort_by_key(|&(index, _)| index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests;
