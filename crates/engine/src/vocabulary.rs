//! Which instruments a sentence names: how a caption's `labels` are read off its text, and how `barline eval` scores it.

use signal::Label;

/// Names beyond the labels' own (hyphens are spaces here), one line a label. Longer names win over shorter ones, so that an
/// electric piano is no piano.
const SYNONYMS: [(Label, &[&str]); 21] = [
    (Label::Kick, &["kick drum", "kick drums", "bass drum"]),
    (Label::Snare, &["snare drum", "snares"]),
    (Label::HiHat, &["hi hats", "hats", "hihat", "hihats"]),
    (Label::Cymbals, &["cymbal"]),
    (Label::Toms, &["tom"]),
    (Label::Drums, &["drum kit", "drum", "drum loop"]),
    (Label::Bass, &["bass line", "bassline", "bass guitar"]),
    (Label::ElectricGuitar, &["electric guitars"]),
    (Label::AcousticGuitar, &["acoustic guitars"]),
    (Label::ElectricPiano, &["rhodes", "wurlitzer", "wurli"]),
    (Label::Organ, &["hammond", "b3"]),
    (Label::Percussion, &["congas", "bongos", "shaker", "tambourine"]),
    (Label::SynthLead, &["lead synth", "synth leads"]),
    (Label::SynthPad, &["pad", "pads", "synth pads"]),
    (
        Label::Strings,
        &["string section", "violin", "violins", "viola", "cello", "cellos", "fiddle"],
    ),
    (
        Label::Brass,
        &["horns", "brass section", "trumpet", "trumpets", "trombone", "tuba", "flugelhorn"],
    ),
    (Label::Woodwinds, &["woodwind", "flute", "clarinet", "oboe", "bassoon", "sax", "saxophone"]),
    (Label::Mallets, &["mallet", "vibraphone", "marimba", "xylophone", "glockenspiel"]),
    (Label::Vocals, &["vocal", "voice", "voices", "singing", "singer", "choir", "vox"]),
    (Label::Speech, &["spoken word", "speaking", "talking"]),
    (Label::Fx, &["effects", "sound effects"]),
];

/// The labels that `text` names, in the order of their first mention. What is denied (`no vocals`, `without drums or
/// bass`) or doubted (`perhaps organ and strings`) is not named; `full mix` is no instrument.
pub fn instruments(text: &str) -> Vec<Label> {
    let words: Vec<String> = text
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let names = names();
    let mut found = Vec::new();
    let (mut denied, mut doubted) = (false, false);
    let mut at = 0;
    while at < words.len() {
        if let Some((label, length)) = longest(&names, &words[at..]) {
            if !denied && !doubted && !found.contains(&label) {
                found.push(label);
            }
            at += length;
            continue;
        }
        denied = match words[at].as_str() {
            "no" | "not" | "without" => true,
            // `no drums or bass` denies both, and so do the adjectives in `no electric or loud drums`.
            "or" | "nor" | "any" | "a" | "an" | "the" => denied,
            _ => false,
        };
        doubted |= words[at] == "perhaps";
        at += 1;
    }
    found
}

/// The names of the labels that `text` names, as captions carry them.
pub(crate) fn instrument_names(text: &str) -> Vec<String> {
    instruments(text).into_iter().map(|label| label.name().to_owned()).collect()
}

/// As [`instruments`] for a whole mix, where the pieces of a kit are the drums.
pub fn mix_instruments(text: &str) -> Vec<Label> {
    let mut found = Vec::new();
    for label in instruments(text) {
        let label = label.in_mix();
        if !found.contains(&label) {
            found.push(label);
        }
    }
    found
}

/// Words before "guitar" that say nothing of which one it is; an empty one is the question's beginning.
const OPEN: [&str; 16] = [
    "", "a", "any", "the", "some", "my", "our", "this", "that", "there", "with", "and", "of",
    "hear", "is", "are",
];

/// Whether a question says "guitar" and leaves open which.
pub(crate) fn means_any_guitar(question: &str) -> bool {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    (0..words.len()).any(|at| {
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        matches!(words[at], "guitar" | "guitars" | "gtr" | "gtrs") && OPEN.contains(&before)
    })
}

fn names() -> Vec<(Vec<&'static str>, Label)> {
    let own = Label::ALL.into_iter().filter(|label| *label != Label::FullMix);
    let mut names: Vec<(Vec<&str>, Label)> =
        own.map(|label| (label.name().split('-').collect(), label)).collect();
    for (label, synonyms) in SYNONYMS {
        names.extend(synonyms.iter().map(|name| (name.split(' ').collect(), label)));
    }
    names
}

fn longest(names: &[(Vec<&str>, Label)], words: &[String]) -> Option<(Label, usize)> {
    let fits = |name: &&(Vec<&str>, Label)| {
        name.0.len() <= words.len() && name.0.iter().zip(words).all(|(a, b)| a == b)
    };
    names
        .iter()
        .filter(fits)
        .max_by_key(|name| name.0.len())
        .map(|(name, label)| (*label, name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_words_longest_first() {
        let check =
            |text: &str, expected: &[Label]| assert_eq!(instruments(text), expected, "{text}");
        check(
            "Drums, bass and electric piano.",
            &[Label::Drums, Label::Bass, Label::ElectricPiano],
        );
        check("A bright hi-hat over a kick drum", &[Label::HiHat, Label::Kick]);
        check("Bass drum, pads; Bass.", &[Label::Kick, Label::SynthPad, Label::Bass]);
        check("Sound effects and speech, bassoonish padding", &[Label::Fx, Label::Speech]);
        check("A full mix", &[]);
        check("Nothing stands out as a problem here.", &[]);
    }

    #[test]
    fn a_guitar_may_be_of_either_kind() {
        assert!(means_any_guitar("is there a guitar?") && means_any_guitar("Guitars in here"));
        assert!(!means_any_guitar("a bass guitar?") && !means_any_guitar("a wah guitar?"));
    }

    #[test]
    fn denied_instruments_are_not_named() {
        assert_eq!(
            instruments("No vocals; I hear piano and strings."),
            [Label::Piano, Label::Strings]
        );
        assert_eq!(
            instruments("organ without drums or bass, then brass"),
            [Label::Organ, Label::Brass]
        );
    }

    #[test]
    fn doubted_instruments_are_not_named() {
        assert!(instruments("Perhaps strings and organ; dark, dry.").is_empty());
        assert!(instruments("Perhaps bass, but I can't tell from this for sure.").is_empty());
    }

    #[test]
    fn kit_pieces_are_drums_in_a_mix() {
        assert_eq!(mix_instruments("Kick, snare and organ"), [Label::Drums, Label::Organ]);
    }
}
