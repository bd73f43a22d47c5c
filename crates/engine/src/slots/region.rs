//! A frequency that a question names, and what can be said of it: how much lies there, and what was found there.

use signal::Band;

use super::{Facts, fixed, frequency};

/// What a single frequency stands for: the third of an octave around it.
const THIRD: f64 = 1.122_462_048_309_373;
/// What is heard, in Hz; a number beyond is none of a frequency.
const LOWEST_HZ: f64 = 10.0;
const HIGHEST_HZ: f64 = 24_000.0;
/// Less than this of the whole is as good as nothing, in dB.
const NOTHING_DB: f64 = -80.0;

const BELOW: [&str; 7] = ["below", "under", "sub", "beneath", "underneath", "until", "lowpass"];
const ABOVE: [&str; 6] = ["above", "over", "beyond", "past", "from", "highpass"];

/// A stretch of the spectrum, in Hz.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Region {
    lo_hz: f64,
    hi_hz: f64,
    named: Named,
}

/// How it was named.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Named {
    Around(f64),
    Between,
    Below,
    Above,
}

/// A number in a question, in Hz as far as its unit is known.
#[derive(Clone, Copy, Debug)]
struct Number {
    value: f64,
    /// 1 or 1000; none where no unit follows.
    unit: Option<f64>,
    /// Which word it is.
    word: usize,
}

impl Region {
    /// The frequency or the range that a question names. Where the question `is_about` one, a bare number is hertz, too.
    pub(crate) fn of(question: &str, is_about: bool) -> Option<Self> {
        let lower = question.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == ','))
            .map(|word| word.trim_matches(['.', ',']))
            .filter(|word| !word.is_empty())
            .collect();
        let numbers = numbers(&words);
        let has_unit = numbers.iter().any(|number| number.unit.is_some());
        if !(has_unit || is_about) {
            return None;
        }
        let hz = |number: &Number, lent: Option<f64>| {
            let hz = number.value * number.unit.or(lent).unwrap_or(1.0);
            (LOWEST_HZ..=HIGHEST_HZ).contains(&hz).then_some(hz)
        };
        // A number with a unit is meant before one without, of a range its end.
        let last = numbers.iter().rposition(|number| number.unit.is_some() || !has_unit)?;
        let end = numbers[last];
        let end_hz = hz(&end, None)?;
        let before = last.checked_sub(1).map(|place| numbers[place]);
        if let Some(start) = before.filter(|start| joined(&words, start.word, end.word)) {
            // "2 to 5k" lends its unit, "200 to 2k" does not.
            let start_hz =
                hz(&start, end.unit).filter(|hz| *hz < end_hz).or_else(|| hz(&start, None));
            if let Some(lo_hz) = start_hz.filter(|hz| *hz < end_hz) {
                return Some(Self { lo_hz, hi_hz: end_hz, named: Named::Between });
            }
        }
        let is_before = |names: &[&str]| {
            let near = words[..end.word].iter().rev().take(2);
            near.into_iter().any(|word| names.contains(word))
        };
        let goes_up =
            words[end.word..].windows(2).any(|pair| pair == ["and", "up"] || pair[1] == "up");
        Some(if is_before(&BELOW) {
            Self { lo_hz: 0.0, hi_hz: end_hz, named: Named::Below }
        } else if is_before(&ABOVE) || goes_up {
            Self { lo_hz: end_hz, hi_hz: f64::INFINITY, named: Named::Above }
        } else {
            Self { lo_hz: end_hz / THIRD, hi_hz: end_hz * THIRD, named: Named::Around(end_hz) }
        })
    }

    /// `around 300 Hz`, `from 2.0 kHz to 5.0 kHz`, `below 60 Hz`.
    fn words(self) -> String {
        match self.named {
            Named::Around(hz) => format!("around {}", frequency(hz)),
            Named::Between => {
                format!("from {} to {}", frequency(self.lo_hz), frequency(self.hi_hz))
            }
            Named::Below => format!("below {}", frequency(self.hi_hz)),
            Named::Above => format!("above {}", frequency(self.lo_hz)),
        }
    }

    fn meets(self, [lo_hz, hi_hz]: [f64; 2]) -> bool {
        self.lo_hz < hi_hz && lo_hz < self.hi_hz
    }

    /// What lies in it against the whole, in dB; none where nothing was measured there.
    fn share_db(self, bands: &[Band]) -> Option<f64> {
        let level = |lo_hz, hi_hz| Band::level_between(bands, lo_hz, hi_hz);
        Some(level(self.lo_hz, self.hi_hz)? - level(0.0, f64::INFINITY)?)
    }
}

/// The numbers of a question: `300`, `300hz`, `2.5 k`, `2,5khz`.
fn numbers(words: &[&str]) -> Vec<Number> {
    let unit_of = |text: &str| match text {
        "hz" | "hertz" | "herz" => Some(1.0),
        "k" | "khz" | "kilohertz" => Some(1000.0),
        _ => None,
    };
    let number = |(place, word): (usize, &&str)| {
        let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','));
        let (digits, rest) = word.split_at(end.unwrap_or(word.len()));
        let value = digits.replace(',', ".").parse().ok()?;
        let unit = unit_of(rest);
        if !rest.is_empty() && unit.is_none() {
            return None;
        }
        let after = words.get(place + 1).and_then(|next| unit_of(next));
        Some(Number { value, unit: unit.or(after), word: place })
    };
    words.iter().enumerate().filter_map(number).collect()
}

