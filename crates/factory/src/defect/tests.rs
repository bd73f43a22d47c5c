//! Each fault does what its truth says, measured here by other means than those that planted it.

use super::{Defect, Kind, Target};
use crate::dsp::{Noise, rms, to_db};
use crate::rng::{Rng, rng};

const RATE_HZ: u32 = 24_000;
const SECONDS: usize = 2;

/// Amplitude of a sine at a frequency (Goertzel's sum, written out).
fn tone_level(channel: &[f32], freq_hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, x) in channel.iter().enumerate() {
        let angle = core::f64::consts::TAU * freq_hz * i as f64 / f64::from(RATE_HZ);
        re += f64::from(*x) * libm::cos(angle);
        im += f64::from(*x) * libm::sin(angle);
    }
    2.0 * (re * re + im * im).sqrt() / channel.len() as f64
}

fn channel(samples: &[f32], which: usize) -> Vec<f32> {
    samples.iter().skip(which).step_by(2).copied().collect()
}

/// Stereo noise with a common and an own part in each channel.
fn material() -> Vec<f32> {
    let mut noise = Noise::new(&mut rng(1, "material"));
    (0..RATE_HZ as usize * SECONDS)
        .flat_map(|_| {
            let mid = 0.2 * noise.next();
            [mid + 0.05 * noise.next(), mid + 0.05 * noise.next()]
        })
        .collect()
}

/// A clear case of the kind and what it made of the material.
fn planted(kind: Kind, seed: u64) -> (Defect, Vec<f32>) {
    let mut rng: Rng = rng(seed, "defect");
    let defect = Defect::draw(Target::Mix, kind, &mut rng);
    let mut samples = material();
    defect.plant(&mut samples, RATE_HZ, &mut rng);
    (defect, samples)
}

/// Gain in dB at a frequency, by the response to a lone sine.
fn gain_db(defect: &Defect, freq_hz: f64) -> f64 {
    let sine = |i: usize| {
        libm::sin(core::f64::consts::TAU * freq_hz * i as f64 / f64::from(RATE_HZ)) as f32 * 0.1
    };
    let mut samples: Vec<f32> = (0..RATE_HZ as usize).flat_map(|i| [sine(i), sine(i)]).collect();
    defect.plant(&mut samples, RATE_HZ, &mut rng(1, "gain"));
    to_db(tone_level(&channel(&samples, 0)[RATE_HZ as usize / 2..], freq_hz) / 0.1)
}

#[test]
fn bands_are_raised_and_lowered_by_the_amount() {
    const TOLERANCE_DB: f64 = 1.0;
    for kind in [Kind::Boomy, Kind::Muddy, Kind::Boxy, Kind::Harsh, Kind::Sibilant, Kind::Resonance]
    {
        let (defect, _) = planted(kind, 3);
        let [lo, hi] = defect.band_hz.unwrap();
        let at = gain_db(&defect, (lo * hi).sqrt());
        assert!(
            (at - defect.amount_db).abs() < TOLERANCE_DB,
            "{kind:?}: {at} for {}",
            defect.amount_db
        );
        assert!(gain_db(&defect, lo / 6.0).abs() < TOLERANCE_DB, "{kind:?} reaches below");
    }
    let (dull, _) = planted(Kind::Dull, 3);
    assert!(
        (gain_db(&dull, 11_000.0) - dull.amount_db).abs() < 2.0
            && gain_db(&dull, 200.0).abs() < TOLERANCE_DB
    );
    let (thin, _) = planted(Kind::Thin, 3);
    assert!(
        (gain_db(&thin, 25.0) - thin.amount_db).abs() < 2.0
            && gain_db(&thin, 4000.0).abs() < TOLERANCE_DB
    );
}

#[test]
fn hum_and_noise_lie_at_their_level() {
    let before = material();
    for kind in [Kind::Hum, Kind::Noise] {
        let (defect, after) = planted(kind, 4);
        let added: Vec<f32> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        let level_db = to_db(rms(&added) / rms(&before));
        assert!(
            (level_db - defect.amount_db).abs() < 0.5,
            "{kind:?}: {level_db} for {}",
            defect.amount_db
        );
        if let Some([mains_hz, _]) = defect.band_hz {
            assert!(
                tone_level(&channel(&after, 0), mains_hz)
                    > 5.0 * tone_level(&channel(&before, 0), mains_hz)
            );
        }
    }
}

#[test]
fn clipping_flattens_the_peaks() {
    let (_, after) = planted(Kind::Clipping, 5);
    let top = after.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let flat = after.iter().filter(|x| x.abs() == top).count();
    assert!(flat > after.len() / 100, "{flat} samples at the ceiling");
}

