//! Questions about a file: what the model heard of it, the facts to offer, the checked answers.

use std::collections::BTreeMap;

use serde::Serialize;
use signal::{Finding, Measurements};

use crate::{
    caption::{self, Decoding, Task, Told},
    driver::{Context, Survey, hear, survey},
    error::EngineError,
    narrate::{FREE_S, bars_of, enough},
    presence::whereabouts,
    scope::{listing, windows},
    slots::{Facts, WHEN},
    source::AudioSource,
    timeline::{Stretch, steps},
    vocabulary::instruments,
    window::{Cut, Span},
};

/// What is said where no sentence stood up to the check.
const CANT_TELL: &str = "I can't tell from this.";

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
#[derive(Debug)]
pub struct Hearing {
    facts: Facts,
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
        let findings = analysis::detect(&survey.measurements, None);
        let mut hearing = Self::of_part(
            context,
            source,
            &survey,
            survey.whole(),
            &survey.measurements,
            &findings,
        )?;
        hearing.notes.extend(survey.notes.clone());
        Ok(hearing)
    }

    /// Hears the part `scope` of a file that was surveyed; `measured` and `findings` are the part's.
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
    ) -> Result<Self, EngineError> {
        let lufs = if scope == survey.whole() {
            measured.integrated_lufs.or(measured.loudness_lufs)
        } else {
            measured.loudness_lufs
        };
        let facts = Facts::new(&survey.measurements, measured, lufs, findings);
        let mut stretches = bars_of(&survey.rhythm, survey.duration_s);
        if stretches.is_empty() {
            stretches = steps(FREE_S, survey.duration_s);
        }
        let mut hearing = Self {
            facts,
            heard: None,
            stretches,
            duration_s: survey.duration_s,
            notes: BTreeMap::new(),
            otherwise: CANT_TELL,
        };
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

    /// Answers a question. The source is that of the hearing: a question for certain bars is answered from all of it.
    ///
    /// # Errors
    /// The file cannot be read, or the model fails.
    pub fn ask(
        &self,
        context: &Context<'_>,
        source: &mut dyn AudioSource,
        question: &str,
        decoding: &Decoding,
    ) -> Result<Asked, EngineError> {
        self.tell(context, source, Task::Ask(question), decoding)
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
    ) -> Result<Asked, EngineError> {
        let mut notes = self.notes.clone();
        let mut told = match &self.heard {
            Some(heard) => self.decode(context, heard, task, decoding)?,
            None => Told { text: self.otherwise.to_owned(), ..Told::default() },
        };
        if told.answer.contains(WHEN)
            && let Some(&instrument) = instruments(&told.answer).first()
        {
            let (stretches, duration_s) = (&self.stretches, self.duration_s);
            let when = whereabouts(context, source, stretches, duration_s, instrument)?;
            told.refill(&self.facts.clone().with_when(when));
        }
        if let Task::Ask(question) = task
            && !is_about(&told.answer, question)
        {
            told.text = CANT_TELL.to_owned();
            told.checked_numbers = 0;
        }
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

    fn decode(
        &self,
        context: &Context<'_>,
        heard: &models::Heard,
        task: Task<'_>,
        decoding: &Decoding,
    ) -> Result<Told, EngineError> {
        let (model, facts) = (context.model()?, &self.facts);
        context
            .workers
            .run(|| caption::tell(model, heard, task, facts, decoding, context.cancel, &mut |_| {}))
    }
}

/// Whether a yes, a no or a place is about the instrument that the question names: a small model may slip to another one.
fn is_about(answer: &str, question: &str) -> bool {
    let [asked] = instruments(question)[..] else { return true };
    let settles = ["Yes", "No "].iter().any(|word| answer.starts_with(word));
    if !settles && !answer.contains(WHEN) {
        return true;
    }
    // What is denied is named, too; and the pieces of a kit are in its drums.
    let named = instruments(answer.strip_prefix("No ").unwrap_or(answer));
    named.is_empty() || named.iter().any(|label| label.in_mix() == asked.in_mix())
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
    Hearing::of_file(context, source)?.ask(context, source, question, decoding)
}

#[cfg(test)]
mod tests {
    use super::is_about;

    #[test]
    fn an_answer_about_another_instrument_is_none() {
        let asks = "in which bars do the drums play?";
        assert!(is_about("I hear drums <when>.", asks));
        assert!(!is_about("I hear bass <when>.", asks));
        assert!(is_about("No vocals that I can hear; I hear drums.", "any vocals?"));
        assert!(!is_about("Yes, I hear piano.", "any vocals?"));
        assert!(is_about("Yes, I hear drums.", "is there a kick?"));
        assert!(is_about("I hear piano and bass.", "what plays with the vocals?"));
        assert!(is_about("Yes, there is hum at <f1>.", "does the bass hum?"));
    }
}
