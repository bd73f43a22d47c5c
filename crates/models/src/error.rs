//! The one error type of this crate. Every message names the file and the field at fault.

use std::io;

/// What can go wrong while a model loads or runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be opened or read.
    #[error("{file}: {source}")]
    Io {
        /// Path of the file, inside the folder.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file as a whole is unusable: not the format it should be, truncated, too large.
    #[error("{file}: {message}")]
    File {
        /// Path of the file, inside the folder.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// One field of a configuration file is missing, of the wrong kind or not supported.
    #[error("{file}: {field}: {message}")]
    Field {
        /// Path of the file, inside the folder.
        file: String,
        /// The field, dotted where it is nested.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// One tensor is missing, of the wrong shape or kind, or holds a value that is not finite.
    #[error("{file}: tensor {tensor}: {message}")]
    Tensor {
        /// Path of the weight file, inside the folder.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// What is wrong with it.
        message: String,
    },
    /// The folder lacks the part that the call needs.
    #[error("this model has no {part}")]
    Absent {
        /// `encoder`, `adapter`, `language model`, `tokenizer`, `prompt` or `heads`.
        part: &'static str,
    },
    /// The audio, the text or an argument handed in is unusable.
    #[error("{argument}: {message}")]
    Input {
        /// Which argument.
        argument: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The device asked for is not there.
    #[error("device {device}: {message}")]
    Device {
        /// `cuda` or `metal`.
        device: &'static str,
        /// Why it can't be used.
        message: String,
    },
    /// The cancel flag was raised.
    #[error("cancelled")]
    Cancelled,
    /// candle refused an operation.
    #[error("tensor operation failed: {0}")]
    Candle(#[from] candle_core::Error),
}

impl ModelError {
    pub(crate) fn file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::File { file: file.into(), message: message.into() }
    }

    pub(crate) fn field(file: &str, field: &str, message: impl Into<String>) -> Self {
        Self::Field { file: file.to_owned(), field: field.to_owned(), message: message.into() }
    }

    pub(crate) fn tensor(file: &str, tensor: &str, message: impl Into<String>) -> Self {
        Self::Tensor { file: file.to_owned(), tensor: tensor.to_owned(), message: message.into() }
    }

    pub(crate) fn input(argument: &'static str, message: impl Into<String>) -> Self {
        Self::Input { argument, message: message.into() }
    }
}
