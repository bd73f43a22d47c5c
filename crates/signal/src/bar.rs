//! What the bar clock tells a session: passes over the song, and the bars in them.
//!
//! Every `frame` is a place in the tap's stream: frames since the tap's birth with all that was lost, as
//! [`Chunk::frame`](crate::Chunk::frame) counts them. Where the host gives no song position, it is the time.

use crate::meter::{BarKey, Meter};

/// One bar as it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its start in the song: equal in every pass.
    pub key: BarKey,
    /// Its number, where everything from the song's start up to it was heard: 1 is the song's first bar, 0 and below lie
    /// before it.
    pub number: Option<i64>,
    /// Its meter. Where the host tells a change a block late, the event of the bar's end has the right one.
    pub meter: Meter,
    /// The first frame heard of it.
    pub frame: u64,
    /// Song position in samples of its first sample, heard or not, where the host gives positions.
    pub position: Option<i64>,
}

/// Why there was something to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// The host's transport ran; this is the song position in samples of the first frame, where the host gives one.
    Song(Option<i64>),
    /// The transport stood, or there is none, and there was sound all the same. Such a pass has no bars.
    Free,
}

/// What happened, in the order of the frames. Passes don't overlap, and bars lie inside of passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarEvent {
    /// A stretch of audio that is contiguous in the song begins. It may contain gaps where frames were lost.
    PassStarted {
        /// The first frame.
        frame: u64,
        /// What it is a pass of.
        kind: PassKind,
    },
    /// A bar begins, or a pass begins inside of one.
    BarStarted {
        /// The bar; its `frame` is where.
        bar: Bar,
    },
    /// The bar that was begun last has ended.
    BarEnded {
        /// One past the last frame heard of it.
        frame: u64,
        /// The bar, as it was begun, but for a late meter.
        bar: Bar,
        /// Whether every sample from its start to the next bar's was heard.
        complete: bool,
    },
    /// The pass that was begun last has ended.
    PassEnded {
        /// One past its last frame; for a free pass, past its last sound.
        frame: u64,
    },
}
