//! `Plugin::process` over 10 000 blocks of a transport that does anything: the output is the input, and nothing on the
//! audio thread allocates or frees; nor while moves are tried, when the output is only sound. Under RealtimeSanitizer (CONTRIBUTING.md has the command) the same drive shows that
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
use signal::audition::{Shape, Trial};

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

/// Plays 10 000 blocks of noise; `before` comes before each, `after` sees `(sent, came)` of each channel.
fn drive(
    barline: &mut Barline,
    mut before: impl FnMut(usize, &mut Pcg64Mcg),
    after: impl Fn(usize, &[(&[f32], &[f32]); 2]),
) {
    let mut random = Pcg64Mcg::seed_from_u64(9);
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
        before(turn, &mut random);
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
        let calls = CALLS.get();
        process(barline, &mut buffer, &mut host);
        assert_eq!(CALLS.get(), calls, "block {turn}");
        drop(buffer);
        let channels = [(&sent_left, &left), (&sent_right, &right)];
        after(turn, &channels.map(|(sent, came)| (&sent[..frames], &came[..frames])));
    }
    barline.deactivate();
}

#[test]
fn a_wild_transport_costs_the_audio_thread_nothing() {
    drive(
        &mut Barline::default(),
        |_, _| {},
        |turn, channels| {
            assert!(channels.iter().all(|(sent, came)| sent == came), "block {turn}");
        },
    );
}

#[test]
fn nor_do_moves_that_are_tried() {
    let mut barline = Barline::default();
    let switch = barline.switch();
    let change = |turn: usize, random: &mut Pcg64Mcg| match turn % 40 {
        0 => {
            let shape = [Shape::Peak, Shape::Series, Shape::MonoBelow, Shape::InvertRight];
            let shape = shape[random.random_range(0..4)];
            let (hz, gain_db) =
                (random.random_range(20.0..30_000.0), random.random_range(-15.0..12.0));
            switch.set(Some(Trial::new(shape, hz, random.random_range(0.3..30.0), gain_db)));
        }
        30 => switch.set(None),
        _ => {
            switch.look();
        }
    };
    let (changed, kept) = (Cell::new(0_usize), Cell::new(0_usize));
    drive(&mut barline, change, |turn, channels| {
        let sane = |x: &f32| x.abs() < 20.0;
        assert!(channels.iter().all(|(_, came)| came.iter().all(sane)), "block {turn}");
        let same = channels.iter().all(|(sent, came)| sent == came);
        let count = if same { &kept } else { &changed };
        count.set(count.get() + 1);
    });
    let (changed, kept) = (changed.get(), kept.get());
    assert!(changed > 1_000 && kept > 1_000, "{changed} blocks changed, {kept} not");
}
