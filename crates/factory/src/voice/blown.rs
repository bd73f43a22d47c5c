//! Brass and woodwinds, solo and in sections.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone};
use super::wind::{Spectrum, Wind};
use crate::dsp::{Biquad, Hall, Shape};
use crate::rng::{Draw as _, Rng};

#[derive(Debug)]
struct Blown {
    wind: Wind,
    /// A mute's peak: frequency, quality, gain in dB.
    mute: Option<(f64, f64, f64)>,
    hall: Option<(f64, f64, f64)>,
}

impl Tone for Blown {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        self.wind.sustain(stroke, out);
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        if let Some((freq, q, gain_db)) = self.mute {
            Biquad::peak(freq, q, gain_db, rate).run(stem);
            Biquad::high_pass(freq * 0.35, 0.8, rate).run(stem);
        }
        if let Some((size, t60_s, wet)) = self.hall {
            let mut hall = Hall::new(size, t60_s, 5500.0, rate);
            for x in stem {
                let (left, right) = hall.next(*x);
                *x += wet as f32 * (left + right);
            }
        }
    }
}

fn hall(rng: &mut Rng) -> Option<(f64, f64, f64)> {
    rng.chance(0.35).then(|| (rng.range(0.5, 1.4), rng.range(0.6, 2.5), rng.range(0.08, 0.4)))
}

/// Range, main formant in Hz, fall in dB an octave when loud, attack in s: trumpet, trombone, horn, tuba, section.
const BRASS: [((f64, f64), f64, f64, f64); 5] = [
    ((54.0, 86.0), 1300.0, 3.5, 0.035),
    ((40.0, 72.0), 650.0, 4.5, 0.05),
    ((41.0, 77.0), 450.0, 7.0, 0.07),
    ((29.0, 58.0), 270.0, 8.0, 0.07),
    ((43.0, 82.0), 1000.0, 4.0, 0.045),
];

/// A brass player or section.
pub(super) fn brass(rng: &mut Rng) -> Box<dyn Voice> {
    let kind = rng.weighted(&[0.28, 0.18, 0.17, 0.07, 0.3]);
    let (range, formant, loud_db, attack_s) = BRASS[kind];
    let players = if kind == 4 { rng.int(2, 5) } else { 1 };
    let loud_db = loud_db * rng.range(0.8, 1.2);
    let wind = Wind {
        seed: rng.seed(),
        spectrum: Spectrum {
            soft_db: loud_db + rng.range(6.0, 12.0),
            loud_db,
            even: 1.0,
            formants: vec![
                (formant * rng.range(0.85, 1.2), rng.range(0.7, 1.1), rng.range(5.0, 11.0)),
                (formant * rng.range(2.0, 2.8), 0.5, rng.range(0.0, 5.0)),
            ],
            jagged_db: rng.range(0.5, 2.0),
            top_hz: rng.log_range(3500.0, 9000.0),
        },
        players,
        detune_cents: if players > 1 { rng.range(3.0, 9.0) } else { 1.5 },
        ragged_s: if players > 1 { rng.range(0.005, 0.03) } else { 0.003 },
        shape: Shape {
            attack_s: attack_s * rng.log_range(0.5, 2.2),
            decay_s: rng.range(0.1, 0.4),
            sustain: rng.range(0.6, 0.95),
            release_s: rng.range(0.06, 0.2),
        },
        follow: rng.range(1.2, 2.6),
        vibrato_hz: rng.range(4.5, 6.2),
        vibrato_cents: if rng.chance(0.45) { rng.range(4.0, 22.0) } else { 0.0 },
        vibrato_after_s: rng.range(0.25, 0.7),
        shiver: rng.range(0.0, 0.08),
        breath: (rng.range(0.003, 0.02), rng.range(2.0, 5.0), 0.7),
        chiff: rng.range(0.0, 0.08),
        scoop_cents: -rng.range(5.0, 70.0),
        scoop_s: rng.range(0.02, 0.08),
        glide_s: if kind == 1 && rng.chance(0.4) { rng.range(0.04, 0.15) } else { 0.0 },
        flutter: rng.chance(0.05).then(|| (rng.range(22.0, 30.0), rng.range(0.3, 0.6))),
    };
    let mute = (kind < 3 && rng.chance(0.2))
        .then(|| (rng.range(1100.0, 2000.0), 1.2, rng.range(6.0, 13.0)));
    let tone = Blown { wind, mute, hall: hall(rng) };
    Player::boxed(Label::Brass, range, if players > 1 { 3 } else { 1 }, rng, tone)
}

/// What sets one woodwind apart from another.
#[derive(Clone, Copy, Debug)]
struct Reed {
    range: (f64, f64),
    soft_db: f64,
    loud_db: f64,
    even: f64,
    formants: [(f64, f64, f64); 3],
    breath: f64,
    attack_s: f64,
    vibrato_cents: f64,
    shiver: f64,
}

const NONE: (f64, f64, f64) = (1000.0, 1.0, 0.0);

