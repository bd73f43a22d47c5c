//! Masked thresholds against the literature, and stems whose masking is known.

use signal::BandLevels;

use super::*;
use crate::band_meter::BandMeter;
use crate::testing::{RATE_HZ, mix_in, noise, samples, sine};

/// dB SPL of 0 dBFS, from ITU-R BS.1116-3: pink noise of -18 dBFS is played at 85 dB.
const SPL_DB: f64 = 85.0 + 18.0;
const BAND_1K: usize = 16;

/// Levels that last for ten steps, in dB SPL; silence elsewhere.
fn steady(levels: &[(usize, f64)]) -> Vec<BandStep> {
    let mut step = [-140.0; BandLevels::BANDS];
    for &(band, db_spl) in levels {
        step[band] = (db_spl - SPL_DB) as f32;
    }
    vec![step; 10]
}

/// Uniform noise of a density in dB SPL per Hz.
fn uniform(density_db: f64) -> Vec<BandStep> {
    let level = |band| {
        let [lo_hz, hi_hz] = BandLevels::edges_hz(band);
        (band, density_db + 10.0 * (hi_hz - lo_hz).log10())
    };
    steady(&(0..BandLevels::BANDS).map(level).collect::<Vec<_>>())
}

/// The level in dB SPL at which a tone in a band is just heard beside a masker.
fn threshold_db(band: usize, masker: &[BandStep]) -> f64 {
    let (mut unheard, mut heard) = (-30.0, 130.0);
    while heard - unheard > 0.01 {
        let level = f64::midpoint(unheard, heard);
        let tone = steady(&[(band, level)]);
        let signals = [&tone[..], masker];
        let cell = Ear::new(&signals).hear(&signals, 0)[0][band];
        *if cell.weight == 0.0 || cell.is_hidden() { &mut unheard } else { &mut heard } = level;
    }
    heard
}

fn levels(audio: &[f32]) -> Vec<BandStep> {
    let (mut meter, mut levels) = (BandMeter::new(RATE_HZ, 1).unwrap(), BandLevels::default());
    meter.push(audio, &mut levels);
    meter.finish(&mut levels);
    levels.steps_db
}

#[test]
fn tones_in_noise_are_heard_from_the_critical_ratio_on() {
    // Hawkins & Stevens (1950), The masking of pure tones and of speech by white noise, JASA 22: threshold over the
    // density of the noise, at every density that is well audible.
    for (band, ratio_db) in [(10, 17.0), (13, 17.0), (16, 18.0), (19, 20.0), (22, 23.0)] {
        for density_db in [20.0, 40.0, 50.0] {
            let found = threshold_db(band, &uniform(density_db)) - density_db;
            assert!((found - ratio_db).abs() < 2.5, "band {band}: {found:.1} dB");
        }
    }
}

#[test]
fn a_critical_ratio_comes_out_of_audio_too() {
    let masker = levels(&noise(1, -20.0, samples(4.0)));
    let density_db = -20.0 - 10.0 * 24_000f64.log10();
    let below_db = |over_density_db: f64| {
        // A sine's level is 3 dB below its peak.
        let tone = levels(&sine(1_000.0, density_db + over_density_db + 3.01, 4.0));
        let found = masking(&[&masker, &tone]);
        found.iter().find(|hidden| hidden.maskee == 1).map_or(0.0, |hidden| hidden.below_db)
    };
    assert!((below_db(8.0) - 10.0).abs() < 2.0, "{}", below_db(8.0));
    assert!(below_db(23.0) < 1.0, "{}", below_db(23.0));
}

#[test]
fn in_quiet_the_threshold_of_hearing_holds() {
    // ISO 226:2003, table 1, threshold of hearing.
    for (band, threshold) in [(3, 44.0), (6, 26.5), (10, 11.4), (16, 2.4), (21, -6.0), (26, 13.9)] {
        assert!((threshold_db(band, &steady(&[])) - threshold).abs() < 0.5, "band {band}");
    }
    // MGB97 adds excitations at threshold: noise that hides what quiet hides raises the threshold by 3 dB.
    let beside = |noise_db| threshold_db(BAND_1K, &steady(&[(BAND_1K, noise_db)]));
    let noise_db = 2.4 + 60.0 - beside(60.0);
    assert!((beside(noise_db) - 2.4 - 3.01).abs() < 0.5, "{}", beside(noise_db));
}

