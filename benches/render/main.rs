//! `cargo bench -p benches --bench render [-- MINUTES]`: what captions of a render cost: how soon they are written, in times real
//! time, and how much memory they take, with a short render, a long one (60 minutes, unless said otherwise), and 16 tracks.
//!
//! A song that the factory composed is rendered offline, as fast as the sessions take it, with captions armed: spool, tape,
//! meters, the default model, files. Bars have two seconds. The process has a home of its own, so that no setting of the user
//! counts, and no tape or caption is left.

#![expect(clippy::print_stdout, reason = "the table")]

mod rendered;
#[path = "../song.rs"]
mod song;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use engine::session::BounceSettings;
use rendered::{Render, Rendered, render};

/// Names the home in the process that measures.
const HOME: &str = "BARLINE_BENCH_HOME";

const SHORT_MINUTES: f64 = 3.0;
const LONG_MINUTES: f64 = 60.0;
const TRACKS: usize = 16;
const TRACKS_MINUTES: f64 = 1.0;

fn main() -> Result<()> {
    match std::env::var_os(HOME) {
        Some(home) => measure(Path::new(&home)),
        None => at_home(),
    }
}

/// This program once more, in a home that is there for it alone.
fn at_home() -> Result<()> {
    let home = std::env::temp_dir().join(format!("barline-bench-{}", std::process::id()));
    std::fs::create_dir(&home)?;
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).env(HOME, &home);
    for place in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        again.env(place, &home);
    }
    let done = again.status();
    std::fs::remove_dir_all(&home)?;
    ensure!(done?.success(), "the measurement has failed");
    Ok(())
}

fn measure(home: &Path) -> Result<()> {
    let said = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let long_minutes = said.unwrap_or(LONG_MINUTES);
    let folder = Some(home.join("captions"));
    let settings = BounceSettings { folder, ..BounceSettings::default() };
    settings.save().map_err(anyhow::Error::msg).context("settings")?;
    println!("offline renders, stereo at {} Hz, bars of {} s", song::RATE_HZ, song::BAR_S);
    println!(
        "{:>7} {:>8} {:>9} {:>12} {:>14} {:>11} {:>10} {:>9}",
        "tracks",
        "minutes",
        "captions",
        "rendered x",
        "captions at x",
        "x of a core",
        "peak MB",
        "growth MB"
    );
    // The model loads with the first, which is not counted.
    render(&Render { tracks: 1, minutes: 0.2 })?;
    // What many tracks took stays with the process, so they come last.
    for (tracks, minutes) in [(1, SHORT_MINUTES), (1, long_minutes), (TRACKS, TRACKS_MINUTES)] {
        row(&Render { tracks, minutes })?;
    }
    println!(
        "x: seconds of all tracks a second; of a core: in a second of processor time, whatever else the machine does; growth: \
         peak over what was resident before the render"
    );
    Ok(())
}

fn row(what: &Render) -> Result<()> {
    let Rendered { captions, rendered_s, written_s, processor_s, peak, growth } = render(what)?;
    let audio_s = what.audio_s();
    let megabytes = |bytes: Option<u64>| match bytes {
        Some(bytes) => format!("{:.0}", bytes as f64 / 1e6),
        None => "-".to_owned(),
    };
    println!(
        "{:>7} {:>8.1} {captions:>9} {:>12.0} {:>14.1} {:>11.1} {:>10} {:>9}",
        what.tracks,
        what.minutes,
        audio_s / rendered_s,
        audio_s / written_s,
        audio_s / processor_s,
        megabytes(peak),
        megabytes(growth),
    );
    Ok(())
}
