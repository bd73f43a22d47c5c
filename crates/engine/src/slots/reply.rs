//! Answers to questions about findings. The model says which kind of question it is and which finding is meant; what is there
//! is known here, and numbers come by slots, so a small model can't mistake one finding for another.

use signal::FindingKind;

use super::{BARS, Facts, LOUDEST, OTHER, capital, finding::noun};
use crate::topic::Topic;

const NO_FAULTS: &str = "Nothing stands out as a problem here.";
const NOT_FOUND: &str = "I have no such finding here.";
const ALL: &str = "That is all I find.";
const NO_CULPRIT: &str = "I can't tell from this which track it is; put Barline on each of them.";
const UNMASKED: &str =
    "I find no masking; I only see it between tracks that Barline is on, or stems that are given.";
const NO_OTHER: &str = "I have no other bar to compare with.";

impl Facts {
    /// The answer, its slots not yet filled; none where the topic is neither measured nor a finding.
    pub(crate) fn reply(&self, topic: &Topic<'_>) -> Option<String> {
        if let Some(measured) = self.measure(topic) {
            return Some(measured);
        }
        match topic.about {
            "fault" => return self.has_fault(topic.of?),
            "faults" => return Some(self.advice()),
            "frequency" => return Some(self.at_region()),
            "density" => return Some(self.busy()),
            // Whatever its colour, what clips is distorted.
            "dirt" => {
                return self
                    .place_of(FindingKind::Clipping)
                    .and_then(|_| self.has_fault("clipping"));
            }
            "extremes" if self.has_other || self.value("loudest").is_some() => {
                return Some(format!("It is loudest {LOUDEST}."));
            }
            "extremes" => return Some(NO_OTHER.to_owned()),
            "compare" if self.has_other => return Some(format!("By comparison, {OTHER}.")),
            "compare" => return Some(NO_OTHER.to_owned()),
            "first" | "rest" | "culprit" | "why" | "gentler" | "stronger" | "how" | "effect"
            | "holds" | "meant" | "skip" => {}
            _ => return None,
        }
        if self.findings.is_empty() {
            return Some(NO_FAULTS.to_owned());
        }
        match topic.about {
            "first" => return Some(self.first()),
            "rest" => return Some(self.rest()),
            "culprit" => return Some(self.culprit()),
            _ => {}
        }
        let meant = self.meant(topic.of).and_then(|number| Some((number, self.finding(number)?)));
        Some(meant.map_or_else(
            || NOT_FOUND.to_owned(),
            |(number, kind)| on_one(topic.about, number, noun(kind)),
        ))
    }

    /// The number, from 1, of the finding that a reference means: a fault, a place, or what was spoken of last.
    fn meant(&self, of: Option<&str>) -> Option<usize> {
        match of {
            None => Some(self.last.unwrap_or(1)),
            Some("last") => Some(self.findings.len()),
            Some(of) => of.parse().ok().or_else(|| self.place_of(FindingKind::from_name(of)?)),
        }
    }

    fn place_of(&self, kind: FindingKind) -> Option<usize> {
        self.findings.iter().position(|known| *known == kind).map(|index| index + 1)
    }

    /// A finding by its number, with its move where it has one.
    pub(super) fn in_full(&self, number: usize) -> String {
        let noun = self.finding(number).map_or("it", noun);
        match self.value(&format!("how{number}")) {
            Some(_) => format!("{noun}: <why{number}>; worth a try: <how{number}>"),
            None => format!("{noun}: <why{number}>"),
        }
    }

    /// All findings, the first first.
    pub(crate) fn advice(&self) -> String {
        if self.findings.is_empty() {
            return NO_FAULTS.to_owned();
        }
        std::iter::once(self.first()).chain(self.later(2)).collect::<Vec<_>>().join(" ")
    }

    /// What to begin with. One sound in ten has a minor finding of each kind that is nobody's fault.
    fn first(&self) -> String {
        let begin = if self.serious { "Begin with" } else { "Nothing serious; at most" };
        format!("{begin} {}.", self.in_full(1))
    }

    /// The findings from that number on, a sentence each.
    fn later(&self, from: usize) -> impl Iterator<Item = String> {
        (from..=self.findings.len()).map(|number| format!("Then {}.", self.in_full(number)))
    }

    /// What was not spoken of yet.
    fn rest(&self) -> String {
        let told: Vec<String> = self.later(self.last.unwrap_or(1) + 1).collect();
        if told.is_empty() { ALL.to_owned() } else { told.join(" ") }
    }

    /// How busy it is.
    fn busy(&self) -> String {
        match self.density {
            Some("") => "It is moderately busy.".to_owned(),
            Some(word) => format!("It is {word}."),
            None => "This is too short to tell how busy it is.".to_owned(),
        }
    }

    /// Which of several tracks it is: only masking knows others.
    fn culprit(&self) -> String {
        let masking = self.place_of(FindingKind::Masking);
        masking.map_or_else(|| NO_CULPRIT.to_owned(), |n| format!("The masking: <why{n}>."))
    }

