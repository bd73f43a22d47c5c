//! The meters against EBU Tech 3341 and 3342, and against what must never happen.

use signal::Measurements;

use super::Meter;
use crate::AnalysisError;
use crate::testing::{RATE_HZ, interleave, noise, random_blocks, samples, sine, sine_at, spread};

mod ebu;

fn measure_at(rate_hz: u32, interleaved: &[f32], channels: usize) -> Measurements {
    let mut meter = Meter::without_music(rate_hz, channels).unwrap();
    for block in interleaved.chunks(512 * channels) {
        meter.push(block).unwrap();
    }
    meter.finish()
}

fn measure(interleaved: &[f32], channels: usize) -> Measurements {
    measure_at(RATE_HZ, interleaved, channels)
}

#[track_caller]
fn near(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.expect("a value");
    assert!((found - expected).abs() <= tolerance, "{found}, expected {expected} +-{tolerance}");
}

/// Every number of a report is finite, and every missing one has a note.
fn check_report(measured: &Measurements) {
    let json = serde_json::to_value(measured).unwrap();
    for (field, value) in json.as_object().unwrap() {
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            assert!(measured.notes.contains_key(field), "{field} is missing without a note");
        }
    }
    for band in &measured.bands {
        assert!(band.level_db.is_finite());
    }
}

#[test]
fn any_block_split_gives_the_same_figures() {
    let mut mono = noise(1, -20.0, samples(7.3));
    for (index, x) in mono.iter_mut().enumerate() {
        *x *= if index / 20_000 % 2 == 0 { 1.0 } else { 0.2 };
    }
    let other = noise(2, -30.0, mono.len());
    let stereo = interleave(&mono, &other);
    let mut whole = Meter::new(RATE_HZ, 2).unwrap();
    whole.push(&stereo).unwrap();
    let whole = whole.finish();
    for seed in 0..4 {
        let mut meter = Meter::new(RATE_HZ, 2).unwrap();
        random_blocks(seed, &stereo, 2, |block| meter.push(block).unwrap());
        assert_eq!(meter.finish(), whole);
    }
}

#[test]
fn own_loudness_agrees_with_ebur128_at_every_rate() {
    for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 69_313, 88_200, 96_000, 176_400, 192_000] {
        let measured = measure_at(rate, &spread(&sine_at(rate, 997.0, -18.0, 4.0), 2), 2);
        near(measured.integrated_lufs, -18.0, 0.1);
        near(measured.loudness_lufs, measured.integrated_lufs.unwrap(), 0.03);
        near(measured.momentary_max_lufs, -18.0, 0.1);
        near(measured.short_term_max_lufs, -18.0, 0.1);
        check_report(&measured);
    }
}

#[test]
fn rates_beyond_the_standard_are_measured_as_far_as_they_go() {
    for rate in [1_000, 2_000, 7_999, 384_001, 768_000] {
        let measured = measure_at(rate, &spread(&sine_at(rate, 50.0, -12.0, 1.0), 2), 2);
        assert_eq!(measured.integrated_lufs, None);
        assert!(measured.notes["integrated_lufs"].contains("BS.1770"));
        near(measured.sample_peak_dbfs, -12.0, 0.05);
        near(measured.crest_db, 3.01, 0.05);
        check_report(&measured);
    }
    assert_eq!(Meter::new(999, 2).unwrap_err(), AnalysisError::SampleRate { found: 999 });
    assert_eq!(Meter::new(768_001, 2).unwrap_err(), AnalysisError::SampleRate { found: 768_001 });
}

#[test]
fn odd_channel_counts_are_measured() {
    assert_eq!(Meter::new(48_000, 0).unwrap_err(), AnalysisError::Channels { found: 0 });
    assert_eq!(Meter::new(48_000, 65).unwrap_err(), AnalysisError::Channels { found: 65 });
    for channels in [1, 3, 7, 64] {
        let measured = measure(&spread(&sine(997.0, -20.0, 0.5), channels), channels);
        near(measured.sample_peak_dbfs, -20.0, 0.05);
        assert_eq!(measured.correlation, None);
        check_report(&measured);
    }
}

