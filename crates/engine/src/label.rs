//! What a file is: the label head over several windows, with a threshold under which nothing is said.

use std::collections::BTreeMap;

use serde::Serialize;
use signal::Label;

use crate::{
    driver::{Context, Survey, hear, scan},
    error::EngineError,
    scope::{WINDOW_S, WINDOWS},
    source::AudioSource,
    window::{Cut, Span},
};

/// Less signal than this is too little to name, in seconds.
const ENOUGH_S: f64 = 0.05;

/// Windows of a part that are named by.
const PART_WINDOWS: usize = 4;

/// Alternatives that are reported.
const ALTERNATIVES: usize = 4;

/// A label and how likely it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The label.
    pub label: Label,
    /// Its probability, 0 to 1.
    pub confidence: f64,
}

/// The result of `barline label` for one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Labelled {
    /// The label, unless abstained.
    pub label: Option<Label>,
    /// Probability of the likeliest label, 0 to 1.
    pub confidence: f64,
    /// The next likely ones, likeliest first; all of them where abstained.
    pub alternatives: Vec<Choice>,
    /// Whether the file is silent or no label is likely enough.
    pub abstained: bool,
    /// Field to the reason why it is null or doubtful.
    pub notes: BTreeMap<String, String>,
}

impl Labelled {
    /// The label, or the likeliest one where none was likely enough; none for silence.
    pub fn likeliest(&self) -> Option<Label> {
        self.label.or_else(|| self.alternatives.first().map(|choice| choice.label))
    }
}

/// Names a file.
///
/// # Errors
/// The file cannot be read, or the model has no label head or fails.
pub fn label(context: &Context<'_>, source: &mut dyn AudioSource) -> Result<Labelled, EngineError> {
    let envelope = scan(context, source)?;
    let whole = Span { start_s: 0.0, end_s: envelope.duration_s() };
    let spans = envelope.spread(WINDOWS, WINDOW_S, whole);
    label_spans(context, source, &spans, envelope.signal_s())
}

/// Names what is heard in `spans` of a source, of which `signal_s` seconds hold signal.
///
/// # Errors
/// As [`label`].
fn label_spans(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    spans: &[Span],
    signal_s: f64,
) -> Result<Labelled, EngineError> {
    let model = context.model()?;
    if spans.is_empty() || signal_s < ENOUGH_S {
        let mut labelled = nothing(if signal_s > 0.0 { "too little signal" } else { "silence" });
        labelled.notes.extend(source.notes());
        return Ok(labelled);
    }
    let cuts: Vec<Cut> = spans.iter().copied().map(Cut::to_hear).collect();
    let heard = hear(context, source, &cuts, "labelling", |_, heard| {
        let heard = model.soft_tokens(&heard.window.unwrap_or_default())?;
        Ok(model.labels(&heard)?)
    })?;
    let mut labelled = choose(&heard, f64::from(model.heads()?.label_abstain));
    labelled.notes.extend(source.notes());
    Ok(labelled)
}

/// Names a part of a file that was surveyed; none with a model that gives no names.
///
/// # Errors
/// As [`label`].
pub(crate) fn label_part(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    survey: &Survey,
    span: Span,
    signal_s: f64,
) -> Result<Option<Labelled>, EngineError> {
    if context.model.is_none_or(|model| model.heads.is_none()) {
        return Ok(None);
    }
    let spans = survey.envelope.spread(PART_WINDOWS, WINDOW_S, span);
    label_spans(context, source, &spans, signal_s).map(Some)
}

fn nothing(reason: &str) -> Labelled {
    Labelled {
        label: None,
        confidence: 0.0,
        alternatives: Vec::new(),
        abstained: true,
        notes: BTreeMap::from([("label".to_owned(), reason.to_owned())]),
    }
}

/// The mean of the windows' probabilities, and the choice.
pub(crate) fn choose(windows: &[Vec<(String, f32)>], abstain_below: f64) -> Labelled {
    let mut sums: BTreeMap<Label, f64> = BTreeMap::new();
    for (name, probability) in windows.iter().flatten() {
        if let Some(label) = Label::from_name(name) {
            *sums.entry(label).or_default() += f64::from(*probability) / windows.len() as f64;
        }
    }
    let mut choices: Vec<Choice> =
        sums.into_iter().map(|(label, confidence)| Choice { label, confidence }).collect();
    choices.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.label.cmp(&b.label)));
    let Some(first) = choices.first().cloned() else {
        return nothing("the model's head knows none of the labels");
    };
    let abstained = first.confidence < abstain_below;
    let mut labelled = nothing("no label is likely enough");
    labelled.confidence = first.confidence;
    if !abstained {
        labelled =
            Labelled { label: Some(first.label), abstained, notes: BTreeMap::new(), ..labelled };
        choices.remove(0);
    }
    choices.truncate(ALTERNATIVES);
    labelled.alternatives = choices;
    labelled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(probabilities: &[(&str, f32)]) -> Vec<(String, f32)> {
        probabilities.iter().map(|(name, p)| ((*name).to_owned(), *p)).collect()
    }

    #[test]
    fn windows_are_averaged() {
        let windows = [
            window(&[("bass", 0.9), ("kick", 0.1)]),
            window(&[("bass", 0.3), ("kick", 0.6), ("tuba", 0.1)]),
        ];
        let labelled = choose(&windows, 0.35);
        assert_eq!(labelled.label, Some(Label::Bass));
        assert!((labelled.confidence - 0.6).abs() < 1e-6);
        assert_eq!(labelled.alternatives.len(), 1);
        assert!(!labelled.abstained && labelled.notes.is_empty());
    }

    #[test]
    fn an_unlikely_label_is_not_given() {
        let labelled = choose(&[window(&[("bass", 0.3), ("kick", 0.2)])], 0.35);
        assert_eq!((labelled.label, labelled.abstained), (None, true));
        assert_eq!(labelled.alternatives[0].label, Label::Bass);
        assert!(labelled.notes.contains_key("label"));
    }
}
