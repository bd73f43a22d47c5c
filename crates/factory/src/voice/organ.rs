//! Organs: tone wheels with drawbars and a rotary speaker, pipes, transistor combos, free reeds.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, scratch};
use crate::dsp::{Chorus, Hall, Noise, Rotor, Shape, Svf, Table, drive, normalise, semitones};
use crate::rng::{Draw as _, Rng};

/// A rank of pipes, reeds or wheels.
#[derive(Clone, Debug)]
struct Rank {
    /// Pitch of the table's first harmonic relative to the key.
    foot: f64,
    amps: Vec<f64>,
    detune_cents: f64,
}

#[derive(Debug)]
struct Organ {
    ranks: Vec<Rank>,
    shape: Shape,
    /// Harmonic and level of the percussion stop.
    percussion: Option<(f64, f64)>,
    /// Level of key click or chiff, and its frequency as a multiple of the key's.
    click: (f64, f64),
    swell: bool,
    vibrato: Option<(f64, f64)>,
    rotary: Option<(f64, f64)>,
    push: f32,
    hall: Option<(f64, f64)>,
}

impl Organ {
    fn rank(&self, rank: &Rank, stroke: &mut Stroke<'_>, sound: &mut [f32]) {
        let rate = stroke.rate;
        let freq = stroke.freq() * rank.foot * semitones(rank.detune_cents * 0.01);
        let count = ((0.45 * rate / freq) as usize).min(rank.amps.len());
        let phases: Vec<f64> = (0..count).map(|_| stroke.rng.range(0.0, 1.0)).collect();
        let table = Table::new(&rank.amps[..count], &phases);
        let step = freq / rate;
        let mut phase = stroke.rng.range(0.0, 1.0);
        for x in sound {
            *x += table.at(phase);
            phase += step;
            if phase >= 1.0 {
                phase -= 1.0;
            }
        }
    }

    fn attack(&self, stroke: &mut Stroke<'_>, sound: &mut [f32]) {
        let (rate, freq) = (stroke.rate, stroke.freq());
        let mut noise = Noise::new(&mut stroke.rng);
        let mut band = Svf::new((freq * self.click.1).min(0.4 * rate), 1.2, rate);
        let keep = libm::exp(-6.9 / (0.05 * rate)) as f32;
        let mut level = self.click.0 as f32;
        for x in sound.iter_mut().take((0.08 * rate) as usize) {
            *x += level * band.band(noise.next());
            level *= keep;
        }
        if let (Some((harmonic, amp)), None) = (self.percussion, stroke.before) {
            let mut ping = Rotor::new(freq * harmonic, 0.0, rate);
            let keep = libm::exp(-6.9 / (0.6 * rate));
            let mut level = amp;
            for x in sound.iter_mut().take((0.7 * rate) as usize) {
                *x += (level * ping.next()) as f32;
                level *= keep;
            }
        }
    }
}

impl Tone for Organ {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let (rate, hold) = (stroke.rate, stroke.note.duration_s);
        let length = self.shape.samples(hold, rate) as f64 / rate;
        let mut sound = scratch(out, length, rate);
        for rank in &self.ranks {
            self.rank(rank, stroke, &mut sound);
        }
        self.attack(stroke, &mut sound);
        let mut envelope = self.shape.start(hold, rate);
        // Organ keys know no velocity; only bellows do.
        let force = if self.swell { 0.4 + 0.6 * stroke.note.velocity } else { 0.8 };
        for (x, y) in out.iter_mut().zip(&sound) {
            *x += y * (force * envelope.next()) as f32;
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        normalise(stem, 1.0);
        if let Some((speed, depth_s)) = self.vibrato {
            Chorus::new(1, 0.004, depth_s, speed, 1.0, rate).run(stem);
        }
        drive(stem, self.push, 0.05, 0.0, rate);
        if let Some((speed, depth)) = self.rotary {
            // Horn and drum: delays that swing, and the level with them.
            Chorus::new(2, 0.003, 0.0006, speed, 0.8, rate).run(stem);
            let mut swing = Rotor::new(speed, 0.25, rate);
            stem.iter_mut().for_each(|x| *x *= (1.0 - depth * (0.5 + 0.5 * swing.next())) as f32);
        }
        if let Some((size, t60_s)) = self.hall {
            let mut hall = Hall::new(size, t60_s, 5000.0, rate);
            for x in stem {
                let (left, right) = hall.next(*x);
                *x += 0.3 * (left + right);
            }
        }
    }
}

