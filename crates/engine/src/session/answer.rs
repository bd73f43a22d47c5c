//! A question that was asked of an instance, and the answer as it comes.

use serde::Serialize;
use signal::Finding;

use crate::{caption::Told, narrate::TOO_LITTLE};

/// An answer, complete or in the making, with what it stands on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// Its number, counted from 1.
    pub id: u64,
    /// The question; none where advice was asked for.
    pub question: Option<String>,
    /// The bar that was heard for it.
    pub bar: Option<i64>,
    /// How much was heard for it, e.g. `bar 12, 1.9 s of signal`; empty where nothing was.
    pub extent: String,
    /// Length of what was heard, in seconds.
    pub length_s: f64,
    /// Seconds of signal in it.
    pub signal_s: f64,
    /// What the meters found there, most urgent first.
    pub findings: Vec<Finding>,
    /// The checked words so far.
    pub text: String,
    /// Whether more will come.
    pub state: AnswerState,
}

/// Whether more of an answer will come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerState {
    /// It is being written.
    #[default]
    Writing,
    /// It is complete.
    Done,
    /// It ended early: why.
    Failed(String),
}

impl Answer {
    /// The next sentence.
    pub(super) fn add(&mut self, sentence: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(sentence);
    }

    /// The end, and what the whole answer is. The findings stand in any case.
    pub(super) fn finish(&mut self, told: Result<Told, String>) {
        self.state = match told {
            Ok(told) => {
                self.text = if told.text.is_empty() { TOO_LITTLE.to_owned() } else { told.text };
                AnswerState::Done
            }
            Err(why) => AnswerState::Failed(why),
        };
    }
}
