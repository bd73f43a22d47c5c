//! What can be wrong with a bank's files.

use std::path::PathBuf;

/// Why a bank or a holdout list can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BankError {
    /// The file system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of `manifest.csv` doesn't fit its columns.
    #[error("{}: line {line}: {field}: {reason}", file.display())]
    Manifest {
        /// The manifest.
        file: PathBuf,
        /// 1-based line.
        line: usize,
        /// The column.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A recording can't be decoded.
    #[error("{}: {reason}", file.display())]
    Audio {
        /// The recording.
        file: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// The manifest has no recording on the wanted side of the split.
    #[error("{}: no recording on this side of the split", file.display())]
    Empty {
        /// The manifest.
        file: PathBuf,
    },
    /// The holdout list isn't valid.
    #[error("{}: {reason}", file.display())]
    Holdout {
        /// The list.
        file: PathBuf,
        /// What is wrong, with the field's name.
        reason: String,
    },
    /// The seed belongs to the other side of the split.
    #[error("seed {seed}: outside {field} of the holdout list ({lo}..={hi})")]
    Seed {
        /// The seed asked for.
        seed: u64,
        /// `train_seeds` or `eval_seeds`.
        field: &'static str,
        /// First allowed seed.
        lo: u64,
        /// Last allowed seed.
        hi: u64,
    },
}
