//! The bank of recorded notes: `manifest.csv` and its FLAC files, decoded once into memory, split by whole sources.
//! `clip` casts its voices from here while training data is made; `barline eval` takes the held-out phrases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signal::Label;

use crate::rng::{Draw as _, Rng};
use crate::voice::{Voice, procedural};

mod decode;
mod error;
mod heldout;
mod holdout;
mod kit;
mod manifest;
mod player;
mod voice;

pub use error::BankError;
pub use heldout::{HeldoutPhrase, heldout_phrases};
pub use holdout::{Holdout, Split};
pub use kit::Kit;
pub use manifest::{Entry, label_of_family};
pub use voice::{BankVoice, Manner};

/// One recording.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What the manifest says about it.
    pub entry: Entry,
    /// Its sample rate.
    pub rate_hz: u32,
    /// Mono, 16 bit as in the files: half the memory of `f32`.
    pub pcm: Vec<i16>,
}

impl Sample {
    /// Length of the recording.
    pub fn duration_s(&self) -> f64 {
        self.pcm.len() as f64 / f64::from(self.rate_hz)
    }

    /// Largest magnitude, 0 to 1.
    pub fn peak(&self) -> f64 {
        f64::from(self.pcm.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0)) / 32768.0
    }
}

/// The recordings of one articulation or instrument of a group.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The manifest's `sub`.
    pub sub: String,
    /// Ordered by pitch, then by path.
    pub samples: Vec<Arc<Sample>>,
}

/// The recordings of one family from one source.
#[derive(Clone, Debug)]
pub struct Group {
    /// The label that the family maps onto.
    pub label: Label,
    /// The manifest's `family`.
    pub family: String,
    /// The manifest's `source`.
    pub source: String,
    /// By `sub`, in alphabetical order.
    pub patches: Vec<Patch>,
}

impl Group {
    fn len(&self) -> usize {
        self.patches.iter().map(|patch| patch.samples.len()).sum()
    }

    /// How often the group is cast: equally, but in proportion below 16 files, so that a handful isn't learnt by heart.
    fn weight(&self) -> f64 {
        (self.len() as f64 / 16.0).min(1.0)
    }
}

/// A voice together with what the truth should say of it.
#[derive(Debug)]
pub struct Cast {
    /// The instrument.
    pub voice: Box<dyn Voice>,
    /// The manifest's source, or `procedural`.
    pub source: String,
    /// Whether the voice plays the notes it is given; loops, speech and effects bring their own onsets.
    pub follows_notes: bool,
    /// Whether its notes sound as long as they are played.
    pub obeys_lengths: bool,
    /// The tempo that a loop brings with it, where known.
    pub tempo_bpm: Option<f64>,
    /// How distorted the sound is before any treatment, 0 to 1.
    pub dirt: f64,
}

impl Cast {
    /// A synthesised voice.
    pub fn procedural(label: Label, rng: &mut Rng) -> Self {
        Self {
            voice: procedural(label, rng),
            source: "procedural".to_owned(),
            follows_notes: true,
            obeys_lengths: true,
            tempo_bpm: None,
            dirt: 0.0,
        }
    }
}

/// Recorded notes and room responses, in memory.
#[derive(Clone, Debug, Default)]
pub struct Bank {
    groups: Vec<Group>,
    rooms: Vec<Vec<f32>>,
}

impl Bank {
    /// Longest part of a room response that is used: the tails beyond are 20 dB down in nearly all of them, and the
    /// convolution's size is decided by it.
    const ROOM_S: f64 = 1.2;

    /// Reads `manifest.csv` under each folder and decodes the files of one side of the split.
    ///
    /// # Errors
    /// A manifest that can't be read (with its line and column), a file that can't be decoded, or a split with nothing in it.
    pub fn open(dirs: &[PathBuf], holdout: &Holdout, split: Split) -> Result<Self, BankError> {
        let (mut samples, mut rooms) = (Vec::new(), Vec::new());
        for dir in dirs {
            let path = dir.join("manifest.csv");
            let before = samples.len();
            for entry in manifest::read(&path)? {
                if holdout.holds(&entry.source) == (split == Split::Heldout) {
                    let (pcm, rate_hz) = decode::mono_i16(&dir.join(&entry.path))?;
                    samples.push(Sample { entry, rate_hz, pcm });
                }
            }
            if samples.len() == before {
                return Err(BankError::Empty { file: path });
            }
            rooms.extend(read_rooms(&dir.join("ir"), Self::ROOM_S)?);
        }
        Ok(Self { rooms, ..Self::from_samples(samples) })
    }

