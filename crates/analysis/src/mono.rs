//! Streaming fold to mono for tempo, key and sections: the mean of the channels, or the loudest channel while the
//! mean is cancelled (invariant 3), decided per block with hysteresis so that it seldom switches.

/// The mean is given up below this share of the loudest channel's energy (-6 dB) ...
const CANCELLED: f64 = 0.251;
/// ... and taken back above this one (-3 dB).
const RESTORED: f64 = 0.5;

/// Folds interleaved channels to mono in blocks of 50 ms.
#[derive(Clone, Debug)]
pub(crate) struct MonoFold {
    channels: usize,
    block: usize,
    pending: Vec<f32>,
    /// The channel in use while the mean is cancelled.
    single: Option<usize>,
}

impl MonoFold {
    pub(crate) fn new(rate_hz: u32, channels: usize) -> Self {
        Self {
            channels,
            block: rate_hz as usize / 20 * channels,
            pending: Vec::new(),
            single: None,
        }
    }

    /// Takes interleaved samples and appends the mono samples of the blocks they complete.
    pub(crate) fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        if self.channels == 1 {
            out.extend_from_slice(interleaved);
            return;
        }
        self.pending.extend_from_slice(interleaved);
        let mut pending = std::mem::take(&mut self.pending);
        let whole = pending.len() / self.block * self.block;
        for block in pending[..whole].chunks_exact(self.block) {
            self.fold(block, out);
        }
        pending.drain(..whole);
        self.pending = pending;
    }

    /// Appends the incomplete last block.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            self.fold(&rest, out);
        }
    }

    fn fold(&mut self, block: &[f32], out: &mut Vec<f32>) {
        let from = out.len();
        let scale = 1.0 / self.channels as f32;
        out.extend(
            block.chunks_exact(self.channels).map(|frame| frame.iter().sum::<f32>() * scale),
        );
        let mean: f64 = out[from..].iter().map(|&x| f64::from(x).powi(2)).sum();
        let (loudest, energy) = self.loudest(block);
        let limit = if self.single.is_some() { RESTORED } else { CANCELLED };
        if mean > energy * limit || energy == 0.0 {
            self.single = self.single.filter(|_| energy == 0.0);
            return;
        }
        let channel = *self.single.get_or_insert(loudest);
        out.truncate(from);
        out.extend(block.chunks_exact(self.channels).map(|frame| frame[channel]));
    }

    fn loudest(&self, block: &[f32]) -> (usize, f64) {
        let energy = |channel: usize| -> f64 {
            block.chunks_exact(self.channels).map(|frame| f64::from(frame[channel]).powi(2)).sum()
        };
        let energies = (0..self.channels).map(|channel| (channel, energy(channel)));
        energies.fold((0, 0.0), |best, next| if next.1 > best.1 { next } else { best })
    }
}
