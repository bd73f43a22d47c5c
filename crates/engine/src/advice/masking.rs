//! Whether another stem covers this one: where this stem has its energy, is the other much louder?

use signal::{Action, Band, Evidence, Finding, FindingKind, Measurements, Move, Severity};

/// A band matters to a stem if it lies no more than this below the stem's strongest band, in dB.
const MATTERS_DB: f64 = 10.0;

/// The other stem covers a band if it is this much louder there, in dB.
const COVERS_DB: f64 = 8.0;

/// At least this many neighbouring third-octave bands must be covered.
const NEIGHBOURS: usize = 2;

/// Where masking is looked for, in Hz.
const RANGE_HZ: (f64, f64) = (50.0, 10_000.0);

/// The finding that the stem `name`, measured as `other`, covers the one measured as `own`.
pub(super) fn finding(own: &Measurements, other: &Measurements, name: &str) -> Option<Finding> {
    let pairs: Vec<(Band, Band)> = own
        .bands
        .iter()
        .zip(&other.bands)
        .filter(|(a, b)| a.lo_hz == b.lo_hz && a.lo_hz >= RANGE_HZ.0 && a.hi_hz <= RANGE_HZ.1)
        .map(|(a, b)| (*a, *b))
        .collect();
    let strongest = pairs.iter().map(|(own, _)| own.level_db).reduce(f64::max)?;
    let covered = |(own, other): &(Band, Band)| {
        own.level_db > Band::FLOOR_DB + 40.0
            && own.level_db >= strongest - MATTERS_DB
            && other.level_db >= own.level_db + COVERS_DB
    };
    let run = pairs
        .chunk_by(|a, b| covered(a) == covered(b))
        .filter(|run| covered(&run[0]))
        .max_by_key(|run| run.len())?;
    let (first, last) = (run.first()?, run.last()?);
    if run.len() < NEIGHBOURS {
        return None;
    }
    let band_hz = [first.0.lo_hz, last.0.hi_hz];
    let (own_db, other_db) =
        (own.level_between(band_hz[0], band_hz[1])?, other.level_between(band_hz[0], band_hz[1])?);
    let over_db = other_db - own_db;
    let freq_hz = (band_hz[0] * band_hz[1]).sqrt().round();
    let evidence = |name: &str, value: f64, unit: &str, standard: &str| Evidence {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        standard: standard.to_owned(),
    };
    Some(Finding {
        kind: FindingKind::Masking,
        severity: if over_db > 18.0 && run.len() > 3 { Severity::Clear } else { Severity::Minor },
        confidence: (over_db / 30.0).clamp(0.3, 0.9),
        band_hz: Some(band_hz),
        evidence: vec![
            evidence("level_over_db", over_db, "dB", ""),
            evidence("level_db", own_db, "dBFS", "IEC 61260-1"),
            evidence("masker_level_db", other_db, "dBFS", "IEC 61260-1"),
        ],
        mv: Some(Move {
            action: Action::Cut,
            freq_hz: Some(freq_hz),
            q: Some(1.0),
            gain_db: Some(-3.0),
        }),
        text: format!(
            "{name} is {over_db:.1} dB louder than this track from {:.0} to {:.0} Hz, where this track has most of its \
             energy. If this track should be heard there, try -3.0 dB at {freq_hz:.0} Hz on {name}.",
            band_hz[0], band_hz[1]
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Third-octave bands from 25 Hz up, all at -90 dBFS but for some.
    fn measured(loud: &[(usize, f64)]) -> Measurements {
        let mut bands: Vec<Band> = (0..30)
            .map(|i| {
                let lo_hz = 22.4 * 10f64.powf(f64::from(i) / 10.0);
                Band { lo_hz, hi_hz: lo_hz * 10f64.powf(0.1), level_db: -90.0 }
            })
            .collect();
        for &(index, level_db) in loud {
            bands[index].level_db = level_db;
        }
        Measurements { bands, ..Measurements::default() }
    }

    #[test]
    fn a_louder_stem_in_the_same_bands_masks() {
        let own = measured(&[(8, -40.0), (9, -38.0), (10, -41.0)]);
        let other = measured(&[(8, -25.0), (9, -24.0), (10, -26.0), (20, -20.0)]);
        let found = finding(&own, &other, "bass.wav").unwrap();
        assert_eq!(found.kind, FindingKind::Masking);
        let [lo, hi] = found.band_hz.unwrap();
        assert!((lo - own.bands[8].lo_hz).abs() < 1e-9 && (hi - own.bands[10].hi_hz).abs() < 1e-9);
        assert!((found.evidence[0].value - 14.5).abs() < 0.5, "{found:?}");
        assert!(found.text.contains("bass.wav"));
    }

    #[test]
    fn elsewhere_or_a_little_louder_does_not() {
        let own = measured(&[(8, -40.0), (9, -38.0), (10, -41.0)]);
        for other in [
            measured(&[(18, -20.0), (19, -20.0), (20, -20.0)]),
            measured(&[(8, -38.0), (9, -36.0), (10, -39.0)]),
            measured(&[(9, -20.0)]),
        ] {
            assert_eq!(finding(&own, &other, "x"), None);
        }
    }
}
