//! What tracks that sound together hide of each other, as findings on one of them: stems on the command line, instances in
//! the plugin.

use analysis::{Hidden, masking};
use signal::{Action, BandStep, Evidence, Finding, FindingKind, Label, Move, OtherTrack, Severity};

/// A region counts where at least this part of the stem's loudness is hidden in it, this far below hearing, in dB: less
/// belongs to any mix.
const LEAST_SHARE: f64 = 0.1;
const LEAST_BELOW_DB: f64 = 6.0;
/// Parts of the stem's loudness from which masking is clear and severe.
const CLEAR_SHARE: f64 = 0.3;
const SEVERE_SHARE: f64 = 0.6;
/// A move goes this far beyond what silences the finding, and no further than that much, in dB: more is another arrangement.
const MARGIN_DB: f64 = 2.0;
const MOVE_MAX_DB: f64 = 6.0;
/// Where the model of hearing comes from.
const MODEL: &str = "Glasberg & Moore 1990, Moore, Glasberg & Baer 1997";

/// A track that sounds with this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Track {
    /// What it is called.
    pub(crate) name: String,
    /// What it is, where that is known.
    pub(crate) label: Option<Label>,
}

/// What is hidden between the track with the levels `own` and each of the `others`, the most of each: `masker` and `maskee`
/// are 0 for the own track and count the others from 1.
pub(crate) fn hidden(own: &[BandStep], others: &[&[BandStep]]) -> Vec<Hidden> {
    let signals: Vec<&[BandStep]> = std::iter::once(own).chain(others.iter().copied()).collect();
    let matters = |hidden: &Hidden| {
        (hidden.maskee == 0 || hidden.masker == 0)
            && hidden.loudness_share >= LEAST_SHARE
            && hidden.below_db >= LEAST_BELOW_DB
    };
    let mut found: Vec<Hidden> = Vec::new();
    for hidden in masking(&signals).into_iter().filter(matters) {
        // They come weightiest first.
        let pair = (hidden.masker, hidden.maskee);
        if found.iter().all(|known| (known.masker, known.maskee) != pair) {
            found.push(hidden);
        }
    }
    found
}

/// From when to when something is hidden at a stretch, at the longest, in seconds from the levels' start.
pub(crate) fn longest(hidden: &Hidden) -> (f64, f64) {
    let longest = hidden.spans_s.iter().max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
    longest.copied().unwrap_or_default()
}

/// The finding on this track, which is an `own`, that one of [`hidden`] comes to, `other` being the other of the two. `place` says where,
/// e.g. "in bar 12", and `longest_s` is [`longest`] from the start of what is advised on. None where it is the other track's
/// matter, or where one is a part of the other.
pub(crate) fn finding(
    hidden: &Hidden,
    own: Option<Label>,
    other: &Track,
    longest_s: (f64, f64),
    place: &str,
) -> Option<Finding> {
    let own_hides = hidden.masker == 0;
    let leads = importance(other.label).cmp(&importance(own));
    if are_parts(own, other.label) || (own_hides && leads.is_le()) {
        return None;
    }
    let [lo_hz, hi_hz] = hidden.band_hz;
    let freq_hz = (lo_hz * hi_hz).sqrt().round();
    let below_db = hidden.below_db;
    let (share, per_cent) = (hidden.loudness_share, hidden.loudness_share * 100.0);
    let size_db = (below_db - LEAST_BELOW_DB + MARGIN_DB).clamp(MARGIN_DB, MOVE_MAX_DB);
    let size_db = (2.0 * size_db).round() / 2.0;
    // Whoever matters less moves: down where it hides the other, up where it is hidden.
    let gives_way = !own_hides && leads.is_gt();
    let (action, gain_db) = match gives_way {
        true => (Action::Boost, size_db),
        false => (Action::Cut, -size_db),
    };
    let is_moved = !own_hides && !gives_way;
    let (this, that) = (named("this track", own), named(&other.name, other.label));
    let (masker, maskee) = if own_hides { (&this, &that) } else { (&that, &this) };
    let moved = if is_moved { &that } else { &this };
    let rest = match (own_hides, gives_way) {
        (true, _) => String::new(),
        (_, true) => format!("; {that} leads and stays as it is"),
        _ => ", or raise this track".to_owned(),
    };
    Some(Finding {
        band_hz: Some(hidden.band_hz),
        other: Some(OtherTrack { name: other.name.clone(), is_moved }),
        evidence: evidence(hidden, longest_s),
        mv: Some(Move { action, freq_hz: Some(freq_hz), q: Some(1.0), gain_db: Some(gain_db) }),
        text: format!(
            "{masker} hides {maskee} from {lo_hz:.0} to {hi_hz:.0} Hz {place}: there it lies {below_db:.1} dB below what can be \
             heard beside it, {per_cent:.0} % of its loudness. If it should be heard there, try {gain_db:+.1} dB at \
             {freq_hz:.0} Hz on {moved}{rest}."
        ),
        ..Finding::new(FindingKind::Masking, severity(share), (0.4 + share).min(0.9))
    })
}

