//! A session's place at the hub: what it brings, and what comes back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::Thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::desk::Desk;
use super::{Impression, Question, Window};
use crate::caption::Told;

/// What comes back for a piece of work, under the number that the session gave it.
#[derive(Debug)]
pub enum Reply {
    /// A passage was listened to, or why not.
    Heard(u64, Result<Box<Impression>, String>),
    /// The next checked sentence of an answer.
    Said(u64, String),
    /// An answer is complete, or why there is none.
    Answered(u64, Result<Told, String>),
}

/// A place. Dropping it takes back all that was brought.
#[derive(Debug)]
pub struct Seat {
    desk: Arc<Desk>,
    number: u64,
    replies: Receiver<Reply>,
}

/// A piece of work.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) ticket: Ticket,
    pub(super) task: Task,
}

/// Who waits for a piece of work, and how to call it off.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) seat: u64,
    pub(super) id: u64,
    pub(super) question: bool,
    pub(super) cancel: Arc<AtomicBool>,
    pub(super) client: Client,
}

/// What there is to do.
#[derive(Debug)]
pub(super) enum Task {
    Hear(Window),
    Answer(Question),
    SumUp(Question),
}

/// The session's end: where replies go, and whom to wake for them.
#[derive(Clone, Debug)]
pub(super) struct Client {
    replies: Sender<Reply>,
    thread: Thread,
}

impl Seat {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let (sender, replies) = unbounded();
        let number = desk.enter(sender);
        Self { desk, number, replies }
    }

    /// Brings a window. Returns the number of the passage that waited until now and won't be listened to. The calling
    /// thread is unparked when there is a reply.
    pub fn hear(&self, id: u64, window: Window) -> Option<u64> {
        self.desk.bring(self.number, id, Task::Hear(window))
    }

    /// Whether nothing of this session waits to be listened to or is listened to, so that what it brings replaces nothing.
    pub fn is_free(&self) -> bool {
        self.desk.is_free(self.number)
    }

    /// For how long nothing has come of what the hub does; none where it does nothing.
    pub fn silence(&self) -> Option<Duration> {
        self.desk.status().silent
    }

    /// Asks.
    pub fn ask(&self, id: u64, question: Question) {
        self.desk.bring(self.number, id, Task::Answer(question));
    }

    /// Has the sounds of a song summed up; the words come as an answer.
    pub fn sum_up(&self, id: u64, question: Question) {
        self.desk.bring(self.number, id, Task::SumUp(question));
    }

    /// Takes back a question, whether it waits or is being answered.
    pub fn stop(&self, id: u64) {
        self.desk.stop(self.number, id);
    }

    /// What has come back since the last call.
    pub fn replies(&self) -> impl Iterator<Item = Reply> + '_ {
        self.replies.try_iter()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.leave(self.number);
    }
}

impl Client {
    pub(super) fn new(replies: Sender<Reply>) -> Self {
        Self { replies, thread: std::thread::current() }
    }

    /// Nobody listens any more where the session has gone.
    pub(super) fn send(&self, reply: Reply) {
        let _ = self.replies.send(reply);
        self.thread.unpark();
    }
}

impl Ticket {
    /// Tells the session that this will not be done.
    pub(super) fn refuse(&self, why: &str) {
        let why = why.to_owned();
        self.client.send(match self.question {
            false => Reply::Heard(self.id, Err(why)),
            true => Reply::Answered(self.id, Err(why)),
        });
    }
}
