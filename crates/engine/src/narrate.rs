//! Captions along a file: `barline caption` and the summary line of everything else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use analysis::{Rhythm, TimeSignature};
use models::Model;
use rayon::prelude::*;
use signal::{Label, Measurements, Section};

use crate::{
    caption::{self, Decoding, Task, Told},
    driver::{Context, Survey, hear, survey},
    error::EngineError,
    nearby,
    scope::windows,
    slots::Facts,
    source::AudioSource,
    timeline::{Caption, Stretch, Timeline, bars, steps},
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
    /// Quarter notes in a bar, if the user states the meter.
    pub beats_per_bar: Option<u32>,
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
            beats_per_bar: None,
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
    let survey = survey(context, source)?;
    let mut notes = survey.notes.clone();
    let rhythm = rhythm(&survey, narration.bpm, narration.beats_per_bar);
    let stretches = stretches(&survey, &rhythm, narration, &mut notes);
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
                measured.push(measurements);
                passages.push(heard);
            }
            Came::Sound(heard) => sounds.push(heard),
        }
    }
    let captions = teller.captions(&stretches, &measured, &passages)?;
    let summary = context.workers.run(|| teller.summary(&sounds))?;
    Ok(Timeline {
        duration_s: survey.duration_s,
        tempo_bpm: rhythm.tempo_bpm,
        beats_per_bar: beats_of(&rhythm, narration.beats_per_bar),
        summary,
        captions,
        segments: survey.measurements.sections.clone(),
        notes,
        ..Timeline::default()
    })
}

/// The beats as stated by the user or as heard.
pub fn rhythm(survey: &Survey, bpm: Option<f64>, beats_per_bar: Option<u32>) -> Rhythm {
    if let Some(bpm) = bpm {
        let beats = beats_per_bar.unwrap_or(COMMON_TIME) as usize;
        return Rhythm::from_grid(bpm, beats, 0.0, survey.duration_s);
    }
    let mut rhythm = survey.rhythm.clone();
    let heard = rhythm.meter.map(TimeSignature::quarters_per_bar);
    if let Some(stated) = beats_per_bar.map(|beats| beats.max(1) as usize)
        && heard.is_some_and(|heard| heard != stated)
    {
        let first = rhythm.downbeats_s.first().copied().unwrap_or(0.0);
        let from_first = rhythm.beats_s.iter().copied().skip_while(|beat| *beat < first - 1e-6);
        rhythm.downbeats_s = from_first.step_by(stated).collect();
        rhythm.meter = None;
    }
    rhythm
}

/// Beats of a bar as they are felt: as heard, else as stated.
fn beats_of(rhythm: &Rhythm, stated: Option<u32>) -> u32 {
    let heard = rhythm.meter.map(|meter| meter.beats_per_bar as u32);
    heard.or(stated).unwrap_or(COMMON_TIME)
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
                    format!("no steady tempo: stretches of {FREE_S} s instead of bars"),
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
    Passage(Measurements, Option<models::Heard>),
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
            return Ok(Came::Passage(measured, None));
        }
        let share = stretch.span.share_of(stretch.span.window(self.survey.duration_s));
        let heard = self.model.soft_tokens(&window)?.part(share)?;
        Ok(Came::Passage(measured, Some(heard)))
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
