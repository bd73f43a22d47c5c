//! Renders whose host ended before their captions were written, as an open window has them: counted while somebody looks, and
//! taken up when the user says so, on a thread of their own. `[session-thread]`

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::report::Bounced;
use super::resume::{Resumed, Resuming, resume_from};
use super::tape::Left;
use super::{BounceSettings, Shared};
use crate::hub::Hub;
use crate::threads;

/// Between two looks into the folder.
const EVERY: Duration = Duration::from_secs(2);

/// What there is of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// Tapes that wait for their captions, without those that somebody records or plays.
    pub waiting: usize,
    /// Whether this instance takes them up.
    pub working: bool,
    /// How far the one that is taken up is, or what became of the last one.
    pub bounced: Option<Bounced>,
}

/// One instance's part in them.
#[derive(Debug)]
pub(super) struct Leftovers {
    folder: PathBuf,
    hub: Option<Hub>,
    looked_at: Option<Instant>,
}

impl Leftovers {
    /// Those in a folder, whose captions come from this hub.
    pub(super) fn new(folder: PathBuf, hub: Option<Hub>) -> Self {
        Self { folder, hub, looked_at: None }
    }

    /// Counts them now and then, while a window is open.
    pub(super) fn look(&mut self, shared: &Shared, now: Instant) {
        if shared.is_watched() && self.looked_at.is_none_or(|at| now - at >= EVERY) {
            self.looked_at = Some(now);
            // A folder that can't be read is told by whoever takes them up.
            shared.report.lock().leftover.waiting = Left::count(&self.folder).unwrap_or(0);
        }
    }

    /// Takes them up, unless that is being done, with `settings` or with those that the user has saved. The thread goes on alone
    /// if the instance goes.
    pub(super) fn take_up(&self, shared: &Arc<Shared>, settings: Option<BounceSettings>) {
        let Some(hub) = self.hub.clone() else { return };
        let mut report = shared.report.lock();
        if std::mem::replace(&mut report.leftover.working, true) {
            return;
        }
        report.leftover.bounced = None;
        drop(report);
        let (folder, own) = (self.folder.clone(), Arc::clone(shared));
        let name = format!("barline-resume-{}", shared.instance);
        let started = Builder::new().name(name).spawn(move || {
            threads::be_ordinary();
            let settings = settings.map_or_else(BounceSettings::load, Ok);
            let done = catch_unwind(AssertUnwindSafe(|| work(&folder, &hub, &settings?, &own)));
            let done = done.unwrap_or_else(|_| Err("a defect in Barline".to_owned()));
            end(&own, done);
        });
        if let Err(error) = started {
            end(shared, Err(format!("the system starts no thread: {error}")));
        }
    }
}

/// Takes up one tape after the other, and reports each.
fn work(
    folder: &Path,
    hub: &Hub,
    settings: &BounceSettings,
    shared: &Shared,
) -> Result<(), String> {
    resume_from(folder, hub, settings, &mut |news| {
        let bounced = match news {
            Resuming::Going { bars, left_s } => Some(Bounced::Waiting { bars, left_s }),
            // What is missing goes before what is there.
            Resuming::Done(Resumed { renders, trouble, .. }) => {
                trouble.map(Bounced::Failed).or(renders.into_iter().next_back())
            }
        };
        shared.report.lock().leftover.bounced = bounced;
    })
}

fn end(shared: &Shared, done: Result<(), String>) {
    let leftover = &mut shared.report.lock().leftover;
    leftover.working = false;
    if let Err(why) = done {
        leftover.bounced = Some(Bounced::Failed(why));
    }
}
