//! Banks of synthesised recordings, in memory and in temporary folders.

use std::path::Path;

use super::*;
use crate::note::Note;

pub(crate) const RATE_HZ: u32 = 24_000;

/// A decaying tone, in memory.
fn tone(family: &str, source: &str, sub: &str, pitch: Option<f64>) -> Sample {
    let freq_hz = crate::note::pitch_hz(pitch.unwrap_or(60.0));
    let sample = |i: usize| {
        let t = i as f64 / f64::from(RATE_HZ);
        (12_000.0 * libm::sin(core::f64::consts::TAU * freq_hz * t) * libm::exp(-2.0 * t)) as i16
    };
    let path = format!("notes/{family}/{source}__{sub}-{}.wav", pitch.unwrap_or(0.0));
    let (family, sub, source) = (family.to_owned(), sub.to_owned(), source.to_owned());
    let entry = Entry { path, family, sub, source, pitch, velocity: None };
    Sample { entry, rate_hz: RATE_HZ, pcm: (0..24_000).map(sample).collect() }
}

/// Every family that the tests' clips need, from two sources.
pub(crate) fn small_bank() -> Bank {
    let mut samples = Vec::new();
    for source in ["one", "two"] {
        for family in ["piano", "organ", "bass-electric", "strings", "woodwind"] {
            samples
                .extend([40.0, 52.0, 64.0].map(|pitch| tone(family, source, "plain", Some(pitch))));
        }
        for family in ["kick", "snare", "hi-hat", "toms", "speech"] {
            samples.push(tone(family, source, "plain", None));
        }
        samples.push(tone("drum-loop", source, "rock/120bpm", None));
    }
    Bank::from_samples(samples)
}

fn crossings(samples: &[f32]) -> usize {
    samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count()
}

#[test]
fn a_note_sounds_at_its_pitch_and_time() {
    let bank = small_bank();
    let group = bank.groups().iter().find(|group| group.family == "piano").unwrap();
    let cast = Bank::cast_from(group, &mut crate::rng::rng(3, "pitch"));
    let note = Note { start_s: 0.5, duration_s: 0.5, pitch: 57.0, velocity: 1.0 };
    let out = cast.voice.play(&[note], 1.5, RATE_HZ);
    assert_eq!(out.len(), 36_000);
    assert!(out[..11_990].iter().all(|x| *x == 0.0), "silent before its onset");
    // 220 Hz for 0.4 s is 88 periods; voices are tuned within 36 cents.
    let periods = crossings(&out[12_240..21_840]);
    assert!((86..=90).contains(&periods), "{periods} periods of A3");
    let peak = out.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
    assert!((peak - 0.5).abs() < 1e-3);
}

#[test]
fn a_held_note_outlasts_its_recording() {
    let sample = tone("organ", "one", "plain", Some(60.0));
    let base = player::Strike {
        at: 0,
        length: 72_000,
        release: 2_400,
        attack: 24,
        step: 1.0,
        from: 0.0,
        gain: 1.0,
        held: true,
    };
    let energy_at_2_s = |strike: player::Strike| {
        let mut out = vec![0.0; 96_000];
        player::strike(&sample, &strike, &mut out);
        (crate::dsp::rms(&out[48_000..60_000]), crate::dsp::rms(&out[76_000..]))
    };
    let (held, after) = energy_at_2_s(base);
    assert!(held > 0.01 && after == 0.0, "held {held}, after the release {after}");
    assert_eq!(energy_at_2_s(player::Strike { held: false, ..base }), (0.0, 0.0));
}

#[test]
fn a_kit_plays_general_midi_keys() {
    let bank = small_bank();
    let kit = Kit::cast(&bank, &mut crate::rng::rng(1, "kit")).unwrap();
    let stroke = |pitch| Note { start_s: 0.0, duration_s: 0.1, pitch, velocity: 0.9 };
    assert!(crate::dsp::rms(&kit.play(&[stroke(36.0), stroke(38.0)], 0.5, RATE_HZ)) > 0.01);
    // The bank has no cymbals, so a crash is silent rather than wrong.
    assert!(kit.play(&[stroke(49.0)], 0.5, RATE_HZ).iter().all(|x| *x == 0.0));
}

#[test]
fn a_loop_knows_its_tempo() {
    let bank = small_bank();
    let group = bank.groups().iter().find(|group| group.family == "drum-loop").unwrap();
    let cast = Bank::cast_from(group, &mut crate::rng::rng(5, "loop"));
    assert!(!cast.follows_notes);
    let tempo_bpm = cast.tempo_bpm.unwrap();
    assert!((100.0..140.0).contains(&tempo_bpm), "{tempo_bpm}");
}

#[test]
fn heldout_phrases_cover_every_group() {
    let bank = small_bank();
    let phrases = heldout_phrases(&bank, 1_000_000, 2, 24_000);
    assert_eq!(phrases.len(), bank.groups().len() * 2);
    for phrase in &phrases {
        assert_eq!(phrase.samples.len(), 96_000);
        let peak = phrase.samples.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
        let peak_db = crate::dsp::to_db(f64::from(peak));
        assert!(
            (-30.1..=-0.9).contains(&peak_db),
            "{} {}: {peak_db} dBFS",
            phrase.family,
            phrase.source
        );
    }
    let again = heldout_phrases(&bank, 1_000_000, 1, 24_000);
    assert_eq!(again[1].samples, phrases[2].samples, "more phrases begin with the fewer");
}

