//! Thousands of sessions through the tap and the clock, against a model that looks at every frame by itself.

use std::collections::BTreeSet;

use super::host::{BEFORE, Claims, Host, Lcg};
use crate::bar::{BarEvent, PassKind};
use crate::bar_clock::BarClock;
use crate::meter::{BarKey, TICKS_PER_QUARTER};
use crate::tap::{AudioTap, tap};
use crate::transport::Transport;
use crate::{AudioFeed, Bar};

/// What one frame of the stream truly was.
#[derive(Clone, Copy, Debug)]
enum Frame {
    Song { pass: u32, position: i64 },
    Stopped { loud: bool },
    Lost,
}

struct Session {
    random: Lcg,
    host: Host,
    tap: AudioTap,
    feed: AudioFeed,
    clock: BarClock,
    truth: Vec<Frame>,
    events: Vec<BarEvent>,
    pass: u32,
    position: i64,
    /// How far apart two things must lie, in frames, for this host to tell them apart.
    blur_frames: i64,
    may_lose: bool,
}

impl Session {
    fn new(seed: u64) -> Self {
        let mut random = Lcg(seed);
        random.below(2);
        let rate_hz = random.pick(&[2_000.0, 8_000.0, 8_000.0, 48_000.0]);
        let fixed = random.below(2) == 0;
        let claims = if fixed {
            random.pick(&[Claims::None, Claims::Zero, Claims::Ardour, Claims::Mostly])
        } else {
            Claims::Right
        };
        let mut host = Host::new(&mut random, rate_hz, claims, fixed);
        host.rounds = random.below(3) == 0;
        host.gives_position = random.below(6) > 0;
        // Losing frames where tempo changes, or where ticks are coarser than frames, leaves nothing to know.
        let may_lose = fixed && !host.rounds && host.gives_position && random.below(2) == 0;
        let capacity = if may_lose { 4_096 } else { 8 << 20 };
        let (tap, feed) = tap(1, rate_hz, capacity, seed);
        let slowest = host.bars.iter().map(|bar| bar.tempo_bpm).fold(f64::MAX, f64::min);
        let tick_frames = 60.0 * rate_hz / (slowest * TICKS_PER_QUARTER);
        let blur_frames = if host.rounds { (2.5 * tick_frames).ceil() as i64 + 2 } else { 2 };
        Self {
            clock: BarClock::new(rate_hz),
            random,
            host,
            tap,
            feed,
            truth: Vec::new(),
            events: Vec::new(),
            pass: 0,
            position: 0,
            blur_frames,
            may_lose,
        }
    }

    /// Whether a place lies on a bar line, or clearly not on one.
    fn is_clear(&self, position: i64) -> bool {
        let distance = |bar: &super::host::SongBar| (bar.position - position).abs();
        let nearest = self.host.bars.iter().map(distance).min().unwrap();
        nearest == 0 || nearest > self.blur_frames
    }

    fn write(&mut self, frames: i64, level: f32, transport: &Transport, song: bool) {
        let block = vec![level; frames as usize];
        let taken = self.tap.write(&[&block], transport);
        for frame in 0..frames {
            self.truth.push(match (taken, song) {
                (false, _) => Frame::Lost,
                (_, true) => Frame::Song { pass: self.pass, position: self.position + frame },
                _ => Frame::Stopped { loud: level != 0.0 },
            });
        }
        if self.random.below(3) == 0 {
            self.drain();
        }
    }

    fn drain(&mut self) {
        let Self { feed, clock, events, .. } = self;
        feed.drain(&mut |chunk| clock.push(&chunk, events));
    }

    /// Where the song ends.
    fn last(&self) -> i64 {
        self.host.bars[self.host.bars.len() - 3].position
    }

    fn play_block(&mut self, most: i64) {
        let last = self.last();
        if self.position >= last {
            self.pass += 1;
            self.position = 0;
        }
        let size = self.random.pick(&[1, 64, 512, 2_048, 16_384]);
        let frames = 1 + self.random.below(size as u64) as i64;
        let frames = frames.min(self.host.steady_frames(self.position));
        let frames = frames.min(most).min(last - self.position);
        let told = self.host.tell(self.position, &mut self.random);
        self.write(frames, 0.5, &told, true);
        self.position += frames;
    }