    /// Whether one fault is there.
    fn has_fault(&self, name: &str) -> Option<String> {
        let kind = FindingKind::from_name(name)?;
        Some(match self.place_of(kind) {
            Some(number) => format!("Yes, {}.", self.in_full(number)),
            None if kind == FindingKind::Masking => UNMASKED.to_owned(),
            None => format!("No, I don't find {} here.", absent(kind)),
        })
    }
}

/// The answer on one finding.
fn on_one(about: &str, number: usize, noun: &str) -> String {
    let bars = BARS.get(number.saturating_sub(1)).copied().unwrap_or_default();
    capital(&match about {
        "why" => format!("{noun}: <why{number}>."),
        "gentler" => format!("For {noun}: <less{number}>."),
        "stronger" => format!("For {noun}: <more{number}>."),
        "how" => format!("For {noun}: <how{number}>."),
        "effect" => format!("As for {noun}: <effect{number}>."),
        "holds" => format!("{noun}: {bars}."),
        "meant" => format!("If {noun} is meant, leave it; you can dismiss the finding."),
        _ => format!("You can dismiss {noun}, and I won't bring it up on this track."),
    })
}

/// What is not there: the fault without its article.
fn absent(kind: FindingKind) -> String {
    let noun = noun(kind);
    noun.strip_prefix("the ").unwrap_or(noun).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Conversation;

    fn facts(findings: &[FindingKind]) -> Facts {
        let values = vec![("why1", "w".to_owned()), ("how2", "h".to_owned())];
        Facts { values, findings: findings.to_vec(), serious: true, ..Facts::default() }
    }

    #[track_caller]
    fn check(facts: &Facts, about: &str, of: Option<&str>, expected: &str) {
        assert_eq!(facts.reply(&Topic { about, of }).as_deref(), Some(expected));
    }

    #[test]
    fn a_finding_is_meant_by_its_name_its_place_or_by_nothing() {
        let two = facts(&[FindingKind::Hum, FindingKind::Muddy]);
        check(&two, "why", None, "The hum: <why1>.");
        check(&two, "why", Some("muddy"), "The mud: <why2>.");
        check(&two, "gentler", Some("2"), "For the mud: <less2>.");
        check(&two, "holds", Some("last"), "The mud: <bars2>.");
        check(&two, "how", Some("3"), NOT_FOUND);
        check(&two, "skip", Some("dull"), NOT_FOUND);
        let mut talk = Conversation::default();
        talk.go_on(&two, "The mud: <why2>.");
        let talked = two.clone().after(talk);
        check(&talked, "effect", None, "As for the mud: <effect2>.");
        check(&talked, "rest", None, ALL);
    }

    #[test]
    fn several_are_told_in_their_order() {
        let two = facts(&[FindingKind::Hum, FindingKind::Masking]);
        check(&two, "first", None, "Begin with the hum: <why1>.");
        let all = "Begin with the hum: <why1>. Then the masking: <why2>; worth a try: <how2>.";
        assert_eq!(two.advice(), all);
        assert_eq!(facts(&[]).advice(), NO_FAULTS);
        check(&two, "rest", None, "Then the masking: <why2>; worth a try: <how2>.");
        check(&two, "culprit", None, "The masking: <why2>.");
        check(&facts(&[FindingKind::Hum]), "culprit", None, NO_CULPRIT);
        check(&facts(&[]), "first", None, NO_FAULTS);
        let minor = Facts { serious: false, ..two };
        let all = "Nothing serious; at most the hum: <why1>. Then the masking: <why2>; worth a try: <how2>.";
        assert_eq!(minor.advice(), all);
    }

    #[test]
    fn a_fault_is_there_or_not() {
        let hum = facts(&[FindingKind::Hum]);
        check(&hum, "fault", Some("hum"), "Yes, the hum: <why1>.");
        check(&hum, "fault", Some("boomy"), "No, I don't find boomy low end here.");
        check(&hum, "fault", Some("masking"), UNMASKED);
        check(&hum, "faults", None, "Begin with the hum: <why1>.");
        assert_eq!(hum.reply(&Topic { about: "dirt", of: None }), None);
        let clips = "Yes, the clipping: <why1>.";
        check(&facts(&[FindingKind::Clipping]), "dirt", None, clips);
        assert_eq!(hum.reply(&Topic { about: "fault", of: None }), None);
        assert_eq!(hum.reply(&Topic { about: "loudest", of: None }), None);
    }

    #[test]
    fn other_bars_are_compared_with_where_there_are_some() {
        check(&facts(&[]), "compare", None, NO_OTHER);
        check(&facts(&[]).with_other(), "compare", None, "By comparison, <other>.");
        check(&facts(&[]), "extremes", None, NO_OTHER);
        check(&facts(&[]).with_other(), "extremes", None, "It is loudest <loudest>.");
    }
}
