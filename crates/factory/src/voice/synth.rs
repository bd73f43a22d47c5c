//! Subtractive and frequency-modulation synthesisers: leads, pads and synthetic basses.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, scratch};
use crate::dsp::{
    Chorus, Drift, Noise, Rotor, Saw, Shape, Svf, drive, normalise, semitones, sine, soft,
};
use crate::rng::{Draw as _, Rng};

/// Wave of an oscillator.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wave {
    Saw,
    /// High for this share of the turn.
    Pulse(f64),
    Sine,
    Triangle,
    /// Modulator ratio and peak deviation in turns.
    Fm(f64, f64),
}

/// One oscillator of the patch.
#[derive(Clone, Copy, Debug)]
struct Osc {
    wave: Wave,
    ratio: f64,
    level: f64,
}

/// Echoes in time: seconds, feedback, level.
type Delay = (f64, f64, f64);

#[derive(Debug)]
struct Synth {
    oscs: Vec<Osc>,
    noise: f64,
    /// Speed and depth of the pulse width's swing.
    width: (f64, f64),
    cutoff_hz: f64,
    follow: f64,
    /// Octaves the filter opens with its envelope.
    sweep: f64,
    q: f64,
    poles: usize,
    filter: Shape,
    amp: Shape,
    glide_s: f64,
    vibrato: (f64, f64),
    wobble: Option<(f64, f64)>,
    analog: f64,
    push: f32,
    chorus: Option<(f64, f64, f64)>,
    delay: Option<Delay>,
    chop: Option<f64>,
}

/// Samples between updates of filter and pitch.
const TICK: usize = 16;

/// State of the oscillators of one note.
struct Running {
    saws: Vec<Saw>,
    phases: Vec<(f64, f64)>,
}

impl Synth {
    /// Adds one oscillator to a block.
    fn oscillate(
        &self,
        running: &mut Running,
        index: usize,
        step: f64,
        width: f64,
        block: &mut [f32],
    ) {
        let Osc { wave, level, .. } = self.oscs[index];
        let (level, saw) = (level as f32, &mut running.saws[index]);
        let (phase, modulator) = &mut running.phases[index];
        let turn = |phase: &mut f64, step: f64| {
            *phase += step;
            *phase -= phase.floor();
        };
        match wave {
            Wave::Saw => block.iter_mut().for_each(|x| *x += level * saw.saw(step)),
            Wave::Pulse(share) => {
                let share = (share + width).clamp(0.06, 0.94);
                block.iter_mut().for_each(|x| *x += level * saw.pulse(step, share));
            }
            Wave::Sine => block.iter_mut().for_each(|x| {
                *x += level * sine(*phase) as f32;
                turn(phase, step);
            }),
            Wave::Triangle => block.iter_mut().for_each(|x| {
                *x += level * (0.9 - 3.6 * (*phase - 0.5).abs()) as f32;
                turn(phase, step);
            }),
            Wave::Fm(ratio, depth) => block.iter_mut().for_each(|x| {
                *x += level * sine(*phase + depth * sine(*modulator)) as f32;
                turn(phase, step);
                turn(modulator, step * ratio);
            }),
        }
    }

    /// The pitch's path at a tick: glide, vibrato, slow drift, in semitones from the key.
    fn bend(&self, from: f64, time_s: f64, swing: f64, drift: f64) -> f64 {
        let glide =
            if self.glide_s > 0.0 { from * libm::exp(-3.0 * time_s / self.glide_s) } else { 0.0 };
        let late = (time_s * 2.5).min(1.0);
        glide + self.vibrato.1 * late * swing + self.analog * drift
    }
}

