//! Filters: one pole, two-pole state variable, biquad (after Bristow-Johnson's cookbook), resonator (after Klatt 1980).

use core::f64::consts::PI;

/// First-order low-pass; `high` gives its complement.
#[derive(Clone, Debug)]
pub(crate) struct OnePole {
    share: f32,
    state: f32,
}

impl OnePole {
    /// Corner at `freq_hz`.
    pub(crate) fn new(freq_hz: f64, rate_hz: f64) -> Self {
        Self { share: (1.0 - libm::exp(-2.0 * PI * freq_hz / rate_hz)) as f32, state: 0.0 }
    }

    /// The low-passed sample.
    pub(crate) fn low(&mut self, x: f32) -> f32 {
        self.state += self.share * (x - self.state);
        self.state
    }

    /// The high-passed sample.
    pub(crate) fn high(&mut self, x: f32) -> f32 {
        x - self.low(x)
    }
}

/// Two-pole state variable filter in trapezoidal form (Simper 2013): stays well behaved while its corner moves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Svf {
    damping: f32,
    a: [f32; 3],
    state: [f32; 2],
}

impl Svf {
    /// Corner at `freq_hz` with quality `q`.
    pub(crate) fn new(freq_hz: f64, q: f64, rate_hz: f64) -> Self {
        let mut filter = Self::default();
        filter.tune(freq_hz, q, rate_hz);
        filter
    }

    /// Moves the corner.
    pub(crate) fn tune(&mut self, freq_hz: f64, q: f64, rate_hz: f64) {
        let g = libm::tan(PI * (freq_hz / rate_hz).clamp(1e-5, 0.49));
        let k = 1.0 / q;
        let a1 = 1.0 / (1.0 + g * (g + k));
        self.damping = k as f32;
        self.a = [a1 as f32, (g * a1) as f32, (g * g * a1) as f32];
    }

    /// Low, band (peak gain `q`) and high outputs of a sample.
    pub(crate) fn split(&mut self, x: f32) -> (f32, f32, f32) {
        let [a1, a2, a3] = self.a;
        let v3 = x - self.state[1];
        let band = a1 * self.state[0] + a2 * v3;
        let low = self.state[1] + a2 * self.state[0] + a3 * v3;
        self.state = [2.0 * band - self.state[0], 2.0 * low - self.state[1]];
        (low, band, x - self.damping * band - low)
    }

    /// The low-pass output.
    pub(crate) fn low(&mut self, x: f32) -> f32 {
        self.split(x).0
    }

    /// The band-pass output, unity gain at the centre.
    pub(crate) fn band(&mut self, x: f32) -> f32 {
        self.damping * self.split(x).1
    }

    /// The high-pass output.
    pub(crate) fn high(&mut self, x: f32) -> f32 {
        self.split(x).2
    }
}

/// A second-order section in transposed direct form.
#[derive(Clone, Debug)]
pub(crate) struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn from_parts(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|x| x / a[0]), a: [a[1] / a[0], a[2] / a[0]], state: [0.0; 2] }
    }

    /// Cosine and bandwidth term at a frequency, which is kept below Nyquist.
    fn angle(freq_hz: f64, q: f64, rate_hz: f64) -> (f64, f64) {
        let turn = 2.0 * PI * (freq_hz / rate_hz).clamp(1e-6, 0.495);
        (libm::cos(turn), libm::sin(turn) / (2.0 * q))
    }

    /// Bell of `gain_db` at a frequency.
    pub(crate) fn peak(freq_hz: f64, q: f64, gain_db: f64, rate_hz: f64) -> Self {
        let (cos, alpha) = Self::angle(freq_hz, q, rate_hz);
        let amp = super::db(gain_db / 2.0);
        let mid = -2.0 * cos;
        Self::from_parts(
            [1.0 + alpha * amp, mid, 1.0 - alpha * amp],
            [1.0 + alpha / amp, mid, 1.0 - alpha / amp],
        )
    }

    /// Low shelf of `gain_db` with its midpoint at a frequency.
    pub(crate) fn low_shelf(freq_hz: f64, gain_db: f64, rate_hz: f64) -> Self {
        Self::shelf(freq_hz, gain_db, rate_hz, 1.0)
    }

    /// High shelf of `gain_db` with its midpoint at a frequency.
    pub(crate) fn high_shelf(freq_hz: f64, gain_db: f64, rate_hz: f64) -> Self {
        Self::shelf(freq_hz, gain_db, rate_hz, -1.0)
    }

    /// `side` is 1 for the low shelf and -1 for its mirror image.
    fn shelf(freq_hz: f64, gain_db: f64, rate_hz: f64, side: f64) -> Self {
        let (cos, alpha) = Self::angle(freq_hz, core::f64::consts::FRAC_1_SQRT_2, rate_hz);
        let (amp, cos) = (super::db(gain_db / 2.0), cos * side);
        let root = 2.0 * amp.sqrt() * alpha;
        let (up, down) = (amp + 1.0, amp - 1.0);
        Self::from_parts(
            [
                amp * (up - down * cos + root),
                side * 2.0 * amp * (down - up * cos),
                amp * (up - down * cos - root),
            ],
            [up + down * cos + root, side * -2.0 * (down + up * cos), up + down * cos - root],
        )
    }

    /// Second-order low-pass.
    pub(crate) fn low_pass(freq_hz: f64, q: f64, rate_hz: f64) -> Self {
        let (cos, alpha) = Self::angle(freq_hz, q, rate_hz);
        let edge = (1.0 - cos) / 2.0;
        Self::from_parts([edge, 2.0 * edge, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Second-order high-pass.
    pub(crate) fn high_pass(freq_hz: f64, q: f64, rate_hz: f64) -> Self {
        let (cos, alpha) = Self::angle(freq_hz, q, rate_hz);
        let edge = (1.0 + cos) / 2.0;
        Self::from_parts([edge, -2.0 * edge, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// The next sample.
    pub(crate) fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// Filters in place.
    pub(crate) fn run(&mut self, samples: &mut [f32]) {
        for x in samples {
            *x = self.next(f64::from(*x)) as f32;
        }
    }
}

/// A formant: two poles at a centre and a bandwidth, unity gain at 0 Hz, so that they chain (Klatt 1980, eq. 1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    state: [f64; 2],
}

impl Resonator {
    /// Moves the formant.
    pub(crate) fn tune(&mut self, freq_hz: f64, width_hz: f64, rate_hz: f64) {
        let radius = libm::exp(-PI * width_hz / rate_hz);
        self.c = -radius * radius;
        self.b = 2.0 * radius * libm::cos(2.0 * PI * (freq_hz / rate_hz).min(0.48));
        self.a = 1.0 - self.b - self.c;
    }

    /// The next sample.
    pub(crate) fn next(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.state[0] + self.c * self.state[1];
        self.state = [y, self.state[0]];
        y
    }
}
