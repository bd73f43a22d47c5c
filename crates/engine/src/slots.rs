//! Measured facts in words: the list of facts in an instruction, and the slots that the program fills in what the
//! language model wrote. The model never spells a measured number; a sentence with a number of its own is withheld.

use signal::{Finding, FindingKind, Measurements};

/// Bar loudness below which a slice is called quiet, in LUFS.
const QUIET_LUFS: f64 = -30.0;

/// Bar loudness above which a slice is called loud, in LUFS.
const LOUD_LUFS: f64 = -14.0;

/// How many findings an instruction names.
const FINDINGS: usize = 2;

/// Tempo and key are stated only where they are this likely right: a text has no room for doubt.
const SURE: f64 = 0.6;

/// The slots that a language model may write.
pub const SLOTS: [&str; 14] = [
    "<tempo>", "<key>", "<lufs>", "<peak>", "<crest>", "<range>", "<corr>", "<bal>", "<f1>",
    "<g1>", "<v1>", "<f2>", "<g2>", "<v2>",
];

/// The measured values that one instruction offers and one answer may use.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    values: Vec<(&'static str, String)>,
    level: Option<&'static str>,
    findings: Vec<FindingKind>,
}

impl Facts {
    /// Facts of a slice: tempo and key of the whole `song`, everything else of the `slice`, `lufs` the loudness to state
    /// (bar loudness, or integrated loudness for the song).
    pub fn new(
        song: &Measurements,
        slice: &Measurements,
        lufs: Option<f64>,
        findings: &[Finding],
    ) -> Self {
        let mut facts = Self::default();
        let sure = |confidence: Option<f64>| confidence.is_none_or(|c| c >= SURE);
        if sure(song.tempo_confidence) {
            facts.set("tempo", song.tempo_bpm.map(|bpm| format!("{bpm:.0} BPM")));
        }
        if sure(song.key_confidence) {
            facts.set("key", song.key.clone());
        }
        facts.set("lufs", lufs.map(|v| format!("{} LUFS", fixed(v, 1))));
        facts.set("peak", slice.true_peak_dbtp.map(|v| format!("{} dBTP", fixed(v, 1))));
        facts.set("crest", slice.crest_db.map(|v| format!("{} dB", fixed(v, 1))));
        facts.set("range", slice.loudness_range_lu.map(|v| format!("{} LU", fixed(v, 1))));
        if slice.channels >= 2 {
            facts.set("corr", slice.correlation.map(|v| fixed(v, 2)));
            facts.set("bal", slice.balance_db.map(|v| format!("{} dB", fixed(v, 1))));
        }
        facts.level = slice.loudness_lufs.map(level_word);
        let worded = findings
            .iter()
            .filter(|f| !matches!(f.kind, FindingKind::Silence | FindingKind::TooLittle));
        for (finding, slots) in worded.take(FINDINGS).zip([["f1", "g1", "v1"], ["f2", "g2", "v2"]])
        {
            facts.findings.push(finding.kind);
            facts.set(slots[0], frequency_hz(finding).map(frequency));
            let gain_db = finding.mv.and_then(|mv| mv.gain_db);
            facts.set(slots[1], gain_db.map(|v| format!("{} dB", fixed(v, 1))));
            facts.set(slots[2], finding.evidence.first().map(|e| value(e.value, &e.unit)));
        }
        facts
    }

    /// The facts in the instruction's words: names of the values at hand, the level, the findings.
    pub fn words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for name in ["tempo", "key", "lufs", "peak", "crest", "range", "corr", "bal"] {
            if self.value(name).is_some() {
                words.push(name.to_owned());
            }
        }
        words.extend(self.level.map(str::to_owned));
        for (index, kind) in self.findings.iter().enumerate() {
            words.push(format!("{}:{}", index + 1, kind.name()));
        }
        if self.findings.is_empty() {
            words.push("none".to_owned());
        }
        words.join(" ")
    }

    /// What to say where the model wrote the slot `name` (without the angle brackets).
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(slot, _)| *slot == name).map(|(_, value)| value.as_str())
    }

    /// Fills the slots of `text`. A sentence with a slot whose value is missing, or with a digit of its own, is withheld
    /// (invariant 6 of the design).
    pub fn fill(&self, text: &str) -> Filled {
        let mut filled = Filled::default();
        for sentence in sentences(text) {
            match self.fill_sentence(sentence) {
                Some((words, numbers)) => {
                    if !filled.text.is_empty() {
                        filled.text.push(' ');
                    }
                    filled.text.push_str(&words);
                    filled.checked_numbers += numbers;
                }
                None => filled.withheld += 1,
            }
        }
        filled
    }

    fn set(&mut self, slot: &'static str, value: Option<String>) {
        self.values.extend(value.map(|value| (slot, value)));
    }

    /// The sentence with its slots filled and their count, or `None` where it must be withheld.
    fn fill_sentence(&self, sentence: &str) -> Option<(String, usize)> {
        let mut out = String::with_capacity(sentence.len() + 16);
        let mut numbers = 0;
        let mut rest = sentence;
        while let Some(at) = rest.find(['<', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
            let tail = rest[at..].strip_prefix('<')?;
            let close = tail.find('>')?;
            out.push_str(&rest[..at]);
            out.push_str(self.value(&tail[..close])?);
            numbers += 1;
            rest = &tail[close + 1..];
        }
        // Digits of other scripts are numbers too.
        if rest.chars().any(char::is_numeric)
            || sentence.chars().any(|c| c.is_numeric() && !c.is_ascii_digit())
        {
            return None;
        }
        out.push_str(rest);
        Some((out, numbers))
    }
}

/// A text whose numbers are all measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// What may be shown; empty if every sentence was withheld.
    pub text: String,
    /// Slots that were filled.
    pub checked_numbers: usize,
    /// Sentences that were withheld.
    pub withheld: usize,
}

/// Splits after `.`, `!` or `?` followed by white space, and at line ends.
pub(crate) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        let mut last = ' ';
        for (at, c) in rest.char_indices() {
            if c == '\n' || (c.is_whitespace() && matches!(last, '.' | '!' | '?')) {
                end = at;
                break;
            }
            last = c;
        }
        let (sentence, tail) = rest.split_at(end);
        rest = tail;
        Some(sentence.trim_end())
    })
}

fn level_word(lufs: f64) -> &'static str {
    if lufs < QUIET_LUFS {
        "quiet"
    } else if lufs <= LOUD_LUFS {
        "moderate"
    } else {
        "loud"
    }
}

/// The frequency to name for a finding: its move's, or the middle of its band.
fn frequency_hz(finding: &Finding) -> Option<f64> {
    finding
        .mv
        .and_then(|mv| mv.freq_hz)
        .or_else(|| finding.band_hz.map(|[lo, hi]| (lo * hi).sqrt()))
}

/// `320 Hz`, `3.2 kHz`.
fn frequency(hz: f64) -> String {
    if hz < 999.5 { format!("{hz:.0} Hz") } else { format!("{} kHz", fixed(hz / 1000.0, 1)) }
}

/// A measured value with its unit, as precisely as that unit is meant.
fn value(value: f64, unit: &str) -> String {
    match unit {
        "" => fixed(value, 2),
        "Hz" => frequency(value),
        "count" => format!("{value:.0}"),
        unit if unit.starts_with("dB") || unit.starts_with("LU") => {
            format!("{} {unit}", fixed(value, 1))
        }
        unit => format!("{} {unit}", fixed(value, 2)),
    }
}

/// A number of `digits` decimals, without the minus of -0.0.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
