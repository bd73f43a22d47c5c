//! Acoustic guitars (nylon, steel, twelve strings, ukulele, banjo) and electric ones through pickup, amplifier and cabinet.

use signal::Label;

use super::Voice;
use super::string::Plucked;
use super::tone::{Player, Stroke, Tone};
use crate::dsp::{Biquad, Chorus, Rotor, drive, normalise};
use crate::rng::{Draw as _, Rng};

/// Plucked strings on a wooden body.
#[derive(Debug)]
struct Acoustic {
    string: Plucked,
    /// Level of the octave strings of a twelve-string.
    doubled: f64,
    /// Centre, quality and gain of the body's resonances.
    body: Vec<(f64, f64, f64)>,
    treble_db: f64,
    strum_s: f64,
}

impl Tone for Acoustic {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let freq = stroke.freq();
        let late = (stroke.rng.range(0.0, self.strum_s) * stroke.rate) as usize;
        let late = late.min(out.len());
        self.string.pluck(freq, stroke, &mut out[late..]);
        if self.doubled > 0.0 {
            let octave = if stroke.note.pitch < 56.0 { 2.0 } else { 1.0 };
            let soft =
                crate::note::Note { velocity: stroke.note.velocity * self.doubled, ..*stroke.note };
            let rng = stroke.rng.clone();
            let mut second = Stroke { note: &soft, before: None, rate: stroke.rate, rng };
            self.string.pluck(freq * octave * 1.002, &mut second, &mut out[late..]);
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        for &(freq, q, gain_db) in &self.body {
            Biquad::peak(freq, q, gain_db, rate).run(stem);
        }
        Biquad::high_pass(70.0, 0.7, rate).run(stem);
        Biquad::high_shelf(4000.0, self.treble_db, rate).run(stem);
    }
}

/// An acoustic guitar or one of its relatives.
pub(super) fn acoustic(rng: &mut Rng) -> Box<dyn Voice> {
    // Nylon, steel, ukulele, banjo.
    let kind = rng.weighted(&[0.35, 0.45, 0.1, 0.1]);
    let (t60_s, loss_hz, pick_hz, size, range) = [
        (2.6, 7000.0, 1800.0, 1.0, (40.0, 76.0)),
        (4.5, 13_000.0, 3600.0, 1.0, (40.0, 78.0)),
        (1.2, 6500.0, 2000.0, 1.9, (60.0, 81.0)),
        (1.0, 14_000.0, 5000.0, 2.4, (48.0, 79.0)),
    ][kind];
    let tone = Acoustic {
        string: Plucked {
            place: rng.range(0.08, 0.35),
            pick_hz: pick_hz * rng.log_range(0.6, 1.7),
            rough: rng.range(0.3, 0.9),
            t60_s: t60_s * rng.log_range(0.6, 1.4),
            loss_hz: loss_hz * rng.log_range(0.7, 1.35),
            beat_cents: rng.range(0.2, 2.5),
            damp_s: rng.log_range(0.08, 0.5),
            snap: rng.range(0.0, 0.35),
        },
        doubled: if kind == 1 && rng.chance(0.2) { rng.range(0.4, 0.9) } else { 0.0 },
        // Helmholtz resonance, top plate, back plate, higher plate modes.
        body: [
            (102.0, 6.0, 7.0),
            (205.0, 5.0, 6.0),
            (290.0, 4.0, 3.0),
            (420.0, 3.0, 3.0),
            (1100.0, 1.5, -3.0),
            (2600.0, 1.2, 3.0),
        ]
        .map(|(f, q, g)| {
            (f * size * rng.range(0.88, 1.13), q * rng.range(0.6, 1.3), g * rng.range(0.2, 1.3))
        })
        .to_vec(),
        treble_db: rng.range(-6.0, 4.0),
        strum_s: if rng.chance(0.5) { rng.range(0.0, 0.035) } else { 0.0 },
    };
    Player::boxed(Label::AcousticGuitar, range, 6, rng, tone)
}

