//! Findings and answers on the screen, without those that were dismissed.

use engine::session::{Answer, AnswerState, Choices, Dismissed, Found};
use signal::{Evidence, Finding, audition::Trial};

/// A finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingView {
    /// What was found, with what was measured.
    pub text: String,
    /// What to dismiss so that it isn't brought up again; nothing where nothing was found.
    pub dismisses: Option<Dismissed>,
    /// The move that can be tried by ear.
    pub tries: Option<Trial>,
}

/// What the meters find in the passage that was heard last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundView {
    /// How much was heard.
    pub title: String,
    /// The findings, most urgent first.
    pub findings: Vec<FindingView>,
}

/// An answer with what it stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerView {
    /// The question and how much was heard for it.
    pub title: String,
    /// The words so far.
    pub text: String,
    /// The findings and their measurements, most urgent first.
    pub findings: Vec<FindingView>,
    /// Whether more will come.
    pub writing: bool,
}

impl FoundView {
    pub(super) fn of(found: &Found, choices: &Choices) -> Self {
        let findings = welcome(&found.findings, choices);
        let nothing = if findings.is_empty() { ": nothing found" } else { "" };
        Self { title: format!("{}{nothing}", found.extent), findings }
    }
}

impl AnswerView {
    pub(super) fn of(answer: &Answer, choices: &Choices) -> Self {
        let asked = answer.question.as_deref().unwrap_or("Advice");
        let title = match answer.extent.as_str() {
            "" => format!("{asked} — nothing heard yet"),
            extent => format!("{asked} — {extent}"),
        };
        let text = match &answer.state {
            AnswerState::Failed(why) => format!("{} [{why}]", answer.text).trim_start().to_owned(),
            _ => answer.text.clone(),
        };
        let findings = welcome(&answer.findings, choices);
        let writing = answer.state == AnswerState::Writing;
        Self { title, text, findings, writing }
    }
}

fn welcome(findings: &[Finding], choices: &Choices) -> Vec<FindingView> {
    findings.iter().filter(|finding| choices.welcomes(finding)).map(line).collect()
}

fn line(finding: &Finding) -> FindingView {
    let measured: Vec<String> = finding.evidence.iter().map(measured).collect();
    let (kind, severity) = (finding.kind.name(), finding.severity.name());
    let holds = finding.holds.map_or_else(String::new, |holds| format!(", {}", holds.words()));
    let text = format!("{kind} ({severity}{holds}): {} [{}]", finding.text, measured.join(", "));
    FindingView { text, dismisses: Dismissed::of(finding), tries: Trial::of(finding) }
}

/// A value with its unit and standard, where it has them.
fn measured(evidence: &Evidence) -> String {
    let Evidence { name, standard, .. } = evidence;
    let standard = if standard.is_empty() { String::new() } else { format!(" ({standard})") };
    format!("{name} {}{standard}", evidence.words())
}
