//! What the plugin hears, carried from the audio thread to a session: a ring of samples, a ring of marks.
//!
//! `activate` makes both halves, hands [`AudioFeed`] to the session and keeps [`AudioTap`] for `process`. A mark is
//! written where the transport does something that could not be foretold, and goes in *before* its samples: whoever
//! sees a sample can see its mark. Blocks that continue as foretold need none, so blocks of one frame cost no more
//! marks than blocks of 16384, and the newest sample never waits for a later block to complete its mark.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbuf::HeapProd;
use serde::{Deserialize, Serialize};

use crate::feed::AudioFeed;
use crate::ring::{RingWriter, ring};
use crate::transport::Transport;

/// What a ring holds at the least, in seconds: longer than any stall of a session that has a disk to write to.
const CAPACITY_S: f64 = 8.0;
/// Frames of capacity for each mark. A tempo ramp makes a mark a block: at 64 frames a block they last as long as the
/// samples do. A mark takes the room of 11 stereo frames.
const FRAMES_PER_MARK: usize = 64;
/// Marks there are at the least.
const MIN_MARKS: usize = 64;
/// Samples interleaved at a time: 1 KiB of the stack, which is warm where a tap's own memory is not.
const STAGE_SAMPLES: usize = 256;

/// Most channels a tap takes: two of the largest host buses (VST3's 9.1.6 has 16).
pub const MAX_CHANNELS: usize = 32;
/// Longest block that hosts are known to hand over, in frames. Longer ones are taken all the same where they fit.
pub const MAX_BLOCK_FRAMES: usize = 16_384;

/// Where a run of frames stands in the stream and in the song. The run lasts until the next mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The run's first frame, counted from the tap's birth with all that was lost.
    pub frame: u64,
    /// Frames lost right before the run because a ring was full. They are counted in `frame`.
    pub lost_frames: u64,
    /// What the host said of the run's first frame.
    pub transport: Transport,
}

/// Frames that the tap counts for both halves. Relaxed: they are shown, nothing is ordered by them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) dropped: AtomicU64,
    pub(crate) skipped: AtomicU64,
}

/// Adds to a count that nobody else writes: a locked addition would wait for a cold line of memory, a store doesn't.
fn add(count: &AtomicU64, frames: usize) {
    count.store(count.load(Ordering::Relaxed) + frames as u64, Ordering::Relaxed);
}

/// How many frames a tap must hold at this rate: at least 8 s, and the longest block at any rate.
pub fn capacity_frames(rate_hz: f64) -> usize {
    // A rate that no converter has is a host's mistake; 768 kHz is the highest the resampler takes.
    let rate_hz = if rate_hz.is_finite() { rate_hz.clamp(1_000.0, 768_000.0) } else { 48_000.0 };
    ((rate_hz * CAPACITY_S).ceil() as usize).max(2 * MAX_BLOCK_FRAMES)
}

/// The two halves of a tap, with all the memory they will ever use. `generation` is the caller's count of activations.
///
/// The number of channels is limited to 1..=[`MAX_CHANNELS`]. `capacity_frames` comes from [`capacity_frames`].
pub fn tap(
    channels: usize,
    rate_hz: f64,
    capacity_frames: usize,
    generation: u64,
) -> (AudioTap, AudioFeed) {
    let channels = channels.clamp(1, MAX_CHANNELS);
    // A whole number of frames, so that no frame lies across the ring's end.
    let (samples_in, samples_out) = ring(capacity_frames.max(1) * channels);
    let (marks_in, marks_out) = ring((capacity_frames / FRAMES_PER_MARK).max(MIN_MARKS));
    let counts = Arc::new(Counts::default());
    let writer = Writer::new(samples_in, marks_in, channels, rate_hz);
    let tap =
        AudioTap { writer, written: 0, counts: Arc::clone(&counts), generation, capacity_frames };
    (tap, AudioFeed::new(samples_out, marks_out, channels, rate_hz, counts, generation))
}

/// The audio thread's half. Nothing here allocates, locks, waits, logs or makes a system call.
///
/// Dropping it is just as cheap as long as the feed lives: the memory is freed by the half that goes last. So a session
/// keeps its feed until [`AudioFeed::is_closed`], whatever thread the host drops the tap on.
#[derive(Debug)]
pub struct AudioTap {
    writer: Writer<HeapProd<f32>, HeapProd<Mark>>,
    /// Frames taken.
    written: u64,
    counts: Arc<Counts>,
    generation: u64,
    capacity_frames: usize,
}

