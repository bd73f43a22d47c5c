//! Whether an answer is right: its words and numbers against the truth. The limits of colours are those that the training's
//! grammar draws, for where "bright" begins is a convention; levels are compared with the meters that fill the slots, so
//! they test whether the question was understood, and `eval measure` the meters.

use std::collections::BTreeSet;

use engine::mix_instruments;
use signal::Label;

use super::{
    super::words::{named_faults, numbers},
    About, Question,
    stage::Truth,
};

/// Levels are right within this many units, tempi within this share.
const LEVEL: f64 = 0.5;
const TEMPO: f64 = 0.04;
/// An instrument within this ratio of the loudest's power may be called the loudest: 3 dB.
const AS_LOUD: f64 = 0.5;
/// A list is right with this share of its names right, and this share of what is there named.
const PRECISION: f64 = 0.75;
const RECALL: f64 = 0.5;
/// Bars are right if their overlap is this share of the bars that either names.
const OVERLAP: f64 = 0.5;
/// Boundaries are right within this many seconds.
const BOUNDARY_S: f64 = 3.0;
/// Limits of colours, and how near to one either word will do.
const BRIGHT: f64 = 0.8;
const DARK: f64 = 0.45;
const WARM: f64 = 0.8;
const ROOMY: f64 = 0.35;
const DRY: f64 = 0.03;
const GRITTY: f64 = 0.4;
const BUSY: f64 = 0.68;
const SPARSE: f64 = 0.2;
const NEAR: f64 = 0.05;

/// Whether `answer` is right.
pub(super) fn right(question: &Question, truth: &Truth, answer: &str) -> bool {
    let text = answer.to_lowercase();
    let withheld = text.contains("can't tell") || text.contains("could not measure");
    if question.about == About::Unknowable {
        return text.contains("can't tell");
    }
    if withheld {
        return false;
    }
    let numbers = numbers(&text);
    let near = |value: Option<f64>, within: f64| {
        value.is_some_and(|value| numbers.iter().any(|n| (n - value).abs() <= within))
    };
    let measured = &truth.measured;
    match question.about {
        About::Instruments => names(&mix_instruments(answer), &truth.audible),
        About::Presence => question.instrument.is_some_and(|label| present(label, truth, &text)),
        About::Loudest => loudest(&mix_instruments(answer), truth),
        About::Tempo => near(Some(truth.song.tempo_bpm), TEMPO * truth.song.tempo_bpm),
        About::Key => key(answer, &truth.song.key),
        About::Meter => text.contains(&truth.song.meter),
        About::Chords => chords(answer, truth),
        About::Loudness => near(measured.integrated_lufs, LEVEL),
        About::Peak => near(measured.true_peak_dbtp, LEVEL),
        About::Dynamics => {
            near(measured.crest_db, LEVEL) || near(measured.loudness_range_lu, LEVEL)
        }
        About::Stereo => {
            text.contains("correlation") && near(measured.correlation, 0.01)
                || text.contains("balance") && near(measured.balance_db, LEVEL)
        }
        About::Length => length(&text, truth.song.duration_s),
        About::Brightness => {
            colour(truth, |d| d.brightness, (DARK, BRIGHT), &text, "dark", "bright")
        }
        About::Warmth => {
            let warm = !text.contains("not");
            text.contains("warm") && side(truth, |d| d.warmth, WARM, warm)
        }
        About::Space => colour(truth, |d| d.space, (DRY, ROOMY), &text, "dry", "roomy"),
        About::Dirt => {
            let dirty = text.contains("gritty");
            (dirty || text.contains("clean")) && side(truth, |d| d.dirt, GRITTY, dirty)
        }
        About::Density => colour(truth, |d| d.density, (SPARSE, BUSY), &text, "sparse", "busy"),
        About::Faults => match truth.planted {
            Some(kind) => named_faults(&text).first() == Some(&kind),
            None => text.starts_with("nothing") && named_faults(&text).is_empty(),
        },
        About::Fault => says_yes(&text) == Some(truth.planted.is_some()),
        About::Where => question.instrument.is_some_and(|label| bars(label, truth, &text)),
        About::Sections => boundaries(&text, truth),
        About::Unknowable => true,
    }
}