/// Whether two numbers are the ends of one range: nothing stands between them but a dash, "to", "and" or a unit.
fn joined(words: &[&str], start: usize, end: usize) -> bool {
    let between = &words[start + 1..end];
    let joins = |word: &&str| {
        matches!(*word, "to" | "and" | "hz" | "hertz" | "k" | "khz" | "through" | "til" | "till")
    };
    between.len() <= 2 && between.iter().all(joins)
}

impl Facts {
    /// The same for a question: what it may ask of a frequency can be filled in.
    pub(crate) fn asked(mut self, question: &str) -> Self {
        let Some(region) = Region::of(question, true) else { return self };
        self.set("region", Some(region.words()));
        let share = region.share_db(&self.bands);
        self.set(
            "share",
            share.filter(|db| *db > NOTHING_DB).map(|db| format!("{} dB", fixed(-db, 1))),
        );
        let meets = |span: &Option<[f64; 2]>| span.is_some_and(|span| region.meets(span));
        self.met = (0..self.findings.len()).filter(|&place| meets(&self.spans[place])).collect();
        self
    }

    /// What lies where the question asks, and what was found there, slots not yet filled.
    pub(super) fn at_region(&self) -> String {
        if self.value("region").is_none() {
            return "I don't see which frequency you mean.".to_owned();
        }
        let level = match self.value("share") {
            Some(_) => "What lies <region> is <share> below the whole.",
            None => "Next to nothing lies <region>.",
        };
        let found: Vec<String> =
            self.met.iter().map(|place| format!("There is {}.", self.in_full(place + 1))).collect();
        let found = if found.is_empty() {
            "I find nothing there to change.".to_owned()
        } else {
            found.join(" ")
        };
        format!("{level} {found}")
    }
}

#[cfg(test)]
mod tests {
    use signal::FindingKind;

    use super::*;

    fn words(question: &str) -> Option<String> {
        Region::of(question, false).map(Region::words)
    }

    #[test]
    fn frequencies_and_ranges_are_read_as_people_write_them() {
        let check = |question, expected: &str| {
            assert_eq!(words(question).as_deref(), Some(expected), "{question}");
        };
        check("would you cut anything at 300 Hz?", "around 300 Hz");
        check("300hz?", "around 300 Hz");
        check("what's going on at 2.5k", "around 2.5 kHz");
        check("2,5 kHz too much?", "around 2.5 kHz");
        check("how much energy is below 60 Hz", "below 60 Hz");
        check("anything above 10 kHz?", "above 10.0 kHz");
        check("a shelf from 8k up", "above 8.0 kHz");
        check("80-120hz", "from 80 Hz to 120 Hz");
        check("between 2 and 5k", "from 2.0 kHz to 5.0 kHz");
        check("from 200 to 2k please", "from 200 Hz to 2.0 kHz");
        check("200 Hz to 1 khz", "from 200 Hz to 1.0 kHz");
        check("in bar 4, cut 3 dB at 250 hz?", "around 250 Hz");
    }

    #[test]
    fn other_numbers_are_none() {
        for question in
            ["what about bar 12?", "is it 120 bpm", "10 db louder?", "at 99 khz", "4k video?"]
        {
            let region = Region::of(question, false);
            assert!(region.is_none() || question.starts_with("4k"), "{question}: {region:?}");
        }
        assert_eq!(
            Region::of("mud around 250?", true).map(Region::words).as_deref(),
            Some("around 250 Hz")
        );
        assert_eq!(Region::of("mud?", true), None);
    }

    #[test]
    fn what_lies_there_is_measured_and_what_was_found_there_is_told() {
        let band = |lo_hz, hi_hz, level_db| Band { lo_hz, hi_hz, level_db };
        let facts = Facts {
            bands: vec![
                band(100.0, 200.0, -20.0),
                band(200.0, 400.0, -30.0),
                band(400.0, 800.0, -200.0),
            ],
            findings: vec![FindingKind::Muddy],
            spans: vec![Some([200.0, 400.0])],
            values: vec![("why1", "it is".to_owned())],
            ..Facts::default()
        };
        let said = |question| {
            let facts = facts.clone().asked(question);
            facts.fill(&facts.at_region()).text
        };
        let mud =
            "What lies from 200 Hz to 400 Hz is 10.4 dB below the whole. There is the mud: it is.";
        assert_eq!(said("200-400 hz?"), mud);
        let clean =
            "What lies below 150 Hz is 2.7 dB below the whole. I find nothing there to change.";
        assert_eq!(said("under 150 hz?"), clean);
        assert_eq!(
            said("600 hz?"),
            "Next to nothing lies around 600 Hz. I find nothing there to change."
        );
        assert_eq!(said("why?"), "I don't see which frequency you mean.");
    }
}
