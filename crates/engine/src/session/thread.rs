//! The thread that a session listens on: polls, so that nothing on the audio thread ever wakes anyone.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle, park_timeout};
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::listener::{Activity, Listener};
use crate::threads;

/// While blocks arrive (invariant 8 of the design) ...
const ALERT: Duration = Duration::from_millis(10);
/// ... and after a second without.
const DROWSY: Duration = Duration::from_millis(250);
const DROWSY_AFTER: Duration = Duration::from_secs(1);

/// Starts the thread. It ends by itself once the instance is gone and what it played was heard.
pub(super) fn start(listener: Listener, instance: u64) -> io::Result<JoinHandle<()>> {
    let name = format!("barline-ear-{instance}");
    Builder::new().name(name).spawn(move || run(listener, instance))
}

fn run(mut listener: Listener, instance: u64) {
    threads::be_ordinary();
    let mut journal = Journal::from_environment(instance);
    let mut heard_at = Instant::now();
    loop {
        // After a panic nothing of the listener runs again: its feeds go, and the taps find themselves closed.
        let Ok(activity) = catch_unwind(AssertUnwindSafe(|| listener.poll())) else {
            listener.fail("listening has stopped: a defect in Barline");
            journal.write(&listener, true);
            return;
        };
        journal.write(&listener, activity == Activity::Closed);
        match activity {
            Activity::Busy => heard_at = Instant::now(),
            Activity::Heard => {
                heard_at = Instant::now();
                park_timeout(ALERT);
            }
            Activity::Idle if heard_at.elapsed() < DROWSY_AFTER => park_timeout(ALERT),
            Activity::Idle => park_timeout(DROWSY),
            Activity::Closed => return,
        }
    }
}
