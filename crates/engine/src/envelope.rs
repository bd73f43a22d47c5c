//! The level of a file over time, kept from the first pass: it decides which windows of a long file the model hears.

use crate::window::Span;

/// Seconds per step of the envelope.
const STEP_S: f64 = 0.25;

/// Mean power below which a step holds no signal: -75 dBFS. A stem that peaks at -45 dBFS has most of its sound below -60.
const SIGNAL_POWER: f64 = 3.162e-8;

/// -120 dBFS.
const FLOOR_POWER: f64 = 1e-12;

/// How far below the loudest window another may lie and still be worth hearing, as a power ratio: 25 dB.
const WORTH_HEARING: f64 = 0.003_162;

/// Mean power of all channels in steps of 0.25 s. Opposite polarity does not cancel in it.
#[derive(Clone, Debug)]
pub struct Envelope {
    rate_hz: u32,
    channels: usize,
    step_frames: usize,
    power: Vec<f64>,
    sum: f64,
    filled: usize,
    frames: u64,
}

impl Envelope {
    /// An empty envelope of audio at `rate_hz` with `channels` channels.
    pub fn new(rate_hz: u32, channels: usize) -> Self {
        let step_frames = ((f64::from(rate_hz) * STEP_S).round() as usize).max(1);
        Self {
            rate_hz,
            channels: channels.max(1),
            step_frames,
            power: Vec::new(),
            sum: 0.0,
            filled: 0,
            frames: 0,
        }
    }

    /// Adds interleaved samples.
    pub fn push(&mut self, interleaved: &[f32]) {
        for frame in interleaved.chunks_exact(self.channels) {
            let power: f64 = frame.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            self.sum += power / self.channels as f64;
            self.filled += 1;
            self.frames += 1;
            if self.filled == self.step_frames {
                self.close_step();
            }
        }
    }

    /// Closes the last, incomplete step.
    pub fn finish(&mut self) {
        if self.filled > 0 {
            self.close_step();
        }
    }

    /// Seconds heard.
    pub fn duration_s(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate_hz)
    }

    /// Levels within `within` in dBFS, and the length of their steps in seconds.
    pub(crate) fn levels_db(&self, within: Span) -> (Vec<f64>, f64) {
        let at = |s: f64| ((s / STEP_S).round() as usize).min(self.power.len());
        let (from, to) = (at(within.start_s), at(within.end_s));
        let level_db = |power: &f64| 10.0 * power.max(FLOOR_POWER).log10();
        (self.power[from..to.max(from)].iter().map(level_db).collect(), STEP_S)
    }

    /// Seconds above -75 dBFS.
    pub fn signal_s(&self) -> f64 {
        let steps = self.power.iter().filter(|&&power| power > SIGNAL_POWER).count();
        (steps as f64 * STEP_S).min(self.duration_s())
    }

    /// The `length_s` with the most energy within `within`, or all of it if it is shorter.
    pub fn loudest(&self, length_s: f64, within: Span) -> Span {
        let mut best = (f64::MIN, within.start_s);
        for (start_s, power) in self.candidates(length_s, within) {
            if power > best.0 {
                best = (power, start_s);
            }
        }
        Span { start_s: best.1, end_s: (best.1 + length_s).min(within.end_s) }
    }

    /// Up to `count` windows of `length_s` that hold signal, spread evenly over the loud parts of `within`.
    pub fn spread(&self, count: usize, length_s: f64, within: Span) -> Vec<Span> {
        let candidates = self.candidates(length_s, within);
        let loudest = candidates.iter().map(|c| c.1).fold(0.0, f64::max);
        let threshold = (loudest * WORTH_HEARING).max(SIGNAL_POWER);
        let mut worth: Vec<f64> = Vec::new();
        for (start_s, power) in candidates {
            if power > threshold && worth.last().is_none_or(|last| start_s - last >= length_s) {
                worth.push(start_s);
            }
        }
        let picked = worth.len().min(count);
        (0..picked)
            .map(|i| worth[(2 * i + 1) * worth.len() / (2 * picked)])
            .map(|start_s| Span { start_s, end_s: (start_s + length_s).min(within.end_s) })
            .collect()
    }

    /// Start and mean power of every window of `length_s` within `within`, a step apart.
    fn candidates(&self, length_s: f64, within: Span) -> Vec<(f64, f64)> {
        let steps_long = ((length_s / STEP_S).round() as usize).max(1);
        let first = (within.start_s / STEP_S).ceil() as usize;
        let last_start_s = (within.end_s - length_s).max(within.start_s);
        let mut out = Vec::new();
        for step in first.. {
            let start_s = step as f64 * STEP_S;
            if start_s > last_start_s + 1e-9 || step >= self.power.len() {
                break;
            }
            let end = (step + steps_long).min(self.power.len());
            let mean = self.power[step..end].iter().sum::<f64>() / steps_long as f64;
            out.push((start_s, mean));
        }
        out
    }

    fn close_step(&mut self) {
        self.power.push(self.sum / self.filled as f64);
        self.sum = 0.0;
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Span = Span { start_s: 0.0, end_s: 20.0 };

    /// 20 s of stereo at 1 kHz, silent but for 6 s to 14 s, in opposite polarity.
    fn burst() -> Envelope {
        let mut envelope = Envelope::new(1000, 2);
        for frame in 0..20_000 {
            let x = if (6000..14_000).contains(&frame) { 0.5 } else { 0.0 };
            envelope.push(&[x, -x]);
        }
        envelope.finish();
        envelope
    }

    #[test]
    fn signal_is_counted_whatever_its_polarity() {
        let envelope = burst();
        assert_eq!(envelope.duration_s(), 20.0);
        assert_eq!(envelope.signal_s(), 8.0);
    }

    #[test]
    fn windows_are_chosen_where_the_signal_is() {
        let envelope = burst();
        let loudest = envelope.loudest(4.0, WHOLE);
        assert!(loudest.start_s >= 6.0 && loudest.end_s <= 14.0, "{loudest:?}");
        let spread = envelope.spread(8, 4.0, WHOLE);
        assert!(
            !spread.is_empty() && spread.iter().all(|s| s.end_s > 6.0 && s.start_s < 14.0),
            "{spread:?}"
        );
        assert!(spread.windows(2).all(|pair| pair[0].end_s <= pair[1].start_s));
    }

    #[test]
    fn silence_has_no_window_and_a_short_file_has_one() {
        let mut silent = Envelope::new(1000, 1);
        silent.push(&[0.0; 5000]);
        silent.finish();
        assert!(silent.spread(4, 4.0, Span { start_s: 0.0, end_s: 5.0 }).is_empty());
        let mut short = Envelope::new(1000, 1);
        short.push(&[0.5; 300]);
        short.finish();
        let within = Span { start_s: 0.0, end_s: 0.3 };
        assert_eq!(short.spread(4, 4.0, within), vec![within]);
    }
}
