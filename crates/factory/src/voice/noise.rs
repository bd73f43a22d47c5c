//! Effects: risers, falls, impacts, sweeps, lasers, drones, wind, crackle, sirens.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use crate::dsp::{Drift, Hall, Mode, Noise, Pink, Rotor, Saw, Svf, ring, semitones, sine};
use crate::rng::{Draw as _, Rng};

/// What happens at a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Riser,
    Fall,
    Impact,
    Sweep,
    Laser,
    Reverse,
    Drone,
    Wind,
    Crackle,
    Siren,
    Glitch,
}

const EVENTS: [Event; 11] = [
    Event::Riser,
    Event::Fall,
    Event::Impact,
    Event::Sweep,
    Event::Laser,
    Event::Reverse,
    Event::Drone,
    Event::Wind,
    Event::Crackle,
    Event::Siren,
    Event::Glitch,
];

#[derive(Debug)]
struct Effect {
    events: Vec<Event>,
    low_hz: f64,
    high_hz: f64,
    q: f64,
    tonal: f64,
    speed_hz: f64,
    metal: Vec<(f64, f64)>,
    hall: Option<(f64, f64, f64)>,
}

/// Samples between updates of the filters.
const TICK: usize = 32;

impl Effect {
    /// Noise and a saw through a band whose centre moves between the two frequencies; `path` and `level` take 0..1.
    fn sweep(
        &self,
        stroke: &mut Stroke<'_>,
        sound: &mut [f32],
        path: impl Fn(f64) -> f64,
        level: impl Fn(f64) -> f64,
    ) {
        let (rate, total) = (stroke.rate, sound.len() as f64);
        let (mut noise, mut band, mut saw) =
            (Noise::new(&mut stroke.rng), Svf::default(), Saw::new(0.0));
        let span = libm::log(self.high_hz / self.low_hz);
        let pitch = self.low_hz * stroke.rng.range(0.5, 1.0);
        for (tick, block) in sound.chunks_mut(TICK).enumerate() {
            let place = (tick * TICK) as f64 / total;
            let along = libm::exp(span * path(place).clamp(0.0, 1.0));
            band.tune(self.low_hz * along, self.q, rate);
            let step = (pitch * along.sqrt() / rate).min(0.4);
            let gain = level(place) as f32;
            for x in block {
                let source = noise.next() + self.tonal as f32 * saw.saw(step);
                *x += gain * band.band(source);
            }
        }
    }

    fn impact(&self, stroke: &mut Stroke<'_>, sound: &mut [f32]) {
        let rate = stroke.rate;
        let mut phase = 0.0;
        let mut freq = stroke.rng.range(80.0, 220.0);
        let (floor, fall) =
            (stroke.rng.range(22.0, 45.0), libm::exp(-1.0 / (stroke.rng.range(0.05, 0.3) * rate)));
        let keep = libm::exp(-6.9 / (stroke.rng.range(0.8, 3.0) * rate));
        let mut noise = Pink::new(&mut stroke.rng);
        let mut level = 1.0;
        for x in sound.iter_mut() {
            *x +=
                (level * sine(phase)) as f32 + (0.8 * level * level * level) as f32 * noise.next();
            phase += freq / rate;
            phase -= phase.floor();
            freq = floor + (freq - floor) * fall;
            level *= keep;
        }
        let modes: Vec<Mode> = self
            .metal
            .iter()
            .map(|&(freq_hz, amp)| Mode {
                freq_hz,
                amp: amp * 0.12,
                t60_s: stroke.rng.range(0.5, 3.0),
                phase: 0.0,
            })
            .collect();
        ring(&modes, rate, sound);
    }

    fn laser(&self, stroke: &mut Stroke<'_>, sound: &mut [f32], wave: impl Fn(f64) -> f64) {
        let (rate, total) = (stroke.rate, sound.len() as f64);
        let base = self.low_hz * semitones(stroke.rng.range(-5.0, 5.0));
        let span = libm::log(self.high_hz / self.low_hz);
        let (mut phase, mut modulator) = (0.0f64, 0.0f64);
        for (tick, block) in sound.chunks_mut(TICK).enumerate() {
            let place = (tick * TICK) as f64 / total;
            let freq = base * libm::exp(span * wave(place).clamp(0.0, 1.0));
            let gain = (1.0 - place).sqrt() * (place * 60.0).min(1.0);
            for x in block {
                *x += (gain * sine(phase + 0.25 * self.tonal * sine(modulator))) as f32;
                phase += freq / rate;
                phase -= phase.floor();
                modulator += self.speed_hz * 7.0 / rate;
                modulator -= modulator.floor();
            }
        }
    }

