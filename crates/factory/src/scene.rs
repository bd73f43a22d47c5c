//! Scenes for training: what each stem of a song plays during the same few seconds, one clip a stem, at its level in the
//! mix. Training mixes them anew, with other levels and without some of them, and knows second by second who is heard.

use signal::Label;

use crate::bank::{Bank, Cast};
use crate::clip::{Clip, Kind, RATE_HZ, Scene, Truth, describe};
use crate::dsp::rms;
use crate::rng::{Draw as _, Rng, rng};
use crate::song::{Song, Stem};
use crate::treatment::{Strength, Treatment};
use crate::voice::Voice;

/// What kind of scenes to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Length of each scene.
    pub seconds: f64,
    /// Scenes of a song, at random places.
    pub count: usize,
    /// Share of voices that are synthesised although the bank has the label, 0 to 1.
    pub procedural_share: f64,
    /// Share of stems that a producer's treatment changes, 0 to 1.
    pub treated_share: f64,
}

/// A stem whose RMS stays below this is not in the scene: -66 dBFS.
const SILENT: f64 = 5e-4;

/// An instrument for a song. Recordings that don't follow the notes would make the truth wrong, so they aren't cast.
pub fn cast(bank: Option<&Bank>, procedural_share: f64, label: Label, rng: &mut Rng) -> Cast {
    let synthesise = rng.chance(procedural_share);
    match bank.filter(|_| !synthesise).and_then(|bank| bank.cast(label, rng)) {
        Some(found) if found.follows_notes => found,
        _ => Cast::procedural(label, rng),
    }
}

/// A whole stem as the scenes are cut from it.
struct Track {
    label: Label,
    samples: Vec<f32>,
    onsets_s: Vec<f64>,
    source: String,
    space: f64,
    dirt: f64,
}

/// Renders the song of `seed` and cuts its scenes: a clip for each stem that sounds, mono at [`RATE_HZ`], scene by scene.
pub fn render(bank: Option<&Bank>, options: &Options, seed: u64) -> Vec<Clip> {
    let song = Song::compose(seed);
    let tracks = tracks(bank, options, &song);
    let mut rng = rng(seed, "scenes");
    let length = (options.seconds * f64::from(RATE_HZ)).round() as usize;
    let mut clips = Vec::new();
    for number in 0..options.count {
        let latest_s = (song.length_s() - options.seconds).max(0.0);
        let start_s = rng.range(0.0, latest_s);
        let scene = Scene { song: seed, number };
        clips.extend(
            tracks.iter().filter_map(|track| track.crop(start_s, length, scene, song.tempo_bpm)),
        );
    }
    clips
}

fn tracks(bank: Option<&Bank>, options: &Options, song: &Song) -> Vec<Track> {
    let casts = std::cell::RefCell::new(Vec::new());
    let voice = |label: Label, rng: &mut Rng| -> Box<dyn Voice> {
        let Cast { voice, source, dirt, .. } = cast(bank, options.procedural_share, label, rng);
        casts.borrow_mut().push((source, dirt));
        voice
    };
    let stems = song.render(RATE_HZ, &voice).stems;
    let rooms = bank.map_or(&[][..], Bank::rooms);
    let parts = song.parts.iter().zip(stems).zip(casts.into_inner());
    parts
        .map(|((part, stem), (source, dirt))| {
            let mut rng = rng(part.patch, "scene");
            let mut track = Track {
                label: part.label,
                samples: mono(&stem),
                onsets_s: part.notes.iter().map(|note| note.start_s).collect(),
                source,
                space: part.space,
                dirt,
            };
            if rng.chance(options.treated_share) {
                track.treat(rooms, &mut rng);
            }
            track
        })
        .collect()
}

fn mono(stem: &Stem) -> Vec<f32> {
    stem.samples.chunks_exact(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect()
}

impl Track {
    /// A producer's treatment at the level that the stem had.
    fn treat(&mut self, rooms: &[Vec<f32>], rng: &mut Rng) {
        let before = rms(&self.samples);
        if before < 1e-6 {
            return;
        }
        let peak = self.samples.iter().fold(1e-9_f32, |top, x| top.max(x.abs()));
        self.samples.iter_mut().for_each(|x| *x *= 0.5 / peak);
        let treatment = Treatment::random(Strength::Part, rooms.len(), rng);
        treatment.apply(&mut self.samples, rooms);
        let gain = (before / rms(&self.samples).max(1e-9)) as f32;
        self.samples.iter_mut().for_each(|x| *x *= gain);
        self.space = self.space.max(treatment.space);
        self.dirt = self.dirt.max(treatment.dirt);
    }

    /// One scene's clip, unless the stem rests there.
    fn crop(&self, start_s: f64, length: usize, scene: Scene, tempo_bpm: f64) -> Option<Clip> {
        let first = (start_s * f64::from(RATE_HZ)).round() as usize;
        let mut samples: Vec<f32> = self.samples.iter().skip(first).take(length).copied().collect();
        samples.resize(length, 0.0);
        if !samples.iter().all(|x| x.is_finite()) || rms(&samples) < SILENT {
            return None;
        }
        let seconds = length as f64 / f64::from(RATE_HZ);
        let mut onsets_s: Vec<f64> = self.onsets_s.iter().map(|time_s| time_s - start_s).collect();
        onsets_s.retain(|time_s| (0.0..seconds).contains(time_s));
        let density = describe::distinct(&mut onsets_s) as f64 / seconds;
        let truth = Truth {
            kind: Kind::Stem,
            label: Some(self.label),
            instruments: vec![self.label],
            levels_db: vec![0.0],
            source: self.source.clone(),
            scene: Some(scene),
            descriptors: describe::descriptors(&samples, self.space, self.dirt, density),
            playing: None,
            tempo_bpm: Some(tempo_bpm),
        };
        Some(Clip { samples, truth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options =
        Options { seconds: 2.0, count: 3, procedural_share: 1.0, treated_share: 0.5 };

    #[test]
    fn a_scene_is_the_stems_of_one_moment() {
        let clips = render(None, &OPTIONS, 3);
        assert_eq!(clips, render(None, &OPTIONS, 3));
        assert!(clips.len() > 5, "{} clips", clips.len());
        let scenes: Vec<Scene> = clips.iter().filter_map(|clip| clip.truth.scene).collect();
        assert!(scenes.is_sorted_by_key(|scene| scene.number));
        assert!(scenes.iter().all(|scene| scene.song == 3 && scene.number < OPTIONS.count));
        for clip in &clips {
            assert_eq!(clip.samples.len(), 48_000);
            assert_eq!(clip.truth.instruments, [clip.truth.label.unwrap()]);
            assert!(rms(&clip.samples) >= SILENT);
        }
    }

    #[test]
    fn untreated_stems_keep_their_levels() {
        let song = Song::compose(3);
        let options = Options { treated_share: 0.0, ..OPTIONS };
        let dry: Vec<f64> = tracks(None, &options, &song).iter().map(|t| rms(&t.samples)).collect();
        let options = Options { treated_share: 1.0, ..OPTIONS };
        let wet = tracks(None, &options, &song);
        for (before, after) in dry.iter().zip(&wet) {
            let ratio = rms(&after.samples) / before;
            assert!((0.99..1.01).contains(&ratio), "{}: {ratio}", after.label);
        }
    }
}
