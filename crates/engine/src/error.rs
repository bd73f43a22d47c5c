//! What can go wrong between a file and its report, always with the field at fault.

use std::fmt;

use analysis::AnalysisError;
use models::ModelError;
use signal::SignalError;

/// Why a source of audio cannot go on. Made by whoever decodes: the command line, a test, the plugin's tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The part of the input at fault: `file`, `format`, `codec`, `samples`, ...
    pub field: String,
    /// What is wrong, in words.
    pub message: String,
}

impl SourceError {
    /// An error of the named field.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for SourceError {}

/// Any failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The samples cannot be measured.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The rate cannot be resampled, or the like.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The model folder or the model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The request cannot be met, e.g. a bar that the file does not have.
    #[error("{field}: {message}")]
    Request {
        /// The argument at fault.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The worker threads could not be started.
    #[error("threads: {0}")]
    Threads(String),
    /// The user stopped the work.
    #[error("cancelled")]
    Cancelled,
}

impl EngineError {
    /// A request that cannot be met.
    pub fn request(field: &'static str, message: impl Into<String>) -> Self {
        Self::Request { field, message: message.into() }
    }

    /// The field at fault, for the error object of a failed file.
    pub fn field(&self) -> String {
        match self {
            Self::Source(error) => error.field.clone(),
            Self::Analysis(error) => split(&error.to_string()).0.to_owned(),
            Self::Signal(error) => split(&error.to_string()).0.to_owned(),
            Self::Model(error) => model_field(error),
            Self::Request { field, .. } => (*field).to_owned(),
            Self::Threads(_) => "threads".to_owned(),
            Self::Cancelled => "cancelled".to_owned(),
        }
    }

    /// The message without the field in front, for the error object of a failed file.
    pub fn message(&self) -> String {
        match self {
            Self::Source(error) => error.message.clone(),
            Self::Request { message, .. } => message.clone(),
            Self::Analysis(error) => split(&error.to_string()).1.to_owned(),
            Self::Signal(error) => split(&error.to_string()).1.to_owned(),
            other => other.to_string(),
        }
    }
}

/// `field: message` of the lower crates' errors.
fn split(text: &str) -> (&str, &str) {
    text.split_once(": ").unwrap_or(("samples", text))
}

/// The field, tensor or file at fault in a model folder; the message names the file in any case.
fn model_field(error: &ModelError) -> String {
    match error {
        ModelError::Field { field, .. } => field.clone(),
        ModelError::Tensor { tensor, .. } => tensor.clone(),
        ModelError::File { file, .. } | ModelError::Io { file, .. } => file.clone(),
        ModelError::Input { argument, .. } => (*argument).to_owned(),
        ModelError::Device { .. } => "device".to_owned(),
        _ => "model".to_owned(),
    }
}