impl AudioTap {
    /// Takes one block: a slice a channel, of equal length, and what the host says of its first frame. `[audio-thread]`
    ///
    /// A block fits as a whole or is dropped as a whole; the answer says which, and the next mark counts the loss. So it
    /// is with a block of another number of channels than the tap's. Where channels differ in length, the shortest counts.
    pub fn write<C: AsRef<[f32]>>(&mut self, channels: &[C], transport: &Transport) -> bool {
        let frames = channels.iter().map(|channel| channel.as_ref().len()).min().unwrap_or(0);
        let taken = self.writer.write(channels, frames, transport.checked());
        if taken {
            self.written += frames as u64;
        } else {
            add(&self.counts.dropped, frames);
        }
        taken
    }

    /// Passes over a block that nobody wants to hear: a gap as where the ring was full, but counted apart. `[audio-thread]`
    pub fn skip(&mut self, frames: usize) {
        self.writer.skip(frames);
        add(&self.counts.skipped, frames);
    }

    /// Frames that fit into an empty ring.
    pub fn capacity_frames(&self) -> usize {
        self.capacity_frames
    }

    /// Frames that are sure to fit now, for a caller that may wait. `[audio-thread]`
    pub fn free_frames(&self) -> usize {
        if self.writer.marks.free() == 0 {
            return 0;
        }
        self.writer.samples.free() / self.writer.channels
    }

    /// Whether the feed is gone, so that nobody will ever read again. `[audio-thread]`
    pub fn is_closed(&self) -> bool {
        self.writer.samples.is_closed()
    }

    /// Channels of every block.
    pub fn channels(&self) -> usize {
        self.writer.channels
    }

    /// Which activation this tap belongs to.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Frames taken since the tap was made.
    pub fn frames_written(&self) -> u64 {
        self.written
    }

    /// Frames lost since the tap was made.
    pub fn frames_dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }
}

/// The protocol without the ring: what is written, in which order, and when a mark is due.
pub(crate) struct Writer<S, M> {
    samples: S,
    marks: M,
    channels: usize,
    rate_hz: f64,
    /// The frame that comes next, with all that was lost.
    frame: u64,
    /// Frames lost since the last mark.
    lost_frames: u64,
    /// The mark of the run that goes on.
    run: Option<Mark>,
}

impl<S, M> std::fmt::Debug for Writer<S, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("frame", &self.frame).field("run", &self.run).finish()
    }
}

impl<S: RingWriter<f32>, M: RingWriter<Mark>> Writer<S, M> {
    pub(crate) fn new(samples: S, marks: M, channels: usize, rate_hz: f64) -> Self {
        Self { samples, marks, channels, rate_hz, frame: 0, lost_frames: 0, run: None }
    }

    /// Whether the block was taken. Both rings are asked for room before either is written.
    pub(crate) fn write<C: AsRef<[f32]>>(
        &mut self,
        channels: &[C],
        frames: usize,
        transport: Transport,
    ) -> bool {
        if frames == 0 {
            return true;
        }
        let foretold = self.run.is_some_and(|run| {
            run.transport.implies(&transport, self.frame - run.frame, self.rate_hz)
        });
        let mark_due = !foretold || self.lost_frames > 0;
        let fits = channels.len() == self.channels
            && frames <= self.samples.free() / self.channels
            && (!mark_due || self.marks.free() > 0);
        if !fits {
            self.skip(frames);
            return false;
        }
        if mark_due {
            let mark = Mark { frame: self.frame, lost_frames: self.lost_frames, transport };
            self.marks.push(&[mark]);
            self.run = Some(mark);
            self.lost_frames = 0;
        }
        self.push_interleaved(channels, frames);
        self.frame += frames as u64;
        true
    }

    pub(crate) fn skip(&mut self, frames: usize) {
        self.frame += frames as u64;
        self.lost_frames += frames as u64;
    }

    fn push_interleaved<C: AsRef<[f32]>>(&mut self, channels: &[C], frames: usize) {
        if let [mono] = channels {
            self.samples.push(&mono.as_ref()[..frames]);
            return;
        }
        let count = self.channels;
        let mut stage = [0.0; STAGE_SAMPLES];
        for start in (0..frames).step_by(STAGE_SAMPLES / count) {
            let end = frames.min(start + STAGE_SAMPLES / count);
            let staged = &mut stage[..(end - start) * count];
            if let [left, right] = channels {
                let pairs = left.as_ref()[start..end].iter().zip(&right.as_ref()[start..end]);
                for (place, (&left, &right)) in staged.as_chunks_mut().0.iter_mut().zip(pairs) {
                    *place = [left, right];
                }
            } else {
                for (index, channel) in channels.iter().enumerate() {
                    let places = staged[index..].iter_mut().step_by(count);
                    for (place, &sample) in places.zip(&channel.as_ref()[start..end]) {
                        *place = sample;
                    }
                }
            }
            self.samples.push(staged);
        }
    }
}

#[cfg(all(test, barline_loom))]
mod interleavings;
#[cfg(test)]
mod tests;
