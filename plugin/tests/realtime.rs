//! `Plugin::process` over 10 000 blocks of a transport that does anything: the output is the input, and nothing on the
//! audio thread allocates or frees. Under RealtimeSanitizer (CONTRIBUTING.md has the command) the same drive shows that
//! nothing locks, waits or calls the system either.

#![cfg_attr(barline_rtsan, feature(sanitize))]

#[path = "support/host.rs"]
mod host;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use nice_plug::context::process::Transport;
use nice_plug::prelude::*;
use plugin::Barline;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use host::Host;

thread_local! {
    /// Calls into the allocator by this thread.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[expect(unsafe_code, reason = "an allocator can't be written otherwise; this one delegates")]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Anything a host might say, sense or nonsense.
fn transport(random: &mut Pcg64Mcg, before: &Transport, frames: usize) -> Transport {
    let mut next = Transport::new(48_000.0);
    if random.random_bool(0.02) {
        return next;
    }
    next.playing = if random.random_bool(0.05) { !before.playing } else { before.playing };
    let garbage = [f64::NAN, f64::INFINITY, -1e300, 0.0, 1e18];
    let mut doubt = |value: f64| {
        if random.random_bool(0.01) {
            garbage[random.random_range(0..garbage.len())]
        } else {
            value
        }
    };
    let on = before.pos_samples.unwrap_or(0).saturating_add(frames as i64);
    next.tempo = Some(doubt(before.tempo.filter(|tempo| *tempo > 1.0).unwrap_or(120.0)));
    next.pos_beats = Some(doubt(on as f64 / 24_000.0));
    next.bar_start_pos_beats = Some(doubt((on as f64 / 96_000.0).floor() * 4.0));
    let somewhere = random.random_bool(0.02);
    next.pos_samples = Some(if somewhere { random.random_range(-9_999..99_999_999) } else { on });
    next.time_sig_numerator = Some(if random.random_bool(0.01) { -7 } else { 4 });
    next.time_sig_denominator = Some(if random.random_bool(0.01) { 0 } else { 4 });
    next
}

/// The audio thread: everything in here must be real-time safe.
#[cfg_attr(barline_rtsan, sanitize(realtime = "nonblocking"))]
fn process(barline: &mut Barline, buffer: &mut Buffer, host: &mut Host) {
    let mut none = AuxiliaryBuffers { inputs: &mut [], outputs: &mut [] };
    barline.process(buffer, &mut none, host);
}

#[test]
fn a_wild_transport_costs_the_audio_thread_nothing() {
    let mut random = Pcg64Mcg::seed_from_u64(9);
    let mut barline = Barline::default();
    let mut host = Host { transport: Transport::new(48_000.0) };
    let layout = Barline::AUDIO_IO_LAYOUTS[0];
    let config = BufferConfig {
        sample_rate: 48_000.0,
        min_buffer_size: None,
        max_buffer_size: 4096,
        process_mode: ProcessMode::Realtime,
    };
    assert!(barline.activate(&layout, &config, &mut host));
    let (mut left, mut right) = (vec![0.0_f32; 4096], vec![0.0_f32; 4096]);
    for turn in 0..10_000 {
        if turn % 64 == 0 {
            // Slow enough that the ring never fills: the one wait that is allowed would be in the way.
            std::thread::sleep(std::time::Duration::from_millis(15));
        }
        let frames = [1, 16, 64, 333, 512, 4096][random.random_range(0..6)];
        left.iter_mut().chain(&mut right).for_each(|x| *x = random.random_range(-1.0..1.0));
        let (sent_left, sent_right) = (left.clone(), right.clone());
        host.transport = transport(&mut random, &host.transport, frames);
        let mut buffer = Buffer::default();
        #[expect(unsafe_code, reason = "the wrapper fills a buffer so")]
        // SAFETY: the slices live longer than the buffer and have this length.
        unsafe {
            let (left, right) = (&mut left[..frames], &mut right[..frames]);
            buffer.set_slices(frames, |slices| slices.extend([left, right]));
        }
        let before = CALLS.get();
        process(&mut barline, &mut buffer, &mut host);
        assert_eq!(CALLS.get(), before, "block {turn}");
        drop(buffer);
        assert!(left == sent_left && right == sent_right, "block {turn}");
    }
    barline.deactivate();
}
