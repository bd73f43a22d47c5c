//! Runs the `barline` that Cargo builds. `BARLINE_BIN` names another.

use std::{
    ffi::OsStr,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

fn program() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("BARLINE_BIN") {
            return path.into();
        }
        // Tests lie in target/PROFILE/deps.
        let test = std::env::current_exe().expect("a test has a path");
        let profile = test.parent().and_then(|deps| deps.parent()).expect("a test lies in deps");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "cli"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().is_ok_and(|status| status.success()), "cannot build the command");
        profile.join(format!("barline{}", std::env::consts::EXE_SUFFIX))
    })
}

/// Runs to the end.
pub(crate) fn barline(args: impl IntoIterator<Item: AsRef<OsStr>>) -> Ran {
    barline_with_stdin(args, b"")
}

/// Runs to the end, with something on standard input.
pub(crate) fn barline_with_stdin(args: impl IntoIterator<Item: AsRef<OsStr>>, input: &[u8]) -> Ran {
    let mut child = Command::new(program())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it was piped");
    // A program that does not read it closes the pipe.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    Ran {
        code: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs with a standard output that nobody reads; the exit code.
pub(crate) fn barline_into_closed_pipe(args: impl IntoIterator<Item: AsRef<OsStr>>) -> i32 {
    let mut child = Command::new(program())
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    child.wait().expect("the program ends").code().expect("no signal")
}
