//! Pianos: stiff strings in pairs struck by a hammer, with two-stage decay, damper and key noise.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use crate::dsp::{Biquad, Mode, Noise, Svf, db, gate, ring, semitones};
use crate::rng::{Draw as _, Rng};

/// A piano's make and state.
#[derive(Debug)]
struct Piano {
    /// Factor on the inharmonicity: uprights have shorter, stiffer strings.
    stiff: f64,
    /// Where the hammer strikes, as a share of the string.
    place: f64,
    /// Corner of the hammer's spectrum at full velocity.
    hammer_hz: f64,
    detune_cents: f64,
    t60_s: f64,
    /// How much faster the first decay is than the second.
    prompt: f64,
    damp_s: f64,
    thump: f64,
    /// Gains of the soundboard in dB at seven frequencies an octave apart from 100 Hz.
    board_db: [f64; 8],
    treble_db: f64,
}

impl Piano {
    fn board(&self, freq: f64) -> f64 {
        let place = libm::log2((freq / 100.0).max(1.0)).min(6.99);
        let (index, part) = (place as usize, place - place.floor());
        db(self.board_db[index] * (1.0 - part) + self.board_db[index + 1] * part)
    }

    /// Two modes for each partial: one dies at once, the other lingers (Weinreich 1977).
    fn modes(&self, stroke: &mut Stroke<'_>) -> Vec<Mode> {
        let (pitch, velocity, freq) = (stroke.note.pitch, stroke.note.velocity, stroke.freq());
        // Coefficients of stiffness measured on pianos lie about here (Fletcher and Rossing 1998, 12.3).
        let stiff = self.stiff
            * (1.6e-4 * libm::exp(0.075 * (pitch - 48.0)) + 2e-4 * libm::exp((21.0 - pitch) / 9.0));
        let t60_s = self.t60_s * libm::exp2((60.0 - pitch) / 15.0);
        let hammer = self.hammer_hz
            * (0.12 + 0.88 * velocity * velocity)
            * libm::exp2((pitch - 60.0) / 30.0);
        let detune = semitones(self.detune_cents * 0.01 * stroke.rng.range(0.6, 1.4)) - 1.0;
        let mut modes = Vec::new();
        for partial in 1..=48u32 {
            let k = f64::from(partial);
            let freq_hz = freq * k * (1.0 + stiff * k * k).sqrt();
            if freq_hz > 0.46 * stroke.rate {
                break;
            }
            let comb = libm::sin(core::f64::consts::PI * k * self.place).abs() + 0.05;
            // The lightest strings radiate no deep fundamental in the bass.
            let radiates = 1.0 / (1.0 + (90.0 / freq_hz) * (90.0 / freq_hz));
            let amp =
                comb * radiates * self.board(freq_hz) * libm::exp(-freq_hz / hammer - 0.05 * k)
                    / (1.0 + 0.15 * k)
                    * stroke.rng.range(0.75, 1.25);
            let slow = t60_s / (1.0 + 0.05 * k + freq_hz / 5000.0);
            let phase = if partial % 2 == 0 { 0.5 } else { 0.0 };
            modes.push(Mode { freq_hz, amp, t60_s: slow / self.prompt, phase });
            modes.push(Mode {
                freq_hz: freq_hz * (1.0 + detune),
                amp: 0.35 * amp,
                t60_s: slow,
                phase,
            });
        }
        modes
    }

    fn knock(&self, stroke: &mut Stroke<'_>, sound: &mut [f32]) {
        let rate = stroke.rate;
        let mut noise = Noise::new(&mut stroke.rng);
        let mut felt = Svf::new(300.0 + 2200.0 * stroke.note.velocity, 0.8, rate);
        let mut key = Svf::new(110.0, 1.5, rate);
        let keep = libm::exp(-6.9 / (0.06 * rate)) as f32;
        let mut level = (self.thump * 0.5) as f32;
        for x in sound.iter_mut().take((0.1 * rate) as usize) {
            let white = noise.next();
            *x += level * (felt.band(white) + 1.5 * key.band(white));
            level *= keep;
        }
    }
}

impl Tone for Piano {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let rate = stroke.rate;
        // The top strings have no dampers.
        let damp_s = if stroke.note.pitch > 89.0 { 2.0 } else { self.damp_s };
        let mut sound = scratch(out, stroke.note.duration_s + damp_s * 1.4, rate);
        ring(&self.modes(stroke), rate, &mut sound);
        self.knock(stroke, &mut sound);
        gate(&mut sound, stroke.note.duration_s, damp_s, rate);
        mix(out, &sound, stroke.force());
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        Biquad::high_shelf(3500.0, self.treble_db, rate).run(stem);
    }
}

/// A piano: grand, upright, honky-tonk or felt.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    let kind = rng.weighted(&[0.5, 0.25, 0.1, 0.15]);
    let (stiff, hammer_hz, detune_cents, t60_s) = [
        (rng.range(0.6, 1.2), 2600.0, rng.range(0.3, 1.5), 9.0),
        (rng.range(1.3, 2.6), 2200.0, rng.range(0.8, 4.0), 6.0),
        (rng.range(1.3, 2.6), 2800.0, rng.range(7.0, 16.0), 5.0),
        (rng.range(0.8, 2.0), 900.0, rng.range(0.5, 3.0), 6.0),
    ][kind];
    let tone = Piano {
        stiff,
        place: rng.range(0.09, 0.15),
        hammer_hz: hammer_hz * rng.log_range(0.6, 1.8),
        detune_cents,
        t60_s: t60_s * rng.log_range(0.7, 1.4),
        prompt: rng.range(2.0, 5.0),
        damp_s: rng.log_range(0.12, 0.7),
        thump: rng.range(0.02, if kind == 3 { 0.5 } else { 0.2 }),
        board_db: core::array::from_fn(|_| rng.normal(3.5)),
        treble_db: rng.range(-5.0, 4.0),
    };
    Player::boxed(Label::Piano, (33.0, 96.0), 6, rng, tone)
}
