//! Captions along a file: `barline caption` and the summary line of everything else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use analysis::{Rhythm, TimeSignature};
use models::Model;
use rayon::prelude::*;
use signal::{Label, Measurements, Meter, Section};

use crate::{
    caption::{self, Decoding, Task, Told},
    driver::{Context, Survey, hear, survey},
    error::EngineError,
    nearby,
    scope::windows,
    slots::Facts,
    source::AudioSource,
    timeline::{Caption, Mark, Stretch, Timeline, bars, steps},
    vocabulary,
    window::{Cut, Heard, Span},
};

/// What gets a caption of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Per {
    /// Each bar.
    Bar,
    /// Each section.
    Segment,
    /// Each stretch of so many seconds.
    Seconds(f64),
}

/// How to caption a file.
#[derive(Clone, Debug)]
pub struct Narration {
    /// What gets a caption.
    pub per: Per,
    /// The tempo, if the user states it.
    pub bpm: Option<f64>,
    /// The meter, if the user states it.
    pub meter: Option<Meter>,
    /// How to decode.
    pub decoding: Decoding,
    /// Below this the caption is "too little to say".
    pub min_confidence: f64,
    /// Every so many stretches only; 1 for all. `barline eval` takes samples.
    pub every: usize,
}

impl Default for Narration {
    fn default() -> Self {
        Self {
            per: Per::Bar,
            bpm: None,
            meter: None,
            decoding: Decoding::default(),
            min_confidence: 0.1,
            every: 1,
        }
    }
}

/// The engine's own words for a stretch without signal.
pub const SILENCE: &str = "Silence.";

/// The engine's own words where there is not enough to go on (invariant 7 of the design).
pub const TOO_LITTLE: &str = "Too little to say.";

/// Stretches with less than this many seconds of signal, or this share of their length, are too little to speak of.
const ENOUGH_S: f64 = 0.2;
const ENOUGH_SHARE: f64 = 0.1;

/// Beats of a bar where nobody tells.
const COMMON_TIME: u32 = 4;

/// A dotted quarter note, the beat of compound meters, in quarter notes.
const DOTTED: f64 = 1.5;

/// Below this the beats are no ground for bars.
const STEADY: f64 = 0.05;

/// Length of the stretches of a file without a steady tempo, in seconds.
pub(crate) const FREE_S: f64 = 4.0;

/// Captions a file.
///
/// # Errors
/// The file cannot be read or measured, or the model fails.
pub fn narrate(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    narration: &Narration,
) -> Result<Timeline, EngineError> {
    let model = context.model()?;
    let survey = as_stated(survey(context, source)?, narration.bpm, narration.meter);
    let rhythm = &survey.rhythm;
    let mut notes = survey.notes.clone();
    let stretches = stretches(&survey, rhythm, narration, &mut notes);
    let teller = Teller { context, survey: &survey, narration, model };
    let cuts = stretches
        .iter()
        .map(|s| Cut { measure: Some(s.span), window: Some(s.span.window(survey.duration_s)) });
    let whole = windows(model, &survey, survey.whole()).into_iter().map(Cut::to_hear);
    let cuts: Vec<Cut> = cuts.chain(whole).collect();
    let came =
        hear(context, source, &cuts, "listening", |index, heard| match stretches.get(index) {
            Some(stretch) => teller.listen(*stretch, heard),
            None => Ok(Came::Sound(model.soft_tokens(&heard.window.unwrap_or_default())?)),
        })?;
    let (mut measured, mut passages, mut sounds) = (Vec::new(), Vec::new(), Vec::new());
    for came in came {
        match came {
            Came::Passage(measurements, heard) => {
                measured.push(*measurements);
                passages.push(heard);
            }
            Came::Sound(heard) => sounds.push(heard),
        }
    }
    let captions = teller.captions(&stretches, &measured, &passages)?;
    let summary = context.workers.run(|| teller.summary(&sounds))?;
    explain(rhythm, &survey, narration, &mut notes);
    let timeline = Timeline {
        duration_s: survey.duration_s,
        tempo_bpm: rhythm.tempo_bpm,
        beats_per_bar: beats_of(rhythm, narration.meter),
        tempo_map: mark(rhythm, narration.meter).into_iter().collect(),
        summary,
        captions,
        segments: survey.measurements.sections.clone(),
        notes,
        ..Timeline::default()
    };
    Ok(timeline.explained())
}

