//! `cargo xtask tidy`: rules of the tree that no compiler checks. `cargo xtask test` runs it.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::metadata::Metadata;
use crate::run::tree_files;

/// Which packages of ours each package may link. A package that is not here may not exist.
const DIRECTIONS: [(&str, &[&str]); 10] = [
    ("signal", &[]),
    ("analysis", &["signal"]),
    ("models", &["signal"]),
    ("factory", &["signal"]),
    ("engine", &["signal", "analysis", "models"]),
    ("plugin", &["signal", "analysis", "models", "engine"]),
    ("cli", &["signal", "analysis", "models", "engine", "factory"]),
    ("xtask", &[]),
    ("tests", &[]),   // nothing linked: what it tests are development dependencies
    ("benches", &[]), // likewise
];

/// Third-party packages, and who alone may reach them.
const FENCED: [(&str, &[&str]); 4] = [
    ("candle-core", &["models", "engine", "plugin", "cli"]),
    ("nice-plug", &["plugin"]),
    ("nice-plug-core", &["plugin"]),
    ("egui", &["plugin"]),
];

/// The code that may start no thread; only the engine does. The factory, a developer's tool, may.
const THREADLESS: [&str; 5] =
    ["crates/signal/src", "crates/analysis/src", "crates/models/src", "plugin/src", "benches"];
const THREADS: [&str; 4] = [
    concat!("thread", "::spawn"),
    concat!("thread", "::Builder"),
    concat!("thread", "::scope"),
    concat!("ThreadPool", "Builder"),
];

/// Longer files are split by noun.
const MAX_LINES: usize = 600;

/// Larger files don't belong into the repository, except weights.
const MAX_BYTES: u64 = 1 << 20;

/// Heads of paths that exist on one machine only. In two pieces each, so that this file does not hold them.
const MACHINES: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("C:\\", "Users"),
];

/// Checks everything and reports all that is wrong at once.
pub(crate) fn tidy() -> Result<()> {
    let mut wrong = directions(&Metadata::load()?)?;
    let files = tree_files(Path::new("."))?;
    for file in &files {
        wrong.extend(check_file(file)?);
    }
    if !wrong.is_empty() {
        bail!("not tidy:\n  {}", wrong.join("\n  "));
    }
    println!("tidy: {} files", files.len());
    Ok(())
}

/// Dependencies point one way.
fn directions(metadata: &Metadata) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for package in metadata.members() {
        let name = package.name.as_str();
        let Some((_, allowed)) = DIRECTIONS.iter().find(|(ours, _)| *ours == name) else {
            wrong.push(format!(
                "package {name}: its dependency direction is not decided in xtask/src/tidy.rs"
            ));
            continue;
        };
        for reached in metadata.reached(package) {
            let other = reached.name.as_str();
            if metadata.is_member(reached) && !allowed.contains(&other) {
                wrong.push(format!("package {name} reaches {other}"));
            }
            if FENCED.iter().any(|(fenced, insiders)| *fenced == other && !insiders.contains(&name))
            {
                wrong.push(format!("package {name} reaches {other}"));
            }
        }
    }
    Ok(wrong)
}

/// What one file must look like.
fn check_file(file: &Path) -> Result<Vec<String>> {
    let name = file.strip_prefix(".").unwrap_or(file).to_string_lossy().replace('\\', "/");
    let bytes = std::fs::metadata(file)?.len();
    if bytes > MAX_BYTES {
        let weights = name.starts_with("model-assets/");
        return Ok(if weights {
            vec![]
        } else {
            vec![format!("{name}: {bytes} bytes, more than {MAX_BYTES}")]
        });
    }
    let Ok(text) = String::from_utf8(std::fs::read(file)?) else {
        return Ok(vec![]); // not text
    };
    let mut wrong = machine_paths(&text)
        .into_iter()
        .map(|line| format!("{name}:{line}: a path of one machine"))
        .collect();
    if name.ends_with(".rs") {
        check_rust(&name, &text, &mut wrong);
    }
    Ok(wrong)
}

fn check_rust(name: &str, text: &str, wrong: &mut Vec<String>) {
    if !text.starts_with("//!") {
        wrong.push(format!("{name}: does not open with `//!`"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        wrong.push(format!("{name}: {lines} lines, more than {MAX_LINES}"));
    }
    if Path::new(name).file_name() == Some("mod.rs".as_ref()) {
        wrong.push(format!("{name}: modules are `foo.rs` and `foo/`"));
    }
    let test = PathBuf::from(name)
        .components()
        .any(|part| part.as_os_str() == "tests.rs" || part.as_os_str() == "tests");
    if !test && THREADLESS.iter().any(|folder| name.starts_with(folder)) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in THREADS.iter().filter(|word| code.contains(**word)) {
            wrong.push(format!("{name}: `{word}`, but only the engine starts threads"));
        }
    }
}

/// The numbers of the lines that hold a machine's path: one that does not merely continue a relative path or URL.
fn machine_paths(text: &str) -> Vec<usize> {
    let holds = |line: &str| {
        MACHINES.iter().any(|head| {
            line.match_indices(head).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "_-./~$})".contains(c))
            })
        })
    };
    text.lines().enumerate().filter(|(_, line)| holds(line)).map(|(index, _)| index + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_one_machine_are_found_and_others_are_not() {
        let path = format!("let a = \"{}someone/song.wav\";", MACHINES[2]);
        assert_eq!(machine_paths(&format!("fine\n{path}\n")), [2]);
        assert_eq!(
            machine_paths("training/work/x ~/.clap https://example.org/home/x"),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn a_file_without_a_head_or_with_a_thread_is_found() {
        let mut wrong = Vec::new();
        check_rust("crates/signal/src/a.rs", "fn a() {}\n", &mut wrong);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        wrong.clear();
        let code = format!("//! A.\nfn a() {{ std::{}(|| ()); }}\n", THREADS[0]);
        check_rust("crates/signal/src/a.rs", &code, &mut wrong);
        check_rust("crates/engine/src/a.rs", &code, &mut wrong);
        check_rust("crates/signal/src/tests.rs", &code, &mut wrong);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
    }

    #[test]
    fn long_files_and_old_style_modules_are_found() {
        let mut wrong = Vec::new();
        check_rust(
            "crates/signal/src/a/mod.rs",
            &format!("//! A.\n{}", "\n".repeat(MAX_LINES)),
            &mut wrong,
        );
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }
}
