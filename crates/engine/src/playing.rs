//! How one voice is played, in words: strummed, in chords, in held or in short notes. The heads tell it, the program says it.

use signal::Label;

/// Shares of a voice's strokes from which a word is said.
const STRUMMED: f32 = 0.5;
const CHORDS: f32 = 0.7;
const HELD: f32 = 0.6;
const SHORT: f32 = 0.6;

/// The word for how `label` is played, from what the heads make of it; none where nothing is clear.
pub fn playing(label: Label, qualities: &[(String, f32)]) -> Option<&'static str> {
    let is = |name: &str, limit: f32| {
        qualities.iter().any(|(known, share)| known == name && *share > limit)
    };
    let (strums, holds) = (label.is_strummed(), label.holds_notes());
    // One key of an organ may sound several notes.
    let chordal = label.is_pitched() && label != Label::Organ;
    let words = [
        (strums && is("strummed", STRUMMED), "strummed"),
        (chordal && is("chords", CHORDS), "chords"),
        (holds && is("held", HELD), "held notes"),
        (holds && is("short", SHORT), "short notes"),
    ];
    words.into_iter().find(|(is_so, _)| *is_so).map(|(_, word)| word)
}

/// The same behind a voice's name.
pub(crate) fn phrase(word: &str) -> String {
    match word {
        "strummed" => ", strummed".to_owned(),
        word => format!(" in {word}"),
    }
}

/// The answer to how it is played.
pub(crate) fn sentence(word: Option<&str>, voices: usize) -> String {
    match (word, voices) {
        (Some("strummed"), _) => "It is strummed.".to_owned(),
        (Some(word), _) => format!("It is played in {word}."),
        (None, 0 | 1) => "I can't tell from this how it is played.".to_owned(),
        (None, _) => "I can't tell from this how each is played; on a track of its own, or as a stem, I could.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(label: Label, [chords, strummed, short, held]: [f32; 4]) -> Option<&'static str> {
        let shares = [("chords", chords), ("strummed", strummed), ("short", short), ("held", held)];
        playing(label, &shares.map(|(name, share)| (name.to_owned(), share)))
    }

    #[test]
    fn each_way_to_play_has_its_word() {
        assert_eq!(word(Label::AcousticGuitar, [0.9, 0.9, 0.1, 0.2]), Some("strummed"));
        assert_eq!(word(Label::Piano, [0.9, 0.9, 0.1, 0.2]), Some("chords"), "nobody strums it");
        assert_eq!(word(Label::Brass, [0.1, 0.0, 0.1, 0.9]), Some("held notes"));
        assert_eq!(word(Label::Bass, [0.0, 0.0, 0.9, 0.0]), Some("short notes"));
        assert_eq!(word(Label::Woodwinds, [0.3, 0.0, 0.3, 0.3]), None);
    }

    #[test]
    fn what_is_not_known_has_no_word() {
        for label in [Label::Drums, Label::Kick, Label::Speech] {
            assert_eq!(word(label, [0.9; 4]), None, "{label}");
        }
        assert_eq!(word(Label::Mallets, [0.1, 0.1, 0.9, 0.9]), None);
        assert_eq!(word(Label::Mallets, [0.9; 4]), Some("chords"));
        assert_eq!(word(Label::Organ, [0.9, 0.0, 0.0, 0.0]), None);
        assert_eq!(playing(Label::Piano, &[]), None, "of a model that does not know it");
    }

    #[test]
    fn how_several_are_played_is_not_told() {
        assert_eq!(sentence(Some("held notes"), 1), "It is played in held notes.");
        assert!(sentence(None, 1).starts_with("I can't tell"));
        assert!(sentence(None, 3).contains("as a stem"));
    }
}