impl Tone for Synth {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let (rate, hold) = (stroke.rate, stroke.note.duration_s);
        let length = self.amp.samples(hold, rate) as f64 / rate;
        let mut sound = scratch(out, length, rate);
        let mut running = Running {
            saws: self.oscs.iter().map(|_| Saw::new(stroke.rng.range(0.0, 1.0))).collect(),
            phases: self.oscs.iter().map(|_| (stroke.rng.range(0.0, 1.0), 0.0)).collect(),
        };
        let ticks = rate / TICK as f64;
        let mut swing = Rotor::new(self.vibrato.0, stroke.rng.range(0.0, 1.0), ticks);
        let mut width = Rotor::new(self.width.0, stroke.rng.range(0.0, 1.0), ticks);
        let mut wobble = self.wobble.map(|(speed, depth)| (Rotor::new(speed, 0.0, ticks), depth));
        let mut drift = Drift::new(1.5, ticks, &mut stroke.rng);
        let mut noise = Noise::new(&mut stroke.rng);
        let mut filters = [Svf::default(), Svf::default()];
        let (mut amp, mut open) = (self.amp.start(hold, rate), self.filter.start(hold, rate));
        let from = stroke.before.map_or(0.0, |before| before - stroke.note.pitch);
        let key = self.follow * (stroke.note.pitch - 60.0) / 12.0;
        let hard = 0.4 + 0.6 * stroke.note.velocity;
        let mut steps = vec![0.0; self.oscs.len()];
        for (tick, block) in sound.chunks_mut(TICK).enumerate() {
            let bend = self.bend(from, tick as f64 / ticks, swing.next(), drift.next());
            let freq = stroke.note.freq_hz() * semitones(bend) / rate;
            for (step, osc) in steps.iter_mut().zip(&self.oscs) {
                *step = (freq * osc.ratio).min(0.45);
            }
            let pulse = self.width.1 * width.next();
            let wave = wobble.as_mut().map_or(0.0, |(rotor, depth)| *depth * rotor.next());
            for (index, step) in steps.iter().enumerate() {
                self.oscillate(&mut running, index, *step, pulse, block);
            }
            let mut level = 0.0;
            for x in block.iter_mut() {
                *x += self.noise as f32 * noise.next();
                level = open.next();
            }
            let octaves = key + self.sweep * level * hard + wave;
            let cutoff = (self.cutoff_hz * libm::exp2(octaves)).clamp(25.0, 0.45 * rate);
            filters[0].tune(cutoff, self.q, rate);
            filters[1].tune(cutoff, 0.7, rate);
            for x in block {
                let mut y = filters[0].low(*x);
                if self.poles == 4 {
                    y = filters[1].low(y);
                }
                *x = y * amp.next() as f32;
            }
        }
        super::tone::mix(out, &sound, stroke.force());
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        normalise(stem, 1.0);
        if self.push > 0.0 {
            drive(stem, self.push, 0.0, 0.2, rate);
        }
        if let Some(beats_hz) = self.chop {
            let step = beats_hz / rate;
            let mut level = 0.0f32;
            for (i, x) in stem.iter_mut().enumerate() {
                let place = i as f64 * step;
                let aim = if place - place.floor() < 0.5 { 1.0 } else { 0.0 };
                level += 0.01 * (aim - level);
                *x *= level;
            }
        }
        if let Some((speed, depth_s, wet)) = self.chorus {
            Chorus::new(3, 0.015, depth_s, speed, wet, rate).run(stem);
        }
        if let Some((time_s, feedback, level)) = self.delay {
            let back = ((time_s * rate) as usize).max(1);
            let mut line = vec![0.0f32; back];
            for (i, x) in stem.iter_mut().enumerate() {
                let echo = line[i % back];
                line[i % back] = soft(*x + echo * feedback as f32);
                *x += echo * level as f32;
            }
        }
    }
}

/// A stack of detuned copies of a wave.
fn stack(wave: Wave, count: usize, cents: f64, rng: &mut Rng) -> Vec<Osc> {
    let level = 0.8 / (count as f64).sqrt();
    (0..count)
        .map(|i| {
            let place = if count > 1 { 2.0 * i as f64 / (count - 1) as f64 - 1.0 } else { 0.0 };
            Osc { wave, ratio: semitones(0.01 * cents * (place + rng.normal(0.08))), level }
        })
        .collect()
}

