//! `cargo xtask peers`: Barline's ear for music beside librosa, aubio and Essentia, on renders of MIDI whose truth is known.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::metadata::Metadata;
use crate::python;
use crate::run::{cargo, run};

const REQUIREMENTS: &str = "tests/peers/requirements.txt";
/// Songs and grooves that no figure of ours was chosen on.
const SONGS: &str = "pop909:451..910:8";
const GROOVES: &str = "181..378:4";
const FACTORY_SEEDS: &str = "1000500..1000530";

/// Where the music comes from.
#[derive(Args, Debug)]
pub(crate) struct Peers {
    /// The folder with pop909.tar.gz and groove_midi.tar.gz.
    midi: PathBuf,
    /// A General MIDI SoundFont, such as FluidR3_GM.sf2.
    soundfont: PathBuf,
    /// A folder for renders and answers, which are kept.
    work: PathBuf,
}

/// Renders, asks everybody, prints the table.
pub(crate) fn peers(args: &Peers) -> Result<()> {
    run(&mut cargo(["build", "--release", "-p", "cli", "-p", "factory"]))?;
    let metadata = Metadata::load()?;
    let release = metadata.target_directory.join("release");
    let songs = args.work.join("factory");
    if !songs.exists() {
        let mut factory = Command::new(release.join("factory"));
        run(factory
            .args(["songs", "--seeds", FACTORY_SEEDS, "--rate", "44100", "--out"])
            .arg(&songs))?;
    }
    let mut script = Command::new(python::with(&metadata, REQUIREMENTS)?);
    script.arg("tests/peers/music.py").arg("--barline").arg(release.join("barline"));
    script.arg("--data").arg(&args.midi).arg("--soundfont").arg(&args.soundfont);
    script.arg("--work").arg(&args.work).args(["--songs", SONGS, "--grooves", GROOVES]);
    run(script.arg("--factory").arg(&songs))
}
