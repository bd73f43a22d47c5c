//! Tempo, beats and bars of click tracks and drum patterns; keys of chord progressions; and what has neither.

use super::*;
use crate::testing::{RATE_HZ, hit, mix_in, noise, note, random_blocks, samples, sine};

/// Allowed error of a tempo (mir_eval's is 8 %).
const TEMPO_SHARE: f64 = 0.01;
/// Allowed error of a beat (mir_eval's window).
const BEAT_S: f64 = 0.07;

fn hear(mono: &[f32]) -> Music {
    let mut tracker = MusicTracker::new(RATE_HZ);
    tracker.push(mono);
    tracker.finish()
}

fn listen(mono: &[f32]) -> Rhythm {
    hear(mono).rhythm
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
fn any_block_split_gives_the_same_music() {
    let track = pattern(120.0, 4, 0.1);
    let whole = hear(&track);
    let mut tracker = MusicTracker::new(RATE_HZ);
    random_blocks(5, &track, 1, |block| tracker.push(block));
    assert_eq!(tracker.finish(), whole);
}

#[test]
fn every_rate_listens() {
    for rate in [1_000, 8_000, 44_100, 96_000, 768_000] {
        let mut tracker = MusicTracker::new(rate);
        tracker.push(&vec![0.1; rate as usize]);
        assert_eq!(tracker.finish().rhythm, Rhythm::default());
    }
}

#[test]
fn attacks_are_counted() {
    let mut track = vec![0.0; samples(10.0)];
    for quarter in 0..40 {
        // A hit that is cut off would end with a click, which is an attack too.
        let mut sound = hit(quarter, 0.5, 0.5);
        let length = sound.len() as f32;
        sound.iter_mut().enumerate().for_each(|(i, x)| *x *= (1.0 - i as f32 / length).powi(2));
        mix_in(&mut track, quarter as f64 * 0.25, &sound);
    }
    let of = |mono: &[f32]| hear(mono).onsets_per_s.unwrap();
    assert!((of(&track) - 4.0).abs() < 0.11, "{}", of(&track));
    for still in [sine(220.0, -12.0, 10.0), noise(7, -20.0, samples(10.0)), vec![0.0; 480_000]] {
        assert!(of(&still) < 0.25, "{}", of(&still));
    }
}

/// A progression of triads, two seconds each: (root pitch, minor).
fn progression(chords: &[(f64, bool)], cents: f64) -> Vec<f32> {
    let mut track = vec![0.0; samples(2.0) * chords.len()];
    for (index, &(root, minor)) in chords.iter().enumerate() {
        let third = if minor { 3.0 } else { 4.0 };
        for interval in [-12.0, 0.0, third, 7.0] {
            for half in 0..2 {
                let at_s = index as f64 * 2.0 + f64::from(half);
                mix_in(&mut track, at_s, &note(root + interval + cents / 100.0, -14.0, 1.0));
            }
        }
    }
    track
}

fn key_of(mono: &[f32]) -> Option<Key> {
    hear(mono).key
}

#[test]
fn cadences_give_their_key_in_every_transposition() {
    for tonic in 0..12 {
        let root = 53.0 + f64::from(tonic);
        let major = [(root, false), (root + 5.0, false), (root + 7.0, false), (root, false)];
        let key = key_of(&progression(&major, 0.0)).unwrap();
        assert_eq!((key.tonic, key.minor), ((root as usize) % 12, false), "{}", key.name());
        let minor = [(root, true), (root + 5.0, true), (root + 7.0, true), (root, true)];
        let key = key_of(&progression(&minor, 0.0)).unwrap();
        assert_eq!((key.tonic, key.minor), ((root as usize) % 12, true), "{}", key.name());
    }
}

#[test]
fn a_detuned_recording_keeps_its_key() {
    let chords = [(57.0, true), (62.0, true), (64.0, true), (57.0, true)];
    for cents in [-40.0, -20.0, 30.0, 45.0] {
        let key = key_of(&progression(&chords, cents)).unwrap();
        assert_eq!(key.name(), "A minor");
        assert!((key.tuning_cents - cents).abs() < 8.0, "{} {cents}", key.tuning_cents);
    }
}

#[test]
fn one_note_and_one_chord_are_in_no_key() {
    let held: Vec<f32> = (0..8).flat_map(|_| note(57.0, -14.0, 1.0)).collect();
    assert_eq!(key_of(&held), None);
    assert_eq!(key_of(&progression(&[(57.0, true); 4], 0.0)), None);
}

#[test]
fn what_is_short_says_less_of_a_key() {
    let major = [(60.0, false), (65.0, false), (67.0, false), (60.0, false)];
    let (short, long) = (progression(&major[..3], 0.0), progression(&major, 0.0));
    let (short, long) = (key_of(&short).unwrap(), key_of(&long).unwrap());
    assert!(short.confidence < long.confidence, "{} {}", short.confidence, long.confidence);
}

#[test]
fn noise_and_silence_have_no_key() {
    assert_eq!(key_of(&noise(1, -20.0, samples(5.0))), None);
    assert_eq!(key_of(&vec![0.0; samples(5.0)]), None);
    assert_eq!(key_of(&[0.5]), None);
    assert_eq!(key_of(&[]), None);
}
