//! Captions of renders whose host ended before they were written: the tapes that such instances have left are played to a
//! listener of this process, as if they were armed renders.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bounce::NO_FOLDER;
use super::listener::{Activity, GIVEN_UP};
use super::report::Bounced;
use super::spool::Item;
use super::tape::{Left, Tape};
use super::{BounceSettings, Controls, Session};
use crate::hub::Hub;

/// What is told while tapes are taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resuming {
    /// How far the one in hand is.
    Going {
        /// Bars without words, of those that were listened to.
        bars: usize,
        /// Whole seconds of audio that are still to be listened to.
        left_s: u64,
    },
    /// One is done.
    Done(Resumed),
}

/// Between two looks at a listener that waits for the model.
const PAUSE: Duration = Duration::from_millis(5);

/// What became of one tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The tape. It is removed once everything on it is written, and set aside where it can't be read.
    pub path: PathBuf,
    /// The track.
    pub title: String,
    /// What was written of each render on it, or why that failed. Renders that were written before are left out.
    pub renders: Vec<Bounced>,
    /// Why the tape could not be played, or not to its end; what came before is written.
    pub trouble: Option<String>,
}

/// Writes the captions of every render that a host of this user has left, with `settings`. Renders that are still heard by
/// another process are left alone. `told` gets each tape as it is done, and how far it is before.
///
/// # Errors
/// No folder is chosen, or that of the tapes cannot be read.
pub fn resume(
    hub: &Hub,
    settings: &BounceSettings,
    told: &mut dyn FnMut(Resuming),
) -> Result<(), String> {
    let folder = Tape::folder().ok_or("this user has no home folder for data")?;
    resume_from(&folder, hub, settings, told)
}

/// The same with the tapes of a folder.
pub(super) fn resume_from(
    folder: &Path,
    hub: &Hub,
    settings: &BounceSettings,
    told: &mut dyn FnMut(Resuming),
) -> Result<(), String> {
    if settings.folder.is_none() {
        return Err(NO_FOLDER.to_owned());
    }
    let paths = Left::all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in paths {
        let left = match Left::open(&path) {
            Ok(None) => continue,
            Ok(Some(left)) => left,
            Err(error) => {
                told(Resuming::Done(Resumed::unread(path, &error)));
                continue;
            }
        };
        // One bad tape costs the others nothing.
        let played = catch_unwind(AssertUnwindSafe(|| play(left, hub, settings, told)));
        let defect = |_| Resumed::failed(path, "a defect in Barline".to_owned());
        told(Resuming::Done(played.unwrap_or_else(defect)));
    }
    Ok(())
}

impl Resumed {
    /// A tape that can't be opened: set aside where that is its own fault.
    fn unread(path: PathBuf, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::InvalidData => set_aside(&path, &error.to_string()),
            _ => error.to_string(),
        };
        Self::failed(path, why)
    }

    fn failed(path: PathBuf, why: String) -> Self {
        Self { path, title: String::new(), renders: Vec::new(), trouble: Some(why) }
    }
}

fn play(
    mut left: Left,
    hub: &Hub,
    settings: &BounceSettings,
    told: &mut dyn FnMut(Resuming),
) -> Resumed {
    let controls = Controls::default();
    controls.arm.set(true);
    let (session, mut listener) = Session::pair(controls, Some(hub));
    session.remote().entitle(&left.title);
    listener.bounce_with(settings.clone(), left.began(), &left.written);
    let (mut renders, mut trouble, mut ended) = (Vec::new(), None, false);
    loop {
        while !ended && listener.wants_more() {
            match left.next() {
                Ok(Some(item)) => listener.replay(item),
                rest => {
                    trouble = rest.err().map(|error| error.to_string());
                    listener.replay(Item::End);
                    ended = true;
                }
            }
        }
        let activity = listener.poll();
        for pass in listener.take_written() {
            // A tape that can't take the note is played again as a whole.
            let _ = left.append_written(pass);
        }
        match session.shared.report.lock().bounced.take() {
            Some(Bounced::Waiting { bars, left_s }) => {
                let left_s = left_s + left.remaining_s();
                told(Resuming::Going { bars, left_s });
            }
            Some(done) => renders.push(done),
            None => {}
        }
        match activity {
            Activity::Busy => {}
            _ if ended && listener.is_resting() => break,
            _ if listener.is_given_up() => {
                return Resumed { renders, ..Resumed::failed(left.path, GIVEN_UP.to_owned()) };
            }
            _ => std::thread::sleep(PAUSE),
        }
    }
    // Where something could not be written, all of it is tried again.
    if renders.iter().all(|render| matches!(render, Bounced::Written { .. })) {
        trouble = match trouble {
            Some(why) => Some(set_aside(&left.path, &why)),
            None => removed(&left.path),
        };
    }
    let trouble = trouble.or(left.stopped.map(|why| format!("recording had stopped: {why}")));
    Resumed { path: left.path, title: left.title, renders, trouble }
}

/// Removes a tape whose captions are written; why that can't be done.
fn removed(path: &Path) -> Option<String> {
    let error = fs::remove_file(path).err()?;
    Some(format!("the tape can't be removed: {error}"))
}

/// Keeps a tape that can't be read, or not to its end, where it isn't offered again and again. All that there is to say.
fn set_aside(path: &Path, why: &str) -> String {
    match Left::set_aside(path) {
        Ok(aside) => format!("{why}; what can't be read is kept as {}", aside.display()),
        Err(error) => format!("{why}; the tape can't be renamed: {error}"),
    }
}

#[cfg(test)]
mod tests;
