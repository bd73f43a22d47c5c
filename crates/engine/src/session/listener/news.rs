//! What becomes of news: a passage is measured and entered, its faults are found, the other instances are shown its levels, and
//! the hub is brought its sound. `[session-thread]`

use std::time::{Instant, SystemTime};

use analysis::{BandMeter, Meter};
use signal::{BandLevels, Bar, Measurements};

use super::hearing::Tally;
use crate::extent::{self, Extent, STEP_S};
use crate::neighbours::{BarSheet, Neighbours};
use crate::recurrence::Recurrence;
use crate::session::bounce::Bouncing;
use crate::session::company::Company;
use crate::session::follower::{News, Passage};
use crate::session::notebook::NotedBar;
use crate::session::report::{Found, HeardBar, Words};
use crate::session::scribe::{Heading, Scribe};
use crate::session::{Generation, Shared};
use crate::window::to_model_rate;

/// Whoever has to do with one piece of news.
#[derive(Debug)]
pub(super) struct Taker<'a> {
    pub(super) shared: &'a Shared,
    pub(super) scribe: &'a mut Option<Scribe>,
    pub(super) neighbours: &'a mut Option<Neighbours>,
    pub(super) company: &'a mut Company,
    /// Given the passes that captions were armed for.
    pub(super) bouncing: &'a mut Bouncing,
    pub(super) recurrence: &'a mut Recurrence,
    pub(super) generation: Generation,
    /// Every passage is to be captioned.
    pub(super) patient: bool,
    /// Of the pass that goes on, as far as it was heard before; none between two.
    pub(super) tally: Option<Tally>,
}

impl Taker<'_> {
    /// Measures what is new, enters it, and brings it to the hub.
    pub(super) fn take(&mut self, news: &News<'_>) {
        let Self { shared, generation, .. } = *self;
        match *news {
            News::Gap(ref frames) => {
                shared.report.lock().add_gap(generation.number, frames.clone());
            }
            News::PassStarted { frame, kind } => {
                shared.report.lock().start_pass(generation, frame, kind);
            }
            News::BarStarted(ref bar) => shared.report.lock().start_bar(bar),
            News::PassEnded { frame } => {
                let ended = shared.report.lock().end_pass(frame);
                let armed = self.tally.take().filter(|tally| tally.is_armed());
                if let (Some(pass), Some(tally)) = (ended, armed) {
                    self.bouncing.ended(&pass, tally.is_render());
                }
            }
            News::Passage(ref passage) => self.take_passage(passage),
        }
    }

    fn take_passage(&mut self, passage: &Passage<'_>) {
        // A bar between two neighbouring frames, as the fastest songs have them at the lowest rates: nothing was heard, and no tempo
        // comes of it.
        if passage.frames.is_empty() {
            return;
        }
        let Self { shared, generation, .. } = *self;
        let (mut measured, note) = match measure(generation, passage) {
            Ok(measured) => (measured, None),
            Err(why) => (Measurements::default(), Some(why)),
        };
        let is_measured = note.is_none();
        let window = passage.window.filter(|_| self.scribe.is_some());
        let words = if window.is_some() { Words::Waiting } else { Words::None };
        let heard = HeardBar { words, ..HeardBar::new(generation, passage, &measured, note) };
        let (number, length_s) = (heard.bar, heard.end_s - heard.start_s);
        let bar = passage.bar.filter(|_| passage.complete);
        if let Some(bar) = bar {
            note_bar(shared, generation, &bar, &heard);
            measured.tempo_bpm = Some(bar.meter.quarters() * 60.0 / length_s);
        }
        let id = shared.report.lock().add_bar(heard);
        let extent = extent(generation, passage, &measured, length_s);
        if is_measured {
            let mut findings = shared.findings(&measured, shared.label(), Vec::new());
            if let Some(number) = number.filter(|_| bar.is_some()) {
                self.recurrence.note(number, &findings);
                self.recurrence.mark(&mut findings);
            }
            let found = Found { id, extent: extent.words(), findings };
            shared.report.lock().found = Some(found);
        }
        let sheet = self.show(passage, bar, length_s);
        if let Some(sheet) = &sheet {
            self.company.shown(id, number, sheet.clone());
        }
        let key = bar.map(|bar| bar.key);
        let came_at = Instant::now();
        let extent = extent.words();
        let heading = Heading { id, key, bar: number, measured, length_s, extent, sheet, came_at };
        self.bring(heading, passage, window);
    }

    /// Shows a bar that was heard whole to the other instances, if there may be some.
    fn show(&mut self, passage: &Passage<'_>, bar: Option<Bar>, length_s: f64) -> Option<BarSheet> {
        let neighbours = self.neighbours.as_mut()?;
        let sheet = sheet(self.generation, passage, &bar?, length_s)?;
        neighbours.show(&sheet);
        Some(sheet)
    }

    /// Brings the sound of a passage to the hub, if there is somebody to bring it.
    fn bring(&mut self, heading: Heading, passage: &Passage<'_>, window: Option<&[f32]>) {
        let Self { shared, generation, patient, .. } = *self;
        let (Some(scribe), Some(window)) = (&mut self.scribe, window) else { return };
        let rate_hz = generation.rate_hz.round() as u32;
        let heard = match to_model_rate(window, generation.channels, rate_hz) {
            Ok(heard) => heard,
            Err(error) => {
                let why = error.to_string();
                return shared.say(heading.id, heading.key, Words::Failed { why });
            }
        };
        // The window ends with the passage.
        let frames = (passage.frames.end - passage.frames.start) as f64;
        let share = frames * generation.channels as f64 / window.len().max(1) as f64;
        scribe.bring(heading, heard, (1.0 - share).max(0.0)..1.0, patient, shared);
    }
}

