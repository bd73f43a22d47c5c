//! The host's clock turned into bars. A session pushes every chunk of a feed, in order, and cuts its audio by the events.
//!
//! Hosts lie, each in its way (a bar's start that is none, no place in the first block, places rounded to 1/1920), and
//! nobody says when. Four rules keep bars straight:
//! 1. A claimed bar start is believed if start <= place < start + length, and only from a host that is right more often
//!    than wrong. Else it is derived: from the bars heard, or from place and meter.
//! 2. While the song goes on, bars follow from each other; a claim can't start one in what was heard already.
//! 3. What lies within the host's own rounding is equal.
//! 4. A number is counted from the song's start over bars that were heard, or there is none.

mod anchor;
mod free;
mod heard;

use crate::bar::{Bar, BarEvent, PassKind};
use crate::feed::Chunk;
use crate::meter::{BarKey, TICKS_PER_QUARTER};
use crate::tap::{MAX_BLOCK_FRAMES, Mark};
use crate::transport::{TICK, Transport, on_tick};
use anchor::{Anchor, Music};
use free::FreeListener;
use heard::HeardBars;

/// How much better than its lies a host's word may stand: so many marks are needed to change one's mind.
const MAX_TRUST: i32 = 4;

/// Follows one generation of a tap.
#[derive(Clone, Debug)]
pub struct BarClock {
    rate_hz: f64,
    /// One past the last frame heard.
    end: u64,
    run: Option<Mark>,
    song: Option<SongPass>,
    free: FreeListener,
    heard: HeardBars,
    /// Right claims of a bar's start less wrong ones.
    trust: i32,
    /// Whether the host was seen to give places between two ticks.
    exact: bool,
}

/// A pass while the transport runs.
#[derive(Clone, Copy, Debug)]
struct SongPass {
    anchor: Anchor,
    bar: Option<OpenBar>,
}

#[derive(Clone, Copy, Debug)]
struct OpenBar {
    bar: Bar,
    /// In ticks.
    length: i64,
    /// Whether everything from the bar's start on was heard.
    whole: bool,
}

impl OpenBar {
    fn start(&self) -> i64 {
        self.bar.key.ticks()
    }

    fn next(&self) -> i64 {
        self.start() + self.length
    }
}

impl BarClock {
    /// A clock for the feed of this rate.
    pub fn new(rate_hz: f64) -> Self {
        Self {
            rate_hz,
            end: 0,
            run: None,
            song: None,
            free: FreeListener::new(rate_hz),
            heard: HeardBars::default(),
            trust: 0,
            exact: false,
        }
    }

    /// Takes the feed's next chunk and appends what happened in it. How a run is cut into chunks changes nothing.
    ///
    /// No event reaches back behind the chunk's first frame, with two exceptions: a free pass ends at its last sound,
    /// and the first [`MAX_BLOCK_FRAMES`] of the generation are told late where they come without any transport.
    pub fn push(&mut self, chunk: &Chunk<'_>, out: &mut Vec<BarEvent>) {
        if self.run.is_none_or(|run| run.frame != chunk.mark.frame) {
            self.turn(chunk.mark, out);
        }
        self.end = chunk.frame() + chunk.frames() as u64;
        if self.song.is_some() {
            self.advance(self.end, out);
        } else {
            self.free.listen(chunk, self.holds(), out);
        }
    }

    /// Ends what is open, where the feed has ended.
    pub fn finish(&mut self, out: &mut Vec<BarEvent>) {
        self.end_song(out);
        self.free.end(out);
    }

    /// Whether the run may turn out to be the song's beginning: see `adopt`.
    fn holds(&self) -> bool {
        let first = self.run.is_some_and(|run| run.frame == 0 && run.transport.is_absent());
        first && self.end <= MAX_BLOCK_FRAMES as u64
    }

    /// A run begins.
    fn turn(&mut self, mark: Mark, out: &mut Vec<BarEvent>) {
        self.exact |= mark.transport.position_quarters.is_some_and(|place| !on_tick(place));
        let claim = self.judge(&mark.transport);
        if mark.transport.playing {
            if self.song.is_none() {
                self.adopt(&mark, out);
            }
            self.free.end(out);
            let next = Anchor::new(mark, self.rate_hz, self.exact);
            match self.song {
                Some(pass) if pass.anchor.continues(&next) => {
                    self.go_on(pass, next, claim, out);
                }
                _ => {
                    self.end_song(out);
                    self.start_song(next, claim, out);
                }
            }
        } else {
            self.end_song(out);
            if mark.lost_frames > 0 {
                self.free.end(out);
            }
        }
        self.run = Some(mark);
    }

