//! What of this stem the other stems hide, as findings.

use analysis::{Hidden, masking};
use signal::{Action, BandLevels, Evidence, Finding, FindingKind, Move, Severity};

/// A region counts where at least this part of the stem's loudness is hidden in it, this far below hearing, in dB: less
/// belongs to any mix.
const LEAST_SHARE: f64 = 0.1;
const LEAST_BELOW_DB: f64 = 6.0;
/// Parts of the stem's loudness from which masking is clear and severe.
const CLEAR_SHARE: f64 = 0.3;
const SEVERE_SHARE: f64 = 0.6;
/// Where the model of hearing comes from.
const MODEL: &str = "Glasberg & Moore 1990, Moore, Glasberg & Baer 1997";

/// The findings on the stem with the levels `own`: for each other one, by name, what it hides most. `start_s` is where the
/// levels begin in the file.
pub(super) fn findings(
    own: &BandLevels,
    others: &[(String, BandLevels)],
    start_s: f64,
) -> Vec<Finding> {
    let signals: Vec<_> =
        std::iter::once(own).chain(others.iter().map(|(_, levels)| levels)).collect();
    let steps: Vec<_> = signals.iter().map(|levels| levels.steps_db.as_slice()).collect();
    let matters = |hidden: &Hidden| {
        hidden.maskee == 0
            && hidden.loudness_share >= LEAST_SHARE
            && hidden.below_db >= LEAST_BELOW_DB
    };
    let mut found: Vec<Hidden> = Vec::new();
    for hidden in masking(&steps).into_iter().filter(matters) {
        // They come weightiest first.
        if found.iter().all(|known| known.masker != hidden.masker) {
            found.push(hidden);
        }
    }
    found.iter().map(|hidden| finding(hidden, &others[hidden.masker - 1].0, start_s)).collect()
}

fn finding(hidden: &Hidden, name: &str, start_s: f64) -> Finding {
    let [lo_hz, hi_hz] = hidden.band_hz;
    let freq_hz = (lo_hz * hi_hz).sqrt().round();
    let below_db = hidden.below_db;
    let share = hidden.loudness_share * 100.0;
    let longest = hidden.spans_s.iter().max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
    let (from_s, to_s) =
        longest.map_or((start_s, start_s), |span| (start_s + span.0, start_s + span.1));
    let severity = match hidden.loudness_share {
        share if share >= SEVERE_SHARE => Severity::Severe,
        share if share >= CLEAR_SHARE => Severity::Clear,
        _ => Severity::Minor,
    };
    Finding {
        kind: FindingKind::Masking,
        severity,
        confidence: (0.4 + hidden.loudness_share).min(0.9),
        band_hz: Some(hidden.band_hz),
        evidence: vec![
            Evidence::new("below_masked_threshold_db", below_db, "dB", MODEL),
            Evidence::new("hidden_loudness", share, "%", MODEL),
            Evidence::new("hidden_time", hidden.time_share * 100.0, "% of the time it sounds", ""),
            Evidence::new("longest_start_s", from_s, "s", ""),
            Evidence::new("longest_end_s", to_s, "s", ""),
        ],
        mv: Some(Move {
            action: Action::Cut,
            freq_hz: Some(freq_hz),
            q: Some(1.0),
            gain_db: Some(-3.0),
        }),
        text: format!(
            "{name} hides this track from {lo_hz:.0} to {hi_hz:.0} Hz, longest from {from_s:.1} to {to_s:.1} s: there it \
             lies {below_db:.1} dB below what can be heard beside it, {share:.0} % of its loudness. If it should be heard \
             there, try -3.0 dB at {freq_hz:.0} Hz on {name}, or raise this track."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds at one level in some bands, nothing elsewhere.
    fn levels(loud: std::ops::Range<usize>, level_db: f32) -> BandLevels {
        let mut step = [-120.0; BandLevels::BANDS];
        step[loud].fill(level_db);
        BandLevels { steps_db: vec![step; 100] }
    }

    #[test]
    fn a_louder_stem_in_the_same_bands_masks() {
        let own = levels(12..18, -50.0);
        let others = [
            ("pad.wav".to_owned(), levels(20..24, -30.0)),
            ("bass.wav".to_owned(), levels(11..19, -20.0)),
        ];
        let found = findings(&own, &others, 5.0);
        assert_eq!(found.len(), 1, "{found:?}");
        let finding = &found[0];
        assert_eq!((finding.kind, finding.severity), (FindingKind::Masking, Severity::Severe));
        assert!(finding.text.contains("bass.wav"), "{}", finding.text);
        assert!(finding.text.contains("5.0 to 15.0 s"), "{}", finding.text);
        let [lo_hz, hi_hz] = finding.band_hz.unwrap();
        let (least, most) = (BandLevels::edges_hz(11)[0], BandLevels::edges_hz(18)[1]);
        assert!(lo_hz >= least && hi_hz <= most, "{lo_hz} {hi_hz}");
    }

    #[test]
    fn elsewhere_or_as_loud_does_not() {
        let own = levels(12..18, -30.0);
        for other in [levels(22..26, -30.0), levels(12..18, -30.0), levels(12..18, -120.0)] {
            assert_eq!(findings(&own, &[("x".to_owned(), other)], 0.0), []);
        }
        assert_eq!(findings(&own, &[], 0.0), []);
    }
}
