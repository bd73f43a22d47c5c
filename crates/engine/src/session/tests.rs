//! Random sessions against what was truly played, and what happens where nobody listens.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use analysis::Meter as Meters;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use signal::{BarKey, Meter, Transport};

use super::*;

/// A host that plays noise, jumps, stops, and remembers all of it.
struct Studio {
    random: Pcg64Mcg,
    session: Session,
    listener: Listener,
    takes: Vec<Take>,
    /// Frames since the listener looked.
    unheard: usize,
    /// What the host loaded last, and how many bars were reported before.
    loaded: (Notes, usize),
}

/// What one generation was given.
struct Take {
    rate_hz: f64,
    channels: usize,
    tempo_bpm: f64,
    meter: Meter,
    samples: Vec<f32>,
    passes: Vec<Pass>,
    skipped: Vec<Range<u64>>,
    position: i64,
}

/// A pass as the host made it.
#[derive(Clone, Debug, PartialEq)]
struct Pass {
    frames: Range<u64>,
    /// Song position of the first frame; none while the transport stands.
    position: Option<i64>,
}

impl Take {
    fn frame(&self) -> u64 {
        (self.samples.len() / self.channels) as u64
    }

    fn quarters(&self, position: i64) -> f64 {
        position as f64 * self.tempo_bpm / (60.0 * self.rate_hz)
    }

    fn transport(&self, playing: bool) -> Transport {
        let place = self.quarters(self.position);
        let bar = self.meter.quarters();
        Transport {
            playing,
            position: Some(self.position),
            tempo_bpm: Some(self.tempo_bpm),
            meter: Some(self.meter),
            position_quarters: Some(place),
            bar_start_quarters: Some((place / bar).floor() * bar),
            offline: false,
        }
    }

    /// A tick and a frame: a line that is so near to a pass's edge may lie on either side of it, for hosts round.
    fn doubt_frames(&self) -> f64 {
        1.0 + 60.0 * self.rate_hz / (self.tempo_bpm * 1920.0)
    }

    /// Bars that lie in a pass: key, frames, and whether all of the bar does. `None` where a line
    /// beyond the edge may be taken for one that was met.
    fn bars(&self, pass: &Pass) -> BTreeMap<BarKey, (Range<f64>, Option<bool>)> {
        let Some(position) = pass.position else { return BTreeMap::new() };
        let length = self.meter.quarters() * 60.0 * self.rate_hz / self.tempo_bpm;
        let (first, last) = (pass.frames.start as f64, pass.frames.end as f64);
        let line = |number: i64| first + number as f64 * length - position as f64;
        let doubt = self.doubt_frames();
        let mut number = (position as f64 / length + 1e-9).floor() as i64;
        let mut bars = BTreeMap::new();
        while line(number) < last - 0.5 {
            let (from, to) = (line(number), line(number + 1));
            let missing = (first - from - 0.5).max(to - last - 0.5);
            let whole =
                if missing <= 0.0 { Some(true) } else { Some(false).filter(|_| missing > doubt) };
            let key = BarKey::from_quarters(number as f64 * self.meter.quarters());
            bars.insert(key, (from.max(first)..to.min(last), whole));
            number += 1;
        }
        bars
    }
}

impl Studio {
    fn new(seed: u64) -> Self {
        let (session, listener) = Session::pair(Controls::default(), None);
        Self {
            random: Pcg64Mcg::seed_from_u64(seed),
            session,
            listener,
            takes: Vec::new(),
            unheard: 0,
            loaded: (Notes::default(), 0),
        }
    }

