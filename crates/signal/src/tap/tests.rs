//! What goes into a tap comes out, in order, and what is lost is told.

use super::*;
use crate::feed::Chunk;
use crate::meter::Meter;

const RATE_HZ: f64 = 48_000.0;

fn at(position: i64) -> Transport {
    Transport { playing: true, position: Some(position), ..Transport::default() }
}

/// Everything there is: marks with the number of frames under them, and the samples.
fn drain(feed: &mut AudioFeed) -> (Vec<(Mark, usize)>, Vec<f32>) {
    let (mut runs, mut samples) = (Vec::<(Mark, usize)>::new(), Vec::new());
    feed.drain(&mut |chunk: Chunk<'_>| {
        match runs.last_mut() {
            Some((mark, frames)) if *mark == chunk.mark => *frames += chunk.frames(),
            _ => runs.push((chunk.mark, chunk.frames())),
        }
        samples.extend_from_slice(chunk.samples);
    });
    (runs, samples)
}

#[test]
fn planar_blocks_come_out_interleaved_under_one_mark() {
    let (mut tap, mut feed) = tap(2, RATE_HZ, 1_000, 3);
    assert!(tap.write(&[[1.0, 2.0], [-1.0, -2.0]], &at(10)));
    assert!(tap.write(&[[3.0], [-3.0]], &at(12)));
    let (runs, samples) = drain(&mut feed);
    assert_eq!(runs, [(Mark { frame: 0, lost_frames: 0, transport: at(10) }, 3)]);
    assert_eq!(samples, [1.0, -1.0, 2.0, -2.0, 3.0, -3.0]);
    assert_eq!((tap.generation(), feed.generation(), tap.frames_written()), (3, 3, 3));
}

#[test]
fn long_blocks_of_any_layout_keep_every_sample() {
    for channels in [1, 2, 3, 6, 12, 32] {
        let (mut tap, mut feed) = tap(channels, RATE_HZ, 20_000, 0);
        for _ in 0..3 {
            // Round the ring's end, whose place is no multiple of the block.
            let block: Vec<Vec<f32>> = (0..channels)
                .map(|channel| (0..16_384).map(|i| (i * 32 + channel) as f32).collect())
                .collect();
            assert!(tap.write(&block, &at(0)));
            let samples = drain(&mut feed).1;
            let expected =
                (0..16_384 * channels).map(|i| (i / channels * 32 + i % channels) as f32);
            assert!(samples.iter().copied().eq(expected), "{channels} channels");
        }
    }
}

#[test]
fn a_block_that_does_not_fit_is_lost_whole_and_told_by_the_next_mark() {
    let (mut tap, mut feed) = tap(1, RATE_HZ, 100, 0);
    assert!(tap.write(&[[0.5; 60]], &at(0)));
    assert_eq!(tap.free_frames(), 40);
    assert!(!tap.write(&[[0.5; 41]], &at(60)));
    assert!(!tap.write(&[[0.5; 50]], &at(101)));
    let (runs, _) = drain(&mut feed);
    assert_eq!(runs.len(), 1);
    assert!(tap.write(&[[0.5; 10]], &at(151)), "it continues, and yet needs a mark");
    let (runs, _) = drain(&mut feed);
    assert_eq!(runs, [(Mark { frame: 151, lost_frames: 91, transport: at(151) }, 10)]);
    assert_eq!((tap.frames_written(), tap.frames_dropped()), (70, 91));
    assert_eq!(feed.frames_dropped(), 91);
}

#[test]
fn marks_run_out_as_samples_do() {
    let (mut tap, mut feed) = tap(1, RATE_HZ, 1_000, 0);
    for block in 0..MIN_MARKS as i64 {
        assert!(tap.write(&[[0.5]], &at(block * 10)));
    }
    assert_eq!(tap.free_frames(), 0);
    assert!(!tap.write(&[[0.5]], &at(-1)));
    assert_eq!(drain(&mut feed).0.len(), MIN_MARKS);
    assert!(tap.write(&[[0.5]], &at(-7)));
    assert_eq!(drain(&mut feed).0[0].0.lost_frames, 1);
}

#[test]
fn blocks_of_one_frame_that_continue_need_one_mark() {
    let (mut tap, mut feed) = tap(1, RATE_HZ, 100_000, 0);
    for frame in 0..100_000 {
        let quarters = frame as f64 / 24_000.0;
        let transport = Transport {
            tempo_bpm: Some(120.0),
            meter: Meter::new(4, 4),
            position_quarters: Some(quarters),
            bar_start_quarters: Some((quarters / 4.0).floor() * 4.0),
            ..at(frame)
        };
        assert!(tap.write(&[[0.5]], &transport), "{frame}");
    }
    // The second is the first place between two ticks.
    assert_eq!(drain(&mut feed).0.len(), 2);
}

#[test]
fn each_half_sees_that_the_other_is_gone() {
    let (mut tap, mut feed) = tap(1, RATE_HZ, 100, 0);
    assert!(!tap.is_closed() && !feed.is_closed());
    tap.write(&[[0.25]], &at(0));
    drop(tap);
    assert!(feed.is_closed());
    assert_eq!(drain(&mut feed).1, [0.25], "what was written is still there");
    let (tap, feed) = super::tap(1, RATE_HZ, 100, 0);
    drop(feed);
    assert!(tap.is_closed());
}