/// Says why fields of a file's timeline are null or assumed.
fn explain(
    rhythm: &Rhythm,
    survey: &Survey,
    narration: &Narration,
    notes: &mut BTreeMap<String, String>,
) {
    let mut note = |field: &str, why: String| {
        notes.entry(field.to_owned()).or_insert(why);
    };
    note("project_start_s", "a file has no place in a project".to_owned());
    if rhythm.tempo_bpm.is_none() {
        let why = survey.measurements.notes.get("tempo_bpm").cloned();
        note("tempo_bpm", why.unwrap_or_else(|| "no steady tempo".to_owned()));
    }
    if rhythm.meter.is_none() && narration.meter.is_none() {
        note("beats_per_bar", format!("assumed to be {COMMON_TIME}: no meter is known"));
    }
}

/// The survey with the beats that the user states, where any are: words are to state that tempo and meter, too.
pub(crate) fn as_stated(mut survey: Survey, bpm: Option<f64>, meter: Option<Meter>) -> Survey {
    survey.rhythm = rhythm(&survey, bpm, meter);
    let measured = &mut survey.measurements;
    if bpm.is_some() {
        (measured.tempo_bpm, measured.tempo_confidence) = (survey.rhythm.tempo_bpm, Some(1.0));
        measured.notes.remove("tempo_bpm");
    }
    if let Some(meter) = meter {
        let name = format!("{}/{}", meter.numerator(), meter.denominator());
        (measured.meter, measured.meter_confidence) = (Some(name), Some(1.0));
    }
    survey
}

/// The beats as stated by the user or as heard. A stated tempo counts quarter notes; a stated meter alone takes the beats that
/// were heard for quarter notes, unless its bars are as long as those that were heard.
pub fn rhythm(survey: &Survey, bpm: Option<f64>, meter: Option<Meter>) -> Rhythm {
    if let Some(bpm) = bpm {
        let (beats, unit) =
            meter.map_or((COMMON_TIME as usize, 4), |m| (m.numerator().into(), m.denominator()));
        let beats_a_minute = bpm * f64::from(unit) / 4.0;
        let grid = Rhythm::from_grid(beats_a_minute, beats, 0.0, survey.duration_s);
        return Rhythm { tempo_bpm: grid.tempo_bpm.map(|_| bpm), ..grid };
    }
    let mut rhythm = survey.rhythm.clone();
    let heard = rhythm.meter.map(|meter| meter.quarters_per_bar() as f64);
    if let Some(stated) = meter.map(Meter::quarters)
        && heard.is_some_and(|heard| heard != stated)
    {
        let first = rhythm.downbeats_s.first().copied().unwrap_or(0.0);
        let from_first = rhythm.beats_s.partition_point(|beat| *beat < first - 1e-6);
        rhythm.downbeats_s = every(&rhythm.beats_s[from_first..], stated);
        rhythm.meter = None;
    }
    rhythm
}

/// The moments that lie `step` beats apart, from the first beat on; between two beats where `step` is not whole.
fn every(beats_s: &[f64], step: f64) -> Vec<f64> {
    let moment = |index: usize| {
        let at = index as f64 * step;
        let (whole, part) = (at as usize, at.fract());
        let from_s = *beats_s.get(whole)?;
        // A moment on a beat needs no next one.
        let next_s = if part == 0.0 { from_s } else { *beats_s.get(whole + 1)? };
        Some(from_s + part * (next_s - from_s))
    };
    (0..).map_while(moment).collect()
}

/// Beats of a bar: as stated, else as they are felt.
fn beats_of(rhythm: &Rhythm, stated: Option<Meter>) -> u32 {
    let heard = rhythm.meter.map(|meter| meter.beats_per_bar as u32);
    stated.map(|meter| meter.numerator().into()).or(heard).unwrap_or(COMMON_TIME)
}

