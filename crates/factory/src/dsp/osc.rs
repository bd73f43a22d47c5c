//! Sources: rotating phasors, band-limited saws and wavetables, noise, slow drift.

use core::f64::consts::TAU;
use std::sync::OnceLock;

use crate::rng::{Draw as _, Rng};

/// A sine by rotating a phasor: four multiplications a sample instead of a call.
#[derive(Clone, Debug)]
pub(crate) struct Rotor {
    re: f64,
    im: f64,
    cos: f64,
    sin: f64,
}

impl Rotor {
    /// Starts at `phase` turns.
    pub(crate) fn new(freq_hz: f64, phase: f64, rate_hz: f64) -> Self {
        let mut rotor =
            Self { re: libm::cos(TAU * phase), im: libm::sin(TAU * phase), cos: 1.0, sin: 0.0 };
        rotor.tune(freq_hz, rate_hz);
        rotor
    }

    /// Changes the frequency without a jump, and takes the rounding out of the amplitude.
    pub(crate) fn tune(&mut self, freq_hz: f64, rate_hz: f64) {
        let step = TAU * freq_hz / rate_hz;
        (self.cos, self.sin) = (libm::cos(step), libm::sin(step));
        let length = (self.re * self.re + self.im * self.im).sqrt();
        self.re /= length;
        self.im /= length;
    }

    /// The next sample of the sine.
    pub(crate) fn next(&mut self) -> f64 {
        let out = self.im;
        let re = self.re * self.cos - self.im * self.sin;
        self.im = self.re * self.sin + self.im * self.cos;
        self.re = re;
        out
    }
}

/// White noise, uniform in -1..1, by xorshift.
#[derive(Clone, Debug)]
pub(crate) struct Noise(u32);

impl Noise {
    /// A new sequence.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self((rng.seed() as u32) | 1)
    }

    /// The next sample.
    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 as i32) as f32 * (1.0 / 2_147_483_648.0)
    }
}

/// Pink noise, about 3 dB down an octave (three one-pole sections after Kellet).
#[derive(Clone, Debug)]
pub(crate) struct Pink {
    white: Noise,
    poles: [f32; 3],
}

impl Pink {
    /// A new sequence.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self { white: Noise::new(rng), poles: [0.0; 3] }
    }

    /// The next sample, roughly in -1..1.
    pub(crate) fn next(&mut self) -> f32 {
        let white = self.white.next();
        self.poles[0] = 0.997_65 * self.poles[0] + white * 0.099_046;
        self.poles[1] = 0.963 * self.poles[1] + white * 0.296_516_4;
        self.poles[2] = 0.57 * self.poles[2] + white * 1.052_691_3;
        0.25 * (self.poles[0] + self.poles[1] + self.poles[2] + white * 0.1848)
    }
}

/// A saw or pulse with its steps rounded over two samples (polynomial band-limited step, Välimäki 2005).
#[derive(Clone, Debug)]
pub(crate) struct Saw {
    phase: f64,
}

impl Saw {
    /// Starts at `phase` turns.
    pub(crate) fn new(phase: f64) -> Self {
        Self { phase }
    }

    fn step_at(phase: f64, step: f64) -> f64 {
        if phase < step {
            let t = phase / step;
            t + t - t * t - 1.0
        } else if phase > 1.0 - step {
            let t = (phase - 1.0) / step;
            t * t + t + t + 1.0
        } else {
            0.0
        }
    }

    fn advance(&mut self, step: f64) {
        self.phase += step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
        }
    }

    /// The next saw sample in -1..1; `step` is turns a sample, below 0.5.
    pub(crate) fn saw(&mut self, step: f64) -> f32 {
        let out = 2.0 * self.phase - 1.0 - Self::step_at(self.phase, step);
        self.advance(step);
        out as f32
    }

    /// The next pulse sample in -1..1, high for `width` of the turn.
    pub(crate) fn pulse(&mut self, step: f64, width: f64) -> f32 {
        let mut fall = self.phase + 1.0 - width;
        if fall >= 1.0 {
            fall -= 1.0;
        }
        let level = if self.phase < width { 1.0 } else { -1.0 };
        let out = level + Self::step_at(self.phase, step) - Self::step_at(fall, step);
        self.advance(step);
        out as f32
    }
}

