//! What can be said of a finding when somebody asks back: why, how, how much less or more, and to what effect. All of it
//! follows from the finding's evidence and its move.

use signal::{Action, Finding, FindingKind, Move};

use super::{fixed, frequency, sentences};

/// A gentler and a stronger move, as parts of the first.
const GENTLER: f64 = 0.5;
const STRONGER: f64 = 1.5;

/// Said of a move that is made or not.
const NO_AMOUNT: &str = "there is no amount to change, it is done or it is not";

/// What a finding is called in answers.
pub(super) fn noun(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Boomy => "the boomy low end",
        FindingKind::Muddy => "the mud",
        FindingKind::Boxy => "the boxy mids",
        FindingKind::Harsh => "the harsh upper mids",
        FindingKind::Sibilant => "the sibilance",
        FindingKind::Dull => "the dull top end",
        FindingKind::Thin => "the thin low end",
        FindingKind::Resonance => "the resonance",
        FindingKind::Hum => "the hum",
        FindingKind::Noise => "the noise",
        FindingKind::Clipping => "the clipping",
        FindingKind::TruePeakOver => "the true peak",
        FindingKind::DcOffset => "the DC offset",
        FindingKind::ChannelImbalance => "the lean to one side",
        FindingKind::PhaseInverted => "the inverted phase",
        FindingKind::Narrow => "the narrow image",
        FindingKind::WideLowEnd => "the wide low end",
        FindingKind::Overcompressed => "the squashed dynamics",
        FindingKind::TooLoud => "the high level",
        FindingKind::TooQuiet => "the low level",
        FindingKind::Masking => "the masking",
        FindingKind::Silence | FindingKind::TooLittle => "the silence",
    }
}

/// The measurement, as it follows a colon: the first sentence of the finding's text without the move.
pub(super) fn why(finding: &Finding) -> Option<String> {
    // A track's name may hold anything.
    let clause = if finding.kind == FindingKind::Masking {
        let end = finding.text.find(". If it should").unwrap_or(finding.text.len());
        &finding.text[..end]
    } else {
        let sentence = sentences(&finding.text).next()?;
        sentence.split_once("; ").map_or(sentence, |(clause, _)| clause).trim_end_matches('.')
    };
    let mut letters = clause.chars();
    let first = letters.next()?;
    let named = finding.kind == FindingKind::Masking;
    let lower = || format!("{}{}", first.to_lowercase(), letters.as_str());
    Some(if named { clause.to_owned() } else { lower() })
}

/// The move in full.
pub(super) fn how(finding: &Finding) -> Option<String> {
    let mv = finding.mv?;
    let at = |words: &str| mv.freq_hz.map(|hz| format!("{words} {}", frequency(hz)));
    let by = |gain_db: f64| format!("{} dB", fixed(gain_db, 1));
    let size = |words: &str| mv.gain_db.map(|gain_db| format!("{words} {}", by(gain_db.abs())));
    let filter = |words: &str, place: &str| {
        let q = mv.q.map_or(String::new(), |q| format!(", Q {}", fixed(q, 1)));
        Some(format!("{} {}{q}", size(words)?, at(place)?))
    };
    match (mv.action, finding.kind) {
        (_, FindingKind::Clipping) => Some("less level before the stage that clips".to_owned()),
        (Action::Cut, FindingKind::Masking) => {
            let is_moved = finding.other.as_ref().is_none_or(|other| other.is_moved);
            let track = if is_moved { "the track that hides it" } else { "this track" };
            filter("a cut of", "at").map(|cut| format!("{cut}, on {track}"))
        }
        (Action::Cut, _) => filter("a cut of", "at"),
        (Action::Boost, FindingKind::Dull) => filter("a high shelf of", "from"),
        (Action::Boost, _) => filter("a boost of", "at"),
        (Action::Notch, _) => filter("a notch of", "at"),
        (Action::HighPass, _) => at("a high-pass at"),
        (Action::LowPass, _) => at("a low-pass at"),
        (Action::MonoBelow, _) => at("mono below"),
        (Action::DeEss, _) => Some(format!("{} {}", at("a de-esser at")?, size("by at most")?)),
        (Action::Gain, _) => mv.gain_db.map(|gain_db| {
            let limit = finding.evidence.iter().find(|e| e.name == "true_peak_limit_dbtp");
            let limiter = limit.map_or(String::new(), |e| {
                format!(" into a limiter at {} dBTP", fixed(e.value, 1))
            });
            format!("{} of gain{limiter}", by(gain_db))
        }),
        (Action::Limit, _) => {
            mv.gain_db.map(|gain_db| format!("{} of gain or limiting", by(gain_db)))
        }
        (Action::Expand, _) => {
            let easier = || "less compression, or an expander".to_owned();
            Some(size("an expander of").unwrap_or_else(easier))
        }
        (Action::Compress, _) => Some("gentle compression".to_owned()),
        (Action::Pan, FindingKind::Narrow) => Some("a few parts panned apart".to_owned()),
        (Action::Pan, _) => size("the louder side down by"),
        (Action::InvertPhase, _) => Some("the polarity of one channel inverted".to_owned()),
        (Action::None, _) => None,
    }
}