    /// Slow clusters, wind and crackle.
    fn texture(&self, event: Event, stroke: &mut Stroke<'_>, sound: &mut [f32]) {
        let (rate, total) = (stroke.rate, sound.len() as f64);
        let mut pink = Pink::new(&mut stroke.rng);
        let mut band = Svf::default();
        let mut drift = Drift::new(self.speed_hz.min(3.0), rate / TICK as f64, &mut stroke.rng);
        let mut hum: Vec<(Rotor, f64)> = (self.metal.iter().take(8))
            .map(|&(freq, amp)| (Rotor::new(freq * 0.25, stroke.rng.range(0.0, 1.0), rate), amp))
            .collect();
        let rate_of_clicks = self.speed_hz * 6.0 / rate;
        let mut click = 0.0f32;
        for (tick, block) in sound.chunks_mut(TICK).enumerate() {
            let place = (tick * TICK) as f64 / total;
            let swell = (place * 8.0).min(1.0) * ((1.0 - place) * 8.0).min(1.0);
            let wave = drift.next();
            band.tune(self.low_hz * 2.0 * libm::exp2(1.2 * wave), self.q, rate);
            let gain = (swell * (0.7 + 0.3 * wave)) as f32;
            for x in block {
                *x += gain
                    * match event {
                        Event::Wind => 2.5 * band.band(pink.next()),
                        Event::Drone => {
                            let sum: f64 =
                                hum.iter_mut().map(|(rotor, amp)| *amp * rotor.next()).sum();
                            0.25 * sum as f32 + 0.5 * band.band(pink.next())
                        }
                        _ => {
                            if stroke.rng.chance(rate_of_clicks) {
                                click = stroke.rng.range(0.2, 1.0) as f32;
                            }
                            click *= 0.93;
                            0.06 * pink.next() + band.high(click)
                        }
                    };
            }
        }
    }

    /// Stutters of tones and noise.
    fn glitch(&self, stroke: &mut Stroke<'_>, sound: &mut [f32]) {
        let grain = ((stroke.rate / (self.speed_hz * 4.0)) as usize).max(64);
        for block in sound.chunks_mut(grain) {
            if stroke.rng.chance(0.35) {
                continue;
            }
            let freq = stroke.rng.log_range(self.low_hz, self.high_hz);
            let (mut saw, mut noise) = (Saw::new(0.0), Noise::new(&mut stroke.rng));
            let tonal = stroke.rng.chance(0.7);
            let step = (freq / stroke.rate).min(0.4);
            for x in block {
                *x += if tonal { saw.pulse(step, 0.5) } else { noise.next() } * 0.6;
            }
        }
    }
}

impl Tone for Effect {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let event = stroke.rng.pick(&self.events);
        let least = match event {
            Event::Laser | Event::Glitch => 0.25,
            _ => 1.0,
        };
        let mut sound = scratch(out, stroke.note.duration_s.max(least), stroke.rate);
        if sound.is_empty() {
            return;
        }
        match event {
            Event::Riser => self.sweep(stroke, &mut sound, |t| t * t, |t| t * t),
            Event::Fall => self.sweep(stroke, &mut sound, |t| 1.0 - t, |t| 1.0 - t),
            Event::Sweep => self.sweep(
                stroke,
                &mut sound,
                |t| 0.5 - 0.5 * (1.0 - 2.0 * t).abs(),
                |t| 4.0 * t * (1.0 - t),
            ),
            Event::Reverse => {
                self.sweep(stroke, &mut sound, |t| 0.6 + 0.3 * t, |t| libm::exp(6.0 * (t - 1.0)))
            }
            Event::Impact => self.impact(stroke, &mut sound),
            Event::Laser => self.laser(stroke, &mut sound, |t| (1.0 - t) * (1.0 - t)),
            Event::Siren => {
                let turns = self.speed_hz.min(4.0) * stroke.note.duration_s.max(1.0);
                self.laser(stroke, &mut sound, |t| 0.4 + 0.3 * sine(turns * t));
            }
            Event::Drone | Event::Wind | Event::Crackle => self.texture(event, stroke, &mut sound),
            Event::Glitch => self.glitch(stroke, &mut sound),
        }
        // A short fade keeps cut tails from clicking.
        let fade = ((0.01 * stroke.rate) as usize).min(sound.len());
        let start = sound.len() - fade;
        for (i, x) in sound[start..].iter_mut().enumerate() {
            *x *= 1.0 - i as f32 / fade as f32;
        }
        mix(out, &sound, stroke.force());
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        if let Some((size, t60_s, wet)) = self.hall {
            let mut hall = Hall::new(size, t60_s, 4500.0, rate);
            for x in stem {
                let (left, right) = hall.next(*x);
                *x += wet as f32 * (left + right);
            }
        }
    }
}

/// A source of one to three kinds of effect.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    let low_hz = rng.log_range(80.0, 700.0);
    let tone = Effect {
        events: (0..rng.int(1, 3)).map(|_| rng.pick(&EVENTS)).collect(),
        low_hz,
        high_hz: low_hz * rng.log_range(4.0, 24.0),
        q: rng.log_range(0.5, 6.0),
        tonal: rng.range(0.0, 1.0),
        speed_hz: rng.log_range(0.4, 9.0),
        metal: (0..14).map(|_| (rng.log_range(150.0, 5000.0), rng.range(0.2, 1.0))).collect(),
        hall: rng
            .chance(0.6)
            .then(|| (rng.range(0.7, 1.6), rng.range(1.0, 5.0), rng.range(0.1, 0.6))),
    };
    Player::boxed(Label::Fx, (48.0, 72.0), 1, rng, tone)
}
