//! `cargo xtask pictures`: the README's pictures of the editor, taken of the plugin in a host that plays the demo song.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::bundle::{self, Profile};
use crate::checks::must_exist;
use crate::demo::{self, Song};
use crate::metadata::Metadata;
use crate::run::run;

const FOLDER: &str = "docs/pictures";

/// Seconds of the song before the first click, and of the whole play.
const LISTEN_S: u32 = 22;
const PLAY_S: &str = "45";

/// Needs the folder with shot.sh and a built clap-bounce, and what shot.sh needs.
pub(crate) fn pictures(scripts: &Path) -> Result<()> {
    bundle::bundle(Profile::Release)?;
    let metadata = Metadata::load()?;
    let Song { mix, tempo_bpm, meter } = demo::song()?;
    let editor = Path::new(FOLDER).join("editor.png");
    let host = scripts.join("clap-bounce/target/release/clap-bounce");
    must_exist(&host)?;
    let listen = format!("wait {LISTEN_S}");
    let after = metadata.target_directory.join("pictures.wav");
    run(Command::new("bash")
        .arg(scripts.join("shot.sh"))
        .arg(&editor)
        .args(["-s", "1280x800", "-w", "20", "-a", &listen])
        .args(["-a", "click 70 99", "-a", "wait 4", "--"])
        .arg(&host)
        .arg(bundle::folder(&metadata).join("Barline.clap"))
        .args([&mix, &after])
        .args(["--gui", "--pace", "--mode", "realtime", "--length", PLAY_S])
        .args(["--bpm", &tempo_bpm, "--sig", &meter, "--name", "Mix", "--color", "d0a040"]))?;
    // The host's own words, which shot.sh leaves beside the picture.
    bundle::remove(&editor.with_extension("png.log"))?;
    println!("{}", editor.display());
    Ok(())
}
