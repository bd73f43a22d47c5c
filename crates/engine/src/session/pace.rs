//! How fast audio comes: for the one decision the audio thread takes, whether a full ring may make it wait, and for the
//! session thread's, whether every passage gets its words.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Audio that comes this much faster than it plays is a render, whatever the host says.
const RENDER: f64 = 2.0;

/// Audio that has run so far ahead of the clock is a render; blocks and a busy host make far less of it in real time ...
const AHEAD_S: f64 = 1.0;
/// ... or so far where the host says that it renders: more than the longest block at 44.1 kHz. Its word alone is nothing: after an
/// export VST3 wrappers say so of what is played live.
const AHEAD_OFFLINE_S: f64 = 0.5;
/// ... and a render is over this long after it, for what is played then.
const AHEAD_AT_MOST_S: f64 = 4.0;

/// How far audio has run ahead of the clock, as the session thread sees it.
#[derive(Debug, Default)]
pub(super) struct Lead {
    ahead_s: f64,
    looked: Option<Instant>,
}

impl Lead {
    /// So much audio has come since the last look, of which the host says that it is rendered `offline`, or doesn't. Whether it is
    /// rendered rather than played.
    pub(super) fn came(&mut self, audio_s: f64, offline: bool, now: Instant) -> bool {
        let passed = self.looked.replace(now).map_or(Duration::ZERO, |at| now - at);
        let ahead_s = self.ahead_s + audio_s - passed.as_secs_f64();
        self.ahead_s = ahead_s.clamp(0.0, AHEAD_AT_MOST_S);
        self.ahead_s > if offline { AHEAD_OFFLINE_S } else { AHEAD_S }
    }
}

/// Written by the session thread at every drain, read by the audio thread when the ring is full.
///
/// The two numbers may belong to neighbouring drains. Both are milliseconds apart where the ring is seconds long.
#[derive(Debug)]
pub(crate) struct Pace {
    rate_hz: f64,
    born: Instant,
    drained_at_us: AtomicU64,
    drained_frames: AtomicU64,
}

impl Pace {
    pub(crate) fn new(rate_hz: f64) -> Self {
        let zero = || AtomicU64::new(0);
        Self { rate_hz, born: Instant::now(), drained_at_us: zero(), drained_frames: zero() }
    }

    /// The ring was just emptied, `frames` after the tap's birth. `[session-thread]`
    pub(crate) fn drained(&self, frames: u64) {
        let now_us = self.born.elapsed().as_micros();
        self.drained_at_us.store(u64::try_from(now_us).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.drained_frames.store(frames, Ordering::Relaxed);
    }

    /// Whether what was written since the last drain came much faster than it plays. Reads the clock, which on the
    /// systems we run on is no system call. `[audio-thread]`, where the ring is full.
    pub(crate) fn is_render(&self, written_frames: u64) -> bool {
        let drained_at = Duration::from_micros(self.drained_at_us.load(Ordering::Relaxed));
        let wall_s = self.born.elapsed().saturating_sub(drained_at).as_secs_f64();
        let frames = written_frames.saturating_sub(self.drained_frames.load(Ordering::Relaxed));
        frames as f64 / self.rate_hz > RENDER * wall_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether audio that comes in blocks of `block_s`, at the speed at which it plays, but for a start that is `ahead_s` early, ever
    /// counts as a render.
    fn is_render(block_s: f64, ahead_s: f64, offline: bool) -> bool {
        let (mut lead, start) = (Lead::default(), Instant::now());
        let mut renders = lead.came(ahead_s, offline, start);
        for block in 1..=40 {
            let now = start + Duration::from_secs_f64(block_s * f64::from(block));
            renders |= lead.came(block_s, offline, now);
        }
        renders
    }

    #[test]
    fn the_hosts_word_halves_the_lead_that_it_takes_and_is_nothing_without() {
        assert!(!is_render(0.37, 0.0, true), "the longest blocks in real time");
        assert!(is_render(0.1, 0.6, true));
        assert!(!is_render(0.1, 0.6, false));
        assert!(is_render(0.1, 1.1, false));
    }
}
