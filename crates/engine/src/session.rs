//! What one instance of the plugin hears, live: from the audio thread to a report, bar by bar.
//!
//! A session has three parts on three threads. [`Session`] is the plugin's, on whatever thread the host calls it;
//! [`Input`] is the audio thread's; [`Listener`] is the session thread's and does the work. Between them go a ring (the
//! tap), a channel for the taps of new activations, two numbers about the reader's pace, and the latest report.

mod answer;
mod bell;
mod bounce;
mod company;
mod export;
mod follower;
mod input;
mod journal;
mod leftover;
mod listener;
mod monitoring;
mod notebook;
mod pace;
mod recent;
mod remote;
mod report;
mod resume;
mod scribe;
mod sounds;
mod spool;
mod tape;
mod taste;
mod thread;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use analysis::Reading;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signal::{AudioFeed, BarKey, Finding, Label, Measurements, capacity_frames, tap};

pub use self::answer::{Answer, AnswerState};
pub use self::bell::Bell;
pub use self::bounce::{Arm, BounceSettings};
pub use self::export::Exported;
pub use self::follower::{Follower, News, Passage};
pub use self::input::Input;
pub use self::leftover::Leftover;
pub use self::listener::{Activity, Listener};
pub use self::notebook::{Notebook, NotedBar, Notes};
pub use self::remote::{Command, Remote};
pub use self::report::{Bounced, Found, Gap, HeardBar, HeardPass, Named, Playing, Report, Words};
pub use self::resume::{Resumed, Resuming, resume};
pub use self::taste::{Choices, Dismissed, Taste};

use self::pace::Pace;
use self::scribe::Scribe;
use self::tape::Tape;
use crate::hub::Hub;

/// Activations that may wait for a session thread that has not run since: no host makes as many in its 250 ms of sleep.
const WAITING: usize = 64;

/// Commands of an editor that may wait.
const COMMANDS: usize = 16;

/// Who looked at the window this long ago looks no more.
const LOOKS: Duration = Duration::from_secs(1);

/// Rates that a host may mean, in Hz: from those of the oldest samplers to the highest that the resampler takes; another is a mistake,
/// and this one is taken for it.
const RATES_HZ: RangeInclusive<f64> = 1_000.0..=768_000.0;
const ELSE_HZ: f64 = 48_000.0;

/// The longest that an instance's end waits for its thread to hear the rest (invariant 8 of the design).
const FAREWELL: Duration = Duration::from_secs(1);

/// What a session shares with the instance's parameters and its saved state.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// What was heard of the song.
    pub notebook: Arc<Notebook>,
    /// What the user wants to hear of.
    pub taste: Arc<Taste>,
    /// Asks for advice.
    pub bell: Arc<Bell>,
    /// Whether captions of renders are written.
    pub arm: Arc<Arm>,
}

/// The plugin's part of a session. Dropping it lets the session thread hear what is left, for a second at most; then the
/// thread is on its own. `[main-thread]`
#[derive(Debug)]
pub struct Session {
    feeds: Sender<Arrival>,
    shared: Arc<Shared>,
    generation: u64,
    thread: Option<JoinHandle<()>>,
    hub: Option<Hub>,
}

/// What a new activation hands to the session thread.
#[derive(Debug)]
pub(crate) struct Arrival {
    feed: AudioFeed,
    pace: Arc<Pace>,
}

/// One activation, from `activate` to `deactivate`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Generation {
    number: u64,
    rate_hz: f64,
    channels: usize,
}

impl Arrival {
    fn generation(&self) -> Generation {
        let feed = &self.feed;
        let (number, rate_hz, channels) = (feed.generation(), feed.rate_hz(), feed.channels());
        Generation { number, rate_hz, channels }
    }
}

/// What both sides may touch at any time; the audio thread touches none of it.
#[derive(Debug)]
struct Shared {
    /// Distinguishes the instances of this process; made at creation, never saved.
    instance: u64,
    closing: AtomicBool,
    report: Mutex<Report>,
    controls: Controls,
    /// The name of the track as the host told it last; empty where it told none.
    title: Mutex<String>,
    /// What the running meters read, and when somebody looked last.
    reading: Mutex<Reading>,
    watched_at: Mutex<Option<Instant>>,
    commands: (Sender<Command>, Receiver<Command>),
}