fn names(named: &[Label], there: &BTreeSet<Label>) -> bool {
    let hits = named.iter().filter(|label| there.contains(label)).count() as f64;
    hits > 0.0 && hits >= PRECISION * named.len() as f64 && hits >= RECALL * there.len() as f64
}

/// Yes where it plays, no where it is not in the ensemble. A kit's pieces are in its drums, which need not have all of them.
fn present(label: Label, truth: &Truth, text: &str) -> bool {
    if truth.ensemble.contains(&label) {
        return says_yes(text) == Some(true);
    }
    if label.is_kit_piece() && truth.ensemble.contains(&Label::Drums) {
        return says_yes(text) != Some(false);
    }
    says_yes(text) == Some(false)
}

fn says_yes(text: &str) -> Option<bool> {
    match text.split(|c: char| !c.is_alphabetic()).next() {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        _ => None,
    }
}

/// The same tonic, however it is spelt, and the same mode.
fn key(answer: &str, truth: &str) -> bool {
    let words: Vec<&str> = answer.split(|c: char| !c.is_alphanumeric() && c != '#').collect();
    let of = |pair: &[&str]| (plain_triad(pair[0]), pair[1].to_lowercase());
    let known: Vec<&str> = truth.split(' ').collect();
    let wanted = known.windows(2).next().map(of);
    words.windows(2).map(of).any(|pair| !pair.0.is_empty() && Some(pair) == wanted)
}

fn loudest(named: &[Label], truth: &Truth) -> bool {
    let most = truth.by_power.first().map_or(0.0, |(_, power)| *power);
    let power = |label| truth.by_power.iter().find(|(known, _)| *known == label);
    named.len() == 1
        && named.first().and_then(|&label| power(label)).is_some_and(|(_, p)| *p >= AS_LOUD * most)
}

/// At least two triads of the song, and mostly such.
fn chords(answer: &str, truth: &Truth) -> bool {
    let names: BTreeSet<String> = truth
        .song
        .bars
        .iter()
        .flat_map(|bar| bar.chords.iter().map(|name| plain_triad(name)))
        .collect();
    let said: Vec<String> = answer
        .split(|c: char| !c.is_alphanumeric() && c != '#')
        .map(plain_triad)
        .filter(|word| !word.is_empty())
        .collect();
    let hits = said.iter().filter(|name| names.contains(*name)).count();
    hits >= 2 && hits * 2 >= said.len()
}

/// Pitch class and mode of a triad's name, e.g. `1m` for `Dbm`; empty for any other word.
fn plain_triad(name: &str) -> String {
    let mut letters = name.chars();
    let natural = match letters.next() {
        Some('C') => 0,
        Some('D') => 2,
        Some('E') => 4,
        Some('F') => 5,
        Some('G') => 7,
        Some('A') => 9,
        Some('B') => 11,
        _ => return String::new(),
    };
    let (shift, mode) = match letters.as_str() {
        rest if rest.starts_with('#') => (1, &rest[1..]),
        rest if rest.starts_with('b') => (11, &rest[1..]),
        rest => (0, rest),
    };
    if !matches!(mode, "" | "m") {
        return String::new();
    }
    format!("{}{mode}", (natural + shift) % 12)
}

fn length(text: &str, duration_s: f64) -> bool {
    let said = clocks(text).next().or_else(|| numbers(text).first().copied());
    said.is_some_and(|s| (s - duration_s).abs() <= 1.0)
}

