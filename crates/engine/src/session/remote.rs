//! The editor's part of a session: looks at what was heard, and says what to do.

use std::sync::Arc;
use std::thread::Thread;
use std::time::Instant;

use analysis::Reading;

use super::{Choices, Notes, Report, Shared, Taste};
use crate::format::Format;
use crate::hub::{self, DeviceChoice};

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
    /// The captions as a file of this format, named after this title.
    Export(Format, String),
    /// Captions of renders whose host ended before they were written.
    TakeUp,
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
        self.shared.controls.notebook.read(look)
    }

    /// What the user has chosen, saved with the project.
    pub fn choices(&self) -> Choices {
        self.shared.controls.taste.read(Choices::clone)
    }

    /// Where the user's choices are changed; what is said from then on follows them.
    pub fn taste(&self) -> &Taste {
        &self.shared.controls.taste
    }

    /// What the meters read now.
    pub fn reading(&self) -> Reading {
        self.shared.reading.lock().clone()
    }

    /// Tells the name of the track, as the host has it.
    pub fn entitle(&self, title: &str) {
        title.clone_into(&mut self.shared.title.lock());
    }

    /// Says that somebody looks right now: the meters run for a second after. Editors come and go without a word.
    pub fn watch(&self) {
        *self.shared.watched_at.lock() = Some(Instant::now());
    }

    /// How the hub stands; nothing where the session has none.
    pub fn hub(&self) -> Option<hub::Status> {
        self.hub.as_ref().map(hub::Hub::status)
    }

    /// See [`hub::Hub::restart`]. Doesn't go through the session, which may be what hangs.
    pub fn restart(&self) {
        if let Some(hub) = &self.hub {
            hub.restart();
        }
    }

    /// See [`hub::Hub::compute_on`].
    pub fn compute_on(&self, device: DeviceChoice) {
        if let Some(hub) = &self.hub {
            hub.compute_on(device);
        }
    }
}
