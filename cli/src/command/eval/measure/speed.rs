//! How much faster than it plays a file is measured, on one core, and FFmpeg's loudness meter beside it where there is one.

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Context as _, bail};
use factory::song::Song;

use super::{Row, standard::write_wav};
use crate::session::Session;

const RATE_HZ: u32 = 48_000;
/// Length of the file in seconds.
const LENGTH_S: usize = 240;
/// The best of so many runs counts: others share the machine.
const RUNS: usize = 3;
/// A song that no figure was chosen on.
const SEED: u64 = 1_000_000;

/// A row for this very program, and one for FFmpeg if it is installed.
pub(super) fn rows(session: &Session) -> anyhow::Result<Vec<Row>> {
    session.step(0, 2, "speed");
    let song = Song::compose(SEED).render(RATE_HZ, &factory::voice::procedural).mix;
    let samples: Vec<f32> =
        song.iter().copied().cycle().take(LENGTH_S * RATE_HZ as usize * 2).collect();
    let folder = tempfile::tempdir().context("a folder for the file")?;
    let file = folder.path().join("song.wav");
    write_wav(&file, 2, RATE_HZ, &samples)?;
    let program = std::env::current_exe().context("this program")?;
    let mut own = Command::new(program);
    own.args(["measure", "--json", "--threads", "1"]).arg(&file);
    let mut rows = vec![row("barline measure", times_real(&mut own)?).goal(60.0)];
    session.step(1, 2, "speed");
    if Command::new("ffmpeg").arg("-version").output().is_ok() {
        rows.push(row("FFmpeg, loudness and true peak alone", times_real(&mut ffmpeg(&file))?));
    }
    Ok(rows)
}

fn row(item: &str, score: f64) -> Row {
    Row::new("times real time, one core", item, RUNS, Some(score))
}

fn ffmpeg(file: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-threads", "1", "-filter_threads", "1", "-i"]).arg(file);
    command.args(["-af", "ebur128=peak=true", "-f", "null", "-"]);
    command
}

fn times_real(command: &mut Command) -> anyhow::Result<f64> {
    let mut best_s = f64::INFINITY;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let done = command.output().context("measuring a file")?;
        if !done.status.success() {
            bail!("measuring a file: {}", String::from_utf8_lossy(&done.stderr));
        }
        best_s = begun.elapsed().as_secs_f64().min(best_s);
    }
    Ok(LENGTH_S as f64 / best_s)
}
