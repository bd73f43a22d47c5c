//! Bars, tubes, tongues and pans struck with mallets.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use crate::dsp::{Mode, Noise, Rotor, Svf, gate, ring};
use crate::rng::{Draw as _, Rng};

/// Partial ratios, levels at a hard stroke, decay in s at C5, and sensible pitches of an instrument.
type Bars = (&'static [f64], &'static [f64], f64, (f64, f64));

/// Marimba, vibraphone, xylophone, glockenspiel, tubular bells, celesta, kalimba, steel pan, music box
/// (ratios after Fletcher and Rossing 1998, chapters 19 to 21).
const KINDS: [Bars; 9] = [
    (&[1.0, 3.93, 9.24, 16.3], &[1.0, 0.25, 0.12, 0.04], 0.9, (45.0, 88.0)),
    (&[1.0, 4.0, 10.1, 17.5], &[1.0, 0.2, 0.08, 0.03], 4.5, (53.0, 89.0)),
    (&[1.0, 3.0, 6.1, 11.0], &[1.0, 0.5, 0.25, 0.1], 0.45, (65.0, 100.0)),
    (&[1.0, 2.76, 5.4, 8.93], &[1.0, 0.5, 0.3, 0.15], 3.2, (77.0, 103.0)),
    (
        &[0.5, 1.0, 1.51, 2.1, 2.76, 3.5, 4.2],
        &[0.25, 1.0, 0.8, 0.6, 0.4, 0.3, 0.2],
        5.0,
        (60.0, 79.0),
    ),
    (&[1.0, 2.0, 3.9, 6.0], &[1.0, 0.25, 0.2, 0.08], 1.8, (60.0, 98.0)),
    (&[1.0, 5.4, 9.8, 14.0], &[1.0, 0.2, 0.12, 0.05], 1.2, (55.0, 86.0)),
    (&[1.0, 2.0, 3.01, 4.0, 5.02], &[1.0, 0.6, 0.35, 0.15, 0.1], 1.0, (53.0, 84.0)),
    (&[1.0, 2.9, 5.7, 7.2], &[1.0, 0.3, 0.25, 0.1], 1.6, (65.0, 100.0)),
];

#[derive(Debug)]
struct Mallet {
    ratios: Vec<f64>,
    levels: Vec<f64>,
    t60_s: f64,
    hard: f64,
    knock: f64,
    knock_hz: f64,
    damp_s: f64,
    tremolo: Option<(f64, f64)>,
    roll_hz: Option<f64>,
}

impl Mallet {
    fn strike(&self, stroke: &mut Stroke<'_>, force: f64, out: &mut [f32]) {
        let (rate, freq, velocity) = (stroke.rate, stroke.freq(), stroke.note.velocity);
        let t60_s = self.t60_s * libm::exp2((72.0 - stroke.note.pitch) / 20.0);
        let mut sound =
            scratch(out, (t60_s * 1.4).min(stroke.note.duration_s + self.damp_s * 1.4), rate);
        let modes: Vec<Mode> = self
            .ratios
            .iter()
            .zip(&self.levels)
            .enumerate()
            .map(|(i, (ratio, level))| Mode {
                freq_hz: freq * ratio,
                amp: level
                    * if i == 0 {
                        1.0
                    } else {
                        self.hard * (0.2 + 1.2 * velocity) * stroke.rng.range(0.8, 1.2)
                    },
                t60_s: t60_s / (1.0 + 0.9 * (ratio - 1.0).max(0.0)).sqrt(),
                phase: 0.0,
            })
            .collect();
        ring(&modes, rate, &mut sound);
        let mut noise = Noise::new(&mut stroke.rng);
        let mut band = Svf::new(self.knock_hz, 1.0, rate);
        let keep = libm::exp(-6.9 / (0.025 * rate)) as f32;
        let mut level = (self.knock * velocity) as f32;
        for x in sound.iter_mut().take((0.04 * rate) as usize) {
            *x += level * band.band(noise.next());
            level *= keep;
        }
        gate(&mut sound, stroke.note.duration_s, self.damp_s, rate);
        mix(out, &sound, force);
    }
}

impl Tone for Mallet {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let force = stroke.force();
        let Some(roll_hz) = self.roll_hz.filter(|_| stroke.note.duration_s > 0.5) else {
            return self.strike(stroke, force, out);
        };
        let blows = (stroke.note.duration_s * roll_hz) as usize;
        for blow in 0..blows.max(1) {
            let late = (blow as f64 + stroke.rng.range(-0.1, 0.1)).max(0.0) / roll_hz;
            let start = ((late * stroke.rate) as usize).min(out.len());
            let force = force * stroke.rng.range(0.6, 0.9);
            self.strike(stroke, force, &mut out[start..]);
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        if let Some((speed, depth)) = self.tremolo {
            let mut swing = Rotor::new(speed, 0.0, rate);
            stem.iter_mut().for_each(|x| *x *= (1.0 - depth * (0.5 + 0.5 * swing.next())) as f32);
        }
    }
}

/// A tuned percussion instrument.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    let kind = rng.weighted(&[0.22, 0.22, 0.12, 0.12, 0.07, 0.07, 0.07, 0.06, 0.05]);
    let (ratios, levels, t60_s, range) = KINDS[kind];
    let tone = Mallet {
        ratios: ratios
            .iter()
            .enumerate()
            .map(|(i, r)| if i == 0 { *r } else { r * rng.range(0.97, 1.03) })
            .collect(),
        levels: levels.iter().map(|l| l * rng.log_range(0.6, 1.6)).collect(),
        t60_s: t60_s * rng.log_range(0.6, 1.5),
        hard: rng.log_range(0.3, 1.8),
        knock: rng.range(0.02, 0.5),
        knock_hz: rng.log_range(400.0, 4000.0),
        damp_s: if kind == 1 { rng.range(0.3, 1.5) } else { t60_s * rng.range(0.6, 1.2) },
        tremolo: (kind == 1 && rng.chance(0.6)).then(|| (rng.range(2.5, 7.0), rng.range(0.2, 0.7))),
        roll_hz: (matches!(kind, 0 | 2 | 7) && rng.chance(0.3)).then(|| rng.range(9.0, 15.0)),
    };
    Player::boxed(Label::Mallets, range, 4, rng, tone)
}
