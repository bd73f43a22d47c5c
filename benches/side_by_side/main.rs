//! `cargo bench -p benches`: Barline's process() beside an empty pass-through by another framework, as a table.
//!
//! Both are CLAP plugins called by the same host (clack-host) in the same process, in turns, with the same audio; the
//! empty one (on clack-plugin) does nothing but copy input to output. What Barline costs a host is the difference.

#![expect(clippy::print_stdout, reason = "the table")]

mod empty;
mod host;

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use host::Instance;

const RATE_HZ: u32 = 48_000;
const BLOCKS_FRAMES: [usize; 5] = [32, 64, 256, 1024, 4096];

/// Rounds per block size, and blocks per round: the median round is reported, so that a busy machine does not decide.
const ROUNDS: usize = 301;
const BLOCKS_PER_ROUND: u32 = 200;

fn main() -> Result<()> {
    let (barline, empty) = (host::barline()?, host::empty()?);
    println!(
        "process() per stereo block at {RATE_HZ} Hz, median of {ROUNDS} rounds of {BLOCKS_PER_ROUND} blocks"
    );
    println!(
        "{:>12} {:>12} {:>12} {:>12} {:>24}",
        "frames", "Barline ns", "empty ns", "ratio", "Barline, share of block"
    );
    for frames in BLOCKS_FRAMES {
        let (ours, theirs) = compare(&barline, &empty, frames)?;
        let share = ours * 1e-9 * f64::from(RATE_HZ) / frames as f64;
        println!(
            "{frames:>12} {ours:>12.1} {theirs:>12.1} {:>12.2} {:>23.5}%",
            ours / theirs,
            100.0 * share
        );
    }
    Ok(())
}

/// Nanoseconds per block of both, measured in turns.
fn compare(barline: &host::Loaded, empty: &host::Loaded, frames: usize) -> Result<(f64, f64)> {
    let mut instances =
        [Instance::new(barline, RATE_HZ, frames)?, Instance::new(empty, RATE_HZ, frames)?];
    let mut times_ns = [vec![], vec![]];
    for _ in 0..ROUNDS {
        for (instance, times_ns) in instances.iter_mut().zip(&mut times_ns) {
            let start = Instant::now();
            for _ in 0..BLOCKS_PER_ROUND {
                black_box(instance.process()?);
            }
            times_ns.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(BLOCKS_PER_ROUND));
        }
    }
    let [ours, theirs] = times_ns.map(median);
    Ok((ours, theirs))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
