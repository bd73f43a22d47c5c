//! Questions about a file: what the model heard of it, the facts to offer, the checked answers.

use std::collections::BTreeMap;

use serde::Serialize;
use signal::{Finding, Label, Measurements};

use crate::{
    caption::{self, CANT_TELL, Decoding, NOT_UNDERSTOOD, Task, Told},
    compare::{bar_in, bar_named, differences, extremes, holds, other_of},
    conversation::Conversation,
    driver::{Context, Survey, hear, survey},
    error::EngineError,
    extent,
    label::label_part,
    narrate::{FREE_S, bars_of, enough},
    places::in_file,
    presence::whereabouts,
    scope::{listing, windows},
    slots::{BARS, Facts, LOUDEST, OTHER, WHEN},
    source::AudioSource,
    timeline::{Stretch, steps},
    topic::Topic,
    vocabulary::instruments,
    window::{Cut, Span},
};

/// What is said of a finding that no single bar shows, and where the bar to compare with does not exist.
const ONLY_WHOLE: &str = "it shows over the whole, in no single bar";
const NO_OTHER: &str = "there is none to compare with";

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

/// A file or a part of it, heard once: any number of questions can be put to it.
#[derive(Clone, Debug)]
pub struct Hearing {
    facts: Facts,
    /// The file, the part of it that is asked about, what was measured in it, and what it is where that is known.
    survey: Survey,
    scope: Span,
    measured: Measurements,
    label: Option<Label>,
    /// What the model heard; none where there is too little to say anything.
    heard: Option<models::Heard>,
    /// The whole file in bars, or in equal stretches where its tempo is not steady, and its length.
    stretches: Vec<Stretch>,
    duration_s: f64,
    notes: BTreeMap<String, String>,
    /// What to say in place of an answer.
    otherwise: &'static str,
}

impl Hearing {
    /// Measures and hears a whole file.
    ///
    /// # Errors
    /// The file cannot be read or measured, or the model fails.
    pub fn of_file(
        context: &Context<'_>,
        source: &mut dyn AudioSource,
    ) -> Result<Self, EngineError> {
        let survey = survey(context, source)?;
        let mut hearing =
            Self::of_span(context, source, &survey, survey.whole(), &survey.measurements)?;
        hearing.notes.extend(survey.notes.clone());
        Ok(hearing)
    }

    /// Hears a part of which nothing is known yet but what was `measured`.
    fn of_span(
        context: &Context<'_>,
        source: &mut dyn AudioSource,
        survey: &Survey,
        span: Span,
        measured: &Measurements,
    ) -> Result<Self, EngineError> {
        // What is ordinary depends on what it is.
        let label = label_part(context, source, survey, span, measured.signal_s)?;
        let label = label.and_then(|labelled| labelled.label);
        let findings = analysis::detect(measured, label);
        Self::of_part(context, source, survey, span, measured, &findings, label)
    }

    /// Hears the part `scope` of a file that was surveyed; `measured` and `findings` are the part's, judged as those of a `label`.
    ///
    /// # Errors
    /// As [`Hearing::of_file`].
    pub(crate) fn of_part(
        context: &Context<'_>,
        source: &mut dyn AudioSource,
        survey: &Survey,
        scope: Span,
        measured: &Measurements,
        findings: &[Finding],
        label: Option<Label>,
    ) -> Result<Self, EngineError> {
        let mut stretches = bars_of(&survey.rhythm, survey.duration_s);
        if stretches.is_empty() {
            stretches = steps(FREE_S, survey.duration_s);
        }
        let mut hearing = Self {
            facts: Facts::default(),
            survey: survey.clone(),
            scope,
            measured: measured.clone(),
            label,
            heard: None,
            stretches,
            duration_s: survey.duration_s,
            notes: BTreeMap::new(),
            otherwise: CANT_TELL,
        }
        .with_findings(findings);
        if let Err(words) = enough(measured) {
            hearing.otherwise = words;
            hearing.notes.insert("answer".to_owned(), words.to_owned());
            return Ok(hearing);
        }
        let model = context.model()?;
        let windows = windows(model, survey, scope);
        if windows != [scope] {
            let heard = format!("the model heard {}", listing(&windows));
            hearing.notes.insert("answer".to_owned(), heard);
        }
        let cuts: Vec<Cut> = windows.iter().copied().map(Cut::to_hear).collect();
        let heard = hear(context, source, &cuts, "listening", |_, heard| {
            Ok(model.soft_tokens(&heard.window.unwrap_or_default())?)
        })?;
        hearing.heard = Some(models::Heard::join(&heard.iter().collect::<Vec<_>>())?);
        Ok(hearing)
    }

