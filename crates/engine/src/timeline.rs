//! Captions along a file: what is written as JSON and, by `format`, as subtitles, labels and markers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use signal::{Meter, Section};

use crate::window::Span;

/// The shape of every JSON object that `barline` prints; grows when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// One line about a stretch of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caption {
    /// First moment in seconds from the file's start.
    pub start_s: f64,
    /// End in seconds, exclusive.
    pub end_s: f64,
    /// The bar, 1-based; zero and below before the first downbeat; null where bars are not known.
    pub bar: Option<i64>,
    /// What is heard.
    pub text: String,
    /// The instruments that `text` names.
    pub labels: Vec<String>,
    /// How sure the words are, 0 to 1.
    pub confidence: f64,
    /// Measured values in `text`.
    pub checked_numbers: usize,
    /// Ungated K-weighted mean over the stretch, in LUFS.
    pub loudness_lufs: Option<f64>,
}

/// The result of `barline caption` for one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Length of the file in seconds.
    pub duration_s: f64,
    /// Where a render begins in its project, in seconds; null for files.
    #[serde(default)]
    pub project_start_s: Option<f64>,
    /// Beats a minute, where the tempo is steady; of a render, or where it is stated, quarter notes.
    pub tempo_bpm: Option<f64>,
    /// Beats in a bar: the upper number of a stated meter or a host's, else as they are felt.
    pub beats_per_bar: u32,
    /// Tempo and meter where they change, in order of time, as a host's clock had them; of a file with a tempo, one mark.
    #[serde(default)]
    pub tempo_map: Vec<Mark>,
    /// The whole file in a sentence or two.
    pub summary: String,
    /// In order of time, without overlap.
    pub captions: Vec<Caption>,
    /// In order of time.
    pub segments: Vec<Section>,
    /// Field to the reason why it is null or doubtful.
    pub notes: BTreeMap<String, String>,
}

impl Timeline {
    /// The same with a reason in the notes for every field that is null and has none yet.
    pub(crate) fn explained(mut self) -> Self {
        let count = |is_null: fn(&Caption) -> bool| {
            let (null, all) = (self.captions.iter().filter(|c| is_null(c)).count(), &self.captions);
            (null > 0).then(|| format!("of {null} of {} captions", all.len()))
        };
        let unplaced = self.project_start_s.is_none().then_some("no place in a project is known");
        let reasons = [
            ("project_start_s", unplaced.map(str::to_owned)),
            ("tempo_bpm", self.tempo_bpm.is_none().then(|| "no steady tempo".to_owned())),
            ("bar", count(|c| c.bar.is_none()).map(|which| format!("{which}: they are no bars"))),
            (
                "loudness_lufs",
                count(|c| c.loudness_lufs.is_none()).map(|which| format!("{which}: silent")),
            ),
        ];
        for (field, reason) in reasons {
            if let Some(reason) = reason {
                self.notes.entry(field.to_owned()).or_insert(reason);
            }
        }
        self
    }

    /// The same with the project's start as its zero, where that is known. What lies before it, as a host's run-up does, has no
    /// place in a file that begins there; nor has what is too short to be told from nothing.
    pub(crate) fn in_project(&self) -> Self {
        let mut shifted = self.clone();
        let by_s = self.project_start_s.unwrap_or(0.0);
        let shift = |start_s: &mut f64, end_s: &mut f64| {
            (*start_s, *end_s) = ((*start_s + by_s).max(0.0), *end_s + by_s);
            *end_s - *start_s >= LEAST_S
        };
        shifted.duration_s = (shifted.duration_s + by_s).max(0.0);
        shifted.captions.retain_mut(|caption| shift(&mut caption.start_s, &mut caption.end_s));
        shifted.segments.retain_mut(|segment| shift(&mut segment.start_s, &mut segment.end_s));
        for mark in &mut shifted.tempo_map {
            mark.start_s += by_s;
        }
        shifted
    }
}

/// Tempo and meter from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The moment in seconds.
    pub start_s: f64,
    /// Quarter notes a minute.
    pub bpm: f64,
    /// The meter.
    pub meter: Meter,
}

impl Mark {
    /// Tempi closer than this are the same: hosts round.
    const SAME_BPM: f64 = 0.05;

    /// The first of the marks and those that differ from the one before.
    pub(crate) fn changes(marks: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut out: Vec<Self> = Vec::new();
        for mark in marks {
            let same = |last: &Self| {
                last.meter == mark.meter && (last.bpm - mark.bpm).abs() < Self::SAME_BPM
            };
            if !out.last().is_some_and(same) {
                out.push(mark);
            }
        }
        out
    }
}

