//! What is owed to whom: captions of armed passes, however they end; nothing to an instance that is gone; and that one moment of
//! trouble is over when it is over.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use models::Heard;
use signal::{Meter, Transport};

use super::*;
use crate::caption::Told;
use crate::error::EngineError;
use crate::format::Format;
use crate::hub::{About, DeviceChoice, Impression, Mind, Question, Window};
use crate::session::{Bounced, Controls, Input, Session};

const RATE_HZ: f64 = 8_000.0;
/// A bar of 4/4 at 120 BPM.
const BAR_FRAMES: usize = 16_000;

/// Says the same of everything, or never returns.
struct Echo {
    returns: bool,
}

impl Mind for Echo {
    fn about(&self) -> About {
        About::default()
    }

    fn hear(&self, _: &Window, _: &AtomicBool) -> Result<Impression, EngineError> {
        if !self.returns {
            loop {
                std::thread::park();
            }
        }
        let soft_tokens = models::Tensor::from_vec(vec![0.0_f32], (1, 1), &models::Device::Cpu);
        Ok(Impression {
            sound: Heard { soft_tokens: soft_tokens.unwrap(), windows: vec![], beside: vec![] },
            labels: Vec::new(),
            abstain_below: 0.5,
            told: Told { text: "Bass.".to_owned(), confidence: 0.9, ..Told::default() },
        })
    }

    fn answer(
        &self,
        _: &Question,
        _: &AtomicBool,
        _: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError> {
        Ok(Told::default())
    }
}

fn hub(returns: bool) -> Hub {
    let open = move |_: DeviceChoice, _: &dyn Fn(f64)| -> Result<Box<dyn Mind>, EngineError> {
        Ok(Box::new(Echo { returns }))
    };
    Hub::new(Box::new(open))
}

/// An instance whose song runs at 120 BPM, with a wall clock that the tests turn.
struct Track {
    session: Session,
    listener: Listener,
    input: Input,
    position: i64,
    now: Instant,
}

impl Track {
    fn new(hub: Option<&Hub>, offline: bool) -> Self {
        let (mut session, listener) = Session::pair(Controls::default(), hub);
        let input = session.activate(1, RATE_HZ, offline);
        Self { session, listener, input, position: 0, now: Instant::now() }
    }

    /// One that records to `tapes` and writes captions to `out`.
    fn bouncing(tapes: &Path, out: &Path) -> Self {
        let mut track = Self::new(Some(&hub(true)), false);
        let settings = BounceSettings {
            folder: Some(out.to_owned()),
            pattern: "{bars}".to_owned(),
            formats: vec![Format::Json],
        };
        track.listener.record_to(tapes.to_owned(), None);
        track.listener.bounce_with(settings, None, &[]);
        track
    }

    fn arm(&self, on: bool) {
        self.session.shared.controls.arm.set(on);
    }

    fn block(&mut self, frames: usize) {
        let quarters = self.position as f64 / (BAR_FRAMES / 4) as f64;
        let transport = Transport {
            playing: true,
            position: Some(self.position),
            tempo_bpm: Some(120.0),
            meter: Meter::new(4, 4),
            position_quarters: Some(quarters),
            bar_start_quarters: Some((quarters / 4.0).floor() * 4.0),
            ..Transport::default()
        };
        self.input.hear(
            &[(0..frames).map(|i| 0.3 * (i as f32 * 0.3).sin()).collect::<Vec<f32>>()],
            &transport,
        );
        self.position += frames as i64;
    }

    /// Another activation, in which the transport stands.
    fn stand_anew(&mut self, seconds: usize) {
        self.input = self.session.activate(1, RATE_HZ, false);
        for _ in 0..seconds {
            self.input.hear(&[[0.0_f32; RATE_HZ as usize]], &Transport::default());
            self.now += Duration::from_secs(1);
            self.listener.poll_at(self.now);
        }
    }

    /// Plays bars as fast as the clock on the wall goes.
    fn play(&mut self, bars: usize) {
        for _ in 0..4 * bars {
            self.block(BAR_FRAMES / 4);
            self.now += Duration::from_millis(500);
            self.listener.poll_at(self.now);
        }
    }

