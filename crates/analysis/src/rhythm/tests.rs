//! Tempo, beats and downbeats of click tracks and drum patterns.

use super::*;
use crate::testing::{RATE_HZ, hit, mix_in, noise, note, random_blocks, samples, sine};

/// Allowed error of a tempo (mir_eval's is 8 %).
const TEMPO_SHARE: f64 = 0.01;
/// Allowed error of a beat (mir_eval's window).
const BEAT_S: f64 = 0.07;

fn listen(mono: &[f32]) -> Rhythm {
    let mut tracker = RhythmTracker::new(RATE_HZ);
    tracker.push(mono);
    tracker.finish()
}

/// Kick on 1 and 3, snare on 2 and 4, hats on eighths, a chord a bar.
fn pattern(bpm: f64, bars: usize, offset_s: f64) -> Vec<f32> {
    let beat_s = 60.0 / bpm;
    let mut track = vec![0.0; samples(offset_s + beat_s * 4.0 * bars as f64)];
    for eighth in 0..bars * 8 {
        let at_s = offset_s + eighth as f64 * beat_s / 2.0;
        mix_in(&mut track, at_s, &hit(3, 0.0, 0.15));
        match eighth % 8 {
            0 | 4 => mix_in(&mut track, at_s, &hit(1, 1.0, 0.1)),
            2 | 6 => mix_in(&mut track, at_s, &hit(2, 0.2, 0.8)),
            _ => {}
        }
        if eighth % 8 == 0 {
            for interval in [0.0, 4.0, 7.0] {
                let root = [48.0, 53.0, 55.0, 45.0][eighth / 8 % 4];
                mix_in(&mut track, at_s, &note(root + interval, -24.0, beat_s * 4.0));
            }
        }
    }
    track
}

#[test]
fn click_tracks_give_their_tempo() {
    for bpm in [70.0, 84.0, 97.3, 110.0, 120.0, 128.0, 140.0, 150.0] {
        let mut track = vec![0.0; samples(12.0)];
        for beat in 0..(12.0 * bpm / 60.0) as usize {
            mix_in(&mut track, beat as f64 * 60.0 / bpm, &hit(1, 0.3, 1.0));
        }
        let found = listen(&track).tempo_bpm.unwrap();
        assert!((found / bpm - 1.0).abs() < TEMPO_SHARE, "{found}, expected {bpm}");
    }
}

#[test]
fn drum_patterns_give_tempo_beats_and_bars() {
    for (bpm, offset_s) in [(82.0, 0.0), (104.0, 0.31), (120.0, 0.0), (133.7, 0.2)] {
        let rhythm = listen(&pattern(bpm, 8, offset_s));
        let found = rhythm.tempo_bpm.unwrap();
        assert!((found / bpm - 1.0).abs() < TEMPO_SHARE, "{found}, expected {bpm}");
        assert!(rhythm.confidence > 0.3, "{}", rhythm.confidence);
        for beat_s in &rhythm.beats_s {
            let beats = (beat_s - offset_s) * bpm / 60.0;
            let off_s = (beats - beats.round()).abs() * 60.0 / bpm;
            assert!(off_s < BEAT_S, "beat at {beat_s} of {bpm}");
        }
        assert!(rhythm.beats_s.len() >= 28, "{} beats", rhythm.beats_s.len());
        for bar_s in &rhythm.downbeats_s {
            let bars = (bar_s - offset_s) * bpm / 240.0;
            assert!((bars - bars.round()).abs() < 0.1, "downbeat at {bar_s} of {bpm}");
        }
    }
}

#[test]
fn what_has_no_pulse_has_no_tempo() {
    assert_eq!(listen(&noise(1, -20.0, samples(8.0))).tempo_bpm, None);
    assert_eq!(listen(&sine(220.0, -12.0, 8.0)).tempo_bpm, None);
    assert_eq!(listen(&vec![0.0; samples(8.0)]), Rhythm::default());
    assert_eq!(listen(&[]), Rhythm::default());
    assert_eq!(listen(&[0.5]), Rhythm::default());
    assert_eq!(listen(&pattern(120.0, 1, 0.0)).tempo_bpm, None, "a bar is too short");
}

#[test]
fn any_block_split_gives_the_same_beats() {
    let track = pattern(120.0, 4, 0.1);
    let whole = listen(&track);
    let mut tracker = RhythmTracker::new(RATE_HZ);
    random_blocks(5, &track, 1, |block| tracker.push(block));
    assert_eq!(tracker.finish(), whole);
}

#[test]
fn every_rate_listens() {
    for rate in [1_000, 8_000, 44_100, 96_000, 768_000] {
        let mut tracker = RhythmTracker::new(rate);
        tracker.push(&vec![0.1; rate as usize]);
        assert_eq!(tracker.finish(), Rhythm::default());
    }
}

#[test]
fn a_given_grid_is_exact() {
    let rhythm = Rhythm::from_grid(120.0, 3, 0.75, 4.0);
    assert_eq!(rhythm.beats_s, [0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75]);
    assert_eq!(rhythm.downbeats_s, [0.75, 2.25, 3.75]);
    for bpm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e12] {
        assert_eq!(Rhythm::from_grid(bpm, 4, 0.0, 4.0), Rhythm::default());
    }
}
