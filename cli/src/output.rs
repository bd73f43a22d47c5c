//! What goes to stdout: JSON arrays with one object per file as they are done, or text. A closed pipe is success.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write as _},
    path::Path,
};

use engine::{EngineError, SCHEMA, SourceError};
use serde::Serialize;

use crate::args::{Common, Plain, PlainFormat};

/// Whether results are printed as JSON.
///
/// Exits with code 2 where --json meets another format.
pub(crate) fn wants_json(common: &Common, plain: Plain) -> bool {
    if common.json && plain.format == Some(PlainFormat::Text) {
        conflict();
    }
    common.json || plain.format == Some(PlainFormat::Json)
}

/// Ends the program: --json together with another format.
pub(crate) fn conflict() -> ! {
    usage("--json is the same as --format json and cannot be used with another format")
}

/// Ends the program as clap does for wrong usage.
pub(crate) fn usage(message: &str) -> ! {
    use clap::{CommandFactory as _, error::ErrorKind};
    crate::args::Cli::command().error(ErrorKind::ArgumentConflict, message).exit()
}

/// Writes to stdout; the end of a pipe ends the program with success.
pub(crate) fn print(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            warn(&format!("stdout: {error}"));
            std::process::exit(1);
        }
        std::process::exit(0);
    }
}

/// Writes a line to stderr, above the progress bar if there is one.
pub(crate) fn warn(line: &str) {
    let mut err = io::stderr().lock();
    // Nothing can be done where stderr is gone.
    let _ = writeln!(err, "{line}");
}

/// An error and its causes on one line; each once, where an error says its cause itself.
pub(crate) fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |line, cause| match line.as_str() {
        "" => cause,
        line if line.ends_with(&cause) => line.to_owned(),
        line => format!("{line}: {cause}"),
    })
}

/// A failure as the contract has it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) message: String,
    /// Whether the message names the field: what is wrong with a model is said by file and field.
    #[serde(skip)]
    named: bool,
}

impl Fault {
    pub(crate) fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into(), named: false }
    }

    /// What is wrong with the model in a folder; where it is a file of it, the message begins with that file's path.
    pub(crate) fn of_model(folder: &Path, error: EngineError) -> Self {
        use models::ModelError::{Field, File, Io, Tensor};
        let of_a_file = matches!(
            &error,
            EngineError::Model(Field { .. } | File { .. } | Io { .. } | Tensor { .. })
        );
        let fault = Self::from(error);
        let message = if of_a_file {
            folder.join(&fault.message).display().to_string()
        } else {
            format!("{}: {}", folder.display(), fault.message)
        };
        Self { message, ..fault }
    }

    /// The fault of `file` on one line, with nothing said twice.
    pub(crate) fn line(&self, file: &str) -> String {
        if self.named && self.message.starts_with(file) {
            self.message.clone()
        } else {
            format!("{file}: {self}")
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.named {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

impl std::error::Error for Fault {}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        let (field, message) = (error.field(), error.message());
        let named = message == error.to_string() && message.contains(&field);
        Self { field, message, named }
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        Self::new(&error.field, error.message)
    }
}

impl From<models::ModelError> for Fault {
    fn from(error: models::ModelError) -> Self {
        EngineError::from(error).into()
    }
}

/// One file's object.
#[derive(Serialize)]
struct Row<'a, T: Serialize> {
    schema: u32,
    file: &'a str,
    #[serde(flatten)]
    body: T,
}

fn pretty(row: &impl Serialize) -> String {
    serde_json::to_string_pretty(row).expect("rows are plain data with string keys")
}

/// What a failed file's object holds.
#[derive(Serialize)]
struct Failed<'a> {
    error: &'a Fault,
    notes: BTreeMap<String, String>,
}

/// Prints the results of several files, in the order given, as they come.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    array: bool,
    rows: usize,
    failed: bool,
}

impl Report {
    /// An array of files.
    pub(crate) fn array(json: bool) -> Self {
        Self { json, array: true, rows: 0, failed: false }
    }

    /// A single file's object.
    pub(crate) fn single(json: bool) -> Self {
        Self { json, array: false, rows: 0, failed: false }
    }

    /// Prints a file's result: the object, or `text` of it.
    pub(crate) fn row<T: Serialize>(
        &mut self,
        file: &str,
        body: &T,
        text: impl FnOnce(&T) -> String,
    ) {
        if self.json {
            self.object(&Row { schema: SCHEMA, file, body });
        } else {
            print(text(body).as_bytes());
        }
    }

    /// Prints a file's failure: an object on stdout, or a line on stderr.
    pub(crate) fn fail(&mut self, file: &str, fault: &Fault) {
        self.failed = true;
        if self.json {
            let body = Failed { error: fault, notes: BTreeMap::new() };
            self.object(&Row { schema: SCHEMA, file, body });
        } else {
            warn(&fault.line(file));
        }
    }

    /// Prints either.
    pub(crate) fn result<T: Serialize>(
        &mut self,
        file: &str,
        result: Result<T, Fault>,
        text: impl FnOnce(&T) -> String,
    ) {
        match result {
            Ok(body) => self.row(file, &body, text),
            Err(fault) => self.fail(file, &fault),
        }
    }

    /// Ends the array; the exit code.
    pub(crate) fn finish(self) -> u8 {
        if self.json && self.array {
            print(if self.rows == 0 { b"[]\n" } else { b"\n]\n" });
        }
        u8::from(self.failed)
    }

    fn object(&mut self, row: &impl Serialize) {
        let object = pretty(row);
        if !self.array {
            print(format!("{object}\n").as_bytes());
            return;
        }
        let before = if self.rows == 0 { "[\n" } else { ",\n" };
        self.rows += 1;
        print(format!("{before}{object}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use models::ModelError;

    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let of_model = |error: ModelError| Fault::of_model(Path::new("/nope"), error.into());
        let fault =
            of_model(ModelError::File { file: "barline.json".into(), message: "missing".into() });
        assert_eq!(fault.field, "barline.json");
        assert_eq!(fault.line("/nope"), "/nope/barline.json: missing");
        assert_eq!(fault.line("a.wav"), "a.wav: /nope/barline.json: missing");
        let fault = of_model(ModelError::Field {
            file: "lm/config.json".into(),
            field: "model_type".into(),
            message: "tuba".into(),
        });
        assert_eq!(fault.line("a.wav"), "a.wav: /nope/lm/config.json: model_type: tuba");
        assert_eq!(Fault::new("file", "is a folder").line("a.wav"), "a.wav: file: is a folder");
    }

    #[test]
    fn a_cause_that_an_error_says_itself_is_said_once() {
        #[derive(Debug)]
        struct Says(io::Error);
        impl fmt::Display for Says {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "holdout.toml: {}", self.0)
            }
        }
        impl std::error::Error for Says {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = anyhow::Error::from(Says(io::Error::other("gone"))).context("eval");
        assert_eq!(causes(&error), "eval: holdout.toml: gone");
    }
}
