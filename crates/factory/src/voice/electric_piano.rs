//! Electric pianos: tine and reed before a pickup, two-operator pairs as digital ones have them, clavinets.

use signal::Label;

use super::Voice;
use super::string::Plucked;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use crate::dsp::{Biquad, Chorus, Rotor, drive, gate, normalise, sine};
use crate::rng::{Draw as _, Rng};

/// A carrier whose phase is modulated by another sine.
#[derive(Clone, Debug)]
struct Pair {
    level: f64,
    carrier: f64,
    modulator: f64,
    /// Peak phase deviation in turns at full velocity.
    index: f64,
    index_t60_s: f64,
    t60_s: f64,
    detune_cents: f64,
}

#[derive(Debug)]
enum Source {
    Pairs(Vec<Pair>),
    Clavinet(Plucked),
}

#[derive(Debug)]
struct ElectricPiano {
    source: Source,
    damp_s: f64,
    /// Gain and asymmetry of pickup and amplifier.
    push: (f32, f32),
    bell_db: f64,
    top_hz: f64,
    tremolo: Option<(f64, f64)>,
    chorus: Option<(f64, f64)>,
}

impl Pair {
    fn sound(&self, stroke: &Stroke<'_>, sound: &mut [f32]) {
        let rate = stroke.rate;
        let base = stroke.freq() * crate::dsp::semitones(self.detune_cents * 0.01);
        let carrier = base * self.carrier / rate;
        let modulator = base * self.modulator / rate;
        if carrier > 0.45 {
            return;
        }
        // High operators are tamed so that their sidebands stay below Nyquist.
        let room = (0.45 / (carrier + 2.0 * modulator)).min(1.0);
        let low = libm::exp2((60.0 - stroke.note.pitch) / 18.0);
        let keep = libm::exp(-6.907_755 / (self.t60_s * low * rate));
        let calm = libm::exp(-6.907_755 / (self.index_t60_s * low.sqrt() * rate));
        let mut level = self.level;
        let mut index = self.index * stroke.note.velocity * room;
        let (mut p, mut m) = (0.0f64, 0.0f64);
        for x in sound {
            *x += (level * sine(p + index * sine(m))) as f32;
            p += carrier;
            m += modulator;
            p -= p.floor();
            m -= m.floor();
            level *= keep;
            index *= calm;
        }
    }
}

impl Tone for ElectricPiano {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        match &self.source {
            Source::Clavinet(string) => string.pluck(stroke.freq(), stroke, out),
            Source::Pairs(pairs) => {
                let mut sound =
                    scratch(out, stroke.note.duration_s + self.damp_s * 1.4, stroke.rate);
                for pair in pairs {
                    pair.sound(stroke, &mut sound);
                }
                gate(&mut sound, stroke.note.duration_s, self.damp_s, stroke.rate);
                mix(out, &sound, stroke.force());
            }
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        normalise(stem, 1.0);
        drive(stem, self.push.0, self.push.1, 0.0, rate);
        Biquad::high_pass(40.0, 0.7, rate).run(stem);
        Biquad::peak(1900.0, 0.8, self.bell_db, rate).run(stem);
        Biquad::low_pass(self.top_hz, 0.7, rate).run(stem);
        if let Some((speed, depth)) = self.tremolo {
            let mut swing = Rotor::new(speed, 0.0, rate);
            stem.iter_mut().for_each(|x| *x *= (1.0 - depth * (0.5 + 0.5 * swing.next())) as f32);
        }
        if let Some((speed, wet)) = self.chorus {
            Chorus::new(3, 0.014, 0.003, speed, wet, rate).run(stem);
        }
    }
}

impl Pair {
    /// Level, the two ratios, index, decays of index and sound (each drawn between two bounds), detuning.
    fn draw(
        (level, carrier, modulator): (f64, f64, f64),
        index: (f64, f64),
        index_t60_s: (f64, f64),
        t60_s: (f64, f64),
        detune_cents: f64,
        rng: &mut Rng,
    ) -> Self {
        let mut draw = |(lo, hi)| rng.range(lo, hi);
        let (index, index_t60_s, t60_s) = (draw(index), draw(index_t60_s), draw(t60_s));
        Self { level, carrier, modulator, index, index_t60_s, t60_s, detune_cents }
    }
}

fn pairs(kind: usize, rng: &mut Rng) -> Vec<Pair> {
    let detune = rng.range(0.0, 4.0);
    match kind {
        // The tine: a near-pure bar, with its clang at the sixth or so.
        0 => {
            let clang = (rng.range(0.05, 0.3), rng.range(5.8, 7.4), 1.0);
            vec![
                Pair::draw((1.0, 1.0, 1.0), (0.05, 0.22), (0.8, 3.0), (3.0, 6.0), 0.0, rng),
                Pair::draw(clang, (0.02, 0.02), (0.3, 0.3), (0.15, 0.5), 0.0, rng),
            ]
        }
        // The reed: more odd harmonics, shorter.
        1 => {
            let edge = (rng.range(0.1, 0.3), 1.0, 3.0);
            vec![
                Pair::draw((1.0, 1.0, 2.0), (0.08, 0.25), (0.6, 2.0), (1.5, 3.0), 0.0, rng),
                Pair::draw(edge, (0.1, 0.3), (0.4, 0.4), (0.6, 1.5), detune, rng),
            ]
        }
        // The digital one: a body pair and a bell pair at fourteen times.
        _ => {
            let bell = (rng.range(0.3, 0.7), 1.0, 14.0);
            vec![
                Pair::draw((0.8, 1.0, 1.0), (0.05, 0.2), (1.0, 3.0), (3.0, 7.0), detune, rng),
                Pair::draw((0.7, 1.0, 1.0), (0.03, 0.15), (1.0, 3.0), (3.0, 7.0), -detune, rng),
                Pair::draw(bell, (0.06, 0.2), (0.3, 0.9), (1.5, 4.0), 0.0, rng),
            ]
        }
    }
}

/// An electric piano.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    // Tine, reed, digital, clavinet.
    let kind = rng.weighted(&[0.4, 0.2, 0.28, 0.12]);
    let source = if kind == 3 {
        Source::Clavinet(Plucked {
            place: rng.range(0.05, 0.2),
            pick_hz: rng.log_range(3000.0, 7000.0),
            rough: rng.range(0.1, 0.4),
            t60_s: rng.range(2.0, 4.0),
            loss_hz: rng.log_range(8000.0, 14_000.0),
            beat_cents: rng.range(0.1, 0.8),
            damp_s: rng.range(0.03, 0.08),
            snap: rng.range(0.05, 0.3),
        })
    } else {
        Source::Pairs(pairs(kind, rng))
    };
    let tone = ElectricPiano {
        source,
        damp_s: rng.log_range(0.08, 0.35),
        push: (rng.log_range(0.3, 3.5) as f32, rng.range(0.0, 0.4) as f32),
        bell_db: rng.range(-4.0, 6.0),
        top_hz: rng.log_range(4000.0, 12_000.0),
        tremolo: rng.chance(0.4).then(|| (rng.range(2.5, 7.5), rng.range(0.15, 0.7))),
        chorus: rng.chance(0.35).then(|| (rng.range(0.3, 1.8), rng.range(0.3, 0.9))),
    };
    Player::boxed(Label::ElectricPiano, (36.0, 88.0), 5, rng, tone)
}
