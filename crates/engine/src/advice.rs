//! Advice on a file or a part of it: findings with their evidence, and an answer in words. `barline advise` calls it.

use std::collections::BTreeMap;

use serde::Serialize;
use signal::{Finding, Label, Measurements};

use crate::{
    ask::{Answer, Conversation, Hearing},
    caption::{Decoding, Task},
    driver::{Context, Survey, band_levels, hear, survey},
    error::EngineError,
    label::label_spans,
    narrate::{bars_of, rhythm},
    source::AudioSource,
    window::{Cut, Span},
};

mod masking;
mod reference;

/// Which part of the file is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// A bar, 1-based.
    Bar(i64),
    /// From one second to another.
    Seconds(f64, f64),
}

/// What to advise on.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which part of the file.
    pub part: Part,
    /// The tempo, if the user states it: bar 1 begins with the file then.
    pub bpm: Option<f64>,
    /// Quarter notes in a bar, if the user states the meter.
    pub beats_per_bar: Option<u32>,
    /// What the file is, if the user states it.
    pub label: Option<Label>,
    /// A question; the general one otherwise.
    pub question: Option<String>,
    /// How to decode the answer.
    pub decoding: Decoding,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            part: Part::Whole,
            bpm: None,
            beats_per_bar: None,
            label: None,
            question: None,
            decoding: Decoding::default(),
        }
    }
}

/// Other files that the advice takes into account.
#[derive(Default)]
pub struct Company<'a> {
    /// The other stems of the song, by name, aligned with the file.
    pub stems: Vec<(String, &'a mut dyn AudioSource)>,
    /// A finished record to compare the tone with.
    pub reference: Option<&'a mut dyn AudioSource>,
}

impl std::fmt::Debug for Company<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Company").field("stems", &self.stems.len()).finish_non_exhaustive()
    }
}

/// What was heard of the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scope {
    /// First moment in seconds.
    pub start_s: f64,
    /// End in seconds, exclusive.
    pub end_s: f64,
    /// The bar, where one was asked for.
    pub bar: Option<i64>,
    /// Seconds of it above -60 dBFS.
    pub signal_s: f64,
}

/// The result of `barline advise` for one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// What was heard.
    pub scope: Scope,
    /// What the file is, as stated or heard; null where neither.
    pub label: Option<Label>,
    /// Most urgent first.
    pub findings: Vec<Finding>,
    /// In words; null without a language model.
    pub answer: Option<Answer>,
    /// Field to the reason why it is null or doubtful.
    pub notes: BTreeMap<String, String>,
}

/// Advises on a file.
///
/// # Errors
/// A file cannot be read or measured, the part does not exist, or the model fails.
pub fn advise(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    request: &Request,
    company: Company<'_>,
) -> Result<Advice, EngineError> {
    let mut survey = survey(context, source)?;
    // Bars are those of the grid that the user states.
    survey.rhythm = rhythm(&survey, request.bpm, request.beats_per_bar);
    let (span, bar) = locate(&survey, request)?;
    let measured = measure_part(context, source, &survey, span)?;
    let mut notes = survey.notes.clone();
    let label = match request.label {
        Some(label) => Some(label),
        None => hear_label(context, source, &survey, span, &measured, &mut notes)?,
    };
    let mut findings = analysis::detect(&measured, label);
    if !company.stems.is_empty() {
        let own = band_levels(context, source, span)?;
        let mut others = Vec::with_capacity(company.stems.len());
        for (name, stem) in company.stems {
            others.push((name, band_levels(context, stem, span)?));
        }
        findings.extend(masking::findings(&own, &others, span.start_s));
    }
    if let Some(reference) = company.reference {
        let other = crate::driver::measure(context, reference)?;
        reference::compare(&measured, &other, &mut findings);
    }
    Finding::sort(&mut findings);
    let answer =
        reply(context, source, &survey, request, span, &measured, &findings, label, &mut notes)?;
    let scope =
        Scope { start_s: span.start_s, end_s: span.end_s, bar, signal_s: measured.signal_s };
    Ok(Advice { scope, label, findings, answer, notes })
}

/// The part that is asked for, in seconds.
fn locate(survey: &Survey, request: &Request) -> Result<(Span, Option<i64>), EngineError> {
    let duration_s = survey.duration_s;
    match request.part {
        Part::Whole => Ok((survey.whole(), None)),
        Part::Seconds(start_s, end_s) => {
            let valid = start_s >= 0.0 && start_s < end_s && start_s < duration_s;
            let span = Span { start_s, end_s: end_s.min(duration_s) };
            let message = || {
                format!("{start_s} s to {end_s} s does not lie within the file's {duration_s:.2} s")
            };
            if valid { Ok((span, None)) } else { Err(EngineError::request("scope", message())) }
        }
        Part::Bar(bar) => {
            let bars = bars_of(&survey.rhythm, duration_s);
            let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
                return Err(EngineError::request(
                    "bar",
                    "no steady tempo was heard: state it with --bpm",
                ));
            };
            let found = bars.iter().find(|stretch| stretch.bar == Some(bar));
            found.map(|stretch| (stretch.span, Some(bar))).ok_or_else(|| {
                let (first, last) = (first.bar.unwrap_or(1), last.bar.unwrap_or(1));
                EngineError::request(
                    "bar",
                    format!("the file has bars {first} to {last}, not {bar}"),
                )
            })
        }
    }
}

fn measure_part(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    survey: &Survey,
    span: Span,
) -> Result<Measurements, EngineError> {
    if span == survey.whole() {
        return Ok(survey.measurements.clone());
    }
    measure_span(context, source, span)?
        .ok_or_else(|| EngineError::request("scope", "nothing lies within it"))
}

fn measure_span(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    span: Span,
) -> Result<Option<Measurements>, EngineError> {
    let cut = Cut { measure: Some(span), window: None };
    let measured = hear(context, source, &[cut], "measuring", |_, heard| Ok(heard.measurements))?;
    Ok(measured.into_iter().next().flatten())
}

/// The label that the model gives the part; none with a model that gives none.
fn hear_label(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    survey: &Survey,
    span: Span,
    measured: &Measurements,
    notes: &mut BTreeMap<String, String>,
) -> Result<Option<Label>, EngineError> {
    if context.model.is_none_or(|model| model.heads.is_none()) {
        notes.insert("label".to_owned(), "the model has no label head".to_owned());
        return Ok(None);
    }
    let spans = survey.envelope.spread(4, 4.0, span);
    let labelled = label_spans(context, source, &spans, measured.signal_s)?;
    notes.extend(labelled.notes);
    Ok(labelled.label)
}

#[expect(clippy::too_many_arguments, reason = "everything that is known goes into the answer")]
fn reply(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    survey: &Survey,
    request: &Request,
    span: Span,
    measured: &Measurements,
    findings: &[Finding],
    label: Option<Label>,
    notes: &mut BTreeMap<String, String>,
) -> Result<Option<Answer>, EngineError> {
    if context.model.is_none_or(|model| model.lm.is_none()) {
        notes.insert("answer".to_owned(), "the model has no language model".to_owned());
        return Ok(None);
    }
    let task = request.question.as_deref().map_or(Task::Advise, Task::Ask);
    let hearing = Hearing::of_part(context, source, survey, span, measured, findings, label)?;
    let mut conversation = Conversation::default();
    let told = hearing.tell(context, source, task, &request.decoding, &mut conversation)?;
    notes.extend(told.notes);
    Ok(Some(told.answer))
}
