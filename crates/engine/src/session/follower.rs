//! Follows one generation of a tap: passes over the song, and in them passages, each with its audio.

use std::ops::Range;

use signal::{Bar, BarClock, BarEvent, Chunk, PassKind};

use super::recent::Recent;
use crate::window::{MAX_WINDOW_S, MIN_WINDOW_S};

/// Length of the passages of a pass without bars, in seconds.
const FREE_S: f64 = 4.0;

/// A bar whose audio is longer than this is told without it: at 4/4, slower than 8 BPM.
const LONGEST_S: f64 = 30.0;

/// One bar, or up to four seconds of a pass without bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage<'a> {
    /// The bar, unless the transport stood.
    pub bar: Option<Bar>,
    /// First frame and one past the last, in the tap's stream.
    pub frames: Range<u64>,
    /// Whether all of the bar was heard.
    pub complete: bool,
    /// Interleaved samples at the host's rate, where they are contiguous and not too many.
    pub samples: Option<&'a [f32]>,
    /// What the model may hear of it: the last 4 to 6 s up to its end, contiguous in the song; less only where the pass
    /// is younger. Interleaved, at the host's rate. `None` where a gap lies so near that part of the passage is missing.
    pub window: Option<&'a [f32]>,
}

/// What happened, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum News<'a> {
    /// Frames that were not heard.
    Gap(Range<u64>),
    /// A stretch that is contiguous in the song begins.
    PassStarted {
        /// The first frame in the tap's stream.
        frame: u64,
        /// What it is a pass of.
        kind: PassKind,
    },
    /// A bar begins.
    BarStarted(Bar),
    /// A passage has ended.
    Passage(Passage<'a>),
    /// The pass has ended, one past its last frame.
    PassEnded {
        /// That frame.
        frame: u64,
    },
}

/// Follows one generation. How its audio is cut into chunks changes nothing.
#[derive(Debug)]
pub struct Follower {
    rate_hz: f64,
    clock: BarClock,
    recent: Recent,
    events: Vec<BarEvent>,
    /// The first frame of the mark that was seen last.
    run: Option<u64>,
    /// The first frame of the pass that goes on, where it has no bars the first of the passage that goes on.
    pass: Option<u64>,
    free: Option<u64>,
    bar: Option<u64>,
}

impl Follower {
    /// A follower of a generation with this many channels at this rate.
    pub fn new(channels: usize, rate_hz: f64) -> Self {
        Self {
            rate_hz,
            clock: BarClock::new(rate_hz),
            recent: Recent::new(channels),
            events: Vec::new(),
            run: None,
            pass: None,
            free: None,
            bar: None,
        }
    }

    /// Takes the next chunk of the generation.
    pub fn push(&mut self, chunk: &Chunk<'_>, tell: &mut dyn FnMut(News<'_>)) {
        let mark = chunk.mark;
        if self.run.replace(mark.frame) != Some(mark.frame) && mark.lost_frames > 0 {
            tell(News::Gap(mark.frame - mark.lost_frames..mark.frame));
        }
        self.clock.push(chunk, &mut self.events);
        // What ended before the chunk is told first: where frames were lost, the chunk replaces the audio before it.
        let old = self.events.iter().take_while(|event| last_frame(event) <= self.recent.end());
        let new = self.events.split_off(old.count());
        self.settle(tell);
        self.recent.push(chunk.frame(), chunk.samples);
        self.events = new;
        self.settle(tell);
        self.cut_free(self.recent.end(), tell);
        self.recent.forget_before(self.needed());
    }

    /// Ends what is open: the generation is over.
    pub fn finish(mut self, tell: &mut dyn FnMut(News<'_>)) {
        self.clock.finish(&mut self.events);
        self.settle(tell);
    }

    fn settle(&mut self, tell: &mut dyn FnMut(News<'_>)) {
        for event in std::mem::take(&mut self.events) {
            match event {
                BarEvent::PassStarted { frame, kind } => {
                    self.pass = Some(frame);
                    self.free = (kind == PassKind::Free).then_some(frame);
                    tell(News::PassStarted { frame, kind });
                }
                BarEvent::BarStarted { bar } => {
                    self.bar = Some(bar.frame);
                    tell(News::BarStarted(bar));
                }
                BarEvent::BarEnded { frame, bar, complete } => {
                    self.bar = None;
                    self.tell_passage(Some(bar), bar.frame..frame, complete, tell);
                }
                BarEvent::PassEnded { frame } => {
                    self.cut_free(frame, tell);
                    if let Some(start) = self.free.take().filter(|start| *start < frame) {
                        self.tell_passage(None, start..frame, true, tell);
                    }
                    self.pass = None;
                    tell(News::PassEnded { frame });
                }
            }
        }
    }

    /// Ends the passages of a pass without bars that lie before `end`.
    fn cut_free(&mut self, end: u64, tell: &mut dyn FnMut(News<'_>)) {
        let length = self.frames(FREE_S);
        while let Some(start) = self.free
            && start + length <= end
        {
            self.free = Some(start + length);
            self.tell_passage(None, start..start + length, true, tell);
        }
    }

    fn tell_passage(
        &mut self,
        bar: Option<Bar>,
        frames: Range<u64>,
        complete: bool,
        tell: &mut dyn FnMut(News<'_>),
    ) {
        self.recent.settle();
        let samples = self.recent.range(frames.clone());
        let window = self.window(&frames).and_then(|window| self.recent.range(window));
        tell(News::Passage(Passage { bar, frames, complete, samples, window }));
    }

    /// What the model may hear of a passage: with what led to it, if that is there; else at least as much as it needs.
    fn window(&self, passage: &Range<u64>) -> Option<Range<u64>> {
        let least = self.frames(MIN_WINDOW_S);
        let length = (passage.end - passage.start).clamp(least, self.frames(MAX_WINDOW_S));
        let earliest = self.pass.unwrap_or(0).max(self.recent.start());
        let start = passage.end.saturating_sub(length).max(earliest);
        let enough = start <= passage.start || start + least <= passage.end;
        enough.then_some(start..passage.end)
    }

    /// The first frame whose audio may still be asked for.
    fn needed(&self) -> u64 {
        let end = self.recent.end();
        let window = end.saturating_sub(self.frames(MAX_WINDOW_S));
        let open = self.bar.or(self.free).unwrap_or(window).min(window);
        open.max(end.saturating_sub(self.frames(LONGEST_S)))
    }

    fn frames(&self, seconds: f64) -> u64 {
        (seconds * self.rate_hz).round() as u64
    }
}

/// The frame up to which an event needs audio.
fn last_frame(event: &BarEvent) -> u64 {
    match *event {
        BarEvent::PassStarted { frame, .. }
        | BarEvent::PassEnded { frame }
        | BarEvent::BarEnded { frame, .. } => frame,
        BarEvent::BarStarted { bar } => bar.frame,
    }
}
