//! One model for every instance of a process: a thread that listens to what the sessions bring it, in turns, and
//! answers.
//!
//! A session joins and gets a [`Seat`]. What it brings is one passage at a time: in real time the newest takes the place
//! of one that still waits (invariant 5 of the design), and the session is told. Questions go first, for somebody waits
//! for them. The thread starts, and the weights load, with the first piece of work; both go when the last seat does. A
//! model that panics takes the thread with it and nothing else; one that never returns is left behind by
//! [`Hub::restart`].

mod desk;
mod mind;
mod seat;
mod worker;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::{embedded::open_model, error::EngineError};

pub use models::DeviceChoice;

pub use self::mind::{About, Impression, Mind, Question, Thinker, Window};
pub use self::seat::{Reply, Seat};

use self::desk::Desk;

/// Longer than this without a sign of life and the model is stuck, as far as anybody can tell.
pub const STUCK: Duration = Duration::from_secs(20);

/// How the hub gets its model, for a device, telling the share of it that is there; called on the hub's thread.
pub type Open =
    dyn Fn(DeviceChoice, &dyn Fn(f64)) -> Result<Box<dyn Mind>, EngineError> + Send + Sync;

/// A handle of the hub; clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Hub {
    desk: Arc<Desk>,
}

/// What the hub's thread does.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    /// No work has come yet.
    #[default]
    Asleep,
    /// The weights are on their way: the share that is there, 0 to 1.
    Loading(f64),
    /// It works, or waits for work.
    Ready,
    /// The model could not be had, or broke: the reason. Nothing is heard until a restart.
    Stopped(String),
}

/// How the hub stands, for those who show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// What the thread does.
    pub state: State,
    /// The model and where it computes, once it has loaded.
    pub about: Option<About>,
    /// The device that was asked for.
    pub device: DeviceChoice,
    /// Sessions that have joined.
    pub instances: usize,
    /// Pieces of work that wait.
    pub waiting: usize,
    /// For how long the thread has been at one piece of work.
    pub busy: Option<Duration>,
    /// For how long nothing has come of what it does: of a piece of work, or of loading the model.
    pub silent: Option<Duration>,
}

impl Hub {
    /// A hub that opens its model so. Starts nothing.
    pub fn new(open: Box<Open>) -> Self {
        Self { desk: Arc::new(Desk::new(open)) }
    }

    /// The hub of this process, with the default model. Starts and loads nothing.
    pub fn of_process() -> &'static Self {
        static HUB: OnceLock<Hub> = OnceLock::new();
        HUB.get_or_init(|| {
            Self::new(Box::new(|device, progress| {
                let opened = open_model(None, device, progress)?;
                Ok(Box::new(Thinker::new(opened)))
            }))
        })
    }

    /// A place for a session.
    pub fn join(&self) -> Seat {
        Seat::new(Arc::clone(&self.desk))
    }

    /// How it stands now.
    pub fn status(&self) -> Status {
        self.desk.status()
    }

    /// Gives up on what the thread does, and on the thread, and begins anew with the next piece of work.
    pub fn restart(&self) {
        self.desk.restart();
    }

    /// Computes on another device from now on: begins anew there, if it has begun.
    pub fn compute_on(&self, device: DeviceChoice) {
        self.desk.compute_on(device);
    }
}

#[cfg(test)]
mod tests;
