//! What an instance has heard, for whoever shows it or tests it. Plain data, handed over whole.

use std::collections::VecDeque;
use std::ops::Range;

use serde::Serialize;
use signal::{Measurements, Meter, PassKind};

use super::Generation;
use super::follower::Passage;

/// Passages, passes and gaps that a report keeps: the oldest go first. At 120 BPM, four hours of bars.
const KEPT: usize = 8192;

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
    /// Passes over the song, in order.
    pub passes: VecDeque<HeardPass>,
    /// Bars, and stretches of passes without bars, in order.
    pub bars: VecDeque<HeardBar>,
    /// Frames that were not heard.
    pub gaps: VecDeque<Gap>,
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
}

/// A bar, or up to four seconds of a pass without bars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeardBar {
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

    pub(super) fn start_pass(&mut self, generation: u64, start_frame: u64, kind: PassKind) {
        let (kind, position) = match kind {
            PassKind::Song(position) => ("song", position),
            PassKind::Free => ("free", None),
        };
        let pass = HeardPass { generation, start_frame, end_frame: None, kind, position };
        keep(&mut self.passes, pass);
    }

    pub(super) fn end_pass(&mut self, frame: u64) {
        if let Some(pass) = self.passes.back_mut() {
            pass.end_frame = Some(frame);
        }
    }

    pub(super) fn add_bar(&mut self, bar: HeardBar) {
        keep(&mut self.bars, bar);
    }
}

impl HeardBar {
    pub(super) fn new(
        generation: Generation,
        passage: &Passage<'_>,
        measured: Result<Measurements, String>,
    ) -> Self {
        let (measured, note) = match measured {
            Ok(measured) => (measured, None),
            Err(why) => (Measurements::default(), Some(why)),
        };
        let (bar, frames) = (passage.bar, &passage.frames);
        Self {
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
        }
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(item);
}