fn severity(share: f64) -> Severity {
    match share {
        share if share >= SEVERE_SHARE => Severity::Severe,
        share if share >= CLEAR_SHARE => Severity::Clear,
        _ => Severity::Minor,
    }
}

fn evidence(hidden: &Hidden, (from_s, to_s): (f64, f64)) -> Vec<Evidence> {
    vec![
        Evidence::new("below_masked_threshold_db", hidden.below_db, "dB", MODEL),
        Evidence::new("hidden_loudness", hidden.loudness_share * 100.0, "%", MODEL),
        Evidence::new("hidden_time", hidden.time_share * 100.0, "% of the time it sounds", ""),
        Evidence::new("longest_start_s", from_s, "s", ""),
        Evidence::new("longest_end_s", to_s, "s", ""),
    ]
}

/// `this track (bass)`, `Pad.wav (synth-pad)`, `bass`.
fn named(name: &str, label: Option<Label>) -> String {
    match label {
        Some(label) if name != label.name() => format!("{name} ({})", label.name()),
        _ => name.to_owned(),
    }
}

/// Who gives way to whom, the highest last: voices tell the song, the rest of the foreground follows, then what carries it, then
/// what fills. A track of which nothing is known stands in the middle. A habit of mixing, and no law.
fn importance(label: Option<Label>) -> u8 {
    use Label::{
        AcousticGuitar, Bass, Brass, Cymbals, Drums, ElectricGuitar, ElectricPiano, Fx, HiHat,
        Kick, Mallets, Organ, Percussion, Piano, Snare, Speech, Strings, SynthLead, SynthPad, Toms,
        Vocals, Woodwinds,
    };
    match label {
        Some(Vocals | Speech) => 4,
        Some(SynthLead | Kick | Snare | Bass | Drums) => 3,
        None | Some(Label::FullMix) => 2,
        Some(
            ElectricGuitar | AcousticGuitar | Piano | ElectricPiano | Brass | Woodwinds | Mallets
            | Strings | Toms,
        ) => 2,
        Some(Organ | SynthPad | HiHat | Cymbals | Percussion | Fx) => 1,
    }
}

/// Whether one of two tracks may be a sum in which the other is: a mix, or a drum bus beside a drum. It hides its parts by
/// nature.
fn are_parts(a: Option<Label>, b: Option<Label>) -> bool {
    let kit = |label: Option<Label>| {
        label.is_some_and(|label| label.is_kit_piece() || label == Label::Percussion)
    };
    let bus = |label: Option<Label>| label == Some(Label::Drums);
    let mix = |label: Option<Label>| label == Some(Label::FullMix);
    mix(a) || mix(b) || (bus(a) && (kit(b) || bus(b))) || (bus(b) && kit(a))
}

#[cfg(test)]
mod tests {
    use signal::BandLevels;

    use super::*;

    /// Ten seconds at one level in some bands, nothing elsewhere.
    fn levels(loud: std::ops::Range<usize>, level_db: f32) -> Vec<BandStep> {
        let mut step = [-120.0; BandLevels::BANDS];
        step[loud].fill(level_db);
        vec![step; 100]
    }

    fn track(name: &str, label: Option<Label>) -> Track {
        Track { name: name.to_owned(), label }
    }

