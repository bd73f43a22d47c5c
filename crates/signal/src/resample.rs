//! Streaming mono resampler with the kernel of `torchaudio.transforms.Resample`'s defaults (Hann-windowed sinc, six
//! zero crossings, roll-off 0.99), which the training loaders of MERT and MusiLingo used.
//!
//! Called by sessions and the offline driver to make 24 kHz windows. Output sample `m` is centred on input time
//! `m * from / to`: there is no latency offset, and the split into blocks never changes a sample.

use crate::SignalError;

/// Zero crossings of the sinc on either side (`lowpass_filter_width`).
const ZERO_CROSSINGS: f64 = 6.0;
/// Cut-off as a share of the lower Nyquist frequency.
const ROLLOFF: f64 = 0.99;
/// Exact phases are tabulated up to this many weights (8 MiB); odd ratios beyond it compute them as they go.
const MAX_TABLE: usize = 1 << 21;
/// Consumed input is dropped in steps of this many samples, so that dropping costs nothing per sample.
const DROP_SAMPLES: usize = 16 * 1024;

/// Converts one mono stream from any rate to any other.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// Reduced rates: `from` input samples last as long as `to` output samples.
    from: u64,
    to: u64,
    taps: usize,
    /// Cut-off in cycles per input sample, times two: the sinc's argument per input sample.
    step: f64,
    /// Weights `[phase][tap]`, or empty where they are computed.
    table: Vec<f32>,
    scratch: Vec<f32>,
    /// Input from absolute position `start` on.
    buffer: Vec<f32>,
    start: i64,
    received: u64,
    produced: u64,
}

impl Resampler {
    /// Lowest rate taken, in Hz.
    pub const MIN_RATE_HZ: u32 = 1_000;
    /// Highest rate taken, in Hz.
    pub const MAX_RATE_HZ: u32 = 768_000;

    /// A resampler from one rate to another.
    ///
    /// # Errors
    /// Where a rate lies outside 1 kHz to 768 kHz.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, SignalError> {
        for found in [from_hz, to_hz] {
            if !(Self::MIN_RATE_HZ..=Self::MAX_RATE_HZ).contains(&found) {
                return Err(SignalError::SampleRate {
                    found,
                    min: Self::MIN_RATE_HZ,
                    max: Self::MAX_RATE_HZ,
                });
            }
        }
        let divisor = gcd(from_hz, to_hz);
        let (from, to) = (u64::from(from_hz / divisor), u64::from(to_hz / divisor));
        let step = (to as f64 / from as f64).min(1.0) * ROLLOFF;
        let taps = if from == to { 1 } else { (2.0 * ZERO_CROSSINGS / step).floor() as usize + 1 };
        let mut resampler = Self {
            from,
            to,
            taps,
            step,
            table: Vec::new(),
            scratch: vec![0.0; taps],
            buffer: Vec::new(),
            start: 0,
            received: 0,
            produced: 0,
        };
        // Zeros before the beginning, as far back as the first kernel reaches.
        resampler.start = resampler.first_tap(0).min(0);
        resampler.buffer = vec![0.0; resampler.start.unsigned_abs() as usize];
        if to as usize * taps <= MAX_TABLE {
            let mut table = vec![0.0; to as usize * taps];
            for (phase, row) in table.chunks_exact_mut(taps).enumerate() {
                resampler.weights(phase as u64, row);
            }
            resampler.table = table;
        }
        Ok(resampler)
    }

    /// Takes the next input samples and appends the output samples they complete to `out`.
    pub fn push(&mut self, mono: &[f32], out: &mut Vec<f32>) {
        self.buffer.extend_from_slice(mono);
        self.received += mono.len() as u64;
        self.produce(u64::MAX, out);
        self.drop_consumed();
    }

    /// Ends the stream: appends the rest, so that the total is `ceil(input * to / from)` samples. The input is
    /// followed by silence.
    pub fn finish(mut self, out: &mut Vec<f32>) {
        let total = (self.received * self.to).div_ceil(self.from);
        self.buffer.resize(self.buffer.len() + self.taps + 1, 0.0);
        self.received += self.taps as u64 + 1;
        self.produce(total, out);
    }

    fn produce(&mut self, total: u64, out: &mut Vec<f32>) {
        while self.produced < total {
            let first = self.first_tap(self.produced);
            if first + self.taps as i64 > self.received as i64 {
                break;
            }
            let at = (first - self.start) as usize;
            let phase = self.produced % self.to;
            let weights = if self.table.is_empty() {
                let mut row = std::mem::take(&mut self.scratch);
                self.weights(phase, &mut row);
                self.scratch = row;
                &self.scratch[..]
            } else {
                &self.table[phase as usize * self.taps..][..self.taps]
            };
            out.push(dot(&self.buffer[at..at + self.taps], weights));
            self.produced += 1;
        }
    }

    /// Absolute position of the first input sample under the kernel of output sample `m`.
    fn first_tap(&self, m: u64) -> i64 {
        if self.from == self.to {
            return m as i64;
        }
        let whole = m / self.to * self.from;
        whole as i64 + self.phase_first(m % self.to)
    }

    /// The first tap of a phase, relative to the input sample its cycle begins with.
    fn phase_first(&self, phase: u64) -> i64 {
        let centre = (phase * self.from) as f64 / self.to as f64;
        (centre - ZERO_CROSSINGS / self.step).ceil() as i64
    }

    fn weights(&self, phase: u64, row: &mut [f32]) {
        if self.from == self.to {
            row.fill(1.0);
            return;
        }
        let centre = (phase * self.from) as f64 / self.to as f64;
        let first = self.phase_first(phase);
        for (tap, weight) in row.iter_mut().enumerate() {
            let t = ((first + tap as i64) as f64 - centre) * self.step;
            *weight = (kernel(t) * self.step) as f32;
        }
    }

    fn drop_consumed(&mut self) {
        let consumed = (self.first_tap(self.produced) - self.start).max(0) as usize;
        if consumed >= DROP_SAMPLES {
            self.buffer.drain(..consumed.min(self.buffer.len()));
            self.start += consumed as i64;
        }
    }
}

/// Hann-windowed sinc at `t` zero crossings from its centre.
fn kernel(t: f64) -> f64 {
    if t.abs() >= ZERO_CROSSINGS {
        return 0.0;
    }
    let window = (t * std::f64::consts::PI / ZERO_CROSSINGS / 2.0).cos().powi(2);
    let x = t * std::f64::consts::PI;
    if x == 0.0 { window } else { window * x.sin() / x }
}

/// Inner product in eight independent sums, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