#[test]
fn nothing_and_nearly_nothing_have_notes_and_no_infinities() {
    for channels in [1, 2] {
        for interleaved in [
            vec![],
            vec![0.0; channels],
            vec![0.5; channels],
            vec![0.0; 96_000],
            vec![1e-30; 9_600],
        ] {
            let mut meter = Meter::new(RATE_HZ, channels).unwrap();
            meter.push(&interleaved).unwrap();
            check_report(&meter.finish());
        }
    }
    let empty = measure(&[], 2);
    assert_eq!(empty.notes["true_peak_dbtp"], "empty");
    let silent = measure(&vec![0.0; 96_000], 2);
    assert_eq!(silent.notes["integrated_lufs"], "silent");
    assert_eq!(silent.signal_s, 0.0);
    let short = measure(&spread(&sine(997.0, -20.0, 0.38), 2), 2);
    assert_eq!(short.notes["integrated_lufs"], "too short (0.38 s of 0.4 s)");
    near(short.loudness_lufs, -20.0, 0.2);
}

#[test]
fn enormous_samples_overflow_nothing() {
    for size in [1e6f32, 1e30, f32::MAX] {
        let square: Vec<f32> =
            (0..48_000).map(|i| if i / 50 % 2 == 0 { size } else { -size }).collect();
        let mut meter = Meter::new(RATE_HZ, 1).unwrap();
        meter.push(&square).unwrap();
        check_report(&meter.finish());
    }
}

#[test]
fn a_sample_that_is_no_number_is_named_by_its_frame() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut meter = Meter::new(RATE_HZ, 2).unwrap();
        meter.push(&vec![0.1; 2_000]).unwrap();
        let mut block = vec![0.1; 600];
        block[421] = bad;
        assert_eq!(meter.push(&block), Err(AnalysisError::NotFinite { frame: 1_210 }));
    }
    let mut meter = Meter::new(RATE_HZ, 2).unwrap();
    assert_eq!(meter.push(&[0.0; 3]), Err(AnalysisError::Ragged { found: 3, channels: 2 }));
}

#[test]
fn bands_hold_the_power_where_it_is() {
    let measured = measure(&sine(1_000.0, -20.0, 2.0), 1);
    assert_eq!(measured.bands.len(), 30);
    for band in &measured.bands {
        let inside = (band.lo_hz..band.hi_hz).contains(&1_000.0);
        if inside {
            assert!((band.level_db + 23.01).abs() < 0.05, "{band:?}");
        } else {
            // The tone begins and ends at once: its edges splash a little.
            assert!(band.level_db < -55.0, "{band:?}");
        }
    }
    near(measured.centroid_hz, 1_000.0, 5.0);
    let white = measure(&noise(5, -20.0, samples(4.0)), 1);
    let total = white.level_between(22.4, 22_387.0).unwrap();
    assert!((total + 20.0 - 10.0 * (22_365.0f64 / 24_000.0).log10()).abs() < 0.1, "{total}");
}

#[test]
fn bands_count_a_sound_at_the_very_edge_in_full() {
    let mut click = sine(1_000.0, -10.0, 0.05);
    click.resize(samples(1.0), 0.0);
    let level = measure(&click, 1).level_between(25.0, 20_000.0).unwrap();
    let expected = -10.0 - 3.01 + 10.0 * 0.05f64.log10();
    assert!((level - expected).abs() < 0.1, "{level} {expected}");
}

#[test]
fn stereo_figures_follow_their_definitions() {
    let (left, right) = (noise(7, -20.0, samples(2.0)), noise(8, -20.0, samples(2.0)));
    let inverted: Vec<f32> = left.iter().map(|x| -x).collect();
    let quieter: Vec<f32> = left.iter().map(|x| x * 0.5).collect();
    let check = |right: &[f32], correlation: f64, width: f64, balance_db: f64| {
        let measured = measure(&interleave(&left, right), 2);
        near(measured.correlation, correlation, 0.02);
        near(measured.width, width, 0.01);
        near(measured.balance_db, balance_db, 0.1);
    };
    check(&left, 1.0, 0.0, 0.0);
    check(&right, 0.0, 0.5, 0.0);
    check(&inverted, -1.0, 1.0, 0.0);
    check(&quieter, 1.0, 0.1, -6.02);
    let single = measure(&interleave(&left, &vec![0.0; left.len()]), 2);
    assert_eq!(single.correlation, None);
    assert_eq!(single.notes["correlation"], "the right channel is silent");
    assert_eq!(single.balance_db, Some(-60.0));
}

