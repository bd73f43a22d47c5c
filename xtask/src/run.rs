//! Running other programs and timing them; every other file of xtask calls it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Makes the workspace's root the current folder, from wherever Cargo was called.
pub(crate) fn enter_workspace() -> Result<()> {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").context("call it as `cargo xtask`")?;
    let root = Path::new(&xtask).parent().context("xtask lies in the workspace's root")?;
    std::env::set_current_dir(root).with_context(|| format!("cannot enter {}", root.display()))
}

/// The Cargo that called us.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    // Set for xtask alone; they would make Cargo rebuild what looks at its environment.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    command
}

/// Runs a command to its end, with our own output; an error unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = words(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs a command and writes what it prints to `path`.
pub(crate) fn run_to_file(command: &mut Command, path: &Path) -> Result<()> {
    let file =
        std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    run(command.stdout(Stdio::from(file)))
}

/// What a command prints, as text; an error unless it succeeds.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let line = words(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{line}` printed something that is not UTF-8"))
}

/// Does one named step and prints how long it took.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let start = Instant::now();
    work().with_context(|| format!("step `{name}`"))?;
    println!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// All files below a folder that belong to the tree, sorted: what Cargo, the demo and Python write is left out.
pub(crate) fn tree_files(folder: &Path) -> Result<Vec<PathBuf>> {
    const NOT_OURS: [&str; 5] = [".git", "target", "out", "__pycache__", "work"];
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                files.extend(tree_files(&path)?);
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn words(command: &Command) -> String {
    let args = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(command.get_program().to_string_lossy())
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}
