//! Answers to questions about what was measured: tempo, key, level and so on. The model says which is asked for; whether it is known,
//! and how surely, is known here.

use signal::Measurements;

use super::{Facts, capital, fixed};
use crate::topic::Topic;

/// A topic, its slots, each in its words, and what is said where none is known.
type Said = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// What can be asked of what was measured.
const TOPICS: [Said; 12] = [
    ("tempo", &[("tempo", "about <tempo>")], "I could not measure a steady tempo here."),
    ("key", &[("key", "it measures as <key>")], "I could not measure a clear key here."),
    ("meter", &[("meter", "it counts as <meter>")], "I could not measure a clear meter here."),
    (
        "chords",
        &[("chords", "the chords measure as <chords>")],
        "I could not measure clear chords here.",
    ),
    (
        "length",
        &[("length", "it lasts <length>"), ("counted", "which is <counted>")],
        "I could not measure its length.",
    ),
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
    ("stereo", &[("image", "<image>")], "There is no stereo image to measure here."),
    ("course", &[("course", "<course>")], "This is too short to tell how its level goes."),
    ("file", &[("file", "<file>")], "I don't know the format of this."),
];

/// Fewer attacks a second than the first are sparse, more than the second busy; where that begins is a convention.
const SPARSE_PER_S: f64 = 1.2;
const BUSY_PER_S: f64 = 4.2;
/// Shorter slices are as busy as their one or two attacks happen to be, in seconds.
const DENSITY_S: f64 = 1.5;

/// Less power in the sides than this share, and less difference between the channels in dB, is as good as mono.
const MONO_WIDTH: f64 = 1e-4;
const LEVEL_DB: f64 = 0.5;
/// Channels that differ by as much: one of them is silent.
const SILENT_DB: f64 = 40.0;
/// Below this correlation most of a sound disappears in mono.
const INVERTED: f64 = -0.3;

/// How busy it is: "sparse", "busy" or, in between, neither; none where that can't be told.
pub(super) fn density(m: &Measurements) -> Option<&'static str> {
    let onsets_per_s = m.onsets_per_s.filter(|_| m.signal_s >= DENSITY_S)?;
    Some(match onsets_per_s {
        onsets if onsets < SPARSE_PER_S => "sparse",
        onsets if onsets > BUSY_PER_S => "busy",
        _ => "",
    })
}

/// The stereo image, and what it comes to in mono; none of what has one channel.
pub(super) fn image(m: &Measurements) -> Option<String> {
    if m.channels == 1 {
        return Some("it has one channel, so there is no stereo image".to_owned());
    }
    let balance_db = m.balance_db?;
    let (louder, quieter) = if balance_db > 0.0 { ("right", "left") } else { ("left", "right") };
    if balance_db.abs() >= SILENT_DB {
        return Some(format!("only the {louder} channel sounds: the {quieter} one is silent"));
    }
    let balance = match balance_db.abs() {
        db if db < LEVEL_DB => format!("the balance is even, at {} dB", fixed(balance_db, 1)),
        db => format!("the balance leans {louder}, which is {} dB louder", fixed(db, 1)),
    };
    let (correlation, width) = m.correlation.zip(m.width)?;
    if width < MONO_WIDTH && balance_db.abs() < LEVEL_DB {
        return Some(format!(
            "both channels carry the same, so it is mono, with a correlation of {}",
            fixed(correlation, 2)
        ));
    }
    let mono = if correlation < INVERTED {
        "so much of it disappears in mono"
    } else if correlation < 0.0 {
        "so some of it is lost in mono"
    } else {
        "so it holds up in mono"
    };
    let sides = fixed(width * 100.0, 0);
    Some(format!(
        "the correlation is {}, {mono}; {sides} % of the power is in the sides, and {balance}",
        fixed(correlation, 2)
    ))
}

/// The format of what was measured.
pub(super) fn file(m: &Measurements) -> Option<String> {
    let channels = match m.channels {
        0 => return None,
        1 => "one channel".to_owned(),
        2 => "two channels".to_owned(),
        channels => format!("{channels} channels"),
    };
    Some(format!("it has {channels} at {} kHz", f64::from(m.sample_rate_hz) / 1000.0))
}

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
    #[test]
    fn the_image_comes_with_its_verdict() {
        let of = |correlation, width, balance_db| {
            let (correlation, width) = (Some(correlation), Some(width));
            let balance_db = Some(balance_db);
            image(&Measurements {
                channels: 2,
                correlation,
                width,
                balance_db,
                ..Measurements::default()
            })
            .unwrap()
        };
        assert!(of(0.4, 0.25, -8.0).ends_with(
            "25 % of the power is in the sides, and the balance leans left, which is 8.0 dB louder"
        ));
        assert!(of(-0.9, 0.9, 0.1).contains("-0.90, so much of it disappears in mono"));
        assert!(of(1.0, 0.0, 0.0).starts_with("both channels carry the same"));
        assert_eq!(of(0.0, 0.5, 60.0), "only the right channel sounds: the left one is silent");
        assert!(
            image(&Measurements { channels: 1, ..Measurements::default() })
                .unwrap()
                .starts_with("it has one channel")
        );
        assert_eq!(image(&Measurements { channels: 2, ..Measurements::default() }), None);
        let stereo =
            Measurements { channels: 2, sample_rate_hz: 44_100, ..Measurements::default() };
        assert_eq!(file(&stereo).unwrap(), "it has two channels at 44.1 kHz");
    }

    #[test]
    fn attacks_make_it_busy() {
        let of = |onsets_per_s, signal_s| {
            density(&Measurements {
                onsets_per_s: Some(onsets_per_s),
                signal_s,
                ..Measurements::default()
            })
        };
        assert_eq!(
            (of(0.5, 4.0), of(2.0, 4.0), of(6.0, 4.0)),
            (Some("sparse"), Some(""), Some("busy"))
        );
        assert_eq!(of(6.0, 0.5), None);
    }
}
