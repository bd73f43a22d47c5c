//! Captions of renders whose host ended before they were written: the tapes that such instances have left are played to a
//! listener of this process, as if they were armed renders.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::listener::Activity;
use super::report::Bounced;
use super::spool::Item;
use super::tape::{Left, Tape};
use super::{BounceSettings, Controls, Session};
use crate::hub::Hub;

/// Between two looks at a listener that waits for the model.
const PAUSE: Duration = Duration::from_millis(5);

/// What became of one tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The tape. It is removed once everything on it is written.
    pub path: PathBuf,
    /// The track.
    pub title: String,
    /// The files of each render on it, or why there are none.
    pub renders: Result<Vec<Bounced>, String>,
}

/// Writes the captions of every render that a host of this user has left, with `settings`. Renders that are still heard by
/// another process are left alone. `told` gets each tape as it is done.
///
/// # Errors
/// The folder of the tapes cannot be read.
pub fn resume(
    hub: &Hub,
    settings: &BounceSettings,
    told: &mut dyn FnMut(Resumed),
) -> Result<(), String> {
    let folder = Tape::folder().ok_or("this user has no home folder for data")?;
    resume_from(&folder, hub, settings, told)
        .map_err(|error| format!("{}: {error}", folder.display()))
}

/// The same with the tapes of a folder.
pub(super) fn resume_from(
    folder: &Path,
    hub: &Hub,
    settings: &BounceSettings,
    told: &mut dyn FnMut(Resumed),
) -> io::Result<()> {
    for path in Left::all(folder)? {
        let failed =
            |why: String| Resumed { path: path.clone(), title: String::new(), renders: Err(why) };
        match Left::open(&path) {
            Ok(Some(left)) => told(play(left, hub, settings)),
            Ok(None) => {}
            Err(error) => told(failed(error.to_string())),
        }
    }
    Ok(())
}

fn play(mut left: Left, hub: &Hub, settings: &BounceSettings) -> Resumed {
    let (path, title) = (left.path.clone(), left.title.clone());
    let controls = Controls::default();
    controls.arm.set(true);
    let (session, mut listener) = Session::pair(controls, Some(hub));
    session.remote().entitle(&title);
    listener.bounce_with(settings.clone());
    let mut renders = Vec::new();
    let mut trouble = None;
    let mut ended = false;
    loop {
        // As much as the listener has room for.
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
        let bounced = session.shared.report.lock().bounced.take();
        match bounced {
            Some(Bounced::Waiting { .. }) | None => {}
            Some(done) => renders.push(done),
        }
        match activity {
            Activity::Busy => {}
            _ if ended && listener.is_resting() => break,
            _ => std::thread::sleep(PAUSE),
        }
    }
    let failure = renders.iter().find_map(|render| match render {
        Bounced::Failed(why) => Some(why.clone()),
        _ => None,
    });
    if let Some(why) = trouble.or(failure) {
        return Resumed { path, title, renders: Err(why) };
    }
    if let Err(error) = std::fs::remove_file(&path) {
        let why = format!("the captions are written, but the tape can't be removed: {error}");
        return Resumed { path, title, renders: Err(why) };
    }
    Resumed { path, title, renders: Ok(renders) }
}

#[cfg(test)]
mod tests;
