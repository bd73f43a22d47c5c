//! `cargo xtask test`: all checks, in the order in which they fail fastest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::bundle::{self, Profile};
use crate::demo::{self, Song};
use crate::metadata::Metadata;
use crate::run::{cargo, run, step};
use crate::{models, notices, python, tidy};

/// What the VST3 host test needs from PyPI, and what reads caption files.
const REQUIREMENTS: &str = "tests/hosts/requirements.txt";
const PARSERS: &str = "tests/formats/requirements.txt";

/// Runs every check and stops at the first that fails.
pub(crate) fn test() -> Result<()> {
    let start = Instant::now();
    step("format", || run(&mut cargo(["fmt", "--all", "--check"])))?;
    step("tidy", tidy::tidy)?;
    step("models", models::verify)?;
    step("notices", || notices::third_party(&Metadata::load()?).map(drop))?;
    step("clippy", || {
        run(&mut cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    step("doc", || {
        run(cargo(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("bundle", || bundle::bundle(Profile::Dev))?;
    step("tests", tests)?;
    step("parsers", parsers)?;
    step("interleavings", interleavings)?;
    step("pedalboard", pedalboard)?;
    step("standalone", standalone)?;
    println!("== all: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Every test of the workspace; the host tests get the bundle and the command that were just made.
fn tests() -> Result<()> {
    let metadata = Metadata::load()?;
    let clap = bundle::folder(&metadata).join("Barline.clap");
    let renders = renders(&metadata);
    bundle::remove(&renders)?;
    let nextest = Command::new("cargo-nextest")
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success());
    let mut command = if nextest {
        cargo([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--status-level",
            "slow",
            "--cargo-quiet",
        ])
    } else {
        cargo(["test", "--workspace", "--no-fail-fast", "--quiet"])
    };
    command.env("BARLINE_RENDERS", renders);
    run(command.env("BARLINE_CLAP", clap).env("BARLINE_BIN", program(&metadata)))
}

/// The command, as the tests' profile builds it.
fn program(metadata: &Metadata) -> PathBuf {
    let name = format!("barline{}", std::env::consts::EXE_SUFFIX);
    metadata.target_directory.join("debug").join(name)
}

/// Where a test leaves the caption files of its renders.
fn renders(metadata: &Metadata) -> PathBuf {
    metadata.target_directory.join("renders")
}

/// Those files, read by other people's parsers.
fn parsers() -> Result<()> {
    let metadata = Metadata::load()?;
    let python = match python::with(&metadata, PARSERS) {
        Ok(python) => python,
        Err(error) => {
            return skip(&format!("no parsers, for want of python3-venv or PyPI: {error:#}"));
        }
    };
    let mut script = Command::new(python);
    script.arg("tests/formats/read_back.py").arg(renders(&metadata)).arg(program(&metadata));
    run(script.arg("docs/captions.schema.json"))
}

/// The tap's protocol under loom. A `--cfg` is a build of its own, of one small crate.
fn interleavings() -> Result<()> {
    let target = Metadata::load()?.target_directory.join("loom");
    run(cargo(["test", "--package", "signal", "--lib", "--quiet", "interleavings"])
        .env("RUSTFLAGS", "--cfg barline_loom")
        .env("CARGO_TARGET_DIR", target))
}

/// The VST3 in a host by somebody else.
fn pedalboard() -> Result<()> {
    let metadata = Metadata::load()?;
    let python = match python::with(&metadata, REQUIREMENTS) {
        Ok(python) => python,
        Err(error) => {
            return skip(&format!("no pedalboard, for want of python3-venv or PyPI: {error:#}"));
        }
    };
    let vst3 = bundle::folder(&metadata).join("Barline.vst3");
    run(Command::new(&python).arg("tests/hosts/pedalboard_host.py").arg(vst3))
}

/// `cargo xtask hosts`: both bundles in whole hosts. Not in the CI, which has none.
pub(crate) fn hosts(scripts: &Path) -> Result<()> {
    bundle::bundle(Profile::Dev)?;
    let metadata = Metadata::load()?;
    let (python, bundles) = (python::with(&metadata, REQUIREMENTS)?, bundle::folder(&metadata));
    run(Command::new(&python).arg("tests/hosts/daws.py").arg(scripts).arg(&bundles))?;
    run(&mut cargo(["build", "-p", "cli", "--quiet"]))?;
    let mut bounces = Command::new(&python);
    run(bounces.arg("tests/hosts/bounces.py").arg(scripts).arg(&bundles).arg(program(&metadata)))?;
    let Song { mix, tempo_bpm, .. } = demo::song()?;
    let mut editor = Command::new(&python);
    run(editor.arg("tests/hosts/editor.py").arg(scripts).arg(&bundles).arg(mix).arg(tempo_bpm))
}

/// The standalone program compiles without a warning.
fn standalone() -> Result<()> {
    let found = Command::new("pkg-config").args(["--exists", "alsa", "jack"]).status();
    if !found.is_ok_and(|status| status.success()) {
        return skip("no development files of ALSA and JACK");
    }
    let words =
        ["clippy", "-p", "plugin", "--features", "standalone", "--quiet", "--", "-D", "warnings"];
    run(&mut cargo(words))
}

/// Says that a check cannot run on this machine. In the CI, which installs what checks need, that is a failure.
fn skip(why: &str) -> Result<()> {
    if std::env::var_os("BARLINE_CI").is_some() {
        bail!("{why}");
    }
    println!("SKIPPED on this machine: {why}");
    Ok(())
}

/// Whether a file of the demo or a test exists, with a message that says who makes it.
pub(crate) fn must_exist(path: &Path) -> Result<()> {
    std::fs::metadata(path).map(drop).with_context(|| format!("{} was not written", path.display()))
}