#[test]
fn a_block_of_another_layout_is_a_gap() {
    let (mut tap, mut feed) = tap(2, RATE_HZ, 100, 0);
    assert!(!tap.write(&[[0.5; 8]], &at(0)));
    assert!(tap.write::<[f32; 0]>(&[], &at(0)), "nothing is taken from nothing");
    assert!(tap.write(&[&[0.5, 0.5][..], &[0.5][..]], &at(8)));
    assert_eq!(drain(&mut feed).0, [(Mark { frame: 8, lost_frames: 8, transport: at(8) }, 1)]);
}

#[test]
fn capacity_is_eight_seconds_and_two_of_the_longest_blocks() {
    assert_eq!(capacity_frames(48_000.0), 384_000);
    assert_eq!(capacity_frames(192_000.0), 1_536_000);
    assert_eq!(capacity_frames(1_234.567_8), 32_768);
    for garbage in [f64::NAN, -1.0, 0.0, f64::INFINITY, 1e300] {
        assert!((32_768..=768_000 * 8).contains(&capacity_frames(garbage)), "{garbage}");
    }
    // Marks are sized by their cost.
    assert!(size_of::<Mark>() <= 11 * 2 * size_of::<f32>());
}

/// A generator with a period long enough for a test: Knuth's MMIX.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One block as the obvious model keeps it.
struct Written {
    frame: u64,
    transport: Transport,
    samples: Vec<f32>,
}

/// A host that plays, jumps and stops into a ring that is read now and then: what comes out is the list of what was
/// taken, block by block, and every gap is as long as what was refused.
fn session(seed: u64) {
    let mut random = Lcg(seed);
    let channels = 1 + random.below(3) as usize;
    let capacity = 64 + random.below(3_000) as usize;
    let (mut tap, mut feed) = tap(channels, RATE_HZ, capacity, seed);
    let (mut taken, mut next, mut held) = (Vec::<Written>::new(), 0_u64, 0);
    let (mut output, mut marks) = (Vec::<f32>::new(), Vec::<(Mark, u64)>::new());
    let (mut position, mut playing) = (0_i64, true);
    for _ in 0..60 {
        match random.below(8) {
            0 => position = random.below(100_000) as i64 - 1_000,
            1 => playing = !playing,
            _ => {}
        }
        let most = [1, 16, 700][random.below(3) as usize];
        let frames = 1 + random.below(most);
        let transport = Transport { playing, ..at(position) };
        let samples: Vec<f32> = (0..frames * channels as u64)
            .map(|index| ((next * channels as u64 + index) % (1 << 24)) as f32)
            .collect();
        let planar: Vec<Vec<f32>> = (0..channels)
            .map(|channel| samples.iter().copied().skip(channel).step_by(channels).collect())
            .collect();
        let fits = frames <= tap.free_frames() as u64;
        assert!(tap.free_frames() == capacity - held || tap.free_frames() == 0);
        if tap.write(&planar, &transport) {
            taken.push(Written { frame: next, transport, samples });
            held += frames as usize;
        } else {
            assert!(!fits, "refused without need");
        }
        next += frames;
        position += if playing { frames as i64 } else { 0 };
        if random.below(4) == 0 {
            held = 0;
            feed.drain(&mut |chunk| {
                output.extend_from_slice(chunk.samples);
                marks.push((chunk.mark, chunk.offset_frames));
            });
        }
    }
    feed.drain(&mut |chunk| {
        output.extend_from_slice(chunk.samples);
        marks.push((chunk.mark, chunk.offset_frames));
    });
    let expected: Vec<f32> = taken.iter().flat_map(|block| block.samples.clone()).collect();
    assert!(output == expected, "seed {seed}: samples");
    marks.retain(|(_, offset)| *offset == 0);
    check_marks(seed, &taken, &marks, channels as u64);
}

/// Every mark is the first block's after a loss or a change, and every such block has one.
fn check_marks(seed: u64, taken: &[Written], marks: &[(Mark, u64)], channels: u64) {
    let mut marks = marks.iter().map(|(mark, _)| *mark);
    let mut end = 0;
    let mut foretold: Option<Transport> = None;
    for block in taken {
        let lost_frames = block.frame - end;
        if lost_frames > 0 || foretold != Some(block.transport) {
            let expected = Mark { frame: block.frame, lost_frames, transport: block.transport };
            assert_eq!(marks.next(), Some(expected), "seed {seed}");
        }
        let frames = block.samples.len() as u64 / channels;
        end = block.frame + frames;
        let moved = if block.transport.playing { frames as i64 } else { 0 };
        foretold = Some(Transport {
            position: block.transport.position.map(|at| at + moved),
            ..block.transport
        });
    }
    assert_eq!(marks.next(), None, "seed {seed}");
}

#[test]
fn random_sessions_equal_the_list_of_what_was_taken() {
    for seed in 0..4_000 {
        session(seed);
    }
}
