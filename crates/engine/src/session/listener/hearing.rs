//! The generation that is listened to, and how the pass that goes on has come. `[session-thread]`

use super::Follower;
use crate::session::Generation;
use crate::session::spool::Seam;

/// How a piece of audio came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Captions were armed when it was played.
    pub(super) armed: bool,
    /// It came faster than it plays.
    pub(super) rendered: bool,
}

/// The generation that is listened to.
#[derive(Debug)]
pub(super) struct Hearing {
    pub(super) generation: Generation,
    pub(super) follower: Follower,
    pub(super) seam: Seam,
    /// Of the pass that goes on; none between two. What sounds before the first belongs to it: it is told late where the host says
    /// nothing of the song.
    pub(super) tally: Option<Tally>,
}

/// Frames of a pass.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    frames: u64,
    armed_frames: u64,
    rendered_frames: u64,
}

impl Hearing {
    pub(super) fn new(generation: Generation) -> Self {
        let follower = Follower::new(generation.channels, generation.rate_hz);
        let seam = Seam::new(generation.rate_hz);
        Self { generation, follower, seam, tally: Some(Tally::default()) }
    }

    /// Whether the pass that goes on will have its captions in files.
    pub(super) fn is_armed(&self) -> bool {
        self.tally.is_some_and(Tally::is_armed)
    }

    pub(super) fn seconds(&self, frames: usize) -> f64 {
        frames as f64 / self.generation.rate_hz
    }
}

impl Tally {
    /// Frames that came so.
    pub(super) fn of(frames: usize, manner: Manner) -> Self {
        let frames = frames as u64;
        let if_so = |so: bool| if so { frames } else { 0 };
        Self { frames, armed_frames: if_so(manner.armed), rendered_frames: if_so(manner.rendered) }
    }

    /// These and those.
    pub(super) fn with(self, more: Self) -> Self {
        Self {
            frames: self.frames + more.frames,
            armed_frames: self.armed_frames + more.armed_frames,
            rendered_frames: self.rendered_frames + more.rendered_frames,
        }
    }

    /// Whether there is nothing of it.
    pub(super) fn is_empty(self) -> bool {
        self.frames == 0
    }

    /// Whether captions were armed for any of it: what was played while they were is never lost, however it ends.
    pub(super) fn is_armed(self) -> bool {
        self.armed_frames > 0
    }

    /// Whether most of it came faster than it plays.
    pub(super) fn is_render(self) -> bool {
        2 * self.rendered_frames > self.frames
    }
}
