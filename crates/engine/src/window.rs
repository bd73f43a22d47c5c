//! Cutting a stream into the slices that meters measure and the windows that the model hears: one pass, bounded
//! memory, whatever the file's length.

use std::ops::Range;

use analysis::Meter;
use signal::{Measurements, Resampler};

use crate::error::EngineError;

/// The rate at which the model hears, in Hz.
pub const MODEL_RATE_HZ: u32 = 24_000;

/// The model was trained on windows of 2 to 4 s: a shorter bar is widened, on both sides, to this many seconds.
pub const MIN_WINDOW_S: f64 = 4.0;

/// Of a longer slice the model hears this many seconds from the middle.
pub const MAX_WINDOW_S: f64 = 6.0;

/// Up to this length a slice's samples are kept and measured on a worker thread; longer ones are measured as they
/// stream by, so that memory stays bounded (30 s of 8 channels at 192 kHz are 184 MB).
const KEEP_S: f64 = 30.0;

/// A stretch of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// First moment in seconds from the file's start.
    pub start_s: f64,
    /// End, exclusive.
    pub end_s: f64,
}

impl Span {
    /// Length in seconds.
    pub fn length_s(self) -> f64 {
        self.end_s - self.start_s
    }

    /// The stretch that the model hears for this one in a file of `duration_s`: [`MIN_WINDOW_S`] to [`MAX_WINDOW_S`],
    /// centred, moved inwards at the file's ends.
    pub fn window(self, duration_s: f64) -> Self {
        let length_s = self.length_s().clamp(MIN_WINDOW_S, MAX_WINDOW_S).min(duration_s);
        let centre_s = f64::midpoint(self.start_s, self.end_s);
        let start_s = (centre_s - length_s / 2.0).clamp(0.0, duration_s - length_s);
        Self { start_s, end_s: start_s + length_s }
    }

    /// Where this lies in `whole`, as shares of its length.
    pub fn share_of(self, whole: Self) -> Range<f64> {
        let share = |s: f64| ((s - whole.start_s) / whole.length_s()).clamp(0.0, 1.0);
        share(self.start_s)..share(self.end_s)
    }

    fn frames(self, rate_hz: u32) -> (u64, u64) {
        let frame = |s: f64| (s.max(0.0) * f64::from(rate_hz)).round() as u64;
        (frame(self.start_s), frame(self.end_s))
    }
}

/// What is wanted of one stretch of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// The stretch to measure.
    pub measure: Option<Span>,
    /// The stretch that the model hears.
    pub window: Option<Span>,
}

impl Cut {
    /// A stretch to hear, and not to measure.
    pub fn to_hear(window: Span) -> Self {
        Self { measure: None, window: Some(window) }
    }
}

/// A cut whose audio is complete, not yet worked on.
#[derive(Debug)]
pub struct Slice {
    /// Which of the cuts this is.
    pub index: usize,
    rate_hz: u32,
    channels: usize,
    measuring: Measuring,
    window: Option<Vec<f32>>,
}

/// What a slice turns into.
#[derive(Debug)]
pub struct Heard {
    /// Measurements of the cut's `measure` span, without tempo and key.
    pub measurements: Option<Measurements>,
    /// 24 kHz mono samples of the cut's `window` span.
    pub window: Option<Vec<f32>>,
}

impl Slice {
    /// Measures the slice and prepares its window: the costly part, meant for a worker thread.
    ///
    /// # Errors
    /// Samples that are not finite, or a rate that cannot be resampled.
    pub fn develop(self) -> Result<Heard, EngineError> {
        let measurements = match self.measuring {
            Measuring::Nothing => None,
            Measuring::Kept(samples) => {
                let mut meter = Meter::without_music(self.rate_hz, self.channels)?;
                meter.push(&samples)?;
                Some(meter.finish())
            }
            Measuring::Streamed(meter) => Some(meter.finish()),
        };
        let window = match self.window {
            Some(samples) => Some(to_model_rate(&samples, self.channels, self.rate_hz)?),
            None => None,
        };
        Ok(Heard { measurements, window })
    }
}

/// Interleaved samples `[frames × channels]` as the model hears them: mono (invariant 3 of the design) at 24 kHz.
///
/// # Errors
/// The rate is outside what the resampler takes.
pub fn to_model_rate(
    interleaved: &[f32],
    channels: usize,
    rate_hz: u32,
) -> Result<Vec<f32>, EngineError> {
    let mono = signal::to_mono(interleaved, channels);
    if rate_hz == MODEL_RATE_HZ {
        return Ok(mono);
    }
    let mut resampler = Resampler::new(rate_hz, MODEL_RATE_HZ)?;
    let mut out = Vec::with_capacity(mono.len() * MODEL_RATE_HZ as usize / rate_hz as usize + 1);
    resampler.push(&mono, &mut out);
    resampler.finish(&mut out);
    Ok(out)
}

