//! Clips from a small synthesised bank: determinism, level, and a truth that equals what was rendered.

use super::*;
use crate::bank::tests::small_bank;

fn options(mix_share: f64) -> Options {
    Options { seed: 5, seconds: 2.0, procedural_share: 0.2, mix_share }
}

#[test]
fn a_clip_depends_on_seed_and_index_alone() {
    let bank = small_bank();
    let clip = render(Some(&bank), &options(0.5), 7);
    render(Some(&bank), &options(0.5), 6);
    assert_eq!(render(Some(&bank), &options(0.5), 7), clip);
    assert_ne!(render(Some(&bank), &options(0.5), 8).samples, clip.samples);
    assert_ne!(render(Some(&bank), &Options { seed: 6, ..options(0.5) }, 7).samples, clip.samples);
}

#[test]
fn levels_are_in_range_and_samples_finite() {
    let bank = small_bank();
    for index in 0..60 {
        let clip = render(Some(&bank), &options(0.3), index);
        assert_eq!(clip.samples.len(), 48_000);
        let peak = clip.samples.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
        let peak_db = to_db(f64::from(peak));
        assert!(clip.samples.iter().all(|x| x.is_finite()));
        assert!((-45.1..=-0.9).contains(&peak_db), "clip {index}: {peak_db} dBFS");
        let d = clip.truth.descriptors;
        let all = [d.brightness, d.warmth, d.space, d.dirt, d.density];
        assert!(all.iter().all(|x| (0.0..=1.0).contains(x)), "clip {index}: {d:?}");
    }
}

#[test]
fn a_mix_lists_what_is_audible_loudest_first() {
    let bank = small_bank();
    let mut full = 0;
    for index in 0..25 {
        let truth = render(Some(&bank), &options(1.0), index).truth;
        assert_eq!(truth.kind, Kind::Mix);
        assert_eq!(truth.instruments.len(), truth.levels_db.len());
        assert!(truth.levels_db.windows(2).all(|pair| pair[0] >= pair[1]), "{truth:?}");
        assert!(truth.levels_db.iter().all(|level_db| *level_db >= AUDIBLE_DB), "{truth:?}");
        assert!(
            truth.instruments.iter().all(|label| !label.is_kit_piece() && *label != Label::FullMix)
        );
        assert_eq!(truth.label == Some(Label::FullMix), truth.instruments.len() >= 3);
        full += usize::from(truth.label.is_some());
    }
    assert!(full > 5, "{full} full mixes of 25");
}

fn part(label: Label, level: f32, flip: usize) -> Part {
    // Square waves at powers of two are orthogonal, so powers add up exactly.
    let samples = (0..4096).map(|i| if i >> flip & 1 == 0 { level } else { -level }).collect();
    Part { label, samples, onsets_s: Vec::new(), space: 0.0, dirt: 0.0 }
}

#[test]
fn truth_equals_rendered_levels() {
    let parts = [
        part(Label::Kick, 0.3, 1),
        part(Label::Bass, 0.5, 2),
        part(Label::Snare, 0.4, 3),
        part(Label::Fx, 0.01, 4),
    ];
    let (_, levels) = sum(&parts);
    let total = (0.09_f64 + 0.25 + 0.16 + 0.0001).sqrt();
    for (level_db, amplitude) in levels.iter().zip([0.3, 0.5, 0.4, 0.01]) {
        assert!((level_db - to_db(amplitude / total)).abs() < 1e-3, "{level_db}");
    }
    // Kick and snare add up to 0.5 as one kit, as loud as the bass; the effect is 37 dB down and not listed.
    let merged = merge(&parts, &levels);
    assert_eq!(merged.len(), 2);
    assert!(merged.iter().any(|(label, _)| *label == Label::Drums));
    assert!((merged[0].1 - merged[1].1).abs() < 0.01, "{merged:?}");
}

#[test]
fn descriptors_follow_the_sound() {
    let tone = |freq_hz: f64| -> Vec<f32> {
        (0..48_000)
            .map(|i| libm::sin(core::f64::consts::TAU * freq_hz * f64::from(i) / 24_000.0) as f32)
            .collect()
    };
    let low = describe::descriptors(&tone(250.0), 0.0, 0.0, 0.5);
    let high = describe::descriptors(&tone(5000.0), 0.0, 0.0, 8.0);
    assert!(low.warmth > 0.95 && high.warmth < 0.01);
    assert!(
        low.brightness < 0.25 && high.brightness > 0.8,
        "{} {}",
        low.brightness,
        high.brightness
    );
    assert_eq!((low.density, high.density), (0.0, 1.0));
    let mut clicks = vec![0.0; 48_000];
    (0..8).for_each(|i| clicks[3000 + i * 5000] = 1.0);
    assert_eq!(describe::onsets_heard(&clicks, RATE_HZ).len(), 8);
}

#[test]
fn onsets_count_chords_once() {
    let note = |start_s| Note { start_s, duration_s: 0.2, pitch: 60.0, velocity: 0.8 };
    let notes = [note(0.1), note(1.0), note(1.01), note(1.02), note(2.0), note(9.0)];
    assert_eq!(onsets(&notes, 0.5, 2.0), [0.5, 1.5]);
}
