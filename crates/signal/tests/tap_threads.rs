//! Two threads, one tap, as fast as they can: every frame arrives once, in order, under the mark that was written for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal::{AudioFeed, AudioTap, Transport, tap};

const BLOCKS: u64 = 200_000;
/// Small enough to be full and empty all the time.
const CAPACITY_FRAMES: usize = 2_048;

/// The transport carries the block's stream frame in its position, the samples carry theirs in 24 exact bits.
fn write(tap: &mut AudioTap) {
    let mut seed = 1_u64;
    let (mut left, mut right) = ([0.0; 300], [0.0; 300]);
    let mut frame = 0;
    let mut jump = 0;
    for _ in 0..BLOCKS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let frames = 1 + (seed >> 33) % 300;
        if (seed >> 50).is_multiple_of(8) {
            jump += 1_000_000; // a mark is due
        }
        for index in 0..frames {
            left[index as usize] = ((frame + index) % (1 << 24)) as f32;
            right[index as usize] = -left[index as usize];
        }
        let transport = Transport {
            playing: true,
            position: Some((frame + jump) as i64),
            ..Transport::default()
        };
        let channels = [&left[..frames as usize], &right[..frames as usize]];
        if !tap.write(&channels, &transport) && seed.is_multiple_of(3) {
            thread::yield_now(); // one core must let the reader in
        }
        frame += frames;
    }
}

#[derive(Default)]
struct Heard {
    end: u64,
    frames: u64,
    lost: u64,
    marks: u64,
}

fn read(feed: &mut AudioFeed, heard: &mut Heard) {
    feed.drain(&mut |chunk| {
        if chunk.offset_frames == 0 {
            assert_eq!(chunk.mark.frame, heard.end + chunk.mark.lost_frames, "a gap is counted");
            heard.lost += chunk.mark.lost_frames;
            heard.marks += 1;
            let jump = chunk.mark.transport.position.expect("the writer gives one") as u64
                - chunk.mark.frame;
            assert_eq!(jump % 1_000_000, 0, "the mark is its first frame's");
        } else {
            assert_eq!(chunk.frame(), heard.end);
        }
        for (frame, samples) in (chunk.frame()..).zip(chunk.samples.chunks_exact(2)) {
            let value = (frame % (1 << 24)) as f32;
            assert_eq!(samples, [value, -value], "frame {frame}");
        }
        heard.end = chunk.frame() + chunk.frames() as u64;
        heard.frames += chunk.frames() as u64;
    });
}

#[test]
fn nothing_is_torn_lost_or_moved_between_two_threads() {
    let (mut tap, mut feed) = tap(2, 48_000.0, CAPACITY_FRAMES, 7);
    let done = AtomicBool::new(false);
    let mut heard = Heard::default();
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            write(&mut tap);
            let written = tap.frames_written();
            drop(tap);
            done.store(true, Ordering::Release);
            written
        });
        while !feed.is_closed() {
            read(&mut feed, &mut heard);
            thread::yield_now();
        }
        read(&mut feed, &mut heard);
        writer.join().unwrap()
    });
    assert!(done.load(Ordering::Acquire));
    assert_eq!(heard.frames, written);
    assert!(heard.lost <= feed.frames_dropped());
    assert_eq!(heard.end - heard.frames, heard.lost);
    assert!(heard.marks > 100 && heard.frames > 100_000, "{} frames", heard.frames);
}
