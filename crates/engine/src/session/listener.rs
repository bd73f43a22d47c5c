//! The session thread's half: empties the ring, listens to what was in it, and reports.

mod news;
mod source;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use jiff::Zoned;

use self::news::Taker;
use self::source::Source;
use super::bounce::{BounceSettings, Bouncing};
use super::company::Company;
use super::export;
use super::follower::{Follower, News};
use super::leftover::Leftovers;
use super::monitoring::Monitoring;
use super::pace::Lead;
use super::remote::Command;
use super::report::Report;
use super::scribe::Scribe;
use super::spool::{Item, Piece, Spool};
use super::tape::{Pass, Tape};
use super::{Arrival, Generation, Shared};
use crate::hub::Hub;
use crate::neighbours::{Neighbours, Title};
use crate::recurrence::Recurrence;

/// Frames that are listened to between two looks at the ring: a fraction of what the ring holds.
const STRIDE_FRAMES: usize = 16_384;

/// A model that has shown no sign of life for this long never will, where nobody is left who could restart it: the largest take
/// minutes for a passage.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is said then.
pub(super) const GIVEN_UP: &str =
    "the model does not answer: captions of the render are not written";

/// Fewer items than this in the spool are almost none.
const FEW_ITEMS: usize = 16;

/// What a call of [`Listener::poll`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// There is more to listen to right now.
    Busy,
    /// Audio came, and all of it was listened to; or the model has to be waited for.
    Heard,
    /// Nothing came, or the silence of a transport that stands.
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
    /// Items in the spool, and how many of them were rendered, or played while captions were armed: what lies in those is
    /// never skipped.
    spooled: usize,
    rendered: usize,
    armed: usize,
    /// Seconds of audio in the spool.
    unheard_s: f64,
    lead: Lead,
    hearing: Option<Hearing>,
    scribe: Option<Scribe>,
    /// Whether other instances are looked for, and they, once there was something to hear.
    meets: bool,
    neighbours: Option<Neighbours>,
    company: Company,
    /// What was found in each bar.
    recurrence: Recurrence,
    bouncing: Bouncing,
    /// Where the captions of renders go; as the user has saved it, where nothing is said here.
    settings: Option<BounceSettings>,
    /// Passes whose captions were written.
    written: Vec<Pass>,
    tape: Option<Tape>,
    leftovers: Option<Leftovers>,
    /// How long a model may be silent once the instance is gone.
    patience: Duration,
    /// Whether something was lost on its way that the tape still has.
    lost: bool,
    monitoring: Monitoring,
}

/// The generation that is listened to.
#[derive(Debug)]
struct Hearing {
    generation: Generation,
    follower: Follower,
    /// Frames of the pass that goes on, and how many of them were rendered.
    pass_frames: u64,
    rendered_frames: u64,
}

/// What is to be done with what a piece of audio brings.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// All of it is to be captioned.
    patient: bool,
    /// Captions were armed for it.
    armed: bool,
    /// It came faster than it plays; of a pass that ends, most of it.
    rendered: bool,
}

impl Listener {
    pub(super) fn new(
        arrivals: Receiver<Arrival>,
        shared: Arc<Shared>,
        scribe: Option<Scribe>,
    ) -> Self {
        Self {
            arrivals,
            shared,
            sources: VecDeque::new(),
            spool: Spool::default(),
            spooled: 0,
            rendered: 0,
            armed: 0,
            unheard_s: 0.0,
            lead: Lead::default(),
            hearing: None,
            scribe,
            meets: false,
            neighbours: None,
            company: Company::default(),
            recurrence: Recurrence::default(),
            bouncing: Bouncing::default(),
            settings: None,
            written: Vec::new(),
            tape: None,
            leftovers: None,
            patience: PATIENCE,
            lost: false,
            monitoring: Monitoring::default(),
        }
    }

    /// Keeps what is played while captions are armed in a folder, until they are written. What others have left there is taken up
    /// with words from `hub` when the user says so.
    pub(super) fn record_to(&mut self, folder: PathBuf, hub: Option<Hub>) {
        self.tape = Some(Tape::new(folder.clone(), self.shared.instance));
        self.leftovers = Some(Leftovers::new(folder, hub));
    }