#[test]
fn octaves_tell_left_from_right() {
    let low = sine(125.0, -12.0, 4.0);
    let high = sine(4_000.0, -12.0, 4.0);
    let mix = |sign: f32| low.iter().zip(&high).map(|(l, h)| l + sign * h).collect::<Vec<f32>>();
    let m = measure(&interleave(&mix(1.0), &mix(-1.0)), 2);
    let of = |hz: f64| m.stereo_bands.iter().find(|b| (b.lo_hz..b.hi_hz).contains(&hz)).unwrap();
    near(of(125.0).correlation, 1.0, 1e-3);
    near(of(125.0).width, 0.0, 1e-3);
    near(of(4_000.0).correlation, -1.0, 1e-3);
    near(of(4_000.0).width, 1.0, 1e-3);
    let one_sided = measure(&interleave(&low, &vec![0.0; low.len()]), 2);
    near(one_sided.stereo_bands[2].width, 0.5, 1e-3);
    assert_eq!(one_sided.stereo_bands[2].correlation, None);
    assert!(measure(&low, 1).stereo_bands.is_empty());
}

#[test]
fn the_crest_factor_of_a_band_is_its_own() {
    // A steady low tone has 3.01 dB; a tone that sounds a tenth of the time has 10 dB more.
    let low = sine(50.0, -12.0, 10.0);
    let high = sine(12_000.0, -12.0, 10.0);
    let second = samples(1.0);
    let gated =
        high.iter().enumerate().map(|(i, x)| if i % second < second / 10 { *x } else { 0.0 });
    let mono: Vec<f32> = low.iter().zip(gated).map(|(l, h)| l + h).collect();
    for channels in [1, 2] {
        let bands = measure(&spread(&mono, channels), channels).crest_bands;
        assert_eq!(bands.len(), 4);
        near(bands[0].rms_dbfs, -15.01, 0.3);
        near(bands[0].crest_db, 3.01, 0.3);
        near(bands[3].rms_dbfs, -25.01, 0.3);
        near(bands[3].crest_db, 13.01, 0.5);
    }
    assert!(measure(&vec![0.0; 96_000], 2).crest_bands.is_empty());
}

#[test]
fn clipped_runs_are_counted_and_round_tops_are_not() {
    let clipped: Vec<f32> = sine(220.0, 3.0, 1.0).iter().map(|x| x.clamp(-0.9, 0.9)).collect();
    let runs = measure(&clipped, 1).clipped_runs;
    assert!((430..=440).contains(&runs), "{runs}");
    // 16-bit quantisation makes flat tops of a low note; a square wave is flat by nature.
    let low: Vec<f32> =
        sine(40.0, 0.0, 2.0).iter().map(|x| (x * 32_767.0).round() / 32_768.0).collect();
    assert_eq!(measure(&low, 1).clipped_runs, 0);
    let square: Vec<f32> =
        sine(220.0, 0.0, 1.0).iter().map(|x| if *x > 0.0 { 0.8 } else { -0.8 }).collect();
    assert_eq!(measure(&square, 1).clipped_runs, 0);
    assert_eq!(measure(&noise(3, -12.0, samples(2.0)), 1).clipped_runs, 0);
}

/// A tone, clipped at 0.7 where it peaks at 1, four times a second silent for a moment.
fn clipped_tone() -> Vec<f32> {
    let burst = |i: usize| if i % 12_000 < 11_000 { 1.0 } else { 0.0 };
    let tone = sine(330.0, 0.0, 2.0);
    tone.iter().enumerate().map(|(i, x)| (x * burst(i)).clamp(-0.7, 0.7)).collect()
}

