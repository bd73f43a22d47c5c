//! The session thread's half: empties the ring, listens to what was in it, and reports.

mod hearing;
mod news;
mod source;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use jiff::Zoned;

use self::hearing::{Hearing, Manner, Tally};
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
use super::{Arrival, FAREWELL, Generation, Shared};
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

/// A ring is kept for so long after its tap was seen to go: whoever lets go last frees the memory, and the audio thread may not have
/// let go of all of it yet.
const REST: Duration = Duration::from_millis(100);

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
    /// Those whose tap is gone, since when.
    retired: VecDeque<(Instant, Source)>,
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
    trouble: Option<Trouble>,
    /// Since when the instance is gone and nobody waits for words.
    gone_at: Option<Instant>,
    monitoring: Monitoring,
}

/// What is wrong with the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It takes nothing until there is room.
    Full,
    /// Something could not be read back; told until another pass begins.
    Lost,
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
            retired: VecDeque::new(),
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
            trouble: None,
            gone_at: None,
            monitoring: Monitoring::default(),
        }
    }

    /// Keeps what is played while captions are armed in a folder, until they are written. What others have left there is taken up
    /// with words from `hub` when the user says so.
    pub(super) fn record_to(&mut self, folder: PathBuf, hub: Option<Hub>) {
        self.tape = Some(Tape::new(folder.clone(), self.shared.instance));
        self.spool = Spool::beside(folder.clone());
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

    /// Whether captions are still to be written: of what was played while they were armed, and of the rest of its pass.
    fn owes_captions(&self) -> bool {
        let hears = self.hearing.as_ref().is_some_and(Hearing::is_armed);
        self.armed > 0 || hears || !self.bouncing.is_done()
    }

    /// The tape goes once everything on it is written, and stays where something could not be.
    fn settle_tape(&mut self, written: Option<Pass>) {
        let owes = self.owes_captions();
        let Some(tape) = &mut self.tape else { return };
        // Where a part was lost the tape has more than was written.
        if let Some(pass) = written.filter(|_| !self.lost) {
            tape.written(pass);
        }
        if !owes {
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
        let gone = closing && self.sources.is_empty();
        if gone && self.takes_leave(now) {
            return Activity::Closed;
        }
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
        if gone && self.is_given_up() {
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
            (true, false) if gone && self.bouncing.is_done() => Activity::Closed,
            (true, false) => Activity::Idle,
        }
    }

    /// Whether an instance that is gone is heard no longer. Where no captions are owed nobody reads what the model says, so nothing
    /// waits for it any more, and the rest is heard for as long as an instance's end waits.
    fn takes_leave(&mut self, now: Instant) -> bool {
        if self.owes_captions() {
            return false;
        }
        self.scribe = None;
        now.duration_since(*self.gone_at.get_or_insert(now)) >= FAREWELL
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
        // What a tape has begun it gets to the end: a pass that was armed goes to a file as a whole.
        let keeps = self.tape.as_ref().is_some_and(|tape| armed || tape.is_open());
        let mut kept: Vec<(Generation, Item)> = Vec::new();
        self.retired.retain(|(since, _)| now.duration_since(*since) < REST);
        while self.has_room()
            && let Some(source) = self.sources.front_mut()
        {
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
            self.retired.extend(self.sources.pop_front().map(|source| (now, source)));
        }
        self.record(&kept);
        self.unheard_s += audio_s;
        if self.lead.came(audio_s, offline, now) {
            self.rendered = self.spooled;
        }
        if armed {
            self.armed = self.spooled;
        }
        came
    }

    /// Whether the spool takes what lies in the rings. What stays there makes a render wait, and becomes a gap where nobody waits.
    fn has_room(&mut self) -> bool {
        let full = self.spool.trouble().map(|why| format!("listening can't keep up: {why}"));
        let Some(why) = full else {
            self.recover(Trouble::Full);
            return true;
        };
        if !self.sources.is_empty() {
            self.complain(Trouble::Full, why);
        }
        false
    }

    /// Puts what came on the tape, once the rings are empty: a slow disk makes no render wait.
    fn record(&mut self, kept: &[(Generation, Item)]) {
        let Some(tape) = self.tape.as_mut().filter(|_| !kept.is_empty()) else { return };
        let title = self.shared.title.lock().clone();
        kept.iter().for_each(|(generation, item)| tape.record(&title, *generation, item));
        tape.flush();
        self.shared.report.lock().not_kept = tape.trouble().map(str::to_owned);
    }

    /// Listens to a stride of what lies in the spool. Whether there was anything.
    fn listen(&mut self) -> bool {
        let mut frames = 0;
        let mut any = false;
        while frames < STRIDE_FRAMES {
            // What was armed when it was played is: listening may come long after. The rest of its pass goes to a file with it, and
            // what comes then must not take the place of what still waits for its words.
            let manner = Manner { armed: self.armed > 0, rendered: self.rendered > 0 };
            let patient = manner.rendered || self.owes_captions();
            if patient && !self.scribe.as_ref().is_none_or(Scribe::is_free) {
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
                Ok(Some(Item::Piece(piece))) => frames += self.hear(piece, manner, patient),
                Ok(Some(Item::End)) => {
                    if let Some(Hearing { generation, follower, tally, .. }) = self.hearing.take() {
                        let mut taker = self.taker(generation, tally, patient);
                        follower.finish(&mut |news| taker.take(&news));
                    }
                }
                Err(why) => {
                    // What comes next follows after a gap.
                    self.complain(
                        Trouble::Lost,
                        format!("a part of what was played is lost: {why}"),
                    );
                    self.lost = true;
                }
            }
            any = true;
        }
        any
    }

    fn hear(&mut self, piece: Piece, manner: Manner, patient: bool) -> usize {
        let Some(mut hearing) = self.hearing.take() else { return 0 };
        let piece = hearing.seam.join(piece);
        let chunk = piece.chunk();
        let frames = chunk.frames();
        let came = Tally::of(frames, manner);
        let mut begun = false;
        let mut taker = self.taker(hearing.generation, hearing.tally, patient);
        hearing.follower.push(&chunk, &mut |news| {
            if matches!(news, News::PassStarted { .. }) {
                (taker.tally, begun) = (Some(came), true);
            }
            taker.take(&news);
        });
        let before_all = taker.tally.is_some_and(Tally::is_empty) && !chunk.is_heard();
        let goes_on = taker.tally.map(|tally| if before_all { tally } else { tally.with(came) });
        hearing.tally = if begun { taker.tally } else { goes_on };
        if begun {
            self.recover(Trouble::Lost);
        }
        self.unheard_s = (self.unheard_s - hearing.seconds(frames)).max(0.0);
        self.hearing = Some(hearing);
        self.monitoring.push(chunk.samples, &self.shared);
        self.shared.report.lock().heard_frames += frames as u64;
        frames
    }

    fn taker(&mut self, generation: Generation, tally: Option<Tally>, patient: bool) -> Taker<'_> {
        let Self { shared, scribe, neighbours, company, bouncing, recurrence, .. } = self;
        Taker {
            shared,
            scribe,
            neighbours,
            company,
            bouncing,
            recurrence,
            generation,
            patient,
            tally,
        }
    }

    /// Reports what is wrong with the spool.
    fn complain(&mut self, trouble: Trouble, why: String) {
        self.trouble = Some(trouble);
        self.shared.report.lock().trouble = Some(why);
    }

    /// That is over: what stays in the report would hide all else for as long as the instance lives.
    fn recover(&mut self, trouble: Trouble) {
        if self.trouble.take_if(|now| *now == trouble).is_some() {
            self.shared.report.lock().trouble = None;
        }
    }
}

#[cfg(test)]
mod tests;
