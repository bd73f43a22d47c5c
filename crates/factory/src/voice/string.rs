//! A plucked string: a delay line fed back through a loss filter (Karplus and Strong 1983, Jaffe and Smith 1983),
//! excited by a filtered pick stroke. `guitar`, `bass`, `bowed` (pizzicato) and `electric_piano` (clavinet) play it.

use core::f64::consts::TAU;

use super::tone::{Stroke, scratch};
use crate::dsp::{Noise, OnePole, gate};
use crate::rng::Draw as _;

/// A string and the way it is plucked.
#[derive(Clone, Debug)]
pub(super) struct Plucked {
    /// Where it is plucked, as a share of its length.
    pub(super) place: f64,
    /// Corner of the pick's spectrum at full velocity.
    pub(super) pick_hz: f64,
    /// Share of noise in the pick, the rest is a click.
    pub(super) rough: f64,
    /// Time for the fundamental at 110 Hz to fall by 60 dB.
    pub(super) t60_s: f64,
    /// Corner of the loss in the loop: lower is duller.
    pub(super) loss_hz: f64,
    /// Mistuning of the two planes of vibration.
    pub(super) beat_cents: f64,
    /// Fall by 60 dB after the release.
    pub(super) damp_s: f64,
    /// Level of the sharp noise of the pick or finger.
    pub(super) snap: f64,
}

impl Plucked {
    /// Adds a plucked note.
    pub(super) fn pluck(&self, freq: f64, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let rate = stroke.rate;
        let t60_s = (self.t60_s * (110.0 / freq).sqrt()).clamp(0.08, 14.0);
        let hold = stroke.note.duration_s;
        let length = (hold + self.damp_s * 1.4).min(t60_s * 1.3);
        let mut sound = scratch(out, length + 0.02, rate);
        let force = stroke.force() as f32;
        let split = crate::dsp::semitones(self.beat_cents * 0.01);
        let pick = self.pick(freq, stroke);
        self.plane(freq, t60_s, &pick, rate, &mut sound);
        self.plane(freq * split, t60_s * 0.55, &pick, rate, &mut sound);
        if self.snap > 0.0 {
            let mut noise = Noise::new(&mut stroke.rng);
            let mut high = OnePole::new(1800.0, rate);
            let keep = libm::exp(-6.9 / (0.02 * rate)) as f32;
            let mut level = (self.snap * stroke.note.velocity) as f32;
            for x in sound.iter_mut().take((0.03 * rate) as usize) {
                *x += level * high.high(noise.next());
                level *= keep;
            }
        }
        let over = gate(&mut sound, hold, self.damp_s, rate);
        for (x, y) in out.iter_mut().zip(&sound[..over]) {
            *x += y * force;
        }
    }

    /// One period of excitation: click and noise, low-passed, notched by the plucking place.
    fn pick(&self, freq: f64, stroke: &mut Stroke<'_>) -> Vec<f32> {
        let rate = stroke.rate;
        let period = ((rate / freq) as usize).max(4);
        let corner = (self.pick_hz * (0.25 + 0.75 * stroke.note.velocity)).max(freq);
        let mut noise = Noise::new(&mut stroke.rng);
        let mut poles = [OnePole::new(corner, rate), OnePole::new(corner * 1.6, rate)];
        let click = (1.0 - self.rough) * (period as f64).sqrt();
        let mut raw: Vec<f32> = (0..period)
            .map(|i| {
                let impulse = if i == 1 { click as f32 } else { 0.0 };
                let x = impulse + self.rough as f32 * noise.next() * 1.7;
                poles.iter_mut().fold(x, |x, p| p.low(x))
            })
            .collect();
        let mean = raw.iter().sum::<f32>() / period as f32;
        raw.iter_mut().for_each(|x| *x -= mean);
        let place = (self.place * (1.0 + stroke.rng.normal(0.06))).clamp(0.03, 0.5);
        let back = ((period as f64 * place) as usize).max(1);
        let power: f32 = raw.iter().map(|x| x * x).sum::<f32>() / period as f32;
        let gain = 0.35 / power.sqrt().max(1e-6);
        (0..period).map(|i| gain * (raw[i] - 0.9 * raw[(i + period - back) % period])).collect()
    }

    /// One plane of vibration of the string.
    fn plane(&self, freq: f64, t60_s: f64, pick: &[f32], rate: f64, out: &mut [f32]) {
        let turn = TAU * freq / rate;
        let pole = libm::exp(-TAU * (self.loss_hz / rate).min(0.6));
        // Delay of the loss filter at the fundamental, so that the loop is in tune.
        let late = libm::atan2(pole * libm::sin(turn), 1.0 - pole * libm::cos(turn)) / turn;
        let total = (rate / freq - late).max(2.2);
        let whole = (total - 0.3) as usize;
        let part = total - whole as f64;
        let bend = ((1.0 - part) / (1.0 + part)) as f32;
        let loss = ((1.0 - pole) * (1.0 - pole)
            / (1.0 - 2.0 * pole * libm::cos(turn) + pole * pole))
            .sqrt();
        let keep = (libm::exp(-6.907_755 / (freq * t60_s)) / loss).min(0.9999);
        let (feed, pole) = (((1.0 - pole) * keep) as f32, pole as f32);
        let mut line = vec![0.0f32; whole];
        let (mut at, mut low, mut last_in, mut last_out) = (0, 0.0f32, 0.0f32, 0.0f32);
        for (i, x) in out.iter_mut().enumerate() {
            let delayed = line[at];
            let tuned = bend * (delayed - last_out) + last_in;
            (last_in, last_out) = (delayed, tuned);
            low = feed * tuned + pole * low;
            let fresh = low + pick.get(i).copied().unwrap_or(0.0);
            line[at] = fresh;
            at += 1;
            if at == whole {
                at = 0;
            }
            *x += fresh;
        }
    }
}
