//! A band meter allocates nothing while it hears, whatever blocks it gets and at whatever rate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use analysis::BandMeter;
use signal::BandLevels;

thread_local! {
    /// Calls into the allocator by this thread, so that the test harness's own threads don't count.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator can't be written otherwise; this one counts and delegates"
)]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is being torn down has no counter any more, and none that anyone reads.
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn pushing_never_allocates() {
    // At 11 029 Hz a frame is of an odd length for a transform: 4 * 551 samples, and 551 = 19 * 29.
    for rate_hz in [11_029, 44_100, 48_000] {
        let mut meter = BandMeter::new(rate_hz, 2).unwrap();
        let mut levels = BandLevels::with_room(60.0);
        let audio: Vec<f32> = (0..8_192).map(|i| (i as f32 * 0.01).sin()).collect();
        let before = CALLS.get();
        assert!(before > 0, "the counter counts");
        for turn in 0..200 {
            meter.push(&audio[..(turn * 74) % audio.len()], &mut levels);
        }
        assert_eq!(CALLS.get(), before);
        assert!(levels.steps_db.len() > 50, "{}", levels.steps_db.len());
    }
}