/// A stretch to be captioned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Where it lies.
    pub span: Span,
    /// Its bar.
    pub bar: Option<i64>,
}

impl Stretch {
    /// A bar that has a number and no place.
    pub(crate) fn of_bar(bar: i64) -> Self {
        Self { span: Span { start_s: 0.0, end_s: 0.0 }, bar: Some(bar) }
    }
}

/// Formats for workstations state milliseconds: anything shorter than two may have no length there, and break who reads it.
const LEAST_S: f64 = 0.002;

/// A bar shorter than this at the end of the file is left to its neighbour.
const SLIVER_S: f64 = 0.05;

/// The bars of a file from its downbeats, covering it from end to end: bar 1 begins at the first downbeat, what comes
/// before has bars 0, -1, ...; the last downbeat's bar is as long as the others. Empty with fewer than two downbeats.
pub fn bars(downbeats_s: &[f64], duration_s: f64) -> Vec<Stretch> {
    let inside: Vec<f64> =
        downbeats_s.iter().copied().filter(|t| (0.0..duration_s).contains(t)).collect();
    let (Some(&first), Some(&last)) = (inside.first(), inside.last()) else { return Vec::new() };
    if inside.len() < 2 || last <= first {
        return Vec::new();
    }
    let bar_s = (last - first) / (inside.len() - 1) as f64;
    let before = (first / bar_s - 0.1).ceil().max(0.0) as i64;
    let mut starts: Vec<(f64, i64)> =
        (0..before).rev().map(|k| ((first - (k + 1) as f64 * bar_s).max(0.0), -k)).collect();
    starts.extend(inside.iter().enumerate().map(|(i, &start_s)| (start_s, i as i64 + 1)));
    let mut next_s = last + bar_s;
    while duration_s - next_s > SLIVER_S {
        starts.push((next_s, starts.last().map_or(1, |s| s.1) + 1));
        next_s += bar_s;
    }
    // What is left before the first start is less than a tenth of a bar.
    if let Some(start) = starts.first_mut() {
        start.0 = 0.0;
    }
    let ends = starts.iter().skip(1).map(|s| s.0).chain([duration_s]).collect::<Vec<_>>();
    starts
        .iter()
        .zip(ends)
        .map(|(&(start_s, bar), end_s)| Stretch { span: Span { start_s, end_s }, bar: Some(bar) })
        .collect()
}

/// Stretches of `step_s` from the file's start; a last one shorter than a tenth of it goes with its neighbour.
pub fn steps(step_s: f64, duration_s: f64) -> Vec<Stretch> {
    let count = ((duration_s / step_s - 0.1).ceil()).max(1.0) as usize;
    (0..count)
        .map(|i| {
            let start_s = i as f64 * step_s;
            let end_s = if i + 1 == count { duration_s } else { (i + 1) as f64 * step_s };
            Stretch { span: Span { start_s, end_s }, bar: None }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(downbeats: &[f64], duration_s: f64, expected: &[(f64, f64, i64)]) {
        let got: Vec<_> = bars(downbeats, duration_s)
            .iter()
            .map(|s| (s.span.start_s, s.span.end_s, s.bar.unwrap()))
            .collect();
        assert_eq!(got.len(), expected.len(), "{got:?}");
        for (a, b) in got.iter().zip(expected) {
            assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9 && a.2 == b.2, "{got:?}");
        }
    }

    #[test]
    fn bars_cover_the_file() {
        check(&[0.0, 2.0, 4.0], 6.0, &[(0.0, 2.0, 1), (2.0, 4.0, 2), (4.0, 6.0, 3)]);
        check(&[0.02, 2.0], 4.0, &[(0.0, 2.0, 1), (2.0, 4.0, 2)]);
        check(&[1.0, 3.0], 5.5, &[(0.0, 1.0, 0), (1.0, 3.0, 1), (3.0, 5.0, 2), (5.0, 5.5, 3)]);
        check(
            &[5.0, 7.0],
            9.0,
            &[(0.0, 1.0, -2), (1.0, 3.0, -1), (3.0, 5.0, 0), (5.0, 7.0, 1), (7.0, 9.0, 2)],
        );
        check(&[1.0], 9.0, &[]);
        check(&[], 9.0, &[]);
    }

    #[test]
    fn steps_cover_the_file() {
        let check = |step_s, duration_s, ends: &[f64]| {
            let got: Vec<f64> = steps(step_s, duration_s).iter().map(|s| s.span.end_s).collect();
            assert_eq!(got, ends);
        };
        check(4.0, 10.0, &[4.0, 8.0, 10.0]);
        check(4.0, 8.2, &[4.0, 8.2]);
        check(4.0, 0.1, &[0.1]);
    }
}
