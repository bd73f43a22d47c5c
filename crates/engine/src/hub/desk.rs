//! What lies between the sessions and the hub's thread: seats, work that waits, and how the thread stands.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};

use super::seat::{Client, Reply, Task, Ticket, Work};
use super::{About, DeviceChoice, Open, State, Status, worker};

/// Shared by all handles and the thread. Never touched by an audio thread.
pub(super) struct Desk {
    pub(super) open: Box<Open>,
    start: Box<Start>,
    book: Mutex<Book>,
    bell: Condvar,
}

/// How a thread starts that works for a desk, under the number of its office.
type Start = dyn Fn(Arc<Desk>, u64) -> io::Result<()> + Send + Sync;

#[derive(Default)]
struct Book {
    places: BTreeMap<u64, Place>,
    next_seat: u64,
    /// Questions of all seats, the oldest first.
    questions: VecDeque<Work>,
    /// Which thread is in office. One that was given up on finds another number here.
    office: u64,
    state: State,
    about: Option<About>,
    device: DeviceChoice,
    current: Option<Current>,
    /// The last sign of life of a thread that has something to do.
    alive_at: Option<Instant>,
    turns: u64,
}

/// One session.
struct Place {
    replies: Sender<Reply>,
    /// The passage that waits.
    passage: Option<Work>,
    /// The turn in which it was last listened to: whose lies furthest back is next.
    served: u64,
}