fn random_wave(rng: &mut Rng) -> Wave {
    match rng.weighted(&[0.4, 0.3, 0.08, 0.1, 0.12]) {
        0 => Wave::Saw,
        1 => Wave::Pulse(rng.range(0.12, 0.5)),
        2 => Wave::Sine,
        3 => Wave::Triangle,
        _ => Wave::Fm(rng.pick(&[0.5, 1.0, 1.0, 2.0, 3.0, 1.41, 3.5, 7.0]), rng.range(0.05, 0.6)),
    }
}

fn delay(rng: &mut Rng) -> Delay {
    (rng.range(0.12, 0.5), rng.range(0.1, 0.55), rng.range(0.15, 0.5))
}

/// A lead: bright, mostly one note at a time.
pub(super) fn lead(rng: &mut Rng) -> Box<dyn Voice> {
    let count = rng.pick(&[1, 1, 2, 2, 3, 5, 7]);
    let (wave, cents) = (random_wave(rng), rng.log_range(3.0, 28.0));
    let mut oscs = stack(wave, count, cents, rng);
    if rng.chance(0.35) {
        let ratio = rng.pick(&[0.5, 2.0, 1.498_307]);
        oscs.push(Osc { wave: random_wave(rng), ratio, level: rng.range(0.15, 0.6) });
    }
    let plucky = rng.chance(0.35);
    let tone = Synth {
        oscs,
        noise: if rng.chance(0.2) { rng.range(0.01, 0.1) } else { 0.0 },
        width: (rng.range(0.2, 5.0), rng.range(0.0, 0.25)),
        cutoff_hz: rng.log_range(350.0, 6000.0),
        follow: rng.range(0.2, 1.0),
        sweep: rng.range(0.0, 4.0),
        q: rng.log_range(0.6, 5.0),
        poles: rng.pick(&[2, 4]),
        filter: Shape {
            attack_s: rng.log_range(0.002, 0.15),
            decay_s: rng.log_range(0.08, 1.0),
            sustain: rng.range(0.1, 0.9),
            release_s: 0.2,
        },
        amp: Shape {
            attack_s: rng.log_range(0.002, 0.06),
            decay_s: rng.log_range(0.1, 0.8),
            sustain: if plucky { rng.range(0.0, 0.2) } else { rng.range(0.5, 1.0) },
            release_s: rng.log_range(0.04, 0.5),
        },
        glide_s: if rng.chance(0.4) { rng.log_range(0.03, 0.25) } else { 0.0 },
        vibrato: (rng.range(4.0, 7.0), if rng.chance(0.6) { rng.range(0.05, 0.5) } else { 0.0 }),
        wobble: None,
        analog: rng.range(0.0, 0.08),
        push: if rng.chance(0.4) { rng.log_range(0.7, 8.0) as f32 } else { 0.0 },
        chorus: rng
            .chance(0.25)
            .then(|| (rng.range(0.3, 1.5), rng.range(0.001, 0.005), rng.range(0.3, 0.9))),
        delay: rng.chance(0.4).then(|| delay(rng)),
        chop: None,
    };
    Player::boxed(Label::SynthLead, (52.0, 91.0), rng.pick(&[1, 1, 1, 2, 4]), rng, tone)
}

