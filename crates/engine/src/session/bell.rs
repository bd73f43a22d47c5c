//! The parameter that asks for advice, as a bell: a host rings it on any thread, the session hears it when it looks.

use std::sync::atomic::{AtomicBool, Ordering};

/// Rings when the parameter goes from off to on.
#[derive(Debug, Default)]
pub struct Bell {
    held: AtomicBool,
    rung: AtomicBool,
}

impl Bell {
    /// The parameter's new value. `[audio-thread]` in some hosts: two stores to atomics.
    pub fn hold(&self, on: bool) {
        if !self.held.swap(on, Ordering::Relaxed) && on {
            self.rung.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it has rung since the last time it was answered.
    pub(super) fn answer(&self) -> bool {
        self.rung.load(Ordering::Relaxed) && self.rung.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_from_off_to_on_rings() {
        let bell = Bell::default();
        assert!(!bell.answer());
        bell.hold(true);
        bell.hold(true);
        assert!(bell.answer());
        assert!(!bell.answer());
        bell.hold(true);
        assert!(!bell.answer(), "still held");
        bell.hold(false);
        bell.hold(true);
        assert!(bell.answer());
    }
}
