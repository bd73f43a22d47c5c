//! The session's half of a tap: what was heard, in order, in runs that continue.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ringbuf::{HeapCons, HeapProd};

use crate::ring::RingReader;
use crate::tap::{Counts, Mark};

/// Frames that lie together in the ring and in time. A run comes in as many chunks as the reader happens to find it in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chunk<'a> {
    /// The mark of the run that these frames belong to.
    pub mark: Mark,
    /// Frames of the run that came in earlier chunks: 0 where the mark is new.
    pub offset_frames: u64,
    /// Channels of a frame.
    pub channels: usize,
    /// Whole frames, interleaved: `[frame][channel]`.
    pub samples: &'a [f32],
}

/// What counts as silence, as a sample's magnitude: -90 dBFS, the last bit of 16.
const SILENCE: f32 = 3.2e-5;

impl Chunk<'_> {
    /// The first frame's place in the stream: frames since the tap's birth, with all that was lost.
    pub fn frame(&self) -> u64 {
        self.mark.frame + self.offset_frames
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// Whether there is anything to hear: the transport runs, or there is sound all the same.
    pub fn is_heard(&self) -> bool {
        self.mark.transport.playing || self.samples.iter().any(is_sound)
    }
}

/// Whether a sample is more than silence.
pub(crate) fn is_sound(sample: &f32) -> bool {
    sample.abs() > SILENCE
}

/// The session thread's half. Making and dropping it allocates and frees; draining does neither.
#[derive(Debug)]
pub struct AudioFeed {
    reader: Reader<HeapCons<f32>, HeapCons<Mark>>,
    counts: Arc<Counts>,
    rate_hz: f64,
    generation: u64,
}

impl AudioFeed {
    pub(crate) fn new(
        samples: HeapCons<f32>,
        marks: HeapCons<Mark>,
        channels: usize,
        rate_hz: f64,
        counts: Arc<Counts>,
        generation: u64,
    ) -> Self {
        Self { reader: Reader::new(samples, marks, channels), counts, rate_hz, generation }
    }

    /// Hands over everything that was there when the call began, oldest first, and frees its room chunk by chunk.
    /// Returns the number of frames.
    ///
    /// To end a generation: ask [`AudioFeed::is_closed`] first, drain then; what was closed before the drain is empty
    /// after it.
    pub fn drain(&mut self, hear: &mut dyn FnMut(Chunk<'_>)) -> u64 {
        self.reader.drain(hear)
    }

    /// Whether the tap is gone, so that what can be drained now is all there will be.
    pub fn is_closed(&self) -> bool {
        self.reader.samples.is_closed()
    }

    /// Channels of every chunk.
    pub fn channels(&self) -> usize {
        self.reader.channels
    }

    /// Sample rate in Hz.
    pub fn rate_hz(&self) -> f64 {
        self.rate_hz
    }

    /// Which activation this feed belongs to.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Frames the tap lost since it was made. More than the marks' sum where nothing was taken after the loss.
    pub fn frames_dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }

    /// Frames that the tap was told to pass over since it was made.
    pub fn frames_skipped(&self) -> u64 {
        self.counts.skipped.load(Ordering::Relaxed)
    }
}

/// The protocol without the ring: which samples belong to which mark.
pub(crate) struct Reader<S, M> {
    pub(crate) samples: S,
    marks: M,
    channels: usize,
    run: Mark,
    /// Frames of the run that were read.
    offset_frames: u64,
}

impl<S, M> std::fmt::Debug for Reader<S, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("run", &self.run)
            .field("offset_frames", &self.offset_frames)
            .finish()
    }
}

impl<S: RingReader<f32>, M: RingReader<Mark>> Reader<S, M> {
    pub(crate) fn new(samples: S, marks: M, channels: usize) -> Self {
        Self { samples, marks, channels, run: Mark::default(), offset_frames: 0 }
    }

    pub(crate) fn drain(&mut self, hear: &mut dyn FnMut(Chunk<'_>)) -> u64 {
        // Samples first, marks after: a mark is written before its samples, so the marks of all these are there now.
        let mut left = self.samples.ready() / self.channels;
        let total = left as u64;
        while left > 0 {
            let run_frames = self.turn_marks();
            let wanted = run_frames.map_or(left, |run| left.min(run));
            let first = self.samples.oldest().0;
            let samples = &first[..first.len().min(wanted * self.channels)];
            let taken = samples.len();
            hear(Chunk {
                mark: self.run,
                offset_frames: self.offset_frames,
                channels: self.channels,
                samples,
            });
            self.samples.skip(taken);
            self.offset_frames += (taken / self.channels) as u64;
            left -= taken / self.channels;
        }
        total
    }

    /// Goes to the mark of the next sample. Returns how many frames remain in its run, where the run has ended.
    fn turn_marks(&mut self) -> Option<usize> {
        while let Some(&next) = self.marks.oldest().0.first() {
            // What was lost before the next run lies between the two.
            let run_end = next.frame - next.lost_frames;
            let here = self.run.frame + self.offset_frames;
            if run_end > here {
                return Some((run_end - here) as usize);
            }
            self.run = next;
            self.offset_frames = 0;
            self.marks.skip(1);
        }
        None
    }
}

/// Both halves cross to another thread once, and are used by one thread at a time.
const _: () = {
    const fn sent<T: Send>() {}
    sent::<HeapProd<f32>>();
    sent::<AudioFeed>();
    sent::<crate::tap::AudioTap>();
};
