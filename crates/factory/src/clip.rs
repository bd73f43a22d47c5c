//! Short labelled clips for training: one voice or a mix of several, treated at random, with their truth.
//! Clip `index` of a seed depends on nothing else, so shards can be made in any order and resumed.

use serde::Serialize;
use signal::Label;

use crate::bank::{Bank, Cast};
use crate::dsp::{db, normalise, rms, to_db};
use crate::note::Note;
use crate::phrase::{Setting, compose};
use crate::playing::Playing;
use crate::rng::{Draw as _, Rng, rng};
use crate::treatment::{Strength, Treatment};
use crate::truth::Descriptors;

pub(crate) mod describe;

/// Sample rate of every clip.
pub const RATE_HZ: u32 = 24_000;

/// A part this far below the clip's RMS isn't listed among the instruments.
pub const AUDIBLE_DB: f64 = -20.0;

/// What kind of clips to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Seed of the whole set.
    pub seed: u64,
    /// Length of each clip.
    pub seconds: f64,
    /// Share of voices that are synthesised although the bank has the label, 0 to 1.
    pub procedural_share: f64,
    /// Share of clips that are mixes, 0 to 1.
    pub mix_share: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, seconds: 4.0, procedural_share: 0.35, mix_share: 0.4 }
    }
}

/// One voice or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A single voice.
    Stem,
    /// Two to eight voices in one key and tempo.
    Mix,
}

/// A moment of a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scene {
    /// The song's seed.
    pub song: u64,
    /// Which of its moments, from 0.
    pub number: usize,
}

/// What is known about a clip; one line of the shard's `.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// One voice or several.
    pub kind: Kind,
    /// A stem's label; `full-mix` for a mix of three or more audible instruments; null for a duet.
    pub label: Option<Label>,
    /// What is audible, loudest first; the kit pieces of a mix are `drums`.
    pub instruments: Vec<Label>,
    /// Level of each instrument against the clip's RMS, after its treatment and before the bus's.
    pub levels_db: Vec<f64>,
    /// The bank's source, `procedural`, or `mix`.
    pub source: String,
    /// Clips of one scene are stems at their levels in the mix; null for other clips.
    pub scene: Option<Scene>,
    /// How it sounds.
    pub descriptors: Descriptors,
    /// How a single voice is played; null where its notes are unknown or have no pitches.
    pub playing: Option<Playing>,
    /// The tempo played, null where the recording's own is unknown.
    pub tempo_bpm: Option<f64>,
}

/// Samples with their truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Mono at [`RATE_HZ`], finite, peak -45 to -1 dBFS.
    pub samples: Vec<f32>,
    /// What they are.
    pub truth: Truth,
}

/// Renders clip `index`. Without a bank every voice is procedural.
pub fn render(bank: Option<&Bank>, options: &Options, index: u64) -> Clip {
    // A draw may fall silent, e.g. where the clip starts behind the only crash: then the next attempt counts.
    for attempt in 0..8 {
        let mut rng = rng(options.seed, &format!("clip-{index}-{attempt}"));
        let studio = Studio { bank, options };
        let made = if rng.chance(options.mix_share) {
            studio.mix(&mut rng)
        } else {
            studio.stem(&mut rng)
        };
        if let Some(clip) = made {
            return clip;
        }
    }
    let silence = vec![0.0; (options.seconds * f64::from(RATE_HZ)).round() as usize];
    let descriptors = describe::descriptors(&silence, 0.0, 0.0, 0.0);
    let truth = Truth {
        kind: Kind::Stem,
        label: None,
        instruments: Vec::new(),
        levels_db: Vec::new(),
        source: "silence".to_owned(),
        scene: None,
        descriptors,
        playing: None,
        tempo_bpm: None,
    };
    Clip { samples: silence, truth }
}

struct Studio<'a> {
    bank: Option<&'a Bank>,
    options: &'a Options,
}

/// A voice's treated sound, peak -6 dBFS.
struct Part {
    label: Label,
    samples: Vec<f32>,
    onsets_s: Vec<f64>,
    space: f64,
    dirt: f64,
}

/// What a voice played.
struct Performance {
    samples: Vec<f32>,
    onsets_s: Vec<f64>,
    playing: Option<Playing>,
}

