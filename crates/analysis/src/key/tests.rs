//! Keys of chord progressions, tunings, and of what has none.

use super::*;
use crate::testing::{RATE_HZ, mix_in, noise, note, random_blocks, samples};

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
    let mut tracker = KeyTracker::new(RATE_HZ);
    tracker.push(mono);
    tracker.finish(&[])
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
fn noise_and_silence_have_no_key() {
    assert_eq!(key_of(&noise(1, -20.0, samples(5.0))), None);
    assert_eq!(key_of(&vec![0.0; samples(5.0)]), None);
    assert_eq!(key_of(&[0.5]), None);
    assert_eq!(key_of(&[]), None);
}

#[test]
fn any_block_split_gives_the_same_key() {
    let track = progression(&[(60.0, false), (65.0, false), (67.0, false)], 0.0);
    let whole = key_of(&track);
    let mut tracker = KeyTracker::new(RATE_HZ);
    random_blocks(3, &track, 1, |block| tracker.push(block));
    assert_eq!(tracker.finish(&[]), whole);
}
