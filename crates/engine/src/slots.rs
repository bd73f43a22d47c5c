//! Measured facts in words: the list of facts in an instruction, and the slots that the program fills in what the
//! language model wrote. The model never spells a measured number; a sentence with a number of its own is withheld.

use std::collections::BTreeMap;

use signal::{Band, ChordSpan, Finding, FindingKind, Measurements, Section, Severity};

use crate::conversation::Conversation;

/// Bar loudness below which a slice is called quiet, in LUFS.
const QUIET_LUFS: f64 = -30.0;

/// Bar loudness above which a slice is called loud, in LUFS.
const LOUD_LUFS: f64 = -14.0;

mod finding;
mod measured;
mod region;
mod reply;

pub(crate) use region::Region;

/// How many findings an instruction names.
const FINDINGS: usize = 3;

/// Tempo, key and meter are stated where they are this likely right, and answered with a doubt from the second on. Captions
/// have no room for doubt.
const SURE: f64 = 0.6;
const DOUBTFUL: f64 = 0.4;

/// Chords with less than this share of the time are passing ones; more names than this are no answer.
const CHORD_SHARE: f64 = 0.08;
const CHORDS: usize = 6;

/// The slots that the embedded model writes; all others stand in answers that are worded here.
pub const SLOTS: [&str; 3] = ["<tempo>", "<key>", "<lufs>"];

/// Where the instrument that a sentence names plays; found out once a model has written it.
pub(crate) const WHEN: &str = "<when>";

/// What sets another bar apart, where it is loudest, and where each finding holds; found out likewise.
pub(crate) const OTHER: &str = "<other>";
pub(crate) const LOUDEST: &str = "<loudest>";
pub(crate) const BARS: [&str; FINDINGS] = ["<bars1>", "<bars2>", "<bars3>"];

/// The measured values that one instruction offers and one answer may use.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    values: Vec<(&'static str, String)>,
    level: Option<&'static str>,
    /// "sparse", "busy" or, in between, neither.
    density: Option<&'static str>,
    findings: Vec<FindingKind>,
    /// Whether one of them is more than minor.
    serious: bool,
    /// Where in the spectrum each of them is, in Hz.
    spans: Vec<Option<[f64; 2]>>,
    /// What was measured, band by band, and the places of the findings that lie where a question asks.
    bands: Vec<Band>,
    met: Vec<usize>,
    /// Whether the findings were told before, and the one that was spoken of last, from 1.
    told: bool,
    last: Option<usize>,
    /// Whether another bar can be compared with, once it is asked for.
    has_other: bool,
    /// Values that may well be wrong.
    doubted: Vec<&'static str>,
}

impl Facts {
    /// Facts of a slice: tempo, key and meter of the whole `song`, everything else of the `slice`, `lufs` the loudness to state
    /// (bar loudness, or integrated loudness for the song).
    pub fn new(
        song: &Measurements,
        slice: &Measurements,
        lufs: Option<f64>,
        findings: &[Finding],
    ) -> Self {
        let mut facts = Self::default();
        let tempo = song.tempo_bpm.map(|bpm| format!("{bpm:.0} BPM"));
        facts.set_likely("tempo", tempo, song.tempo_confidence);
        facts.set_likely("key", song.key.clone(), song.key_confidence);
        facts.set("lufs", lufs.map(|v| format!("{} LUFS", fixed(v, 1))));
        facts.set("peak", slice.true_peak_dbtp.map(|v| format!("{} dBTP", fixed(v, 1))));
        facts.set("crest", slice.crest_db.map(|v| format!("{} dB", fixed(v, 1))));
        facts.set("range", slice.loudness_range_lu.map(|v| format!("{} LU", fixed(v, 1))));
        facts.set("image", measured::image(slice));
        facts.set("file", measured::file(slice));
        facts.set_likely("meter", song.meter.clone(), song.meter_confidence);
        facts.set("chords", chords(&slice.chords));
        facts.set("length", (slice.duration_s > 0.0).then(|| length(slice.duration_s)));
        facts.set("parts", parts(&slice.sections));
        facts.level = slice.loudness_lufs.map(level_word);
        facts.density = measured::density(slice);
        facts.bands.clone_from(&slice.bands);
        let worded = findings
            .iter()
            .filter(|f| !matches!(f.kind, FindingKind::Silence | FindingKind::TooLittle));
        for (finding, slots) in worded.take(FINDINGS).zip(NUMBERED) {
            facts.findings.push(finding.kind);
            facts.serious |= finding.severity > Severity::Minor;
            facts.spans.push(finding.band_hz);
            let values = [
                finding::why(finding),
                finding::less(finding),
                finding::more(finding),
                finding::how(finding),
                finding::effect(finding),
            ];
            for (slot, value) in slots.into_iter().zip(values) {
                facts.set(slot, value);
            }
        }
        facts
    }