    /// Plays on to where the host can stop or jump without being misread.
    fn settle(&mut self) {
        while !self.is_clear(self.position) {
            self.play_block(1);
        }
    }

    fn jump(&mut self) {
        self.settle();
        let bars = self.host.bars.len() as u64;
        for _ in 0..50 {
            let bar = self.host.bars[self.random.below(bars - 4) as usize];
            let into = self.random.pick(&[0, 0, self.random.0 as i64 >> 40 & 0x3fff]);
            let target = bar.position + into;
            // A jump of under a second might be a drifting clock in a host without positions.
            let far = (target - self.position).abs() > self.host.rate_hz as i64;
            if far && target < self.last() && self.is_clear(target) {
                self.pass += 1;
                self.position = target;
                return;
            }
        }
    }

    fn stop(&mut self) {
        self.settle();
        for _ in 0..self.random.below(4) {
            let told = self.host.tell(self.position, &mut self.random);
            let level = self.random.pick(&[0.0, 0.5]);
            let frames = 512 + self.random.below(self.host.rate_hz as u64) as i64;
            self.write(frames, level, &Transport { playing: false, ..told }, false);
            self.pass += 1;
        }
    }

    /// qtractor: the first block comes without a transport, and with the song's first audio.
    fn first_block(&mut self) {
        let first = self.host.bars[BEFORE + 1].position;
        let frames = 1 + self.random.below(first.min(1_024) as u64 - 1) as i64;
        self.write(frames, 0.5, &Transport::default(), true);
        self.position += frames;
        self.play_block(i64::MAX);
    }

    fn run(&mut self) {
        match self.random.below(4) {
            0 if self.host.gives_position && !self.may_lose => self.first_block(),
            0 => self.jump(),
            1 => self.position = -768.min(self.host.bars[BEFORE + 1].position - 100),
            _ => {}
        }
        for _ in 0..40 {
            match self.random.below(12) {
                0 => self.jump(),
                1 => self.stop(),
                _ => self.play_block(i64::MAX),
            }
        }
        self.settle();
        self.drain();
        self.clock.finish(&mut self.events);
    }

    /// A frame was lost so close to a bar line that no host could say on which side.
    fn is_doubtful(&self) -> bool {
        self.truth.windows(2).any(|pair| match pair {
            [Frame::Song { position, .. }, Frame::Lost] => !self.is_clear(position + 1),
            [Frame::Lost, Frame::Song { position, .. }] => !self.is_clear(*position),
            _ => false,
        })
    }

    /// The model: what the events must be, from every frame by itself.
    fn expected(&self) -> Vec<BarEvent> {
        let mut model = Model { host: &self.host, known: BTreeSet::new(), events: Vec::new() };
        let mut at = 0;
        while at < self.truth.len() {
            at = match self.truth[at] {
                Frame::Song { pass, .. } => {
                    let of_pass = |frame: &Frame| match frame {
                        Frame::Song { pass: other, .. } => *other == pass,
                        Frame::Lost => true,
                        Frame::Stopped { .. } => false,
                    };
                    let length = self.truth[at..].iter().take_while(|f| of_pass(f)).count();
                    model.song(at, &self.truth[at..at + length]);
                    at + length
                }
                Frame::Stopped { loud: true } => model.free(at, &self.truth),
                _ => at + 1,
            };
        }
        model.events
    }
}

struct Model<'a> {
    host: &'a Host,
    /// Bars whose number is known because they were heard.
    known: BTreeSet<usize>,
    events: Vec<BarEvent>,
}

