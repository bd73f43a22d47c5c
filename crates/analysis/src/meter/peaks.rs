//! Sample peak, crest, DC offset and clipping.

use signal::Measurements;

use crate::decibel::amplitude_db;

/// Shortest run of equal samples that counts as clipped.
const RUN_SAMPLES: u64 = 3;
/// Ceilings below this are not looked for: quantisation makes flat tops of quiet waves.
const LOWEST_CEILING: f32 = 0.05;
/// A wave's own rounded top is entered in a step or two of its quantisation; a clipped one with its slope. 8 steps
/// of 16 bit.
const SLOPE: f32 = 8.0 / 32_768.0;
/// A square wave jumps by twice its level; a clipped wave does not.
const SQUARE_JUMP: f32 = 1.5;
/// Two values are the same ceiling within this share.
const SAME: f32 = 1e-4;

/// One channel's ceiling in one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Ceiling {
    peak: f32,
    level: f32,
    runs: u64,
}

impl Ceiling {
    fn add_run(&mut self, level: f32) {
        if level > self.level * (1.0 + SAME) {
            *self = Self { level, runs: 1, ..*self };
        } else if level >= self.level * (1.0 - SAME) {
            self.runs += 1;
        }
    }

    /// Runs at the level that nothing exceeds.
    fn clipped_runs(&self) -> u64 {
        if self.peak <= self.level * (1.0 + SAME) { self.runs } else { 0 }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    sum: f64,
    energy: f64,
    last: f32,
    run: u64,
    entry_step: f32,
    above: Ceiling,
    below: Ceiling,
}

impl Channel {
    fn push(&mut self, x: f32) {
        self.sum += f64::from(x);
        self.energy += f64::from(x) * f64::from(x);
        if x == self.last {
            self.run += 1;
            return;
        }
        let step = (x - self.last).abs();
        self.end_run(step);
        self.entry_step = step;
        self.run = 1;
        self.last = x;
        let ceiling = if x > 0.0 { &mut self.above } else { &mut self.below };
        ceiling.peak = ceiling.peak.max(x.abs());
    }

    fn end_run(&mut self, exit_step: f32) {
        let level = self.last.abs();
        if self.run < RUN_SAMPLES || level < LOWEST_CEILING {
            return;
        }
        let sloped = self.entry_step.max(exit_step) >= SLOPE;
        let square = self.entry_step.min(exit_step) >= level * SQUARE_JUMP;
        if sloped && !square {
            let ceiling = if self.last > 0.0 { &mut self.above } else { &mut self.below };
            ceiling.add_run(level);
        }
    }

    fn peak(&self) -> f32 {
        self.above.peak.max(self.below.peak)
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
        for frame in piece.chunks_exact(self.channels.len()) {
            for (channel, &x) in self.channels.iter_mut().zip(frame) {
                channel.push(x);
            }
        }
        self.frames += (piece.len() / self.channels.len()) as u64;
    }

    pub(super) fn is_silent(&self) -> bool {
        self.channels.iter().all(|channel| channel.peak() == 0.0)
    }

    pub(super) fn finish(mut self, out: &mut Measurements) {
        for channel in &mut self.channels {
            // Where the slice ends within a run, it leaves as it came.
            channel.end_run(channel.entry_step);
        }
        let peak = self.channels.iter().map(Channel::peak).fold(0.0, f32::max);
        out.sample_peak_dbfs = amplitude_db(f64::from(peak));
        out.clipped_runs =
            self.channels.iter().map(|c| c.above.clipped_runs() + c.below.clipped_runs()).sum();
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
