//! The cases of EBU Tech 3341 and 3342, through the library and through the command on files.

use std::{path::Path, process::Command};

use anyhow::{Context as _, bail};
use factory::ebu::{self, Case, Expected, Reading};
use serde_json::Value;

use super::{Row, measure};
use crate::session::Session;

/// The usual ones, and one that divides by nothing.
const RATES_HZ: [u32; 5] = [44_100, 48_000, 96_000, 192_000, 69_313];

/// Readings of one case at all rates.
#[derive(Default)]
struct Tally {
    count: usize,
    right: usize,
    worst: f64,
}

pub(super) fn rows(session: &Session) -> anyhow::Result<Vec<Row>> {
    let cases = ebu::cases();
    let names = groups(&cases);
    let mut by_library: Vec<Tally> = names.iter().map(|_| Tally::default()).collect();
    let mut by_command: Vec<Tally> = names.iter().map(|_| Tally::default()).collect();
    let folder = tempfile::tempdir().context("a folder for the signals")?;
    let total = cases.len() * RATES_HZ.len();
    for (index, case) in cases.iter().enumerate() {
        let group = names.iter().position(|name| *name == group(case)).unwrap_or(0);
        for (step, rate_hz) in RATES_HZ.into_iter().enumerate() {
            session.step(index * RATES_HZ.len() + step, total, &case.name);
            let samples = case.render(rate_hz);
            let measured = measure(&samples, rate_hz, case.channels())?;
            by_library[group].add(case, |expected| expected.reading.of(&measured));
            let file = folder.path().join("case.wav");
            write_wav(&file, case.channels(), rate_hz, &samples)?;
            let printed = measure_file(&file)?;
            by_command[group].add(case, |expected| printed[field(expected.reading)].as_f64());
        }
    }
    session.step(total, total, "");
    let rows = [("EBU, library", by_library), ("EBU, barline measure", by_command)];
    Ok(rows
        .into_iter()
        .flat_map(|(set, tallies)| {
            names.iter().zip(tallies).map(move |(name, tally)| tally.row(set, name))
        })
        .collect())
}

/// The case's number without the file's.
fn group(case: &Case) -> &str {
    case.name.split_once('.').map_or(case.name.as_str(), |(group, _)| group)
}

/// The numbers in order, each once.
fn groups(cases: &[Case]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for case in cases {
        if !names.contains(&group(case)) {
            names.push(group(case));
        }
    }
    names
}

impl Tally {
    fn add(&mut self, case: &Case, read: impl Fn(&Expected) -> Option<f64>) {
        for expected in &case.expected {
            let read = read(expected);
            self.count += 1;
            self.right += usize::from(expected.allows(read));
            let miss = read.map_or(f64::INFINITY, |read| read - expected.value);
            if miss.abs() > self.worst.abs() {
                self.worst = miss;
            }
        }
    }

    fn row(self, set: &str, name: &str) -> Row {
        let share = self.right as f64 / self.count.max(1) as f64;
        let worst = Some(self.worst).filter(|worst| worst.is_finite());
        Row { worst, ..Row::new(set, name, self.count, Some(share)).goal(1.0) }
    }
}

fn field(reading: Reading) -> &'static str {
    match reading {
        Reading::MomentaryMax => "momentary_max_lufs",
        Reading::ShortTermMax => "short_term_max_lufs",
        Reading::Integrated => "integrated_lufs",
        Reading::LoudnessRange => "loudness_range_lu",
        Reading::TruePeak => "true_peak_dbtp",
    }
}

/// Writes interleaved samples as a WAV file of 32-bit floats.
pub(super) fn write_wav(
    file: &Path,
    channels: usize,
    rate_hz: u32,
    samples: &[f32],
) -> anyhow::Result<()> {
    let spec = hound::WavSpec {
        channels: channels as u16,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(file, spec).context("a signal's file")?;
    for sample in samples {
        writer.write_sample(*sample).context("a signal's file")?;
    }
    writer.finalize().context("a signal's file")
}

/// What this very program prints for a file.
fn measure_file(file: &Path) -> anyhow::Result<Value> {
    let program = std::env::current_exe().context("this program")?;
    let done = Command::new(program).args(["measure", "--json"]).arg(file).output()?;
    if !done.status.success() {
        bail!("barline measure: {}", String::from_utf8_lossy(&done.stderr));
    }
    let mut printed: Value = serde_json::from_slice(&done.stdout).context("barline measure")?;
    Ok(printed[0].take())
}