    /// The host loads a state that it saved at some time before, or an empty one.
    fn load(&mut self) {
        while self.listener.poll() != Activity::Idle {}
        let notebook = &self.session.shared.controls.notebook;
        let notes = match self.random.random_bool(0.5) {
            true => notebook.read(Notes::clone),
            false => self.loaded.0.clone(),
        };
        notebook.replace(notes.clone());
        self.loaded = (notes, self.listener.report().bars.len());
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.random_range(0..choices.len())]
    }

    /// One activation, with everything that a user does in it.
    fn take(&mut self) {
        let rate_hz = self.pick(&[4_000.0, 8_000.0, 22_050.0]);
        let channels = self.pick(&[1, 2, 3]);
        let meter = self.pick(&[(4, 4), (3, 4), (7, 8)]);
        self.takes.push(Take {
            rate_hz,
            channels,
            tempo_bpm: self.random.random_range(60.0..400.0),
            meter: Meter::new(meter.0, meter.1).unwrap(),
            samples: Vec::new(),
            passes: Vec::new(),
            skipped: Vec::new(),
            position: 0,
        });
        let mut input = self.session.activate(channels, rate_hz, false);
        for _ in 0..self.random.random_range(3..9) {
            match self.random.random_range(0..6) {
                0 => self.stop(&mut input),
                1 => self.skip(&mut input),
                _ => self.play(&mut input),
            }
        }
    }

    /// Plays from where the song is, or from somewhere else.
    fn play(&mut self, input: &mut Input) {
        let somewhere =
            self.random.random_bool(0.5).then(|| self.random.random_range(-2_000..90_000));
        let blocks = self.random.random_range(1..20);
        let take = self.takes.last_mut().unwrap();
        if let Some(position) = somewhere {
            take.position = position;
        }
        let start = take.frame();
        let going = take.passes.last().filter(|pass| {
            let length = (pass.frames.end - pass.frames.start) as i64;
            pass.frames.end == start && pass.position.map(|at| at + length) == Some(take.position)
        });
        if going.is_none() {
            take.passes.push(Pass { frames: start..start, position: Some(take.position) });
        }
        for _ in 0..blocks {
            let frames = self.pick(&[1, 64, 500, 4096]);
            self.block(input, frames, true, true);
            let take = self.takes.last_mut().unwrap();
            take.position += frames as i64;
            take.passes.last_mut().unwrap().frames.end += frames as u64;
        }
    }

    /// The transport stands; sometimes something sounds all the same, and then there is enough silence to end it.
    fn stop(&mut self, input: &mut Input) {
        let sounding = self.random.random_bool(0.5);
        if sounding {
            let start = self.takes.last().unwrap().frame();
            self.block(input, 3000, false, true);
            let pass = Pass { frames: start..start + 3000, position: None };
            self.takes.last_mut().unwrap().passes.push(pass);
        }
        let rate_hz = self.takes.last().unwrap().rate_hz;
        self.block(input, (2.1 * rate_hz) as usize, false, false);
    }

    /// The user switches listening off for a while, and the song stands still meanwhile.
    fn skip(&mut self, input: &mut Input) {
        let take = self.takes.last_mut().unwrap();
        let start = take.frame();
        input.skip(700);
        take.samples.extend(std::iter::repeat_n(0.0, 700 * take.channels));
        match take.skipped.last_mut().filter(|last| last.end == start) {
            Some(last) => last.end += 700,
            None => take.skipped.push(start..start + 700),
        }
        // Another place, so that no pass goes on over it.
        take.position += 50_000;
    }

    fn block(&mut self, input: &mut Input, frames: usize, playing: bool, sounding: bool) {
        let take = self.takes.last_mut().unwrap();
        let random = &mut self.random;
        let mut sample = || if sounding { random.random_range(0.1..0.5) } else { 0.0 };
        let block: Vec<Vec<f32>> =
            (0..take.channels).map(|_| (0..frames).map(|_| sample()).collect()).collect();
        for frame in 0..frames {
            take.samples.extend(block.iter().map(|channel| channel[frame]));
        }
        input.hear(&block, &take.transport(playing));
        self.unheard += frames;
        // Half of the smallest ring may fill, so that nothing is ever lost here.
        if self.unheard > 16_384 || self.random.random_bool(0.2) {
            self.listener.poll();
            self.unheard = 0;
        }
    }

    /// The host throws the instance away; everything is heard all the same.
    fn end(self) -> (Vec<Take>, Report, Arc<Notebook>) {
        let Self { session, mut listener, takes, .. } = self;
        let notebook = Arc::clone(&session.shared.controls.notebook);
        drop(session);
        while listener.poll() != Activity::Closed {}
        (takes, listener.report(), notebook)
    }
}

fn check_passes(take: &Take, heard: &[&HeardPass], seed: u64) {
    let told: Vec<Pass> = heard
        .iter()
        .map(|pass| Pass {
            frames: pass.start_frame..pass.end_frame.expect("all passes have ended"),
            position: (pass.kind == "song").then(|| pass.position.unwrap()),
        })
        .collect();
    assert_eq!(told, take.passes, "seed {seed}");
}

