//! Pythons with what a script of `tests` needs, each an environment of its own under the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::bundle;
use crate::metadata::Metadata;
use crate::run::run;

/// A Python with the packages of a `requirements.txt`, made where there is none.
pub(crate) fn with(metadata: &Metadata, requirements: &str) -> Result<PathBuf> {
    let of = Path::new(requirements).parent().and_then(Path::file_name).unwrap_or_default();
    let venv = metadata.target_directory.join("venv").join(of);
    let python = venv.join("bin").join("python");
    let stamp = venv.join("requirements.txt");
    let wanted = std::fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {requirements}"))?;
    if std::fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        bundle::remove(&venv)?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        let install =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
        run(Command::new(&python).args(install))?;
        std::fs::write(&stamp, wanted)?; // last: a half-made environment is made anew
    }
    Ok(python)
}
