//! Captions written at the bounce. While the user has armed it, every pass over the song becomes files in the chosen folder, as
//! soon as all of it has its words; nothing of an armed pass is skipped. `[session-thread]`

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use directories::ProjectDirs;
use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::export::{caption, name, write};
use super::report::{Bounced, HeardBar, HeardPass, Report, Words};
use super::scribe::Scribe;
use super::tape::Pass;
use crate::format::Format;
use crate::timeline::{Mark, Timeline};

/// The settings' file, in the user's folder for settings.
const FILE: &str = "bounce.json";

/// How files are named where nobody says otherwise.
const PATTERN: &str = "{track} bars {bars} {date}";

/// What is said where nobody has chosen one.
pub(super) const NO_FOLDER: &str = "no folder is chosen for captions of renders";

/// Characters of a track's name in a file's, which must hold more than that.
const TRACK: usize = 24;

/// The user's switch: a parameter, so that it can be automated. Without a folder that was chosen on this machine nothing is
/// written, and the window says so.
#[derive(Debug, Default)]
pub struct Arm(AtomicBool);

impl Arm {
    /// The parameter's new value. `[audio-thread]` in some hosts: a store to an atomic.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }

    /// Whether captions are to be written.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where captions go and how: a matter of this machine, never read from a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BounceSettings {
    /// The folder; nothing is written without one.
    pub folder: Option<PathBuf>,
    /// Names of the files, with `{track}`, `{label}`, `{bars}` and `{date}`.
    pub pattern: String,
    /// The formats.
    pub formats: Vec<Format>,
}

impl Default for BounceSettings {
    fn default() -> Self {
        let formats = vec![Format::Json, Format::Srt, Format::Midi];
        Self { folder: None, pattern: PATTERN.to_owned(), formats }
    }
}

impl BounceSettings {
    /// The settings as they were saved; the default ones where there are none.
    ///
    /// # Errors
    /// A file that cannot be read or is none of ours, in words with its path.
    pub fn load() -> Result<Self, String> {
        let path = file()?;
        match fs::read_to_string(&path) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Whether they can be used: a folder from the root on, for a host's working directory is nobody's choice, and a format.
    pub fn is_whole(&self) -> bool {
        !self.formats.is_empty() && self.folder.as_ref().is_none_or(|folder| folder.is_absolute())
    }

    /// Saves the settings for every instance of this user.
    ///
    /// # Errors
    /// The file cannot be written, in words with its path.
    pub fn save(&self) -> Result<(), String> {
        let path = file()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let json = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        // Whoever reads sees the old file or the new one.
        let part = path.with_extension("part");
        let failed = |at: &Path, error: &io::Error| format!("{}: {error}", at.display());
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        fs::write(&part, json).map_err(|error| failed(&part, &error))?;
        fs::rename(&part, &path).map_err(|error| failed(&path, &error))
    }
}

fn file() -> Result<PathBuf, String> {
    let dirs = ProjectDirs::from("audio", "Barline", "Barline");
    let dirs = dirs.ok_or("this user has no home folder for settings")?;
    Ok(dirs.config_dir().join(FILE))
}

/// How the settings are found.
pub(super) type Load<'a> = &'a dyn Fn() -> Result<BounceSettings, String>;

/// Passes that were heard while armed and are not written yet.
#[derive(Debug, Default)]
pub(super) struct Bouncing {
    waiting: VecDeque<HeardPass>,
    /// Passes that were written earlier, and are not again.
    before: Vec<Pass>,
    /// Whether a pass could not be written that should have been.
    failed: bool,
    /// The day of the renders, where it is another than that of writing.
    day: Option<Zoned>,
}

impl Bouncing {
    /// Takes a pass that has just ended: one over the song, or, in hosts that render without a transport, one that was
    /// `rendered`. What sounds while a transport stands is neither.
    pub(super) fn ended(&mut self, pass: &HeardPass, rendered: bool) {
        if (pass.kind == "song" || rendered) && !self.before.contains(&key(pass)) {
            self.waiting.push_back(pass.clone());
        }
    }