    /// What was measured in the part that is asked about.
    pub fn measured(&self) -> &Measurements {
        &self.measured
    }

    /// Where the bars of the whole file lie, or equal stretches of it.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.stretches.iter().map(|stretch| stretch.span)
    }

    /// Bars of the whole file, or equal stretches of it.
    pub fn bars(&self) -> usize {
        self.stretches.len()
    }

    /// The same, but these are the findings that are talked of.
    #[must_use]
    pub fn with_findings(mut self, findings: &[Finding]) -> Self {
        let whole = Span { start_s: 0.0, end_s: self.duration_s };
        let of_bar = self.measured.loudness_lufs;
        let lufs =
            if self.scope == whole { self.measured.integrated_lufs.or(of_bar) } else { of_bar };
        let (levels_db, step_s) = self.survey.envelope.levels_db(self.scope);
        let counted = format!("{} bars", self.stretches.len());
        let counted = (self.scope == whole && self.has_bars()).then_some(counted);
        self.facts = Facts::new(&self.survey.measurements, &self.measured, lufs, findings)
            .with("course", extent::course(&levels_db, step_s))
            .with("counted", counted);
        if self.stretches.len() > 1 {
            self.facts = self.facts.with_other();
        }
        self
    }

    /// Answers a question. The source is that of the hearing: a question for certain bars is answered from all of it. The
    /// `conversation` is what was said to this hearing so far.
    ///
    /// # Errors
    /// The file cannot be read, or the model fails.
    pub fn ask(
        &self,
        context: &Context<'_>,
        source: &mut dyn AudioSource,
        question: &str,
        decoding: &Decoding,
        conversation: &mut Conversation,
    ) -> Result<Asked, EngineError> {
        self.tell(context, source, Task::Ask(question), decoding, conversation)
    }

    /// What the model says, and what is doubtful about it.
    ///
    /// # Errors
    /// The file cannot be read, or the model fails.
    pub(crate) fn tell(
        &self,
        context: &Context<'_>,
        source: &mut dyn AudioSource,
        task: Task<'_>,
        decoding: &Decoding,
        conversation: &mut Conversation,
    ) -> Result<Asked, EngineError> {
        let mut notes = self.notes.clone();
        let facts = self.facts.clone().after(*conversation);
        let mut told = match &self.heard {
            Some(heard) => decode(context, heard, task, &facts, decoding)?,
            None => Told { text: self.otherwise.to_owned(), ..Told::default() },
        };
        if let Some(bar) = self.bar_meant(task, &told) {
            return self.tell_of_bar(context, source, task, decoding, conversation, (bar, told));
        }
        if let Some((slot, words)) = self.find_out(context, source, task, &facts, &told.answer)? {
            told.refill(&facts.clone().with(slot, words));
        }
        conversation.go_on(&facts, &told.answer);
        if told.withheld > 0 {
            let withheld = format!(
                "{} sentence(s) withheld: a number that no measurement backs",
                told.withheld
            );
            notes
                .entry("answer".to_owned())
                .and_modify(|have| *have = format!("{have}; {withheld}"))
                .or_insert(withheld);
        }
        if told.text.is_empty() {
            told.text = self.otherwise.to_owned();
        }
        let answer = Answer { text: told.text, checked_numbers: told.checked_numbers };
        Ok(Asked { answer, raw: told.raw, notes })
    }

    fn has_bars(&self) -> bool {
        self.stretches.iter().any(|stretch| stretch.bar.is_some())
    }

    /// The one bar of the whole file that a question names and is about.
    fn bar_meant(&self, task: Task<'_>, told: &Told) -> Option<i64> {
        let Task::Ask(question) = task else { return None };
        let bar = bar_named(question)?;
        let across = |about| matches!(about, "compare" | "extremes" | "unknowable");
        let of_all = Topic::of(&told.raw).is_none_or(|topic| across(topic.about));
        let is_whole = self.scope == self.survey.whole() && self.has_bars();
        (is_whole && (told.text == NOT_UNDERSTOOD || !of_all)).then_some(bar)
    }

    /// The answer about one bar, heard for itself: its caption where no more of the question was understood than the bar, or who
    /// plays where it asks where without saying who.
    fn tell_of_bar(
        &self,
        context: &Context<'_>,
        source: &mut dyn AudioSource,
        task: Task<'_>,
        decoding: &Decoding,
        conversation: &mut Conversation,
        (bar, told): (i64, Told),
    ) -> Result<Asked, EngineError> {
        let Some(stretch) = self.stretches.iter().find(|stretch| stretch.bar == Some(bar)) else {
            let numbers = || self.stretches.iter().filter_map(|stretch| stretch.bar);
            let (first, last) = (numbers().min().unwrap_or(1), numbers().max().unwrap_or(1));
            let text = format!("There is no bar {bar} here: I count bars {first} to {last}.");
            let answer = Answer { text, checked_numbers: 0 };
            return Ok(Asked { answer, raw: told.raw, notes: self.notes.clone() });
        };
        let measured = measure_all(context, source, &[*stretch])?.pop().unwrap_or_default();
        let part = Self::of_span(context, source, &self.survey, stretch.span, &measured)?;
        let names_nobody = matches!(task, Task::Ask(question) if instruments(question).is_empty());
        let place = Topic::of(&told.raw).is_some_and(|topic| topic.about == "where");
        let task = match told.text == NOT_UNDERSTOOD || (place && names_nobody) {
            true => Task::Caption,
            false => task,
        };
        part.tell(context, source, task, decoding, conversation)
    }

    /// The words for the slots of an answer that need the file once more.
    fn find_out(
        &self,
        context: &Context<'_>,
        source: &mut dyn AudioSource,
        task: Task<'_>,
        facts: &Facts,
        answer: &str,
    ) -> Result<Option<(&'static str, Option<String>)>, EngineError> {
        let stretches = &self.stretches;
        if answer.contains(WHEN)
            && let Some(&instrument) = instruments(answer).first()
        {
            let when = whereabouts(context, source, stretches, self.duration_s, instrument)?;
            return Ok(Some((WHEN, when)));
        }
        if let Some(index) = BARS.iter().position(|slot| answer.contains(slot))
            && let Some(kind) = facts.finding(index + 1)
        {
            let measured = measure_all(context, source, stretches)?;
            let held = in_file(stretches, &holds(kind, measured.iter(), self.label));
            return Ok(Some((BARS[index], held.or_else(|| Some(ONLY_WHOLE.to_owned())))));
        }
        if answer.contains(LOUDEST) {
            let measured = measure_all(context, source, stretches)?;
            return Ok(Some((LOUDEST, extremes(stretches, measured.iter()))));
        }
        if answer.contains(OTHER) {
            let asked = if let Task::Ask(question) = task { bar_in(question) } else { None };
            let Some(other) = other_of(stretches, self.scope.start_s, asked) else {
                return Ok(Some((OTHER, Some(NO_OTHER.to_owned()))));
            };
            let measured = measure_each(context, source, &[other])?.into_iter().next().flatten();
            let name =
                other.bar.map_or_else(|| "what came before".to_owned(), |bar| format!("bar {bar}"));
            let words = measured.and_then(|other| differences(&name, &self.measured, &other));
            return Ok(Some((OTHER, words)));
        }
        Ok(None)
    }
}

fn decode(
    context: &Context<'_>,
    heard: &models::Heard,
    task: Task<'_>,
    facts: &Facts,
    decoding: &Decoding,
) -> Result<Told, EngineError> {
    let model = context.model()?;
    let decode = || caption::tell(model, heard, task, facts, decoding, context.cancel, &mut |_| {});
    context.workers.run(decode)
}

/// What the meters say of each of the stretches; none of one in which nothing can be measured.
pub(crate) fn measure_each(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    stretches: &[Stretch],
) -> Result<Vec<Option<Measurements>>, EngineError> {
    let cut = |stretch: &Stretch| Cut { measure: Some(stretch.span), window: None };
    let cuts: Vec<Cut> = stretches.iter().map(cut).collect();
    hear(context, source, &cuts, "measuring", |_, heard| Ok(heard.measurements))
}

/// The same, where what can't be measured is silence.
fn measure_all(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    stretches: &[Stretch],
) -> Result<Vec<Measurements>, EngineError> {
    let measured = measure_each(context, source, stretches)?;
    Ok(measured.into_iter().map(Option::unwrap_or_default).collect())
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
    let mut conversation = Conversation::default();
    Hearing::of_file(context, source)?.ask(context, source, question, decoding, &mut conversation)
}
