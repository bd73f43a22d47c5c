//! Domain randomisation: what rooms, amplifiers, desks and bad cables do to a sound. `clip` treats every voice with it.

use crate::dsp::{Biquad, Chorus, Hall, Noise, Pink, crush, db, drive, normalise, rms, soft};
use crate::rng::{Draw as _, Rng};

mod convolve;
mod dynamics;

/// Sample rate of everything that is treated.
pub(crate) const RATE_HZ: f64 = 24_000.0;

/// How far a treatment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// A stem on its own: everything that can happen to a recording.
    Stem,
    /// A part of a mix: what a producer does.
    Part,
    /// The sum of a mix: what mastering and playback do.
    Bus,
}

/// One effect with its parameters.
#[derive(Clone, Debug)]
enum Step {
    Filter(Vec<Biquad>),
    Drive { gain: f32, bias: f32, hard: f32, blend: f32 },
    Fold { hold: usize, bits: f64 },
    Compress(dynamics::Compressor),
    Chorus { taps: usize, middle_s: f64, depth_s: f64, speed_hz: f64, wet: f64 },
    Tremolo { speed_hz: f64, depth: f64 },
    Vibrato { share: f64, speed_hz: f64 },
    Echo { delay_s: f64, feedback: f32, wet: f32 },
    Hall { size: f64, t60_s: f64, damp_hz: f64, wet: f32, delay_s: f64 },
    Room { index: usize, wet: f32 },
    Noise { colour: Colour, ratio: f64, seed: u64 },
}

#[derive(Clone, Copy, Debug)]
enum Colour {
    White,
    Pink,
    Hum,
}

/// A chain of effects, and what it does to two of the descriptors.
#[derive(Clone, Debug)]
pub struct Treatment {
    steps: Vec<Step>,
    /// Reverberation and echo, 0 (dry) to 1 (a cathedral), from the wet level and the decay.
    pub space: f64,
    /// Distortion and noise, 0 (clean) to 1, from the drive and the noise level.
    pub dirt: f64,
}

impl Treatment {
    /// A random chain; `rooms` is the number of responses that [`Treatment::apply`] will be given.
    pub fn random(strength: Strength, rooms: usize, rng: &mut Rng) -> Self {
        let mut chain = Self { steps: Vec::new(), space: 0.0, dirt: 0.0 };
        // One chain in ten does nothing at all: clean recordings must be known, too.
        if rng.chance(0.1) {
            return chain;
        }
        let scale = match strength {
            Strength::Stem => 1.0,
            Strength::Part => 0.6,
            Strength::Bus => 0.5,
        };
        chain.modulation(scale, rng);
        chain.saturation(scale, rng);
        if rng.chance(0.12 * scale) {
            chain.amplifier(rng);
        }
        if rng.chance(0.7) {
            chain.steps.push(Step::Filter(equaliser(scale, rng)));
        }
        if rng.chance(0.35) {
            chain.steps.push(Step::Compress(dynamics::Compressor::random(rng)));
        }
        if rng.chance(if strength == Strength::Bus { 0.3 } else { 0.6 }) {
            chain.reverberation(scale, rooms, rng);
        }
        if rng.chance(0.35 * scale) {
            chain.steps.push(Step::Filter(band_limits(rng)));
        }
        if strength != Strength::Part && rng.chance(0.35 * scale) {
            chain.noise(rng);
        }
        chain
    }

    fn modulation(&mut self, scale: f64, rng: &mut Rng) {
        if rng.chance(0.15 * scale) {
            self.steps.push(Step::Chorus {
                taps: rng.int(1, 3),
                middle_s: rng.log_range(0.002, 0.025),
                depth_s: rng.log_range(0.0003, 0.004),
                speed_hz: rng.log_range(0.1, 6.0),
                wet: rng.range(0.2, 1.0),
            });
        }
        if rng.chance(0.06 * scale) {
            self.steps.push(Step::Tremolo {
                speed_hz: rng.log_range(1.0, 9.0),
                depth: rng.range(0.2, 0.8),
            });
        }
        if rng.chance(0.2 * scale) {
            // A player's hand, or a tape that runs unevenly.
            let (speed_hz, share) = if rng.chance(0.6) {
                (rng.range(4.0, 7.5), rng.log_range(0.002, 0.02))
            } else {
                (rng.log_range(0.3, 3.0), rng.log_range(0.001, 0.008))
            };
            self.steps.push(Step::Vibrato { share, speed_hz });
        }
    }

