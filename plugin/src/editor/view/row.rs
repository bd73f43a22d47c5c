//! The rows of the timeline: bars of the song in its order, or passages without a transport in the order of time.

use std::ops::Range;

use engine::session::{HeardBar, NotedBar, Notes, Playing, Report, Words};
use signal::BarKey;

use super::level;

/// What a timeline lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// Bars of the song, each as it was heard last.
    #[default]
    Song,
    /// What was heard while the transport stood, or where there is none.
    Free,
}

/// What a row stands for, wherever in the list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A bar of the song.
    Bar(BarKey),
    /// A passage, by its number in the report.
    Passage(u64),
}

/// A row of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it stands for.
    pub spot: Spot,
    /// The bar's number or the time.
    pub place: String,
    /// Its loudness.
    pub loudness: String,
    /// The caption, or why there is none.
    pub text: String,
    /// Whether the model said it.
    pub said: bool,
    /// What else is known of it.
    pub details: String,
}

impl Listing {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Song, Self::Free];

    /// How many rows it has.
    pub fn count(self, report: &Report, notes: &Notes) -> usize {
        match self {
            Self::Song => notes.count() + usize::from(new_bar(report, notes).is_some()),
            Self::Free => report.bars.iter().filter(|bar| bar.is_free()).count(),
        }
    }

    /// Some of its rows, the first at the top.
    pub fn rows(self, range: Range<usize>, report: &Report, notes: &Notes) -> Vec<Row> {
        let some = |count: usize| range.start.min(count)..range.end.min(count);
        let range = some(self.count(report, notes));
        match self {
            Self::Song => {
                let new = new_bar(report, notes);
                let place = new.map_or(notes.count(), |new| notes.count_before(new.key));
                let (before, after) = (notes.bars().take(place), notes.bars().skip(place));
                // Nothing stands for the new bar, so that only the rows in sight are written out.
                let bars = before.map(Some).chain(new.map(|_| None)).chain(after.map(Some));
                let row = |bar: Option<&NotedBar>| {
                    bar.map(Row::of_bar).or_else(|| new.as_ref().map(Row::of_new))
                };
                bars.skip(range.start).take(range.len()).filter_map(row).collect()
            }
            Self::Free => {
                let free = report.bars.iter().filter(|bar| bar.is_free());
                free.skip(range.start).take(range.len()).map(Row::of_passage).collect()
            }
        }
    }
}

impl Row {
    /// The row of a bar of the song.
    pub fn of_bar(bar: &NotedBar) -> Self {
        let (numerator, denominator) = (bar.meter.numerator(), bar.meter.denominator());
        let span = bar.span_s.map_or_else(String::new, |(start_s, end_s)| {
            format!("{} to {} in the song, ", clock(start_s), clock(end_s))
        });
        let peak = level(bar.true_peak_dbtp, "dBTP");
        let details = format!("{span}{numerator}/{denominator}, true peak {peak}");
        let start_s = bar.span_s.map_or(0.0, |span_s| span_s.0);
        let place = place(bar.number, false, start_s);
        Self::new(Spot::Bar(bar.key), place, bar.loudness_lufs, &bar.words, details)
    }

    /// The row of the bar that plays and was never heard to its end.
    fn of_new(playing: &Playing) -> Self {
        let place = playing.bar.map_or_else(|| "Bar".to_owned(), |bar| format!("Bar {bar}"));
        let (text, said) = ("playing …".to_owned(), false);
        let (loudness, details) = (level(None, ""), String::new());
        Self { spot: Spot::Bar(playing.key), place, loudness, text, said, details }
    }

    /// The row of a passage without a transport.
    pub fn of_passage(bar: &HeardBar) -> Self {
        let details = format!(
            "{} to {} since the start, {:.1} s of signal, true peak {}",
            clock(bar.start_s),
            clock(bar.end_s),
            bar.signal_s,
            level(bar.true_peak_dbtp, "dBTP"),
        );
        let place = place(None, true, bar.start_s);
        Self::new(Spot::Passage(bar.id), place, bar.loudness_lufs, &bar.words, details)
    }

    fn new(
        spot: Spot,
        place: String,
        loudness_lufs: Option<f64>,
        words: &Words,
        mut details: String,
    ) -> Self {
        let (text, said) = match words {
            Words::Said { text, confidence, .. } => {
                if *confidence > 0.0 {
                    details += &format!(", words {:.0} % sure", 100.0 * confidence);
                }
                (text.clone(), true)
            }
            Words::Waiting => ("listening …".to_owned(), false),
            Words::Skipped => ("skipped: the model was behind".to_owned(), false),
            Words::Failed { why } => (format!("no caption: {why}"), false),
            Words::None => ("no caption".to_owned(), false),
        };
        Self { spot, place, loudness: level(loudness_lufs, "LUFS"), text, said, details }
    }
}

/// The bar that plays, where it isn't among the notes yet.
fn new_bar(report: &Report, notes: &Notes) -> Option<Playing> {
    report.playing.filter(|playing| !notes.has(playing.key))
}

/// `Bar 12`; a time where there is no bar or its number isn't known.
pub(super) fn place(number: Option<i64>, free: bool, start_s: f64) -> String {
    match number {
        Some(number) => format!("Bar {number}"),
        None if free => clock(start_s),
        None => format!("Bar at {}", clock(start_s)),
    }
}

/// `1:02.5`.
fn clock(seconds: f64) -> String {
    let tenths = (seconds.abs() * 10.0).round() as u64;
    let sign = if seconds < 0.0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}
