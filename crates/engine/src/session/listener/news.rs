//! What a follower tells: measured, entered in the report, and brought to the hub.

use std::time::Instant;

use analysis::Meter;
use signal::Measurements;

use super::Manner;
use crate::session::bounce::Bouncing;
use crate::session::follower::{News, Passage};
use crate::session::notebook::NotedBar;
use crate::session::report::{HeardBar, Words};
use crate::session::scribe::{Heading, Scribe};
use crate::session::{Generation, Shared};
use crate::window::to_model_rate;

/// Measures what is new, enters it, and brings it to the hub. `bouncing` gets passes that captions were armed for.
pub(super) fn take(
    shared: &Shared,
    scribe: &mut Option<Scribe>,
    bouncing: &mut Bouncing,
    generation: Generation,
    manner: Manner,
    news: &News<'_>,
) {
    match *news {
        News::Gap(ref frames) => shared.report.lock().add_gap(generation.number, frames.clone()),
        News::PassStarted { frame, kind } => {
            shared.report.lock().start_pass(generation, frame, kind);
        }
        News::BarStarted(ref bar) => shared.report.lock().start_bar(bar),
        News::PassEnded { frame } => {
            let ended = shared.report.lock().end_pass(frame);
            if let Some(pass) = ended.filter(|_| manner.armed) {
                bouncing.ended(&pass, manner.rendered);
            }
        }
        News::Passage(ref passage) => {
            take_passage(shared, scribe, generation, manner.patient, passage);
        }
    }
}

fn take_passage(
    shared: &Shared,
    scribe: &mut Option<Scribe>,
    generation: Generation,
    patient: bool,
    passage: &Passage<'_>,
) {
    let (mut measured, note) = match measure(generation, passage) {
        Ok(measured) => (measured, None),
        Err(why) => (Measurements::default(), Some(why)),
    };
    let window = passage.window.filter(|_| scribe.is_some());
    let words = if window.is_some() { Words::Waiting } else { Words::None };
    let heard = HeardBar { words, ..HeardBar::new(generation, passage, &measured, note) };
    let (number, length_s) = (heard.bar, heard.end_s - heard.start_s);
    let bar = passage.bar.filter(|_| passage.complete);
    if let Some(bar) = bar {
        let start_s = bar.position.map(|position| position as f64 / generation.rate_hz);
        let noted = NotedBar::new(&bar, start_s.map(|start_s| (start_s, start_s + length_s)));
        let (loudness_lufs, true_peak_dbtp) = (heard.loudness_lufs, heard.true_peak_dbtp);
        let words = heard.words.clone();
        shared.controls.notebook.note(NotedBar { loudness_lufs, true_peak_dbtp, words, ..noted });
        measured.tempo_bpm = Some(bar.meter.quarters() * 60.0 / length_s);
    }
    let id = shared.report.lock().add_bar(heard);
    let (Some(scribe), Some(window)) = (scribe, window) else { return };
    let rate_hz = generation.rate_hz.round() as u32;
    let key = bar.map(|bar| bar.key);
    let heard = match to_model_rate(window, generation.channels, rate_hz) {
        Ok(heard) => heard,
        Err(error) => return shared.say(id, key, Words::Failed { why: error.to_string() }),
    };
    // The window ends with the passage.
    let frames = (passage.frames.end - passage.frames.start) as f64;
    let share = frames * generation.channels as f64 / window.len().max(1) as f64;
    let came_at = Instant::now();
    let heading = Heading { id, key, bar: number, measured, length_s, came_at };
    scribe.bring(heading, heard, (1.0 - share).max(0.0)..1.0, patient, shared);
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
