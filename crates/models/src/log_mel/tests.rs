//! Tests of the log-mel front end.

use super::*;

const DEFAULT: LogMelConfig = LogMelConfig {
    n_fft: 1024,
    hop: 240,
    n_mels: 96,
    f_min_hz: 30.0,
    f_max_hz: 12_000.0,
    top_db: 80.0,
    scale_db: 20.0,
};

fn tone(hz: f32, samples: usize) -> Vec<f32> {
    (0..samples).map(|i| (std::f32::consts::TAU * hz * i as f32 / 24_000.0).sin()).collect()
}

#[test]
fn four_seconds_give_396_frames_and_short_audio_eight() {
    let mel = LogMel::new(DEFAULT, 24_000, 8, "config.json").unwrap();
    assert_eq!(mel.frames(96_000), 396);
    assert_eq!(mel.forward(&[]).len(), 8 * 96);
    assert_eq!(mel.forward(&tone(440.0, 10_000)).len(), mel.frames(10_000) * 96);
}

#[test]
fn a_tone_is_loudest_in_the_band_that_holds_it() {
    let mel = LogMel::new(DEFAULT, 24_000, 8, "config.json").unwrap();
    let picture = mel.forward(&tone(1_000.0, 24_000));
    let loudest = (0..96).max_by(|a, b| picture[*a].total_cmp(&picture[*b])).unwrap();
    let filters = mel_filters(24_000, 1024, 96, 30.0, 12_000.0);
    let nearest = (1_000.0f64 * 1024.0 / 24_000.0).round() as usize;
    let expected =
        (0..96).max_by(|a, b| filters[*a][nearest].total_cmp(&filters[*b][nearest])).unwrap();
    assert!(loudest.abs_diff(expected) <= 1, "band {loudest} not {expected}");
}

#[test]
fn level_does_not_matter_and_the_range_is_80_db() {
    let mel = LogMel::new(DEFAULT, 24_000, 8, "config.json").unwrap();
    let loud = mel.forward(&tone(440.0, 24_000));
    let quiet: Vec<f32> = tone(440.0, 24_000).iter().map(|x| x * 0.1).collect();
    for (a, b) in loud.iter().zip(mel.forward(&quiet)) {
        assert!((a - b).abs() < 1e-3);
    }
    let span = loud.iter().copied().fold(f32::MIN, f32::max)
        - loud.iter().copied().fold(f32::MAX, f32::min);
    assert!(span <= 4.0 + 1e-4, "80 dB over 20 dB is 4, found {span}");
    assert!(mel.forward(&[0.0; 24_000]).iter().all(|x| *x == 0.0));
}

#[test]
fn senseless_numbers_name_their_field() {
    for (config, field) in [
        (LogMelConfig { n_fft: 0, ..DEFAULT }, "log_mel.n_fft"),
        (LogMelConfig { hop: 0, ..DEFAULT }, "log_mel.hop"),
        (LogMelConfig { n_mels: 0, ..DEFAULT }, "log_mel.n_mels"),
        (LogMelConfig { f_max_hz: 13_000.0, ..DEFAULT }, "log_mel.f_max"),
        (LogMelConfig { scale_db: 0.0, ..DEFAULT }, "log_mel.top_db"),
    ] {
        let error = LogMel::new(config, 24_000, 8, "config.json").unwrap_err().to_string();
        assert!(error.contains("config.json") && error.contains(field), "{error}");
    }
}
