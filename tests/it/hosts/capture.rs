//! What the built CLAP hears in a host by somebody else: every frame, and every bar to the sample.

use clack_host::events::EventFlags;
use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use super::clap::{Block, Instance, Memory};

const RATE_HZ: f64 = 48_000.0;
const MAX_FRAMES: usize = 2048;

/// A song at one tempo and in one meter, and a host that plays parts of it.
struct Song {
    tempo_bpm: f64,
    beats: u16,
    unit: u16,
    random: Pcg64Mcg,
    takes: Vec<(Block, Option<TransportEvent>)>,
    frames: u64,
}

impl Song {
    fn new(tempo_bpm: f64, beats: u16, unit: u16) -> Self {
        let random = Pcg64Mcg::seed_from_u64(5);
        Self { tempo_bpm, beats, unit, random, takes: Vec::new(), frames: 0 }
    }

    fn bar_quarters(&self) -> f64 {
        4.0 * f64::from(self.beats) / f64::from(self.unit)
    }

    /// Length of a bar in frames.
    fn bar_frames(&self) -> f64 {
        self.bar_quarters() * 60.0 * RATE_HZ / self.tempo_bpm
    }

    fn transport(&self, position: i64, playing: bool) -> TransportEvent {
        let seconds = position as f64 / RATE_HZ;
        let quarters = seconds * self.tempo_bpm / 60.0;
        let bar = (quarters / self.bar_quarters()).floor();
        let known = TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_SECONDS_TIMELINE
            | TransportFlags::HAS_TIME_SIGNATURE;
        TransportEvent {
            header: EventHeader::new_core(0, EventFlags::empty()),
            flags: if playing { known | TransportFlags::IS_PLAYING } else { known },
            song_pos_beats: BeatTime::from_float(quarters),
            song_pos_seconds: SecondsTime::from_float(seconds),
            tempo: self.tempo_bpm,
            tempo_inc: 0.0,
            loop_start_beats: BeatTime::from_float(0.0),
            loop_end_beats: BeatTime::from_float(0.0),
            loop_start_seconds: SecondsTime::from_float(0.0),
            loop_end_seconds: SecondsTime::from_float(0.0),
            bar_start: BeatTime::from_float(bar * self.bar_quarters()),
            bar_number: bar as i32,
            time_signature_numerator: self.beats,
            time_signature_denominator: self.unit,
        }
    }

    /// Plays so many frames of noise from a song position on, in blocks of any size.
    fn play(&mut self, position: i64, frames: u64) {
        let mut at = 0;
        while at < frames {
            let size = self.random.random_range(1..=MAX_FRAMES as u64).min(frames - at);
            let random = &mut self.random;
            let mut channel = || (0..size).map(|_| random.random_range(-0.5..0.5)).collect();
            let block = vec![channel(), channel()];
            let transport = self.transport(position + at as i64, true);
            self.takes.push((block, Some(transport)));
            at += size;
        }
        self.frames += frames;
    }

    /// Silence while the transport stands.
    fn stop(&mut self, position: i64, frames: usize) {
        let transport = self.transport(position, false);
        self.takes.push((vec![vec![0.0; frames]; 2], Some(transport)));
        self.frames += frames as u64;
    }

    fn run(&self, instance: &mut Instance) -> Value {
        let heard = instance.play(RATE_HZ, MAX_FRAMES, &self.takes, &[], Memory::InPlace);
        assert!(heard.iter().eq(self.takes.iter().map(|take| &take.0)), "the wire is exact");
        instance.heard(self.frames)
    }
}

fn list<'a>(report: &'a Value, field: &str) -> &'a Vec<Value> {
    report[field].as_array().expect("a list")
}

/// Number, first frame, and whether all of it was heard.
fn bars(report: &Value) -> Vec<(Option<i64>, u64, bool)> {
    let bar = |bar: &Value| {
        let start = bar["start_frame"].as_u64().expect("a frame");
        (bar["bar"].as_i64(), start, bar["complete"].as_bool().expect("a flag"))
    };
    list(report, "bars").iter().map(bar).collect()
}

fn assert_all_heard(report: &Value, frames: u64) {
    assert_eq!(report["heard_frames"], frames, "{report}");
    assert_eq!((&report["dropped_frames"], &report["trouble"]), (&Value::from(0), &Value::Null));
    assert!(list(report, "gaps").is_empty());
}

#[test]
fn bars_are_whole_numbered_and_right_to_the_sample() {
    for (tempo_bpm, beats, unit) in [(120.0, 4, 4), (97.3, 3, 4), (141.7, 7, 8)] {
        let mut song = Song::new(tempo_bpm, beats, unit);
        song.play(0, (6.0 * song.bar_frames()).ceil() as u64 + 100);
        let report = song.run(&mut Instance::new());
        assert_all_heard(&report, song.frames);
        let bars = bars(&report);
        assert_eq!(bars.len(), 7);
        for (index, (number, frame, complete)) in bars.into_iter().enumerate() {
            assert_eq!((number, complete), (Some(index as i64 + 1), index < 6), "{tempo_bpm}");
            let expected = index as f64 * song.bar_frames();
            assert!((frame as f64 - expected).abs() <= 1.0, "bar {index} at {frame}, {expected}");
        }
    }
}

