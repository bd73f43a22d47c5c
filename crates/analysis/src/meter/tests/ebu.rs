//! EBU Tech 3341 v4 table 1, the synthetic cases 1-6 and 9-19, and EBU Tech 3342 table 1, cases 1-4, at 48 kHz.

use super::{measure, near};
use crate::testing::{RATE_HZ, samples, sine, spread};

const LOUDNESS_LU: f64 = 0.1;

/// Tones of 1 kHz in phase on two channels: (seconds, peak dBFS), silence at -inf.
fn tones(parts: &[(f64, f64)]) -> Vec<f32> {
    let mono: Vec<f32> =
        parts.iter().flat_map(|&(seconds, dbfs)| sine(1_000.0, dbfs, seconds)).collect();
    spread(&mono, 2)
}

const SILENCE: f64 = f64::NEG_INFINITY;

#[test]
fn case_1_and_2_steady_tones() {
    for level in [-23.0, -33.0] {
        let measured = measure(&tones(&[(20.0, level)]), 2);
        near(measured.momentary_max_lufs, level, LOUDNESS_LU);
        near(measured.short_term_max_lufs, level, LOUDNESS_LU);
        near(measured.integrated_lufs, level, LOUDNESS_LU);
    }
}

#[test]
fn case_3_to_5_gates() {
    let cases: [&[(f64, f64)]; 3] = [
        &[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)],
        &[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)],
        &[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)],
    ];
    for case in cases {
        near(measure(&tones(case), 2).integrated_lufs, -23.0, LOUDNESS_LU);
    }
}

#[test]
fn case_6_five_channels() {
    let [front, centre, surround] = [-28.0, -24.0, -30.0].map(|dbfs| sine(1_000.0, dbfs, 20.0));
    let frames = front.iter().zip(&centre).zip(&surround);
    let interleaved: Vec<f32> = frames.flat_map(|((&f, &c), &s)| [f, f, c, s, s]).collect();
    near(measure(&interleaved, 5).integrated_lufs, -23.0, LOUDNESS_LU);
}

#[test]
fn case_9_short_term_is_constant() {
    let measured = measure(&tones(&[(1.34, -20.0), (1.66, -30.0)].repeat(5)), 2);
    near(measured.short_term_max_lufs, -23.0, LOUDNESS_LU);
}

#[test]
fn case_10_and_11_short_term_of_bursts_at_any_offset() {
    for i in 0..20 {
        let offset = f64::from(i) * 0.15;
        let file = measure(&tones(&[(offset, SILENCE), (3.0, -23.0), (1.0, SILENCE)]), 2);
        near(file.short_term_max_lufs, -23.0, LOUDNESS_LU);
        let level = -38.0 + f64::from(i);
        let live = measure(&tones(&[(offset, SILENCE), (3.0, level), (3.0 - offset, SILENCE)]), 2);
        near(live.short_term_max_lufs, level, LOUDNESS_LU);
    }
}

#[test]
fn case_12_momentary_is_constant() {
    let measured = measure(&tones(&[(0.18, -20.0), (0.22, -30.0)].repeat(25)), 2);
    near(measured.momentary_max_lufs, -23.0, LOUDNESS_LU);
}

#[test]
fn case_13_and_14_momentary_of_bursts_at_any_offset() {
    for i in 0..20 {
        let offset = f64::from(i) * 0.02;
        let file = measure(&tones(&[(offset, SILENCE), (0.4, -23.0), (1.0, SILENCE)]), 2);
        near(file.momentary_max_lufs, -23.0, LOUDNESS_LU);
        let level = -38.0 + f64::from(i);
        let live = measure(&tones(&[(offset, SILENCE), (0.4, level), (0.4 - offset, SILENCE)]), 2);
        near(live.momentary_max_lufs, level, LOUDNESS_LU);
    }
}

#[test]
fn case_15_to_19_true_peak_between_samples() {
    // (divisor of the rate, amplitude, phase in degrees, dBTP)
    let cases = [
        (4, 0.5, 0.0, -6.0),
        (4, 0.5, 45.0, -6.0),
        (6, 0.5, 60.0, -6.0),
        (8, 0.5, 67.5, -6.0),
        (4, 1.41, 45.0, 3.0),
    ];
    for (divisor, amplitude, phase, expected) in cases {
        let count = samples(2.0);
        let fade = samples(0.01) as f64;
        let mono: Vec<f32> = (0..count)
            .map(|i| {
                let angle =
                    std::f64::consts::TAU * i as f64 / f64::from(divisor) + f64::to_radians(phase);
                let gain = (i as f64 / fade).min((count - i) as f64 / fade).min(1.0);
                (amplitude * gain * angle.sin()) as f32
            })
            .collect();
        let peak = measure(&spread(&mono, 2), 2).true_peak_dbtp.unwrap();
        assert!(
            (-0.4..=0.2).contains(&(peak - expected)),
            "rate/{divisor} at {phase} degrees: {peak}"
        );
    }
}

#[test]
fn tech_3342_loudness_range() {
    let cases: [(&[f64], f64); 4] = [
        (&[-20.0, -30.0], 10.0),
        (&[-20.0, -15.0], 5.0),
        (&[-40.0, -20.0], 20.0),
        (&[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    for (levels, expected) in cases {
        let parts: Vec<(f64, f64)> = levels.iter().map(|&level| (20.0, level)).collect();
        near(measure(&tones(&parts), 2).loudness_range_lu, expected, 1.0);
    }
    assert_eq!(RATE_HZ, 48_000, "the cases are defined at 48 kHz");
}
