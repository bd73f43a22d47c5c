//! Phrases of every label stay in their range, time and key.

use super::*;
use crate::rng::rng;

#[test]
fn every_label_gets_sorted_notes_within_time_and_range() {
    for (number, label) in Label::ALL.into_iter().enumerate() {
        for seed in 0..40 {
            let mut rng = rng(seed, label.name());
            let setting = Setting::random(&mut rng);
            let range = [(40.0, 76.0), (53.0, 67.0), (36.0, 48.0)][(number + seed as usize) % 3];
            let notes = compose(label, &setting, range, 4, 4.0, &mut rng);
            assert!(!notes.is_empty(), "{label} seed {seed}");
            assert!(notes.windows(2).all(|pair| pair[0].start_s <= pair[1].start_s));
            for note in &notes {
                assert!(
                    (0.0..4.0).contains(&note.start_s) && note.duration_s > 0.0,
                    "{label}: {note:?}"
                );
                assert!((0.05..=1.0).contains(&note.velocity), "{label}: {note:?}");
            }
            let pitched =
                !(label.is_kit_piece() || matches!(label, Label::Drums | Label::Percussion));
            let (lo, hi) = (range.0 - 3.5, range.1 + 3.5);
            assert!(
                !pitched || notes.iter().all(|note| (lo..=hi).contains(&note.pitch)),
                "{label} seed {seed}"
            );
        }
    }
}

#[test]
fn pitched_notes_belong_to_the_scale() {
    let mut rng = rng(11, "scale");
    let setting = Setting::random(&mut rng);
    let notes = compose(Label::Piano, &setting, (40.0, 80.0), 4, 8.0, &mut rng);
    for note in notes {
        let class = (note.pitch - setting.tonic).rem_euclid(12.0);
        assert!(setting.scale.contains(&class), "{class} semitones over the tonic");
    }
}

#[test]
fn degrees_and_pitches_are_inverse() {
    let setting = Setting::random(&mut rng(2, "degrees"));
    for degree in -5..60 {
        assert_eq!(setting.degree(setting.pitch(degree)), degree);
    }
}
