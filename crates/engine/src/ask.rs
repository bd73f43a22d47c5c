//! A question about a file: the window to hear, the facts to offer, the checked answer.

use std::collections::BTreeMap;

use serde::Serialize;
use signal::{Finding, Measurements};

use crate::{
    caption::{self, Decoding, Task, Told},
    driver::{Context, Survey, hear, survey},
    error::EngineError,
    narrate::{TOO_LITTLE, enough},
    scope::{listing, windows},
    slots::Facts,
    source::AudioSource,
    window::{Cut, Span},
};

/// A checked answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The words.
    pub text: String,
    /// Measured values in them.
    pub checked_numbers: usize,
}

/// The result of `barline ask` for one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The checked answer.
    pub answer: Answer,
    /// The model's own text.
    pub raw: String,
    /// Field to the reason why it is null or doubtful.
    pub notes: BTreeMap<String, String>,
}

/// Answers a question about a whole file.
///
/// # Errors
/// The file cannot be read or measured, or the model fails.
pub fn ask(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    question: &str,
    decoding: &Decoding,
) -> Result<Asked, EngineError> {
    let survey = survey(context, source)?;
    let findings = analysis::detect(&survey.measurements, None);
    let whole = survey.whole();
    let song = &survey.measurements;
    let (told, mut notes) = tell_about(
        context,
        source,
        &survey,
        whole,
        song,
        &findings,
        Task::Ask(question),
        decoding,
    )?;
    notes.extend(survey.notes.clone());
    let raw = told.raw.clone();
    Ok(Asked { answer: answer(told), raw, notes })
}

/// What the model says about `scope` of a file, and what is doubtful about it.
#[expect(
    clippy::too_many_arguments,
    reason = "the one place where file, measurements, findings and task meet"
)]
pub(crate) fn tell_about(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    survey: &Survey,
    scope: Span,
    measured: &Measurements,
    findings: &[Finding],
    task: Task<'_>,
    decoding: &Decoding,
) -> Result<(Told, BTreeMap<String, String>), EngineError> {
    let mut notes = BTreeMap::new();
    if let Err(words) = enough(measured) {
        notes.insert("answer".to_owned(), words.to_owned());
        return Ok((Told { text: words.to_owned(), ..Told::default() }, notes));
    }
    let model = context.model()?;
    let windows = windows(model, survey, scope);
    if windows != [scope] {
        notes.insert("answer".to_owned(), format!("the model heard {}", listing(&windows)));
    }
    let whole_file = scope == survey.whole();
    let lufs = if whole_file {
        measured.integrated_lufs.or(measured.loudness_lufs)
    } else {
        measured.loudness_lufs
    };
    let facts = Facts::new(&survey.measurements, measured, lufs, findings);
    let mut told = tell_windows(context, source, &windows, task, &facts, decoding)?;
    if told.withheld > 0 {
        let withheld =
            format!("{} sentence(s) withheld: a number that no measurement backs", told.withheld);
        notes
            .entry("answer".to_owned())
            .and_modify(|have| *have = format!("{have}; {withheld}"))
            .or_insert(withheld);
    }
    if told.text.is_empty() {
        told.text = TOO_LITTLE.to_owned();
    }
    Ok((told, notes))
}

/// What the model says about windows of one file, heard as one.
fn tell_windows(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    windows: &[Span],
    task: Task<'_>,
    facts: &Facts,
    decoding: &Decoding,
) -> Result<Told, EngineError> {
    let model = context.model()?;
    let cuts: Vec<Cut> = windows.iter().copied().map(Cut::to_hear).collect();
    let heard = hear(context, source, &cuts, "listening", |_, heard| {
        Ok(model.soft_tokens(&heard.window.unwrap_or_default())?)
    })?;
    let heard = models::Heard::join(&heard.iter().collect::<Vec<_>>())?;
    context
        .workers
        .run(|| caption::tell(model, &heard, task, facts, decoding, context.cancel, &mut |_| {}))
}

/// The part of what was told that is shown.
pub(crate) fn answer(told: Told) -> Answer {
    Answer { text: told.text, checked_numbers: told.checked_numbers }
}