#[test]
fn masking_spreads_upwards_as_terhardt_has_it() {
    // Terhardt (1979), Calculating virtual pitch, Hearing Research 1: 24 + 230 / f - 0.2 L dB per Bark above a tone
    // at f Hz of L dB, and 1 and 2 kHz lie at 8.5 and 13.0 Bark. Levels over the threshold in quiet, so that the
    // outer ear doesn't count.
    let over_quiet = |band, noise_db| {
        threshold_db(band, &steady(&[(BAND_1K, noise_db)])) - threshold_db(band, &steady(&[]))
    };
    for noise_db in [70.0, 80.0, 90.0, 100.0] {
        let found = over_quiet(BAND_1K, noise_db) - over_quiet(BAND_1K + 3, noise_db);
        let expected = (13.0 - 8.5) * (24.0 + 0.23 - 0.2 * noise_db);
        assert!((found - expected).abs() < 6.0, "{noise_db} dB: {found:.1} and {expected:.1}");
    }
}

#[test]
fn narrow_noise_hides_its_place_alone() {
    // Zwicker & Fastl, Psychoacoustics, 4.1.2: a tone in the middle of narrow noise at 1 kHz is heard from about 3 dB
    // below its level on; an octave below, and two above, 60 dB of noise leave the threshold in quiet.
    let beside = |band| threshold_db(band, &steady(&[(BAND_1K, 60.0)]));
    assert!((beside(BAND_1K) - 57.0).abs() < 3.5, "{}", beside(BAND_1K));
    assert!(beside(13) < 4.4 + 1.0 && beside(22) < -5.4 + 1.0);
}

#[test]
fn low_hides_high_more_than_high_low_and_more_when_loud() {
    let over_quiet = |masker: usize, band: usize, level_db: f64| {
        threshold_db(band, &steady(&[(masker, level_db)])) - threshold_db(band, &steady(&[]))
    };
    let (low, high) = (11, 14);
    for level_db in [70.0, 80.0, 90.0] {
        let up = level_db - over_quiet(low, high, level_db);
        let down = level_db - over_quiet(high, low, level_db);
        assert!(up < down - 5.0, "{level_db} dB: {up:.1} and {down:.1} dB below the masker");
    }
    let spread = |level_db| over_quiet(low, high, level_db) - level_db;
    assert!(spread(90.0) > spread(70.0) + 10.0);
}

#[test]
fn more_masker_never_hides_less() {
    for band in 3..28 {
        let thresholds = (0..20).map(|step| threshold_db(band, &uniform(f64::from(step) * 3.0)));
        assert!(thresholds.is_sorted_by(|a, b| a <= b), "band {band}");
    }
}

#[test]
fn equals_hide_each_other_not_and_what_is_above_by_15_db_hides() {
    let wide = steady(&(0..BandLevels::BANDS).map(|band| (band, 60.0)).collect::<Vec<_>>());
    assert_eq!(masking(&[&wide, &wide]), []);
    let own = steady(&[(BAND_1K, 60.0), (BAND_1K + 1, 60.0)]);
    let louder = steady(&[(BAND_1K, 75.0), (BAND_1K + 1, 75.0)]);
    let found = masking(&[&own, &louder]);
    let [hidden] = &found[..] else { panic!("{found:?}") };
    assert_eq!((hidden.masker, hidden.maskee), (1, 0));
    assert_eq!(
        hidden.band_hz,
        [BandLevels::edges_hz(BAND_1K)[0], BandLevels::edges_hz(BAND_1K + 1)[1]]
    );
    assert_eq!(hidden.spans_s, [(0.0, 1.0)]);
    assert_eq!((hidden.time_share, hidden.loudness_share), (1.0, 1.0));
    // K is -3 dB, and half of the masker's power lies outside the filter.
    assert!((hidden.below_db - 10.0).abs() < 1.5, "{}", hidden.below_db);
    let raise = |by_db| steady(&[(BAND_1K, 60.0 + by_db), (BAND_1K + 1, 60.0 + by_db)]);
    assert_ne!(masking(&[&raise(hidden.below_db - 1.0), &louder]), []);
    assert_eq!(masking(&[&raise(hidden.below_db + 1.0), &louder]), []);
}

#[test]
fn levels_matter() {
    // 20 dB apart at 250 Hz. 40 dB down, the weaker is below the threshold of hearing: nobody hides it.
    let pair = |db| masking(&[&steady(&[(10, 45.0 + db)]), &steady(&[(10, 65.0 + db)])]).len();
    assert_eq!((pair(0.0), pair(-40.0)), (1, 0));
    // A bass 30 dB above a tone an octave higher hides it at 95 dB, and not at 65 dB.
    let bass = |db| masking(&[&steady(&[(12, db - 30.0)]), &steady(&[(9, db)])]).len();
    assert_eq!((bass(95.0), bass(65.0)), (1, 0));
}