    /// The claimed bar start in ticks, where it is to be believed.
    fn judge(&mut self, transport: &Transport) -> Option<i64> {
        let claim = transport.bar_start_quarters?;
        transport.meter.and(transport.position_quarters)?;
        let right = transport.claims_its_bar(self.rate_hz);
        self.trust = (self.trust + if right { 1 } else { -1 }).clamp(-MAX_TRUST, MAX_TRUST);
        (right && self.trust > 0).then(|| BarKey::from_quarters(claim).ticks())
    }

    /// The song's first block without any transport (qtractor): if the next one says that the song is as old as what was
    /// heard, then that was its beginning.
    fn adopt(&mut self, mark: &Mark, out: &mut Vec<BarEvent>) {
        let told = &mark.transport;
        let fits = self.end > 0
            && self.holds()
            && mark.lost_frames == 0
            && told.position == Some(self.end as i64);
        if !fits {
            return;
        }
        let begins = told.position_quarters.zip(told.ticks_per_frame(self.rate_hz)).map(
            |(place, per_frame)| {
                let ticks = place * TICKS_PER_QUARTER - per_frame * self.end as f64;
                // What is left of a host's rounding: position 0 is the song's start.
                if ticks.abs() <= TICK + per_frame { 0.0 } else { ticks / TICKS_PER_QUARTER }
            },
        );
        let transport = Transport {
            position: Some(0),
            position_quarters: begins,
            bar_start_quarters: None,
            ..*told
        };
        self.free.forget();
        let first = Mark { frame: 0, lost_frames: 0, transport };
        self.start_song(Anchor::new(first, self.rate_hz, self.exact), None, out);
        self.advance(self.end, out);
    }

    fn start_song(&mut self, anchor: Anchor, claim: Option<i64>, out: &mut Vec<BarEvent>) {
        let kind = PassKind::Song(anchor.mark.transport.position);
        out.push(BarEvent::PassStarted { frame: anchor.mark.frame, kind });
        self.find_bar(anchor, claim, out);
    }

    fn end_song(&mut self, out: &mut Vec<BarEvent>) {
        if let Some(pass) = self.song.take() {
            if let Some(open) = pass.bar {
                self.close(open, self.end, ends_on_line(&pass, open, self.end), out);
            }
            out.push(BarEvent::PassEnded { frame: self.end });
        }
    }

    /// Opens the bars that start before `end` in the current run.
    fn advance(&mut self, end: u64, out: &mut Vec<BarEvent>) {
        while let Some(SongPass { anchor, bar: Some(open) }) = self.song
            && let Some(music) = anchor.music()
        {
            let line = anchor.frame(&music, open.next());
            if line >= end {
                break;
            }
            self.close(open, line, true, out);
            let number = self.count_on(open, 1, music.length);
            self.open(anchor, music, open.next(), line, number, true, out);
        }
    }

    /// The run goes on where the last one ended, or where it would be if nothing had been lost.
    fn go_on(&mut self, pass: SongPass, next: Anchor, claim: Option<i64>, out: &mut Vec<BarEvent>) {
        self.song = Some(SongPass { anchor: next, bar: pass.bar });
        let (Some(open), Some(music)) = (pass.bar, next.music()) else {
            if let Some(open) = pass.bar {
                self.close(open, self.end, ends_on_line(&pass, open, self.end), out);
            }
            self.find_bar(next, claim, out);
            return;
        };
        let lost = next.mark.lost_frames > 0;
        let near = next.near(&music);
        let lines = (music.ticks + near - open.start() as f64) / open.length as f64;
        match (lines.floor() as i64).max(0) {
            0 => {
                let kept = OpenBar { whole: open.whole && !lost, ..open };
                self.song = Some(SongPass { anchor: next, bar: Some(kept) });
            }
            lines if lost => {
                // What started in the gap is not told; numbers count over it as long as the host agrees.
                self.close(open, self.end, ends_on_line(&pass, open, self.end), out);
                let foretold = open.start() + lines * open.length;
                let start = claim.unwrap_or(foretold);
                let number = if start == foretold {
                    self.count_on(open, lines, music.length)
                } else {
                    self.heard.number(start, music.length, claim.is_some())
                };
                let whole = music.on(start);
                self.open(next, music, start, next.mark.frame, number, whole, out);
            }
            lines => {
                self.close(open, self.end, lines == 1, out);
                let start = open.start() + lines * open.length;
                let number = self.count_on(open, lines, music.length);
                self.open(next, music, start, next.mark.frame, number, lines == 1, out);
            }
        }
        self.weigh(next, music, claim, out);
    }