#[test]
fn clipping_is_found_however_far_it_was_turned_down() {
    let clipped = clipped_tone();
    let expected = measure(&clipped, 1).clipped_runs;
    // Two runs a period, but for those that a pause cuts.
    assert!((1_190..=1_220).contains(&expected), "{expected}");
    for gain in [0.5, 0.123, 0.01, 0.004] {
        let quieter: Vec<f32> = clipped.iter().map(|x| x * gain).collect();
        assert_eq!(measure(&quieter, 1).clipped_runs, expected, "gain {gain}");
    }
    let dither = noise(6, -95.0, clipped.len());
    let dithered: Vec<f32> = (clipped.iter().zip(&dither))
        .map(|(x, noise)| ((x * 1.3 + noise) * 32_768.0).round() / 32_768.0)
        .collect();
    let found = measure(&dithered, 1).clipped_runs;
    assert!(found * 2 > expected, "{found} of {expected} under the dither of 16 bit");
}

#[test]
fn round_tops_are_none_in_any_resolution() {
    for steps in [32_768.0, 8_388_608.0] {
        for (freq_hz, peak_dbfs) in [(20.0, -0.1), (41.2, -6.0), (110.0, -20.0), (1_000.0, -40.0)] {
            let tone: Vec<f32> = sine(freq_hz, peak_dbfs, 2.0)
                .iter()
                .map(|x| ((f64::from(*x) * steps).round() / steps) as f32)
                .collect();
            assert_eq!(measure(&tone, 1).clipped_runs, 0, "{freq_hz} Hz {peak_dbfs} dBFS {steps}");
        }
    }
}

#[test]
fn faults_are_told_with_their_times() {
    let mut track = sine(440.0, -20.0, 4.0);
    for (at_s, sound) in [(1.0, 2.0f32), (2.5, 4.0)] {
        let from = samples(at_s);
        for x in &mut track[from..from + samples(0.05)] {
            *x = (*x * 10.0 * sound).clamp(-0.95, 0.95);
        }
    }
    let measured = measure(&track, 1);
    let bursts = |t: &f64| (1.0..1.06).contains(t) || (2.5..2.56).contains(t);
    assert!(measured.clipped_times_s.iter().all(bursts), "{:?}", measured.clipped_times_s);
    assert_eq!(measured.clipped_times_s.len() as u64, measured.clipped_runs);
    assert_eq!(measured.true_peak_over_times_s, [1.0, 2.5]);
    assert_eq!(measured.true_peak_overs, 2);
    let long: Vec<f32> = sine(440.0, 6.0, 12.0).iter().map(|x| x.clamp(-0.99, 0.99)).collect();
    let measured = measure(&long, 1);
    assert_eq!((measured.true_peak_overs, measured.true_peak_over_times_s.len()), (120, 100));
    assert!(measured.clipped_runs > 10_000 && measured.clipped_times_s.len() == 100);
    let clean = measure(&sine(440.0, -20.0, 1.0), 1);
    assert_eq!(clean.notes["clipped_times_s"], "nothing is clipped");
    assert_eq!(clean.notes["true_peak_over_times_s"], "no true peak above -1 dBTP");
}

#[test]
fn hum_is_found_under_music_and_a_low_note_is_none() {
    let mut music = noise(9, -70.0, samples(6.0));
    for beat in 0..12 {
        crate::testing::mix_in(
            &mut music,
            f64::from(beat) * 0.5,
            &crate::testing::note(55.0, -12.0, 0.4),
        );
    }
    let clean = measure(&music, 1);
    assert_eq!(clean.hum_hz, None);
    for mains_hz in [50.0, 60.0] {
        let mut dirty = music.clone();
        for (harmonic, level_db) in [(1.0, -50.0), (2.0, -54.0), (3.0, -58.0)] {
            crate::testing::mix_in(&mut dirty, 0.0, &sine(mains_hz * harmonic, level_db, 6.0));
        }
        let measured = measure(&dirty, 1);
        assert_eq!(measured.hum_hz, Some(mains_hz));
        // Three lines of -53, -57 and -61 dBFS RMS.
        near(measured.hum_db, -51.1, 3.0);
    }
    // G1 and B1 lie closest to the mains, and their partials beside its harmonics.
    for pitch in [31.0, 35.0] {
        let drone = crate::testing::note(pitch, -12.0, 6.0);
        assert_eq!(measure(&drone, 1).hum_hz, None, "pitch {pitch}");
    }
}

