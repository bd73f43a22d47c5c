//! The song as far as it was heard, bar by bar: what was heard last of each, saved with the project and brought back by it.

use std::collections::BTreeMap;

use analysis::Programme;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signal::{Bar, BarKey, Meter};

use super::report::Words;
use crate::vocabulary;

/// The format that is written. Later ones are refused, for what they mean isn't known.
const VERSION: u32 = 1;

/// Bars that are kept, those heard last in the song go first: two hours at 120 BPM, some 200 KiB.
const MAX_BARS: usize = 4096;

/// BS.1770-5: what is quieter counts for nothing, and what lies so far below the rest neither.
const GATE_LUFS: f64 = -70.0;
const RELATIVE_GATE_LU: f64 = 10.0;

/// Longest text of a bar, in bytes.
const MAX_TEXT: usize = 1024;

/// Times beyond this are no song's: some three years, in seconds.
const MAX_TIME_S: f64 = 1e8;

/// The shared notebook of an instance: the session writes, the host's save and load read and replace.
#[derive(Debug, Default)]
pub struct Notebook {
    notes: Mutex<Notes>,
}

/// The bars. The same notes are saved as the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub struct Notes {
    bars: BTreeMap<BarKey, NotedBar>,
}

/// One bar, as it was heard last.
#[derive(Clone, Debug, PartialEq)]
pub struct NotedBar {
    /// Where it starts in the song.
    pub key: BarKey,
    /// Its number, where it is known.
    pub number: Option<i64>,
    /// Its meter.
    pub meter: Meter,
    /// From where to where in the song, in seconds, where the host said so.
    pub span_s: Option<(f64, f64)>,
    /// Its loudness in LUFS, to a tenth.
    pub loudness_lufs: Option<f64>,
    /// Its true peak in dBTP, to a tenth.
    pub true_peak_dbtp: Option<f64>,
    /// What the model says of it.
    pub words: Words,
}

/// [`Notes`] as they lie in a project.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    version: u32,
    bars: Vec<SavedBar>,
}

/// A [`NotedBar`] as it lies in a project; of the words only those that were said.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SavedBar {
    key: BarKey,
    number: Option<i64>,
    meter: Meter,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span_s: Option<(f64, f64)>,
    loudness_lufs: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    true_peak_dbtp: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
}

impl Notebook {
    /// Replaces everything by what a project brought.
    pub fn replace(&self, notes: Notes) {
        *self.notes.lock() = notes;
    }

    /// Calls `read` with what is there.
    pub fn read<R>(&self, read: impl FnOnce(&Notes) -> R) -> R {
        read(&self.notes.lock())
    }

    /// Notes a bar, in the place of what was known of it; its place in the song where that is one that a project may bring back.
    pub(super) fn note(&self, mut bar: NotedBar) {
        bar.span_s = bar.span_s.filter(is_stretch);
        let round = |x: Option<f64>, steps: f64| x.map(|x| (x * steps).round() / steps);
        bar.loudness_lufs = round(bar.loudness_lufs, 10.0);
        bar.true_peak_dbtp = round(bar.true_peak_dbtp, 10.0);
        let bars = &mut self.notes.lock().bars;
        bars.insert(bar.key, bar);
        if bars.len() > MAX_BARS {
            bars.pop_last();
        }
    }

    /// Notes what became of the words for a bar that was noted before.
    pub(super) fn say(&self, key: BarKey, words: &Words) {
        if let Some(bar) = self.notes.lock().bars.get_mut(&key) {
            bar.words = words.clone();
        }
    }
}

impl NotedBar {
    /// A bar of which nothing was said yet.
    pub(super) fn new(bar: &Bar, span_s: Option<(f64, f64)>) -> Self {
        let Bar { key, number, meter, .. } = *bar;
        let words = Words::None;
        Self { key, number, meter, span_s, loudness_lufs: None, true_peak_dbtp: None, words }
    }
}

impl Notes {
    /// The bars in the order of the song.
    pub fn bars(&self) -> impl Iterator<Item = &NotedBar> {
        self.bars.values()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.bars.len()
    }

    /// How many lie before this one.
    pub fn count_before(&self, key: BarKey) -> usize {
        self.bars.range(..key).count()
    }

