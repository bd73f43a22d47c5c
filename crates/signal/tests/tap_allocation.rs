//! The audio thread's half of a tap neither allocates nor frees, whatever happens to its rings.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use signal::{AudioFeed, AudioTap, Meter, Transport, tap};

thread_local! {
    /// Calls into the allocator by this thread, so that the test harness's own threads don't count.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // A thread that is being torn down has no counter any more, and none that anyone reads.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

#[expect(
    unsafe_code,
    reason = "an allocator can't be written otherwise; this one counts and delegates"
)]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn calls(run: impl FnOnce()) -> u64 {
    let before = CALLS.get();
    run();
    CALLS.get() - before
}

/// One block of every odd size, with every kind of transport change, until the rings are full and beyond.
fn hammer(tap: &mut AudioTap, block: &[&[f32]]) {
    for turn in 0..5_000_i64 {
        let frames = (turn as usize * 37) % 1_024;
        let slices = [&block[0][..frames], &block[1][..frames]];
        let transport = Transport {
            playing: turn % 3 != 0,
            position: (turn % 5 != 0).then_some(turn * 7 - 1_000),
            tempo_bpm: Some(if turn % 11 == 0 { f64::NAN } else { 120.0 + turn as f64 }),
            meter: Meter::new(4 + (turn % 2) as i32, 4),
            position_quarters: Some(turn as f64),
            bar_start_quarters: None,
            offline: turn % 7 == 0,
        };
        let free = tap.free_frames();
        let taken = tap.write(&slices, &transport);
        assert!(taken || frames > free);
        assert!(!tap.is_closed());
    }
}

#[test]
fn writing_and_dropping_a_tap_never_touches_the_heap() {
    assert!(calls(|| drop(black_box(Box::new([0_u8; 64])))) >= 2, "the counter counts");
    let samples = vec![0.5_f32; 1_024];
    let block = [&samples[..], &samples[..]];
    let (mut tap, mut feed): (AudioTap, AudioFeed) = tap(2, 48_000.0, 48_000, 1);
    assert_eq!(calls(|| hammer(&mut tap, &block)), 0);
    assert!(tap.frames_dropped() > 0, "the rings were full");
    assert_eq!(calls(|| _ = feed.drain(&mut |_| ())), 0);
    assert_eq!(calls(|| hammer(&mut tap, &block)), 0, "with room again");
    let wrong = [&samples[..]];
    assert_eq!(calls(|| _ = tap.write(&wrong, &Transport::default())), 0, "another layout");
    assert_eq!(calls(|| drop(tap)), 0, "the feed frees what both share");
    assert!(feed.is_closed());
    assert!(calls(|| drop(feed)) > 0);
}
