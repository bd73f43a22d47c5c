//! Sustained tones of bowed and blown instruments: two spectra, soft and loud, crossfaded by the force of the bow or breath,
//! with vibrato, scoop, breath noise and several players. `bowed` and `blown` make the patches.

use super::tone::{Stroke, mix, scratch};
use crate::dsp::{Drift, Noise, Rotor, Shape, Svf, Table, db, semitones};
use crate::rng::{Draw as _, Rng, rng};

/// The spectrum of an instrument over its whole range.
#[derive(Clone, Debug)]
pub(super) struct Spectrum {
    /// Fall in dB an octave when played softly and loudly.
    pub(super) soft_db: f64,
    pub(super) loud_db: f64,
    /// Level of the even harmonics: low for a closed cylindrical pipe.
    pub(super) even: f64,
    /// Centre, width as a share of it, and gain in dB of fixed resonances.
    pub(super) formants: Vec<(f64, f64, f64)>,
    /// Random unevenness of the harmonics in dB.
    pub(super) jagged_db: f64,
    /// Where the whole spectrum starts to fall steeply.
    pub(super) top_hz: f64,
}

/// A player or a section.
#[derive(Clone, Debug)]
pub(super) struct Wind {
    pub(super) seed: u64,
    pub(super) spectrum: Spectrum,
    pub(super) players: usize,
    pub(super) detune_cents: f64,
    /// How far apart the players begin.
    pub(super) ragged_s: f64,
    pub(super) shape: Shape,
    /// Octave-like power with which the brightness follows the envelope.
    pub(super) follow: f64,
    pub(super) vibrato_hz: f64,
    pub(super) vibrato_cents: f64,
    pub(super) vibrato_after_s: f64,
    /// Swing of the level with the vibrato, 0 to 1.
    pub(super) shiver: f64,
    /// Noise of breath or bow: level, centre as a multiple of the pitch, quality.
    pub(super) breath: (f64, f64, f64),
    /// Extra noise at the start of the note.
    pub(super) chiff: f64,
    /// Start below (or above) the pitch.
    pub(super) scoop_cents: f64,
    pub(super) scoop_s: f64,
    /// Slide from the note before.
    pub(super) glide_s: f64,
    /// Flutter or tremolo: speed and depth.
    pub(super) flutter: Option<(f64, f64)>,
}

/// Samples between updates of pitch.
const TICK: usize = 16;

impl Spectrum {
    fn amps(&self, freq: f64, slope_db: f64, rate: f64, patch: &mut Rng) -> Vec<f64> {
        let count = ((0.48 * rate).min(18_000.0) / (freq * 1.03)).max(1.0) as usize;
        let mut amps: Vec<f64> = (1..=count)
            .map(|k| {
                let hz = freq * k as f64;
                let fall = -slope_db * libm::log2(k as f64);
                let shape: f64 = self
                    .formants
                    .iter()
                    .map(|&(centre, width, gain)| {
                        let away = libm::log2(hz / centre) / width;
                        gain * libm::exp(-away * away)
                    })
                    .sum();
                let over = (hz / self.top_hz).min(8.0);
                let even = if k % 2 == 0 { self.even } else { 1.0 };
                even * db(fall + shape - 10.0 * over * over + patch.normal(self.jagged_db))
            })
            .collect();
        let power: f64 = amps.iter().map(|a| a * a).sum();
        let scale = 1.0 / power.sqrt().max(1e-9);
        amps.iter_mut().for_each(|a| *a *= scale);
        amps
    }

    /// The soft and the loud wave at a pitch, of equal power. The unevenness belongs to the instrument and the pitch.
    fn tables(&self, freq: f64, seed: u64, rate: f64) -> (Table, Table) {
        let stream = || rng(seed.wrapping_add((freq * 8.0) as u64), "spectrum");
        let soft = self.amps(freq, self.soft_db, rate, &mut stream());
        let loud = self.amps(freq, self.loud_db, rate, &mut stream());
        let mut patch = rng(seed, "phases");
        // Near-aligned phases keep the pulse of reed, lip and bow; a little spread keeps it from a click.
        let phases: Vec<f64> = (0..soft.len()).map(|_| 0.25 + patch.normal(0.06)).collect();
        (Table::new(&soft, &phases), Table::new(&loud, &phases))
    }
}