fn write_bank(dir: &Path, manifest: &str) {
    std::fs::create_dir_all(dir.join("notes")).unwrap();
    std::fs::write(dir.join("manifest.csv"), manifest).unwrap();
    for name in ["a.wav", "b.wav"] {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 48_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(dir.join("notes").join(name), spec).unwrap();
        for i in 0..4_800_i16 {
            wav.write_sample(i).unwrap();
            wav.write_sample(-i / 2).unwrap();
        }
        wav.finalize().unwrap();
    }
    let list =
        "[bank]\nsources = [\"kept\"]\n[factory]\ntrain_seeds = [0, 9]\neval_seeds = [10, 19]\n";
    std::fs::write(dir.join("holdout.toml"), list).unwrap();
}

const HEADER: &str = "path,family,sub,midi_pitch,velocity,source,licence\n";

fn open(manifest: &str, split: Split) -> Result<Bank, BankError> {
    let dir = tempfile::tempdir().unwrap();
    write_bank(dir.path(), manifest);
    let holdout = Holdout::open(&dir.path().join("holdout.toml"))?;
    Bank::open(&[dir.path().to_owned()], &holdout, split)
}

#[test]
fn the_split_parts_whole_sources() {
    let manifest = format!(
        "{HEADER}notes/a.wav,piano,\"grand, old\",60,127,free,CC0\nnotes/b.wav,organ,x,,,kept,CC0\n"
    );
    let train = open(&manifest, Split::Train).unwrap();
    assert_eq!((train.len(), train.groups()[0].source.as_str()), (1, "free"));
    let sample = &train.groups()[0].patches[0].samples[0];
    assert_eq!(
        (sample.entry.sub.as_str(), sample.entry.pitch, sample.entry.velocity),
        ("grand, old", Some(60.0), Some(1.0))
    );
    assert_eq!(
        (sample.rate_hz, sample.pcm.len(), sample.pcm[4000]),
        (48_000, 4_800, 1_000),
        "mean of both channels"
    );
    assert_eq!(open(&manifest, Split::Heldout).unwrap().groups()[0].label, Label::Organ);
}

#[test]
fn a_bad_manifest_names_file_line_and_column() {
    let check = |line: &str, expected: &str| {
        let text =
            open(&format!("{HEADER}notes/a.wav,piano,x,60,,free,CC0\n{line}\n"), Split::Train)
                .unwrap_err()
                .to_string();
        assert!(text.contains("manifest.csv") && text.contains(expected), "{text}");
    };
    check("notes/b.wav,piano,x,sixty,,free,CC0", "line 3: midi_pitch: \"sixty\"");
    check("notes/b.wav,piano,x,60,128,free,CC0", "line 3: velocity");
    check("notes/b.wav,theremin,x,60,,free,CC0", "line 3: family: unknown family \"theremin\"");
    check("../b.wav,piano,x,60,,free,CC0", "line 3: path");
    check("notes/b.wav,piano", "line 3: sub: the line has 2 fields");
    let text = open("path,family\n", Split::Train).unwrap_err().to_string();
    assert!(text.contains("line 1: sub: no such column"), "{text}");
}

#[test]
fn a_bad_recording_or_list_is_an_error() {
    let missing =
        open(&format!("{HEADER}notes/c.wav,piano,x,60,,free,CC0\n"), Split::Train).unwrap_err();
    assert!(
        matches!(&missing, BankError::Io { file, .. } if file.ends_with("notes/c.wav")),
        "{missing}"
    );
    let text =
        open(&format!("{HEADER}manifest.csv,piano,x,60,,free,CC0\n"), Split::Train).unwrap_err();
    assert!(matches!(&text, BankError::Audio { .. }), "{text}");
    assert!(matches!(open(HEADER, Split::Train), Err(BankError::Empty { .. })));

    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.toml");
    std::fs::write(
        &list,
        "[bank]\nsources = []\n[factory]\ntrain_seeds = [0, 9]\neval_seeds = [9, 19]\n",
    )
    .unwrap();
    assert!(Holdout::open(&list).unwrap_err().to_string().contains("eval_seeds: overlaps"));
    std::fs::write(&list, "[bank]\nsources = 3\n").unwrap();
    assert!(Holdout::open(&list).unwrap_err().to_string().contains("sources"));
}

#[test]
fn the_projects_own_list_parts_seeds_and_sources() {
    let list =
        Holdout::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../training/holdout.toml"))
            .unwrap();
    assert!(list.holds("vsco2") && !list.holds("fluidr3"));
    assert!(
        list.check_seed(Split::Train, 0).is_ok()
            && list.check_seed(Split::Heldout, 1_000_000).is_ok()
    );
    let wrong = list.check_seed(Split::Train, 1_000_000).unwrap_err().to_string();
    assert!(wrong.contains("train_seeds"), "{wrong}");
}
