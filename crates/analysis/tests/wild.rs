//! Audio that nobody means: no meter panics on it, and no figure is made of nothing.

use analysis::{AnalysisError, Meter, detect};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;
use signal::{Label, Measurements};

/// Rates and channels of the slices, the extremes of both among them.
const FORMATS: [(u32, usize); 8] = [
    (1_000, 1),
    (8_000, 1),
    (44_100, 2),
    (48_000, 2),
    (48_000, 6),
    (96_000, 8),
    (384_000, 2),
    (768_000, 1),
];

/// Samples that a broken file, a broken plugin or an idle one may hold.
fn wild(kind: usize, rng: &mut Pcg64Mcg) -> f32 {
    let sign = if rng.random::<bool>() { 1.0 } else { -1.0 };
    match kind {
        0 => 2.0 * rng.random::<f32>() - 1.0,
        1 => sign * f32::MIN_POSITIVE * rng.random::<f32>(),
        2 => sign * f32::MAX,
        3 => f32::MAX,
        4 => 1e30 + rng.random::<f32>(),
        5 => sign * 1e20 * rng.random::<f32>().powi(40),
        6 => f32::from_bits(rng.random::<u32>() & 0xff7f_ffff),
        7 => sign,
        _ => -0.0,
    }
}
const KINDS: usize = 9;

/// Every figure is a finite number, or missing with a reason.
fn check(measured: &Measurements, what: &str) {
    let printed = serde_json::to_value(measured).expect("plain data");
    let Value::Object(fields) = &printed else { panic!("{what}: no object") };
    for (name, value) in fields {
        let note = measured.notes.contains_key(name);
        match value {
            Value::Null => assert!(note, "{what}: {name} is missing without a reason"),
            Value::Array(list) if list.is_empty() => {
                assert!(note, "{what}: {name} is empty without a reason");
            }
            // A number that is not finite is written as null.
            Value::Array(list) => {
                for row in list {
                    let row = row.as_object().into_iter().flatten();
                    for (field, value) in row.filter(|(_, value)| value.is_null()) {
                        let may = ["correlation", "width", "rms_dbfs", "crest_db"];
                        assert!(may.contains(&field.as_str()), "{what}: {name}.{field} {value}");
                    }
                }
            }
            _ => {}
        }
    }
    for finding in detect(measured, Some(Label::FullMix)) {
        assert!(finding.evidence.iter().all(|evidence| evidence.value.is_finite()), "{what}");
        assert!(!finding.text.contains("NaN") && !finding.text.contains("inf"), "{what}");
    }
}

#[test]
fn no_audio_makes_a_meter_panic_or_lie() {
    let mut rng = Pcg64Mcg::seed_from_u64(4);
    for (rate_hz, channels) in FORMATS {
        for kind in 0..KINDS {
            for frames in [0, 1, 2, 479, rate_hz as usize / 2] {
                let what = format!("{frames} frames of kind {kind} at {rate_hz} Hz x {channels}");
                let audio: Vec<f32> =
                    (0..frames * channels).map(|_| wild(kind, &mut rng)).collect();
                let mut meter = Meter::new(rate_hz, channels).expect("a format in reach");
                let samples = audio.iter().position(|x| !x.is_finite());
                assert_eq!(meter.push(&audio).is_err(), samples.is_some(), "{what}");
                check(&meter.finish(), &what);
            }
        }
    }
}

#[test]
fn a_pause_of_garbage_does_not_spoil_the_rest() {
    let mut rng = Pcg64Mcg::seed_from_u64(5);
    let music: Vec<f32> = (0..2 * 48_000).map(|_| 0.1 * wild(0, &mut rng)).collect();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut meter = Meter::new(48_000, 2).expect("a format in reach");
        meter.push(&music).expect("finite");
        assert!(matches!(meter.push(&[0.0, bad]), Err(AnalysisError::NotFinite { .. })));
        meter.push(&music).expect("finite");
        let mut without = Meter::new(48_000, 2).expect("a format in reach");
        without.push(&music).expect("finite");
        without.push(&music).expect("finite");
        assert_eq!(meter.finish(), without.finish(), "{bad}");
    }
}
