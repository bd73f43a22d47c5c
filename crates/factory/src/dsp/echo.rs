//! Effects made of delay lines: chorus (also rotary and ensemble) and a small hall.

use super::{OnePole, Rotor};

/// Moving delays mixed with the dry signal.
#[derive(Debug)]
pub(crate) struct Chorus {
    line: Vec<f32>,
    at: usize,
    taps: Vec<(Rotor, f64)>,
    middle: f64,
    dry: f32,
    wet: f32,
}

impl Chorus {
    /// `taps` delays around `middle_s`, each swinging by `depth_s` at `speed_hz`; `wet` in 0..1.
    pub(crate) fn new(
        taps: usize,
        middle_s: f64,
        depth_s: f64,
        speed_hz: f64,
        wet: f64,
        rate_hz: f64,
    ) -> Self {
        let depth = depth_s.min(middle_s * 0.9) * rate_hz;
        let middle = middle_s * rate_hz + 2.0;
        Self {
            line: vec![0.0; ((middle + depth) as usize + 4).next_power_of_two()],
            at: 0,
            taps: (0..taps)
                .map(|tap| {
                    let speed = speed_hz * (1.0 + 0.13 * tap as f64);
                    (Rotor::new(speed, tap as f64 / taps as f64, rate_hz), depth)
                })
                .collect(),
            middle,
            dry: 1.0 - 0.4 * wet as f32,
            wet: wet as f32,
        }
    }

    /// The delayed sound alone: a player's vibrato, or a tape that wavers by `share` of its speed at `speed_hz`.
    pub(crate) fn vibrato(share: f64, speed_hz: f64, rate_hz: f64) -> Self {
        let depth_s = share / (core::f64::consts::TAU * speed_hz);
        Self { dry: 0.0, ..Self::new(1, depth_s * 1.2, depth_s, speed_hz, 1.0, rate_hz) }
    }

    /// Runs in place.
    pub(crate) fn run(&mut self, samples: &mut [f32]) {
        let mask = self.line.len() - 1;
        let share = self.wet / self.taps.len().max(1) as f32;
        for x in samples {
            self.line[self.at & mask] = *x;
            let mut wet = 0.0;
            for (swing, depth) in &mut self.taps {
                let delay = self.middle + *depth * swing.next();
                let whole = delay as usize;
                let part = (delay - whole as f64) as f32;
                let newer = self.line[self.at.wrapping_sub(whole) & mask];
                let older = self.line[self.at.wrapping_sub(whole + 1) & mask];
                wet += newer + part * (older - newer);
            }
            self.at = self.at.wrapping_add(1);
            *x = *x * self.dry + wet * share;
        }
    }
}

/// A hall: eight delay lines feeding each other through a Hadamard mix, each damped (Jot 1991).
#[derive(Debug)]
pub(crate) struct Hall {
    lines: [Vec<f32>; 8],
    at: [usize; 8],
    keep: [f32; 8],
    damp: [OnePole; 8],
}

impl Hall {
    /// Delays of the lines at size 1, in ms: mutually prime at common rates.
    const DELAYS_MS: [f64; 8] = [29.7, 37.1, 41.1, 43.7, 53.3, 59.9, 67.7, 73.1];

    /// `size` 0.2 is a small room, 1.5 a cathedral; `t60_s` the decay; `damp_hz` where the highs go.
    pub(crate) fn new(size: f64, t60_s: f64, damp_hz: f64, rate_hz: f64) -> Self {
        let delays = Self::DELAYS_MS.map(|ms| ((ms * 1e-3 * size * rate_hz) as usize).max(8));
        Self {
            lines: delays.map(|n| vec![0.0; n]),
            at: [0; 8],
            keep: delays.map(|n| libm::exp(-6.907_755 * n as f64 / (t60_s * rate_hz)) as f32),
            damp: core::array::from_fn(|_| OnePole::new(damp_hz, rate_hz)),
        }
    }

    /// The wet left and right outputs for a mono sample.
    pub(crate) fn next(&mut self, x: f32) -> (f32, f32) {
        let mut y = [0.0f32; 8];
        for (line, out) in y.iter_mut().enumerate() {
            *out = self.damp[line].low(self.lines[line][self.at[line]]) * self.keep[line];
        }
        let (left, right) = (y[0] + y[2] - y[4] + y[6], y[1] - y[3] + y[5] + y[7]);
        // Fast Hadamard transform: sums and differences at strides 1, 2 and 4.
        for stride in [1, 2, 4] {
            for low in (0..8).filter(|i| i & stride == 0) {
                (y[low], y[low + stride]) = (y[low] + y[low + stride], y[low] - y[low + stride]);
            }
        }
        for (line, back) in y.iter().enumerate() {
            // 1/sqrt(8) keeps the mix from gaining.
            self.lines[line][self.at[line]] = x + back * 0.353_553_4;
            self.at[line] += 1;
            // A remainder here would cost more than the rest of the loop.
            if self.at[line] == self.lines[line].len() {
                self.at[line] = 0;
            }
        }
        (0.35 * left, 0.35 * right)
    }
}
