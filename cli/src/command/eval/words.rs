//! Reads what answers say: the faults that they name and their numbers, with a reader of its own, apart from what writes them.

use signal::FindingKind;

/// What mixers call a fault: words that stand in a text as they are.
const WORDS: [(&str, FindingKind); 34] = [
    ("boomy", FindingKind::Boomy),
    ("muddy", FindingKind::Muddy),
    ("the mud", FindingKind::Muddy),
    ("boxy", FindingKind::Boxy),
    ("harsh", FindingKind::Harsh),
    ("sibilance", FindingKind::Sibilant),
    ("sibilant", FindingKind::Sibilant),
    ("dull", FindingKind::Dull),
    ("thin", FindingKind::Thin),
    ("rings", FindingKind::Resonance),
    ("resonance", FindingKind::Resonance),
    ("hum", FindingKind::Hum),
    ("noise", FindingKind::Noise),
    ("clips", FindingKind::Clipping),
    ("clipping", FindingKind::Clipping),
    ("true peak is over", FindingKind::TruePeakOver),
    ("the true peak", FindingKind::TruePeakOver),
    ("dc offset", FindingKind::DcOffset),
    ("leans", FindingKind::ChannelImbalance),
    ("the lean", FindingKind::ChannelImbalance),
    ("out of phase", FindingKind::PhaseInverted),
    ("inverted phase", FindingKind::PhaseInverted),
    ("narrow", FindingKind::Narrow),
    ("low end is wide", FindingKind::WideLowEnd),
    ("wide low end", FindingKind::WideLowEnd),
    ("squashed", FindingKind::Overcompressed),
    ("overcompressed", FindingKind::Overcompressed),
    ("too loud", FindingKind::TooLoud),
    ("the high level", FindingKind::TooLoud),
    ("too quiet", FindingKind::TooQuiet),
    ("the low level", FindingKind::TooQuiet),
    ("masked", FindingKind::Masking),
    ("masking", FindingKind::Masking),
    ("silence", FindingKind::Silence),
];

/// The faults that a text names, in its order.
pub(super) fn named_faults(text: &str) -> Vec<FindingKind> {
    let plain = |c: char| if c.is_alphabetic() { c.to_ascii_lowercase() } else { ' ' };
    let text: String = text.chars().map(plain).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = format!(" {} ", words.join(" "));
    let at = |(words, kind): &(&str, FindingKind)| Some((text.find(&format!(" {words} "))?, *kind));
    let mut named: Vec<(usize, FindingKind)> = WORDS.iter().filter_map(at).collect();
    named.sort();
    named.dedup_by_key(|(_, kind)| *kind);
    named.into_iter().map(|(_, kind)| kind).collect()
}

/// The numbers of a text.
pub(super) fn numbers(text: &str) -> Vec<f64> {
    text.split(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-'))
        .filter_map(|word| word.trim_end_matches(['.', '-']).parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        assert_eq!(numbers("-14.2 lufs, peaking at -1.0 dbtp."), [-14.2, -1.0]);
    }

    #[test]
    fn faults_are_read_off_the_words() {
        let named = named_faults("There is hum at 50 Hz; try a notch there. Then it clips.");
        assert_eq!(named, [FindingKind::Hum, FindingKind::Clipping]);
        assert!(named_faults("nothing stands out as something thick; strings.").is_empty());
        assert_eq!(named_faults("The mud: it is muddy."), [FindingKind::Muddy]);
    }
}