/// Tempo in quarter notes and meter of all of the file, where it has a tempo.
fn mark(rhythm: &Rhythm, stated: Option<Meter>) -> Option<Mark> {
    let beat = if rhythm.meter.is_some_and(|heard| heard.compound) { DOTTED } else { 1.0 };
    let heard = rhythm.meter.and_then(|heard| match heard {
        TimeSignature { beats_per_bar, compound: true } => Meter::new(3 * beats_per_bar as i32, 8),
        TimeSignature { beats_per_bar, compound: false } => Meter::new(beats_per_bar as i32, 4),
    });
    let meter = stated.or(heard).or_else(|| Meter::new(COMMON_TIME as i32, 4))?;
    Some(Mark { start_s: 0.0, bpm: rhythm.tempo_bpm? * beat, meter })
}

/// The bars of a file, or none where its tempo is not steady.
pub fn bars_of(rhythm: &Rhythm, duration_s: f64) -> Vec<Stretch> {
    if rhythm.confidence < STEADY { Vec::new() } else { bars(&rhythm.downbeats_s, duration_s) }
}

fn stretches(
    survey: &Survey,
    rhythm: &Rhythm,
    narration: &Narration,
    notes: &mut BTreeMap<String, String>,
) -> Vec<Stretch> {
    let all = match narration.per {
        Per::Seconds(step_s) => steps(step_s, survey.duration_s),
        Per::Segment => {
            let span = |s: &Section| Span { start_s: s.start_s, end_s: s.end_s };
            let sections = survey.measurements.sections.iter();
            sections.map(|section| Stretch { span: span(section), bar: None }).collect()
        }
        Per::Bar => {
            let bars = bars_of(rhythm, survey.duration_s);
            if bars.is_empty() {
                notes.insert(
                    "captions".into(),
                    format!("no steady bars were heard: stretches of {FREE_S} s instead"),
                );
                steps(FREE_S, survey.duration_s)
            } else {
                bars
            }
        }
    };
    all.into_iter().step_by(narration.every.max(1)).collect()
}

/// What came of a cut.
enum Came {
    /// What was measured of a stretch, and heard of it where it says anything.
    Passage(Box<Measurements>, Option<models::Heard>),
    /// The sound of a window, for the summary.
    Sound(models::Heard),
}

/// Says things about parts of one file.
struct Teller<'a> {
    context: &'a Context<'a>,
    survey: &'a Survey,
    narration: &'a Narration,
    model: &'a Model,
}

impl Teller<'_> {
    fn listen(&self, stretch: Stretch, heard: Heard) -> Result<Came, EngineError> {
        let (measured, window) = parts(heard)?;
        if enough(&measured).is_err() {
            return Ok(Came::Passage(measured.into(), None));
        }
        let share = stretch.span.share_of(stretch.span.window(self.survey.duration_s));
        let heard = self.model.soft_tokens(&window)?.part(share)?;
        Ok(Came::Passage(measured.into(), Some(heard)))
    }

    /// A caption for each stretch, once all of them were heard: who plays around it counts as well.
    fn captions(
        &self,
        stretches: &[Stretch],
        measured: &[Measurements],
        heard: &[Option<models::Heard>],
    ) -> Result<Vec<Caption>, EngineError> {
        let told = AtomicUsize::new(0);
        let caption = |index: usize| {
            self.context.check()?;
            let heard = nearby::among(stretches, heard, index);
            let caption = self.caption(stretches[index], &measured[index], heard)?;
            let share = (told.fetch_add(1, Ordering::Relaxed) + 1) as f64 / stretches.len() as f64;
            let total_s = self.survey.duration_s;
            (self.context.progress)("captioning", share * total_s, total_s);
            Ok(caption)
        };
        self.context.workers.run(|| (0..stretches.len()).into_par_iter().map(caption).collect())
    }

    fn caption(
        &self,
        stretch: Stretch,
        measured: &Measurements,
        heard: Option<models::Heard>,
    ) -> Result<Caption, EngineError> {
        let findings = analysis::detect(measured, None);
        let facts =
            Facts::new(&self.survey.measurements, measured, measured.loudness_lufs, &findings);
        let told = match (enough(measured), heard) {
            (Ok(()), Some(heard)) => self.tell(&heard, Task::Caption, &facts)?,
            (Err(words), _) => Told { text: words.to_owned(), ..Told::default() },
            (Ok(()), None) => Told { text: TOO_LITTLE.to_owned(), ..Told::default() },
        };
        Ok(Caption {
            start_s: stretch.span.start_s,
            end_s: stretch.span.end_s,
            bar: stretch.bar,
            labels: vocabulary::instrument_names(&told.text),
            text: told.text,
            confidence: told.confidence,
            checked_numbers: told.checked_numbers,
            loudness_lufs: measured.loudness_lufs,
        })
    }

    /// The whole song, heard through windows spread over it.
    fn summary(&self, sounds: &[models::Heard]) -> Result<String, EngineError> {
        let song = &self.survey.measurements;
        if let Err(words) = enough(song) {
            return Ok(words.to_owned());
        }
        let findings = analysis::detect(song, Some(Label::FullMix));
        let facts = Facts::new(song, song, song.integrated_lufs.or(song.loudness_lufs), &findings);
        let heard = models::Heard::join(&sounds.iter().collect::<Vec<_>>())?;
        Ok(self.tell(&heard, Task::Summarise, &facts)?.text)
    }

    fn tell(
        &self,
        heard: &models::Heard,
        task: Task<'_>,
        facts: &Facts,
    ) -> Result<Told, EngineError> {
        let Narration { decoding, min_confidence, .. } = self.narration;
        let told = caption::tell(
            self.model,
            heard,
            task,
            facts,
            decoding,
            self.context.cancel,
            &mut |_| {},
        )?;
        Ok(believe(told, *min_confidence))
    }
}

