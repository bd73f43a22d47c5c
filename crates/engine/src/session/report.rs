//! What an instance has heard, for whoever shows it or tests it. Plain data, handed over whole.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;

use serde::Serialize;
use signal::{Bar, BarKey, Finding, Label, Measurements, Meter, PassKind};

use super::Generation;
use super::answer::Answer;
use super::export::Exported;
use super::follower::Passage;
use super::leftover::Leftover;
use crate::label::Choice;

/// Passages, passes and gaps that a report keeps: the oldest go first. At 120 BPM, four hours of bars.
const KEPT: usize = 8192;

/// Answers that a report keeps.
const ANSWERS: usize = 32;

/// Everything heard since the instance was made. Frames are counted from the birth of a generation, with all that was lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The shape of this object.
    pub schema: u32,
    /// Which instance of this process; made anew each time.
    pub instance: u64,
    /// Activations so far; the last one is the one that is heard.
    pub generation: u64,
    /// Its sample rate in Hz.
    pub rate_hz: f64,
    /// Its channels.
    pub channels: usize,
    /// Frames of all generations that were listened to.
    pub heard_frames: u64,
    /// Frames lost because the ring was full.
    pub dropped_frames: u64,
    /// Frames passed over because listening was switched off.
    pub skipped_frames: u64,
    /// Whether all that came in was listened to, and the instance waits for more.
    pub idle: bool,
    /// Why the instance hears nothing, or less than it should.
    pub trouble: Option<String>,
    /// Why no copy is kept of what is rendered, where captions are armed.
    pub not_kept: Option<String>,
    /// Passes over the song, in order.
    pub passes: VecDeque<HeardPass>,
    /// Bars, and stretches of passes without bars, in order.
    pub bars: VecDeque<HeardBar>,
    /// Frames that were not heard.
    pub gaps: VecDeque<Gap>,
    /// What the track is, by what was heard lately.
    pub label: Option<Named>,
    /// What the meters find in the passage that was heard last.
    pub found: Option<Found>,
    /// Other instances that are seen, in this process and in others; none is no fault.
    pub neighbours: usize,
    /// Why those of other processes can't be seen, where that is so.
    pub alone: Option<String>,
    /// Passages without a caption because newer ones took their place.
    pub skipped_passages: u64,
    /// The bar that plays, as far as it was listened to; none where the transport stands or has no bars.
    pub playing: Option<Playing>,
    /// From the moment when the passage that was captioned last had been heard, to its caption, in seconds.
    pub lag_s: Option<f64>,
    /// Answers, oldest first.
    pub answers: VecDeque<Answer>,
    /// What became of the last export.
    pub exported: Option<Exported>,
    /// What became of the last render that captions were armed for.
    pub bounced: Option<Bounced>,
    /// Renders of hosts that ended too early, while an editor is open.
    pub leftover: Leftover,
}

/// What was found in a passage, without the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// The passage, by its number among the bars.
    pub id: u64,
    /// How much was heard, e.g. `bar 12, 1.9 s of signal`.
    pub extent: String,
    /// Most urgent first.
    pub findings: Vec<Finding>,
}

/// The captions of an armed render.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bounced {
    /// The model is still at work on it.
    Waiting {
        /// Bars without words, of those that were listened to.
        bars: usize,
        /// Whole seconds of audio that are still to be listened to.
        left_s: u64,
    },
    /// The files, with so many captions each.
    Written {
        /// Where they are.
        paths: Vec<PathBuf>,
        /// How many captions they have.
        captions: usize,
        /// Bars that the model failed at.
        failed: usize,
    },
    /// There is none, or not all: why.
    Failed(String),
}

/// The bar that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Playing {
    /// Where it starts in the song.
    pub key: BarKey,
    /// Its number, 1-based; null where it can't be known.
    pub bar: Option<i64>,
}

/// What the track is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// The label, unless none is likely enough.
    pub label: Option<Label>,
    /// Probability of the likeliest label, 0 to 1.
    pub confidence: f64,
    /// The next likely ones, likeliest first; all of them without a label.
    pub alternatives: Vec<Choice>,
}

/// The caption of a passage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Words {
    /// Nobody listens with a model, or there is too little contiguous audio.
    #[default]
    None,
    /// The model has it, or will have it.
    Waiting,
    /// The caption.
    Said {
        /// The words.
        text: String,
        /// Instruments that they name.
        labels: Vec<String>,
        /// Geometric mean of the tokens' probabilities, 0 to 1.
        confidence: f64,
    },
    /// A newer passage took its place.
    Skipped,
    /// There is none: why.
    Failed {
        /// The reason.
        why: String,
    },
}

/// A stretch that was contiguous in the song.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeardPass {
    /// The activation.
    pub generation: u64,
    /// First frame.
    pub start_frame: u64,
    /// One past the last, once it has ended.
    pub end_frame: Option<u64>,
    /// `song`, or `free` where the transport stood.
    pub kind: &'static str,
    /// Song position of its first frame in samples, where the host gives one.
    pub position: Option<i64>,
    /// Sample rate of its activation in Hz.
    pub rate_hz: f64,
}