    /// Loudness of the song as far as it was heard: BS.1770-5 with bars as its gating blocks. None of silence.
    pub fn programme(&self) -> Option<Programme> {
        let heard = self.bars.values().filter_map(|bar| {
            let (start_s, end_s) = bar.span_s?;
            bar.loudness_lufs.filter(|lufs| *lufs > GATE_LUFS).map(|lufs| (lufs, end_s - start_s))
        });
        let heard: Vec<(f64, f64)> = heard.collect();
        let loudness = |over_lufs: f64| {
            let above = heard.iter().filter(|(lufs, _)| *lufs > over_lufs);
            let (power, signal_s) = above.fold((0.0, 0.0), |(power, all_s), (lufs, length_s)| {
                (power + length_s * 10f64.powf(lufs / 10.0), all_s + length_s)
            });
            (signal_s > 0.0)
                .then(|| Programme { lufs: 10.0 * (power / signal_s).log10(), signal_s })
        };
        loudness(loudness(GATE_LUFS)?.lufs - RELATIVE_GATE_LU)
    }

    /// Whether this one is among them.
    pub fn has(&self, key: BarKey) -> bool {
        self.bars.contains_key(&key)
    }
}

impl From<Notes> for Saved {
    fn from(notes: Notes) -> Self {
        Self { version: VERSION, bars: notes.bars.into_values().map(SavedBar::from).collect() }
    }
}

impl TryFrom<Saved> for Notes {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        if saved.version != VERSION {
            return Err(format!("version: {} is not {VERSION}", saved.version));
        }
        if saved.bars.len() > MAX_BARS {
            return Err(format!("bars: {} are more than {MAX_BARS}", saved.bars.len()));
        }
        let check = |(at, bar): (usize, SavedBar)| {
            let bar = bar.checked().map_err(|why| format!("bars[{at}].{why}"))?;
            Ok((bar.key, bar))
        };
        let bars = saved.bars.into_iter().enumerate().map(check).collect::<Result<_, String>>()?;
        Ok(Self { bars })
    }
}

impl From<NotedBar> for SavedBar {
    fn from(bar: NotedBar) -> Self {
        let NotedBar { key, number, meter, span_s, loudness_lufs, true_peak_dbtp, words } = bar;
        let (text, confidence) = match words {
            Words::Said { mut text, confidence, .. } => {
                text.truncate(text.floor_char_boundary(MAX_TEXT));
                (Some(text), Some((confidence * 100.0).round() / 100.0))
            }
            _ => (None, None),
        };
        Self { key, number, meter, span_s, loudness_lufs, true_peak_dbtp, text, confidence }
    }
}

impl SavedBar {
    /// The bar, unless a field is out of bounds.
    fn checked(self) -> Result<NotedBar, String> {
        let Self { key, number, meter, span_s, loudness_lufs, true_peak_dbtp, .. } = self;
        if self.text.as_ref().is_some_and(|text| text.len() > MAX_TEXT) {
            return Err(format!("text: longer than {MAX_TEXT} bytes"));
        }
        if let Some(span_s) = span_s.filter(|span_s| !is_stretch(span_s)) {
            return Err(format!("span_s: {span_s:?} is no stretch of time"));
        }
        let words = self.text.map_or(Words::None, |text| {
            Words::said(text, self.confidence.unwrap_or_default().clamp(0.0, 1.0))
        });
        Ok(NotedBar { key, number, meter, span_s, loudness_lufs, true_peak_dbtp, words })
    }
}

/// Whether it is a stretch of time that a song may have.
fn is_stretch((start_s, end_s): &(f64, f64)) -> bool {
    -MAX_TIME_S < *start_s && start_s < end_s && *end_s < MAX_TIME_S
}

