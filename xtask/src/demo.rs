//! `cargo xtask demo`: renders a song and hears it through every command, from an empty checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::bundle::{self, Profile};
use crate::checks::must_exist;
use crate::metadata::Metadata;
use crate::run::{run, run_to_file, step};

/// The song: of the seeds that training never sees (training/holdout.toml).
const SEED: u64 = 1_000_900;

const OUT: &str = "out/demo";

/// Builds, renders, hears, bundles, and says where everything is.
pub(crate) fn demo() -> Result<()> {
    let metadata = Metadata::load()?;
    let built = |name: &str| {
        let release = metadata.target_directory.join("release");
        release.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    };
    let program = built("barline");
    step("build", || bundle::build(Profile::Release).map(drop))?;
    step("render a song", || render(&built("factory")))?;

    let song = Path::new(OUT).join("song");
    let mix = song.join("mix.wav");
    let stems = stems(&song.join("stems"))?;
    let barline = |words: &[&str], files: &[PathBuf]| {
        let mut command = Command::new(&program);
        command.args(words).args(files);
        command
    };
    let mix = [mix];
    step("measure", || {
        run(&mut barline(&["measure"], &mix))?;
        run_to_file(
            &mut barline(&["measure", "--json"], &mix),
            &Path::new(OUT).join("measure.json"),
        )
    })?;
    step("caption", || {
        run(&mut barline(&["caption", "--per", "bar"], &mix))?;
        run_to_file(
            &mut barline(&["caption", "--per", "bar", "--json"], &mix),
            &Path::new(OUT).join("captions.json"),
        )?;
        run(&mut barline(&["caption", "--per", "bar", "--format", "vtt", "--out", OUT], &mix))?;
        run(&mut barline(&["caption", "--per", "bar", "--format", "srt", "--out", OUT], &mix))
    })?;
    step("label", || {
        run(&mut barline(&["label"], &stems))?;
        run_to_file(&mut barline(&["label", "--json"], &stems), &Path::new(OUT).join("labels.json"))
    })?;
    step("advise", || {
        run(&mut barline(&["advise"], &mix))?;
        run_to_file(&mut barline(&["advise", "--json"], &mix), &Path::new(OUT).join("advice.json"))
    })?;
    step("ask", || run(&mut barline(&["ask", "--ask", "What would you change first?"], &mix)))?;
    step("bundle", || bundle::bundle(Profile::Release))?;

    println!("\nThe song, its stems and its truth: {}", song.display());
    println!("What Barline heard: captions, labels, advice and measurements in {OUT}");
    println!("The command: {}", program.display());
    println!(
        "The plugin: {} (`cargo xtask install` copies it)",
        bundle::folder(&metadata).display()
    );
    Ok(())
}

/// Renders the song with the factory: the repository holds no audio.
fn render(factory: &Path) -> Result<()> {
    let (out, song) = (Path::new(OUT), Path::new(OUT).join("song"));
    bundle::remove(out)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {OUT}"))?;
    let seeds = format!("{SEED}..{}", SEED + 1);
    run(Command::new(factory).args(["songs", "--seeds", &seeds, "--rate", "48000", "--out", OUT]))?;
    let made = out.join(format!("song-{SEED}"));
    std::fs::rename(&made, &song)
        .with_context(|| format!("the factory has not made {}", made.display()))?;
    must_exist(&song.join("mix.wav"))
}

/// The demo's song, for hosts that play it.
pub(crate) struct Song {
    pub(crate) mix: PathBuf,
    pub(crate) tempo_bpm: String,
    pub(crate) meter: String,
}

/// What is needed of a song's truth.json.
#[derive(Deserialize)]
struct Truth {
    tempo_bpm: f64,
    meter: String,
}

/// The demo's song, rendered if it isn't there.
pub(crate) fn song() -> Result<Song> {
    let folder = Path::new(OUT).join("song");
    let mix = folder.join("mix.wav");
    if !mix.exists() {
        bundle::build(Profile::Release)?;
        let release = Metadata::load()?.target_directory.join("release");
        render(&release.join(format!("factory{}", std::env::consts::EXE_SUFFIX)))?;
    }
    let truth = std::fs::read(folder.join("truth.json")).context("the song's truth.json")?;
    let Truth { tempo_bpm, meter } =
        serde_json::from_slice(&truth).context("the song's truth.json")?;
    Ok(Song { mix, tempo_bpm: tempo_bpm.to_string(), meter })
}

/// The stems, in order.
fn stems(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut stems = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    stems.sort();
    Ok(stems)
}
