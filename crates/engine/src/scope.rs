//! What the model hears of a part of a file: a question about an hour is answered from windows spread over it.

use models::Model;

use crate::{
    caption,
    driver::Survey,
    window::{MAX_WINDOW_S, MIN_WINDOW_S, Span},
};

/// Windows that are heard of one scope, at the most.
pub(crate) const WINDOWS: usize = 8;

/// Their length in seconds: what heads and language model were trained on.
pub(crate) const WINDOW_S: f64 = 4.0;

/// Seconds that a published checkpoint hears: MusiLingo was trained on clips of up to 30.
const LONG_WINDOW_S: f64 = 30.0;

/// What the model hears of `scope`: all of it where it is short, else stretches spread over its loud parts; the loudest
/// one alone if the model was not trained on several.
pub(crate) fn windows(model: &Model, survey: &Survey, scope: Span) -> Vec<Span> {
    if scope.length_s() < MIN_WINDOW_S {
        return vec![scope.window(survey.duration_s)];
    }
    // The longest that is heard whole, the windows of what is longer, and how many of them.
    let (whole_s, window_s, count) = if caption::knows_slots(model) {
        (MAX_WINDOW_S, WINDOW_S, WINDOWS)
    } else {
        (LONG_WINDOW_S, LONG_WINDOW_S, 1)
    };
    if scope.length_s() <= whole_s {
        return vec![scope];
    }
    let spread = if count > 1 { survey.envelope.spread(count, window_s, scope) } else { vec![] };
    if spread.is_empty() { vec![survey.envelope.loudest(window_s, scope)] } else { spread }
}

/// `0.00-4.00 s, 12.50-16.50 s`.
pub(crate) fn listing(windows: &[Span]) -> String {
    let texts: Vec<String> =
        windows.iter().map(|w| format!("{:.2}-{:.2} s", w.start_s, w.end_s)).collect();
    texts.join(", ")
}
