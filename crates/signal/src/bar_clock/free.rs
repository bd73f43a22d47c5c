//! Sound while the transport stands: where such a pass starts and ends, to the frame.

use crate::bar::{BarEvent, PassKind};
use crate::feed::{Chunk, is_sound};

/// Silence that ends a free pass, in seconds: longer than the rests in most playing.
const SILENCE_S: f64 = 2.0;

/// Listens to stopped blocks. The result doesn't depend on how the stream is cut into chunks.
#[derive(Clone, Debug)]
pub(super) struct FreeListener {
    silence_frames: u64,
    pass: Option<FreePass>,
}

#[derive(Clone, Copy, Debug)]
struct FreePass {
    start: u64,
    last_sound: u64,
    announced: bool,
}

impl FreeListener {
    pub(super) fn new(rate_hz: f64) -> Self {
        Self { silence_frames: (SILENCE_S * rate_hz) as u64, pass: None }
    }

    /// Hears a chunk of a transport that stands. With `hold`, nothing is told yet.
    pub(super) fn listen(&mut self, chunk: &Chunk<'_>, hold: bool, out: &mut Vec<BarEvent>) {
        let frames = (chunk.frame()..).zip(chunk.samples.chunks_exact(chunk.channels));
        for (frame, samples) in frames {
            if samples.iter().any(is_sound) {
                self.sound(frame, out);
            }
        }
        if !hold && let Some(pass) = &mut self.pass {
            announce(pass, out);
        }
        self.end_if_silent(chunk.frame() + chunk.frames() as u64, out);
    }

    /// Ends the pass, if there is one, where its last sound was.
    pub(super) fn end(&mut self, out: &mut Vec<BarEvent>) {
        if let Some(mut pass) = self.pass.take() {
            announce(&mut pass, out);
            out.push(BarEvent::PassEnded { frame: pass.last_sound + 1 });
        }
    }

    /// Takes back what was held.
    pub(super) fn forget(&mut self) {
        self.pass = None;
    }

    fn sound(&mut self, frame: u64, out: &mut Vec<BarEvent>) {
        self.end_if_silent(frame, out);
        match &mut self.pass {
            Some(pass) => pass.last_sound = frame,
            None => {
                self.pass = Some(FreePass { start: frame, last_sound: frame, announced: false });
            }
        }
    }

    fn end_if_silent(&mut self, frame: u64, out: &mut Vec<BarEvent>) {
        if self.pass.is_some_and(|pass| frame - pass.last_sound > self.silence_frames) {
            self.end(out);
        }
    }
}

fn announce(pass: &mut FreePass, out: &mut Vec<BarEvent>) {
    if !pass.announced {
        out.push(BarEvent::PassStarted { frame: pass.start, kind: PassKind::Free });
        pass.announced = true;
    }
}