    /// A guitar amplifier: its valves, then its loudspeaker with the microphone before it.
    fn amplifier(&mut self, rng: &mut Rng) {
        let gain_db = rng.range(0.0, 30.0);
        self.dirt = self.dirt.max(gain_db / 30.0);
        let (gain, bias) = (db(gain_db) as f32, rng.range(0.0, 0.3) as f32);
        self.steps.push(Step::Drive { gain, bias, hard: rng.pick(&[0.0, 0.5]), blend: 1.0 });
        self.steps.push(Step::Filter(cabinet(rng)));
    }

    fn saturation(&mut self, scale: f64, rng: &mut Rng) {
        if rng.chance(0.35 * scale) {
            // Mostly a warm desk; one in six is a fuzz box.
            let gain_db =
                if rng.chance(0.16) { rng.range(14.0, 32.0) } else { rng.range(-3.0, 12.0) };
            let blend = if rng.chance(0.3) { rng.range(0.3, 0.9) } else { 1.0 };
            self.dirt = self.dirt.max((gain_db / 30.0).clamp(0.0, 1.0) * blend);
            self.steps.push(Step::Drive {
                gain: db(gain_db) as f32,
                bias: rng.range(0.0, 0.4) as f32,
                hard: rng.pick(&[0.0, 0.0, 0.5, 1.0]),
                blend: blend as f32,
            });
        }
        if rng.chance(0.04 * scale) {
            let (hold, bits) = (rng.int(1, 4), rng.range(5.0, 11.0));
            self.dirt = self.dirt.max((0.12 * (11.0 - bits) + 0.1 * hold as f64).min(1.0));
            self.steps.push(Step::Fold { hold, bits });
        }
    }

    fn reverberation(&mut self, scale: f64, rooms: usize, rng: &mut Rng) {
        let wet_db = rng.range(-30.0, 3.0) * (2.0 - scale);
        let (level, wet) = (((wet_db + 32.0) / 34.0).clamp(0.0, 1.0), db(wet_db) as f32);
        let decay = if rng.chance(0.15) {
            let (delay_s, feedback) = (rng.log_range(0.06, 0.7), rng.range(0.0, 0.7));
            self.steps.push(Step::Echo { delay_s, feedback: feedback as f32, wet: wet.min(0.9) });
            feedback
        } else if rooms > 0 && rng.chance(0.4) {
            self.steps.push(Step::Room { index: rng.int(0, rooms - 1), wet });
            0.6
        } else {
            let t60_s = rng.log_range(0.15, 5.0);
            let (size, damp_hz) = (rng.log_range(0.15, 1.6), rng.log_range(1200.0, 11_000.0));
            let delay_s = if rng.chance(0.5) { rng.range(0.0, 0.08) } else { 0.0 };
            self.steps.push(Step::Hall { size, t60_s, damp_hz, wet, delay_s });
            (libm::log(t60_s / 0.15) / libm::log(5.0 / 0.15)).clamp(0.0, 1.0)
        };
        self.space = self.space.max(level * (0.35 + 0.65 * decay));
    }

    fn noise(&mut self, rng: &mut Rng) {
        let snr_db = rng.range(12.0, 60.0);
        let colour = rng.pick(&[Colour::White, Colour::Pink, Colour::Pink, Colour::Hum]);
        self.dirt = self.dirt.max(((45.0 - snr_db) / 33.0).clamp(0.0, 1.0));
        self.steps.push(Step::Noise { colour, ratio: db(-snr_db), seed: rng.seed() });
    }