    /// The facts in the instruction's words: names of the values at hand, the level, the findings.
    pub fn words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for name in SLOTS.map(|slot| slot.trim_matches(['<', '>'])) {
            let doubt = if self.doubted.contains(&name) { "?" } else { "" };
            if self.value(name).is_some() {
                words.push(format!("{name}{doubt}"));
            }
        }
        words.extend(self.level.map(str::to_owned));
        for (index, kind) in self.findings.iter().enumerate() {
            words.push(format!("{}:{}", index + 1, kind.name()));
        }
        if self.findings.is_empty() {
            words.push("none".to_owned());
        }
        match self.last {
            Some(last) => words.push(format!("last:{last}")),
            None if self.told => words.push("told".to_owned()),
            None => {}
        }
        words.join(" ")
    }

    /// One finding without a move.
    #[cfg(test)]
    pub(crate) fn thin() -> Self {
        let values = vec![("why1", "there is no body".to_owned())];
        Self { values, findings: vec![FindingKind::Thin], ..Self::default() }
    }

    /// What to say where the slot `name` stands (without the angle brackets).
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(slot, _)| *slot == name).map(|(_, value)| value.as_str())
    }

    /// The same with the words for a slot that was found out since, e.g. [`WHEN`].
    pub(crate) fn with(mut self, slot: &'static str, words: Option<String>) -> Self {
        self.set(slot.trim_matches(['<', '>']), words);
        self
    }

    /// The same for a part that another bar can be compared with.
    pub(crate) fn with_other(mut self) -> Self {
        self.has_other = true;
        self
    }

    /// The same in the course of a conversation: a question that names no finding means the one that was spoken of last.
    pub(crate) fn after(mut self, conversation: Conversation) -> Self {
        let place = |kind| self.findings.iter().position(|known| *known == kind);
        self.told = conversation.told();
        self.last = conversation.about().and_then(place).map(|index| index + 1);
        self
    }

    /// "sparse", "busy", or in between an empty word; none where that can't be told.
    pub(crate) fn density(&self) -> Option<&'static str> {
        self.density
    }

    /// The kind of the finding with that number, from 1.
    pub(crate) fn finding(&self, number: usize) -> Option<FindingKind> {
        self.findings.get(number.checked_sub(1)?).copied()
    }

    /// The findings that an answer speaks of, its slots not yet filled.
    pub(crate) fn spoken_of(&self, answer: &str) -> Vec<FindingKind> {
        let known = self.findings.iter().copied().take(FINDINGS).enumerate();
        let spoken = known.filter(|(index, kind)| {
            has_slot_of(answer, *index)
                || answer.to_lowercase().contains(&finding::noun(*kind).to_lowercase())
        });
        spoken.map(|(_, kind)| kind).collect()
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

    /// Sets a value that is right with this probability; one that is likelier wrong is none.
    fn set_likely(&mut self, slot: &'static str, value: Option<String>, confidence: Option<f64>) {
        let confidence = confidence.unwrap_or(1.0);
        if confidence >= DOUBTFUL {
            self.set(slot, value);
        }
        if confidence < SURE {
            self.doubted.push(slot);
        }
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
            let slot = &tail[..close];
            if self.doubted.contains(&slot) && !sentence.to_lowercase().contains("perhaps") {
                return None;
            }
            out.push_str(&rest[..at]);
            out.push_str(self.value(slot)?);
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
        // A value is worded as it stands within a sentence.
        Some((if sentence.starts_with('<') { capital(&out) } else { out }, numbers))
    }
}

/// Slots of the findings: the reason, a gentler and a stronger move, the move in full, its effect.
const NUMBERED: [[&str; 5]; FINDINGS] = [
    ["why1", "less1", "more1", "how1", "effect1"],
    ["why2", "less2", "more2", "how2", "effect2"],
    ["why3", "less3", "more3", "how3", "effect3"],
];

/// Whether a text has a slot of the finding at that place, from 0.
fn has_slot_of(text: &str, index: usize) -> bool {
    let has = |slot: &&str| text.contains(&format!("<{slot}>"));
    NUMBERED[index].iter().any(has) || text.contains(BARS[index])
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

/// A text with its first letter large, as a sentence begins.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}

/// The chords that the music dwells on, in the order in which they first appear.
fn chords(spans: &[ChordSpan]) -> Option<String> {
    let (mut total_s, mut likely_s) = (0.0, 0.0);
    let mut lengths_s: BTreeMap<&str, f64> = BTreeMap::new();
    for span in spans {
        let length_s = span.end_s - span.start_s;
        total_s += length_s;
        likely_s += length_s * span.confidence;
        *lengths_s.entry(&span.name).or_default() += length_s;
    }
    let mut names: Vec<&str> = Vec::new();
    for span in spans {
        let dwelt = lengths_s.get(span.name.as_str()).is_some_and(|s| *s >= CHORD_SHARE * total_s);
        if dwelt && !names.contains(&span.name.as_str()) {
            names.push(&span.name);
        }
    }
    let known = total_s > 0.0 && likely_s >= SURE * total_s && (1..=CHORDS).contains(&names.len());
    known.then(|| names.join(", "))
}

/// `A from 0:00, B from 0:16`, where there is more than one part.
fn parts(sections: &[Section]) -> Option<String> {
    let part = |section: &Section| format!("{} from {}", section.name, clock(section.start_s));
    (sections.len() > 1).then(|| sections.iter().map(part).collect::<Vec<_>>().join(", "))
}

/// `2.1 s`, `3:24 minutes`.
fn length(s: f64) -> String {
    if s < 59.95 { format!("{} s", fixed(s, 1)) } else { format!("{} minutes", clock(s)) }
}

/// `3:24`.
pub(crate) fn clock(s: f64) -> String {
    let whole = s.round() as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
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

/// `320 Hz`, `3.2 kHz`.
fn frequency(hz: f64) -> String {
    if hz < 999.5 { format!("{hz:.0} Hz") } else { format!("{} kHz", fixed(hz / 1000.0, 1)) }
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
