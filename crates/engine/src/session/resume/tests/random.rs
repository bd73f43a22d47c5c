//! Random songs in random hosts: tempo and meter change, the transport loops, jumps and stands, and the instance goes, or its host is
//! killed, right after any block. Every pass has its captions, each bar where the song has it, to the sample.
//!
//! Where BARLINE_RENDERS names a folder, the files are left there, for other people's parsers (tests/formats).

use std::path::PathBuf;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::format::Format;
use crate::session::{Input, Listener};
use crate::timeline::{Caption, Timeline};

const SESSIONS: u64 = 24;

/// A bar of the song.
struct SongBar {
    /// Its first moment, in samples, and in quarter notes.
    position: f64,
    quarters: f64,
    tempo_bpm: f64,
    meter: Meter,
}

/// A song, somebody who plays it, and what was played: song positions of passes.
struct Studio {
    random: Pcg64Mcg,
    rate_hz: f64,
    song: Vec<SongBar>,
    session: Session,
    listener: Listener,
    input: Input,
    position: i64,
    passes: Vec<(i64, i64)>,
}

impl Studio {
    fn new(seed: u64, tapes: &Path, settings: &BounceSettings) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let rate_hz = [8_000.0, 11_025.0][random.random_range(0..2)];
        let song = song(&mut random, rate_hz);
        let controls = Controls::default();
        controls.arm.set(true);
        let (mut session, mut listener) = Session::pair(controls, Some(&hub()));
        listener.record_to(tapes.to_owned(), None);
        listener.bounce_with(settings.clone(), None, &[]);
        session.remote().entitle(&format!("Render {seed}"));
        let input = session.activate(1, rate_hz, random.random_bool(0.5));
        let (position, passes) = (0, Vec::new());
        Self { random, rate_hz, song, session, listener, input, position, passes }
    }

    /// The bar in which a sample lies.
    fn bar(&self, position: i64) -> usize {
        self.song.partition_point(|bar| bar.position <= position as f64 + 1e-6).max(1) - 1
    }

    fn transport(&self, playing: bool) -> Transport {
        let bar = &self.song[self.bar(self.position)];
        let since = (self.position as f64 - bar.position) * bar.tempo_bpm / (60.0 * self.rate_hz);
        Transport {
            playing,
            position: Some(self.position),
            tempo_bpm: Some(bar.tempo_bpm),
            meter: Some(bar.meter),
            position_quarters: Some(bar.quarters + since),
            bar_start_quarters: Some(bar.quarters),
            offline: false,
        }
    }

    /// Plays blocks from where the song is; none goes over a change of tempo.
    fn play(&mut self, blocks: usize) {
        for _ in 0..blocks {
            let Some(next) = self.song.get(self.bar(self.position) + 1) else { break };
            let to_line = next.position.ceil() as i64 - self.position;
            let most = [64, 1000, 8192, 30_000][self.random.random_range(0..4)];
            let frames = self.random.random_range(1..=most).min(to_line.max(1));
            let wave = (0..frames).map(|i| 0.3 * (i as f32 * 0.3).sin()).collect();
            self.block(wave, true);
            let start = self.position;
            self.position += frames;
            match self.passes.last_mut().filter(|pass| pass.1 == start) {
                Some(pass) => pass.1 = self.position,
                None => self.passes.push((start, self.position)),
            }
        }
    }

    /// The transport stands; what it plays then goes on from another place, or is another pass all the same.
    fn stand(&mut self) {
        let frames = self.random.random_range(100..20_000);
        self.block(vec![0.0; frames], false);
        self.go_to_a_bar();
    }

    fn go_to_a_bar(&mut self) {
        let last = self.passes.last().map(|pass| pass.1);
        let bar = self.random.random_range(0..self.song.len() - 2);
        let offset = self.random.random_range(0..3) * 997;
        self.position = self.song[bar].position.ceil() as i64 + offset;
        // Where it is by chance, nothing was jumped over.
        self.position += i64::from(last == Some(self.position)) * 500;
    }

    fn block(&mut self, wave: Vec<f32>, playing: bool) {
        let transport = self.transport(playing);
        self.input.hear(&[wave], &transport);
        // The host is faster than the model, but leaves room for what it renders.
        self.listener.poll();
    }

    /// Ends the instance and waits for its captions, or kills its host.
    fn end(self, killed: bool) -> Played {
        let Self { rate_hz, song, session, mut listener, input, mut passes, .. } = self;
        if !killed {
            drop((input, session));
            while listener.poll() != Activity::Closed {
                std::thread::sleep(PAUSE);
            }
        }
        passes.sort_unstable();
        Played { rate_hz, song, passes }
    }
}

struct Played {
    rate_hz: f64,
    song: Vec<SongBar>,
    passes: Vec<(i64, i64)>,
}