#[test]
fn a_ringing_band_is_found_and_melodies_have_none() {
    let mut melody = vec![0.0; samples(12.0)];
    for (index, step) in
        [0, 4, 7, 12, 9, 5, 2, 7, 11, 4, 0, 5].into_iter().cycle().take(48).enumerate()
    {
        let pluck = crate::testing::note(f64::from(48 + step), -10.0, 0.5);
        crate::testing::mix_in(&mut melody, index as f64 * 0.25, &pluck);
    }
    let clean = measure(&melody, 1);
    assert!(clean.resonance_db.is_none_or(|db| db < 6.0), "{:?}", clean.resonance_db);
    let ringing = ring(&noise(4, -24.0, samples(6.0)), 1_500.0, 20.0, 18.0);
    let measured = measure(&ringing, 1);
    near(measured.resonance_hz, 1_500.0, 40.0);
    assert!(measured.resonance_db.unwrap() > 9.0, "{:?}", measured.resonance_db);
    assert!(measure(&noise(4, -24.0, samples(6.0)), 1).resonance_db.is_none_or(|db| db < 4.0));
    // Under a melody over noise as well: it raises what lies between the notes.
    let mut under = noise(4, -40.0, melody.len());
    crate::testing::mix_in(&mut under, 0.0, &melody);
    near(measure(&ring(&under, 2_500.0, 20.0, 18.0), 1).resonance_hz, 2_500.0, 60.0);
}

/// A peaking filter, written here so that detector and defect share nothing.
pub(crate) fn ring(input: &[f32], freq_hz: f64, q: f64, gain_db: f64) -> Vec<f32> {
    let amplitude = 10f64.powf(gain_db / 40.0);
    let w = std::f64::consts::TAU * freq_hz / f64::from(RATE_HZ);
    let alpha = w.sin() / (2.0 * q);
    let (b0, b1, b2) = (1.0 + alpha * amplitude, -2.0 * w.cos(), 1.0 - alpha * amplitude);
    let (a0, a2) = (1.0 + alpha / amplitude, 1.0 - alpha / amplitude);
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    let mut step = |x: f64| {
        let y = (b0 * x + b1 * x1 + b2 * x2 - b1 * y1 - a2 * y2) / a0;
        (x2, x1, y2, y1) = (x1, x, y1, y);
        y as f32
    };
    input.iter().map(|&x| step(f64::from(x))).collect()
}

#[test]
fn the_floor_of_the_pauses_is_measured_with_its_colour() {
    let mut track = noise(11, -55.0, samples(6.0));
    for beat in 0..6 {
        crate::testing::mix_in(
            &mut track,
            f64::from(beat),
            &crate::testing::note(60.0, -10.0, 0.5),
        );
    }
    let measured = measure(&track, 1);
    near(measured.noise_floor_dbfs, -55.0, 1.0);
    // Of white noise up to 24 kHz.
    near(measured.hiss_dbfs, -55.0 + 10.0 * (10_000.0f64 / 24_000.0).log10(), 0.5);
    assert!(measured.noise_flatness.unwrap() > 0.9);
    near(Some(measured.signal_s), 6.0, 0.1);
}

#[test]
fn hiss_is_measured_under_what_never_pauses_and_none_where_there_is_none() {
    let held: Vec<f32> = (0..6).flat_map(|n| sine(220.0 * f64::from(n + 1), -14.0, 1.0)).collect();
    assert_eq!(measure(&held, 1).hiss_dbfs, None);
    let quiet = noise(4, -50.0, held.len());
    let both: Vec<f32> = held.iter().zip(&quiet).map(|(x, y)| x + y).collect();
    let expected = -50.0 + 10.0 * (10_000.0f64 / 24_000.0).log10();
    near(measure(&both, 1).hiss_dbfs, expected, 0.5);
    // A track on which nothing lies for most of the time.
    let mut track = both;
    track.resize(samples(40.0), 0.0);
    near(measure(&track, 1).hiss_dbfs, expected, 0.5);
}

#[test]
fn dc_is_the_mean_of_the_worst_channel() {
    let left: Vec<f32> = sine(100.0, -20.0, 1.0).iter().map(|x| x - 0.05).collect();
    let measured = measure(&interleave(&left, &sine(100.0, -20.0, 1.0)), 2);
    near(measured.dc_offset, -0.05, 1e-4);
}