impl Model<'_> {
    /// One pass from its first heard frame on; it may end with lost ones.
    fn song(&mut self, at: usize, frames: &[Frame]) {
        let heard: Vec<(usize, i64)> = frames
            .iter()
            .enumerate()
            .filter_map(|(index, frame)| match frame {
                Frame::Song { position, .. } => Some((at + index, *position)),
                _ => None,
            })
            .collect();
        let first = self.host.gives_position.then_some(heard[0].1);
        self.events
            .push(BarEvent::PassStarted { frame: heard[0].0 as u64, kind: PassKind::Song(first) });
        let mut counted = false;
        for group in heard.chunk_by(|a, b| self.host.bar(a.1) == self.host.bar(b.1)) {
            counted = self.bar(group, counted);
        }
        self.events.push(BarEvent::PassEnded { frame: heard[heard.len() - 1].0 as u64 + 1 });
    }

    /// What was heard of one bar. Whether its number is known, and so the next one's.
    fn bar(&mut self, heard: &[(usize, i64)], counted: bool) -> bool {
        let index = self.host.bar(heard[0].1);
        let (bar, next) = (self.host.bars[index], self.host.bars[index + 1]);
        let known = counted
            || index <= BEFORE
            || self.known.contains(&index)
            || self.known.contains(&(index - 1));
        if known {
            self.known.insert(index);
        }
        let told = Bar {
            key: BarKey::from_ticks(bar.ticks),
            number: known.then_some(index as i64 - BEFORE as i64 + 1),
            meter: bar.meter,
            frame: heard[0].0 as u64,
            position: self.host.gives_position.then_some(bar.position),
        };
        self.events.push(BarEvent::BarStarted { bar: told });
        let last = heard[heard.len() - 1];
        self.events.push(BarEvent::BarEnded {
            frame: last.0 as u64 + 1,
            bar: told,
            complete: heard.len() as i64 == next.position - bar.position,
        });
        known
    }

    /// Sound from here on while the transport stands. Returns the frame after it.
    fn free(&mut self, at: usize, truth: &[Frame]) -> usize {
        let silence = (2.0 * self.host.rate_hz) as usize;
        let mut last = at;
        for (frame, what) in truth.iter().enumerate().skip(at) {
            match what {
                Frame::Stopped { loud: true } if frame - last <= silence => last = frame,
                Frame::Stopped { loud: false } => {}
                _ => break,
            }
        }
        self.events.push(BarEvent::PassStarted { frame: at as u64, kind: PassKind::Free });
        self.events.push(BarEvent::PassEnded { frame: last as u64 + 1 });
        last + 1
    }
}

/// Whether an event is what it should be, frames and positions up to the host's blur.
fn is_like(got: &BarEvent, want: &BarEvent, blur: u64) -> bool {
    let near = |a: u64, b: u64| a.abs_diff(b) <= blur;
    let same = |a: &Bar, b: &Bar| {
        let positions = match (a.position, b.position) {
            (Some(a), Some(b)) => a.abs_diff(b) <= blur,
            (a, b) => a == b,
        };
        (a.key, a.number, a.meter) == (b.key, b.number, b.meter)
            && near(a.frame, b.frame)
            && positions
    };
    match (got, want) {
        (BarEvent::BarStarted { bar: a }, BarEvent::BarStarted { bar: b }) => same(a, b),
        (
            BarEvent::BarEnded { frame: a, bar: a_bar, complete: a_complete },
            BarEvent::BarEnded { frame: b, bar: b_bar, complete: b_complete },
        ) => near(*a, *b) && same(a_bar, b_bar) && a_complete == b_complete,
        _ => got == want,
    }
}

#[test]
fn random_sessions_equal_the_model() {
    let (mut bars, mut complete, mut unnumbered, mut lossy, mut doubtful) = (0, 0, 0, 0, 0);
    for seed in 0..2_000 {
        let mut session = Session::new(seed);
        session.run();
        if session.is_doubtful() {
            doubtful += 1;
            continue;
        }
        lossy += usize::from(session.tap.frames_dropped() > 0);
        let expected = session.expected();
        let blur = if session.host.rounds { session.blur_frames as u64 } else { 1 };
        for (index, (got, want)) in session.events.iter().zip(&expected).enumerate() {
            let before = index.saturating_sub(3);
            assert!(
                is_like(got, want, blur),
                "seed {seed}, {:?}, rounds {}, event {index}:\n{got:?}, not\n{want:?}\nafter {:#?}",
                session.host.claims,
                session.host.rounds,
                &session.events[before..index],
            );
            if let BarEvent::BarEnded { bar, complete: whole, .. } = got {
                bars += 1;
                complete += usize::from(*whole);
                unnumbered += usize::from(bar.number.is_none());
            }
        }
        assert_eq!(session.events.len(), expected.len(), "seed {seed}");
    }
    eprintln!(
        "{bars} bars, {complete} complete, {unnumbered} unnumbered; {lossy} lossy, {doubtful} doubtful"
    );
    // The sessions are worth their time: every kind of bar is among them.
    assert!(bars > 20_000 && complete > 10_000 && unnumbered > 1_000);
    assert!(lossy > 100 && doubtful < 100, "{lossy} {doubtful}");
}
