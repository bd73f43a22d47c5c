//! `cargo xtask`: the checks, the demo and the bundles, so that a person and the CI type the same words.

#![expect(clippy::print_stdout, reason = "progress and results of a developer tool")]

mod bundle;
mod checks;
mod demo;
mod install;
mod metadata;
mod models;
mod notices;
mod peers;
mod pictures;
mod python;
mod run;
mod tidy;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Barline's developer commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Render a song, hear it through every command, make the bundles, and say where everything is.
    Demo,
    /// All checks, as the CI runs them.
    Test,
    /// Put the plugin through whole hosts that are installed here: Ardour, qtractor, clap-bounce.
    Hosts {
        /// The folder with ardour_bounce.py, qtractor_play.py and a built clap-bounce.
        scripts: PathBuf,
    },
    /// Barline's ear for music beside librosa, aubio and Essentia; needs the commands fluidsynth and aubio.
    Peers(peers::Peers),
    /// Take the README's pictures of the editor, in a host that plays the demo song.
    Pictures {
        /// The folder with shot.sh and a built clap-bounce.
        scripts: PathBuf,
    },
    /// Make Barline.clap and Barline.vst3 under target/bundled.
    Bundle {
        /// Faster to compile, slower to run.
        #[arg(long)]
        dev: bool,
    },
    /// Make the bundles and copy them to this user's plugin folders.
    Install,
    /// Remove what `install` copied, and nothing else.
    Uninstall,
    /// Check the rules of the tree: dependency directions, file heads and lengths, paths.
    Tidy,
    /// Check model-assets against its manifest.
    Models,
}

fn main() -> Result<()> {
    let args = Args::parse();
    run::enter_workspace()?;
    match args.command {
        Command::Demo => demo::demo(),
        Command::Test => checks::test(),
        Command::Hosts { scripts } => checks::hosts(&scripts),
        Command::Peers(args) => peers::peers(&args),
        Command::Pictures { scripts } => pictures::pictures(&scripts),
        Command::Bundle { dev } => {
            bundle::bundle(if dev { bundle::Profile::Dev } else { bundle::Profile::Release })
        }
        Command::Install => install::install(),
        Command::Uninstall => install::uninstall(),
        Command::Tidy => tidy::tidy(),
        Command::Models => models::verify(),
    }
}