fn check_bars(take: &Take, pass: &Pass, heard: &[&HeardBar], seed: u64) {
    let frames = &pass.frames;
    let tiles = heard
        .iter()
        .try_fold(frames.start, |at, bar| (bar.start_frame == at).then_some(bar.end_frame));
    assert_eq!(tiles, Some(frames.end), "seed {seed}, {pass:?}: {heard:?}");
    for bar in heard {
        let index = |frame: u64| frame as usize * take.channels;
        let truth = &take.samples[index(bar.start_frame)..index(bar.end_frame)];
        let mut meter = Meters::without_music(take.rate_hz as u32, take.channels).unwrap();
        meter.push(truth).unwrap();
        let measured = meter.finish();
        assert_eq!(bar.loudness_lufs, measured.loudness_lufs, "seed {seed}, {bar:?}");
        assert_eq!(bar.true_peak_dbtp, measured.true_peak_dbtp, "seed {seed}, {bar:?}");
    }
    if pass.position.is_some() {
        // One that is shorter than the doubt may be there or not.
        let (mut expected, sliver) = (take.bars(pass), take.doubt_frames() + 1.0);
        for (index, bar) in heard.iter().enumerate() {
            let key = BarKey::from_quarters(bar.start_quarters.unwrap());
            let Some((frames, whole)) = expected.remove(&key) else {
                let length = (bar.end_frame - bar.start_frame) as f64;
                assert!(length <= sliver, "seed {seed}, {bar:?} of {pass:?}");
                continue;
            };
            assert!(whole.is_none_or(|w| w == bar.complete), "seed {seed}, {bar:?} of {pass:?}");
            let away = (bar.start_frame as f64 - frames.start).abs();
            let to_the_sample = if index == 0 { sliver } else { 1.0 };
            assert!(away <= to_the_sample, "seed {seed}, {bar:?}");
        }
        for (frames, _) in expected.values() {
            assert!(frames.end - frames.start <= sliver, "seed {seed}, {frames:?} of {pass:?}");
        }
    }
}

/// How many random sessions are played: more where BARLINE_SESSIONS says so.
fn sessions() -> u64 {
    let said = std::env::var("BARLINE_SESSIONS").ok();
    said.and_then(|count| count.parse().ok()).unwrap_or(200)
}

/// The bars that the project must remember: what was loaded last, and what was heard whole since.
fn check_notes(loaded: &(Notes, usize), report: &Report, notebook: &Notebook, seed: u64) {
    let mut expected: BTreeSet<BarKey> = loaded.0.bars().map(|bar| bar.key).collect();
    let since = report.bars.iter().skip(loaded.1);
    let whole = since.filter(|bar| bar.complete).filter_map(|bar| bar.start_quarters);
    expected.extend(whole.map(BarKey::from_quarters));
    let noted: BTreeSet<BarKey> = notebook.read(|notes| notes.bars().map(|bar| bar.key).collect());
    assert_eq!(noted, expected, "seed {seed}");
}

#[test]
fn random_sessions_are_heard_to_the_sample() {
    for seed in 0..sessions() {
        let mut studio = Studio::new(seed);
        for _ in 0..studio.random.random_range(1..4) {
            studio.take();
            if studio.random.random_bool(0.3) {
                studio.load();
            }
        }
        let loaded = studio.loaded.clone();
        let (takes, report, notebook) = studio.end();
        check_notes(&loaded, &report, &notebook, seed);
        let skipped = |take: &Take| take.skipped.iter().map(|gap| gap.end - gap.start).sum::<u64>();
        assert_eq!(report.skipped_frames, takes.iter().map(skipped).sum::<u64>());
        let given = takes.iter().map(|take| take.frame() - skipped(take)).sum::<u64>();
        assert_eq!((report.heard_frames, report.dropped_frames), (given, 0), "seed {seed}");
        assert_eq!(report.trouble, None);
        for (take, generation) in takes.iter().zip(1..) {
            let passes: Vec<&HeardPass> =
                report.passes.iter().filter(|pass| pass.generation == generation).collect();
            check_passes(take, &passes, seed);
            for pass in &take.passes {
                let bars: Vec<&HeardBar> = report
                    .bars
                    .iter()
                    .filter(|bar| {
                        bar.generation == generation && pass.frames.contains(&bar.start_frame)
                    })
                    .collect();
                check_bars(take, pass, &bars, seed);
            }
        }
    }
}