/// Bars whose tempo and meter change now and then.
fn song(random: &mut Pcg64Mcg, rate_hz: f64) -> Vec<SongBar> {
    let (mut position, mut quarters) = (0.0, 0.0);
    let (mut tempo_bpm, mut meter) = (random.random_range(70.0..240.0), Meter::new(4, 4).unwrap());
    let bars = (0..random.random_range(6..16)).map(|_| {
        if random.random_bool(0.3) {
            tempo_bpm = random.random_range(70.0..240.0);
        }
        if random.random_bool(0.2) {
            let (beats, unit) = [(4, 4), (3, 4), (7, 8)][random.random_range(0..3)];
            meter = Meter::new(beats, unit).unwrap();
        }
        let bar = SongBar { position, quarters, tempo_bpm, meter };
        position += meter.quarters() * 60.0 * rate_hz / tempo_bpm;
        quarters += meter.quarters();
        bar
    });
    bars.collect()
}

/// The timelines that were written, in the order of passes.
fn written(folder: &Path) -> Vec<Timeline> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut timelines: Vec<Timeline> = json.map(read).collect();
    let place = |timeline: &Timeline| (timeline.project_start_s.unwrap(), timeline.duration_s);
    timelines.sort_by(|a, b| place(a).partial_cmp(&place(b)).unwrap());
    timelines
}

impl Played {
    /// A pass: both zeros, and every bar of it.
    fn check(&self, timeline: &Timeline, pass: (i64, i64), seed: u64) {
        let (start, end) = (pass.0 as f64, pass.1 as f64);
        let start_s = timeline.project_start_s.unwrap();
        let near = |s: f64, frames: f64| (s * self.rate_hz - frames).abs() <= 1.0;
        let placed = near(start_s, start) && near(timeline.duration_s, end - start);
        let (at, frames) = (start_s * self.rate_hz, timeline.duration_s * self.rate_hz);
        assert!(placed, "seed {seed}: {frames} frames at {at} of {:?}", self.passes);
        let met = self.song.windows(2).enumerate().filter(|(_, pair)| {
            // A line within a sample of a pass's edge may be taken for either side.
            pair[1].position > start + 1.0 && pair[0].position < end - 1.0
        });
        let mut captions =
            timeline.captions.iter().filter(|c| (c.end_s - c.start_s) * self.rate_hz > 1.5);
        for (index, pair) in met {
            let caption = captions.next().unwrap_or_else(|| panic!("seed {seed}: bar {index}"));
            let Caption { start_s, end_s, bar, ref text, .. } = *caption;
            let from = pair[0].position.max(start) - start;
            let to = pair[1].position.min(end) - start;
            let placed = near(start_s, from) && near(end_s, to);
            assert!(placed, "seed {seed}: bar {index} from {from} to {to} is {caption:?}");
            assert!(bar.is_none_or(|bar| bar == index as i64 + 1), "seed {seed}: {caption:?}");
            assert!(!text.is_empty(), "seed {seed}: {caption:?}");
            self.check_tempo(timeline, caption, &pair[0], to - from, seed);
        }
        assert_eq!(captions.next(), None, "seed {seed}");
    }

    /// Of a whole bar the tempo map has the tempo.
    fn check_tempo(
        &self,
        timeline: &Timeline,
        caption: &Caption,
        bar: &SongBar,
        frames: f64,
        seed: u64,
    ) {
        let whole = bar.meter.quarters() * 60.0 * self.rate_hz / bar.tempo_bpm;
        if frames < whole - 1.0 {
            return;
        }
        let marks = timeline.tempo_map.iter();
        let mark = marks.rev().find(|mark| mark.start_s <= caption.start_s + 1e-9).unwrap();
        assert!(
            (mark.bpm / bar.tempo_bpm - 1.0).abs() < 1e-3,
            "seed {seed}: {mark:?}, {caption:?}"
        );
        assert_eq!(mark.meter, bar.meter, "seed {seed}");
    }
}

#[test]
fn every_pass_of_random_renders_has_its_captions() {
    let kept = std::env::var_os("BARLINE_RENDERS").map(PathBuf::from);
    for seed in 0..SESSIONS {
        let (tapes, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let kept = kept.as_ref().map(|kept| kept.join(seed.to_string()));
        let out = kept.unwrap_or_else(|| scratch.path().to_owned());
        let settings = BounceSettings { formats: Format::ALL.to_vec(), ..settings(&out) };
        let killed = seed % 3 == 2;
        let mut studio = Studio::new(seed, tapes.path(), &settings);
        for _ in 0..studio.random.random_range(1..6) {
            match studio.random.random_range(0..4) {
                0 => studio.stand(),
                1 => studio.go_to_a_bar(),
                _ => {}
            }
            let blocks = studio.random.random_range(1..40);
            studio.play(blocks);
        }
        let played = studio.end(killed);
        if killed {
            let told = resumed(tapes.path(), &settings);
            assert!(told.iter().all(|told| told.trouble.is_none()), "seed {seed}: {told:?}");
        }
        assert_eq!(fs::read_dir(tapes.path()).unwrap().count(), 0, "seed {seed}: no tape is left");
        let timelines = written(&out);
        assert_eq!(timelines.len(), played.passes.len(), "seed {seed}: {:?}", played.passes);
        for (timeline, pass) in timelines.iter().zip(&played.passes) {
            played.check(timeline, *pass, seed);
        }
        let files = fs::read_dir(&out).unwrap().count();
        assert_eq!(files, Format::ALL.len() * played.passes.len(), "seed {seed}");
    }
}