/// Drawbars at 16, 5 1/3, 8, 4, 2 2/3, 2, 1 3/5, 1 1/3 and 1 foot are these harmonics of the 16-foot tone.
const DRAWBARS: [usize; 9] = [1, 3, 2, 4, 6, 8, 10, 12, 16];

fn wheels(rng: &mut Rng) -> Vec<Rank> {
    let mut amps = vec![0.0; 16];
    for (bar, harmonic) in DRAWBARS.into_iter().enumerate() {
        // The first drawbars are nearly always out, the high ones seldom.
        let out = if bar == 2 || rng.chance(0.75 - 0.07 * bar as f64) { rng.int(2, 8) } else { 0 };
        // 3 dB a step.
        amps[harmonic - 1] = if out == 0 { 0.0 } else { crate::dsp::db(3.0 * (out as f64 - 8.0)) };
    }
    vec![Rank { foot: 0.5, amps, detune_cents: 0.0 }]
}

/// Harmonics that fall by a slope, the even ones scaled.
fn series(count: usize, slope_db: f64, even: f64, rng: &mut Rng) -> Vec<f64> {
    (1..=count)
        .map(|k| {
            let fall = crate::dsp::db(-slope_db * libm::log2(k as f64));
            fall * if k % 2 == 0 { even } else { 1.0 } * rng.log_range(0.6, 1.6)
        })
        .collect()
}

fn ranks(kind: usize, rng: &mut Rng) -> Vec<Rank> {
    match kind {
        0 => wheels(rng),
        1 => {
            let feet = [0.5, 1.0, 1.0, 2.0, 3.0, 4.0];
            let count = rng.int(2, feet.len());
            (0..count)
                .map(|i| {
                    let slope = rng.range(7.0, 20.0);
                    let even = rng.range(0.15, 1.0);
                    let foot = if i == 0 { 1.0 } else { rng.pick(&feet) };
                    let mut amps = series(24, slope, even, rng);
                    let level = if i == 0 { 1.0 } else { rng.range(0.2, 0.7) };
                    amps.iter_mut().for_each(|a| *a *= level);
                    Rank { foot, amps, detune_cents: rng.normal(1.5) }
                })
                .collect()
        }
        2 => {
            let (slope, even) = (rng.range(4.0, 9.0), rng.range(0.0, 0.8));
            [1.0, 2.0]
                .map(|foot| Rank { foot, amps: series(40, slope, even, rng), detune_cents: 0.0 })
                .to_vec()
        }
        _ => {
            let (slope, spread) = (rng.range(4.0, 9.0), rng.range(2.0, 16.0));
            let count = rng.int(1, 3);
            (0..count)
                .map(|i| Rank {
                    foot: if i == 2 { 0.5 } else { 1.0 },
                    amps: series(40, slope, 0.9, rng),
                    detune_cents: spread * i as f64,
                })
                .collect()
        }
    }
}

/// An organ.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    // Tone wheels, pipes, combo, free reeds (accordion, harmonium, harmonica).
    let kind = rng.weighted(&[0.45, 0.25, 0.12, 0.18]);
    let slow = kind == 1 || kind == 3;
    let tone = Organ {
        ranks: ranks(kind, rng),
        shape: Shape {
            attack_s: if slow { rng.log_range(0.02, 0.12) } else { rng.log_range(0.003, 0.012) },
            decay_s: 0.1,
            sustain: 1.0,
            release_s: if slow { rng.range(0.08, 0.3) } else { rng.range(0.02, 0.06) },
        },
        percussion: (kind == 0 && rng.chance(0.4))
            .then(|| (rng.pick(&[2.0, 3.0]), rng.range(0.3, 1.0))),
        click: (if slow { rng.range(0.0, 0.15) } else { rng.range(0.0, 0.5) }, rng.range(2.0, 9.0)),
        swell: kind == 3,
        vibrato: (kind != 1 && rng.chance(0.35))
            .then(|| (rng.range(5.0, 7.2), rng.range(0.0001, 0.0004))),
        rotary: (kind == 0 && rng.chance(0.75)).then(|| {
            let speed = if rng.chance(0.5) { rng.range(5.5, 7.0) } else { rng.range(0.5, 1.0) };
            (speed, rng.range(0.1, 0.5))
        }),
        push: if kind == 0 { rng.log_range(0.4, 5.0) as f32 } else { 0.4 },
        hall: (kind == 1 && rng.chance(0.8)).then(|| (rng.range(0.8, 1.5), rng.range(1.0, 4.0))),
    };
    Player::boxed(Label::Organ, (40.0, 88.0), 5, rng, tone)
}