#[test]
fn channels_and_offsets_are_as_stated() {
    let (offset, after) = planted(Kind::DcOffset, 6);
    let mean = after.iter().map(|&x| f64::from(x)).sum::<f64>() / after.len() as f64;
    assert!((to_db(mean) - offset.amount_db).abs() < 1.0);
    let (tilt, after) = planted(Kind::ChannelImbalance, 6);
    let between = to_db(rms(&channel(&after, 0)) / rms(&channel(&after, 1))).abs();
    assert!((between - tilt.amount_db).abs() < 0.5);
    let agreement = |samples: &[f32]| {
        samples.chunks_exact(2).map(|p| f64::from(p[0]) * f64::from(p[1])).sum::<f64>()
    };
    assert!(agreement(&planted(Kind::PhaseInverted, 6).1) < 0.0 && agreement(&material()) > 0.0);
    let (narrow, after) = planted(Kind::Narrow, 6);
    let sides = |samples: &[f32]| -> Vec<f32> {
        samples.chunks_exact(2).map(|p| 0.5 * (p[0] - p[1])).collect()
    };
    let gain_db = to_db(rms(&sides(&after)) / rms(&sides(&material())));
    assert!((gain_db - narrow.amount_db).abs() < 0.5, "{gain_db} for {narrow:?}");
}

#[test]
fn a_wide_low_end_vanishes_in_mono() {
    let (defect, after) = planted(Kind::WideLowEnd, 7);
    let sum = |samples: &[f32]| {
        samples.chunks_exact(2).map(|p| 0.5 * (p[0] + p[1])).collect::<Vec<f32>>()
    };
    let mut low_db = 0.0;
    for i in 0..20 {
        let freq = 30.0 + f64::from(i);
        low_db +=
            to_db(tone_level(&sum(&after), freq) / tone_level(&sum(&material()), freq)) / 20.0;
    }
    assert!(low_db < -6.0, "{low_db} dB in mono, {defect:?}");
}

#[test]
fn loudness_moves_as_stated() {
    // Noise bursts of 100 ms, 26 dB above the rest: a wide range to squash.
    let range_db = |x: &[f32]| to_db(rms(&x[..4800]) / rms(&x[9600..38_400]));
    let mut bursts = material();
    bursts
        .iter_mut()
        .enumerate()
        .for_each(|(i, x)| *x *= if (i / 4800) % 8 == 0 { 1.0 } else { 0.05 });
    let before_db = range_db(&bursts);
    Defect { on: Target::Mix, kind: Kind::Overcompressed, band_hz: None, amount_db: 20.0 }.plant(
        &mut bursts,
        RATE_HZ,
        &mut rng(1, "squash"),
    );
    assert!(range_db(&bursts) < before_db - 8.0, "{before_db} to {}", range_db(&bursts));
    assert!(to_db(rms(&planted(Kind::TooLoud, 8).1)) > -7.0);
    let (quiet, after) = planted(Kind::TooQuiet, 8);
    assert!((to_db(rms(&after) / rms(&material())) - quiet.amount_db).abs() < 0.1);
}

#[test]
fn amounts_grow_and_keep_the_place() {
    for kind in Kind::ALL {
        let amounts = kind.amounts_db();
        let grows = amounts.windows(2).all(|pair| (pair[0] < pair[1]) == (amounts[0] < amounts[1]));
        assert!(grows && amounts.iter().all(|amount| amount.is_finite()), "{kind:?}");
        let at = |amount_db| Defect::at(Target::Mix, kind, amount_db, &mut rng(9, "place"));
        assert_eq!(at(1.0).band_hz, at(2.0).band_hz, "{kind:?}");
        assert_eq!(at(1.0).band_hz, Defect::draw(Target::Mix, kind, &mut rng(9, "place")).band_hz);
    }
}

#[test]
fn every_kind_stays_finite_and_changes_the_sound() {
    for kind in Kind::ALL {
        for seed in 0..8 {
            let (_, after) = planted(kind, seed);
            assert!(after.iter().all(|x| x.is_finite()), "{kind:?}");
            assert!(after != material(), "{kind:?} does nothing");
            let mut silence = vec![0.0; 4800];
            Defect::draw(Target::Mix, kind, &mut rng(seed, "s")).plant(
                &mut silence,
                RATE_HZ,
                &mut rng(seed, "s"),
            );
            assert!(silence.iter().all(|x| x.is_finite()), "{kind:?} on silence");
        }
    }
}

#[test]
fn a_fault_without_sound_to_act_on_is_left_out() {
    // A lone high sine has no low end to be boomy, but can be harsh.
    let sine = |i: usize| 0.1 * libm::sin(0.8 * i as f64) as f32;
    let mut samples: Vec<f32> = (0..24_000).flat_map(|i| [sine(i), sine(i)]).collect();
    let before = samples.clone();
    let mut plant = |kind, band_hz| {
        let defect = Defect { on: Target::Mix, kind, band_hz: Some(band_hz), amount_db: 10.0 };
        defect.plant_if_heard(&mut samples, RATE_HZ, &mut rng(1, "heard"))
    };
    assert!(!plant(Kind::Boomy, [70.0, 140.0]));
    assert!(plant(Kind::Harsh, [2500.0, 3700.0]));
    assert!(samples != before);
}
