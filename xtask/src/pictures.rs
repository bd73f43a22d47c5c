//! `cargo xtask pictures`: the README's pictures of the editor, taken of the plugin in a host that plays the demo song.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::bundle::{self, Profile};
use crate::checks::must_exist;
use crate::demo;
use crate::metadata::Metadata;
use crate::run::run;

const FOLDER: &str = "docs/pictures";

/// Seconds of the song before the first click, and of the whole play.
const LISTEN_S: u32 = 22;
const PLAY_S: &str = "45";

/// What is needed of a song's truth.json.
#[derive(Deserialize)]
struct Truth {
    tempo_bpm: f64,
    meter: String,
}

/// Needs the folder with shot.sh and a built clap-bounce, and what shot.sh needs.
pub(crate) fn pictures(scripts: &Path) -> Result<()> {
    bundle::bundle(Profile::Release)?;
    let metadata = Metadata::load()?;
    let song = demo::song(&metadata.target_directory.join("release"))?;
    let truth = std::fs::read(song.join("truth.json")).context("the song's truth.json")?;
    let truth: Truth = serde_json::from_slice(&truth).context("the song's truth.json")?;
    let (mix, editor) = (song.join("mix.wav"), Path::new(FOLDER).join("editor.png"));
    let host = scripts.join("clap-bounce/target/release/clap-bounce");
    must_exist(&host)?;
    let tempo = truth.tempo_bpm.to_string();
    let (listen, after): (String, PathBuf) =
        (format!("wait {LISTEN_S}"), metadata.target_directory.join("pictures.wav"));
    run(Command::new("bash")
        .arg(scripts.join("shot.sh"))
        .arg(&editor)
        .args(["-s", "1280x800", "-w", "20", "-a", &listen])
        .args(["-a", "click 70 99", "-a", "wait 4", "--"])
        .arg(&host)
        .arg(bundle::folder(&metadata).join("Barline.clap"))
        .args([&mix, &after])
        .args(["--gui", "--pace", "--mode", "realtime", "--length", PLAY_S])
        .args(["--bpm", &tempo, "--sig", &truth.meter, "--name", "Mix", "--color", "d0a040"]))?;
    // The host's own words, which shot.sh leaves beside the picture.
    bundle::remove(&editor.with_extension("png.log"))?;
    println!("{}", editor.display());
    Ok(())
}
