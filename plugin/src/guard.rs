//! The wall between our code and the host: a panic stops us, not the DAW (invariant 1).
//!
//! nice-plug does not catch panics, and one that leaves an `extern "C"` function ends the process. Every method of the
//! plugin runs our code through here, on whichever thread the host chose.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs code of one instance until it panics for the first time; from then on nothing, so that the instance is a
/// plain wire.
#[derive(Debug, Default)]
pub struct Guard {
    /// Apart from the alarm, which lies elsewhere in memory, so that every block has its answer at hand.
    tripped: AtomicBool,
    alarm: Alarm,
}

/// Tells whoever shows it that a guard's code has panicked.
#[derive(Clone, Debug, Default)]
pub struct Alarm(Arc<AtomicBool>);

impl Guard {
    /// Runs `code`, unless some earlier code of this instance panicked. `None` if it did not run to its end.
    ///
    /// Costs one relaxed load where nothing panics: fit for the audio thread.
    pub fn run<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        if self.tripped() {
            return None;
        }
        // What `code` left half done is never looked at again: after a panic nothing of the instance runs.
        let done = catch_unwind(AssertUnwindSafe(code));
        if done.is_err() {
            self.tripped.store(true, Ordering::Relaxed);
            self.alarm.0.store(true, Ordering::Relaxed);
        }
        done.ok()
    }

    /// Whether code of this instance has panicked.
    pub fn tripped(&self) -> bool {
        self.tripped.load(Ordering::Relaxed)
    }

    /// The same for somebody else.
    pub fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }
}

impl Alarm {
    /// Whether the guard's code has panicked.
    pub fn rings(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs code that belongs to no instance; a panic leaves its work undone.
pub(crate) fn quietly(code: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(code));
}