/// A bar, or up to four seconds of a pass without bars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeardBar {
    /// Its number among all that were reported, from 1.
    pub id: u64,
    /// The activation.
    pub generation: u64,
    /// Its number, 1-based; null where it can't be known.
    pub bar: Option<i64>,
    /// Where it starts in the song, in quarter notes; null where the transport stood.
    pub start_quarters: Option<f64>,
    /// Its meter.
    pub meter: Option<Meter>,
    /// Song position of its first sample, where the host gives one.
    pub position: Option<i64>,
    /// First frame heard of it.
    pub start_frame: u64,
    /// One past the last.
    pub end_frame: u64,
    /// The same in seconds from the generation's start.
    pub start_s: f64,
    /// One past the last, in seconds.
    pub end_s: f64,
    /// Whether all of the bar was heard.
    pub complete: bool,
    /// Ungated K-weighted mean, in LUFS; null for silence, and where it was not measured.
    pub loudness_lufs: Option<f64>,
    /// True peak in dBTP (ITU-R BS.1770-5, annex 2).
    pub true_peak_dbtp: Option<f64>,
    /// Seconds with signal.
    pub signal_s: f64,
    /// Why a value is missing.
    pub note: Option<String>,
    /// What the model says of it.
    pub words: Words,
}

/// Frames that were not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The activation.
    pub generation: u64,
    /// First frame.
    pub start_frame: u64,
    /// One past the last.
    pub end_frame: u64,
}

impl Report {
    pub(super) fn begin(&mut self, generation: Generation) {
        self.generation = generation.number;
        (self.rate_hz, self.channels) = (generation.rate_hz, generation.channels);
    }

    pub(super) fn add_gap(&mut self, generation: u64, frames: Range<u64>) {
        let gap = Gap { generation, start_frame: frames.start, end_frame: frames.end };
        keep(&mut self.gaps, gap);
    }

    pub(super) fn start_pass(
        &mut self,
        Generation { number: generation, rate_hz, .. }: Generation,
        start_frame: u64,
        kind: PassKind,
    ) {
        let (kind, position) = match kind {
            PassKind::Song(position) => ("song", position),
            PassKind::Free => ("free", None),
        };
        let pass = HeardPass { generation, start_frame, end_frame: None, kind, position, rate_hz };
        keep(&mut self.passes, pass);
    }

    pub(super) fn start_bar(&mut self, bar: &Bar) {
        self.playing = Some(Playing { key: bar.key, bar: bar.number });
    }

    /// Whether a pass has begun and not ended.
    pub(super) fn is_playing(&self) -> bool {
        self.passes.back().is_some_and(|pass| pass.end_frame.is_none())
    }

    /// Ends the pass that plays, and gives it.
    pub(super) fn end_pass(&mut self, frame: u64) -> Option<HeardPass> {
        self.playing = None;
        let pass = self.passes.back_mut()?;
        pass.end_frame = Some(frame);
        Some(pass.clone())
    }

    /// Adds a passage and gives it its number.
    pub(super) fn add_bar(&mut self, mut bar: HeardBar) -> u64 {
        let id = self.bars.back().map_or(1, |last| last.id + 1);
        bar.id = id;
        keep(&mut self.bars, bar);
        id
    }

    /// The passage with this number, if it is still kept.
    pub(super) fn bar_mut(&mut self, id: u64) -> Option<&mut HeardBar> {
        let at = self.bars.binary_search_by_key(&id, |bar| bar.id).ok()?;
        self.bars.get_mut(at)
    }

    pub(super) fn add_answer(&mut self, answer: Answer) {
        if self.answers.len() >= ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }
}

impl HeardBar {
    /// Whether it was heard while the transport stood, or where there is none.
    pub fn is_free(&self) -> bool {
        self.start_quarters.is_none()
    }

    pub(super) fn new(
        generation: Generation,
        passage: &Passage<'_>,
        measured: &Measurements,
        note: Option<String>,
    ) -> Self {
        let (bar, frames) = (passage.bar, &passage.frames);
        Self {
            id: 0,
            generation: generation.number,
            bar: bar.and_then(|bar| bar.number),
            start_quarters: bar.map(|bar| bar.key.quarters()),
            meter: bar.map(|bar| bar.meter),
            position: bar.and_then(|bar| bar.position),
            start_frame: frames.start,
            end_frame: frames.end,
            start_s: frames.start as f64 / generation.rate_hz,
            end_s: frames.end as f64 / generation.rate_hz,
            complete: passage.complete,
            loudness_lufs: measured.loudness_lufs,
            true_peak_dbtp: measured.true_peak_dbtp,
            signal_s: measured.signal_s,
            note,
            words: Words::None,
        }
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(item);
}
