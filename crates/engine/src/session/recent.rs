//! The last seconds of audio that is contiguous in the song, from which passages and windows are cut.

use std::collections::VecDeque;
use std::ops::Range;

/// Interleaved audio at the host's rate, with its place in the tap's stream.
#[derive(Debug)]
pub(super) struct Recent {
    channels: usize,
    /// Stream frame of the first sample.
    start: u64,
    samples: VecDeque<f32>,
}

impl Recent {
    pub(super) fn new(channels: usize) -> Self {
        Self { channels, start: 0, samples: VecDeque::new() }
    }

    /// One past the last frame.
    pub(super) fn end(&self) -> u64 {
        self.start + (self.samples.len() / self.channels) as u64
    }

    /// Adds audio that begins at a stream frame; what doesn't follow on begins anew.
    pub(super) fn push(&mut self, frame: u64, interleaved: &[f32]) {
        if frame != self.end() {
            self.samples.clear();
            self.start = frame;
        }
        self.samples.extend(interleaved);
    }

    /// Forgets what lies before a stream frame.
    pub(super) fn forget_before(&mut self, frame: u64) {
        let frames = frame.saturating_sub(self.start).min(self.end() - self.start);
        self.samples.drain(..frames as usize * self.channels);
        self.start += frames;
    }

    /// The first frame that is still there.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Moves the samples together, so that `range` can give them.
    pub(super) fn settle(&mut self) {
        self.samples.make_contiguous();
    }

    /// The samples of some frames, if all of them are there and were moved together.
    pub(super) fn range(&self, frames: Range<u64>) -> Option<&[f32]> {
        if frames.start < self.start || frames.is_empty() {
            return None;
        }
        let index = |frame: u64| (frame - self.start) as usize * self.channels;
        self.samples.as_slices().0.get(index(frames.start)..index(frames.end))
    }
}
