//! An instrument made of the recordings of one source and family.

use std::sync::Arc;

use signal::Label;

use super::player::{Strike, strike};
use super::{Group, Patch, Sample};
use crate::dsp::{db, normalise, semitones};
use crate::note::Note;
use crate::rng::{Draw as _, Rng};
use crate::voice::Voice;

/// Farthest that a recording is moved from its own pitch: beyond a fifth, formants and attacks sound wrong.
const FARTHEST_SEMITONES: f64 = 7.0;

/// Recordings of unknown pitch are played as if they sounded here.
const ASSUMED_PITCH: f64 = 60.0;

/// How a voice reads its notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The recording nearest in pitch, moved to the note's pitch.
    Pitched,
    /// One-shots at their own pitch; the note's pitch picks which.
    Struck,
    /// Long recordings laid one after the other; the notes are not read.
    Tiled,
}

/// A voice that plays recordings of one source.
#[derive(Clone, Debug)]
pub struct BankVoice {
    label: Label,
    manner: Manner,
    samples: Vec<Arc<Sample>>,
    polyphony: usize,
    tune_semitones: f64,
    stray_semitones: f64,
    attack_s: f64,
    release_s: f64,
    held: bool,
    rings: bool,
    depth_db: f64,
    gap_s: (f64, f64),
    seed: u64,
}

impl BankVoice {
    /// A voice of one patch, with random tuning, envelope, dynamics and choice of recordings.
    pub fn cast(group: &Group, patch: &Patch, rng: &mut Rng) -> Self {
        let manner = manner_of(group, patch);
        let mut samples = match manner {
            Manner::Pitched => zones(group, patch, rng),
            Manner::Struck => one_shots(group, patch, rng),
            Manner::Tiled => vec![patch.samples[rng.int(0, patch.samples.len() - 1)].clone()],
        };
        if manner == Manner::Tiled && group.label != Label::Drums {
            // Speech and effects don't repeat themselves.
            let all: Vec<_> = group.patches.iter().flat_map(|patch| &patch.samples).collect();
            samples.extend((0..5).map(|_| all[rng.int(0, all.len() - 1)].clone()));
        }
        let words = patch.sub.as_str();
        let plucked =
            ["pizz", "stacc", "perc", "detached", "hit"].iter().any(|word| words.contains(word));
        let tune_semitones = match manner {
            Manner::Pitched => rng.normal(0.12),
            Manner::Struck if rng.chance(0.2) => rng.range(-5.0, 5.0),
            Manner::Struck => rng.normal(1.0),
            Manner::Tiled => rng.normal(0.7),
        };
        let slow =
            matches!(group.label, Label::SynthPad | Label::Strings | Label::Vocals | Label::Organ);
        let gap_s = match group.label {
            Label::Drums => (0.0, 0.0),
            Label::Speech => (0.02, 0.5),
            _ => (0.0, 0.8),
        };
        Self {
            label: group.label,
            manner,
            samples,
            polyphony: if words.contains("chord") { 1 } else { polyphony(group.label, rng) },
            tune_semitones,
            stray_semitones: 0.0,
            attack_s: if slow && rng.chance(0.4) { rng.log_range(0.01, 0.3) } else { 0.0015 },
            release_s: if slow { rng.log_range(0.04, 0.7) } else { rng.log_range(0.015, 0.25) },
            held: is_sustained(group.label) && !plucked && rng.chance(0.85),
            rings: rings(group.label) && rng.chance(0.6),
            depth_db: rng.range(6.0, 24.0),
            gap_s,
            seed: rng.seed(),
        }
    }

    /// Plays each note with the recording of another, so many semitones up, moved to the note's pitch: that moves formants and
    /// attacks, as if another player held another instrument.
    pub fn strayed(self, stray_semitones: f64) -> Self {
        Self { stray_semitones, ..self }
    }

    /// How the notes are read.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Whether a note sounds as long as it is played: neither on as it likes, nor only as long as its recording.
    pub fn obeys_lengths(&self) -> bool {
        let ends = self.held || !is_sustained(self.label);
        self.manner == Manner::Pitched && !self.rings && ends
    }

    /// The tempo that a loop brings with it, where its name tells.
    pub fn tempo_bpm(&self) -> Option<f64> {
        let sub = &self.samples.first()?.entry.sub;
        let bpm: f64 = sub.rsplit('/').next()?.strip_suffix("bpm")?.parse().ok()?;
        Some(bpm * semitones(self.tune_semitones))
    }