/// A gentler move.
pub(super) fn less(finding: &Finding) -> Option<String> {
    scaled(finding, GENTLER)
}

/// A stronger move.
pub(super) fn more(finding: &Finding) -> Option<String> {
    scaled(finding, STRONGER)
}

fn scaled(finding: &Finding, factor: f64) -> Option<String> {
    let mv = finding.mv?;
    let amount = mv.gain_db.filter(|_| finding.kind != FindingKind::Clipping);
    let Some(gain_db) = amount else { return Some(NO_AMOUNT.to_owned()) };
    let mv = Move { gain_db: Some(gain_db * factor), ..mv };
    how(&Finding { mv: Some(mv), ..finding.clone() })
}

/// What the move does to what was measured.
pub(super) fn effect(finding: &Finding) -> Option<String> {
    let mv = finding.mv?;
    let up_to = |words: &str| Some(format!("{words} by up to {} dB", fixed(mv.gain_db?.abs(), 1)));
    match (mv.action, finding.kind) {
        (_, FindingKind::Clipping) => Some("the tops of the wave stay round".to_owned()),
        (action, FindingKind::Masking) => Some(match &finding.other {
            Some(other) if action == Action::Cut && !other.is_moved => {
                format!("{} is heard there", other.name)
            }
            _ => "this track is heard there".to_owned(),
        }),
        (Action::Cut | Action::Boost, _) => {
            let band = match finding.band_hz {
                Some([lo, hi]) => format!("{} to {}", frequency(lo), frequency(hi)),
                None => frequency(mv.freq_hz?),
            };
            let way = if mv.action == Action::Cut { "down" } else { "up" };
            up_to(&format!("{band} comes {way}"))
        }
        (Action::Gain | Action::Limit, _) => level_after(finding, mv.gain_db?),
        (Action::Notch, _) => Some(format!("the tone at {} goes", frequency(mv.freq_hz?))),
        (Action::DeEss, _) => up_to("the s sounds come down"),
        (Action::Expand, _) if mv.gain_db.is_some() => up_to("the gaps come down"),
        (Action::Expand, _) => Some("the peaks stand further above the rest".to_owned()),
        (Action::Compress, _) => Some("the peaks stand less far above the rest".to_owned()),
        (Action::HighPass, _) => Some(format!("what lies below {} goes", frequency(mv.freq_hz?))),
        (Action::LowPass, _) => Some(format!("what lies above {} goes", frequency(mv.freq_hz?))),
        (Action::MonoBelow, _) => Some("the low end keeps its weight in mono".to_owned()),
        (Action::InvertPhase, _) => Some("left and right add up, in mono as well".to_owned()),
        (Action::Pan, FindingKind::Narrow) => Some("left and right differ more".to_owned()),
        (Action::Pan, _) => Some("both sides are level".to_owned()),
        (Action::None, _) => None,
    }
}

/// Where the peak or the loudness comes to lie.
fn level_after(finding: &Finding, gain_db: f64) -> Option<String> {
    let level = finding.evidence.iter().find(|e| matches!(e.unit.as_str(), "dBTP" | "LUFS"))?;
    let what = if level.unit == "LUFS" { "the loudness" } else { "the peak" };
    Some(format!("{what} comes to {} {}", fixed(level.value + gain_db, 1), level.unit))
}

#[cfg(test)]
mod tests {
    use signal::{Evidence, OtherTrack, Severity};

    use super::*;

