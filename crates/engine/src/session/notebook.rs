//! The bars that a project remembers: what was heard of each, saved with the project and brought back by it.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signal::{Bar, BarKey, Meter};

/// The format that is written. Later ones are refused, for what they mean isn't known.
const VERSION: u32 = 1;

/// Bars that are kept, those heard last in the song go first: two hours at 120 BPM, some 200 KiB.
const MAX_BARS: usize = 4096;

/// Longest text of a bar, in bytes.
const MAX_TEXT: usize = 1024;

/// The shared notebook of an instance: the session writes, the host's save and load read and replace.
#[derive(Debug, Default)]
pub struct Notebook {
    notes: Mutex<Notes>,
}

/// What is saved. The same notes are the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub struct Notes {
    bars: BTreeMap<BarKey, SavedBar>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedBar {
    /// Where it starts in the song.
    pub key: BarKey,
    /// Its number, where it is known.
    pub number: Option<i64>,
    /// Its meter.
    pub meter: Meter,
    /// Its loudness in LUFS, to a tenth.
    pub loudness_lufs: Option<f64>,
    /// What was said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// [`Notes`] as they lie in a project.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    version: u32,
    bars: Vec<SavedBar>,
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

    /// Notes a bar, in the place of what was known of it.
    pub(super) fn note(&self, bar: &Bar, loudness_lufs: Option<f64>) {
        let loudness_lufs = loudness_lufs.map(|lufs| (lufs * 10.0).round() / 10.0);
        let Bar { key, number, meter, .. } = *bar;
        let bars = &mut self.notes.lock().bars;
        bars.insert(key, SavedBar { key, number, meter, loudness_lufs, text: None });
        if bars.len() > MAX_BARS {
            bars.pop_last();
        }
    }
}

impl Notebook {
    /// Notes what is said of a bar that was noted before.
    pub(super) fn say(&self, key: BarKey, text: &str) {
        if let Some(bar) = self.notes.lock().bars.get_mut(&key) {
            let end = text.floor_char_boundary(MAX_TEXT);
            bar.text = Some(text[..end].to_owned());
        }
    }
}

impl Notes {
    /// The bars in the order of the song.
    pub fn bars(&self) -> impl Iterator<Item = &SavedBar> {
        self.bars.values()
    }
}

impl From<Notes> for Saved {
    fn from(notes: Notes) -> Self {
        Self { version: VERSION, bars: notes.bars.into_values().collect() }
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
        let too_long = |bar: &SavedBar| bar.text.as_ref().is_some_and(|text| text.len() > MAX_TEXT);
        if let Some(at) = saved.bars.iter().position(too_long) {
            return Err(format!("bars[{at}].text: longer than {MAX_TEXT} bytes"));
        }
        Ok(Self { bars: saved.bars.into_iter().map(|bar| (bar.key, bar)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(quarters: f64) -> Bar {
        Bar {
            key: BarKey::from_quarters(quarters),
            number: Some(1),
            meter: Meter::new(4, 4).unwrap(),
            frame: 0,
            position: None,
        }
    }

    #[test]
    fn notes_come_back_as_they_were_saved_to_the_byte() {
        let notebook = Notebook::default();
        notebook.note(&bar(4.0), Some(-18.2345));
        notebook.note(&bar(0.0), None);
        notebook.note(&bar(4.0), Some(-17.08));
        let saved = notebook.read(|notes| serde_json::to_string(notes).unwrap());
        let expected = r#"{"version":1,"bars":[{"key":0,"number":1,"meter":[4,4],"loudness_lufs":null},{"key":7680,"number":1,"meter":[4,4],"loudness_lufs":-17.1}]}"#;
        assert_eq!(saved, expected);
        let other = Notebook::default();
        other.replace(serde_json::from_str(&saved).unwrap());
        assert_eq!(other.read(|notes| serde_json::to_string(notes).unwrap()), saved);
    }

    #[test]
    fn only_so_many_bars_are_kept() {
        let notebook = Notebook::default();
        for index in 0..MAX_BARS + 10 {
            notebook.note(&bar(index as f64), None);
        }
        assert_eq!(notebook.read(|notes| notes.bars().count()), MAX_BARS);
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
            (r#"{"version":1}"#.to_owned(), "bars"),
        ] {
            let error = serde_json::from_str::<Notes>(&saved).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }
}
