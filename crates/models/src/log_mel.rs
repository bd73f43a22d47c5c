//! The log-mel front end of the embedded encoder: audio to a picture of `[frames, mel bands]`.
//! training/features.py computes the same; committed vectors hold the two equal.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};
use serde::Deserialize;

use crate::ModelError;

/// The object `log_mel` of an encoder's config.json.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LogMelConfig {
    /// Samples in one frame and its transform.
    pub n_fft: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Number of triangular bands.
    pub n_mels: usize,
    /// Lower end of the lowest band.
    #[serde(rename = "f_min")]
    pub f_min_hz: f64,
    /// Upper end of the highest band.
    #[serde(rename = "f_max")]
    pub f_max_hz: f64,
    /// Levels further below the window's loudest value are raised to this distance.
    pub top_db: f64,
    /// Decibels that become 1.0 after the window's mean is taken off.
    pub scale_db: f64,
}

/// Power below which a band is taken as silent: -100 dB.
const FLOOR: f32 = 1e-10;
/// A planned front end.
pub struct LogMel {
    config: LogMelConfig,
    min_frames: usize,
    window: Vec<f32>,
    /// First bin and weights of each band.
    bands: Vec<(usize, Vec<f32>)>,
    fft: Arc<dyn RealToComplex<f32>>,
}

impl std::fmt::Debug for LogMel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogMel").field("config", &self.config).finish_non_exhaustive()
    }
}

impl LogMel {
    /// Plans the front end for audio at `rate_hz`. Audio of less than `min_frames` frames is followed by silence, so that
    /// the encoder has enough for one of its own.
    ///
    /// # Errors
    /// [`ModelError::Field`] naming `file` if a number makes no sense.
    pub fn new(
        config: LogMelConfig,
        rate_hz: u32,
        min_frames: usize,
        file: &str,
    ) -> Result<Self, ModelError> {
        let fail = |field: &str, message: &str| {
            Err(ModelError::field(file, &format!("log_mel.{field}"), message))
        };
        if !(16..=1 << 16).contains(&config.n_fft) {
            return fail("n_fft", "not between 16 and 65536");
        }
        if config.hop == 0 || config.hop > config.n_fft {
            return fail("hop", "not between 1 and n_fft");
        }
        if !(1..=1024).contains(&config.n_mels) {
            return fail("n_mels", "not between 1 and 1024");
        }
        if !(config.f_min_hz >= 0.0
            && config.f_min_hz < config.f_max_hz
            && config.f_max_hz <= f64::from(rate_hz) / 2.0)
        {
            return fail("f_max", "f_min and f_max must rise and stay within half the sample rate");
        }
        if !(config.top_db > 0.0 && config.scale_db > 0.0) {
            return fail("top_db", "top_db and scale_db must be positive");
        }
        let step = std::f64::consts::TAU / config.n_fft as f64;
        let window =
            (0..config.n_fft).map(|i| (0.5 - 0.5 * (step * i as f64).cos()) as f32).collect();
        let filters =
            mel_filters(rate_hz, config.n_fft, config.n_mels, config.f_min_hz, config.f_max_hz);
        let bands = filters.iter().map(|filter| sparse(filter)).collect();
        let fft = RealFftPlanner::new().plan_fft_forward(config.n_fft);
        Ok(Self { config, min_frames, window, bands, fft })
    }

    /// Channels that come out.
    pub fn bands(&self) -> usize {
        self.config.n_mels
    }

    /// Frames that `samples` samples give.
    pub fn frames(&self, samples: usize) -> usize {
        (samples.max(self.shortest()) - self.config.n_fft) / self.config.hop + 1
    }

    /// Shorter audio is followed by silence up to this many samples.
    fn shortest(&self) -> usize {
        self.min_frames.saturating_sub(1) * self.config.hop + self.config.n_fft
    }

