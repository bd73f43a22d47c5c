//! Chords of tones with known pitches.

use super::*;
use crate::chroma::Partials;
use crate::testing::{RATE_HZ, noise, samples};

/// Pitches with four harmonics each, as many seconds.
fn tones(pitches: &[f64], seconds: f64) -> Vec<f32> {
    let at = |i: usize| -> f64 {
        let t = i as f64 / f64::from(RATE_HZ);
        let tone = |pitch: f64| -> f64 {
            let hz = 440.0 * 2f64.powf((pitch - 69.0) / 12.0);
            let harmonic = |h: u32| (std::f64::consts::TAU * hz * f64::from(h) * t).sin();
            (1..=4).map(|h| harmonic(h) / f64::from(h)).sum()
        };
        0.05 * pitches.iter().map(|&pitch| tone(pitch)).sum::<f64>()
    };
    (0..samples(seconds)).map(|i| at(i) as f32).collect()
}

fn listen(mono: &[f32], beats_s: &[f64]) -> Vec<Chord> {
    let mut partials = Partials::new(RATE_HZ, 4);
    let mut frames = Vec::new();
    partials.push(mono, |partials, _| frames.push(Classes::of(partials)));
    partials.flush(|partials, _| frames.push(Classes::of(partials)));
    recognise(&frames, partials.hop_s(), beats_s, mono.len() as f64 / f64::from(RATE_HZ)).chords
}

#[test]
fn triads_are_told_apart_and_change_on_the_beat() {
    let mut mono = tones(&[45.0, 57.0, 60.0, 64.0], 2.0); // A minor
    mono.extend(tones(&[41.0, 57.0, 60.0, 65.0], 2.0)); // F major
    mono.extend(tones(&[43.0, 59.0, 62.0, 67.0], 2.0)); // G major
    let beats: Vec<f64> = (0..12).map(|beat| f64::from(beat) * 0.5).collect();
    let chords = listen(&mono, &beats);
    let names: Vec<String> = chords.iter().map(Chord::name).collect();
    assert_eq!(names, ["Am", "F", "G"]);
    let starts: Vec<f64> = chords.iter().map(|chord| chord.start_s).collect();
    assert_eq!(starts, [0.0, 2.0, 4.0]);
    assert!(chords.iter().all(|chord| chord.confidence > 0.3), "{chords:?}");
}

#[test]
fn every_triad_is_known_in_every_key() {
    for root in 0..12 {
        for minor in [false, true] {
            let third = if minor { 3.0 } else { 4.0 };
            let tonic = 48.0 + f64::from(root);
            let chords = listen(&tones(&[tonic, tonic + 12.0 + third, tonic + 19.0], 2.0), &[]);
            assert_eq!(chords.len(), 1, "{root} {minor}: {chords:?}");
            assert_eq!((chords[0].root, chords[0].minor), (root as usize, minor));
        }
    }
}

#[test]
fn noise_and_silence_have_no_chords() {
    assert!(listen(&noise(3, -20.0, samples(4.0)), &[]).is_empty());
    assert!(listen(&vec![0.0; samples(4.0)], &[]).is_empty());
    assert!(listen(&[], &[]).is_empty());
}