/// Flute, piccolo, recorder, clarinet, oboe, bassoon, saxophones (soprano to baritone as one), pan flute.
const REEDS: [Reed; 8] = [
    Reed {
        range: (60.0, 94.0),
        soft_db: 17.0,
        loud_db: 9.0,
        even: 0.9,
        formants: [(700.0, 1.0, 3.0), NONE, NONE],
        breath: 0.09,
        attack_s: 0.06,
        vibrato_cents: 12.0,
        shiver: 0.18,
    },
    Reed {
        range: (74.0, 102.0),
        soft_db: 18.0,
        loud_db: 10.0,
        even: 0.8,
        formants: [NONE, NONE, NONE],
        breath: 0.07,
        attack_s: 0.04,
        vibrato_cents: 10.0,
        shiver: 0.15,
    },
    Reed {
        range: (65.0, 96.0),
        soft_db: 18.0,
        loud_db: 13.0,
        even: 0.45,
        formants: [NONE, NONE, NONE],
        breath: 0.05,
        attack_s: 0.03,
        vibrato_cents: 6.0,
        shiver: 0.08,
    },
    Reed {
        range: (50.0, 89.0),
        soft_db: 12.0,
        loud_db: 6.0,
        even: 0.1,
        formants: [(1500.0, 0.8, 5.0), (3500.0, 0.6, 3.0), NONE],
        breath: 0.015,
        attack_s: 0.04,
        vibrato_cents: 3.0,
        shiver: 0.02,
    },
    Reed {
        range: (58.0, 89.0),
        soft_db: 6.0,
        loud_db: 3.5,
        even: 1.0,
        formants: [(1100.0, 0.5, 12.0), (2900.0, 0.4, 8.0), NONE],
        breath: 0.012,
        attack_s: 0.035,
        vibrato_cents: 12.0,
        shiver: 0.1,
    },
    Reed {
        range: (34.0, 70.0),
        soft_db: 8.0,
        loud_db: 5.0,
        even: 1.0,
        formants: [(480.0, 0.5, 12.0), (1150.0, 0.4, 6.0), NONE],
        breath: 0.012,
        attack_s: 0.04,
        vibrato_cents: 8.0,
        shiver: 0.06,
    },
    Reed {
        range: (44.0, 82.0),
        soft_db: 8.0,
        loud_db: 4.0,
        even: 0.85,
        formants: [(650.0, 0.6, 6.0), (1400.0, 0.5, 6.0), (3000.0, 0.5, 5.0)],
        breath: 0.05,
        attack_s: 0.03,
        vibrato_cents: 18.0,
        shiver: 0.08,
    },
    Reed {
        range: (60.0, 91.0),
        soft_db: 20.0,
        loud_db: 15.0,
        even: 0.25,
        formants: [NONE, NONE, NONE],
        breath: 0.22,
        attack_s: 0.05,
        vibrato_cents: 12.0,
        shiver: 0.2,
    },
];

/// A woodwind player or a small choir of them.
pub(super) fn woodwind(rng: &mut Rng) -> Box<dyn Voice> {
    let kind = rng.weighted(&[0.22, 0.05, 0.08, 0.2, 0.12, 0.08, 0.2, 0.05]);
    let reed = REEDS[kind];
    let players = if rng.chance(0.12) { rng.int(2, 4) } else { 1 };
    let loud_db = reed.loud_db * rng.range(0.85, 1.15);
    let wind = Wind {
        seed: rng.seed(),
        spectrum: Spectrum {
            soft_db: loud_db + (reed.soft_db - reed.loud_db) * rng.range(0.7, 1.3),
            loud_db,
            even: reed.even * rng.log_range(0.7, 1.3),
            formants: reed
                .formants
                .map(|(f, w, g)| (f * rng.range(0.85, 1.15), w, g * rng.range(0.6, 1.3)))
                .to_vec(),
            jagged_db: rng.range(1.0, 3.5),
            top_hz: rng.log_range(3500.0, 9000.0),
        },
        players,
        detune_cents: if players > 1 { rng.range(3.0, 8.0) } else { 1.5 },
        ragged_s: if players > 1 { rng.range(0.005, 0.03) } else { 0.0 },
        shape: Shape {
            attack_s: reed.attack_s * rng.log_range(0.5, 2.2),
            decay_s: 0.3,
            sustain: rng.range(0.75, 1.0),
            release_s: rng.range(0.06, 0.2),
        },
        follow: rng.range(0.6, 1.6),
        vibrato_hz: rng.range(4.4, 6.2),
        vibrato_cents: reed.vibrato_cents * rng.range(0.0, 1.5),
        vibrato_after_s: rng.range(0.1, 0.5),
        shiver: reed.shiver * rng.range(0.0, 1.4),
        breath: (reed.breath * rng.log_range(0.4, 2.2), rng.range(1.5, 5.0), rng.range(0.5, 1.5)),
        chiff: reed.breath * rng.range(0.0, 2.5),
        scoop_cents: -rng.range(0.0, if kind == 6 { 110.0 } else { 30.0 }),
        scoop_s: rng.range(0.03, 0.1),
        glide_s: if rng.chance(0.25) { rng.range(0.02, 0.07) } else { 0.0 },
        flutter: (kind == 6 && rng.chance(0.15))
            .then(|| (rng.range(20.0, 70.0), rng.range(0.2, 0.5))),
    };
    let tone = Blown { wind, mute: None, hall: hall(rng) };
    Player::boxed(Label::Woodwinds, reed.range, if players > 1 { 2 } else { 1 }, rng, tone)
}