    /// Runs the chain over mono samples at 24 kHz whose peak is about -6 dBFS. The length stays; the peak may not.
    pub fn apply(&self, samples: &mut [f32], rooms: &[Vec<f32>]) {
        for step in &self.steps {
            step.apply(samples, rooms);
            normalise(samples, 0.5);
        }
    }
}

impl Step {
    fn apply(&self, samples: &mut [f32], rooms: &[Vec<f32>]) {
        match self {
            Self::Filter(sections) => {
                sections.iter().for_each(|section| section.clone().run(samples))
            }
            Self::Drive { gain, bias, hard, blend } => {
                saturate(samples, *gain, *bias, *hard, *blend)
            }
            Self::Fold { hold, bits } => crush(samples, *hold, *bits),
            Self::Compress(compressor) => compressor.run(samples),
            Self::Chorus { taps, middle_s, depth_s, speed_hz, wet } => {
                Chorus::new(*taps, *middle_s, *depth_s, *speed_hz, *wet, RATE_HZ).run(samples);
            }
            Self::Vibrato { share, speed_hz } => {
                Chorus::vibrato(*share, *speed_hz, RATE_HZ).run(samples);
            }
            Self::Tremolo { speed_hz, depth } => dynamics::tremolo(samples, *speed_hz, *depth),
            Self::Echo { delay_s, feedback, wet } => {
                echo(samples, (delay_s * RATE_HZ) as usize, *feedback, *wet)
            }
            Self::Hall { size, t60_s, damp_hz, wet, delay_s } => {
                let mut hall = Hall::new(*size, *t60_s, *damp_hz, RATE_HZ);
                add_wet(samples, *wet, (delay_s * RATE_HZ) as usize, |x| hall.next(x).0);
            }
            Self::Room { index, wet } => {
                if let Some(room) = rooms.get(*index) {
                    let reverberant = convolve::convolve(samples, room);
                    let scale = *wet * (rms(samples) / rms(&reverberant).max(1e-9)) as f32;
                    samples.iter_mut().zip(reverberant).for_each(|(x, y)| *x += y * scale);
                }
            }
            Self::Noise { colour, ratio, seed } => add_noise(samples, *colour, *ratio, *seed),
        }
    }
}

/// Bells and shelves of up to 12 dB.
fn equaliser(scale: f64, rng: &mut Rng) -> Vec<Biquad> {
    let mut bands = Vec::new();
    if rng.chance(0.5) {
        bands.push(Biquad::low_shelf(
            rng.log_range(60.0, 500.0),
            rng.range(-12.0, 9.0) * scale,
            RATE_HZ,
        ));
    }
    if rng.chance(0.5) {
        bands.push(Biquad::high_shelf(
            rng.log_range(1500.0, 8000.0),
            rng.range(-12.0, 10.0) * scale,
            RATE_HZ,
        ));
    }
    for _ in 0..rng.int(0, 3) {
        let (freq_hz, q) = (rng.log_range(80.0, 9000.0), rng.log_range(0.4, 4.0));
        bands.push(Biquad::peak(freq_hz, q, rng.range(-10.0, 9.0) * scale, RATE_HZ));
    }
    bands
}

/// A loudspeaker of ten or twelve inches in its box: no lows, a rough presence, nothing above a few kilohertz.
fn cabinet(rng: &mut Rng) -> Vec<Biquad> {
    let mut bands = vec![Biquad::high_pass(rng.range(60.0, 130.0), rng.range(0.7, 1.4), RATE_HZ)];
    bands.push(Biquad::peak(rng.range(1800.0, 3800.0), 1.0, rng.range(2.0, 9.0), RATE_HZ));
    for _ in 0..4 {
        let (freq_hz, q) = (rng.log_range(150.0, 5000.0), rng.log_range(1.5, 6.0));
        bands.push(Biquad::peak(freq_hz, q, rng.range(-6.0, 4.0), RATE_HZ));
    }
    let top_hz = rng.range(3500.0, 6000.0);
    bands.extend([0.6, 1.2].map(|q| Biquad::low_pass(top_hz, q, RATE_HZ)));
    bands
}

