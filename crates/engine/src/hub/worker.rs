//! The hub's thread: opens the model, takes one piece of work after another, and never takes the host down.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;

use super::Mind;
use super::desk::Desk;
use super::seat::{Reply, Task, Ticket, Work};
use crate::{error::EngineError, threads};

/// What a question says that was taken back.
pub(super) const CANCELLED: &str = "stopped";

/// Starts the thread; it is never joined.
pub(super) fn start(desk: Arc<Desk>, office: u64) -> io::Result<()> {
    Builder::new().name("barline-hub".to_owned()).spawn(move || run(&desk, office)).map(|_| ())
}

fn run(desk: &Desk, office: u64) {
    threads::be_ordinary();
    let progress = |share| desk.loading(office, share);
    let opened = catch_unwind(AssertUnwindSafe(|| (desk.open)(desk.device(), &progress)));
    let mind = match opened {
        Ok(Ok(mind)) => mind,
        Ok(Err(error)) => return desk.fail(office, &format!("the model can't be loaded: {error}")),
        Err(_) => return desk.fail(office, "loading the model has failed: a defect in Barline"),
    };
    if !desk.ready(office, mind.about()) {
        return;
    }
    while let Some(work) = desk.next(office) {
        let reply = catch_unwind(AssertUnwindSafe(|| perform(mind.as_ref(), &work)));
        let Ok(reply) = reply else {
            let why = "the model has crashed: a defect in Barline. A restart may help";
            work.ticket.refuse(why);
            desk.fail(office, why);
            // What a panic has left of the model isn't trusted, its destructor neither.
            return std::mem::forget(mind);
        };
        // Free before the reply, so that who gets it finds the seat free.
        desk.done(office);
        work.ticket.client.send(reply);
    }
}

fn perform(mind: &dyn Mind, work: &Work) -> Reply {
    let Ticket { id, cancel, client, .. } = &work.ticket;
    match &work.task {
        Task::Hear(window) => {
            let heard = mind.hear(window, cancel);
            Reply::Heard(*id, heard.map(Box::new).map_err(|error| reason(&error)))
        }
        Task::Answer(question) => {
            let mut say = |sentence: &str| client.send(Reply::Said(*id, sentence.to_owned()));
            let told = mind.answer(question, cancel, &mut say);
            Reply::Answered(*id, told.map_err(|error| reason(&error)))
        }
        Task::SumUp(question) => {
            let told = mind.sum_up(question, cancel);
            Reply::Answered(*id, told.map_err(|error| reason(&error)))
        }
    }
}

fn reason(error: &EngineError) -> String {
    match error {
        EngineError::Cancelled | EngineError::Model(models::ModelError::Cancelled) => {
            CANCELLED.to_owned()
        }
        other => other.to_string(),
    }
}
