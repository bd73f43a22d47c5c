//! Hi-hats and cymbals: dense inharmonic plates with a wash of noise, or the square-wave clusters of drum machines.

use signal::Label;

use super::Voice;
use super::drum::Make;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use crate::dsp::{Biquad, Mode, Noise, Saw, Svf, crush, gate, ring};
use crate::rng::{Draw as _, Rng};

/// A plate, or a pair of them.
#[derive(Clone, Debug)]
pub(super) struct Cymbal {
    make: Make,
    label: Label,
    /// Frequency, level and ring factor of each plate mode.
    plate: Vec<(f64, f64, f64)>,
    squares_hz: [f64; 6],
    low_hz: f64,
    wash: f64,
    wash_hz: f64,
    stick: f64,
    closed_t60_s: f64,
    open_t60_s: f64,
    crash_t60_s: f64,
    ride_t60_s: f64,
    bell_hz: f64,
}

/// How a key strikes the plate.
#[derive(Clone, Copy, Debug)]
struct Stick {
    t60_s: f64,
    /// Seconds for the highs to build up.
    bloom_s: f64,
    ping: f64,
    bell: f64,
    wash: f64,
}

impl Cymbal {
    pub(super) fn new(label: Label, make: Make, rng: &mut Rng) -> Self {
        let hat = label == Label::HiHat;
        let low_hz = if hat { rng.log_range(1800.0, 6000.0) } else { rng.log_range(350.0, 1800.0) };
        let modes = if make == Make::Machine { 0 } else { rng.int(48, 80) };
        let base = rng.log_range(230.0, 420.0);
        Self {
            make,
            label,
            plate: (0..modes)
                .map(|_| {
                    (
                        rng.log_range(low_hz * 0.7, 15_000.0),
                        rng.range(0.1, 1.0),
                        rng.log_range(0.4, 1.3),
                    )
                })
                .collect(),
            // The six oscillators of the analogue machines stand at such ratios.
            squares_hz: [1.0, 1.34, 1.8, 2.55, 2.63, 3.9].map(|r| base * r * rng.range(0.95, 1.05)),
            low_hz,
            wash: rng.range(0.2, 1.0),
            wash_hz: rng.log_range(3000.0, 9000.0),
            stick: rng.range(0.1, 0.8),
            closed_t60_s: rng.log_range(0.04, 0.18),
            open_t60_s: rng.log_range(0.35, 1.6),
            crash_t60_s: rng.log_range(1.2, 4.5),
            ride_t60_s: rng.log_range(1.0, 4.0),
            bell_hz: rng.log_range(500.0, 1400.0),
        }
    }

    fn stick(&self, stroke: &Stroke<'_>) -> Stick {
        let key = stroke.note.pitch.round() as i64;
        let plain = Stick {
            t60_s: self.closed_t60_s,
            bloom_s: 0.0,
            ping: self.stick,
            bell: 0.0,
            wash: self.wash,
        };
        if self.label == Label::HiHat {
            return match key {
                ..=43 => plain,
                44 => Stick { t60_s: self.closed_t60_s * 0.7, ping: 0.0, ..plain },
                _ => Stick { t60_s: self.open_t60_s, ..plain },
            };
        }
        match key {
            51 | 59 => Stick {
                t60_s: self.ride_t60_s,
                ping: 0.8,
                bell: 0.15,
                wash: self.wash * 0.35,
                ..plain
            },
            53 => Stick {
                t60_s: self.ride_t60_s,
                ping: 0.5,
                bell: 1.2,
                wash: self.wash * 0.2,
                ..plain
            },
            54..=56 => Stick { t60_s: self.crash_t60_s * 0.35, bloom_s: 0.004, ..plain },
            _ => Stick { t60_s: self.crash_t60_s, bloom_s: 0.025, ping: 0.3, ..plain },
        }
    }

