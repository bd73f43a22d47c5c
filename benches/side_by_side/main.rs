//! `cargo bench -p benches`: Barline's process() beside an empty plugin on the same framework, as a table.
//!
//! Both are CLAP plugins called by the same host (clack-host) in the same process, with the same audio, while a song
//! plays. What Barline costs a host is the difference. Sixty-four of each run side by side, each block is due when it
//! would be in real time, and all calls come from one thread, as on a busy mixer; Barline's sessions listen meanwhile.

#![expect(clippy::print_stdout, reason = "the table")]

mod empty;
mod host;

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use benches::resident;
use host::{Instance, Loaded};

const RATE_HZ: u32 = 48_000;
const BLOCKS_FRAMES: [usize; 4] = [16, 64, 512, 4096];
const INSTANCES: usize = 64;

/// How long each block size plays, in seconds.
const PLAYED_S: f64 = 10.0;

fn main() -> Result<()> {
    let (barline, empty) = (host::barline()?, host::empty()?);
    let before = resident();
    let one = Instance::new(&barline, RATE_HZ, 512)?;
    let first = resident();
    println!(
        "process() of {INSTANCES} instances, stereo at {RATE_HZ} Hz, blocks in real time for {PLAYED_S} s each; ns are one \
         instance's, shares are of a block's length"
    );
    println!(
        "{:>8} {:>14} {:>12} {:>10} {:>26} {:>26}",
        "frames",
        "Barline ns",
        "empty ns",
        "ratio",
        "64 x difference, median",
        "64 x Barline, worst of 100"
    );
    for frames in BLOCKS_FRAMES {
        row(&barline, &empty, frames)?;
    }
    drop(one);
    if let (Some(before), Some(first)) = (before, first) {
        println!("\nmemory: the first instance {:.1} MB", megabytes(first.saturating_sub(before)));
    }
    one_more(&barline)
}

/// Plays all instances in turns, and prints what a call took.
fn row(barline: &Loaded, empty: &Loaded, frames: usize) -> Result<()> {
    let make = |loaded: &Loaded| {
        (0..INSTANCES).map(|_| Instance::new(loaded, RATE_HZ, frames)).collect::<Result<Vec<_>>>()
    };
    let mut both = [make(barline)?, make(empty)?];
    let block_s = frames as f64 / f64::from(RATE_HZ);
    let mut times_ns = [vec![], vec![]];
    let start = Instant::now();
    for block in 0..(PLAYED_S / block_s) as u32 {
        // Who comes first finds the caches cold, so they take turns.
        let order = if block % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            let called = Instant::now();
            for instance in &mut both[side] {
                black_box(instance.process()?);
            }
            times_ns[side].push(called.elapsed().as_secs_f64() * 1e9);
        }
        let due = Duration::from_secs_f64(f64::from(block + 1) * block_s);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    let worst = quantile(&mut times_ns[0], 0.99);
    let [ours, theirs] = times_ns.each_mut().map(|times| quantile(times, 0.5));
    let share = |ns: f64| 100.0 * ns * 1e-9 / block_s;
    println!(
        "{frames:>8} {:>14.0} {:>12.0} {:>10.2} {:>25.3}% {:>25.3}%",
        ours / INSTANCES as f64,
        theirs / INSTANCES as f64,
        ours / theirs,
        share(ours - theirs),
        share(worst)
    );
    Ok(())
}

/// What an instance costs when others are there, after it has listened for a while.
fn one_more(barline: &Loaded) -> Result<()> {
    const MORE: usize = 8;
    let mut all = vec![Instance::new(barline, RATE_HZ, 512)?];
    let play = |all: &mut Vec<Instance>| -> Result<()> {
        for _ in 0..200 {
            for instance in all.iter_mut() {
                black_box(instance.process()?);
            }
            std::thread::sleep(Duration::from_secs_f64(512.0 / f64::from(RATE_HZ)));
        }
        Ok(())
    };
    play(&mut all)?;
    let before = resident();
    for _ in 0..MORE {
        all.push(Instance::new(barline, RATE_HZ, 512)?);
    }
    play(&mut all)?;
    let after = resident();
    if let (Some(before), Some(after)) = (before, after) {
        let each = after.saturating_sub(before) / MORE as u64;
        println!("memory: each further instance {:.1} MB, after 2 s of listening", megabytes(each));
    }
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}