    /// The picture of one window, row-major `[frames, bands]`, of mean zero.
    pub fn forward(&self, samples: &[f32]) -> Vec<f32> {
        let mut db = self.decibels(samples);
        let top = db.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let floor = top - self.config.top_db as f32;
        db.iter_mut().for_each(|x| *x = x.max(floor));
        let mean = db.iter().map(|&x| f64::from(x)).sum::<f64>() / db.len() as f64;
        let scale = self.config.scale_db.recip();
        db.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) * scale) as f32);
        db
    }

    fn decibels(&self, samples: &[f32]) -> Vec<f32> {
        let LogMelConfig { n_fft, hop, .. } = self.config;
        let mut frame = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = vec![0.0f32; spectrum.len()];
        let frames = self.frames(samples.len());
        let mut out = Vec::with_capacity(frames * self.bands.len());
        for start in (0..frames).map(|index| index * hop) {
            let heard = &samples[start.min(samples.len())..(start + n_fft).min(samples.len())];
            frame[heard.len()..].fill(0.0);
            for ((frame, sample), window) in frame.iter_mut().zip(heard).zip(&self.window) {
                *frame = sample * window;
            }
            self.fft
                .process_with_scratch(&mut frame, &mut spectrum, &mut scratch)
                .expect("the buffers were made by this plan");
            power.iter_mut().zip(&spectrum).for_each(|(power, x)| *power = x.norm_sqr());
            out.extend(self.bands.iter().map(|(first, weights)| {
                let energy: f32 =
                    power[*first..].iter().zip(weights).map(|(power, weight)| power * weight).sum();
                10.0 * energy.max(FLOOR).log10()
            }));
        }
        out
    }
}

fn sparse(filter: &[f64]) -> (usize, Vec<f32>) {
    let first = filter.iter().position(|w| *w > 0.0).unwrap_or(0);
    let end = filter.iter().rposition(|w| *w > 0.0).map_or(first, |last| last + 1);
    (first, filter[first..end].iter().map(|w| *w as f32).collect())
}

/// Triangular filters on Slaney's mel scale (linear to 1 kHz, then logarithmic; Auditory Toolbox,
/// 1998), each of area 1 over its band: `[n_mels][n_fft / 2 + 1]`.
pub fn mel_filters(
    rate_hz: u32,
    n_fft: usize,
    n_mels: usize,
    f_min_hz: f64,
    f_max_hz: f64,
) -> Vec<Vec<f64>> {
    let (low, high) = (to_mel(f_min_hz), to_mel(f_max_hz));
    let edge_hz = |index: usize| from_mel(low + (high - low) * index as f64 / (n_mels + 1) as f64);
    let bin_hz = f64::from(rate_hz) / n_fft as f64;
    (0..n_mels)
        .map(|band| {
            let (left, centre, right) = (edge_hz(band), edge_hz(band + 1), edge_hz(band + 2));
            let height = 2.0 / (right - left);
            (0..=n_fft / 2)
                .map(|bin| {
                    let hz = bin as f64 * bin_hz;
                    let slope =
                        ((hz - left) / (centre - left)).min((right - hz) / (right - centre));
                    slope.max(0.0) * height
                })
                .collect()
        })
        .collect()
}

/// Mels per hertz below the corner, the corner itself, and the logarithmic step above it.
const HZ_PER_MEL: f64 = 200.0 / 3.0;
const CORNER_HZ: f64 = 1000.0;
const CORNER_MEL: f64 = CORNER_HZ / HZ_PER_MEL;
const MELS_TO_6400_HZ: f64 = 27.0;

fn to_mel(hz: f64) -> f64 {
    if hz < CORNER_HZ {
        hz / HZ_PER_MEL
    } else {
        CORNER_MEL + (hz / CORNER_HZ).ln() / 6.4f64.ln() * MELS_TO_6400_HZ
    }
}

fn from_mel(mel: f64) -> f64 {
    if mel < CORNER_MEL {
        mel * HZ_PER_MEL
    } else {
        CORNER_HZ * (6.4f64.ln() * (mel - CORNER_MEL) / MELS_TO_6400_HZ).exp()
    }
}

#[cfg(test)]
mod tests;
