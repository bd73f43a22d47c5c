//! Band levels of sines and noise against closed forms, at every rate and in blocks of every size.

use signal::{Band, BandLevels};

use super::*;
use crate::meter::third_octaves;
use crate::testing::{RATE_HZ, mix_in, noise, random_blocks, samples, sine, sine_at, spread};

fn measure(rate_hz: u32, channels: usize, interleaved: &[f32]) -> BandLevels {
    let (mut meter, mut levels) =
        (BandMeter::new(rate_hz, channels).unwrap(), BandLevels::default());
    meter.push(interleaved, &mut levels);
    meter.finish(&mut levels);
    levels
}

/// Sum of a step's bands in dB.
fn total_db(step: &BandStep) -> f64 {
    10.0 * step.iter().map(|&db| 10f64.powf(f64::from(db) / 10.0)).sum::<f64>().log10()
}

#[test]
fn a_sine_reads_its_power_in_its_band_at_any_rate() {
    for rate_hz in [8_000, 11_025, 44_100, 48_000, 96_000, 192_000, 384_000] {
        for channels in [1, 2, 3] {
            let levels =
                measure(rate_hz, channels, &spread(&sine_at(rate_hz, 1e3, -20.0, 1.0), channels));
            assert_eq!(levels.steps_db.len(), 10);
            for step in &levels.steps_db[1..9] {
                assert!((step[16] + 23.01).abs() < 0.05, "{rate_hz} Hz: {}", step[16]);
                assert!(step[14] < -80.0 && step[18] < -80.0, "{rate_hz} Hz: {step:?}");
            }
        }
    }
}

#[test]
fn rates_agree_on_every_band() {
    // Partials at the middles of all bands from 50 Hz up, falling by 3 dB an octave.
    let chord = |rate_hz| {
        let mut out = vec![0.0; rate_hz as usize * 2];
        for band in 3..BandLevels::BANDS {
            let partial = sine_at(rate_hz, BandLevels::centre_hz(band), -20.0 - band as f64, 2.0);
            out.iter_mut().zip(partial).for_each(|(sum, x)| *sum += x);
        }
        measure(rate_hz, 1, &out)
    };
    let at_48k = chord(48_000);
    for rate_hz in [44_100, 96_000] {
        let other = chord(rate_hz);
        for (one, two) in at_48k.steps_db[1..19].iter().zip(&other.steps_db[1..19]) {
            for band in 3..BandLevels::BANDS {
                assert!((one[band] - two[band]).abs() < 0.05, "{rate_hz} Hz, band {band}");
            }
        }
    }
}

#[test]
fn noise_has_flat_density_and_its_whole_power() {
    let levels = measure(RATE_HZ, 1, &noise(1, -20.0, samples(20.0)));
    let mean_db = |band: usize| {
        let power = levels.steps_db.iter().map(|step| 10f64.powf(f64::from(step[band]) / 10.0));
        10.0 * (power.sum::<f64>() / levels.steps_db.len() as f64).log10()
    };
    for band in 3..BandLevels::BANDS {
        let [lo_hz, hi_hz] = BandLevels::edges_hz(band);
        let expected = -20.0 + 10.0 * ((hi_hz - lo_hz) / 24_000.0).log10();
        assert!((mean_db(band) - expected).abs() < 0.6, "band {band}: {}", mean_db(band));
    }
}

#[test]
fn a_click_has_its_energy_in_its_step_wherever_it_falls() {
    for offset in [0.0, 0.02, 0.05, 0.08] {
        let mut track = vec![0.0; samples(1.0)];
        mix_in(&mut track, 0.4 + offset, &sine(3_000.0, 0.0, 0.005));
        let levels = measure(RATE_HZ, 1, &track);
        let powers: Vec<f64> =
            levels.steps_db.iter().map(|step| 10f64.powf(total_db(step) / 10.0)).collect();
        // 5 ms of -3.01 dBFS in steps of 100 ms.
        let total_db = 10.0 * powers.iter().sum::<f64>().log10();
        assert!((total_db + 16.02).abs() < 0.2, "{offset}: {total_db}");
        let loudest = (0..10).max_by(|&a, &b| powers[a].total_cmp(&powers[b])).unwrap();
        assert_eq!(loudest, 4, "{offset}");
    }
}

#[test]
fn blocks_do_not_matter() {
    let audio = noise(2, -20.0, samples(3.37) / 2 * 2);
    for rate_hz in [11_025, 44_100, 48_000] {
        let whole = measure(rate_hz, 2, &audio);
        for seed in 0..5 {
            let mut meter = BandMeter::new(rate_hz, 2).unwrap();
            let mut levels = BandLevels::with_room(60.0);
            let room = (levels.steps_db.as_ptr(), levels.steps_db.capacity());
            random_blocks(seed, &audio, 2, |block| meter.push(block, &mut levels));
            meter.finish(&mut levels);
            assert_eq!(levels, whole);
            assert_eq!((levels.steps_db.as_ptr(), levels.steps_db.capacity()), room);
        }
    }
}

#[test]
fn steps_keep_time_at_rates_that_ten_does_not_divide() {
    // 60 s at 11025 Hz: hops of 551.25 samples. The tone begins at 50 s.
    let mut audio = vec![0.0; 11_025 * 60];
    let tone = sine_at(11_025, 1_000.0, -20.0, 10.0);
    audio[11_025 * 50..].copy_from_slice(&tone);
    let levels = measure(11_025, 1, &audio);
    assert_eq!(levels.steps_db.len(), 600);
    assert!(levels.steps_db[498][16] < -80.0 && (levels.steps_db[501][16] + 23.0).abs() < 0.1);
}

#[test]
fn what_is_no_sound_is_silence() {
    for x in [0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-42] {
        let levels = measure(RATE_HZ, 1, &vec![x; samples(0.5)]);
        assert_eq!(levels.steps_db, vec![[Band::FLOOR_DB as f32; BandLevels::BANDS]; 5]);
    }
    let levels = measure(RATE_HZ, 1, &vec![f32::MAX; samples(0.5)]);
    assert!(levels.steps_db.iter().flatten().all(|db| db.is_finite()));
    assert_eq!(measure(RATE_HZ, 2, &[0.5]), BandLevels::default());
}

#[test]
fn bands_are_those_of_the_long_term_spectrum() {
    let bands = third_octaves(&vec![1.0; 30_000], 1.0, 30_000.0);
    assert_eq!(bands.len(), BandLevels::BANDS);
    for (index, band) in bands.iter().enumerate() {
        let [lo_hz, hi_hz] = BandLevels::edges_hz(index);
        assert!((band.lo_hz - lo_hz).abs() < 1e-6 && (band.hi_hz - hi_hz).abs() < 1e-6);
    }
}