    /// Shows the user's other instances what it hears and sees what they show, from the first activation on.
    pub(super) fn meet_others(&mut self) {
        self.meets = true;
    }

    /// Likewise, among those.
    #[cfg(test)]
    pub(super) fn join(&mut self, neighbours: Neighbours) {
        self.neighbours = Some(neighbours);
    }

    /// Lives among other instances.
    fn keep_company(&mut self, now: Instant) {
        if self.meets && self.neighbours.is_none() && !self.sources.is_empty() {
            self.neighbours = Some(Neighbours::of_user());
        }
        self.company.look(self.neighbours.as_ref(), &self.shared, now);
        let due = |neighbours: &&mut Neighbours| neighbours.is_due(now);
        let Some(neighbours) = self.neighbours.as_mut().filter(due) else { return };
        let name = self.shared.title.lock().clone();
        neighbours.keep(&Title { name, label: self.shared.label() }, now);
        let mut report = self.shared.report.lock();
        report.neighbours = neighbours.count();
        report.alone = neighbours.apart().map(str::to_owned);
    }

    /// Writes captions of renders with these settings, but for those of passes that were written earlier; of another day than
    /// today where it is given.
    pub(super) fn bounce_with(
        &mut self,
        settings: BounceSettings,
        day: Option<Zoned>,
        earlier: &[Pass],
    ) {
        self.settings = Some(settings);
        self.bouncing.take_up(day, earlier);
    }