/// Three ways to be: below, above or between two limits.
fn colour(
    truth: &Truth,
    of: impl Fn(&factory::truth::Descriptors) -> f64,
    (low, high): (f64, f64),
    text: &str,
    low_word: &str,
    high_word: &str,
) -> bool {
    let Some(value) = truth.descriptors.as_ref().map(of) else { return false };
    let (says_low, says_high) = (text.contains(low_word), text.contains(high_word));
    match (says_low, says_high) {
        (true, false) => value < low + NEAR,
        (false, true) if !text.contains("moderately") => value > high - NEAR,
        // "Neither bright nor dark", "a little space", "moderately busy".
        _ if ["neither", "little", "moderate"].iter().any(|word| text.contains(word)) => {
            value > low - NEAR && value < high + NEAR
        }
        _ => false,
    }
}

fn side(
    truth: &Truth,
    of: impl Fn(&factory::truth::Descriptors) -> f64,
    limit: f64,
    says_above: bool,
) -> bool {
    let Some(value) = truth.descriptors.as_ref().map(of) else { return false };
    if says_above { value > limit - NEAR } else { value < limit + NEAR }
}

/// The bars that an answer names against those in which the instrument is audible.
fn bars(label: Label, truth: &Truth, text: &str) -> bool {
    let label = label.in_mix();
    let plays = |of: &factory::truth::Instrument| of.audible && of.label.in_mix() == label;
    let song = truth.song.bars.iter();
    let there: BTreeSet<usize> =
        song.filter(|bar| bar.instruments.iter().any(plays)).map(|bar| bar.bar).collect();
    if there.is_empty() {
        return says_yes(text) == Some(false);
    }
    let all = 1..=truth.song.bars.len();
    let said: BTreeSet<usize> = if text.contains("from start to end") {
        all.collect()
    } else {
        text.split(|c: char| !c.is_ascii_digit() && c != '-').flat_map(range).collect()
    };
    let (both, either) = (there.intersection(&said).count(), there.union(&said).count());
    both as f64 >= OVERLAP * either as f64
}

/// The bars of `5-7` or `9`; none of any other word.
fn range(word: &str) -> std::ops::Range<usize> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => first..last.saturating_add(1),
        _ => 0..0,
    }
}

/// At least half of the boundaries named, and at least half of the named ones real.
fn boundaries(text: &str, truth: &Truth) -> bool {
    let said: Vec<f64> = clocks(text).filter(|s| *s > 0.0).collect();
    let real: Vec<f64> =
        truth.song.sections.iter().skip(1).map(|section| section.start_s).collect();
    let near = |a: &[f64], b: &[f64]| {
        a.iter().filter(|x| b.iter().any(|y| (*x - y).abs() <= BOUNDARY_S)).count()
    };
    near(&real, &said) * 2 >= real.len() && near(&said, &real) * 2 >= said.len()
}

/// The times of a text that are written as minutes and seconds, in seconds.
fn clocks(text: &str) -> impl Iterator<Item = f64> {
    text.split(|c: char| !c.is_ascii_digit() && c != ':').filter_map(|word| {
        let (minutes, seconds) = word.split_once(':')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triads_are_read() {
        let plain = ["Dbm", "C#m", "F", "Bb", "the", "Am", "Asus"].map(plain_triad);
        assert_eq!(plain, ["1m", "1m", "5", "10", "", "9m", ""]);
    }

    #[test]
    fn keys_are_compared_by_sound() {
        assert!(key("It measures as C# major.", "Db major"));
        assert!(!key("It measures as Ab major.", "B major"));
        assert!(!key("It measures as B minor.", "B major"));
    }

    #[test]
    fn lists_of_names_need_both_precision_and_recall() {
        let there = BTreeSet::from([Label::Bass, Label::Drums, Label::Piano, Label::Vocals]);
        assert!(names(&[Label::Bass, Label::Drums], &there));
        assert!(!names(&[Label::Bass], &there));
        assert!(!names(&[Label::Bass, Label::Drums, Label::Organ], &there));
        assert!(!names(&[], &there));
    }

    #[test]
    fn bars_are_read() {
        for (word, bars) in [("5-7", 5..8), ("9", 9..10), ("-", 0..0), ("5-", 0..0), ("", 0..0)] {
            assert_eq!(range(word), bars, "{word}");
        }
    }
}
