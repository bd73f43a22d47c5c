//! Sample peak, crest, DC offset and clipping.
//!
//! A clipped wave lies flat at its highest level, however far it was turned down afterwards: runs of samples that agree
//! within the resolution, entered or left with a slope that no round top has, at a level that nothing exceeds. A round top
//! is a parabola: where three and more of its samples agree within some range, the next one lies at most three of that
//! range away.

use signal::Measurements;

use crate::decibel::amplitude_db;

/// Shortest run that counts as clipped.
const RUN_SAMPLES: u32 = 3;
/// Samples of a run agree within this share: dither of 16 bit at full scale.
const SAME: f32 = 1e-4;
/// Ceilings below this are not looked for (-54 dBFS): there 16 bit has too few steps to tell a top from a plateau.
const LOWEST_CEILING: f32 = 64.0 / 32_768.0;
/// Steps of 16 bit, and of anything finer.
const COARSE: f32 = 1.0 / 32_768.0;
const FINE: f32 = 1.0 / 8_388_608.0;
/// A clipped wave is entered or left with this many times the range and resolution of its run.
const SLOPE: f32 = 8.0;
/// A square wave jumps by twice its level; a clipped wave does not.
const SQUARE_JUMP: f32 = 1.5;
/// Times that are kept.
pub(super) const MOST_TIMES: usize = 100;

/// One channel's ceiling in one direction.
#[derive(Clone, Debug, Default)]
struct Ceiling {
    peak: f32,
    level: f32,
    runs: u64,
    /// Frames at which the first runs start.
    starts: Vec<u64>,
}

impl Ceiling {
    fn add_run(&mut self, level: f32, start: u64) {
        if level > self.level * (1.0 + SAME) {
            (self.level, self.runs) = (level, 0);
            self.starts.clear();
        }
        if level >= self.level * (1.0 - SAME) {
            self.runs += 1;
            if self.starts.len() < MOST_TIMES {
                self.starts.push(start);
            }
        }
    }

    /// Whether nothing exceeds the level of the runs.
    fn holds(&self) -> bool {
        self.peak <= self.level * (1.0 + SAME)
    }
}

/// Neighbouring samples that agree.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    first: f32,
    low: f32,
    high: f32,
    samples: u32,
    entry_step: f32,
}

#[derive(Clone, Debug, Default)]
struct Channel {
    sum: f64,
    energy: f64,
    last: f32,
    run: Run,
    above: Ceiling,
    below: Ceiling,
}

impl Channel {
    #[inline]
    fn push(&mut self, x: f32, frame: u64) {
        self.sum += f64::from(x);
        self.energy += f64::from(x) * f64::from(x);
        let last = std::mem::replace(&mut self.last, x);
        if (x - self.run.first).abs() <= SAME * x.abs() {
            self.run.low = self.run.low.min(x);
            self.run.high = self.run.high.max(x);
            self.run.samples += 1;
            return;
        }
        let step = (x - last).abs();
        self.end_run(step, frame);
        self.run = Run { first: x, low: x, high: x, samples: 1, entry_step: step };
    }

    /// Ends a run before a frame.
    #[inline]
    fn end_run(&mut self, exit_step: f32, frame: u64) {
        self.above.peak = self.above.peak.max(self.run.high);
        self.below.peak = self.below.peak.max(-self.run.low);
        if self.run.samples >= RUN_SAMPLES {
            self.judge_run(exit_step, frame);
        }
    }

    fn judge_run(&mut self, exit_step: f32, frame: u64) {
        let run = self.run;
        let ceiling = if run.first > 0.0 { &mut self.above } else { &mut self.below };
        let level = run.high.abs().max(run.low.abs());
        if level < LOWEST_CEILING {
            return;
        }
        let resolution = if (level / COARSE).fract() == 0.0 { COARSE } else { FINE };
        let slope = SLOPE * (run.high - run.low + resolution);
        let sloped = run.entry_step.max(exit_step) >= slope;
        let square = run.entry_step.min(exit_step) >= level * SQUARE_JUMP;
        if sloped && !square {
            ceiling.add_run(level, frame - u64::from(run.samples));
        }
    }

    fn peak(&self) -> f32 {
        self.above.peak.max(self.below.peak)
    }

    fn clipped(&self) -> impl Iterator<Item = &Ceiling> {
        [&self.above, &self.below].into_iter().filter(|ceiling| ceiling.holds())
    }
}

#[derive(Debug)]
pub(super) struct Peaks {
    channels: Vec<Channel>,
    frames: u64,
}

impl Peaks {
    pub(super) fn new(channels: usize) -> Self {
        Self { channels: vec![Channel::default(); channels], frames: 0 }
    }

    pub(super) fn push(&mut self, piece: &[f32]) {
        let count = self.channels.len();
        for (at, channel) in self.channels.iter_mut().enumerate() {
            let samples = piece.iter().skip(at).step_by(count);
            for (&x, frame) in samples.zip(self.frames..) {
                channel.push(x, frame);
            }
        }
        self.frames += (piece.len() / count) as u64;
    }

    pub(super) fn is_silent(&self) -> bool {
        self.channels.iter().all(|channel| channel.peak() == 0.0)
    }

    pub(super) fn finish(mut self, out: &mut Measurements) {
        for channel in &mut self.channels {
            // Where the slice ends within a run, it leaves as it came.
            channel.end_run(channel.run.entry_step, self.frames);
        }
        let peak = self.channels.iter().map(Channel::peak).fold(0.0, f32::max);
        out.sample_peak_dbfs = amplitude_db(f64::from(peak));
        let clipped = || self.channels.iter().flat_map(Channel::clipped);
        out.clipped_runs = clipped().map(|ceiling| ceiling.runs).sum();
        let mut starts: Vec<u64> = clipped().flat_map(|ceiling| &ceiling.starts).copied().collect();
        starts.sort_unstable();
        starts.truncate(MOST_TIMES);
        let rate_hz = f64::from(out.sample_rate_hz);
        out.clipped_times_s = starts.into_iter().map(|frame| frame as f64 / rate_hz).collect();
        if out.clipped_times_s.is_empty() {
            out.notes.insert("clipped_times_s".to_owned(), "nothing is clipped".to_owned());
        }
        if self.is_silent() {
            return;
        }
        let frames = self.frames as f64;
        let power = self.channels.iter().map(|c| c.energy).sum::<f64>()
            / frames
            / self.channels.len() as f64;
        out.crest_db =
            amplitude_db(power.sqrt()).map(|rms_db| 20.0 * f64::from(peak).log10() - rms_db);
        let means = self.channels.iter().map(|c| c.sum / frames);
        out.dc_offset = means.max_by(|a, b| a.abs().total_cmp(&b.abs()));
    }
}