/// The work in hand.
struct Current {
    ticket: Ticket,
    since: Instant,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Desk {
    pub(super) fn new(open: Box<Open>) -> Self {
        Self::with(open, Box::new(worker::start))
    }

    /// One whose threads start so.
    pub(super) fn with(open: Box<Open>, start: Box<Start>) -> Self {
        Self { open, start, book: Mutex::default(), bell: Condvar::new() }
    }

    pub(super) fn enter(&self, replies: Sender<Reply>) -> u64 {
        let mut book = self.book.lock();
        book.next_seat += 1;
        let (seat, served) = (book.next_seat, book.turns);
        book.places.insert(seat, Place { replies, passage: None, served });
        seat
    }

    pub(super) fn leave(&self, seat: u64) {
        let mut book = self.book.lock();
        book.places.remove(&seat);
        book.questions.retain(|work| work.ticket.seat != seat);
        book.cancel(|now| now.seat == seat);
        self.bell.notify_all();
    }

    /// Takes work from a session. Returns the passage that it replaces.
    pub(super) fn bring(self: &Arc<Self>, seat: u64, id: u64, task: Task) -> Option<u64> {
        let mut book = self.book.lock();
        let Book { places, questions, state, .. } = &mut *book;
        let place = places.get_mut(&seat)?;
        let client = Client::new(place.replies.clone());
        let cancel = Arc::new(AtomicBool::new(false));
        let question = !matches!(task, Task::Hear(_));
        let work = Work { ticket: Ticket { seat, id, question, cancel, client }, task };
        if let State::Stopped(why) = state {
            work.ticket.refuse(why);
            return None;
        }
        let mut replaced = None;
        if question {
            questions.push_back(work);
        } else {
            replaced = place.passage.replace(work).map(|work| work.ticket.id);
        }
        if book.state == State::Asleep {
            book.start(self);
        }
        self.bell.notify_all();
        replaced
    }

    pub(super) fn is_free(&self, seat: u64) -> bool {
        let book = self.book.lock();
        let waits = book.places.get(&seat).is_some_and(|place| place.passage.is_some());
        let heard = |now: &Current| now.ticket.seat == seat && !now.ticket.question;
        !waits && !book.current.as_ref().is_some_and(heard)
    }

    pub(super) fn stop(&self, seat: u64, id: u64) {
        let mut book = self.book.lock();
        let Book { questions, .. } = &mut *book;
        let meant = |ticket: &Ticket| ticket.question && (ticket.seat, ticket.id) == (seat, id);
        if let Some(at) = questions.iter().position(|work| meant(&work.ticket))
            && let Some(work) = questions.remove(at)
        {
            work.ticket.refuse(worker::CANCELLED);
        }
        book.cancel(meant);
    }

    pub(super) fn status(&self) -> Status {
        let book = self.book.lock();
        let passages = book.places.values().filter(|place| place.passage.is_some()).count();
        Status {
            state: book.state.clone(),
            about: book.about.clone(),
            device: book.device,
            instances: book.places.len(),
            waiting: passages + book.questions.len(),
            busy: book.current.as_ref().map(|current| current.since.elapsed()),
            silent: book.alive_at.map(|at| at.elapsed()),
        }
    }

    pub(super) fn restart(self: &Arc<Self>) {
        let mut book = self.book.lock();
        book.cancel(|_| true);
        if let Some(current) = book.current.take() {
            current.ticket.refuse("given up by a restart");
        }
        book.about = None;
        book.start(self);
        self.bell.notify_all();
    }

    pub(super) fn compute_on(self: &Arc<Self>, device: DeviceChoice) {
        let mut book = self.book.lock();
        let (before, begun) = (book.device, book.state != State::Asleep);
        book.device = device;
        drop(book);
        if begun && before != device {
            self.restart();
        }
    }

    pub(super) fn device(&self) -> DeviceChoice {
        self.book.lock().device
    }

    /// A share of the model has come.
    pub(super) fn loading(&self, office: u64, share: f64) {
        let mut book = self.book.lock();
        if book.office == office {
            book.state = State::Loading(share);
            book.alive_at = Some(Instant::now());
        }
    }

    /// The next piece of work for the thread in office, once there is one. `None` when the thread is to end: it was given
    /// up on, or nobody is left.
    pub(super) fn next(&self, office: u64) -> Option<Work> {
        let mut book = self.book.lock();
        loop {
            if book.office != office {
                return None;
            }
            book.alive_at = None;
            if book.places.is_empty() {
                (book.state, book.about) = (State::Asleep, None);
                book.office += 1;
                return None;
            }
            if let Some(work) = book.take() {
                let ticket = work.ticket.clone();
                let since = Instant::now();
                (book.current, book.alive_at) = (Some(Current { ticket, since }), Some(since));
                return Some(work);
            }
            self.bell.wait(&mut book);
        }
    }

    /// The work in hand is done.
    pub(super) fn done(&self, office: u64) {
        let mut book = self.book.lock();
        if book.office == office {
            (book.current, book.alive_at) = (None, None);
        }
    }

    /// The model has loaded. Whether the thread is still in office.
    pub(super) fn ready(&self, office: u64, about: About) -> bool {
        let mut book = self.book.lock();
        let stays = book.office == office;
        if stays {
            (book.state, book.about) = (State::Ready, Some(about));
        }
        stays
    }

    /// The thread in office can't go on; all that waits is refused.
    pub(super) fn fail(&self, office: u64, why: &str) {
        let mut book = self.book.lock();
        if book.office != office {
            return;
        }
        book.stop(why);
    }
}

impl Book {
    /// A new thread in office.
    fn start(&mut self, desk: &Arc<Desk>) {
        self.office += 1;
        match (desk.start)(Arc::clone(desk), self.office) {
            Ok(()) => (self.state, self.alive_at) = (State::Loading(0.0), Some(Instant::now())),
            Err(error) => self.stop(&format!("the system starts no thread: {error}")),
        }
    }

    /// Nobody works any more: all that waits is refused.
    fn stop(&mut self, why: &str) {
        (self.current, self.alive_at) = (None, None);
        self.state = State::Stopped(why.to_owned());
        let passages = self.places.values_mut().filter_map(|place| place.passage.take());
        passages.chain(self.questions.drain(..)).for_each(|work| work.ticket.refuse(why));
    }

    /// Calls off the work in hand, if it is the one that is meant.
    fn cancel(&self, meant: impl Fn(&Ticket) -> bool) {
        if let Some(now) = self.current.as_ref().filter(|now| meant(&now.ticket)) {
            now.ticket.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Questions first; then the session that has waited longest since its last turn.
    fn take(&mut self) -> Option<Work> {
        if let Some(question) = self.questions.pop_front() {
            return Some(question);
        }
        self.turns += 1;
        let waiting = self.places.values_mut().filter(|place| place.passage.is_some());
        let place = waiting.min_by_key(|place| place.served)?;
        place.served = self.turns;
        place.passage.take()
    }
}