/// Where the clip's window lies in the phrase.
#[derive(Clone, Copy)]
struct Window {
    /// Seconds of the phrase before the clip.
    before_s: f64,
    /// Silence before the first note.
    lead_s: f64,
    /// No note starts later than this.
    last_s: f64,
}

impl Window {
    fn random(seconds: f64, rng: &mut Rng) -> Self {
        let mut window = Self { before_s: 0.0, lead_s: 0.0, last_s: seconds };
        match rng.weighted(&[4.0, 3.5, 1.5, 1.0]) {
            0 => {}
            1 => window.before_s = rng.range(0.05, 1.2),
            2 => window.lead_s = rng.range(0.0, 0.4) * seconds,
            // A few notes, then what rings and silence.
            _ => window.last_s = rng.range(0.15, 0.8) * seconds,
        }
        window
    }
}

impl Studio<'_> {
    fn cast(&self, label: Label, rng: &mut Rng) -> Cast {
        let synthesise = rng.chance(self.options.procedural_share);
        if !synthesise && let Some(cast) = self.bank.and_then(|bank| bank.cast(label, rng)) {
            return cast;
        }
        Cast::procedural(label, rng)
    }

    /// The labels of stems: all but the mix, or those that the bank has where nothing is to be synthesised.
    fn labels(&self) -> Vec<Label> {
        let stems = Label::ALL.into_iter().filter(|label| *label != Label::FullMix);
        match self.bank {
            Some(bank) if self.options.procedural_share <= 0.0 => {
                stems.filter(|label| bank.has(*label)).collect()
            }
            _ => stems.collect(),
        }
    }

    fn rooms(&self) -> &[Vec<f32>] {
        self.bank.map_or(&[], Bank::rooms)
    }

    /// Plays a random phrase on a voice, without any treatment. None where nothing is to be heard in the window.
    fn perform(
        &self,
        cast: &Cast,
        setting: &Setting,
        window: Window,
        rng: &mut Rng,
    ) -> Option<Performance> {
        let seconds = self.options.seconds;
        let (voice, length_s) = (&cast.voice, seconds + window.before_s);
        let mut notes =
            compose(voice.label(), setting, voice.range(), voice.polyphony(), length_s, rng);
        notes.iter_mut().for_each(|note| note.start_s += window.lead_s);
        notes.retain(|note| note.start_s < window.last_s + window.before_s);
        let mut samples = voice.play(&notes, length_s, RATE_HZ);
        let clip_samples = (seconds * f64::from(RATE_HZ)).round() as usize;
        samples.drain(..samples.len().saturating_sub(clip_samples));
        samples.resize(clip_samples, 0.0);
        let sound = samples.iter().all(|x| x.is_finite()) && rms(&samples) > 1e-4;
        let (onsets_s, playing) = if cast.follows_notes {
            notes.retain(|note| note.end_s() > window.before_s);
            let playing = Playing::of(voice.label(), &notes, cast.obeys_lengths);
            (onsets(&notes, window.before_s, seconds), playing)
        } else {
            (describe::onsets_heard(&samples, RATE_HZ), None)
        };
        sound.then_some(Performance { samples, onsets_s, playing })
    }

    fn stem(&self, rng: &mut Rng) -> Option<Clip> {
        let labels = self.labels();
        let label = *labels.get(rng.int(0, labels.len().max(1) - 1))?;
        let cast = self.cast(label, rng);
        let setting = Setting::random(rng);
        let window = Window::random(self.options.seconds, rng);
        let Performance { mut samples, onsets_s, playing } =
            self.perform(&cast, &setting, window, rng)?;
        normalise(&mut samples, 0.5);
        let treatment = Treatment::random(Strength::Stem, self.rooms().len(), rng);
        treatment.apply(&mut samples, self.rooms());
        if rng.chance(0.25) {
            self.bleed(&mut samples, &setting, rng);
        }
        level(&mut samples, rng)?;
        let density = onsets_s.len() as f64 / self.options.seconds;
        let descriptors = describe::descriptors(
            &samples,
            treatment.space,
            treatment.dirt.max(cast.dirt),
            density,
        );
        let tempo_bpm = if cast.follows_notes { Some(setting.tempo_bpm) } else { cast.tempo_bpm };
        let truth = Truth {
            kind: Kind::Stem,
            label: Some(label),
            instruments: vec![label],
            levels_db: vec![0.0],
            source: cast.source,
            scene: None,
            descriptors,
            playing,
            tempo_bpm,
        };
        Some(Clip { samples, truth })
    }

    /// A neighbour in the room, 28 to 48 dB below.
    fn bleed(&self, samples: &mut [f32], setting: &Setting, rng: &mut Rng) {
        let cast = self.cast(Label::ALL[rng.int(0, Label::ALL.len() - 2)], rng);
        let window = Window { before_s: 0.0, lead_s: 0.0, last_s: self.options.seconds };
        if let Some(Performance { samples: other, .. }) = self.perform(&cast, setting, window, rng)
        {
            let gain = (rms(samples) / rms(&other).max(1e-9) * db(-rng.range(28.0, 48.0))) as f32;
            samples.iter_mut().zip(other).for_each(|(x, y)| *x += y * gain);
        }
    }

    fn mix(&self, rng: &mut Rng) -> Option<Clip> {
        let mut casts: Vec<Cast> =
            ensemble(rng).into_iter().map(|label| self.cast(label, rng)).collect();
        // A loop brings its own tempo, and the others follow it; a second loop would run against it.
        let looped =
            casts.iter().position(|cast| cast.voice.label() == Label::Drums && !cast.follows_notes);
        let mut setting = Setting::random(rng);
        let mut tempo_bpm = Some(setting.tempo_bpm);
        if let Some(index) = looped {
            tempo_bpm = casts[index].tempo_bpm;
            if let Some(tempo_bpm) = tempo_bpm {
                setting = setting.at_tempo(tempo_bpm);
            }
        }
        let before_s = if rng.chance(0.6) { rng.range(0.0, 1.0) } else { 0.0 };
        let window = Window { before_s, lead_s: 0.0, last_s: self.options.seconds };
        let parts: Vec<Part> =
            casts.drain(..).filter_map(|cast| self.part(cast, &setting, window, rng)).collect();
        if parts.len() < 2 {
            return None;
        }
        let (mut samples, levels) = sum(&parts);
        let bus = Treatment::random(Strength::Bus, self.rooms().len(), rng);
        bus.apply(&mut samples, self.rooms());
        level(&mut samples, rng)?;
        let heard: Vec<&Part> = parts
            .iter()
            .zip(&levels)
            .filter(|(_, level_db)| **level_db >= AUDIBLE_DB)
            .map(|(part, _)| part)
            .collect();
        let (instruments, levels_db): (Vec<Label>, Vec<f64>) =
            merge(&parts, &levels).into_iter().unzip();
        let most = |of: fn(&Part) -> f64| {
            heard.iter().map(|part| of(part)).sum::<f64>() / heard.len().max(1) as f64
        };
        let mut onsets_s: Vec<f64> =
            heard.iter().flat_map(|part| part.onsets_s.iter().copied()).collect();
        let density = describe::distinct(&mut onsets_s) as f64 / self.options.seconds;
        let descriptors = describe::descriptors(
            &samples,
            bus.space.max(most(|p| p.space)),
            bus.dirt.max(most(|p| p.dirt)),
            density,
        );
        let label = (instruments.len() >= 3).then_some(Label::FullMix);
        let source = "mix".to_owned();
        let truth = Truth {
            kind: Kind::Mix,
            label,
            instruments,
            levels_db,
            source,
            scene: None,
            descriptors,
            playing: None,
            tempo_bpm,
        };
        Some(Clip { samples, truth })
    }

    /// A part at its level in the mix: the loudest near 0 dB, the faintest at the edge of being heard.
    fn part(&self, cast: Cast, setting: &Setting, window: Window, rng: &mut Rng) -> Option<Part> {
        let Performance { mut samples, onsets_s, .. } =
            self.perform(&cast, setting, window, rng)?;
        normalise(&mut samples, 0.5);
        let treatment = Treatment::random(Strength::Part, self.rooms().len(), rng);
        treatment.apply(&mut samples, self.rooms());
        let gain_db =
            if rng.chance(0.12) { rng.range(-34.0, -16.0) } else { rng.range(-13.0, 0.0) };
        let gain = (0.1 * db(gain_db) / rms(&samples).max(1e-9)) as f32;
        samples.iter_mut().for_each(|x| *x *= gain);
        Some(Part {
            label: cast.voice.label(),
            samples,
            onsets_s,
            space: treatment.space,
            dirt: treatment.dirt.max(cast.dirt),
        })
    }
}