    /// Takes a model for one that never returns after so long a silence.
    #[cfg(test)]
    pub(super) fn lose_patience_after(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Whether what is still to be done waits for a model that never returns.
    pub(super) fn is_given_up(&self) -> bool {
        let silence = self.scribe.as_ref().and_then(Scribe::silence);
        silence.is_some_and(|silence| silence >= self.patience)
            && !(self.spool.is_empty() && self.bouncing.is_done())
    }

    /// What was recorded stays, for whoever takes it up.
    fn give_up(&mut self) {
        if let Some(tape) = &mut self.tape {
            tape.leave();
        }
        self.fail(GIVEN_UP);
    }

    /// Passes whose captions were written since the last time that this was asked.
    pub(super) fn take_written(&mut self) -> Vec<Pass> {
        std::mem::take(&mut self.written)
    }

    /// The tape goes once everything on it is written, and stays where something could not be.
    fn settle_tape(&mut self, written: Option<Pass>) {
        let resting = self.is_resting();
        let Some(tape) = &mut self.tape else { return };
        if let Some(pass) = written {
            tape.written(pass);
        }
        if resting {
            // Each is to be asked.
            let failed = self.bouncing.take_failed();
            if std::mem::take(&mut self.lost) || failed {
                tape.leave();
            } else {
                tape.erase();
            }
        }
    }

    /// Whether it has listened to almost all of what it was given.
    pub(super) fn wants_more(&self) -> bool {
        self.spooled < FEW_ITEMS
    }

    /// Takes what an instance has recorded, as if it were rendered now.
    pub(super) fn replay(&mut self, item: Item) {
        self.unheard_s += match (&item, &self.hearing) {
            (Item::Piece(piece), Some(hearing)) => hearing.seconds(piece.chunk().frames()),
            _ => 0.0,
        };
        self.spool.push(item);
        self.spooled += 1;
        (self.rendered, self.armed) = (self.spooled, self.spooled);
    }

    /// Whether everything that came was listened to and everything that is to be written is.
    pub(super) fn is_resting(&self) -> bool {
        let playing = self.hearing.is_some() && self.shared.report.lock().is_playing();
        self.spool.is_empty() && !playing && self.bouncing.is_done()
    }

    /// Drains what has come and listens to a part of it.
    pub fn poll(&mut self) -> Activity {
        self.poll_at(Instant::now())
    }

    /// The same at another time than now.
    pub(super) fn poll_at(&mut self, now: Instant) -> Activity {
        // Asked first: what was sent before the instance went is there after.
        let closing = self.shared.closing.load(Ordering::Relaxed);
        self.obey();
        if let Some(leftovers) = &mut self.leftovers {
            leftovers.look(&self.shared, now);
        }
        self.sources.extend(self.arrivals.try_iter().map(Source::new));
        let came = self.drain(now);
        // Once the rings are empty: opening the board makes no render wait.
        self.keep_company(now);
        let listened = self.listen();
        let answered = self.scribe.as_mut().is_some_and(|scribe| scribe.collect(&self.shared));
        let given = self.settings.clone();
        let load = || given.clone().map_or_else(BounceSettings::load, Ok);
        let left_s = if self.armed > 0 { self.unheard_s as u64 } else { 0 };
        let scribe = self.scribe.as_mut();
        let written = self.bouncing.serve(&self.shared, scribe, &load, left_s);
        if self.tape.is_none() {
            self.written.extend(written);
        }
        self.settle_tape(written);
        if closing && self.sources.is_empty() && self.is_given_up() {
            self.give_up();
            return Activity::Closed;
        }
        let done = self.spool.is_empty();
        self.shared.report.lock().idle = done && !came;
        match (done, came || answered) {
            (false, _) if listened => Activity::Busy,
            // There is audio, but a render waits for the model.
            (false, _) => Activity::Heard,
            (true, true) => Activity::Heard,
            (true, false) if closing && self.sources.is_empty() && self.bouncing.is_done() => {
                Activity::Closed
            }
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
        (self.scribe, self.neighbours, self.bouncing) = (None, None, Bouncing::default());
        self.meets = false;
    }

    /// Does what the editor asked for.
    fn obey(&mut self) {
        if self.shared.controls.bell.answer()
            && let Some(scribe) = &mut self.scribe
        {
            scribe.ask(None, self.neighbours.as_ref(), &self.shared);
        }
        for command in self.shared.commands.1.try_iter() {
            match (command, &mut self.scribe) {
                (Command::Ask(question), Some(scribe)) => {
                    scribe.ask(question, self.neighbours.as_ref(), &self.shared);
                }
                (Command::Stop, Some(scribe)) => scribe.stop(&self.shared),
                (Command::ResetMeters, _) => self.monitoring.reset(&self.shared),
                (Command::HoldMeters(hold), _) => self.monitoring.hold(hold),
                (Command::Export(format, title), _) => {
                    let exported = export::export(format, &title, &self.shared);
                    self.shared.report.lock().exported = Some(exported);
                }
                (Command::TakeUp, _) => {
                    if let Some(leftovers) = &self.leftovers {
                        leftovers.take_up(&self.shared, self.settings.clone());
                    }
                }
                (Command::Ask(_) | Command::Stop, None) => {}
            }
        }
    }

    /// Copies the rings into the spool, generation by generation. Whether anything to hear came.
    fn drain(&mut self, now: Instant) -> bool {
        let (mut came, mut audio_s, mut offline) = (false, 0.0, false);
        let armed = self.shared.controls.arm.is_on();
        let title = if armed { self.shared.title.lock().clone() } else { String::new() };
        let keeps = armed && self.tape.is_some();
        let mut kept: Vec<(Generation, Item)> = Vec::new();
        while let Some(source) = self.sources.front_mut() {
            if let Some(trouble) = self.spool.trouble() {
                // What stays in the ring makes a render wait, and becomes a gap where nobody waits.
                let trouble = format!("listening can't keep up: {trouble}");
                self.shared.report.lock().trouble = Some(trouble);
                break;
            }
            // Asked first: what was closed before the drain is empty after it.
            let closed = source.arrival.feed.is_closed();
            let generation = source.arrival.generation();
            let mut keep = |item: &Item| {
                if keeps {
                    kept.push((generation, item.clone()));
                }
            };
            let drained = source.drain(&mut self.spool, &mut keep);
            self.spooled += drained.items;
            audio_s += drained.frames as f64 / source.arrival.feed.rate_hz();
            offline |= drained.offline;
            came |= drained.heard;
            source.count(&self.shared);
            if !closed {
                break;
            }
            came = true;
            keep(&Item::End);
            self.spool.push(Item::End);
            self.spooled += 1;
            self.sources.pop_front();
        }
        // Once the rings are empty: a slow disk makes no render wait.
        if let Some(tape) = &mut self.tape
            && !kept.is_empty()
        {
            kept.iter().for_each(|(generation, item)| tape.record(&title, *generation, item));
            tape.flush();
            self.shared.report.lock().not_kept = tape.trouble().map(str::to_owned);
        }
        self.unheard_s += audio_s;
        if self.lead.came(audio_s, now) || offline {
            self.rendered = self.spooled;
        }
        if armed {
            self.armed = self.spooled;
        }
        came
    }

    /// Listens to a stride of what lies in the spool. Whether there was anything.
    fn listen(&mut self) -> bool {
        let mut frames = 0;
        let mut any = false;
        while frames < STRIDE_FRAMES {
            // What was armed when it was played is: listening may come long after.
            let (armed, rendered) = (self.armed > 0, self.rendered > 0);
            let manner = Manner { patient: rendered || armed, armed, rendered };
            if manner.patient && !self.scribe.as_ref().is_none_or(Scribe::is_free) {
                break;
            }
            let item = self.spool.pop();
            self.spooled = self.spooled.saturating_sub(1);
            self.rendered = self.rendered.saturating_sub(1);
            self.armed = self.armed.saturating_sub(1);
            match item {
                Ok(None) => {
                    self.unheard_s = 0.0;
                    break;
                }
                Ok(Some(Item::Begin(generation))) => {
                    self.shared.report.lock().begin(generation);
                    self.hearing = Some(Hearing::new(generation));
                    self.monitoring.begin(generation);
                }
                Ok(Some(Item::Piece(piece))) => frames += self.hear(&piece, manner),
                Ok(Some(Item::End)) => {
                    if let Some(hearing) = self.hearing.take() {
                        let manner = Manner { rendered: hearing.is_render(), ..manner };
                        let Hearing { generation, follower, .. } = hearing;
                        let Self {
                            shared, scribe, neighbours, company, bouncing, recurrence, ..
                        } = self;
                        let mut taker = Taker {
                            shared,
                            scribe,
                            neighbours,
                            company,
                            bouncing,
                            recurrence,
                            generation,
                            manner,
                        };
                        follower.finish(&mut |news| taker.take(&news));
                    }
                }
                Err(trouble) => {
                    let trouble = format!("a part of what was played is lost: {trouble}");
                    self.shared.report.lock().trouble = Some(trouble);
                    self.hearing = None;
                    self.lost = true;
                }
            }
            any = true;
        }
        any
    }

    fn hear(&mut self, piece: &Piece, manner: Manner) -> usize {
        let chunk = piece.chunk();
        let frames = chunk.frames();
        let rendered = manner.rendered;
        let Self { shared, scribe, neighbours, company, bouncing, recurrence, hearing, .. } = self;
        let Some(hearing) = hearing else { return 0 };
        self.unheard_s = (self.unheard_s - hearing.seconds(frames)).max(0.0);
        let manner = Manner { rendered: hearing.is_render(), ..manner };
        let Hearing { generation, follower, pass_frames, rendered_frames } = hearing;
        let generation = *generation;
        let mut taker =
            Taker { shared, scribe, neighbours, company, bouncing, recurrence, generation, manner };
        follower.push(&chunk, &mut |news| {
            taker.take(&news);
            if matches!(news, News::PassStarted { .. }) {
                (*pass_frames, *rendered_frames) = (0, 0);
            }
        });
        *pass_frames += frames as u64;
        *rendered_frames += if rendered { frames as u64 } else { 0 };
        self.monitoring.push(chunk.samples, &self.shared);
        self.shared.report.lock().heard_frames += frames as u64;
        frames
    }
}

impl Hearing {
    fn new(generation: Generation) -> Self {
        let follower = Follower::new(generation.channels, generation.rate_hz);
        Self { generation, follower, pass_frames: 0, rendered_frames: 0 }
    }

    /// Whether most of the pass that goes on was rendered.
    fn is_render(&self) -> bool {
        2 * self.rendered_frames > self.pass_frames
    }

    fn seconds(&self, frames: usize) -> f64 {
        frames as f64 / self.generation.rate_hz
    }
}
