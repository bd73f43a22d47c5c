//! 1/3-octave levels ten times a second, of a stem or of what a plugin instance hears.
//!
//! Called by sessions and the offline driver with blocks of any size; the split never changes a level, and a push
//! allocates nothing. Frames of 0.2 s at a hop of a quarter: 5 Hz resolution, and squared Hann windows that sum to
//! one, so that a step holds the power of its 0.1 s wherever in it a transient falls.

use signal::{Band, BandLevels, BandStep};

use crate::decibel::power_db;
use crate::error::{AnalysisError, check_format};
use crate::meter::{PowerBelow, SANE_SAMPLE};
use crate::spectrum::PowerSpectrum;

/// Two frames make a step.
const STEPS_PER_S: u64 = 10;
const HOPS_PER_S: u64 = 2 * STEPS_PER_S;
/// Hops in a frame.
const HOPS_PER_FRAME: usize = 4;
/// Samples below this are silence: subnormal numbers are slow.
const LEAST_SAMPLE: f32 = 1e-20;

/// Measures the band levels of one stream.
#[derive(Debug)]
pub struct BandMeter {
    rate_hz: u32,
    /// The frame in progress of each channel, `[channels][frame]`, filled up to `filled`.
    frames: Vec<Vec<f32>>,
    filled: usize,
    spectrum: PowerSpectrum,
    /// Power of the step in progress, of the `taken` frames of the stream so far.
    power: Vec<f32>,
    below: PowerBelow,
    taken: u64,
    /// Samples of each channel so far.
    heard: u64,
}

impl BandMeter {
    /// A meter of interleaved audio.
    ///
    /// # Errors
    /// Where the rate lies outside 1 kHz to 768 kHz or the channels outside 1 to 64.
    pub fn new(rate_hz: u32, channels: usize) -> Result<Self, AnalysisError> {
        check_format(rate_hz, channels)?;
        let hop = (f64::from(rate_hz) / HOPS_PER_S as f64).round() as usize;
        let len = HOPS_PER_FRAME * hop;
        // The middle of the first frame lies half a hop after the first sample.
        let lead = len / 2 - Self::middle(rate_hz, 0) as usize;
        Ok(Self {
            rate_hz,
            frames: vec![vec![0.0; len]; channels],
            filled: lead,
            spectrum: PowerSpectrum::new(len),
            power: vec![0.0; len / 2 + 1],
            below: PowerBelow::new(f64::from(rate_hz) / len as f64, len / 2 + 1),
            taken: 0,
            heard: 0,
        })
    }

    /// The sample in the middle of a frame: exact in the long run at every rate.
    fn middle(rate_hz: u32, frame: u64) -> u64 {
        (2 * frame + 1) * u64::from(rate_hz) / (2 * HOPS_PER_S)
    }

    /// Takes the next interleaved samples and appends the steps they complete; a step is complete 75 ms after its
    /// end. Samples that are not finite count as silence, a part of a frame at the end is left out. Allocates only
    /// where `levels` has no room.
    pub fn push(&mut self, interleaved: &[f32], levels: &mut BandLevels) {
        let channels = self.frames.len();
        let mut rest = interleaved;
        while rest.len() >= channels {
            let room = self.frame_len() - self.filled;
            let count = room.min(rest.len() / channels);
            let (piece, next) = rest.split_at(count * channels);
            for (channel, frame) in self.frames.iter_mut().enumerate() {
                let samples = piece.iter().skip(channel).step_by(channels);
                for (slot, &x) in frame[self.filled..].iter_mut().zip(samples) {
                    *slot = sane(x);
                }
            }
            self.advance(count, levels);
            self.heard += count as u64;
            rest = next;
        }
    }

    /// Ends the stream: appends the steps that still have samples in them, the last one with silence after its end.
    pub fn finish(mut self, levels: &mut BandLevels) {
        let wanted = 2 * (self.heard * STEPS_PER_S).div_ceil(u64::from(self.rate_hz));
        while self.taken < wanted {
            let room = self.frame_len() - self.filled;
            for frame in &mut self.frames {
                frame[self.filled..].fill(0.0);
            }
            self.advance(room, levels);
        }
    }

    fn frame_len(&self) -> usize {
        2 * (self.power.len() - 1)
    }

    /// Counts samples that have been written behind the others, and takes the frame if they complete it.
    fn advance(&mut self, count: usize, levels: &mut BandLevels) {
        self.filled += count;
        if self.filled < self.frame_len() {
            return;
        }
        let at = |frame| Self::middle(self.rate_hz, frame);
        let hop = (at(self.taken + 1) - at(self.taken)) as usize;
        for frame in &mut self.frames {
            self.spectrum.add_power(frame, &mut self.power);
            frame.copy_within(hop.., 0);
        }
        self.filled -= hop;
        self.taken += 1;
        if self.taken.is_multiple_of(2) {
            self.below.fill(self.power.iter().map(|&p| f64::from(p)));
            levels.steps_db.push(self.step());
            self.power.fill(0.0);
        }
    }

    /// The levels of the two frames whose power was filled in.
    fn step(&self) -> BandStep {
        // The squared Hann window sums to 3/8 of its length.
        let to_mean = 1.0 / (2.0 * 0.375 * (self.frame_len() * self.frames.len()) as f64);
        let nyquist_hz = f64::from(self.rate_hz) / 2.0;
        std::array::from_fn(|band| {
            let [lo_hz, hi_hz] = BandLevels::edges_hz(band);
            if BandLevels::centre_hz(band) >= nyquist_hz {
                return Band::FLOOR_DB as f32;
            }
            let power = self.below.between(lo_hz, hi_hz.min(nyquist_hz));
            power_db(power * to_mean) as f32
        })
    }
}

/// What of a sample can be squared and summed.
fn sane(x: f32) -> f32 {
    if x.is_finite() && x.abs() > LEAST_SAMPLE { x.clamp(-SANE_SAMPLE, SANE_SAMPLE) } else { 0.0 }
}

#[cfg(test)]
mod tests;
