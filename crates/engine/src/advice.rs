//! Advice on a file or a part of it: findings with their evidence, and an answer in words. `barline advise` calls it.

use std::collections::BTreeMap;

use analysis::{Programme, Target};
use serde::Serialize;
use signal::{Finding, Label, Measurements, Meter};

use crate::{
    ask::{Answer, Hearing, measure_each},
    caption::{Decoding, Task},
    conversation::Conversation,
    driver::{Context, Survey, band_levels, hear, survey},
    error::EngineError,
    extent::{self, Extent},
    label::{self, label_part},
    narrate::{as_stated, bars_of},
    recurrence::Recurrence,
    source::AudioSource,
    window::{Cut, Span},
};

use masking::Track;

pub(crate) mod masking;
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
    /// The meter, if the user states it.
    pub meter: Option<Meter>,
    /// What the file is, if the user states it.
    pub label: Option<Label>,
    /// What the song is made for.
    pub target: Target,
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
            meter: None,
            label: None,
            target: Target::None,
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
    /// Finished records to compare the tone with: their mean at equal loudness.
    pub references: Vec<&'a mut dyn AudioSource>,
}

impl std::fmt::Debug for Company<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Company").field("stems", &self.stems.len()).finish_non_exhaustive()
    }
}

/// What was heard of the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scope {
    /// First moment in seconds.
    pub start_s: f64,
    /// End in seconds, exclusive.
    pub end_s: f64,
    /// The bar, where one was asked for.
    pub bar: Option<i64>,
    /// Seconds of it above -60 dBFS.
    pub signal_s: f64,
    /// All of this in words, and whether it is one hit, or fades.
    pub words: String,
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
    // Bars are those of the grid that the user states.
    let survey = as_stated(survey(context, source)?, request.bpm, request.meter);
    let (span, bar) = locate(&survey, request)?;
    let measured = measure_part(context, source, &survey, span)?;
    let mut notes = survey.notes.clone();
    let label = match request.label {
        Some(label) => Some(label),
        None => hear_label(context, source, &survey, span, &measured, &mut notes)?,
    };
    let mut findings = analysis::detect(&measured, label);
    if !company.stems.is_empty() {
        findings.extend(between(context, source, span, label, company.stems)?);
    }
    let mut references = Vec::with_capacity(company.references.len());
    for reference in company.references {
        references.push(crate::driver::measure(context, reference)?);
    }
    match reference::mean(&references) {
        Some(reference) => reference::compare(&measured, &reference, &mut findings),
        None if references.is_empty() => {}
        None => {
            let silent = "silent: there is nothing to compare with";
            notes.insert("reference".to_owned(), silent.to_owned());
        }
    }
    let song = &survey.measurements;
    let programme = song.integrated_lufs.map(|lufs| Programme { lufs, signal_s: song.signal_s });
    request.target.judge(programme, &measured, &mut findings);
    if bar.is_some() {
        recurring(context, source, &survey, label)?.mark(&mut findings);
    }
    Finding::settle(&mut findings);
    let answer =
        reply(context, source, &survey, request, span, &measured, &findings, label, &mut notes)?;
    Ok(Advice {
        scope: scope(&survey, span, bar, measured.signal_s),
        label,
        findings,
        answer,
        notes,
    })
}

/// What was heard, with its words.
fn scope(survey: &Survey, span: Span, bar: Option<i64>, signal_s: f64) -> Scope {
    let Span { start_s, end_s } = span;
    let time = extent::time(start_s, end_s);
    let place = bar.map_or_else(|| time.clone(), |bar| format!("bar {bar}, {time}"));
    let (levels_db, step_s) = survey.envelope.levels_db(span);
    let shape = extent::shape(&levels_db, step_s);
    Scope { start_s, end_s, bar, signal_s, words: Extent { place, signal_s, shape }.words() }
}

/// What is found in each bar of the file.
fn recurring(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    survey: &Survey,
    label: Option<Label>,
) -> Result<Recurrence, EngineError> {
    let bars = bars_of(&survey.rhythm, survey.duration_s);
    let measured = measure_each(context, source, &bars)?;
    let mut recurrence = Recurrence::default();
    for (stretch, measured) in bars.iter().zip(measured) {
        if let Some((bar, measured)) = stretch.bar.zip(measured) {
            recurrence.note(bar, &analysis::detect(&measured, label));
        }
    }
    Ok(recurrence)
}

/// What the stems of a song and the `source`, one of them, hide of each other.
fn between(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    span: Span,
    label: Option<Label>,
    mut stems: Vec<(String, &mut dyn AudioSource)>,
) -> Result<Vec<Finding>, EngineError> {
    let own = band_levels(context, source, span)?;
    let mut levels = Vec::with_capacity(stems.len());
    for (_, stem) in &mut stems {
        levels.push(band_levels(context, &mut **stem, span)?);
    }
    let levels: Vec<_> = levels.iter().map(|levels| levels.steps_db.as_slice()).collect();
    let mut findings = Vec::new();
    for hidden in masking::hidden(&own.steps_db, &levels) {
        // Only those that matter are listened to.
        let (name, stem) = &mut stems[hidden.masker.max(hidden.maskee) - 1];
        let is_heard = context.model.is_some_and(|model| model.heads.is_some());
        let heard = if is_heard { label::label(context, &mut **stem)?.label } else { None };
        let other = Track { name: name.clone(), label: heard };
        let (from_s, to_s) = masking::longest(&hidden);
        let (from_s, to_s) = (span.start_s + from_s, span.start_s + to_s);
        let place = format!("longest from {from_s:.1} to {to_s:.1} s");
        findings.extend(masking::finding(&hidden, label, &other, (from_s, to_s), &place));
    }
    Ok(findings)
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
    let Some(labelled) = label_part(context, source, survey, span, measured.signal_s)? else {
        notes.insert("label".to_owned(), "the model has no label head".to_owned());
        return Ok(None);
    };
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
    // The findings stand beside the answer.
    let mut conversation = Conversation::of_findings();
    let told = hearing.tell(context, source, task, &request.decoding, &mut conversation)?;
    notes.extend(told.notes);
    Ok(Some(told.answer))
}
