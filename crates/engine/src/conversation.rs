//! What was talked of so far, so that "why?" has something to refer to.

use signal::FindingKind;

use crate::slots::Facts;

/// What was talked of so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// Whether findings were told: a short question is then likely about them.
    told: bool,
    /// The finding that was spoken of last.
    about: Option<FindingKind>,
}

impl Conversation {
    /// One that begins where findings have been told.
    pub fn of_findings() -> Self {
        Self { told: true, about: None }
    }

    /// Whether findings were told.
    pub(crate) fn told(self) -> bool {
        self.told
    }

    /// The finding that a question means which names none.
    pub(crate) fn about(self) -> Option<FindingKind> {
        self.about
    }

    /// Goes on with an answer, its slots not yet filled, that was given of these facts: the talk is about the finding that it
    /// speaks of, about none after several, and still about the one before where it speaks of none.
    pub(crate) fn go_on(&mut self, facts: &Facts, answer: &str) {
        match facts.spoken_of(answer)[..] {
            [] => {}
            [one] => (self.told, self.about) = (true, Some(one)),
            _ => (self.told, self.about) = (true, None),
        }
    }
}
