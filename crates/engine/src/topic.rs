//! What a question is about, as the embedded model says it before an answer (`<about:why><of:hum><say>`, training/grammar.py).

/// The tokens that an answer begins with and that are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topic<'a> {
    /// The kind of question.
    pub(crate) about: &'a str,
    /// The instrument, the fault or the place of a finding that it asks for.
    pub(crate) of: Option<&'a str>,
}

impl<'a> Topic<'a> {
    /// The topic of a raw answer, once it is complete; none of a model that has no such tokens.
    pub(crate) fn of(raw: &'a str) -> Option<Self> {
        let (topic, _) = raw.trim_start().strip_prefix("<about:")?.split_once("<say>")?;
        let (about, rest) = topic.split_once('>')?;
        let of = rest.strip_prefix("<of:").and_then(|of| of.strip_suffix('>'));
        Some(Self { about, of })
    }

    /// Whether it is about what was found: one fault, or a follow-up.
    pub(crate) fn is_of_findings(&self) -> bool {
        const FOLLOW_UPS: [&str; 12] = [
            "why", "gentler", "stronger", "how", "effect", "holds", "meant", "skip", "first",
            "rest", "culprit", "compare",
        ];
        self.about == "fault" || FOLLOW_UPS.contains(&self.about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_once_it_is_complete() {
        let topic = |about, of| Some(Topic { about, of });
        assert_eq!(Topic::of("<about:why><of:hum><say>The hum"), topic("why", Some("hum")));
        assert_eq!(Topic::of(" <about:tempo><say>About"), topic("tempo", None));
        assert_eq!(Topic::of("<about:why><of:hum>"), None);
        assert_eq!(Topic::of("Drums and bass."), None);
    }
}