/// Plucked strings through pickup, pedals, amplifier and loudspeaker.
#[derive(Debug)]
struct Electric {
    string: Plucked,
    pickup_hz: f64,
    pickup_q: f64,
    gain: f32,
    bias: f32,
    hard: f32,
    mid: (f64, f64),
    cabinet: Option<(f64, f64, f64)>,
    chorus: Option<(f64, f64, f64)>,
    tremolo: Option<(f64, f64)>,
    mutes: f64,
    bend_share: f64,
}

impl Tone for Electric {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let freq = stroke.freq();
        if stroke.rng.chance(self.mutes) {
            let palm =
                Plucked { t60_s: 0.35, loss_hz: self.string.loss_hz * 0.4, ..self.string.clone() };
            palm.pluck(freq, stroke, out);
        } else {
            let slip = crate::dsp::semitones(stroke.rng.normal(self.bend_share * 0.04));
            self.string.pluck(freq * slip, stroke, out);
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        Biquad::low_pass(self.pickup_hz, self.pickup_q, rate).run(stem);
        Biquad::high_pass(75.0, 0.7, rate).run(stem);
        Biquad::peak(self.mid.0, 0.8, self.mid.1, rate).run(stem);
        normalise(stem, 1.0);
        drive(stem, self.gain, self.bias, self.hard, rate);
        if let Some((low, top, edge_db)) = self.cabinet {
            Biquad::high_pass(low, 0.9, rate).run(stem);
            Biquad::peak(top * 0.55, 1.2, edge_db, rate).run(stem);
            for q in [0.541, 1.307] {
                Biquad::low_pass(top, q, rate).run(stem);
            }
        }
        if let Some((speed, depth, wet)) = self.chorus {
            Chorus::new(2, 0.012, depth, speed, wet, rate).run(stem);
        }
        if let Some((speed, depth)) = self.tremolo {
            let mut swing = Rotor::new(speed, 0.0, rate);
            stem.iter_mut().for_each(|x| *x *= (1.0 - depth * (0.5 + 0.5 * swing.next())) as f32);
        }
    }
}

/// An electric guitar: clean, crunchy or distorted.
pub(super) fn electric(rng: &mut Rng) -> Box<dyn Voice> {
    let dirt = rng.weighted(&[0.4, 0.3, 0.3]);
    let tone = Electric {
        string: Plucked {
            place: rng.range(0.06, 0.3),
            pick_hz: rng.log_range(1500.0, 5500.0),
            rough: rng.range(0.15, 0.7),
            t60_s: rng.log_range(3.0, 9.0),
            loss_hz: rng.log_range(6500.0, 14_000.0),
            beat_cents: rng.range(0.1, 1.6),
            damp_s: rng.log_range(0.05, 0.25),
            snap: rng.range(0.0, 0.2),
        },
        pickup_hz: rng.log_range(2200.0, 6500.0),
        pickup_q: rng.range(0.7, 2.5),
        gain: [rng.range(0.3, 1.0), rng.log_range(2.0, 8.0), rng.log_range(12.0, 80.0)][dirt]
            as f32,
        bias: rng.range(0.0, 0.25) as f32,
        hard: rng.range(0.0, 0.7) as f32,
        mid: (rng.log_range(400.0, 1400.0), rng.range(-5.0, 7.0)),
        cabinet: (dirt > 0 || rng.chance(0.7))
            .then(|| (rng.range(70.0, 120.0), rng.log_range(3600.0, 6000.0), rng.range(0.0, 7.0))),
        chorus: rng
            .chance(0.25)
            .then(|| (rng.range(0.3, 2.5), rng.range(0.001, 0.004), rng.range(0.3, 0.9))),
        tremolo: rng.chance(0.12).then(|| (rng.range(3.0, 8.0), rng.range(0.3, 0.8))),
        mutes: if rng.chance(0.3) { rng.range(0.2, 1.0) } else { 0.0 },
        bend_share: rng.range(0.0, 1.0),
    };
    let polyphony = if dirt == 2 { 2 } else { 5 };
    Player::boxed(Label::ElectricGuitar, (40.0, 84.0), polyphony, rng, tone)
}
