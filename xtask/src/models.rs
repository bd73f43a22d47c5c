//! `cargo xtask models`: the embedded weights are the ones that the manifest describes.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::run::tree_files;

const FOLDER: &str = "model-assets";

/// More than this does not fit into a plugin (DESIGN: the stack).
const MAX_BYTES: u64 = 24_000_000;

/// model-assets/manifest.toml.
#[derive(Debug, Deserialize)]
struct Manifest {
    file: Vec<Asset>,
}

/// One file of the embedded model.
#[derive(Debug, Deserialize)]
struct Asset {
    /// Relative to model-assets, with forward slashes.
    path: String,
    sha256: String,
    licence: String,
    provenance: String,
}

/// Checks that every file is listed and unchanged, says where it comes from, and that all together are small enough.
pub(crate) fn verify() -> Result<()> {
    let folder = Path::new(FOLDER);
    let path = folder.join("manifest.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;

    let mut wrong = Vec::new();
    let mut total = 0;
    for asset in &manifest.file {
        match std::fs::read(folder.join(&asset.path)) {
            Err(error) => wrong.push(format!("{}: {error}", asset.path)),
            Ok(bytes) => {
                total += bytes.len() as u64;
                let found = hex(&Sha256::digest(&bytes));
                if found != asset.sha256 {
                    wrong.push(format!(
                        "{}: sha256 is {found}, the manifest says {}",
                        asset.path, asset.sha256
                    ));
                }
            }
        }
        if asset.licence.trim().is_empty() || asset.provenance.trim().is_empty() {
            wrong.push(format!("{}: no licence or no provenance", asset.path));
        }
    }
    wrong.extend(unlisted(folder, &manifest)?);
    if total > MAX_BYTES {
        wrong.push(format!("{total} bytes in all, more than {MAX_BYTES}"));
    }
    if !wrong.is_empty() {
        bail!("{FOLDER}:\n  {}", wrong.join("\n  "));
    }
    println!("{FOLDER}: {} files, {total} bytes, as the manifest says", manifest.file.len());
    Ok(())
}

/// Files that nobody vouches for.
fn unlisted(folder: &Path, manifest: &Manifest) -> Result<Vec<String>> {
    let listed: BTreeSet<&str> = manifest.file.iter().map(|asset| asset.path.as_str()).collect();
    let mut wrong = Vec::new();
    for file in tree_files(folder)? {
        let name = file.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        if !listed.contains(name.as_str())
            && !["manifest.toml", "MODEL_CARD.md"].contains(&name.as_str())
        {
            wrong.push(format!("{name}: not in manifest.toml"));
        }
    }
    Ok(wrong)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