impl Words {
    /// Words of the model, or of a project that remembers them.
    pub(super) fn said(text: String, confidence: f64) -> Self {
        let labels = vocabulary::instrument_names(&text);
        Self::Said { text, labels, confidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(quarters: f64, loudness_lufs: Option<f64>) -> NotedBar {
        NotedBar {
            key: BarKey::from_quarters(quarters),
            number: Some(1),
            meter: Meter::new(4, 4).unwrap(),
            span_s: None,
            loudness_lufs,
            true_peak_dbtp: None,
            words: Words::None,
        }
    }

    #[test]
    fn notes_come_back_as_they_were_saved_to_the_byte() {
        let notebook = Notebook::default();
        notebook.note(bar(4.0, Some(-18.2345)));
        notebook.note(bar(0.0, None));
        notebook.note(bar(4.0, Some(-17.08)));
        let saved = notebook.read(|notes| serde_json::to_string(notes).unwrap());
        let expected = r#"{"version":1,"bars":[{"key":0,"number":1,"meter":[4,4],"loudness_lufs":null},{"key":7680,"number":1,"meter":[4,4],"loudness_lufs":-17.1}]}"#;
        assert_eq!(saved, expected);
        let other = Notebook::default();
        other.replace(serde_json::from_str(&saved).unwrap());
        assert_eq!(other.read(|notes| serde_json::to_string(notes).unwrap()), saved);
    }

    #[test]
    fn words_that_were_said_come_back_and_others_do_not() {
        let notebook = Notebook::default();
        for (index, words) in
            [Words::said("Drums.".to_owned(), 0.512), Words::Waiting, Words::Skipped]
                .iter()
                .enumerate()
        {
            let start_s = 2.0 * index as f64;
            let bar = NotedBar { span_s: Some((start_s, start_s + 2.0)), ..bar(start_s, None) };
            let key = bar.key;
            notebook.note(bar);
            notebook.say(key, words);
        }
        let saved = notebook.read(|notes| serde_json::to_string(notes).unwrap());
        let notes: Notes = serde_json::from_str(&saved).unwrap();
        let words: Vec<Words> = notes.bars().map(|bar| bar.words.clone()).collect();
        let labels = vec!["drums".to_owned()];
        let said = Words::Said { text: "Drums.".to_owned(), labels, confidence: 0.51 };
        assert_eq!(words, [said, Words::None, Words::None]);
        assert_eq!(notes.bars().nth(1).unwrap().span_s, Some((2.0, 4.0)));
        assert_eq!(notes.count_before(BarKey::from_quarters(4.0)), 2);
        assert!(notes.has(BarKey::from_quarters(4.0)) && !notes.has(BarKey::from_quarters(5.0)));
    }

    #[test]
    fn the_song_is_as_loud_as_its_bars_that_are_not_pauses() {
        let notebook = Notebook::default();
        assert_eq!(notebook.read(Notes::programme), None);
        for (index, lufs) in [-20.0, -20.0, -10.0, -40.0, -80.0].into_iter().enumerate() {
            let start_s = 2.0 * index as f64;
            let span_s = Some((start_s, start_s + 2.0));
            notebook.note(NotedBar { span_s, ..bar(start_s, Some(lufs)) });
        }
        let programme = notebook.read(Notes::programme).unwrap();
        // (0.01 + 0.01 + 0.1) / 3
        assert!(
            (programme.lufs + 13.98).abs() < 0.01 && programme.signal_s == 6.0,
            "{programme:?}"
        );
    }

    #[test]
    fn only_so_many_bars_are_kept() {
        let notebook = Notebook::default();
        for index in 0..MAX_BARS + 10 {
            notebook.note(bar(index as f64, None));
        }
        assert_eq!(notebook.read(|notes| notes.bars().count()), MAX_BARS);
    }

    #[test]
    fn what_is_saved_can_be_read_again() {
        let notebook = Notebook::default();
        // A position that hosts may tell, at 8 kHz; and what is no stretch of time.
        let far_s = 2f64.powi(48) / 8_000.0;
        let spans = [(far_s, far_s + 2.0), (-far_s, 0.0), (2.0, 2.0), (0.0, f64::INFINITY)];
        for (index, span_s) in spans.into_iter().enumerate() {
            notebook.note(NotedBar { span_s: Some(span_s), ..bar(index as f64, Some(-18.0)) });
        }
        let saved = notebook.read(|notes| serde_json::to_string(notes).unwrap());
        let notes: Notes = serde_json::from_str(&saved).unwrap();
        assert_eq!(notes.count(), spans.len());
        assert!(notes.bars().all(|bar| bar.span_s.is_none() && bar.loudness_lufs.is_some()));
    }

    #[test]
    fn rubbish_is_refused_by_field() {
        let text = "x".repeat(MAX_TEXT + 1);
        let bar = format!(
            r#"{{"key":0,"number":null,"meter":[4,4],"loudness_lufs":null,"text":"{text}"}}"#
        );
        for (saved, field) in [
            (r#"{"version":2,"bars":[]}"#.to_owned(), "version"),
            (format!(r#"{{"version":1,"bars":[{bar}]}}"#), "bars[0].text"),
            (
                r#"{"version":1,"bars":[{"key":0,"number":1,"meter":[4,5],"loudness_lufs":0}]}"#
                    .to_owned(),
                "meter",
            ),
            (
                r#"{"version":1,"bars":[{"key":0,"number":1,"meter":[4,4],"loudness_lufs":0,"span_s":[2,2]}]}"#
                    .to_owned(),
                "bars[0].span_s",
            ),
            (r#"{"version":1}"#.to_owned(), "bars"),
        ] {
            let error = serde_json::from_str::<Notes>(&saved).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }
}