#[derive(Debug)]
enum Measuring {
    Nothing,
    Kept(Vec<f32>),
    Streamed(Box<Meter>),
}

/// A cut that is being filled.
#[derive(Debug)]
struct Open {
    measure: Option<(u64, u64)>,
    window: Option<(u64, u64)>,
    end: u64,
    slice: Slice,
}

/// Distributes a stream over cuts, in one pass.
#[derive(Debug)]
pub struct Cutter {
    rate_hz: u32,
    channels: usize,
    position: u64,
    /// Sorted by first frame, the next to open last.
    waiting: Vec<(u64, usize, Cut)>,
    open: Vec<Open>,
}

impl Cutter {
    /// A cutter for audio at `rate_hz`; slices come out roughly in order of their end, named by index into `cuts`.
    pub fn new(rate_hz: u32, channels: usize, cuts: &[Cut]) -> Self {
        let first = |cut: &Cut| {
            [cut.measure, cut.window]
                .into_iter()
                .flatten()
                .map(|span| span.frames(rate_hz).0)
                .min()
                .unwrap_or(0)
        };
        let mut waiting: Vec<_> =
            cuts.iter().enumerate().map(|(index, cut)| (first(cut), index, *cut)).collect();
        waiting.sort_by_key(|&(first, index, _)| std::cmp::Reverse((first, index)));
        Self { rate_hz, channels, position: 0, waiting, open: Vec::new() }
    }

    /// Whether every cut has been handed out: the rest of the file is of no interest.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.open.is_empty()
    }

    /// Takes the next interleaved samples and appends the slices they complete to `ready`.
    ///
    /// # Errors
    /// A long slice holds samples that cannot be measured.
    pub fn push(&mut self, interleaved: &[f32], ready: &mut Vec<Slice>) -> Result<(), EngineError> {
        let end = self.position + (interleaved.len() / self.channels) as u64;
        while let Some((_, index, cut)) = self.waiting.pop_if(|(first, ..)| *first < end) {
            let open = self.open(index, cut)?;
            self.open.push(open);
        }
        for open in &mut self.open {
            if let Some(part) = part(interleaved, self.channels, self.position, open.measure) {
                match &mut open.slice.measuring {
                    Measuring::Nothing => {}
                    Measuring::Kept(samples) => samples.extend_from_slice(part),
                    Measuring::Streamed(meter) => meter.push(part)?,
                }
            }
            if let Some(part) = part(interleaved, self.channels, self.position, open.window)
                && let Some(window) = &mut open.slice.window
            {
                window.extend_from_slice(part);
            }
        }
        self.position = end;
        let done = self.open.extract_if(.., |open| open.end <= end);
        ready.extend(done.map(|open| open.slice));
        Ok(())
    }

    /// Hands out what is still open when the file has ended.
    ///
    /// # Errors
    /// The format cannot be measured.
    pub fn finish(mut self, ready: &mut Vec<Slice>) -> Result<(), EngineError> {
        ready.extend(self.open.drain(..).map(|open| open.slice));
        while let Some((_, index, cut)) = self.waiting.pop() {
            ready.push(self.open(index, cut)?.slice);
        }
        Ok(())
    }

    fn open(&self, index: usize, cut: Cut) -> Result<Open, EngineError> {
        let measuring = match cut.measure {
            None => Measuring::Nothing,
            Some(span) if span.length_s() <= KEEP_S => Measuring::Kept(Vec::new()),
            Some(_) => {
                Measuring::Streamed(Box::new(Meter::without_music(self.rate_hz, self.channels)?))
            }
        };
        let measure = cut.measure.map(|span| span.frames(self.rate_hz));
        let window = cut.window.map(|span| span.frames(self.rate_hz));
        let end = [measure, window].into_iter().flatten().map(|frames| frames.1).max().unwrap_or(0);
        let kept = window.map(|_| Vec::new());
        let slice = Slice {
            index,
            rate_hz: self.rate_hz,
            channels: self.channels,
            measuring,
            window: kept,
        };
        Ok(Open { measure, window, end, slice })
    }
}

/// The part of a block starting at frame `position` that lies within `frames`.
fn part(
    interleaved: &[f32],
    channels: usize,
    position: u64,
    frames: Option<(u64, u64)>,
) -> Option<&[f32]> {
    let (first, last) = frames?;
    let end = position + (interleaved.len() / channels) as u64;
    let (from, to) = (first.max(position), last.min(end));
    (from < to).then(|| {
        let index = |frame: u64| (frame - position) as usize * channels;
        &interleaved[index(from)..index(to)]
    })
}

#[cfg(test)]
mod tests;
