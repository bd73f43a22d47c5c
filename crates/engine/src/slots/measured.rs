//! Answers to questions about what was measured: tempo, key, level and so on. The model says which is asked for; whether it is known,
//! and how surely, is known here.

use super::{Facts, capital};
use crate::topic::Topic;

/// A topic, its slots, each in its words, and what is said where none is known.
type Said = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// What can be asked of what was measured.
const TOPICS: [Said; 10] = [
    ("tempo", &[("tempo", "about <tempo>")], "I could not measure a steady tempo here."),
    ("key", &[("key", "it measures as <key>")], "I could not measure a clear key here."),
    ("meter", &[("meter", "it counts as <meter>")], "I could not measure a clear meter here."),
    (
        "chords",
        &[("chords", "the chords measure as <chords>")],
        "I could not measure clear chords here.",
    ),
    ("length", &[("length", "it lasts <length>")], "I could not measure its length."),
    (
        "sections",
        &[("parts", "by its sound it has parts: <parts>")],
        "I hear no change of sections here.",
    ),
    (
        "loudness",
        &[("lufs", "it measures <lufs>")],
        "There is too little signal to measure its level.",
    ),
    (
        "peak",
        &[("peak", "the true peak is <peak>")],
        "There is too little signal to measure its peak.",
    ),
    (
        "dynamics",
        &[("crest", "the crest factor is <crest>"), ("range", "the loudness range is <range>")],
        "There is too little signal to measure its dynamics.",
    ),
    (
        "stereo",
        &[("corr", "the correlation is <corr>"), ("bal", "the balance is <bal>")],
        "There is no stereo image to measure here.",
    ),
];

impl Facts {
    /// The answer, its slots not yet filled; none where the topic is nothing measured.
    pub(super) fn measure(&self, topic: &Topic<'_>) -> Option<String> {
        let (_, parts, otherwise) = TOPICS.into_iter().find(|(about, ..)| *about == topic.about)?;
        let known = parts.iter().filter(|(slot, _)| self.value(slot).is_some());
        let words = known.map(|(_, words)| *words).collect::<Vec<_>>().join(", ");
        if words.is_empty() {
            return Some(otherwise.to_owned());
        }
        if parts.iter().any(|(slot, _)| self.doubted.contains(slot)) {
            return Some(format!("Perhaps {words}, but I am not sure."));
        }
        Some(format!("{}.", capital(&words)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(facts: &Facts, about: &str) -> Option<String> {
        facts.measure(&Topic { about, of: None })
    }

    #[test]
    fn what_is_known_is_said_and_what_is_doubtful_with_a_doubt() {
        let values = ["tempo", "key", "crest", "range"].map(|slot| (slot, "x".to_owned()));
        let facts =
            Facts { values: values.to_vec(), doubted: vec!["key", "meter"], ..Facts::default() };
        let check = |about, words: &str| assert_eq!(said(&facts, about).as_deref(), Some(words));
        check("tempo", "About <tempo>.");
        check("key", "Perhaps it measures as <key>, but I am not sure.");
        check("meter", "I could not measure a clear meter here.");
        check("dynamics", "The crest factor is <crest>, the loudness range is <range>.");
        check("stereo", "There is no stereo image to measure here.");
        assert_eq!(said(&facts, "presence"), None);
        assert_eq!(facts.fill(&said(&facts, "key").unwrap()).checked_numbers, 1);
    }
}