impl Wind {
    /// Adds the note for all players.
    pub(super) fn sustain(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let freq = stroke.freq();
        let tables = self.spectrum.tables(freq, self.seed, stroke.rate);
        let gain = stroke.force() / (self.players as f64).sqrt();
        for _ in 0..self.players {
            let late = stroke.rng.range(0.0, self.ragged_s);
            let start = ((late * stroke.rate) as usize).min(out.len());
            self.player(freq, &tables, gain, stroke, &mut out[start..]);
        }
    }

    /// Where the pitch comes from, in cents from the note's, and how long it takes.
    fn entry(&self, stroke: &Stroke<'_>) -> (f64, f64) {
        match stroke.before {
            Some(before) if self.glide_s > 0.0 => {
                (100.0 * (before - stroke.note.pitch), self.glide_s.max(1e-3))
            }
            _ => (self.scoop_cents, self.scoop_s.max(1e-3)),
        }
    }

    /// One player's note.
    fn player(
        &self,
        freq: f64,
        tables: &(Table, Table),
        gain: f64,
        stroke: &mut Stroke<'_>,
        out: &mut [f32],
    ) {
        let (rate, hold) = (stroke.rate, stroke.note.duration_s.max(0.04));
        let shape = Shape { attack_s: self.shape.attack_s.min(hold * 0.7), ..self.shape };
        let ticks = rate / TICK as f64;
        let mut sound = scratch(out, shape.samples(hold, rate) as f64 / rate, rate);
        let mut envelope = shape.start(hold, rate);
        let speed = self.vibrato_hz * (1.0 + stroke.rng.normal(0.05));
        let mut swing = Rotor::new(speed, stroke.rng.range(0.0, 1.0), ticks);
        let mut drift = Drift::new(4.0, ticks, &mut stroke.rng);
        let (flutter_hz, flutter_depth) = self.flutter.unwrap_or((1.0, 0.0));
        let flutter_hz = flutter_hz * (1.0 + stroke.rng.normal(0.04));
        let mut flutter = Rotor::new(flutter_hz, stroke.rng.range(0.0, 1.0), ticks);
        let detune = stroke.rng.normal(self.detune_cents);
        let (from, over_s) = self.entry(stroke);
        let velocity = 0.25 + 0.75 * stroke.note.velocity;
        let mut phase = stroke.rng.range(0.0, 1.0);
        let (mut last, mut bright) = (0.0, 0.0f32);
        for (tick, block) in sound.chunks_mut(TICK).enumerate() {
            let time_s = tick as f64 / ticks;
            let ripe = ((time_s - self.vibrato_after_s) * 3.0).clamp(0.0, 1.0);
            let wave = ripe * swing.next();
            let slow = drift.next();
            let cents = detune
                + from * libm::exp(-3.0 * time_s / over_s)
                + self.vibrato_cents * wave
                + 4.0 * slow;
            let step = freq * semitones(0.01 * cents) / rate;
            let beat = 1.0 - flutter_depth * (0.5 + 0.5 * flutter.next());
            let level = beat * (1.0 + self.shiver * wave + 0.06 * slow);
            // The brightness moves in a line from tick to tick: a power a sample would cost more than all the rest.
            let aim = (velocity * libm::pow((last * level).max(1e-6), self.follow)) as f32;
            let slope = (aim - bright) / TICK as f32;
            for x in block {
                last = envelope.next();
                let force = last * level;
                bright += slope;
                let (soft, loud) = (tables.0.at(phase), tables.1.at(phase));
                *x = force as f32 * (soft + bright * (loud - soft));
                phase += step;
                if phase >= 1.0 {
                    phase -= 1.0;
                }
            }
        }
        self.breathe(freq, stroke, hold, &mut sound);
        mix(out, &sound, gain);
    }

    /// Noise around the pitch and its octaves, following the note.
    fn breathe(&self, freq: f64, stroke: &mut Stroke<'_>, hold: f64, sound: &mut [f32]) {
        if self.breath.0 + self.chiff < 1e-3 {
            return;
        }
        let rate = stroke.rate;
        let mut noise = Noise::new(&mut stroke.rng);
        let centre = (freq * self.breath.1).clamp(300.0, 0.4 * rate);
        let mut band = Svf::new(centre, self.breath.2, rate);
        let mut envelope = self.shape.start(hold, rate);
        let mut chiff = self.chiff as f32;
        let keep = libm::exp(-6.9 / (0.07 * rate)) as f32;
        for x in sound {
            let level = (self.breath.0 * envelope.next()) as f32 + chiff;
            *x += level * band.band(noise.next());
            chiff *= keep;
        }
    }
}