    /// Loudness of a recording differs by 40 dB between sources and pieces; most of that is undone.
    fn level(sample: &Sample) -> f64 {
        libm::pow(0.5 / sample.peak(), 0.8)
    }

    fn pick(&self, note: &Note, index: usize) -> &Sample {
        let wobble = (index.wrapping_mul(7) % 5) as f64;
        let miss = |sample: &Sample| {
            let by_velocity = sample
                .entry
                .velocity
                .map_or(wobble * 0.05, |velocity| (velocity - note.velocity).abs());
            let by_pitch = match self.manner {
                Manner::Pitched => {
                    let recorded = sample.entry.pitch.unwrap_or(ASSUMED_PITCH);
                    (recorded - note.pitch - self.stray_semitones).abs()
                }
                _ => 0.0,
            };
            by_pitch + by_velocity * 3.0
        };
        let known = self.manner == Manner::Pitched
            || self.samples.iter().all(|s| s.entry.velocity.is_some());
        if !known || self.label == Label::Toms || self.label == Label::Percussion {
            return &self.samples[note.pitch.round().max(0.0) as usize % self.samples.len()];
        }
        self.samples
            .iter()
            .min_by(|a, b| miss(a).total_cmp(&miss(b)))
            .expect("a voice is cast with a sample")
    }

    fn play_note(&self, note: &Note, until_s: f64, index: usize, rate_hz: f64, out: &mut [f32]) {
        let sample = self.pick(note, index);
        let shift = match self.manner {
            Manner::Pitched => {
                let wanted = note.pitch - sample.entry.pitch.unwrap_or(ASSUMED_PITCH);
                wanted.clamp(-FARTHEST_SEMITONES * 1.5, FARTHEST_SEMITONES * 1.5)
            }
            _ => 0.0,
        };
        let step = semitones(shift + self.tune_semitones) * f64::from(sample.rate_hz) / rate_hz;
        let whole = self.rings || self.manner == Manner::Struck;
        let length_s = if whole {
            sample.duration_s() * 4.0
        } else {
            note.duration_s.min(until_s - note.start_s)
        };
        let loudness = db(-self.depth_db * (1.0 - note.velocity));
        strike(
            sample,
            &Strike {
                at: (note.start_s * rate_hz) as i64,
                length: (length_s.max(0.01) * rate_hz) as usize,
                release: (self.release_s * rate_hz) as usize,
                attack: (self.attack_s * rate_hz) as usize,
                step,
                from: 0.0,
                gain: loudness * Self::level(sample),
                held: self.held && !whole,
            },
            out,
        );
    }

    fn tile(&self, length_s: f64, rate_hz: f64, out: &mut [f32]) {
        let mut rng = crate::rng::rng(self.seed, "tile");
        let pace = semitones(self.tune_semitones);
        let bar_s = self.tempo_bpm().map(|bpm| 60.0 / bpm);
        let mut at_s = -rng.range(0.0, 1.0)
            * self.samples[0].duration_s()
            * if rng.chance(0.5) { 1.0 } else { 0.0 };
        let mut index = 0;
        while at_s < length_s {
            let sample = &self.samples[index % self.samples.len()];
            let mut spans_s = sample.duration_s() / pace;
            if let Some(beat_s) = bar_s {
                spans_s = ((spans_s / beat_s).floor() * beat_s).max(beat_s);
            }
            strike(
                sample,
                &Strike {
                    at: (at_s * rate_hz) as i64,
                    length: (spans_s * rate_hz) as usize,
                    release: (0.01 * rate_hz) as usize,
                    attack: 24,
                    step: pace * f64::from(sample.rate_hz) / rate_hz,
                    from: 0.0,
                    gain: Self::level(sample),
                    held: false,
                },
                out,
            );
            at_s += spans_s + rng.range(self.gap_s.0, self.gap_s.1);
            index += 1;
        }
    }
}

impl Voice for BankVoice {
    fn label(&self) -> Label {
        self.label
    }