#[test]
fn how_often_the_listener_looks_changes_nothing() {
    let run = |often: bool| {
        let mut studio = Studio::new(7);
        studio.take();
        if often {
            while studio.listener.poll() != Activity::Idle {}
        }
        studio.take();
        let (_, report, notebook) = studio.end();
        (Report { instance: 0, ..report }, notebook.read(Notes::clone))
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_render_waits_for_room_and_real_time_never_does() {
    let transport = Transport { playing: true, ..Transport::default() };
    let block = vec![vec![0.25_f32; 8_000]; 2];
    // 80 s of audio in no time, into a ring of 8 s: a render, though no host said so.
    let (mut session, mut listener) = Session::pair(Controls::default(), None);
    let mut input = session.activate(2, 8_000.0, false);
    let ears = std::thread::spawn(move || {
        while listener.poll() != Activity::Closed {
            std::thread::sleep(Duration::from_millis(5));
        }
        listener.report()
    });
    for _ in 0..80 {
        input.hear(&block, &transport);
    }
    drop((input, session));
    let report = ears.join().unwrap();
    assert_eq!((report.heard_frames, report.dropped_frames), (640_000, 0));

    // The same with nobody to read: one wait of 2 s at most, then gaps without waiting.
    let (mut session, listener) = Session::pair(Controls::default(), None);
    let mut input = session.activate(2, 8_000.0, true);
    let start = Instant::now();
    for _ in 0..80 {
        input.hear(&block, &transport);
    }
    assert!(start.elapsed() > Duration::from_secs(1), "it didn't wait");
    let again = Instant::now();
    input.hear(&block, &transport);
    assert!(again.elapsed() < Duration::from_secs(1), "it waits again and again");
    drop((listener, session));
}

#[test]
fn a_listener_that_is_gone_costs_nothing() {
    let (mut session, listener) = Session::pair(Controls::default(), None);
    drop(listener);
    let mut input = session.activate(2, 48_000.0, true);
    let start = Instant::now();
    for _ in 0..10_000 {
        input.hear(&[vec![0.5_f32; 512], vec![0.5; 512]], &Transport::default());
    }
    assert!(start.elapsed() < Duration::from_secs(2), "it waits for nobody");
}

#[test]
fn a_burst_of_activations_ends_with_the_last_one_heard() {
    let (mut session, mut listener) = Session::pair(Controls::default(), None);
    for _ in 0..40 {
        session.activate(2, 8_000.0, false);
    }
    let mut input = session.activate(2, 8_000.0, false);
    input.hear(&[vec![0.5_f32; 512], vec![0.5; 512]], &Transport::default());
    while listener.poll() != Activity::Idle {}
    assert_eq!((listener.report().generation, listener.report().heard_frames), (41, 512));
}

#[test]
fn an_instance_that_goes_is_heard_to_its_end() {
    let controls = Controls::default();
    let notebook = Arc::clone(&controls.notebook);
    let mut session = Session::start(controls, Hub::of_process());
    let mut input = session.activate(1, 8_000.0, false);
    let quarters = |block: i64| block as f64 / 8.0;
    for block in 0..64 {
        let place = quarters(block);
        let transport = Transport {
            playing: true,
            position: Some(block * 500),
            tempo_bpm: Some(120.0),
            meter: Meter::new(4, 4),
            position_quarters: Some(place),
            bar_start_quarters: Some((place / 4.0).floor() * 4.0),
            offline: false,
        };
        input.hear(&[vec![0.25_f32; 500]], &transport);
    }
    drop((input, session));
    assert_eq!(notebook.read(|notes| notes.bars().count()), 2, "two bars of 16 000 frames");
}

#[test]
fn a_rate_that_is_none_is_taken_for_48_khz() {
    for rate_hz in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
        let (mut session, mut listener) = Session::pair(Controls::default(), None);
        let mut input = session.activate(1, rate_hz, false);
        input.hear(&[vec![0.5_f32; 48_000]], &Transport { playing: true, ..Transport::default() });
        drop(input);
        while listener.poll() != Activity::Idle {}
        let report = listener.report();
        assert_eq!(
            (report.rate_hz, report.heard_frames, report.passes.len()),
            (48_000.0, 48_000, 1)
        );
    }
}
