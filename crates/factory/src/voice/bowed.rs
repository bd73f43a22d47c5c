//! Strings: solo and sections, held, short, trembling and plucked.

use signal::Label;

use super::Voice;
use super::string::Plucked;
use super::tone::{Player, Stroke, Tone};
use super::wind::{Spectrum, Wind};
use crate::dsp::{Biquad, Hall, Shape};
use crate::rng::{Draw as _, Rng};

#[derive(Debug)]
struct Bowed {
    wind: Wind,
    /// Set where the part is plucked.
    pizzicato: Option<Plucked>,
    /// Bow strokes shorter than this stay short and hard.
    marcato: bool,
    body: Vec<(f64, f64, f64)>,
    hall: Option<(f64, f64, f64)>,
}

impl Tone for Bowed {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        if let Some(string) = &self.pizzicato {
            let freq = stroke.freq();
            for _ in 0..self.wind.players.min(3) {
                let late = ((stroke.rng.range(0.0, self.wind.ragged_s) * stroke.rate) as usize)
                    .min(out.len());
                let slip = crate::dsp::semitones(stroke.rng.normal(0.05));
                string.pluck(freq * slip, stroke, &mut out[late..]);
            }
        } else if self.marcato || stroke.note.duration_s < 0.18 {
            let mut short = self.wind.clone();
            short.shape.attack_s = short.shape.attack_s.min(0.03);
            short.chiff += 0.1;
            short.sustain(stroke, out);
        } else {
            self.wind.sustain(stroke, out);
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        for &(freq, q, gain_db) in &self.body {
            Biquad::peak(freq, q, gain_db, rate).run(stem);
        }
        if let Some((size, t60_s, wet)) = self.hall {
            let mut hall = Hall::new(size, t60_s, 5000.0, rate);
            for x in stem {
                let (left, right) = hall.next(*x);
                *x += wet as f32 * (left + right);
            }
        }
    }
}

/// Range and the size of the body relative to a violin's: violin, viola, cello, double bass, whole section.
const KINDS: [((f64, f64), f64); 5] = [
    ((55.0, 96.0), 1.0),
    ((48.0, 84.0), 0.8),
    ((36.0, 74.0), 0.45),
    ((30.0, 58.0), 0.3),
    ((40.0, 88.0), 0.7),
];

/// The spectrum of a string on a body of that size.
fn spectrum(size: f64, rng: &mut Rng) -> Spectrum {
    let soft_db = rng.range(7.0, 10.0);
    // Air and wood resonances, then the broad hill of the bridge near 2.5 kHz.
    let hills = [(280.0, 0.35, 5.0), (460.0, 0.3, 5.0), (1100.0, 0.5, 2.0), (2500.0, 0.6, 7.0)];
    Spectrum {
        soft_db,
        loud_db: soft_db - rng.range(1.5, 3.5),
        even: 1.0,
        formants: hills
            .map(|(hz, width, gain)| {
                let scale = if hz < 2000.0 { size } else { size.sqrt() };
                (hz * scale * rng.range(0.85, 1.15), width, gain * rng.range(0.4, 1.4))
            })
            .to_vec(),
        jagged_db: rng.range(1.0, 4.0),
        top_hz: rng.log_range(4000.0, 10_000.0),
    }
}

/// A string plucked with the finger.
fn pizzicato(rng: &mut Rng) -> Plucked {
    Plucked {
        place: rng.range(0.15, 0.35),
        pick_hz: rng.log_range(700.0, 2200.0),
        rough: rng.range(0.4, 0.9),
        t60_s: rng.range(0.6, 1.5),
        loss_hz: rng.log_range(2500.0, 5500.0),
        beat_cents: rng.range(0.3, 3.0),
        damp_s: rng.range(0.15, 0.4),
        snap: rng.range(0.0, 0.1),
    }
}

/// A string player or section.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    let kind = rng.weighted(&[0.22, 0.1, 0.18, 0.06, 0.44]);
    let (range, size) = KINDS[kind];
    let players = if kind == 4 || rng.chance(0.15) { rng.int(3, 7) } else { 1 };
    let articulation = rng.weighted(&[0.62, 0.14, 0.1, 0.14]);
    let wind = Wind {
        seed: rng.seed(),
        spectrum: spectrum(size, rng),
        players,
        detune_cents: if players > 1 { rng.range(4.0, 11.0) } else { 2.0 },
        ragged_s: if players > 1 { rng.range(0.01, 0.05) } else { 0.005 },
        shape: Shape {
            attack_s: rng.log_range(0.05, 0.4),
            decay_s: 0.4,
            sustain: rng.range(0.75, 1.0),
            release_s: rng.log_range(0.1, 0.6),
        },
        follow: rng.range(0.6, 1.4),
        vibrato_hz: rng.range(4.8, 6.6),
        vibrato_cents: if rng.chance(0.15) { 0.0 } else { rng.range(8.0, 32.0) },
        vibrato_after_s: rng.range(0.05, 0.4),
        shiver: rng.range(0.03, 0.15),
        breath: (rng.range(0.01, 0.07), rng.range(4.0, 9.0), 0.6),
        chiff: rng.range(0.0, 0.12),
        scoop_cents: rng.normal(12.0),
        scoop_s: rng.range(0.04, 0.12),
        glide_s: if players == 1 && rng.chance(0.4) { rng.range(0.04, 0.12) } else { 0.0 },
        flutter: (articulation == 2).then(|| (rng.range(9.0, 14.0), rng.range(0.5, 0.85))),
    };
    let tone = Bowed {
        pizzicato: (articulation == 3).then(|| pizzicato(rng)),
        marcato: articulation == 1,
        body: [(280.0, 4.0, 3.0), (560.0, 3.0, 2.0), (1600.0, 2.0, -3.0)]
            .map(|(f, q, g)| (f * size * rng.range(0.8, 1.2), q, g * rng.range(0.0, 1.5)))
            .to_vec(),
        hall: rng
            .chance(0.45)
            .then(|| (rng.range(0.6, 1.4), rng.range(0.8, 3.0), rng.range(0.1, 0.5))),
        wind,
    };
    let polyphony = if players > 1 { 4 } else { 1 };
    Player::boxed(Label::Strings, range, polyphony, rng, tone)
}
