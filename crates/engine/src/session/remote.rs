//! The editor's part of a session: looks at what was heard, and says what to do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;

use analysis::Reading;

use super::{Notes, Report, Shared};
use crate::hub;

/// What an editor asks of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A question about the bar that was heard last; advice where there is none.
    Ask(Option<String>),
    /// No more of the answer that is being written.
    Stop,
    /// The integrated values begin anew.
    ResetMeters,
    /// The meters stand still, and go on where they stood.
    HoldMeters(bool),
    /// The hub gives up on what it does and begins anew.
    Restart,
}

/// A view of one session and a line to it. Outlives the session, and is then a view of its end. `[gui-thread]`
#[derive(Clone, Debug)]
pub struct Remote {
    shared: Arc<Shared>,
    thread: Option<Thread>,
    hub: Option<hub::Hub>,
}

impl Remote {
    pub(super) fn new(shared: Arc<Shared>, thread: Option<Thread>, hub: Option<hub::Hub>) -> Self {
        Self { shared, thread, hub }
    }

    /// Sends a command. One too many at a time is left out: whoever pressed the button sees that nothing happens.
    pub fn send(&self, command: Command) {
        let _ = self.shared.commands.0.try_send(command);
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }

    /// Calls `look` with the report as it is now. Short, for the session waits meanwhile.
    pub fn look<R>(&self, look: impl FnOnce(&Report) -> R) -> R {
        look(&self.shared.report.lock())
    }

    /// Calls `look` with the bars that the project remembers.
    pub fn recall<R>(&self, look: impl FnOnce(&Notes) -> R) -> R {
        self.shared.notebook.read(look)
    }

    /// What the meters read now.
    pub fn reading(&self) -> Reading {
        self.shared.reading.lock().clone()
    }

    /// Whether anybody looks: the meters run only then.
    pub fn watch(&self, watched: bool) {
        self.shared.watched.store(watched, Ordering::Relaxed);
    }

    /// How the hub stands; nothing where the session has none.
    pub fn hub(&self) -> Option<hub::Status> {
        self.hub.as_ref().map(hub::Hub::status)
    }
}