    /// Waits until all that was played is listened to.
    fn settle(&mut self) {
        while self.listener.poll_at(self.now) != Activity::Idle {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the generation, and waits until all is written.
    fn end(mut self) -> (Report, Listener) {
        drop((self.input, self.session));
        while self.listener.poll_at(self.now) != Activity::Closed {
            std::thread::sleep(Duration::from_millis(1));
        }
        (self.listener.report(), self.listener)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_armed_pass_is_written_though_it_is_disarmed_before_it_ends() {
    // Nothing is played after, as in a host that makes no calls when it stops; or the song goes on.
    for bars_after in [0, 4] {
        let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut track = Track::bouncing(tapes.path(), out.path());
        track.arm(true);
        track.play(3);
        track.arm(false);
        track.play(bars_after);
        assert_eq!(fs::read_dir(tapes.path()).unwrap().count(), 1, "the pass goes on");
        let (report, _) = track.end();
        let captions = 3 + bars_after;
        let written = matches!(report.bounced, Some(Bounced::Written { captions: n, failed: 0, .. }) if n == captions);
        assert!(written, "{:?}", report.bounced);
        assert_eq!(names(out.path()), [format!("1-{captions}.json")]);
        assert_eq!(fs::read_dir(tapes.path()).unwrap().count(), 0, "and the tape is gone");
    }
}

#[test]
fn a_pass_that_was_disarmed_in_the_middle_lies_whole_on_its_tape() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut track = Track::bouncing(tapes.path(), out.path());
    track.arm(true);
    track.play(1);
    track.arm(false);
    track.play(1);
    track.arm(true);
    track.play(1);
    let tape = names(tapes.path()).remove(0);
    // The host is killed.
    drop(track);
    let mut left = crate::session::tape::Left::open(&tapes.path().join(tape)).unwrap().unwrap();
    let items = std::iter::from_fn(|| left.next().unwrap());
    let frames = items.map(|item| match item {
        Item::Piece(piece) => piece.chunk().frames(),
        _ => 0,
    });
    assert_eq!(frames.sum::<usize>(), 3 * BAR_FRAMES);
}

#[test]
fn a_pass_that_was_not_armed_is_not_written_because_the_next_is() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut track = Track::bouncing(tapes.path(), out.path());
    track.play(2);
    track.arm(true);
    track.position = 8 * BAR_FRAMES as i64;
    track.play(2);
    track.end();
    assert_eq!(names(out.path()).len(), 1);
}

#[test]
fn nothing_of_an_armed_pass_is_skipped_for_what_is_played_disarmed() {
    // In the same pass, and in the next.
    for jump in [0, 40 * BAR_FRAMES as i64] {
        let mut track = Track::new(Some(&hub(false)), false);
        track.arm(true);
        track.play(1);
        track.arm(false);
        track.position += jump;
        track.play(4);
        let report = track.listener.report();
        assert_eq!((report.skipped_passages, report.bars.len()), (0, 1), "{jump}");
    }
}

#[test]
fn the_tape_of_a_pass_that_is_written_does_not_grow_by_what_is_played_after() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut track = Track::bouncing(tapes.path(), out.path());
    track.arm(true);
    track.play(1);
    track.arm(false);
    track.position = 8 * BAR_FRAMES as i64;
    let mut bars = 0;
    while fs::read_dir(tapes.path()).unwrap().count() > 0 {
        track.play(1);
        std::thread::sleep(Duration::from_millis(5));
        bars += 1;
        assert!(bars < 2_000, "the song goes on and the tape stays");
    }
    assert_eq!(names(out.path()).len(), 1);
}

#[test]
fn the_tape_of_a_render_that_is_written_is_gone_while_a_host_stands_still() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut track = Track::bouncing(tapes.path(), out.path());
    track.arm(true);
    track.play(1);
    track.stand_anew(3);
    while !track.listener.is_resting() {
        track.settle();
    }
    track.settle();
    assert_eq!((names(out.path()).len(), names(tapes.path()).len()), (1, 0));
}

#[test]
fn a_host_that_says_it_renders_and_plays_live_is_heard_live() {
    let mut track = Track::new(None, true);
    for _ in 0..40 {
        track.play(1);
        assert_eq!(track.listener.rendered, 0);
    }
    // Three quarters of a second in no time: its word counts now.
    for _ in 0..6 {
        track.block(1_000);
    }
    track.listener.drain(track.now);
    assert!(track.listener.rendered > 0);
}

#[test]
fn nobody_waits_for_words_of_an_instance_that_is_gone() {
    let mut track = Track::new(Some(&hub(false)), false);
    for _ in 0..3 {
        track.block(BAR_FRAMES);
        track.listener.poll_at(track.now);
    }
    let heard_frames = track.listener.report().heard_frames;
    assert!(heard_frames < 3 * BAR_FRAMES as u64, "a render waits for the model");
    let (report, _) = track.end();
    assert_eq!(report.heard_frames, 3 * BAR_FRAMES as u64);
}

#[test]
fn an_instance_that_is_gone_is_heard_for_a_second_at_most() {
    let Track { session, mut listener, input, now, .. } = {
        let mut track = Track::new(None, false);
        (0..3).for_each(|_| track.block(BAR_FRAMES));
        track
    };
    drop((input, session));
    assert_eq!(listener.poll_at(now), Activity::Busy);
    assert_eq!(listener.poll_at(now + FAREWELL), Activity::Closed);
    assert!(!listener.spool.is_empty());
}

#[test]
fn a_full_spool_is_told_until_it_takes_items_again() {
    let mut track = Track::new(None, false);
    track.listener.poll_at(track.now);
    // A piece and a half.
    track.listener.spool = Spool::with_limits(0, 6 * STRIDE_FRAMES as u64, None);
    track.block(3 * BAR_FRAMES);
    track.listener.drain(track.now);
    track.block(100);
    track.listener.drain(track.now);
    let trouble = track.listener.report().trouble.unwrap();
    assert!(trouble.starts_with("listening can't keep up: "), "{trouble}");
    while track.listener.report().heard_frames < 3 * BAR_FRAMES as u64 + 100 {
        track.listener.poll_at(track.now);
    }
    assert_eq!(track.listener.report().trouble, None);
}

#[test]
fn what_cannot_be_read_back_is_a_gap_in_its_pass() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut track = Track::bouncing(tapes.path(), out.path());
    track.listener.spool = Spool::with_limits(0, 1 << 30, None);
    track.arm(true);
    track.play(2);
    track.settle();
    // Three quarters of bar 3.
    for _ in 0..3 {
        track.block(BAR_FRAMES / 4);
    }
    track.listener.drain(track.now);
    track.listener.spool.spoil();
    while !track.listener.spool.is_empty() {
        track.listener.listen();
    }
    let trouble = track.listener.report().trouble.unwrap();
    assert!(trouble.starts_with("a part of what was played is lost: "), "{trouble}");
    for _ in 0..5 {
        track.block(BAR_FRAMES / 4);
        track.listener.poll_at(track.now);
    }
    let gap = Some(2 * BAR_FRAMES as u64..11 * BAR_FRAMES as u64 / 4);
    let gaps = track.listener.report().gaps;
    assert_eq!(gaps.iter().map(|gap| gap.start_frame..gap.end_frame).next(), gap);
    let (report, _listener) = track.end();
    // Of bar 3 there is too little for words.
    let passes: Vec<_> = report.passes.iter().map(|pass| pass.end_frame).collect();
    assert_eq!(passes, [Some(4 * BAR_FRAMES as u64)]);
    let bars: Vec<_> = report.bars.iter().map(|bar| (bar.bar, bar.complete)).collect();
    assert_eq!(bars, [(Some(1), true), (Some(2), true), (Some(3), false), (Some(4), true)]);
    assert!(matches!(report.bounced, Some(Bounced::Written { .. })), "{:?}", report.bounced);
    // The tape has what was lost, and does not say that the pass is written.
    let tape = tapes.path().join(names(tapes.path()).remove(0));
    let left = crate::session::tape::Left::open(&tape).unwrap().unwrap();
    assert_eq!(left.written, []);
}

