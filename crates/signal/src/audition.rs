//! Trying a suggested move by ear: the one way in which Barline changes what passes through it.
//!
//! Off, the output is the input, bit for bit. On, the move is faded in, as loud as the sound without it. It is off after
//! loading, while a host renders faster than time, while it is bypassed, and as soon as nobody looks at the switch any more:
//! what is tried is never left in a mix by mistake.

mod player;
mod trial;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

pub use player::Player;
pub use trial::{Shape, Trial};

/// What the two halves share. A trial fits into one word, so neither side ever waits for the other.
#[derive(Debug, Default)]
struct Line {
    /// The trial's bits, 0 for none.
    wanted: AtomicU64,
    /// Changes whenever somebody looks at the switch.
    looks: AtomicU32,
}

/// The half that a window holds. `[gui-thread]`
#[derive(Clone, Debug)]
pub struct Switch(Arc<Line>);

/// A switch, off, and what plays on the audio thread.
pub fn audition() -> (Switch, Player) {
    let line = Arc::new(Line::default());
    (Switch(Arc::clone(&line)), Player::new(line))
}

impl Switch {
    /// Tries this move, or none.
    pub fn set(&self, trial: Option<Trial>) {
        // Whoever sees the trial sees the look: what was last looked at long ago would end at once.
        self.look();
        self.0.wanted.store(trial.map_or(0, Trial::bits), Ordering::Release);
    }

    /// The move that is tried, for whoever shows it: it goes on as long as somebody looks.
    pub fn look(&self) -> Option<Trial> {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
        Trial::from_bits(self.0.wanted.load(Ordering::Relaxed))
    }
}
