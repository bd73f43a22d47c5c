//! Windowed power spectra, shared by every detector that listens in frequency.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Power spectra of Hann-windowed frames of one length.
pub(crate) struct PowerSpectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    input: Vec<f32>,
    output: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl PowerSpectrum {
    /// For frames of `len` samples.
    pub(crate) fn new(len: usize) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(len);
        let step = std::f64::consts::TAU / len as f64;
        Self {
            window: (0..len).map(|i| (0.5 - 0.5 * (i as f64 * step).cos()) as f32).collect(),
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// The transform of one windowed frame, `[len / 2 + 1]`, unscaled.
    pub(crate) fn transform(&mut self, frame: &[f32]) -> &[Complex<f32>] {
        for ((slot, x), w) in self.input.iter_mut().zip(frame).zip(&self.window) {
            *slot = x * w;
        }
        (self.fft.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch))
            .expect("the buffers come from this plan");
        &self.output
    }

    /// The last transform.
    pub(crate) fn last(&self) -> &[Complex<f32>] {
        &self.output
    }

    /// Adds the power spectrum of one frame to `power`, `[len / 2 + 1]`, as one-sided power: a sine of amplitude a
    /// gives a total of a^2 / 2 times the sum of the squared window.
    pub(crate) fn add_power(&mut self, frame: &[f32], power: &mut [f32]) {
        let scale = 2.0 / self.window.len() as f32;
        self.transform(frame);
        for (sum, x) in power.iter_mut().zip(&self.output) {
            *sum += x.norm_sqr() * scale;
        }
    }
}

impl fmt::Debug for PowerSpectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PowerSpectrum").field("len", &self.window.len()).finish_non_exhaustive()
    }
}

/// Cuts a mono stream into overlapping frames, preceded by `lead` zeros.
#[derive(Clone, Debug)]
pub(crate) struct Framer {
    len: usize,
    hop: usize,
    buffer: Vec<f32>,
    at: usize,
}

impl Framer {
    pub(crate) fn new(len: usize, hop: usize, lead: usize) -> Self {
        debug_assert!(hop <= len, "push drops only what the buffer holds");
        Self { len, hop, buffer: vec![0.0; lead], at: 0 }
    }

    /// Takes samples.
    pub(crate) fn push(&mut self, mono: &[f32]) {
        self.buffer.drain(..self.at.min(self.buffer.len()));
        self.at = 0;
        self.buffer.extend_from_slice(mono);
    }

    /// The next whole frame, if there is one.
    pub(crate) fn next_frame(&mut self) -> Option<&[f32]> {
        let frame = self.at..self.at + self.len;
        if frame.end > self.buffer.len() {
            return None;
        }
        self.at += self.hop;
        self.buffer.get(frame)
    }
}

/// The power of two nearest to `seconds` at a sample rate, at least 32.
pub(crate) fn frame_len(rate_hz: u32, seconds: f64) -> usize {
    let exact = f64::from(rate_hz) * seconds;
    (exact.log2().round().exp2() as usize).max(32)
}