/// Notes a bar of the song that was heard whole.
fn note_bar(shared: &Shared, generation: Generation, bar: &Bar, heard: &HeardBar) {
    let start_s = bar.position.map(|position| position as f64 / generation.rate_hz);
    let length_s = heard.end_s - heard.start_s;
    let noted = NotedBar::new(bar, start_s.map(|start_s| (start_s, start_s + length_s)));
    let (loudness_lufs, true_peak_dbtp) = (heard.loudness_lufs, heard.true_peak_dbtp);
    let words = heard.words.clone();
    shared.controls.notebook.note(NotedBar { loudness_lufs, true_peak_dbtp, words, ..noted });
}

/// What the meters say of a passage, or why they don't.
fn measure(generation: Generation, passage: &Passage<'_>) -> Result<Measurements, String> {
    let samples = passage.samples.ok_or("a gap lies in it, or it is too long to be kept")?;
    let rate_hz = generation.rate_hz.round() as u32;
    let mut meter =
        Meter::without_music(rate_hz, generation.channels).map_err(|error| error.to_string())?;
    meter.push(samples).map_err(|error| error.to_string())?;
    Ok(meter.finish())
}

/// How much was heard of a passage.
fn extent(
    generation: Generation,
    passage: &Passage<'_>,
    measured: &Measurements,
    length_s: f64,
) -> Extent {
    let Generation { rate_hz, channels, .. } = generation;
    let number = passage.bar.and_then(|bar| bar.number);
    let samples = passage.samples.unwrap_or_default();
    Extent {
        place: extent::bar(number, passage.complete, length_s),
        signal_s: measured.signal_s,
        shape: extent::shape(&extent::levels_db(samples, channels, rate_hz), STEP_S),
    }
}

/// What other instances are shown of a bar, and what theirs are compared with.
fn sheet(
    generation: Generation,
    passage: &Passage<'_>,
    bar: &Bar,
    length_s: f64,
) -> Option<BarSheet> {
    let Generation { rate_hz, channels, .. } = generation;
    let mut meter = BandMeter::new(rate_hz.round() as u32, channels).ok()?;
    let mut levels = BandLevels::with_room(length_s);
    meter.push(passage.samples?, &mut levels);
    meter.finish(&mut levels);
    let start_s = bar.position.map(|position| position as f64 / rate_hz);
    Some(BarSheet { key: bar.key, start_s, length_s, heard_at: SystemTime::now(), levels })
}