    fn finding(kind: FindingKind, mv: Move, evidence: Evidence, text: &str) -> Finding {
        Finding {
            evidence: vec![evidence],
            mv: Some(mv),
            text: text.to_owned(),
            ..Finding::new(kind, Severity::Clear, 0.8)
        }
    }

    fn over() -> Finding {
        let mv = Move { action: Action::Limit, freq_hz: None, q: None, gain_db: Some(-1.8) };
        let peak = Evidence::new("true_peak_dbtp", 0.8, "dBTP", "");
        finding(
            FindingKind::TruePeakOver,
            mv,
            peak,
            "The true peak reaches 0.8 dBTP. -1.8 dB of gain would do.",
        )
    }

    #[test]
    fn a_level_is_moved_by_what_the_move_says() {
        let over = over();
        assert_eq!(why(&over).unwrap(), "the true peak reaches 0.8 dBTP");
        assert_eq!(how(&over).unwrap(), "-1.8 dB of gain or limiting");
        assert_eq!(less(&over).unwrap(), "-0.9 dB of gain or limiting");
        assert_eq!(more(&over).unwrap(), "-2.7 dB of gain or limiting");
        assert_eq!(effect(&over).unwrap(), "the peak comes to -1.0 dBTP");
    }

    #[test]
    fn a_filter_names_band_and_quality() {
        let mv =
            Move { action: Action::Cut, freq_hz: Some(106.0), q: Some(1.0), gain_db: Some(-4.0) };
        let bump = Evidence::new("band_over_neighbours_db", 8.0, "dB", "");
        let mut boomy = finding(FindingKind::Boomy, mv, bump, "It booms.");
        boomy.band_hz = Some([80.0, 140.0]);
        assert_eq!(how(&boomy).unwrap(), "a cut of 4.0 dB at 106 Hz, Q 1.0");
        assert_eq!(less(&boomy).unwrap(), "a cut of 2.0 dB at 106 Hz, Q 1.0");
        assert_eq!(effect(&boomy).unwrap(), "80 Hz to 140 Hz comes down by up to 4.0 dB");
    }

    #[test]
    fn what_hides_a_track_is_cut_and_not_the_track() {
        let mv =
            Move { action: Action::Cut, freq_hz: Some(316.0), q: Some(1.0), gain_db: Some(-3.0) };
        let below = Evidence::new("below_masked_threshold_db", 8.0, "dB", "");
        let text =
            "01. Dr. Pad.wav hides this track: 8.0 dB below. If it should be heard there, try.";
        let masked = finding(FindingKind::Masking, mv, below, text);
        assert_eq!(why(&masked).unwrap(), "01. Dr. Pad.wav hides this track: 8.0 dB below");
        let expected = "a cut of 3.0 dB at 316 Hz, Q 1.0, on the track that hides it";
        assert_eq!(how(&masked).unwrap(), expected);
        assert_eq!(effect(&masked).unwrap(), "this track is heard there");
        let other = OtherTrack { name: "Vocals".to_owned(), is_moved: false };
        let masking = Finding { other: Some(other), ..masked };
        assert_eq!(how(&masking).unwrap(), "a cut of 3.0 dB at 316 Hz, Q 1.0, on this track");
        assert_eq!(effect(&masking).unwrap(), "Vocals is heard there");
    }

    #[test]
    fn what_was_clipped_is_not_mended_by_gain() {
        let mv = Move { action: Action::Gain, freq_hz: None, q: None, gain_db: Some(-3.0) };
        let peak = Evidence::new("sample_peak_dbfs", 0.0, "dBFS", "");
        let clipped = finding(FindingKind::Clipping, mv, peak, "The wave is cut flat.");
        assert_eq!(how(&clipped).unwrap(), "less level before the stage that clips");
        assert_eq!(less(&clipped).as_deref(), Some(NO_AMOUNT));
    }

    #[test]
    fn what_has_no_amount_says_so() {
        let mv = Move { action: Action::InvertPhase, freq_hz: None, q: None, gain_db: None };
        let correlation = Evidence::new("correlation", -0.8, "", "");
        let inverted =
            finding(FindingKind::PhaseInverted, mv, correlation, "Left and right fight; try that.");
        assert_eq!(why(&inverted).unwrap(), "left and right fight");
        assert_eq!(less(&inverted).as_deref(), Some(NO_AMOUNT));
    }
}