#[test]
fn a_lost_part_is_told_until_the_next_pass() {
    let mut track = Track::new(None, false);
    track.listener.spool = Spool::with_limits(0, 1 << 30, None);
    track.play(1);
    track.settle();
    track.block(BAR_FRAMES);
    track.listener.drain(track.now);
    track.listener.spool.spoil();
    track.listener.listen();
    track.play(1);
    assert!(track.listener.report().trouble.is_some());
    track.position = 8 * BAR_FRAMES as i64;
    track.play(1);
    assert_eq!(track.listener.report().trouble, None);
}

#[test]
fn a_full_ring_is_listened_to_a_stride_at_a_time() {
    let mut track = Track::new(None, false);
    track.listener.poll_at(track.now);
    track.block(4 * STRIDE_FRAMES - 2_000);
    track.listener.drain(track.now);
    let mut frame = 0;
    while let Some(Item::Piece(piece)) = track.listener.spool.pop().unwrap() {
        let chunk = piece.chunk();
        assert_eq!((chunk.frame(), chunk.mark.frame), (frame, 0));
        assert!(chunk.frames() <= STRIDE_FRAMES);
        frame += chunk.frames() as u64;
    }
    assert_eq!(frame, 4 * STRIDE_FRAMES as u64 - 2_000);
}

#[test]
fn a_ring_outlives_the_end_of_its_tap() {
    let Track { session: _session, mut listener, input, now, .. } = Track::new(None, false);
    listener.poll_at(now);
    drop(input);
    listener.poll_at(now);
    // The audio thread may have let go of a part of it only.
    listener.poll_at(now + REST / 2);
    assert_eq!((listener.sources.len(), listener.retired.len()), (0, 1));
    listener.poll_at(now + REST);
    assert_eq!(listener.retired.len(), 0);
}

#[test]
fn a_bar_without_frames_is_none() {
    let mut track = Track::new(None, false);
    track.play(1);
    let bars = track.listener.report().bars.len();
    let generation = track.listener.report().generation;
    let generation = Generation { number: generation, rate_hz: RATE_HZ, channels: 1 };
    let bar = signal::Bar {
        key: signal::BarKey::from_quarters(40.0),
        number: Some(11),
        meter: Meter::new(4, 4).unwrap(),
        frame: 5,
        position: Some(5),
    };
    let passage = crate::session::Passage {
        bar: Some(bar),
        frames: 5..5,
        complete: true,
        samples: None,
        window: None,
    };
    track.listener.taker(generation, None, false).take(&News::Passage(passage));
    assert_eq!(track.listener.report().bars.len(), bars);
    assert!(!track.session.remote().recall(|notes| notes.has(bar.key)));
}