/// A pad: slow, wide, chords.
pub(super) fn pad(rng: &mut Rng) -> Box<dyn Voice> {
    let count = rng.pick(&[2, 3, 3, 4, 6]);
    let (wave, cents) = (random_wave(rng), rng.log_range(4.0, 25.0));
    let mut oscs = stack(wave, count, cents, rng);
    if rng.chance(0.5) {
        oscs.push(Osc {
            wave: random_wave(rng),
            ratio: rng.pick(&[0.5, 2.0]),
            level: rng.range(0.15, 0.5),
        });
    }
    let tone = Synth {
        oscs,
        noise: if rng.chance(0.4) { rng.range(0.01, 0.12) } else { 0.0 },
        width: (rng.range(0.1, 0.9), rng.range(0.0, 0.35)),
        cutoff_hz: rng.log_range(250.0, 3500.0),
        follow: rng.range(0.0, 0.6),
        sweep: rng.range(0.0, 2.5),
        q: rng.log_range(0.5, 3.0),
        poles: rng.pick(&[2, 4]),
        filter: Shape {
            attack_s: rng.log_range(0.2, 3.0),
            decay_s: rng.log_range(0.5, 4.0),
            sustain: 0.6,
            release_s: 1.5,
        },
        amp: Shape {
            attack_s: rng.log_range(0.12, 1.4),
            decay_s: 1.5,
            sustain: rng.range(0.7, 1.0),
            release_s: rng.log_range(0.3, 2.5),
        },
        glide_s: 0.0,
        vibrato: (rng.range(3.0, 6.0), rng.range(0.0, 0.12)),
        wobble: rng.chance(0.4).then(|| (rng.log_range(0.08, 0.8), rng.range(0.3, 1.6))),
        analog: rng.range(0.0, 0.12),
        push: 0.0,
        chorus: rng
            .chance(0.65)
            .then(|| (rng.range(0.2, 1.0), rng.range(0.002, 0.008), rng.range(0.4, 1.0))),
        delay: rng.chance(0.3).then(|| delay(rng)),
        chop: rng.chance(0.08).then(|| rng.range(3.0, 8.0)),
    };
    Player::boxed(Label::SynthPad, (43.0, 84.0), 5, rng, tone)
}

/// A synthetic bass: plucky filter, sub, wobble or FM.
pub(super) fn bass(rng: &mut Rng) -> Box<dyn Voice> {
    let sub = rng.chance(0.25);
    let wave = if sub { rng.pick(&[Wave::Sine, Wave::Triangle]) } else { random_wave(rng) };
    let (count, cents) = (rng.pick(&[1, 1, 2, 3]), rng.log_range(2.0, 14.0));
    let mut oscs = stack(wave, if sub { 1 } else { count }, cents, rng);
    if !sub && rng.chance(0.5) {
        oscs.push(Osc {
            wave: Wave::Sine,
            ratio: rng.pick(&[0.5, 1.0]),
            level: rng.range(0.3, 0.8),
        });
    }
    let tone = Synth {
        oscs,
        noise: 0.0,
        width: (rng.range(0.1, 2.0), rng.range(0.0, 0.2)),
        cutoff_hz: rng.log_range(90.0, 1200.0),
        follow: rng.range(0.0, 0.8),
        sweep: rng.range(0.5, 4.5),
        q: rng.log_range(0.6, 6.0),
        poles: rng.pick(&[2, 4]),
        filter: Shape {
            attack_s: rng.log_range(0.002, 0.04),
            decay_s: rng.log_range(0.06, 0.7),
            sustain: rng.range(0.0, 0.6),
            release_s: 0.1,
        },
        amp: Shape {
            attack_s: rng.log_range(0.002, 0.015),
            decay_s: rng.log_range(0.2, 1.5),
            sustain: rng.range(0.3, 1.0),
            release_s: rng.log_range(0.03, 0.4),
        },
        glide_s: if rng.chance(0.3) { rng.log_range(0.03, 0.2) } else { 0.0 },
        vibrato: (5.0, 0.0),
        wobble: rng.chance(0.15).then(|| (rng.range(1.0, 8.0), rng.range(0.8, 2.5))),
        analog: rng.range(0.0, 0.04),
        push: rng.log_range(0.4, 8.0) as f32,
        chorus: None,
        delay: None,
        chop: None,
    };
    Player::boxed(Label::Bass, (28.0, 52.0), 1, rng, tone)
}