#[test]
fn a_loop_is_two_passes_over_the_same_bars() {
    let mut song = Song::new(120.0, 4, 4);
    song.play(0, 3 * 96_000);
    song.play(96_000, 2 * 96_000);
    let report = song.run(&mut Instance::new());
    assert_all_heard(&report, song.frames);
    let numbers: Vec<_> = bars(&report).into_iter().map(|bar| (bar.0, bar.2)).collect();
    assert_eq!(numbers, [1, 2, 3, 2, 3].map(|number| (Some(number), true)));
    let positions: Vec<_> =
        list(&report, "passes").iter().map(|pass| pass["position"].as_i64()).collect();
    assert_eq!(positions, [Some(0), Some(96_000)]);
}

#[test]
fn a_start_before_the_song_and_a_stop_in_a_bar_are_told() {
    let mut song = Song::new(120.0, 4, 4);
    song.stop(-768, 512);
    song.play(-768, 768 + 96_000 + 1000);
    song.stop(97_000, 2048);
    song.play(97_000, 95_000);
    let report = song.run(&mut Instance::new());
    assert_all_heard(&report, song.frames);
    let told: Vec<_> = bars(&report).into_iter().map(|bar| (bar.0, bar.2)).collect();
    // The bar that was left and entered again is told twice, and was never heard whole.
    let expected = [(Some(0), false), (Some(1), true), (Some(2), false), (Some(2), false)];
    assert_eq!(told, expected);
}

#[test]
fn without_a_transport_sound_is_heard_in_stretches_without_bars() {
    let mut song = Song::new(120.0, 4, 4);
    song.play(0, 5 * 48_000);
    song.takes.iter_mut().for_each(|take| take.1 = None);
    let report = song.run(&mut Instance::new());
    assert_all_heard(&report, song.frames);
    let told: Vec<_> = list(&report, "bars")
        .iter()
        .map(|bar| (bar["bar"].is_null(), bar["start_s"].as_f64().unwrap().round() as i64))
        .collect();
    assert_eq!(told, [(true, 0), (true, 4)]);
    assert_eq!(list(&report, "passes")[0]["kind"], "free");
}

#[test]
fn switched_off_or_bypassed_it_hears_nothing_and_says_so() {
    for off in [("Listen", 0.0), ("Bypass", 1.0)] {
        let mut song = Song::new(120.0, 4, 4);
        song.play(0, 96_000);
        let mut instance = Instance::new();
        instance.play(RATE_HZ, MAX_FRAMES, &song.takes, &[off], Memory::Apart);
        let report = instance.heard(song.frames);
        let counts = (&report["heard_frames"], &report["skipped_frames"]);
        assert_eq!(counts, (&0.into(), &96_000.into()), "{off:?}");
        assert!(list(&report, "bars").is_empty());
    }
}

#[test]
fn a_new_activation_is_heard_after_the_old_one() {
    let mut instance = Instance::new();
    for _ in 0..3 {
        let mut song = Song::new(120.0, 4, 4);
        song.play(0, 96_000);
        instance.play(RATE_HZ, MAX_FRAMES, &song.takes, &[], Memory::Apart);
    }
    let report = instance.heard(3 * 96_000);
    let told: Vec<_> = list(&report, "bars")
        .iter()
        .map(|bar| (bar["generation"].as_u64(), bar["bar"].as_i64(), bar["complete"].as_bool()))
        .collect();
    assert_eq!(told, [1, 2, 3].map(|generation| (Some(generation), Some(1), Some(true))));
}

#[test]
fn the_project_remembers_the_bars() {
    let mut song = Song::new(120.0, 4, 4);
    song.play(0, 4 * 96_000);
    let mut instance = Instance::new();
    let report = song.run(&mut instance);
    let saved = instance.save();
    // nice-plug writes the length before its JSON.
    let json = saved.iter().position(|byte| *byte == b'{').expect("an object");
    let state: Value = serde_json::from_slice(&saved[json..]).expect("nice-plug saves JSON");
    let timeline: Value =
        serde_json::from_str(state["fields"]["timeline"].as_str().expect("a timeline")).unwrap();
    let numbers: Vec<_> =
        list(&timeline, "bars").iter().map(|bar| bar["number"].as_i64()).collect();
    assert_eq!(numbers, [1, 2, 3, 4].map(Some));
    for (saved, heard) in list(&timeline, "bars").iter().zip(list(&report, "bars")) {
        let (saved, heard) = (saved["loudness_lufs"].as_f64(), heard["loudness_lufs"].as_f64());
        assert!((saved.unwrap() - heard.unwrap()).abs() < 0.06);
    }
    let mut other = Instance::new();
    other.load(&saved).expect("the plugin's own state");
    assert_eq!(other.save(), saved);
}

#[test]
fn a_render_captions_every_bar_and_saves_what_was_said() {
    let mut song = Song::new(120.0, 4, 4);
    song.play(0, 10 * 96_000);
    let mut instance = Instance::new();
    instance.play(RATE_HZ, MAX_FRAMES, &song.takes, &[], Memory::Apart);
    let words = |report: &Value| -> Vec<Value> {
        list(report, "bars").iter().map(|bar| bar["words"].clone()).collect()
    };
    let report = instance.report("words", |report| {
        list(report, "bars").len() == 10 && words(report).iter().all(|w| w["state"] != "waiting")
    });
    for said in words(&report) {
        assert_eq!(said["state"], "said", "{said}");
        assert!(said["text"].as_str().is_some_and(|text| !text.is_empty()), "{said}");
    }
    assert!(report["label"]["confidence"].as_f64().is_some_and(|confidence| confidence > 0.0));
    let saved = String::from_utf8_lossy(&instance.save()).into_owned();
    let said = words(&report)[9]["text"].as_str().expect("words").to_owned();
    assert!(saved.contains(&said), "{said} in {saved}");
}