/// One turn of a sine, from which tables are summed.
static SINES: OnceLock<Vec<f32>> = OnceLock::new();

/// One period of a wave, built from its harmonics so that nothing folds back.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    wave: Vec<f32>,
}

impl Table {
    const SIZE: usize = 1024;

    /// Harmonic `i + 1` has amplitude `amps[i]` and phase `phases[i]` turns (0 beyond its end).
    pub(crate) fn new(amps: &[f64], phases: &[f64]) -> Self {
        let sines = SINES.get_or_init(|| {
            let turn = |i: usize| libm::sin(TAU * i as f64 / Self::SIZE as f64) as f32;
            (0..Self::SIZE).map(turn).collect()
        });
        let mask = Self::SIZE - 1;
        let mut wave = vec![0.0f32; Self::SIZE + 1];
        for (index, &amp) in amps.iter().enumerate().take(Self::SIZE / 2 - 1) {
            if amp.abs() < 1e-5 {
                continue;
            }
            let phase = TAU * phases.get(index).copied().unwrap_or(0.0);
            let (with_sin, with_cos) =
                ((amp * libm::cos(phase)) as f32, (amp * libm::sin(phase)) as f32);
            for (i, x) in wave.iter_mut().enumerate() {
                let place = i * (index + 1);
                *x += with_sin * sines[place & mask]
                    + with_cos * sines[(place + Self::SIZE / 4) & mask];
            }
        }
        Self { wave }
    }

    /// The wave at `phase` turns, 0 to 1.
    pub(crate) fn at(&self, phase: f64) -> f32 {
        let place = phase * Self::SIZE as f64;
        let index = (place as usize).min(Self::SIZE - 1);
        let part = (place - index as f64) as f32;
        self.wave[index] + part * (self.wave[index + 1] - self.wave[index])
    }
}

/// A slow random walk in -1..1: smooth steps between new random values. Makes pitch and level human.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    rng: Rng,
    from: f64,
    to: f64,
    at: f64,
    step: f64,
}

impl Drift {
    /// New values come `per_s` times a second; `ticks_per_s` is how often `next` is called.
    pub(crate) fn new(per_s: f64, ticks_per_s: f64, rng: &mut Rng) -> Self {
        let mut rng = crate::rng::rng(rng.seed(), "drift");
        let (from, to) = (rng.range(-1.0, 1.0), rng.range(-1.0, 1.0));
        Self { at: rng.range(0.0, 1.0), from, to, rng, step: per_s / ticks_per_s }
    }

    /// The value at the next tick.
    pub(crate) fn next(&mut self) -> f64 {
        self.at += self.step;
        if self.at >= 1.0 {
            self.at -= self.at.floor();
            self.from = self.to;
            self.to = self.rng.range(-1.0, 1.0);
        }
        let smooth = self.at * self.at * (3.0 - 2.0 * self.at);
        self.from + (self.to - self.from) * smooth
    }
}

/// Sine of a phase in turns, by a polynomial good to 1e-4: for modulated phases, where a rotor cannot follow.
pub(crate) fn sine(turns: f64) -> f64 {
    // Fold to a quarter turn each side of zero, in units of half a turn.
    let half = 2.0 * (turns - (turns + 0.5).floor());
    let folded = if half > 0.5 {
        1.0 - half
    } else if half < -0.5 {
        -1.0 - half
    } else {
        half
    };
    let x = core::f64::consts::PI * folded;
    let square = x * x;
    x * (1.0 - square * (1.0 / 6.0 - square * (1.0 / 120.0 - square * (1.0 / 5040.0))))
}