    /// What is found on a track beside one other, which lies over it or under it.
    fn beside(own: Option<Label>, other: Option<Label>, own_hides: bool) -> Option<Finding> {
        let (quiet, loud) = (levels(12..18, -50.0), levels(11..19, -20.0));
        let (mine, theirs) = if own_hides { (&loud, &quiet) } else { (&quiet, &loud) };
        let found = hidden(mine, &[theirs]);
        assert_eq!(found.len(), 1, "{found:?}");
        finding(&found[0], own, &track("other.wav", other), (0.0, 2.0), "in bar 3")
    }

    #[test]
    fn a_louder_stem_in_the_same_bands_masks() {
        let (own, pad, bass) =
            (levels(12..18, -50.0), levels(20..24, -30.0), levels(11..19, -20.0));
        let found = hidden(&own, &[&pad, &bass]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].masker, found[0].maskee), (2, 0));
        let other = track("bass.wav", None);
        let finding = finding(&found[0], None, &other, (0.0, 2.0), "in bar 3").unwrap();
        assert_eq!((finding.kind, finding.severity), (FindingKind::Masking, Severity::Severe));
        assert!(finding.text.starts_with("bass.wav hides this track from"), "{}", finding.text);
        assert!(finding.text.contains("Hz in bar 3: there"), "{}", finding.text);
        let [lo_hz, hi_hz] = finding.band_hz.unwrap();
        let (least, most) = (BandLevels::edges_hz(11)[0], BandLevels::edges_hz(18)[1]);
        assert!(lo_hz >= least && hi_hz <= most, "{lo_hz} {hi_hz}");
    }

    #[test]
    fn elsewhere_or_as_loud_does_not() {
        let own = levels(12..18, -30.0);
        for other in [levels(22..26, -30.0), levels(12..18, -30.0), levels(12..18, -120.0)] {
            assert_eq!(hidden(&own, &[&other]), []);
        }
        assert_eq!(hidden(&own, &[]), []);
    }

    #[test]
    fn whoever_matters_less_is_moved() {
        use Label::{Bass, SynthPad, Vocals};
        let moves = |own, other, own_hides| {
            let finding = beside(own, other, own_hides)?;
            let mv = finding.mv.unwrap();
            Some((mv.action, mv.gain_db.unwrap() > 0.0, finding.other.unwrap().is_moved))
        };
        let (down_there, up_here) = ((Action::Cut, false, true), (Action::Boost, true, false));
        assert_eq!(moves(Some(Vocals), Some(SynthPad), false), Some(down_there));
        assert_eq!(moves(None, None, false), Some(down_there), "the louder one, of equals");
        assert_eq!(moves(Some(SynthPad), Some(Vocals), false), Some(up_here));
        let down_here = (Action::Cut, false, false);
        assert_eq!(moves(Some(SynthPad), Some(Vocals), true), Some(down_here));
        // What this track hides of lesser ones is told there.
        assert_eq!(moves(Some(Vocals), Some(SynthPad), true), None);
        assert_eq!(moves(Some(Bass), Some(Bass), true), None);
    }

    #[test]
    fn both_tracks_are_named_with_what_they_are() {
        let text = |own_hides| {
            let (own, other) = (Some(Label::SynthPad), Some(Label::Vocals));
            beside(own, other, own_hides).unwrap().text
        };
        let (over, under) = (text(true), text(false));
        assert!(over.starts_with("this track (synth-pad) hides other.wav (vocals) from"), "{over}");
        assert!(over.ends_with("Hz on this track (synth-pad)."), "{over}");
        assert!(under.starts_with("other.wav (vocals) hides this track (synth-pad)"), "{under}");
        assert!(under.ends_with("other.wav (vocals) leads and stays as it is."), "{under}");
    }

    #[test]
    fn a_sum_does_not_hide_its_parts() {
        for (own, other) in [
            (Label::Bass, Label::FullMix),
            (Label::Kick, Label::Drums),
            (Label::Drums, Label::Snare),
            (Label::FullMix, Label::Vocals),
        ] {
            assert_eq!(beside(Some(own), Some(other), false), None, "{own} {other}");
        }
        assert!(beside(Some(Label::Kick), Some(Label::Bass), false).is_some());
    }
}
