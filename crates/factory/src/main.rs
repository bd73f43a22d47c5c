//! The `factory` command: renders songs and training clips into files. Used by training/ and by hand, never installed.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use factory::bank::{Bank, Holdout, Split};
use factory::clip::{self, Options, RATE_HZ};
use factory::rng::Rng;
use factory::voice::Voice;
use factory::{scene, song};
use signal::Label;

mod shard;

#[derive(Debug, Parser)]
#[command(about = "Renders labelled music from seeds")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Whole songs: OUT/song-SEED/ with mix.wav, stems/ and truth.json
    Songs(Songs),
    /// Clips of a few seconds: OUT.f16 (count x samples, mono 24 kHz, little-endian) and OUT.jsonl (one truth each)
    Clips(Clips),
    /// Stems of songs at the same moments, files as those of `clips`
    Scenes(Scenes),
}

/// Where recorded notes come from, and which of them may be used.
#[derive(Debug, clap::Args)]
struct Recorded {
    /// Folder of recorded notes (manifest.csv), once for each; without it every voice is synthesised
    #[arg(long, requires = "holdout")]
    bank: Vec<PathBuf>,
    /// The list of held-out sources and seeds, training/holdout.toml
    #[arg(long)]
    holdout: Option<PathBuf>,
    /// Which side of the list
    #[arg(long, default_value = "train")]
    split: Side,
    /// Share of voices that are synthesised although the bank has the label
    #[arg(long, default_value_t = 0.35)]
    procedural_share: f64,
}

#[derive(Debug, clap::Args)]
struct Songs {
    /// Seeds A..B, the end excluded
    #[arg(long, value_parser = seed_range)]
    seeds: std::ops::Range<u64>,
    /// Sample rate of the files in Hz
    #[arg(long, default_value_t = 48_000)]
    rate: u32,
    /// Folder to write into
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    recorded: Recorded,
}

#[derive(Debug, clap::Args)]
struct Clips {
    /// Seed of the set; clip i of a seed is always the same
    #[arg(long)]
    seed: u64,
    /// Index of the first clip
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Number of clips
    #[arg(long)]
    count: u64,
    /// Length of each clip
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Path without extension
    #[arg(long)]
    out: PathBuf,
    /// Share of clips that are mixes
    #[arg(long, default_value_t = 0.4)]
    mix_share: f64,
    #[command(flatten)]
    recorded: Recorded,
}

#[derive(Debug, clap::Args)]
struct Scenes {
    /// Seeds A..B of the songs, the end excluded
    #[arg(long, value_parser = seed_range)]
    seeds: std::ops::Range<u64>,
    /// Scenes of each song
    #[arg(long, default_value_t = 8)]
    count: usize,
    /// Length of each scene
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Path without extension
    #[arg(long)]
    out: PathBuf,
    /// Share of stems that are equalised, driven, compressed and so on
    #[arg(long, default_value_t = 0.5)]
    treated_share: f64,
    #[command(flatten)]
    recorded: Recorded,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Side {
    Train,
    Heldout,
}

impl From<Side> for Split {
    fn from(side: Side) -> Self {
        match side {
            Side::Train => Self::Train,
            Side::Heldout => Self::Heldout,
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Songs(arguments) => songs(&arguments),
        Command::Clips(arguments) => clips(&arguments),
        Command::Scenes(arguments) => scenes(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("factory: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A line on stderr; nothing can be done where even that fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn seed_range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let bounds =
        text.split_once("..").and_then(|(lo, hi)| Some(lo.parse().ok()?..hi.parse().ok()?));
    bounds.filter(|seeds| !seeds.is_empty()).ok_or_else(|| "expected A..B with A < B".to_owned())
}

impl Recorded {
    /// Checks the seeds against the holdout list, where one is given, and opens the bank.
    fn open(&self, seeds: &[u64]) -> Result<Option<Bank>, Failure> {
        if !(0.0..=1.0).contains(&self.procedural_share) {
            return Err("--procedural-share must lie in 0..=1".into());
        }
        let Some(path) = &self.holdout else { return Ok(None) };
        let (holdout, split) = (Holdout::open(path)?, self.split.into());
        seeds.iter().try_for_each(|&seed| holdout.check_seed(split, seed))?;
        if self.bank.is_empty() {
            return Ok(None);
        }
        let bank = Bank::open(&self.bank, &holdout, split)?;
        say(&format!("bank: {} recordings, {} rooms", bank.len(), bank.rooms().len()));
        Ok(Some(bank))
    }
}

fn songs(arguments: &Songs) -> Result<(), Failure> {
    let Recorded { procedural_share, .. } = arguments.recorded;
    let bank = arguments.recorded.open(&[arguments.seeds.start, arguments.seeds.end - 1])?;
    let cast = |label: Label, rng: &mut Rng| -> Box<dyn Voice> {
        scene::cast(bank.as_ref(), procedural_share, label, rng).voice
    };
    for seed in arguments.seeds.clone() {
        let dir = song::write(seed, arguments.rate, &arguments.out, &cast)?;
        say(&format!("{}", dir.display()));
    }
    Ok(())
}

fn scenes(arguments: &Scenes) -> Result<(), Failure> {
    if !(0.5..=60.0).contains(&arguments.seconds) || !(0.0..=1.0).contains(&arguments.treated_share)
    {
        return Err("--seconds must lie in 0.5..=60 and --treated-share in 0..=1".into());
    }
    let bank = arguments.recorded.open(&[arguments.seeds.start, arguments.seeds.end - 1])?;
    let options = scene::Options {
        seconds: arguments.seconds,
        count: arguments.count,
        procedural_share: arguments.recorded.procedural_share,
        treated_share: arguments.treated_share,
    };
    let mut shard = shard::Shard::create(&arguments.out)?;
    for seed in arguments.seeds.clone() {
        for clip in scene::render(bank.as_ref(), &options, seed) {
            shard.write(&clip)?;
        }
    }
    Ok(shard.finish()?)
}

fn clips(arguments: &Clips) -> Result<(), Failure> {
    if !(0.5..=60.0).contains(&arguments.seconds) || !(0.0..=1.0).contains(&arguments.mix_share) {
        return Err("--seconds must lie in 0.5..=60 and --mix-share in 0..=1".into());
    }
    let bank = arguments.recorded.open(&[arguments.seed])?;
    let options = Options {
        seed: arguments.seed,
        seconds: arguments.seconds,
        procedural_share: arguments.recorded.procedural_share,
        mix_share: arguments.mix_share,
    };
    let started = std::time::Instant::now();
    let mut shard = shard::Shard::create(&arguments.out)?;
    let last =
        arguments.start.checked_add(arguments.count).ok_or("--start and --count overflow")?;
    for (index, done) in (arguments.start..last).zip(1_u64..) {
        shard.write(&clip::render(bank.as_ref(), &options, index))?;
        if done % 1000 == 0 {
            let speed = done as f64 / started.elapsed().as_secs_f64();
            say(&format!("{done} of {} clips, {speed:.1} a second", arguments.count));
        }
    }
    shard.finish()?;
    let (elapsed_s, count) = (started.elapsed().as_secs_f64(), arguments.count as f64);
    let speed = count / elapsed_s;
    let times = speed * options.seconds;
    say(&format!(
        "{count} clips at {RATE_HZ} Hz in {elapsed_s:.1} s: {speed:.1} a second, {times:.0} x real time"
    ));
    Ok(())
}
