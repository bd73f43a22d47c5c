//! Second-order filters in f64: those of the meters, and the equaliser's of an audition. `[any-thread]`, without memory of its own.

use std::f64::consts::PI;

/// Coefficients of one second-order section, `a0` = 1.
#[derive(Clone, Copy, Debug)]
pub struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

/// Memory of one section (transposed direct form II).
#[derive(Clone, Copy, Debug, Default)]
pub struct State([f64; 2]);

impl State {
    /// Forgets what is too small to matter, before it becomes subnormal and slow.
    pub fn settle(&mut self) {
        for value in &mut self.0 {
            if value.abs() < 1e-30 {
                *value = 0.0;
            }
        }
    }
}

impl Biquad {
    /// Filters one sample.
    #[inline]
    pub fn run(&self, state: &mut State, x: f64) -> f64 {
        let y = self.b[0] * x + state.0[0];
        state.0[0] = self.b[1] * x - self.a[0] * y + state.0[1];
        state.0[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// A peak of `gain_db` at `freq_hz`, or a dip (Bristow-Johnson, Audio EQ Cookbook).
    pub fn peak(rate_hz: u32, freq_hz: f64, q: f64, gain_db: f64) -> Self {
        let (a, cos, alpha) = Self::cookbook(rate_hz, freq_hz, q, gain_db);
        let norm = 1.0 / (1.0 + alpha / a);
        let b = [(1.0 + alpha * a) * norm, -2.0 * cos * norm, (1.0 - alpha * a) * norm];
        Self { b, a: [b[1], (1.0 - alpha / a) * norm] }
    }

    /// A shelf of `gain_db` above `freq_hz` (ibid.).
    pub fn high_shelf(rate_hz: u32, freq_hz: f64, q: f64, gain_db: f64) -> Self {
        let (a, cos, alpha) = Self::cookbook(rate_hz, freq_hz, q, gain_db);
        let (up, down, slope) = (a + 1.0, a - 1.0, 2.0 * a.sqrt() * alpha);
        let norm = 1.0 / (up - down * cos + slope);
        Self {
            b: [
                a * (up + down * cos + slope) * norm,
                -2.0 * a * (down + up * cos) * norm,
                a * (up + down * cos - slope) * norm,
            ],
            a: [2.0 * (down - up * cos) * norm, (up - down * cos - slope) * norm],
        }
    }

    /// Amplitude at the middle of the gain, cosine of the angle, half bandwidth.
    fn cookbook(rate_hz: u32, freq_hz: f64, q: f64, gain_db: f64) -> (f64, f64, f64) {
        let angle = 2.0 * PI * (freq_hz / f64::from(rate_hz)).clamp(1e-6, 0.49);
        (10f64.powf(gain_db / 40.0), angle.cos(), angle.sin() / (2.0 * q.max(0.05)))
    }

    /// Butterworth low-pass of the second order.
    pub fn low_pass(rate_hz: u32, freq_hz: f64) -> Self {
        let (k, norm, a) = Self::butterworth(rate_hz, freq_hz);
        let b0 = k * k * norm;
        Self { b: [b0, 2.0 * b0, b0], a }
    }

    /// Butterworth high-pass of the second order.
    pub fn high_pass(rate_hz: u32, freq_hz: f64) -> Self {
        let (_, norm, a) = Self::butterworth(rate_hz, freq_hz);
        Self { b: [norm, -2.0 * norm, norm], a }
    }

    /// What the two have in common: warped frequency, gain and poles.
    fn butterworth(rate_hz: u32, freq_hz: f64) -> (f64, f64, [f64; 2]) {
        let k = (PI * (freq_hz / f64::from(rate_hz)).min(0.49)).tan();
        let norm = 1.0 / (1.0 + k * std::f64::consts::SQRT_2 + k * k);
        let a = [2.0 * (k * k - 1.0) * norm, (1.0 - k * std::f64::consts::SQRT_2 + k * k) * norm];
        (k, norm, a)
    }

    /// The two stages of K-weighting (ITU-R BS.1770-5 annex 1), re-derived for any rate from the analogue
    /// prototypes that give the standard's coefficients at 48 kHz.
    pub fn k_weighting(rate_hz: u32) -> [Self; 2] {
        let rate = f64::from(rate_hz);
        let (freq_hz, gain_db, q) = (1681.974450955533, 3.999843853973347, 0.7071752369554196);
        let k = (PI * freq_hz / rate).tan();
        let high = 10f64.powf(gain_db / 20.0);
        let band = high.powf(0.4996667741545416);
        let norm = 1.0 / (1.0 + k / q + k * k);
        let shelf = Self {
            b: [
                (high + band * k / q + k * k) * norm,
                2.0 * (k * k - high) * norm,
                (high - band * k / q + k * k) * norm,
            ],
            a: [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm],
        };
        let (freq_hz, q) = (38.13547087602444, 0.5003270373238773);
        let k = (PI * freq_hz / rate).tan();
        let norm = 1.0 / (1.0 + k / q + k * k);
        let high_pass = Self {
            b: [1.0, -2.0, 1.0],
            a: [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm],
        };
        [shelf, high_pass]
    }
}

/// Two sections side by side, as the two lanes of one vector.
#[derive(Clone, Copy, Debug)]
pub struct Twin {
    b: [[f64; 2]; 3],
    a: [[f64; 2]; 2],
}

/// Memory of two sections.
#[derive(Clone, Copy, Debug, Default)]
pub struct TwinState([[f64; 2]; 2]);

impl TwinState {
    /// As [`State::settle`].
    pub fn settle(&mut self) {
        for value in self.0.as_flattened_mut() {
            if value.abs() < 1e-30 {
                *value = 0.0;
            }
        }
    }
}

impl Twin {
    /// The two of them.
    pub fn new(first: Biquad, second: Biquad) -> Self {
        Self {
            b: [0, 1, 2].map(|at| [first.b[at], second.b[at]]),
            a: [0, 1].map(|at| [first.a[at], second.a[at]]),
        }
    }

    /// Filters one sample of each.
    #[inline]
    pub fn run(&self, state: &mut TwinState, x: [f64; 2]) -> [f64; 2] {
        let [near, far] = &mut state.0;
        let mut y = [0.0; 2];
        for lane in 0..2 {
            y[lane] = self.b[0][lane] * x[lane] + near[lane];
            near[lane] = self.b[1][lane] * x[lane] - self.a[0][lane] * y[lane] + far[lane];
            far[lane] = self.b[2][lane] * x[lane] - self.a[1][lane] * y[lane];
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_weighting_at_48_khz_is_the_standards_table() {
        let [shelf, high_pass] = Biquad::k_weighting(48_000);
        let check = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}")
        };
        check(shelf.b[0], 1.53512485958697);
        check(shelf.b[1], -2.69169618940638);
        check(shelf.b[2], 1.19839281085285);
        check(shelf.a[0], -1.69065929318241);
        check(shelf.a[1], 0.73248077421585);
        check(high_pass.a[0], -1.99004745483398);
        check(high_pass.a[1], 0.99007225036621);
    }

    #[test]
    fn an_equaliser_has_its_gain_where_it_is_and_none_elsewhere() {
        let gain_db = |filter: Biquad, hz: f64| {
            let (mut state, mut power) = (State::default(), 0.0);
            for n in 0..48_000 {
                let y = filter.run(&mut state, (2.0 * PI * hz * f64::from(n) / 48_000.0).sin());
                power += if n >= 24_000 { y * y } else { 0.0 };
            }
            10.0 * (power / 12_000.0).log10()
        };
        let check = |filter, hz, expected: f64| {
            let found = gain_db(filter, hz);
            assert!((found - expected).abs() < 0.1, "{hz} Hz: {found} dB, not {expected}");
        };
        let dip = Biquad::peak(48_000, 1_000.0, 2.0, -6.0);
        for (hz, db) in [(20.0, 0.0), (1_000.0, -6.0), (20_000.0, 0.0)] {
            check(dip, hz, db);
        }
        let shelf = Biquad::high_shelf(48_000, 4_000.0, 0.7, 8.0);
        for (hz, db) in [(100.0, 0.0), (4_000.0, 4.0), (20_000.0, 8.0)] {
            check(shelf, hz, db);
        }
    }
}
