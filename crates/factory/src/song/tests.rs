//! Songs: repeatable, complete, and their truth agrees with their files.

use std::path::Path;

use signal::Label;

use super::{Song, write};
use crate::dsp::{rms, to_db};
use crate::rng::Rng;
use crate::truth::Truth;
use crate::voice::{Voice, procedural};

const RATE_HZ: u32 = 12_000;

fn cast(label: Label, rng: &mut Rng) -> Box<dyn Voice> {
    procedural(label, rng)
}

#[test]
fn every_seed_gives_a_whole_song() {
    let (mut drums, mut basses) = (0, 0);
    for seed in 0..200 {
        let song = Song::compose(seed);
        assert!((16..=32).contains(&song.bars()), "{seed}: {} bars", song.bars());
        assert!((4..=8).contains(&song.parts.len()));
        let end_s = song.bars() as f64 * song.bar_s();
        for part in &song.parts {
            assert!(!part.notes.is_empty(), "{seed}: {} has no notes", part.label);
            assert!(
                part.notes.iter().all(|n| n.start_s < end_s + 0.05 && n.duration_s > 0.0),
                "{seed}: {}",
                part.label
            );
            assert!(part.notes.windows(2).all(|pair| pair[0].start_s <= pair[1].start_s));
        }
        let covered: usize = song.sections.iter().map(|s| s.bars).sum();
        assert_eq!(covered, song.bars());
        drums +=
            usize::from(song.parts.iter().any(|p| matches!(p.label, Label::Drums | Label::Kick)));
        basses += usize::from(song.parts.iter().any(|p| p.label == Label::Bass));
    }
    assert!((120..=160).contains(&drums), "{drums} of 200 songs have drums");
    assert!((130..=172).contains(&basses), "{basses} of 200 songs have a bass");
}

#[test]
fn a_seed_repeats_and_another_differs() {
    let render = |seed| Song::compose(seed).render(8_000, &cast).mix;
    let first = render(5);
    assert!(first == render(5));
    assert!(first != render(6));
}

#[test]
fn stems_sum_to_the_mix() {
    let rendered = Song::compose(2).render(RATE_HZ, &cast);
    let peak = rendered.mix.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    assert!(peak < 0.9 && peak > 0.3, "{peak}");
    for (i, x) in rendered.mix.iter().enumerate() {
        let sum: f32 = rendered.stems.iter().map(|s| s.samples[i]).sum();
        assert!((x - sum).abs() < 1e-4, "frame {}: {x} is not {sum}", i / 2);
    }
}

/// Samples of a written file, interleaved.
fn read(file: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(file).unwrap();
    assert_eq!(reader.spec().channels, 2);
    reader.samples::<i32>().map(|x| x.unwrap() as f32 / 8_388_607.0).collect()
}

#[test]
fn the_truth_agrees_with_the_files() {
    const TOLERANCE_DB: f64 = 0.3;
    let out = tempfile::tempdir().unwrap();
    // The first seed without faults: the levels below are measured on the files.
    let seed = (0..).find(|&seed| Song::compose(seed).defects().is_empty()).unwrap();
    let dir = write(seed, RATE_HZ, out.path(), &cast).unwrap();
    let truth: Truth =
        serde_json::from_str(&std::fs::read_to_string(dir.join("truth.json")).unwrap()).unwrap();
    let mix = read(&dir.join("mix.wav"));
    assert_eq!(mix.len(), (truth.duration_s * f64::from(RATE_HZ)).round() as usize * 2);
    let stems: Vec<Vec<f32>> = truth.stems.iter().map(|stem| read(&dir.join(&stem.file))).collect();
    let mut end_s = 0.0;
    for (index, bar) in truth.bars.iter().enumerate() {
        assert_eq!(bar.bar, index + 1);
        assert!((bar.start_s - end_s).abs() < 1e-9, "gap before bar {}", bar.bar);
        end_s = bar.end_s;
        let section = truth
            .sections
            .iter()
            .find(|s| s.first_bar <= bar.bar && bar.bar <= s.last_bar)
            .unwrap();
        assert_eq!(section.name, bar.section);
        assert!(!bar.chords.is_empty());
        let slice = |x: &[f32]| {
            let at = |time_s: f64| (time_s * f64::from(RATE_HZ)).round() as usize * 2;
            rms(&x[at(bar.start_s)..at(bar.end_s)])
        };
        for (number, stem) in stems.iter().enumerate() {
            let level_db = to_db(slice(stem) / slice(&mix));
            match bar.instruments.iter().find(|i| i.stem == number) {
                Some(known) => {
                    assert!(
                        known.level_db < -60.0 || (known.level_db - level_db).abs() < TOLERANCE_DB
                    );
                    assert_eq!(known.audible, known.level_db >= -20.0);
                }
                None => assert!(
                    level_db < -60.0,
                    "bar {}: stem {number} at {level_db} dB is not listed",
                    bar.bar
                ),
            }
        }
    }
    assert!(end_s <= truth.duration_s && end_s > truth.duration_s - 2.0);
    assert!(truth.bars.iter().all(|bar| bar.instruments.iter().any(|i| i.audible)));
    assert!(truth.stems.iter().all(|s| (0.0..=1.0).contains(&s.descriptors.brightness)));
}

#[test]
fn a_bad_rate_or_folder_is_an_error() {
    let out = tempfile::tempdir().unwrap();
    assert!(write(1, 100, out.path(), &cast).unwrap_err().to_string().contains("rate_hz"));
    let file = out.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(write(1, 8_000, &file, &cast).unwrap_err().to_string().contains("song-1"));
}

#[test]
fn half_of_the_songs_have_faults() {
    let faulty = (0..200).filter(|&seed| !Song::compose(seed).defects().is_empty()).count();
    assert!((80..=120).contains(&faulty), "{faulty} of 200");
}
