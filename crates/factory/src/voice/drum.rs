//! Kick, snare and toms: acoustic shells, analogue machines and their lo-fi samples. `kit` and `procedural` build them.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use crate::dsp::{Biquad, Mode, Noise, Svf, crush, drive, ring};
use crate::rng::{Draw as _, Rng};

/// What the drum is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    Acoustic,
    Machine,
    LoFi,
}

impl Make {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        [Self::Acoustic, Self::Machine, Self::LoFi][rng.weighted(&[0.5, 0.35, 0.15])]
    }
}

/// A single drum: a swept body, ringing modes, and a burst of noise.
#[derive(Clone, Debug)]
pub(super) struct Drum {
    make: Make,
    label: Label,
    freq_hz: f64,
    /// The body starts at `freq_hz * sweep` and settles within `sweep_s`.
    sweep: f64,
    sweep_s: f64,
    body_t60_s: f64,
    /// Ratios, levels and decays of further membrane and shell modes.
    modes: Vec<(f64, f64, f64)>,
    click: f64,
    click_hz: f64,
    wires: f64,
    wires_t60_s: f64,
    wires_hz: (f64, f64),
    push: f32,
    crush_bits: f64,
    crush_hold_s: f64,
}

impl Drum {
    /// A kick drum.
    pub(super) fn kick(make: Make, rng: &mut Rng) -> Self {
        let machine = make != Make::Acoustic;
        let long = machine && rng.chance(0.4);
        Self {
            make,
            label: Label::Kick,
            freq_hz: rng.range(42.0, 68.0),
            sweep: if machine { rng.range(2.0, 7.0) } else { rng.range(1.3, 2.6) },
            sweep_s: rng.log_range(0.008, 0.05),
            body_t60_s: if long { rng.range(0.8, 2.2) } else { rng.range(0.18, 0.6) },
            modes: if machine {
                Vec::new()
            } else {
                [1.59, 2.14, 2.9, 5.3]
                    .map(|r| {
                        (r * rng.range(0.94, 1.06), rng.range(0.03, 0.25), rng.range(0.05, 0.2))
                    })
                    .to_vec()
            },
            click: if machine { rng.range(0.0, 0.35) } else { rng.range(0.1, 0.6) },
            click_hz: rng.log_range(1200.0, 5500.0),
            wires: if machine { 0.0 } else { rng.range(0.01, 0.08) },
            wires_t60_s: rng.range(0.1, 0.3),
            wires_hz: (rng.log_range(120.0, 400.0), rng.log_range(1500.0, 5000.0)),
            push: rng.log_range(0.6, 3.5) as f32,
            crush_bits: rng.range(7.0, 11.0),
            crush_hold_s: 1.0 / rng.log_range(7_000.0, 20_000.0),
        }
    }

    /// A snare drum.
    pub(super) fn snare(make: Make, rng: &mut Rng) -> Self {
        let machine = make == Make::Machine;
        Self {
            make,
            label: Label::Snare,
            freq_hz: rng.range(150.0, 250.0),
            sweep: rng.range(1.05, if machine { 1.8 } else { 1.3 }),
            sweep_s: rng.log_range(0.006, 0.03),
            body_t60_s: rng.range(0.1, 0.35),
            modes: if machine {
                vec![(rng.range(1.5, 2.1), rng.range(0.3, 0.9), rng.range(0.06, 0.2))]
            } else {
                [1.59, 1.83, 2.14, 2.3, 2.65, 2.92, 3.6, 4.8]
                    .map(|r| {
                        (r * rng.range(0.95, 1.05), rng.range(0.05, 0.4), rng.range(0.06, 0.35))
                    })
                    .to_vec()
            },
            click: rng.range(0.05, 0.5),
            click_hz: rng.log_range(1500.0, 6000.0),
            wires: rng.range(0.5, 1.4),
            wires_t60_s: rng.log_range(0.1, 0.5),
            wires_hz: (rng.log_range(700.0, 2500.0), rng.log_range(5500.0, 11_000.0)),
            push: rng.log_range(0.6, 2.5) as f32,
            crush_bits: rng.range(6.0, 10.0),
            crush_hold_s: 1.0 / rng.log_range(8_000.0, 20_000.0),
        }
    }

