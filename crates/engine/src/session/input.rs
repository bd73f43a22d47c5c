//! The audio thread's part of a session: the tap, and the one wait that the design allows.

use std::sync::Arc;
use std::time::Duration;

use signal::{AudioTap, Transport};

use super::pace::Pace;

/// A render waits for ring space in steps of this length ...
const STEP: Duration = Duration::from_millis(1);
/// ... at most so many of them (invariant 5), then the block is lost and a gap is marked.
const STEPS: u32 = 2_000;

/// Writes what a track plays. One for each activation; dropping it ends the generation.
#[derive(Debug)]
pub struct Input {
    tap: AudioTap,
    pace: Arc<Pace>,
    /// What the host said when it activated, for the session. A hint: VST3 wrappers say it late or never.
    offline: bool,
    /// A wait was in vain, so that nothing waits again until there is room.
    gave_up: bool,
}

impl Input {
    pub(super) fn new(tap: AudioTap, pace: Arc<Pace>, offline: bool) -> Self {
        Self { tap, pace, offline, gave_up: false }
    }

    /// Takes one block: a slice a channel, and what the host says of its first frame. Never allocates, locks or logs.
    /// Where the ring is full and audio comes faster than it plays, it sleeps for room, 2 s at most; in real time it
    /// never does. `[audio-thread]`
    pub fn hear<C: AsRef<[f32]>>(&mut self, channels: &[C], transport: &Transport) {
        let frames = channels.first().map_or(0, |channel| channel.as_ref().len());
        if frames > self.tap.free_frames() {
            // A ring that nobody reads any more fills up, and is then left alone.
            if self.tap.is_closed() {
                return;
            }
            self.wait_for_room(frames);
        } else {
            self.gave_up = false;
        }
        self.tap.write(channels, &Transport { offline: self.offline, ..*transport });
    }

    /// Lets a block pass that the user doesn't want heard. It is marked as a gap and counted apart. `[audio-thread]`
    pub fn skip(&mut self, frames: usize) {
        self.tap.skip(frames);
    }

    #[cold]
    fn wait_for_room(&mut self, frames: usize) {
        // What the host says counts for nothing here: it would make a live instrument wait.
        let render = self.pace.is_render(self.tap.frames_written());
        if self.gave_up || !render || frames > self.tap.capacity_frames() {
            return;
        }
        for _ in 0..STEPS {
            std::thread::sleep(STEP);
            if frames <= self.tap.free_frames() {
                return;
            }
            if self.tap.is_closed() {
                break;
            }
        }
        self.gave_up = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// So fast a clock that whatever happens in this test takes longer than its audio plays.
    const RATE_HZ: f64 = 1e12;

    #[test]
    fn live_audio_never_waits_whatever_the_host_says() {
        let (tap, _feed) = signal::tap(1, RATE_HZ, 100, 1);
        let mut input = Input::new(tap, Arc::new(Pace::new(RATE_HZ)), true);
        let start = Instant::now();
        for _ in 0..3 {
            input.hear(&[[0.5_f32; 100]], &Transport::default());
        }
        assert!(start.elapsed() < STEP * STEPS / 2, "it waited for room");
        assert_eq!(input.tap.frames_dropped(), 200);
    }
}
