//! What was drained from the ring and not yet listened to: in memory first, then on disk (invariant 5 of the design).
//!
//! In real time it is all but empty. Where a host renders faster than meters measure it grows, so that the audio thread
//! only ever waits for a copy.

mod disk;
mod seam;

use std::collections::VecDeque;
use std::path::PathBuf;

use signal::{Chunk, Mark};

use self::disk::Disk;
pub(super) use self::seam::Seam;
use super::Generation;

/// Samples kept in memory: 32 MiB of them, 87 s of stereo at 48 kHz.
const MEMORY_SAMPLES: usize = 8 << 20;

/// Bytes that one instance may put on the disk: an hour and a half of stereo at 48 kHz.
const DISK_BYTES: u64 = 2 << 30;

/// A chunk that owns its samples.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    mark: Mark,
    offset_frames: u64,
    channels: usize,
    samples: Vec<f32>,
}

impl Piece {
    /// A copy. Subnormal samples, 750 dB below full scale, become zero: meters and transforms take many times as long
    /// for them, and the reader must keep up.
    pub(super) fn new(chunk: &Chunk<'_>) -> Self {
        let Chunk { mark, offset_frames, channels, samples } = *chunk;
        let settled = |&x: &f32| if x.is_subnormal() { 0.0 } else { x };
        Self { mark, offset_frames, channels, samples: samples.iter().map(settled).collect() }
    }

    /// What was kept of a copy.
    pub(super) fn kept(mark: Mark, offset_frames: u64, channels: usize, samples: Vec<f32>) -> Self {
        Self { mark, offset_frames, channels, samples }
    }

    pub(super) fn chunk(&self) -> Chunk<'_> {
        let Self { mark, offset_frames, channels, ref samples } = *self;
        Chunk { mark, offset_frames, channels, samples }
    }
}

/// What comes out again, in the order in which it went in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// The generation whose pieces come next.
    Begin(Generation),
    /// Audio of the generation.
    Piece(Piece),
    /// The generation is over.
    End,
}

/// A queue of items.
#[derive(Debug)]
pub(super) struct Spool {
    memory: VecDeque<Item>,
    memory_samples: usize,
    memory_limit: usize,
    disk: Disk,
}

impl Default for Spool {
    /// One whose file lies where the system keeps temporary ones.
    fn default() -> Self {
        Self::with_limits(MEMORY_SAMPLES, DISK_BYTES, None)
    }
}

impl Spool {
    /// One whose file lies in a folder, which is made where it is missing: the system's own for temporary files is memory on many.
    /// Where that folder takes none, it is the system's own all the same.
    pub(super) fn beside(folder: PathBuf) -> Self {
        Self::with_limits(MEMORY_SAMPLES, DISK_BYTES, Some(folder))
    }

    /// One that keeps so many samples in memory and puts so many bytes on the disk.
    pub(super) fn with_limits(
        memory_limit: usize,
        disk_limit: u64,
        folder: Option<PathBuf>,
    ) -> Self {
        let disk = Disk::new(disk_limit, folder);
        Self { memory: VecDeque::new(), memory_samples: 0, memory_limit, disk }
    }

    /// Appends an item. Ask [`Spool::trouble`] first: what is pushed nevertheless is kept in memory.
    pub(super) fn push(&mut self, item: Item) {
        let samples = item.samples();
        // Once something lies on the disk, all that follows must lie behind it.
        if self.disk.is_empty() && self.memory_samples + samples <= self.memory_limit {
            self.memory_samples += samples;
            self.memory.push_back(item);
        } else {
            self.disk.push(item);
        }
    }

    /// Why nothing more should be pushed until something was popped.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.disk.trouble()
    }

    /// Takes the oldest item. The error says why it can't be had.
    pub(super) fn pop(&mut self) -> Result<Option<Item>, String> {
        match self.memory.pop_front() {
            Some(item) => {
                self.memory_samples -= item.samples();
                Ok(Some(item))
            }
            None => self.disk.pop(),
        }
    }

    /// Loses what lies on the disk.
    #[cfg(test)]
    pub(super) fn spoil(&mut self) {
        self.disk.spoil();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.disk.is_empty()
    }
}

impl Item {
    /// Whether it is more than the silence of a transport that stands.
    pub(super) fn is_heard(&self) -> bool {
        matches!(self, Self::Piece(piece) if piece.chunk().is_heard())
    }

    fn samples(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.samples.len(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
