//! The words around the soft tokens, and what is cut from the answer (MusiLingo's template).

use serde::Deserialize;

/// The place of the user's words in a prompt half.
const INSTRUCTION: &str = "{instruction}";

/// The object `prompt` of barline.json.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Prompt {
    /// Whether the begin-of-text token comes first.
    #[serde(default)]
    pub bos: bool,
    /// Text before the soft tokens.
    #[serde(default)]
    pub before: String,
    /// Text after them.
    #[serde(default)]
    pub after: String,
    /// The answer ends before the first of these.
    #[serde(default)]
    pub stop: Vec<String>,
    /// The answer begins after the last of these.
    #[serde(default)]
    pub answer_after: Option<String>,
}

impl Prompt {
    /// The two halves with the instruction in its place.
    pub fn halves(&self, instruction: &str) -> (String, String) {
        (
            self.before.replace(INSTRUCTION, instruction),
            self.after.replace(INSTRUCTION, instruction),
        )
    }

    /// The answer in a raw text: up to the first stop, after the last `answer_after`, trimmed.
    pub fn answer_in(&self, raw: &str) -> String {
        let end = self
            .stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| raw.find(stop.as_str()))
            .min();
        let text = &raw[..end.unwrap_or(raw.len())];
        let text = match self.answer_after.as_deref().filter(|mark| !mark.is_empty()) {
            Some(mark) => text.rsplit(mark).next().unwrap_or(text),
            None => text,
        };
        text.trim().to_owned()
    }
}

/// Bytes of `text` that may be shown now: not the beginning of a stop that may still come, nor a
/// character whose bytes are not all there.
pub(crate) fn settled(text: &str, stops: &[String]) -> usize {
    let text = text.trim_end_matches('\u{fffd}');
    let is_start = |tail: &str| stops.iter().any(|stop| stop.starts_with(tail));
    text.char_indices().map(|(at, _)| at).find(|at| is_start(&text[*at..])).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_may_become_a_stop_is_held_back() {
        let stops = ["###".to_owned(), "</s>".to_owned()];
        for (text, shown) in [
            ("ab", 2),
            ("ab#", 2),
            ("ab##", 2),
            ("a#b", 3),
            ("x <", 2),
            ("x </s", 2),
            ("x </t", 5),
            ("", 0),
            ("é\u{fffd}", 2),
        ] {
            assert_eq!(settled(text, &stops), shown, "{text:?}");
        }
        assert_eq!(settled("ab#", &[]), 3);
    }

    #[test]
    fn the_instruction_takes_its_place() {
        let prompt = Prompt { after: "</Audio> {instruction} ###".to_owned(), ..Prompt::default() };
        assert_eq!(prompt.halves("Why?"), (String::new(), "</Audio> Why? ###".to_owned()));
    }
}
