//! Where audio comes from: a trait that the command line's decoders implement, so that files of hours are never loaded
//! whole, and a source over samples in memory for tests and `barline eval`.

use std::collections::BTreeMap;

use crate::error::SourceError;

/// Audio that can be read front to back, more than once.
pub trait AudioSource {
    /// Frames per second.
    fn rate_hz(&self) -> u32;

    /// Samples per frame.
    fn channels(&self) -> usize;

    /// Replaces `block` by the next interleaved samples `[frames × channels]`, any number of whole frames.
    ///
    /// Returns false, with `block` empty, at the end.
    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<bool, SourceError>;

    /// Starts again at the first frame.
    fn rewind(&mut self) -> Result<(), SourceError>;

    /// The expected number of frames, where it is known: for progress bars only.
    fn frames_hint(&self) -> Option<u64> {
        None
    }

    /// What the reader of the results should know, by field: a truncated file, a downmix, an odd sample format.
    /// Complete once the source has been read to its end.
    fn notes(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}

/// Frames per block of [`Samples`]: about 0.1 s.
const BLOCK_FRAMES: usize = 4096;

/// A source over samples in memory.
#[derive(Clone, Debug)]
pub struct Samples {
    rate_hz: u32,
    channels: usize,
    interleaved: Vec<f32>,
    position: usize,
}

impl Samples {
    /// A source of `interleaved` samples `[frames × channels]`; an incomplete last frame is dropped.
    pub fn new(rate_hz: u32, channels: usize, mut interleaved: Vec<f32>) -> Self {
        let channels = channels.max(1);
        interleaved.truncate(interleaved.len() / channels * channels);
        Self { rate_hz, channels, interleaved, position: 0 }
    }
}

impl AudioSource for Samples {
    fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<bool, SourceError> {
        block.clear();
        let end = (self.position + BLOCK_FRAMES * self.channels).min(self.interleaved.len());
        block.extend_from_slice(&self.interleaved[self.position..end]);
        self.position = end;
        Ok(!block.is_empty())
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.position = 0;
        Ok(())
    }

    fn frames_hint(&self) -> Option<u64> {
        Some((self.interleaved.len() / self.channels) as u64)
    }
}