/// What small loudspeakers, filters and telephones leave over.
fn band_limits(rng: &mut Rng) -> Vec<Biquad> {
    let mut edges = Vec::new();
    if rng.chance(0.08) {
        edges.push(Biquad::high_pass(rng.range(250.0, 450.0), 0.9, RATE_HZ));
        edges.push(Biquad::low_pass(rng.range(2500.0, 3800.0), 0.9, RATE_HZ));
        return edges;
    }
    if rng.chance(0.5) {
        edges.push(Biquad::high_pass(rng.log_range(25.0, 350.0), rng.range(0.5, 1.2), RATE_HZ));
    }
    if rng.chance(0.6) {
        edges.push(Biquad::low_pass(rng.log_range(1500.0, 11_000.0), rng.range(0.5, 1.5), RATE_HZ));
    }
    edges
}

/// Gentle saturation needs no oversampling at this rate: its harmonics above 12 kHz are under the noise.
fn saturate(samples: &mut [f32], gain: f32, bias: f32, hard: f32, blend: f32) {
    if gain < 4.0 && hard == 0.0 {
        let rest = soft(bias);
        for x in samples {
            *x += blend * (soft(*x * gain + bias) - rest - *x);
        }
        return;
    }
    let mut wet = samples.to_vec();
    drive(&mut wet, gain, bias, hard, RATE_HZ);
    normalise(&mut wet, 0.5);
    samples.iter_mut().zip(wet).for_each(|(x, y)| *x += blend * (y - *x));
}

/// Adds a reverberator's output; its level is relative to the dry sound's, whatever the reverberator's own gain.
fn add_wet(samples: &mut [f32], wet: f32, delay: usize, mut next: impl FnMut(f32) -> f32) {
    let mut tail = vec![0.0; samples.len()];
    for (i, y) in tail.iter_mut().enumerate().skip(delay.min(samples.len())) {
        *y = next(samples[i - delay]);
    }
    let scale = wet * (rms(samples) / rms(&tail).max(1e-9)) as f32;
    samples.iter_mut().zip(tail).for_each(|(x, y)| *x += y * scale);
}

fn echo(samples: &mut [f32], delay: usize, feedback: f32, wet: f32) {
    let mut line = vec![0.0_f32; delay.max(1)];
    let mut at = 0;
    for x in samples {
        let late = line[at];
        line[at] = *x + late * feedback;
        at = (at + 1) % line.len();
        *x += wet * late;
    }
}

fn add_noise(samples: &mut [f32], colour: Colour, ratio: f64, seed: u64) {
    let mut rng = crate::rng::rng(seed, "noise");
    let (mut white, mut pink) = (Noise::new(&mut rng), Pink::new(&mut rng));
    let mains = rng.pick(&[50.0, 60.0]) / RATE_HZ;
    let tilt: [f64; 5] = core::array::from_fn(|_| rng.range(0.0, 1.0));
    let mut phase = 0.0;
    let mut noise = vec![0.0_f32; samples.len()];
    for y in &mut noise {
        *y = match colour {
            Colour::White => white.next(),
            Colour::Pink => pink.next(),
            Colour::Hum => {
                phase = (phase + mains) % 1.0;
                // Harmonics from a parabola's folds: buzz without a sine for each.
                let fold =
                    |k: f64| 8.0 * ((phase * k) % 1.0 - 0.5) * ((phase * k) % 1.0 - 0.5) - 0.667;
                (0..5).map(|k| tilt[k] * fold((k + 1) as f64) / (k + 1) as f64).sum::<f64>() as f32
            }
        };
    }
    let scale = (rms(samples) * ratio / rms(&noise).max(1e-9)) as f32;
    samples.iter_mut().zip(noise).for_each(|(x, y)| *x += y * scale);
}

#[cfg(test)]
mod tests;
