//! An activation's ring as the session thread empties it.

use signal::Chunk;

use super::STRIDE_FRAMES;
use crate::session::spool::{Item, Piece, Spool};
use crate::session::{Arrival, Shared};

/// An activation, and what was told of it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) arrival: Arrival,
    begun: bool,
    drained_frames: u64,
    dropped_frames: u64,
    skipped_frames: u64,
}

/// What came out of a ring.
#[derive(Debug, Default)]
pub(super) struct Drained {
    pub(super) frames: u64,
    pub(super) items: usize,
    /// Whether any of it is more than the silence of a transport that stands.
    pub(super) heard: bool,
    /// Whether the host said of any of it that it renders.
    pub(super) offline: bool,
}

impl Source {
    pub(super) fn new(arrival: Arrival) -> Self {
        Self { arrival, begun: false, drained_frames: 0, dropped_frames: 0, skipped_frames: 0 }
    }

    /// Moves the ring's content to the spool; `keep` sees each item.
    pub(super) fn drain(&mut self, spool: &mut Spool, keep: &mut dyn FnMut(&Item)) -> Drained {
        let mut drained = Drained::default();
        if !self.begun {
            let begin = Item::Begin(self.arrival.generation());
            keep(&begin);
            spool.push(begin);
            self.begun = true;
            drained.items += 1;
        }
        drained.frames = self.arrival.feed.drain(&mut |chunk| {
            drained.offline |= chunk.mark.transport.offline;
            for part in strides(chunk) {
                drained.items += 1;
                drained.heard |= part.is_heard();
                let piece = Item::Piece(Piece::new(&part));
                keep(&piece);
                spool.push(piece);
            }
        });
        self.drained_frames += drained.frames;
        self.arrival.pace.drained(self.drained_frames);
        drained
    }

    /// Adds to the report what the tap counted since the last time.
    pub(super) fn count(&mut self, shared: &Shared) {
        let feed = &self.arrival.feed;
        let (dropped, skipped) = (feed.frames_dropped(), feed.frames_skipped());
        let mut report = shared.report.lock();
        report.dropped_frames += dropped - std::mem::replace(&mut self.dropped_frames, dropped);
        report.skipped_frames += skipped - std::mem::replace(&mut self.skipped_frames, skipped);
    }
}

/// A chunk in parts that are listened to one at a time: it may be all that the ring holds, and who listens must look at the ring again
/// before that is over.
fn strides(chunk: Chunk<'_>) -> impl Iterator<Item = Chunk<'_>> {
    let offsets = (chunk.offset_frames..).step_by(STRIDE_FRAMES);
    let parts = chunk.samples.chunks(STRIDE_FRAMES * chunk.channels);
    offsets.zip(parts).map(move |(offset_frames, samples)| Chunk {
        offset_frames,
        samples,
        ..chunk
    })
}