    /// Holds what the host says against the bar that goes on: its meter, and its claim of a start.
    fn weigh(&mut self, next: Anchor, music: Music, claim: Option<i64>, out: &mut Vec<BarEvent>) {
        let Some(open) = self.song.and_then(|pass| pass.bar) else { return };
        let (lost, near) = (next.mark.lost_frames > 0, next.near(&music));
        let changed = open.length != music.length;
        let fits = |start: i64| {
            (start - open.start()).abs() <= 2
                || start > open.start() && (changed || lost || music.on(start))
        };
        if claim.is_some_and(|start| !fits(start)) {
            // A bar that started in what was heard, where the host itself said nothing of it.
            self.trust = (self.trust - 2).max(-MAX_TRUST);
        }
        let claim = claim.filter(|start| fits(*start));
        let start = match claim {
            Some(start) if (start - open.start()).abs() > 2 => start,
            None if music.ticks + near >= (open.start() + music.length) as f64 => {
                music.ticks.round() as i64
            }
            _ => open.start(),
        };
        if start == open.start() {
            self.set_meter(open, next, music);
            return;
        }
        let on_line = claim.is_some() && music.on(start);
        let number = match open.bar.number {
            Some(number) if !lost => Some(number + 1),
            _ => self.heard.number(start, music.length, claim.is_some()),
        };
        self.close(open, self.end, on_line && !lost, out);
        self.open(next, music, start, next.mark.frame, number, on_line, out);
    }

    /// A meter that holds since the bar's start, told late.
    fn set_meter(&mut self, open: OpenBar, next: Anchor, music: Music) {
        let Some(meter) = next.mark.transport.meter else { return };
        if meter == open.bar.meter {
            return;
        }
        let bar = Bar { meter, ..open.bar };
        let open = OpenBar { bar, length: music.length, ..open };
        self.song = Some(SongPass { anchor: next, bar: Some(open) });
    }

    /// Finds the bar that a run begins in, without one before it.
    fn find_bar(&mut self, anchor: Anchor, claim: Option<i64>, out: &mut Vec<BarEvent>) {
        self.song = Some(SongPass { anchor, bar: None });
        let Some(music) = anchor.music() else { return };
        let place = (music.ticks + music.slack).floor() as i64;
        let start = match claim {
            Some(start) if place >= start + music.length => start + music.length,
            Some(start) => start,
            None => self.heard.start_of_bar(place, music.length),
        };
        let number = self.heard.number(start, music.length, claim.is_some());
        self.open(anchor, music, start, anchor.mark.frame, number, music.on(start), out);
    }

    /// The number of the bar that starts `lines` bar lines after this one did, and has this length in ticks.
    fn count_on(&self, open: OpenBar, lines: i64, length: i64) -> Option<i64> {
        let start = open.start() + lines * open.length;
        let known = || self.heard.number(start, length, false);
        open.bar.number.map(|number| number + lines).or_else(known)
    }

    /// The bar is kept only now: its meter may have been told late.
    fn close(&mut self, open: OpenBar, frame: u64, on_line: bool, out: &mut Vec<BarEvent>) {
        if let Some(number) = open.bar.number {
            self.heard.keep(open.start(), open.length, number);
        }
        out.push(BarEvent::BarEnded { frame, bar: open.bar, complete: open.whole && on_line });
    }

    #[expect(clippy::too_many_arguments, reason = "a bar is what it is")]
    fn open(
        &mut self,
        anchor: Anchor,
        music: Music,
        start: i64,
        frame: u64,
        number: Option<i64>,
        whole: bool,
        out: &mut Vec<BarEvent>,
    ) {
        let Some(meter) = anchor.mark.transport.meter else { return };
        // A bar that starts with this frame has its position; one that began before is counted back to.
        let back = if whole {
            0
        } else {
            let ticks = start as f64 - anchor.ticks(frame).unwrap_or(music.ticks);
            (ticks / music.ticks_per_frame).round() as i64
        };
        let position = anchor.position(frame).map(|position| position + back);
        let bar = Bar { key: BarKey::from_ticks(start), number, meter, frame, position };
        let open = OpenBar { bar, length: music.length, whole };
        self.song = Some(SongPass { anchor, bar: Some(open) });
        out.push(BarEvent::BarStarted { bar });
    }
}

/// Whether the next bar would begin at `end`, one past the last frame heard.
fn ends_on_line(pass: &SongPass, open: OpenBar, end: u64) -> bool {
    let Some((music, ticks)) = pass.anchor.music().zip(pass.anchor.ticks(end)) else {
        return false;
    };
    open.next() as f64 - ticks <= music.slack
}

#[cfg(test)]
mod tests;