    /// A tom; its pitch follows the key.
    pub(super) fn tom(make: Make, rng: &mut Rng) -> Self {
        let machine = make == Make::Machine;
        Self {
            make,
            label: Label::Toms,
            freq_hz: rng.range(66.0, 90.0),
            sweep: rng.range(1.15, if machine { 2.2 } else { 1.5 }),
            sweep_s: rng.log_range(0.02, 0.12),
            body_t60_s: rng.log_range(0.35, 1.4),
            modes: [1.59, 2.14, 2.3, 2.65, 3.16, 3.5]
                .map(|r| (r * rng.range(0.95, 1.05), rng.range(0.02, 0.3), rng.range(0.08, 0.5)))
                .to_vec(),
            click: rng.range(0.05, 0.4),
            click_hz: rng.log_range(900.0, 4500.0),
            wires: rng.range(0.0, 0.1),
            wires_t60_s: rng.range(0.1, 0.4),
            wires_hz: (rng.log_range(150.0, 500.0), rng.log_range(1500.0, 5000.0)),
            push: rng.log_range(0.6, 2.0) as f32,
            crush_bits: rng.range(7.0, 11.0),
            crush_hold_s: 1.0 / rng.log_range(7_000.0, 20_000.0),
        }
    }

    /// The body's settled pitch for the stroke's key: toms climb from the floor tom (41) to the highest (50).
    fn tuned(&self, stroke: &mut Stroke<'_>) -> f64 {
        let slip = stroke.rng.normal(if self.make == Make::Acoustic { 0.004 } else { 0.0 });
        let climb = if self.label == Label::Toms {
            (stroke.note.pitch - 41.0).clamp(-3.0, 14.0)
        } else {
            0.0
        };
        self.freq_hz * (1.0 + slip) * crate::dsp::semitones(climb * 1.45)
    }

    /// The sine that falls from the sweep's top to the pitch.
    fn body(&self, freq: f64, rate: f64, out: &mut [f32]) {
        let keep = libm::exp(-6.907_755 / (self.body_t60_s * rate));
        let settle = libm::exp(-1.0 / (self.sweep_s * rate));
        let (mut phase, mut level, mut over) = (0.0f64, 1.0f64, self.sweep - 1.0);
        for x in out {
            *x += (level * libm::sin(core::f64::consts::TAU * phase)) as f32;
            phase += freq * (1.0 + over) / rate;
            phase -= phase.floor();
            over *= settle;
            level *= keep;
            if level < 1e-4 {
                break;
            }
        }
    }

    /// Beater or stick, and wires or air: two bursts of filtered noise.
    fn bursts(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let (rate, hard) = (stroke.rate, 0.5 + 0.5 * stroke.note.velocity);
        let mut noise = Noise::new(&mut stroke.rng);
        let mut click = Svf::new(self.click_hz * hard, 0.8, rate);
        let mut low = Svf::new(self.wires_hz.0, 0.7, rate);
        let mut high = Svf::new(self.wires_hz.1 * hard, 0.7, rate);
        let click_keep = libm::exp(-6.9 / (0.018 * rate)) as f32;
        let wires_keep = libm::exp(-6.907_755 / (self.wires_t60_s * rate)) as f32;
        let (mut clicking, mut buzzing) = ((self.click * hard) as f32, self.wires as f32);
        for x in out {
            let white = noise.next();
            *x += clicking * click.band(white) * 2.0 + buzzing * high.low(low.high(white));
            clicking *= click_keep;
            buzzing *= wires_keep;
            if clicking + buzzing < 1e-4 {
                break;
            }
        }
    }
}

impl Tone for Drum {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let freq = self.tuned(stroke);
        let longest = self.body_t60_s.max(self.wires_t60_s).max(0.4) * 1.4;
        let mut hit = scratch(out, longest, stroke.rate);
        self.body(freq, stroke.rate, &mut hit);
        let modes: Vec<Mode> = self
            .modes
            .iter()
            .map(|&(ratio, amp, t60_s)| Mode {
                freq_hz: freq * ratio,
                amp: amp * stroke.rng.range(0.7, 1.3) * (0.4 + 0.6 * stroke.note.velocity),
                t60_s,
                phase: 0.0,
            })
            .collect();
        ring(&modes, stroke.rate, &mut hit);
        self.bursts(stroke, &mut hit);
        mix(out, &hit, stroke.force());
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        drive(stem, self.push, 0.0, 0.0, rate);
        if self.make == Make::LoFi {
            crush(stem, ((self.crush_hold_s * rate).round() as usize).max(1), self.crush_bits);
            Biquad::low_pass(0.35 / self.crush_hold_s, 0.7, rate).run(stem);
        }
    }
}

/// One of the three as a voice of its own.
pub(super) fn piece(label: Label, rng: &mut Rng) -> Box<dyn Voice> {
    let make = Make::draw(rng);
    let (drum, range) = match label {
        Label::Kick => (Drum::kick(make, rng), (35.0, 36.0)),
        Label::Snare => (Drum::snare(make, rng), (38.0, 40.0)),
        _ => (Drum::tom(make, rng), (41.0, 50.0)),
    };
    Player::boxed(label, range, 2, rng, drum)
}