/// Times of the onsets within the clip.
fn onsets(notes: &[Note], before_s: f64, seconds: f64) -> Vec<f64> {
    let mut times: Vec<f64> = notes.iter().map(|note| note.start_s - before_s).collect();
    times.retain(|time_s| (0.0..seconds).contains(time_s));
    describe::distinct(&mut times);
    times
}

/// Two to eight labels: drums or single pieces and a bass more often than not, and no two alike.
fn ensemble(rng: &mut Rng) -> Vec<Label> {
    let size = rng.pick(&[2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8]);
    let mut labels = Vec::new();
    if rng.chance(0.6) {
        if rng.chance(0.75) {
            labels.push(Label::Drums);
        } else {
            let pieces = [Label::Kick, Label::Snare, Label::HiHat, Label::Cymbals, Label::Toms];
            labels.extend(pieces.into_iter().filter(|_| rng.chance(0.5)));
        }
    }
    if rng.chance(0.6) {
        labels.push(Label::Bass);
    }
    let mut others = vec![
        (Label::Percussion, 0.8),
        (Label::ElectricGuitar, 1.2),
        (Label::AcousticGuitar, 1.0),
        (Label::Piano, 1.0),
        (Label::ElectricPiano, 1.0),
        (Label::Organ, 1.0),
        (Label::SynthLead, 1.0),
        (Label::SynthPad, 1.0),
        (Label::Strings, 1.0),
        (Label::Brass, 1.0),
        (Label::Woodwinds, 1.0),
        (Label::Mallets, 0.9),
        (Label::Vocals, 1.2),
        (Label::Speech, 0.3),
        (Label::Fx, 0.5),
    ];
    while labels.len() < size {
        let weights: Vec<f64> = others.iter().map(|(_, weight)| *weight).collect();
        labels.push(others.swap_remove(rng.weighted(&weights)).0);
    }
    labels
}

