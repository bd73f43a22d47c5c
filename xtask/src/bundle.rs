//! `cargo xtask bundle`: the CLAP and VST3 bundles, each with the licences of what it contains.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::metadata::Metadata;
use crate::notices;

/// The name of the notices that lie beside a CLAP plugin, which is a single file on Linux and Windows.
pub(crate) const CLAP_NOTICES: &str = "Barline.clap.THIRD-PARTY-NOTICES.txt";

/// How the library is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As for tests.
    Dev,
    /// As for users.
    Release,
}

/// The folder of the bundles.
pub(crate) fn folder(metadata: &Metadata) -> PathBuf {
    metadata.target_directory.join("bundled")
}

/// Compiles the plugin with whatever else is wanted in that profile. Apart, Cargo would give their common dependencies
/// different features, and compile all of them twice.
pub(crate) fn build(profile: Profile) -> Result<Vec<String>> {
    let (packages, args): (&[&str], &[&str]) = match profile {
        // Every host test is then a proof that process() does not allocate: it aborts where it does.
        Profile::Dev => (&[], &["--workspace", "--features", "plugin/assert_process_allocs"]),
        Profile::Release => (&["plugin", "cli", "factory"], &["--release"]),
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    nice_plug_xtask::build(&words(packages), &words(args))?;
    Ok(words(args))
}

/// Builds the plugin and makes both bundles from scratch.
pub(crate) fn bundle(profile: Profile) -> Result<()> {
    let metadata = Metadata::load()?;
    let folder = folder(&metadata);
    // A host may have the old library mapped: it is unlinked, never written over.
    for name in ["Barline.clap", "Barline.vst3", CLAP_NOTICES] {
        remove(&folder.join(name))?;
    }
    let args = build(profile)?;
    nice_plug_xtask::bundle(&metadata.target_directory, "plugin", &args, false)?;

    let text = notices::third_party(&metadata)?;
    for (bundle, single) in [("Barline.clap", CLAP_NOTICES), ("Barline.vst3", "")] {
        let bundle = folder.join(bundle);
        let path = if bundle.is_dir() {
            bundle.join("Contents").join("Resources").join("THIRD-PARTY-NOTICES.txt")
        } else {
            folder.join(single)
        };
        let parent = path.parent().context("the notices lie in a folder")?;
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make {}", parent.display()))?;
        std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", bundle.display());
    }
    Ok(())
}

/// Removes a file or a folder; nothing there is fine.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let result = match std::fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    };
    result.with_context(|| format!("cannot remove {}", path.display()))
}
