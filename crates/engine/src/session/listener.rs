//! The session thread's half: empties the ring, listens to what was in it, and reports.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use analysis::Meter;
use crossbeam_channel::Receiver;
use signal::Measurements;

use super::follower::{Follower, News, Passage};
use super::report::{HeardBar, Report};
use super::spool::{Item, Piece, Spool};
use super::{Arrival, Generation, Shared};

/// Frames that are listened to between two looks at the ring: a fraction of what the ring holds.
const STRIDE_FRAMES: usize = 16_384;

/// What a call of [`Listener::poll`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// There is more to listen to right now.
    Busy,
    /// Audio came, and all of it was listened to.
    Heard,
    /// Nothing came.
    Idle,
    /// The instance is gone and all of its audio was listened to.
    Closed,
}

/// Listens to one instance. Wants to be polled every few milliseconds, on any thread but the audio thread.
#[derive(Debug)]
pub struct Listener {
    arrivals: Receiver<Arrival>,
    shared: Arc<Shared>,
    /// Activations, oldest first; only the first is drained, until its tap is gone.
    sources: VecDeque<Source>,
    spool: Spool,
    hearing: Option<(Generation, Follower)>,
}

/// An activation, and what was told of it.
#[derive(Debug)]
struct Source {
    arrival: Arrival,
    begun: bool,
    drained_frames: u64,
    dropped_frames: u64,
    skipped_frames: u64,
}

impl Listener {
    pub(super) fn new(arrivals: Receiver<Arrival>, shared: Arc<Shared>) -> Self {
        let (sources, spool) = (VecDeque::new(), Spool::default());
        Self { arrivals, shared, sources, spool, hearing: None }
    }

    /// Drains what has come and listens to a part of it.
    pub fn poll(&mut self) -> Activity {
        // Asked first: what was sent before the instance went is there after.
        let closing = self.shared.closing.load(Ordering::Relaxed);
        self.sources.extend(self.arrivals.try_iter().map(Source::new));
        let came = self.drain();
        let listened = self.listen();
        let done = self.spool.is_empty();
        self.shared.report.lock().idle = done && !came;
        match (done, came || listened) {
            (false, _) => Activity::Busy,
            (true, true) => Activity::Heard,
            (true, false) if closing && self.sources.is_empty() => Activity::Closed,
            (true, false) => Activity::Idle,
        }
    }

    /// The report as it is now.
    pub fn report(&self) -> Report {
        self.shared.report.lock().clone()
    }

    /// Lets go of everything, and says why.
    pub(super) fn fail(&mut self, why: &str) {
        self.shared.report.lock().trouble = Some(why.to_owned());
        (self.sources, self.hearing, self.spool) = (VecDeque::new(), None, Spool::default());
    }

    /// Copies the rings into the spool, generation by generation. Whether anything came.
    fn drain(&mut self) -> bool {
        let mut came = false;
        while let Some(source) = self.sources.front_mut() {
            if let Some(trouble) = self.spool.trouble() {
                // What stays in the ring makes a render wait, and becomes a gap where nobody waits.
                let trouble = format!("listening can't keep up: {trouble}");
                self.shared.report.lock().trouble = Some(trouble);
                break;
            }
            // Asked first: what was closed before the drain is empty after it.
            let closed = source.arrival.feed.is_closed();
            came |= source.drain(&mut self.spool) > 0;
            source.count(&self.shared);
            if !closed {
                break;
            }
            came = true;
            self.spool.push(Item::End);
            self.sources.pop_front();
        }
        came
    }

    /// Listens to a stride of what lies in the spool. Whether there was anything.
    fn listen(&mut self) -> bool {
        let mut frames = 0;
        let mut any = false;
        while frames < STRIDE_FRAMES {
            match self.spool.pop() {
                Ok(None) => break,
                Ok(Some(Item::Begin(generation))) => {
                    self.shared.report.lock().begin(generation);
                    let follower = Follower::new(generation.channels, generation.rate_hz);
                    self.hearing = Some((generation, follower));
                }
                Ok(Some(Item::Piece(piece))) => frames += self.hear(&piece),
                Ok(Some(Item::End)) => {
                    if let Some((generation, follower)) = self.hearing.take() {
                        follower.finish(&mut |news| self.shared.take(generation, &news));
                    }
                }
                Err(trouble) => {
                    let trouble = format!("a part of what was played is lost: {trouble}");
                    self.shared.report.lock().trouble = Some(trouble);
                    self.hearing = None;
                }
            }
            any = true;
        }
        any
    }

    fn hear(&mut self, piece: &Piece) -> usize {
        let Some((generation, follower)) = &mut self.hearing else { return 0 };
        let chunk = piece.chunk();
        follower.push(&chunk, &mut |news| self.shared.take(*generation, &news));
        self.shared.report.lock().heard_frames += chunk.frames() as u64;
        chunk.frames()
    }
}

impl Source {
    fn new(arrival: Arrival) -> Self {
        Self { arrival, begun: false, drained_frames: 0, dropped_frames: 0, skipped_frames: 0 }
    }

    /// Returns how many frames came.
    fn drain(&mut self, spool: &mut Spool) -> u64 {
        if !self.begun {
            spool.push(Item::Begin(self.arrival.generation()));
            self.begun = true;
        }
        let feed = &mut self.arrival.feed;
        let frames = feed.drain(&mut |chunk| spool.push(Item::Piece(Piece::new(&chunk))));
        self.drained_frames += frames;
        self.arrival.pace.drained(self.drained_frames);
        frames
    }

    /// Adds to the report what the tap counted since the last time.
    fn count(&mut self, shared: &Shared) {
        let feed = &self.arrival.feed;
        let (dropped, skipped) = (feed.frames_dropped(), feed.frames_skipped());
        let mut report = shared.report.lock();
        report.dropped_frames += dropped - std::mem::replace(&mut self.dropped_frames, dropped);
        report.skipped_frames += skipped - std::mem::replace(&mut self.skipped_frames, skipped);
    }
}

impl Shared {
    /// Measures what is new and enters it.
    fn take(&self, generation: Generation, news: &News<'_>) {
        match *news {
            News::Gap(ref frames) => {
                self.report.lock().add_gap(generation.number, frames.clone());
            }
            News::PassStarted { frame, kind } => {
                self.report.lock().start_pass(generation.number, frame, kind);
            }
            News::PassEnded { frame } => self.report.lock().end_pass(frame),
            News::Passage(ref passage) => {
                let heard = HeardBar::new(generation, passage, measure(generation, passage));
                if let Some(bar) = passage.bar.filter(|_| passage.complete) {
                    self.notebook.note(&bar, heard.loudness_lufs);
                }
                self.report.lock().add_bar(heard);
            }
        }
    }
}

/// What the meters say of a passage, or why they don't.
fn measure(generation: Generation, passage: &Passage<'_>) -> Result<Measurements, String> {
    let samples = passage.samples.ok_or("a gap lies in it, or it is too long to be kept")?;
    let rate_hz = generation.rate_hz.round() as u32;
    let mut meter =
        Meter::without_music(rate_hz, generation.channels).map_err(|error| error.to_string())?;
    meter.push(samples).map_err(|error| error.to_string())?;
    Ok(meter.finish())
}
