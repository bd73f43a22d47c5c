//! The tone of a file against a reference: third-octave levels, each relative to its own file's loudness.

use signal::{Action, Band, Evidence, Finding, FindingKind, Measurements, Move, Severity};

/// Difference in a region from which on it is worth a word, in dB: records of one style differ by a few dB.
const WORTH_DB: f64 = 5.0;
const CLEAR_DB: f64 = 8.0;
const SEVERE_DB: f64 = 12.0;

/// Moves are half of the difference, and no more than this, in dB.
const MOVE_MAX_DB: f64 = 6.0;

/// A region, what too much of it is called, and what too little (where that has a name).
const REGIONS: [(f64, f64, Option<FindingKind>, Option<FindingKind>); 6] = [
    (45.0, 140.0, Some(FindingKind::Boomy), None),
    (140.0, 400.0, Some(FindingKind::Muddy), Some(FindingKind::Thin)),
    (400.0, 900.0, Some(FindingKind::Boxy), None),
    (2000.0, 5000.0, Some(FindingKind::Harsh), None),
    (5000.0, 9000.0, Some(FindingKind::Sibilant), None),
    (6000.0, 14_000.0, None, Some(FindingKind::Dull)),
];

/// The mean of several records at equal loudness, band by band; its loudness is 0 LUFS. None of none, or of silence.
pub(super) fn mean(references: &[Measurements]) -> Option<Measurements> {
    let loud: Vec<(&[Band], f64)> =
        references.iter().filter_map(|r| Some((r.bands.as_slice(), r.loudness_lufs?))).collect();
    let (first, _) = loud.iter().max_by_key(|(bands, _)| bands.len())?;
    let level_db = |at: usize| {
        // A record at a lower rate has fewer bands.
        let levels = loud.iter().filter_map(|(bands, lufs)| Some(bands.get(at)?.level_db - lufs));
        let (sum_db, count) = levels.fold((0.0, 0.0), |(sum, count), db| (sum + db, count + 1.0));
        sum_db / count
    };
    let bands = first.iter().enumerate().map(|(at, band)| Band { level_db: level_db(at), ..*band });
    let (bands, loudness_lufs) = (bands.collect(), Some(0.0));
    Some(Measurements { bands, loudness_lufs, ..Measurements::default() })
}

/// Appends what sets `own` apart from `reference`, but for kinds that were found without it.
pub(super) fn compare(own: &Measurements, reference: &Measurements, findings: &mut Vec<Finding>) {
    let (Some(own_lufs), Some(reference_lufs)) = (own.loudness_lufs, reference.loudness_lufs)
    else {
        return;
    };
    for (lo_hz, hi_hz, too_much, too_little) in REGIONS {
        let levels = own.level_between(lo_hz, hi_hz).zip(reference.level_between(lo_hz, hi_hz));
        let Some((own_db, reference_db)) = levels else { continue };
        let over_db = (own_db - own_lufs) - (reference_db - reference_lufs);
        let kind = if over_db > 0.0 { too_much } else { too_little };
        let Some(kind) = kind
            .filter(|kind| over_db.abs() >= WORTH_DB && findings.iter().all(|f| f.kind != *kind))
        else {
            continue;
        };
        findings.push(finding(kind, [lo_hz, hi_hz], over_db));
    }
}

fn finding(kind: FindingKind, band_hz: [f64; 2], over_db: f64) -> Finding {
    let gain_db = (-over_db / 2.0).clamp(-MOVE_MAX_DB, MOVE_MAX_DB);
    let freq_hz = (band_hz[0] * band_hz[1]).sqrt().round();
    let action = match kind {
        FindingKind::Sibilant => Action::DeEss,
        _ if gain_db < 0.0 => Action::Cut,
        _ => Action::Boost,
    };
    let more = if over_db > 0.0 { "more" } else { "less" };
    let severity = match over_db.abs() {
        x if x >= SEVERE_DB => Severity::Severe,
        x if x >= CLEAR_DB => Severity::Clear,
        _ => Severity::Minor,
    };
    Finding {
        band_hz: Some(band_hz),
        evidence: vec![Evidence::new("level_to_reference_db", over_db, "dB", "IEC 61260-1")],
        mv: Some(Move { action, freq_hz: Some(freq_hz), q: Some(0.7), gain_db: Some(gain_db) }),
        text: format!(
            "At equal loudness there is {:.1} dB {more} than in the reference from {:.0} to {:.0} Hz. Try {gain_db:+.1} dB \
             around {freq_hz:.0} Hz.",
            over_db.abs(),
            band_hz[0],
            band_hz[1]
        ),
        ..Finding::new(kind, severity, (over_db.abs() / 15.0).clamp(0.3, 0.9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(lufs: f64, tilt: impl Fn(f64) -> f64) -> Measurements {
        let bands = (0..30).map(|i| {
            let lo_hz = 22.4 * 10f64.powf(f64::from(i) / 10.0);
            Band { lo_hz, hi_hz: lo_hz * 10f64.powf(0.1), level_db: lufs - 15.0 + tilt(lo_hz) }
        });
        Measurements {
            bands: bands.collect(),
            loudness_lufs: Some(lufs),
            ..Measurements::default()
        }
    }

    #[test]
    fn tone_is_compared_at_equal_loudness() {
        let mut findings = Vec::new();
        compare(&measured(-30.0, |_| 0.0), &measured(-12.0, |_| 0.0), &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn several_records_are_their_mean_whatever_their_loudness() {
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[Measurements::default()]), None, "silence");
        let dark = measured(-8.0, |hz| if hz > 4000.0 { -16.0 } else { 0.0 });
        let bright = measured(-20.0, |hz| if hz > 4000.0 { 16.0 } else { 0.0 });
        let even = measured(-30.0, |_| 0.0);
        let mut findings = Vec::new();
        compare(&even, &mean(&[dark.clone(), bright]).unwrap(), &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        compare(&even, &mean(&[dark]).unwrap(), &mut findings);
        assert!(!findings.is_empty());
    }

    #[test]
    fn too_much_and_too_little_are_named() {
        let mut findings = Vec::new();
        let own = measured(-20.0, |hz| {
            if (100.0..400.0).contains(&hz) {
                9.0
            } else if hz > 5000.0 {
                -9.0
            } else {
                0.0
            }
        });
        compare(&own, &measured(-10.0, |_| 0.0), &mut findings);
        let kinds: Vec<_> = findings.iter().map(|f| f.kind).collect();
        assert!(
            kinds.contains(&FindingKind::Muddy) && kinds.contains(&FindingKind::Dull),
            "{kinds:?}"
        );
        let muddy = findings.iter().find(|f| f.kind == FindingKind::Muddy).unwrap();
        let mv = muddy.mv.unwrap();
        assert!(mv.action == Action::Cut && mv.gain_db.unwrap() < -3.0, "{mv:?}");
    }
}
