//! A question about a file: the window to hear, the facts to offer, the checked answer.

use std::collections::BTreeMap;

use serde::Serialize;
use signal::{Finding, Measurements};

use crate::{
    caption::{self, Decoding, Task, Told},
    driver::{Context, Survey, hear, survey},
    error::EngineError,
    narrate::{TOO_LITTLE, enough},
    slots::Facts,
    source::AudioSource,
    window::{Cut, MIN_WINDOW_S, Span},
};

/// Seconds of a file that a model which knows our slots hears for a question: it was trained on 4.
const WINDOW_S: f64 = 4.0;

/// Seconds that a published checkpoint hears: MusiLingo was trained on clips of up to 30.
const LONG_WINDOW_S: f64 = 30.0;

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
    let length_s = if caption::knows_slots(model) { WINDOW_S } else { LONG_WINDOW_S };
    let window = if scope.length_s() < MIN_WINDOW_S {
        scope.window(survey.duration_s)
    } else if scope.length_s() <= length_s {
        scope
    } else {
        let loudest = survey.envelope.loudest(length_s, scope);
        let (from, to) = (loudest.start_s, loudest.end_s);
        notes.insert("answer".to_owned(), format!("the model heard {from:.2} s to {to:.2} s"));
        loudest
    };
    let whole_file = scope == survey.whole();
    let lufs = if whole_file {
        measured.integrated_lufs.or(measured.loudness_lufs)
    } else {
        measured.loudness_lufs
    };
    let facts = Facts::new(&survey.measurements, measured, lufs, findings);
    let cut = Cut { measure: None, window: Some(window) };
    let told = hear(context, source, &[cut], "listening", |_, heard| {
        let heard = model.soft_tokens(&heard.window.unwrap_or_default())?;
        caption::tell(model, &heard, task, &facts, decoding, context.cancel)
    })?;
    let mut told = told.into_iter().next().unwrap_or_default();
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

/// The part of what was told that is shown.
pub(crate) fn answer(told: Told) -> Answer {
    Answer { text: told.text, checked_numbers: told.checked_numbers }
}