/// Both halves of a cut that asked for both.
pub(crate) fn parts(heard: Heard) -> Result<(Measurements, Vec<f32>), EngineError> {
    match (heard.measurements, heard.window) {
        (Some(measured), Some(window)) => Ok((measured, window)),
        _ => Err(EngineError::request("scope", "nothing lies within it")),
    }
}

/// Whether there is enough signal to speak of, or what to say instead.
pub(crate) fn enough(measured: &Measurements) -> Result<(), &'static str> {
    if measured.signal_s <= 0.0 || measured.loudness_lufs.is_none() {
        return Err(SILENCE);
    }
    if measured.signal_s < ENOUGH_S || measured.signal_s < ENOUGH_SHARE * measured.duration_s {
        return Err(TOO_LITTLE);
    }
    Ok(())
}

/// The words, unless nothing stood up to the number check or the model was guessing.
pub(crate) fn believe(told: Told, min_confidence: f64) -> Told {
    if told.text.is_empty() || told.confidence < min_confidence {
        return Told {
            text: TOO_LITTLE.to_owned(),
            raw: told.raw,
            withheld: told.withheld,
            ..Told::default()
        };
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_need_not_be_whole_beats() {
        let beats_s = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5];
        assert_eq!(every(&beats_s, 3.5), [1.0, 2.75, 4.5]);
        assert_eq!(every(&beats_s, 3.0), [1.0, 2.5, 4.0]);
        assert_eq!(every(&beats_s[..4], 3.5), [1.0], "the next lies beyond the last beat");
        assert!(every(&[], 4.0).is_empty());
    }

    #[test]
    fn the_tempo_of_the_map_counts_quarter_notes() {
        let heard = |beats_per_bar, compound| Rhythm {
            tempo_bpm: Some(60.0),
            meter: Some(TimeSignature { beats_per_bar, compound }),
            ..Rhythm::default()
        };
        let check = |rhythm: Rhythm, stated, bpm, meter: (i32, i32)| {
            let mark = mark(&rhythm, stated).unwrap();
            assert_eq!((mark.bpm, Some(mark.meter)), (bpm, Meter::new(meter.0, meter.1)));
        };
        check(heard(2, true), None, 90.0, (6, 8));
        check(heard(3, false), None, 60.0, (3, 4));
        check(heard(2, true), Meter::new(3, 4), 90.0, (3, 4));
        check(Rhythm { meter: None, ..heard(4, false) }, Meter::new(7, 8), 60.0, (7, 8));
        assert_eq!(mark(&Rhythm::default(), Meter::new(7, 8)), None, "no tempo");
    }
}