    fn range(&self) -> (f64, f64) {
        let pitches = self.samples.iter().map(|sample| sample.entry.pitch.unwrap_or(ASSUMED_PITCH));
        let lo = pitches.clone().fold(f64::INFINITY, f64::min);
        let hi = pitches.fold(f64::NEG_INFINITY, f64::max);
        match self.manner {
            Manner::Pitched => (lo - FARTHEST_SEMITONES, hi + FARTHEST_SEMITONES),
            _ => (ASSUMED_PITCH - 12.0, ASSUMED_PITCH + 12.0),
        }
    }

    fn polyphony(&self) -> usize {
        self.polyphony
    }

    fn play(&self, notes: &[Note], length_s: f64, rate_hz: u32) -> Vec<f32> {
        let rate = f64::from(rate_hz);
        let mut out = vec![0.0; (length_s * rate).round() as usize];
        if self.manner == Manner::Tiled {
            self.tile(length_s, rate, &mut out);
        }
        for (index, note) in notes.iter().enumerate().filter(|_| self.manner != Manner::Tiled) {
            // A line gives way to its next note; 15 ms of overlap keep it legato.
            let next = notes[index + 1..].iter().find(|next| next.start_s > note.start_s);
            let until_s = match next {
                Some(next) if self.polyphony == 1 => next.start_s + 0.015,
                _ => f64::INFINITY,
            };
            self.play_note(note, until_s, index, rate, &mut out);
        }
        normalise(&mut out, 0.5);
        out
    }
}

fn manner_of(group: &Group, patch: &Patch) -> Manner {
    let seconds: f64 = patch.samples.iter().map(|sample| sample.duration_s()).sum();
    let unpitched = patch.samples.iter().all(|sample| sample.entry.pitch.is_none());
    // Strummed chords and phrases, against single notes of at most 2.5 s.
    let long = seconds / patch.samples.len() as f64 > 2.6;
    match group.label {
        Label::Drums | Label::Speech | Label::Fx => Manner::Tiled,
        label if label.is_kit_piece() || label == Label::Percussion => Manner::Struck,
        _ if unpitched && long => Manner::Tiled,
        _ => Manner::Pitched,
    }
}

/// The pitched recordings of a patch, sometimes thinned out. Where each file is an instrument of its own
/// (computed patches, collections without pitches) one file must do for the voice.
fn zones(group: &Group, patch: &Patch, rng: &mut Rng) -> Vec<Arc<Sample>> {
    let mut samples: Vec<_> =
        patch.samples.iter().filter(|sample| sample.entry.pitch.is_some()).cloned().collect();
    if samples.is_empty() || group.source == "procedural" {
        return vec![patch.samples[rng.int(0, patch.samples.len() - 1)].clone()];
    }
    if samples.len() > 3 && rng.chance(0.4) {
        let keep = rng.int(2, samples.len());
        while samples.len() > keep {
            samples.remove(rng.int(0, samples.len() - 1));
        }
    }
    samples
}

/// One to six strokes, for toms and percussion across the source's patches half of the time.
fn one_shots(group: &Group, patch: &Patch, rng: &mut Rng) -> Vec<Arc<Sample>> {
    let wide = matches!(group.label, Label::Toms | Label::Percussion) && rng.chance(0.5);
    let pool: Vec<_> = if wide {
        group.patches.iter().flat_map(|patch| &patch.samples).collect()
    } else {
        patch.samples.iter().collect()
    };
    (0..rng.int(1, 6)).map(|_| pool[rng.int(0, pool.len() - 1)].clone()).collect()
}

fn polyphony(label: Label, rng: &mut Rng) -> usize {
    match label {
        Label::Piano | Label::ElectricPiano | Label::Organ | Label::SynthPad => rng.int(3, 6),
        Label::AcousticGuitar | Label::Mallets => rng.int(1, 5),
        Label::ElectricGuitar | Label::Strings | Label::Vocals => rng.pick(&[1, 1, 2, 3, 4]),
        Label::Brass | Label::Woodwinds | Label::SynthLead => rng.pick(&[1, 1, 1, 2, 3]),
        Label::Bass => 1,
        _ => 8,
    }
}

fn is_sustained(label: Label) -> bool {
    matches!(
        label,
        Label::Organ
            | Label::SynthLead
            | Label::SynthPad
            | Label::Strings
            | Label::Brass
            | Label::Woodwinds
            | Label::Vocals
    )
}

fn rings(label: Label) -> bool {
    matches!(label, Label::Mallets | Label::Piano | Label::AcousticGuitar | Label::ElectricPiano)
}
