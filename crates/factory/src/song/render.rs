//! Plays a song's parts and mixes them: instrument, room, level, panorama, planted faults.

use signal::Label;

use super::Song;
use crate::defect::{Defect, Kind, Target};
use crate::dsp::{Hall, db, to_db};
use crate::note::Note;
use crate::rng::{Draw as _, Rng, rng};
use crate::voice::Voice;

/// One part as audio.
#[derive(Clone, Debug)]
pub struct Stem {
    /// The instrument.
    pub label: Label,
    /// Interleaved stereo, as it goes into the mix.
    pub samples: Vec<f32>,
    /// Gain applied to the instrument, whose peak was -6 dBFS.
    pub gain_db: f64,
    /// Panorama, -1 to 1.
    pub pan: f64,
    /// Share of reverberation, 0 to 1.
    pub space: f64,
}

/// A song as audio.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Frames a second.
    pub rate_hz: u32,
    /// The parts, in the song's order, with the faults planted on them.
    pub stems: Vec<Stem>,
    /// Interleaved stereo: the sum of the stems, then the faults planted on the mix.
    pub mix: Vec<f32>,
    /// The faults that were planted: those that the sound had something for to act on.
    pub defects: Vec<Defect>,
}

/// RMS of the loudest parts' passages before the mix is levelled.
const REFERENCE: f64 = 0.1;

impl Song {
    /// Renders without faults. `cast` gives the instrument for a label.
    pub fn render(
        &self,
        rate_hz: u32,
        cast: &dyn Fn(Label, &mut Rng) -> Box<dyn Voice>,
    ) -> Rendered {
        self.render_with(rate_hz, cast, &[])
    }

    /// Renders with these faults planted, where the sound has something for them to act on.
    pub fn render_with(
        &self,
        rate_hz: u32,
        cast: &dyn Fn(Label, &mut Rng) -> Box<dyn Voice>,
        defects: &[Defect],
    ) -> Rendered {
        let mut stems: Vec<Stem> =
            (0..self.parts.len()).map(|index| self.stem(index, rate_hz, cast)).collect();
        let plant = |number: usize, samples: &mut Vec<f32>| {
            let mut rng = rng(self.seed.wrapping_add(number as u64), "plant");
            defects[number].plant_if_heard(samples, rate_hz, &mut rng).then_some(defects[number])
        };
        let mut planted: Vec<Defect> = Vec::new();
        for (number, defect) in defects.iter().enumerate() {
            if let Target::Stem(index) = defect.on
                && let Some(stem) = stems.get_mut(index)
            {
                planted.extend(plant(number, &mut stem.samples));
            }
        }
        let mut mix = vec![0.0f32; stems.first().map_or(0, |s| s.samples.len())];
        for stem in &stems {
            mix.iter_mut().zip(&stem.samples).for_each(|(x, y)| *x += y);
        }
        let peak = mix.iter().fold(1e-6f32, |most, x| most.max(x.abs()));
        // Headroom differs from song to song, so that no model learns one level.
        let level = db(-rng(self.seed, "level").range(1.5, 9.0));
        let scale = (level / f64::from(peak)) as f32;
        mix.iter_mut().for_each(|x| *x *= scale);
        for stem in &mut stems {
            stem.samples.iter_mut().for_each(|x| *x *= scale);
            stem.gain_db += to_db(f64::from(scale));
        }
        // An offset is stated relative to full scale, and was scaled with its stem.
        for defect in planted.iter_mut().filter(|d| d.kind == Kind::DcOffset) {
            defect.amount_db += to_db(f64::from(scale));
        }
        for (number, defect) in defects.iter().enumerate() {
            if defect.on == Target::Mix {
                planted.extend(plant(number, &mut mix));
            }
        }
        Rendered { rate_hz, stems, mix, defects: planted }
    }

    fn stem(
        &self,
        index: usize,
        rate_hz: u32,
        cast: &dyn Fn(Label, &mut Rng) -> Box<dyn Voice>,
    ) -> Stem {
        let part = &self.parts[index];
        let voice = cast(part.label, &mut rng(part.patch, "patch"));
        let notes = fit(&part.notes, voice.as_ref());
        let mono = voice.play(&notes, self.length_s(), rate_hz);
        let gain_db = part.gain_db + to_db(REFERENCE / passages_rms(&mono, rate_hz).max(1e-4));
        let mut rng = rng(part.patch, "room");
        let rate = f64::from(rate_hz);
        let mut hall =
            Hall::new(rng.range(0.4, 1.3), rng.range(0.4, 2.2), rng.range(2500.0, 7000.0), rate);
        let (gain, wet) = (db(gain_db) as f32, part.space as f32);
        // Constant power: -3 dB for each side in the middle.
        let turn = (part.pan + 1.0) * core::f64::consts::FRAC_PI_4;
        let (left, right) = (libm::cos(turn) as f32, libm::sin(turn) as f32);
        let fade = 0.25 * rate;
        let mut samples = Vec::with_capacity(mono.len() * 2);
        for (i, x) in mono.iter().enumerate() {
            let out = ((mono.len() - i) as f64 / fade).min(1.0) as f32;
            let x = x * gain * out;
            let (l, r) = if wet > 0.0 { hall.next(x) } else { (0.0, 0.0) };
            samples.push(x * left + out * wet * l);
            samples.push(x * right + out * wet * r);
        }
        Stem { label: part.label, samples, gain_db, pan: part.pan, space: part.space }
    }
}

/// RMS over the 100 ms frames within 30 dB of the loudest: how loud the instrument is where it plays.
fn passages_rms(mono: &[f32], rate_hz: u32) -> f64 {
    let powers: Vec<f64> =
        mono.chunks((rate_hz / 10).max(1) as usize).map(crate::dsp::rms).map(|x| x * x).collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let heard: Vec<f64> = powers.into_iter().filter(|p| *p > loudest * 1e-3).collect();
    (heard.iter().sum::<f64>() / heard.len().max(1) as f64).sqrt()
}

/// Brings notes into what the voice can play: octaves into its range, one note at a time for a line.
fn fit(notes: &[Note], voice: &dyn Voice) -> Vec<Note> {
    let (low, high) = voice.range();
    let keys =
        voice.label().is_kit_piece() || matches!(voice.label(), Label::Drums | Label::Percussion);
    let mut fitted: Vec<Note> = Vec::new();
    for note in notes {
        let mut note = *note;
        if !keys {
            while note.pitch < low && note.pitch + 12.0 <= high {
                note.pitch += 12.0;
            }
            while note.pitch > high && note.pitch - 12.0 >= low {
                note.pitch -= 12.0;
            }
        }
        let together: Vec<usize> = (fitted.iter().enumerate().rev().take(8))
            .filter(|(_, other)| (other.start_s - note.start_s).abs() < 0.03)
            .map(|(i, _)| i)
            .collect();
        if together.len() < voice.polyphony().max(1) || keys {
            fitted.push(note);
        } else if let Some(&lowest) =
            together.iter().min_by(|a, b| fitted[**a].pitch.total_cmp(&fitted[**b].pitch))
            && voice.polyphony() == 1
            && fitted[lowest].pitch < note.pitch
        {
            // A line takes the chord's top note.
            fitted[lowest].pitch = note.pitch;
        }
    }
    fitted
}
