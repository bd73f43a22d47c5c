//! `cargo xtask install` and `uninstall`: this user's plugin folders.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::bundle::{self, CLAP_NOTICES, Profile, remove};
use crate::metadata::Metadata;

/// Makes release bundles and copies them.
pub(crate) fn install() -> Result<()> {
    bundle::bundle(Profile::Release)?;
    let from = bundle::folder(&Metadata::load()?);
    for (name, to) in places()? {
        let source = from.join(name);
        if !source.exists() {
            continue; // the notices of a CLAP folder lie inside it
        }
        std::fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
        let (new, target) = (to.join(format!("{name}.new")), to.join(name));
        remove(&new)?;
        copy(&source, &new)?;
        // A running host keeps the old file that it has mapped.
        remove(&target)?;
        std::fs::rename(&new, &target)
            .with_context(|| format!("cannot write {}", target.display()))?;
        println!("installed {}", target.display());
    }
    Ok(())
}

/// Removes the three things that `install` makes.
pub(crate) fn uninstall() -> Result<()> {
    for (name, to) in places()? {
        let target = to.join(name);
        if target.exists() {
            remove(&target)?;
            println!("removed {}", target.display());
        }
    }
    Ok(())
}

/// What goes where.
fn places() -> Result<[(&'static str, PathBuf); 3]> {
    let (clap, vst3) = if cfg!(target_os = "macos") {
        let plug_ins = home("HOME")?.join("Library/Audio/Plug-Ins");
        (plug_ins.join("CLAP"), plug_ins.join("VST3"))
    } else if cfg!(target_os = "windows") {
        let common = home("LOCALAPPDATA")?.join("Programs").join("Common");
        (common.join("CLAP"), common.join("VST3"))
    } else {
        (home("HOME")?.join(".clap"), home("HOME")?.join(".vst3"))
    };
    Ok([("Barline.clap", clap.clone()), (CLAP_NOTICES, clap), ("Barline.vst3", vst3)])
}

fn home(variable: &str) -> Result<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).with_context(|| format!("{variable} is not set"))
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        std::fs::copy(from, to)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        return Ok(());
    }
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