impl Session {
    /// A session and the thread that listens. `[main-thread]`: hosts create instances there, so the thread starts with
    /// a normal priority and never in `activate`. Where the system starts no more threads, nothing is heard and the
    /// report says so.
    pub fn start(controls: Controls, hub: &Hub) -> Self {
        let (mut session, mut listener) = Self::pair(controls, Some(hub));
        if let Some(folder) = Tape::folder() {
            listener.record_to(folder, Some(hub.clone()));
        }
        listener.meet_others();
        match thread::start(listener, session.shared.instance) {
            Ok(thread) => session.thread = Some(thread),
            Err(error) => {
                let trouble = format!("the system starts no thread to listen on: {error}");
                session.shared.report.lock().trouble = Some(trouble);
            }
        }
        session
    }

    /// A session and the half that listens, for a caller with a thread of its own. Without a hub there are measurements
    /// and no words.
    pub fn pair(controls: Controls, hub: Option<&Hub>) -> (Self, Listener) {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = bounded(WAITING);
        let report = Mutex::new(Report { schema: 1, instance, ..Report::default() });
        let closing = AtomicBool::new(false);
        let shared = Arc::new(Shared {
            instance,
            closing,
            report,
            controls,
            title: Mutex::default(),
            reading: Mutex::default(),
            watched_at: Mutex::default(),
            commands: bounded(COMMANDS),
        });
        let session = Self {
            feeds: sender,
            shared: Arc::clone(&shared),
            generation: 0,
            thread: None,
            hub: hub.cloned(),
        };
        (session, Listener::new(receiver, shared, hub.map(Scribe::new)))
    }

    /// A view of the session, for an editor.
    pub fn remote(&self) -> Remote {
        let thread = self.thread.as_ref().map(|thread| thread.thread().clone());
        Remote::new(Arc::clone(&self.shared), thread, self.hub.clone())
    }

    /// A new generation: what the audio thread writes to from now on. The old one's audio is heard first. Allocates, and
    /// neither waits nor starts anything, so hosts may call it on the audio thread. A rate that is none is taken for 48 kHz.
    pub fn activate(&mut self, channels: usize, rate_hz: f64, offline: bool) -> Input {
        let rate_hz = if RATES_HZ.contains(&rate_hz) { rate_hz } else { ELSE_HZ };
        self.generation += 1;
        let (tap, feed) = tap(channels, rate_hz, capacity_frames(rate_hz), self.generation);
        let pace = Arc::new(Pace::new(rate_hz));
        // With a session thread that is gone or stuck the feed is dropped here, and the tap then finds itself closed.
        let _ = self.feeds.try_send(Arrival { feed, pace: Arc::clone(&pace) });
        Input::new(tap, pace, offline)
    }

    /// What was heard so far.
    pub fn report(&self) -> Report {
        self.shared.report.lock().clone()
    }
}

impl Shared {
    /// Whether somebody looks at the window.
    fn is_watched(&self) -> bool {
        self.watched_at.lock().is_some_and(|at| at.elapsed() < LOOKS)
    }

    /// Enters what became of a passage's caption.
    fn say(&self, id: u64, key: Option<BarKey>, words: Words) {
        if let Some(key) = key {
            self.controls.notebook.say(key, &words);
        }
        if let Some(bar) = self.report.lock().bar_mut(id) {
            bar.words = words;
        }
    }

    /// What is wrong with a part of the song, as far as the user wants to hear of it; `more` is what other instances have shown.
    fn findings(
        &self,
        measured: &Measurements,
        label: Option<Label>,
        more: Vec<Finding>,
    ) -> Vec<Finding> {
        let programme = self.controls.notebook.read(Notes::programme);
        let mut findings = analysis::detect(measured, label);
        findings.extend(more);
        self.controls.taste.read(|choices| {
            choices.target.judge(programme, measured, &mut findings);
            findings.retain(|finding| choices.welcomes(finding));
        });
        Finding::settle(&mut findings);
        findings
    }

    /// Adds to what was found in a passage, if it is still the last, what the user wants to hear of.
    fn find_more(&self, id: u64, mut more: Vec<Finding>) {
        self.controls.taste.read(|choices| more.retain(|finding| choices.welcomes(finding)));
        if let Some(found) = self.report.lock().found.as_mut().filter(|found| found.id == id) {
            found.findings.extend(more);
            Finding::settle(&mut found.findings);
        }
    }

    fn label(&self) -> Option<Label> {
        self.report.lock().label.as_ref().and_then(|named| named.label)
    }

    fn answer(&self, id: u64, change: impl FnOnce(&mut Answer)) {
        let mut report = self.report.lock();
        if let Some(answer) = report.answers.iter_mut().find(|answer| answer.id == id) {
            change(answer);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests;