    /// A bank of recordings that are already in memory, without rooms.
    pub fn from_samples(mut samples: Vec<Sample>) -> Self {
        samples.retain(|sample| sample.pcm.len() > 64 && sample.peak() > 0.0);
        samples.sort_by(|a, b| key(&a.entry).cmp(&key(&b.entry)));
        let mut groups: Vec<Group> = Vec::new();
        for sample in samples {
            let Some(label) = label_of_family(&sample.entry.family) else { continue };
            let (family, source, sub) = (
                sample.entry.family.clone(),
                sample.entry.source.clone(),
                sample.entry.sub.clone(),
            );
            if groups.last().is_none_or(|group| group.family != family || group.source != source) {
                groups.push(Group { label, family, source, patches: Vec::new() });
            }
            let group = groups.last_mut().expect("one was pushed just now");
            if group.patches.last().is_none_or(|patch| patch.sub != sub) {
                group.patches.push(Patch { sub, samples: Vec::new() });
            }
            group
                .patches
                .last_mut()
                .expect("one was pushed just now")
                .samples
                .push(Arc::new(sample));
        }
        Self { groups, rooms: Vec::new() }
    }

    /// Every (family, source), in alphabetical order.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Room and plate responses at 24 kHz, each of unit energy.
    pub fn rooms(&self) -> &[Vec<f32>] {
        &self.rooms
    }

    /// Number of recordings.
    pub fn len(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }

    /// Whether there is no recording.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether there is a voice of that label: of drums, a loop or a kit.
    pub fn has(&self, label: Label) -> bool {
        let is = |wanted| self.groups.iter().any(|group| group.label == wanted);
        is(label) || label == Label::Drums && is(Label::Kick) && is(Label::Snare)
    }

    /// A random voice of that label, or None where the bank has none.
    pub fn cast(&self, label: Label, rng: &mut Rng) -> Option<Cast> {
        let loops: Vec<&Group> = self.groups.iter().filter(|group| group.label == label).collect();
        if label == Label::Drums
            && (loops.is_empty() || rng.chance(0.6))
            && let Some(kit) = Kit::cast(self, rng)
        {
            let source = kit.source().to_owned();
            return Some(Cast {
                voice: Box::new(kit),
                source,
                follows_notes: true,
                obeys_lengths: false,
                tempo_bpm: None,
                dirt: 0.0,
            });
        }
        if loops.is_empty() {
            return None;
        }
        let weights: Vec<f64> = loops.iter().map(|group| group.weight()).collect();
        let group = loops[rng.weighted(&weights)];
        let stray_semitones = if rng.chance(0.5) { rng.range(-5.0, 5.0) } else { 0.0 };
        Some(Self::cast_strayed(group, stray_semitones, rng))
    }

    /// A random voice of one group, as it was recorded.
    pub fn cast_from(group: &Group, rng: &mut Rng) -> Cast {
        Self::cast_strayed(group, 0.0, rng)
    }

    fn cast_strayed(group: &Group, stray_semitones: f64, rng: &mut Rng) -> Cast {
        let weights: Vec<f64> =
            group.patches.iter().map(|patch| (patch.samples.len() as f64).min(8.0)).collect();
        let patch = &group.patches[rng.weighted(&weights)];
        let voice = BankVoice::cast(group, patch, rng).strayed(stray_semitones);
        let follows_notes = voice.manner() != Manner::Tiled;
        let (tempo_bpm, obeys_lengths) = (voice.tempo_bpm(), voice.obeys_lengths());
        let dirt = if group.family == "electric-guitar-distorted" { 0.6 } else { 0.0 };
        Cast {
            voice: Box::new(voice),
            source: group.source.clone(),
            follows_notes,
            obeys_lengths,
            tempo_bpm,
            dirt,
        }
    }
}

fn key(entry: &Entry) -> (&str, &str, &str, i64, &str) {
    // Pitches are ordered as integers in cents: floats have no total order.
    let cents = entry.pitch.map_or(0, |pitch| (pitch * 100.0) as i64);
    (&entry.family, &entry.source, &entry.sub, cents, &entry.path)
}

/// Decodes the room responses of a folder, cut to `length_s` with a fade and scaled to unit energy.
/// A bank without such a folder has no rooms.
fn read_rooms(dir: &Path, length_s: f64) -> Result<Vec<Vec<f32>>, BankError> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let listing =
        std::fs::read_dir(dir).map_err(|source| BankError::Io { file: dir.to_owned(), source })?;
    let mut paths: Vec<_> = listing.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "flac" || ext == "wav"));
    paths.sort();
    let mut rooms = Vec::new();
    for path in paths {
        let (pcm, rate_hz) = decode::mono_i16(&path)?;
        let mut room: Vec<f32> = pcm.iter().map(|&x| f32::from(x) / 32768.0).collect();
        room.truncate((length_s * f64::from(rate_hz)) as usize);
        let fade = room.len() / 4;
        let start = room.len() - fade;
        for (i, x) in room[start..].iter_mut().enumerate() {
            *x *= 1.0 - i as f32 / fade as f32;
        }
        let energy: f32 = room.iter().map(|x| x * x).sum();
        if energy > 0.0 {
            let scale = 1.0 / energy.sqrt();
            room.iter_mut().for_each(|x| *x *= scale);
            rooms.push(room);
        }
    }
    Ok(rooms)
}

#[cfg(test)]
pub(crate) mod tests;