    /// Renders of another day come, without those that were written earlier.
    pub(super) fn take_up(&mut self, day: Option<Zoned>, earlier: &[Pass]) {
        self.day = day;
        self.before.extend(earlier);
    }

    /// Whether something could not be written, since the last time that this was asked.
    pub(super) fn take_failed(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }

    /// Whether everything is written.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes the oldest pass, once it has all its words, with the settings that `load` gives, and reports for how many it waits
    /// and how many seconds of audio, `left_s`, are still to be listened to. Gives the pass that was written.
    pub(super) fn serve(
        &mut self,
        shared: &Shared,
        scribe: Option<&mut Scribe>,
        load: Load<'_>,
        left_s: u64,
    ) -> Option<Pass> {
        let Some(pass) = self.waiting.front() else {
            tell_progress(shared, 0, left_s);
            return None;
        };
        let bars = shared.report.lock().bars.iter().filter(|bar| waits(pass, bar)).count();
        if bars > 0 {
            tell_progress(shared, bars, left_s);
            return None;
        }
        let day = self.day.clone().unwrap_or_else(Zoned::now);
        let mut timeline = timeline(pass, &shared.report.lock());
        timeline.summary = summary(pass, timeline.tempo_bpm, shared, scribe)?;
        let bounced = bounce(pass, timeline, &day, shared, load);
        let written = matches!(bounced, Some(Bounced::Written { .. })).then(|| key(pass));
        // Where nobody chose a folder, nothing was to be written.
        let wanted = || !load().is_ok_and(|settings| settings.folder.is_none());
        self.failed |= matches!(bounced, Some(Bounced::Failed(_))) && wanted();
        let mut report = shared.report.lock();
        // A run-up of the host leaves what was said before, but for the waiting, which is over.
        if bounced.is_some() || matches!(report.bounced, Some(Bounced::Waiting { .. })) {
            report.bounced = bounced;
        }
        drop(report);
        self.waiting.pop_front();
        written
    }
}

/// Reports what is still to be done, or, where nothing is, that the waiting is over.
fn tell_progress(shared: &Shared, bars: usize, left_s: u64) {
    let mut report = shared.report.lock();
    let waiting = (bars > 0 || left_s > 0).then_some(Bounced::Waiting { bars, left_s });
    if waiting.is_some() || matches!(report.bounced, Some(Bounced::Waiting { .. })) {
        report.bounced = waiting;
    }
}

fn key(pass: &HeardPass) -> Pass {
    (pass.generation, pass.end_frame.unwrap_or(u64::MAX))
}

fn within(pass: &HeardPass, bar: &HeardBar) -> bool {
    let frames = pass.start_frame..pass.end_frame.unwrap_or(u64::MAX);
    bar.generation == pass.generation && frames.contains(&bar.start_frame)
}

fn waits(pass: &HeardPass, bar: &HeardBar) -> bool {
    within(pass, bar) && bar.words == Words::Waiting
}

/// Writes a pass; nothing where it has no captions, as hosts' run-ups don't.
fn bounce(
    pass: &HeardPass,
    timeline: Timeline,
    day: &Zoned,
    shared: &Shared,
    load: Load<'_>,
) -> Option<Bounced> {
    let (names, failed) = {
        let report = shared.report.lock();
        let failed = |bar: &&HeardBar| matches!(bar.words, Words::Failed { .. });
        let failed = report.bars.iter().filter(|bar| within(pass, bar)).filter(failed).count();
        let names = Names::of(pass, &report, &shared.title.lock(), day);
        (names, failed)
    };
    if timeline.captions.is_empty() {
        let why = || Bounced::Failed(format!("the model failed at {failed} bars"));
        return (failed > 0).then(why);
    }
    let settings = match load() {
        Ok(settings) => settings,
        Err(why) => return Some(Bounced::Failed(why)),
    };
    let Some(folder) = settings.folder.as_ref().filter(|folder| folder.is_absolute()) else {
        return Some(Bounced::Failed(NO_FOLDER.to_owned()));
    };
    let title = names.fill(&settings.pattern);
    let mut paths = Vec::new();
    for format in &settings.formats {
        let bytes = format.write(&timeline, &title);
        match write(folder, &name(&title), *format, &bytes) {
            Ok(path) => paths.push(path),
            Err(error) => return Some(Bounced::Failed(error.to_string())),
        }
    }
    Some(Bounced::Written { paths, captions: timeline.captions.len(), failed })
}

/// The words about all of a pass, once they are there.
fn summary(
    pass: &HeardPass,
    tempo_bpm: Option<f64>,
    shared: &Shared,
    scribe: Option<&mut Scribe>,
) -> Option<String> {
    let Some(scribe) = scribe else { return Some(String::new()) };
    let ids = {
        let report = shared.report.lock();
        let mut ids = report.bars.iter().filter(|bar| within(pass, bar)).map(|bar| bar.id);
        let first = ids.next().unwrap_or_default();
        first..ids.next_back().unwrap_or(first) + 1
    };
    scribe.sum_up(ids, tempo_bpm)
}

/// The captions of a pass, from the first sample that was rendered on.
fn timeline(pass: &HeardPass, report: &Report) -> Timeline {
    let rate_hz = pass.rate_hz.max(1.0);
    let seconds = |frame: u64| frame as f64 / rate_hz;
    let start_s = seconds(pass.start_frame);
    let bars: Vec<&HeardBar> = report.bars.iter().filter(|bar| within(pass, bar)).collect();
    let captions = bars.iter().filter_map(|bar| {
        let (from_s, to_s) = (seconds(bar.start_frame), seconds(bar.end_frame));
        caption(&bar.words, bar.bar, from_s - start_s, to_s - start_s, bar.loudness_lufs)
    });
    let marks = bars.iter().filter(|bar| bar.complete).filter_map(|bar| {
        let (meter, length_s) = (bar.meter?, seconds(bar.end_frame) - seconds(bar.start_frame));
        Some(Mark {
            start_s: seconds(bar.start_frame) - start_s,
            bpm: meter.quarters() * 60.0 / length_s,
            meter,
        })
    });
    let marks = Mark::changes(marks);
    Timeline {
        duration_s: seconds(pass.end_frame.unwrap_or(pass.start_frame)) - start_s,
        project_start_s: pass.position.map(|position| position as f64 / rate_hz),
        tempo_bpm: (marks.len() == 1).then(|| (marks[0].bpm * 10.0).round() / 10.0),
        beats_per_bar: marks.first().map_or(4, |mark| mark.meter.numerator().into()),
        captions: captions.collect(),
        tempo_map: marks,
        ..Timeline::default()
    }
}

/// What the names of files are made of.
#[derive(Debug)]
struct Names {
    track: String,
    label: String,
    bars: String,
    date: String,
}

impl Names {
    fn of(pass: &HeardPass, report: &Report, track: &str, day: &Zoned) -> Self {
        let mut numbers = report.bars.iter().filter(|bar| within(pass, bar)).filter_map(|b| b.bar);
        let first = numbers.next();
        let last = numbers.next_back().or(first);
        let label = report.label.as_ref().and_then(|named| named.label);
        Self {
            track: if track.is_empty() { "Barline" } else { track }.chars().take(TRACK).collect(),
            label: label.map_or("unlabelled", |label| label.name()).to_owned(),
            bars: match (first, last) {
                (Some(first), Some(last)) => format!("{first}-{last}"),
                _ => "unknown".to_owned(),
            },
            date: day.strftime("%Y-%m-%d").to_string(),
        }
    }

    fn fill(&self, pattern: &str) -> String {
        let slots = [
            ("{track}", &self.track),
            ("{label}", &self.label),
            ("{bars}", &self.bars),
            ("{date}", &self.date),
        ];
        slots.iter().fold(pattern.to_owned(), |text, (slot, words)| text.replace(slot, words))
    }
}

#[cfg(test)]
mod tests;