    fn plate(&self, stick: Stick, stroke: &mut Stroke<'_>, hit: &mut [f32]) {
        let rate = stroke.rate;
        if self.make == Make::Machine {
            let mut clusters = self.squares_hz.map(|_| Saw::new(stroke.rng.range(0.0, 1.0)));
            let steps = self
                .squares_hz
                .map(|f| (f * if self.label == Label::HiHat { 2.0 } else { 1.0 }) / rate);
            let keep = libm::exp(-6.907_755 / (stick.t60_s * rate)) as f32;
            let mut level = 0.35f32;
            for x in hit {
                let sum: f32 =
                    clusters.iter_mut().zip(steps).map(|(osc, step)| osc.pulse(step, 0.5)).sum();
                *x += sum * level;
                level *= keep;
            }
            return;
        }
        let hard = 3000.0 + 14_000.0 * stroke.note.velocity;
        let scale = 0.8 / (self.plate.len() as f64).sqrt();
        let mut modes: Vec<Mode> = self
            .plate
            .iter()
            .map(|&(freq_hz, amp, factor)| Mode {
                freq_hz,
                amp: scale * amp * stroke.rng.range(0.5, 1.5) / (1.0 + freq_hz / hard),
                // The highest modes die first.
                t60_s: stick.t60_s * factor / (1.0 + freq_hz / 14_000.0),
                phase: stroke.rng.range(0.0, 1.0),
            })
            .collect();
        for (ratio, amp) in [(1.0, 0.5), (1.53, 0.3), (2.37, 0.35), (3.41, 0.2)] {
            let (freq_hz, amp) = (self.bell_hz * ratio, stick.bell * amp);
            modes.push(Mode { freq_hz, amp, t60_s: stick.t60_s * 0.7, phase: 0.0 });
        }
        ring(&modes, rate, hit);
    }

    fn wash(&self, stick: Stick, stroke: &mut Stroke<'_>, hit: &mut [f32]) {
        let rate = stroke.rate;
        let mut noise = Noise::new(&mut stroke.rng);
        let mut band = Svf::new(self.wash_hz * (0.6 + 0.4 * stroke.note.velocity), 0.6, rate);
        let keep = libm::exp(-6.907_755 / (stick.t60_s * 0.75 * rate)) as f32;
        let bloom = 1.0 - libm::exp(-1.0 / (stick.bloom_s * rate).max(0.6)) as f32;
        let ping_keep = libm::exp(-6.9 / (0.012 * rate)) as f32;
        let (mut level, mut risen, mut ping) = (stick.wash as f32 * 0.6, 0.0f32, stick.ping as f32);
        for x in hit {
            risen += bloom * (1.0 - risen);
            let (_, mid, high) = band.split(noise.next());
            *x = *x * (0.4 + 0.6 * risen) + risen * level * (0.5 * mid + 0.7 * high) + ping * mid;
            level *= keep;
            ping *= ping_keep;
        }
    }
}

impl Tone for Cymbal {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let stick = self.stick(stroke);
        let mut hit = scratch(out, stick.t60_s * 1.15 + 0.05, stroke.rate);
        self.plate(stick, stroke, &mut hit);
        self.wash(stick, stroke, &mut hit);
        if self.label == Label::HiHat && stick.t60_s > 0.3 {
            // The pedal closes on an open hat when the note ends.
            gate(&mut hit, stroke.note.duration_s.max(0.1), 0.08, stroke.rate);
        }
        mix(out, &hit, stroke.force());
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        for q in [0.541, 1.307] {
            Biquad::high_pass(self.low_hz, q, rate).run(stem);
        }
        if self.make == Make::LoFi {
            crush(stem, (rate / 16_000.0).round() as usize, 9.0);
        }
    }
}

/// One of the two as a voice of its own.
pub(super) fn piece(label: Label, rng: &mut Rng) -> Box<dyn Voice> {
    let make = Make::draw(rng);
    let range = if label == Label::HiHat { (42.0, 46.0) } else { (49.0, 59.0) };
    let cymbal = Cymbal::new(label, make, rng);
    Player::boxed(label, range, 2, rng, cymbal)
}