#[test]
fn what_a_signal_does_not_need_is_not_hidden() {
    // A tone's skirts at 2 kHz, and a band 45 dB below its loudest.
    let own = steady(&[(BAND_1K, 80.0), (6, 50.0)]);
    assert_eq!(masking(&[&own, &steady(&[(BAND_1K + 3, 70.0), (6, 90.0)])]), []);
}

#[test]
fn silence_and_nonsense_hide_nothing_and_are_not_hidden() {
    let loud = uniform(50.0);
    assert_eq!(masking(&[]), []);
    assert_eq!(masking(&[&[], &[]]), []);
    assert_eq!(masking(&[&loud]), []);
    assert_eq!(masking(&[&loud, &steady(&[]), &[]]), []);
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-42] {
        let odd = [[odd; BandLevels::BANDS]; 5];
        for hidden in masking(&[&loud, &odd, &steady(&[(BAND_1K, 60.0)])]) {
            assert!(hidden.below_db.is_finite() && hidden.loudness_share <= 1.0, "{hidden:?}");
        }
    }
}

/// Partials of a voice or an instrument from `low_hz` to `high_hz` for some seconds: a level falling by 6 dB an octave.
fn partials(step_hz: f64, low_hz: f64, high_hz: f64, dbfs_at_1k: f64, seconds: f64) -> Vec<f32> {
    let mut out = vec![0.0; samples(seconds)];
    let count = (high_hz / step_hz) as usize;
    for hz in (1..=count).map(|n| n as f64 * step_hz).filter(|&hz| hz >= low_hz) {
        let level_db = dbfs_at_1k - 6.0 * (hz / 1_000.0).log2();
        mix_in(&mut out, 0.0, &sine(hz, level_db, seconds));
    }
    out
}

#[test]
fn a_guitar_hides_a_voice_from_1_to_3_khz_in_the_second_half() {
    // The guitar has two partials for each of the voice: 12 dB each are 15 dB in all.
    let voice = partials(220.0, 0.0, 9_000.0, -40.0, 8.0);
    let mut guitar = partials(110.0, 1_000.0, 3_000.0, -68.0, 8.0);
    mix_in(&mut guitar, 4.0, &partials(110.0, 1_000.0, 3_000.0, -28.0, 4.0));
    let found = masking(&[&levels(&voice), &levels(&guitar)]);
    let hidden = found.iter().find(|hidden| hidden.maskee == 0).unwrap();
    assert_eq!(hidden.masker, 1);
    let third_octave = 2f64.powf(1.0 / 3.0);
    for (found_hz, true_hz) in hidden.band_hz.into_iter().zip([1_000.0, 3_000.0]) {
        let ratio = found_hz / true_hz;
        assert!((1.0 / third_octave..third_octave).contains(&ratio), "{:?}", hidden.band_hz);
    }
    let [(start_s, end_s)] = hidden.spans_s[..] else { panic!("{:?}", hidden.spans_s) };
    assert!((start_s - 4.0).abs() <= 0.2 && (end_s - 8.0).abs() <= 0.2, "{start_s} to {end_s}");
    assert!((hidden.time_share - 0.5).abs() < 0.03);
    assert!((5.0..13.0).contains(&hidden.below_db), "{hidden:?}");
    assert!((0.1..0.3).contains(&hidden.loudness_share), "{hidden:?}");
}

#[test]
fn a_kick_hides_the_bass_on_its_beats_alone() {
    let bass = partials(55.0, 0.0, 500.0, -50.0, 4.0);
    let mut kick = vec![0.0; samples(4.0)];
    for beat in 0..8 {
        let mut hit = sine(60.0, -3.0, 0.3);
        for (index, x) in hit.iter_mut().enumerate() {
            *x *= (-(index as f64) / f64::from(RATE_HZ) / 0.03).exp() as f32;
        }
        mix_in(&mut kick, 0.05 + 0.5 * f64::from(beat), &hit);
    }
    let hat = noise(3, -40.0, samples(4.0));
    let bright: Vec<f32> = hat.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let stems = [levels(&kick), levels(&bass), levels(&bright)];
    let found = masking(&[&stems[0], &stems[1], &stems[2]]);
    let hidden = found.iter().find(|hidden| hidden.maskee == 1).unwrap();
    assert_eq!(hidden.masker, 0, "{found:?}");
    assert!(hidden.band_hz[0] < 55.0 && hidden.band_hz[1] < 120.0, "{hidden:?}");
    assert_eq!(hidden.spans_s.len(), 8, "{hidden:?}");
    for (beat, span) in hidden.spans_s.iter().enumerate() {
        assert!((span.0 - 0.05 - 0.5 * beat as f64).abs() <= 0.2, "{hidden:?}");
    }
    assert!(!found.iter().any(|hidden| (hidden.masker, hidden.maskee) == (2, 1)), "{found:?}");
}
