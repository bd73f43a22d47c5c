//! The resampler against its definition: lengths, block splits, gains and the direct sum.

use super::*;

fn resample(from_hz: u32, to_hz: u32, input: &[f32], block: usize) -> Vec<f32> {
    let mut resampler = Resampler::new(from_hz, to_hz).unwrap();
    let mut out = Vec::new();
    for chunk in input.chunks(block) {
        resampler.push(chunk, &mut out);
    }
    resampler.finish(&mut out);
    out
}

fn sine(rate_hz: u32, freq_hz: f64, samples: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * freq_hz / f64::from(rate_hz);
    (0..samples).map(|i| (i as f64 * step).sin() as f32).collect()
}

/// The definition, summed over every input sample.
fn direct(from_hz: u32, to_hz: u32, input: &[f32], m: usize) -> f64 {
    let step = (f64::from(to_hz) / f64::from(from_hz)).min(1.0) * 0.99;
    let centre = m as f64 * f64::from(from_hz) / f64::from(to_hz);
    let terms = input
        .iter()
        .enumerate()
        .map(|(i, &x)| f64::from(x) * step * kernel((i as f64 - centre) * step));
    terms.sum()
}

#[test]
fn output_length_is_the_ceiling_at_every_rate() {
    for rate in
        [1_000, 7_999, 8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 69_313, 96_000, 768_000]
    {
        for samples in [0usize, 1, 2, 999, 4_801] {
            let out = resample(rate, 24_000, &vec![0.25; samples], 512);
            assert_eq!(
                out.len(),
                (samples * 24_000).div_ceil(rate as usize),
                "{samples} samples at {rate} Hz"
            );
        }
    }
}

#[test]
fn any_block_split_gives_the_same_samples() {
    for rate in [8_000, 44_100, 48_000, 69_313] {
        let input = sine(rate, 700.0, 30_011);
        let whole = resample(rate, 24_000, &input, input.len());
        for block in [1, 7, 512, 20_000] {
            assert_eq!(resample(rate, 24_000, &input, block), whole, "{block} at {rate} Hz");
        }
    }
}

#[test]
fn equals_the_direct_sum_with_tabulated_and_computed_phases() {
    for rate in [44_100, 96_000, 767_999] {
        let input = sine(rate, 1_000.0, rate as usize / 100);
        let out = resample(rate, 24_000, &input, 333);
        for m in [0, 1, 57, out.len() - 1] {
            let expected = direct(rate, 24_000, &input, m);
            assert!(
                (f64::from(out[m]) - expected).abs() < 2e-6,
                "{rate} Hz, sample {m}: {} {expected}",
                out[m]
            );
        }
    }
}

#[test]
fn passes_the_band_and_stops_what_would_fold() {
    let level = |freq_hz: f64| {
        let out = resample(48_000, 24_000, &sine(48_000, freq_hz, 48_000), 480);
        let inner = &out[500..out.len() - 500];
        let power = inner.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / inner.len() as f64;
        10.0 * (2.0 * power).log10()
    };
    assert!(level(1_000.0).abs() < 0.05);
    assert!(level(9_000.0).abs() < 0.2);
    assert!(level(15_500.0) < -45.0);
    assert!(level(20_000.0) < -60.0);
}

#[test]
fn equal_rates_pass_the_samples_through() {
    let input = sine(24_000, 440.0, 1_000);
    assert_eq!(resample(24_000, 24_000, &input, 64), input);
}

#[test]
fn rates_out_of_range_are_refused_by_name() {
    let error = Resampler::new(999, 24_000).unwrap_err();
    assert_eq!(error.to_string(), "sample_rate_hz: 999 is outside 1000..=768000");
    assert!(Resampler::new(24_000, 768_001).is_err());
}