/// The sum of the parts, and each part's level against it in dB.
fn sum(parts: &[Part]) -> (Vec<f32>, Vec<f64>) {
    let mut total = vec![0.0_f32; parts[0].samples.len()];
    for part in parts {
        total.iter_mut().zip(&part.samples).for_each(|(y, x)| *y += x);
    }
    let reference = rms(&total).max(1e-9);
    let levels = parts.iter().map(|part| to_db(rms(&part.samples) / reference)).collect();
    normalise(&mut total, 0.5);
    (total, levels)
}

/// The audible instruments, loudest first, kit pieces added up (as power) to `drums`.
fn merge(parts: &[Part], levels_db: &[f64]) -> Vec<(Label, f64)> {
    let mut merged: Vec<(Label, f64)> = Vec::new();
    for (part, &level_db) in parts.iter().zip(levels_db) {
        let label = part.label.in_mix();
        match merged.iter_mut().find(|(known, _)| *known == label) {
            Some((_, power_db)) => {
                *power_db =
                    0.5 * to_db(libm::exp10(*power_db / 10.0) + libm::exp10(level_db / 10.0))
            }
            None => merged.push((label, level_db)),
        }
    }
    merged.retain(|(_, level_db)| *level_db >= AUDIBLE_DB);
    merged.sort_by(|a, b| b.1.total_cmp(&a.1));
    merged
}

/// A peak from -45 to -1 dBFS, mostly in the upper half. None for silence or a sample that isn't finite.
fn level(samples: &mut [f32], rng: &mut Rng) -> Option<()> {
    let peak_db = -1.0 - 44.0 * libm::pow(rng.range(0.0, 1.0), 1.8);
    if !samples.iter().all(|x| x.is_finite()) || rms(samples) < 1e-6 {
        return None;
    }
    normalise(samples, db(peak_db) as f32);
    Some(())
}

#[cfg(test)]
mod tests;
