//! Basses: electric (fingers, pick, slap), upright, and synthetic ones from `synth`.

use signal::Label;

use super::Voice;
use super::string::Plucked;
use super::synth;
use super::tone::{Player, Stroke, Tone};
use crate::dsp::{Biquad, drive, normalise};
use crate::rng::{Draw as _, Rng};

/// A plucked bass string, its body or its amplifier.
#[derive(Debug)]
struct Stringed {
    string: Plucked,
    slap: f64,
    body: Vec<(f64, f64, f64)>,
    top_hz: f64,
    gain: f32,
}

impl Tone for Stringed {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let freq = stroke.freq();
        if stroke.note.velocity > 0.6 && stroke.rng.chance(self.slap) {
            // The thumb drives the string against the fret: a harder, brighter stroke.
            let hard = Plucked { pick_hz: 9000.0, snap: 0.8, place: 0.06, ..self.string.clone() };
            hard.pluck(freq, stroke, out);
        } else {
            self.string.pluck(freq, stroke, out);
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        for &(freq, q, gain_db) in &self.body {
            Biquad::peak(freq, q, gain_db, rate).run(stem);
        }
        Biquad::low_pass(self.top_hz, 0.7, rate).run(stem);
        Biquad::high_pass(28.0, 0.7, rate).run(stem);
        normalise(stem, 1.0);
        drive(stem, self.gain, 0.08, 0.1, rate);
    }
}

/// A bass of any kind.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    // Fingers, pick, slap, upright, synthetic.
    let kind = rng.weighted(&[0.28, 0.14, 0.1, 0.16, 0.32]);
    if kind == 4 {
        return synth::bass(rng);
    }
    let (pick_hz, rough, t60_s, loss_hz, snap) = [
        (700.0, 0.5, 7.0, 5000.0, 0.05),
        (2500.0, 0.25, 6.0, 8000.0, 0.25),
        (1800.0, 0.3, 6.0, 10_000.0, 0.3),
        (500.0, 0.7, 2.2, 2600.0, 0.1),
    ][kind];
    let upright = kind == 3;
    let tone = Stringed {
        string: Plucked {
            place: rng.range(0.08, 0.3),
            pick_hz: pick_hz * rng.log_range(0.6, 1.8),
            rough,
            t60_s: t60_s * rng.log_range(0.5, 1.5),
            loss_hz: loss_hz * rng.log_range(0.6, 1.5),
            beat_cents: rng.range(0.1, 2.0),
            damp_s: rng.log_range(0.05, 0.3),
            snap: snap * rng.range(0.2, 1.5),
        },
        slap: if kind == 2 { rng.range(0.5, 1.0) } else { 0.0 },
        body: if upright {
            [(98.0, 4.0, 6.0), (170.0, 4.0, 4.0), (240.0, 3.0, 3.0), (700.0, 1.5, 3.0)]
                .map(|(f, q, g)| (f * rng.range(0.85, 1.15), q, g * rng.range(0.4, 1.3)))
                .to_vec()
        } else {
            vec![
                (rng.log_range(70.0, 140.0), 0.8, rng.range(-2.0, 6.0)),
                (rng.log_range(400.0, 1200.0), 0.9, rng.range(-5.0, 4.0)),
                (rng.log_range(1500.0, 3500.0), 1.0, rng.range(-4.0, 5.0)),
            ]
        },
        top_hz: rng.log_range(if upright { 2500.0 } else { 2000.0 }, 7000.0),
        gain: if upright { 0.6 } else { rng.log_range(0.4, 5.0) as f32 },
    };
    Player::boxed(Label::Bass, (28.0, 55.0), 1, rng, tone)
}
