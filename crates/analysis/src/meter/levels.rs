//! Levels in 10 ms steps: momentary and short-term maxima, the slice's ungated loudness, seconds of signal and the
//! noise floor.
//!
//! `ebur128` steps its windows by 100 ms; a 0.4 s burst needs finer steps to be met (EBU Tech 3341 cases 12-14).

use std::collections::VecDeque;

use signal::Measurements;

use crate::decibel::{percentile, power_db};
use signal::biquad::{Biquad, State};

/// Constant of BS.1770-5 equation 2.
const LOUDNESS_OFFSET: f64 = -0.691;
/// 10 ms steps in a momentary and a short-term window.
const MOMENTARY_STEPS: usize = 40;
const SHORT_TERM_STEPS: usize = 300;
/// 10 ms steps in one level frame.
const FRAME_STEPS: usize = 5;
/// Below this level (50 ms) there is no signal.
const SIGNAL_DBFS: f32 = -60.0;
/// Mean K-weighted power below which a window counts as silent (-120 LUFS).
const SILENT_POWER: f64 = 1e-12;

/// Energy of some samples.
#[derive(Clone, Copy, Debug, Default)]
struct Energy {
    /// Sum of squares over the channels as BS.1770 weighs them, K-weighted.
    weighted: f64,
    /// Sum of squares over all channels.
    plain: f64,
    frames: u64,
}

impl Energy {
    fn add(&mut self, other: Self) {
        self.weighted += other.weighted;
        self.plain += other.plain;
        self.frames += other.frames;
    }
}

#[derive(Debug)]
pub(super) struct Levels {
    rate_hz: f64,
    filters: [Biquad; 2],
    states: Vec<[State; 2]>,
    channel_weights: Vec<f64>,
    step: Energy,
    total: Energy,
    /// The last 3 s in 10 ms steps.
    recent: VecDeque<Energy>,
    momentary_max: f64,
    short_term_max: f64,
    /// Steps of the level frame in progress, and the levels of the finished ones in dBFS.
    frame: Energy,
    frame_steps: usize,
    frame_levels: Vec<f32>,
    signal_frames: u64,
}

impl Levels {
    pub(super) fn new(rate_hz: u32, channels: usize) -> Self {
        Self {
            rate_hz: f64::from(rate_hz),
            filters: Biquad::k_weighting(rate_hz),
            states: vec![Default::default(); channels],
            channel_weights: channel_weights(channels),
            step: Energy::default(),
            total: Energy::default(),
            recent: VecDeque::with_capacity(SHORT_TERM_STEPS + 1),
            momentary_max: 0.0,
            short_term_max: 0.0,
            frame: Energy::default(),
            frame_steps: 0,
            frame_levels: Vec::new(),
            signal_frames: 0,
        }
    }

    pub(super) fn push(&mut self, piece: &[f32]) {
        let channels = self.states.len();
        let [shelf, high_pass] = self.filters;
        for frame in piece.chunks_exact(channels) {
            for ((&x, state), &weight) in
                frame.iter().zip(&mut self.states).zip(&self.channel_weights)
            {
                let x = f64::from(x);
                let shelved = shelf.run(&mut state[0], x);
                let y = high_pass.run(&mut state[1], shelved);
                self.step.weighted += weight * y * y;
                self.step.plain += x * x;
            }
        }
        self.step.frames += (piece.len() / channels) as u64;
    }

    /// Ends a 10 ms step.
    pub(super) fn tick(&mut self) {
        self.states.iter_mut().flatten().for_each(State::settle);
        let step = std::mem::take(&mut self.step);
        self.total.add(step);
        self.frame.add(step);
        self.recent.push_back(step);
        if self.recent.len() > SHORT_TERM_STEPS {
            self.recent.pop_front();
        }
        if let Some(power) = self.window_power(MOMENTARY_STEPS) {
            self.momentary_max = self.momentary_max.max(power);
        }
        if let Some(power) = self.window_power(SHORT_TERM_STEPS) {
            self.short_term_max = self.short_term_max.max(power);
        }
        self.frame_steps += 1;
        if self.frame_steps == FRAME_STEPS {
            self.end_frame();
        }
    }

    fn window_power(&self, steps: usize) -> Option<f64> {
        let first = self.recent.len().checked_sub(steps)?;
        let mut window = Energy::default();
        for &step in self.recent.range(first..) {
            window.add(step);
        }
        Some(window.weighted / window.frames as f64)
    }

    fn end_frame(&mut self) {
        let frame = std::mem::take(&mut self.frame);
        self.frame_steps = 0;
        if frame.frames == 0 {
            return;
        }
        let level = power_db(frame.plain / (frame.frames * self.states.len() as u64) as f64) as f32;
        self.frame_levels.push(level);
        if level > SIGNAL_DBFS {
            self.signal_frames += frame.frames;
        }
    }

    /// Loudness of the last 3 s in LUFS, where there are 3 s and they are not silent.
    pub(super) fn short_term_lufs(&self) -> Option<f64> {
        self.window_power(SHORT_TERM_STEPS).and_then(loudness)
    }

    /// Writes the figures; the K-weighted ones only where the rate and channels are within the standard's reach.
    pub(super) fn finish(mut self, weighted: bool, out: &mut Measurements) {
        let rest = std::mem::take(&mut self.step);
        self.total.add(rest);
        self.frame.add(rest);
        self.end_frame();
        out.signal_s = self.signal_frames as f64 / self.rate_hz;
        self.frame_levels.sort_unstable_by(f32::total_cmp);
        if self.total.plain > 0.0 {
            out.noise_floor_dbfs = percentile(&self.frame_levels, 0.1);
        }
        if !weighted {
            return;
        }
        if self.total.frames > 0 {
            out.loudness_lufs = loudness(self.total.weighted / self.total.frames as f64);
        }
        out.momentary_max_lufs = loudness(self.momentary_max);
        out.short_term_max_lufs = loudness(self.short_term_max);
        let fields =
            [("momentary_max_lufs", 0.4), ("short_term_max_lufs", 3.0), ("loudness_lufs", 0.0)];
        let values = [out.momentary_max_lufs, out.short_term_max_lufs, out.loudness_lufs];
        for ((field, needed_s), value) in fields.into_iter().zip(values) {
            if value.is_none() {
                let reason = if out.duration_s < needed_s {
                    too_short(out.duration_s, needed_s)
                } else {
                    "silent".into()
                };
                out.notes.insert(field.to_owned(), reason);
            }
        }
    }
}

/// The note for a slice shorter than a meter's window.
pub(super) fn too_short(duration_s: f64, needed_s: f64) -> String {
    format!("too short ({duration_s:.2} s of {needed_s} s)")
}

/// Mean K-weighted power to LUFS, `None` for silence.
fn loudness(power: f64) -> Option<f64> {
    (power > SILENT_POWER).then(|| LOUDNESS_OFFSET + 10.0 * power.log10())
}

/// BS.1770-5 table 4 in the channel order of WAV files: surrounds count 1.5 dB more, the LFE and further channels
/// not at all. The same order as `ebur128`'s.
fn channel_weights(channels: usize) -> Vec<f64> {
    const SURROUND: f64 = 1.41;
    let known: &[f64] = match channels {
        4 => &[1.0, 1.0, SURROUND, SURROUND],
        5 => &[1.0, 1.0, 1.0, SURROUND, SURROUND],
        _ => &[1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND],
    };
    (0..channels).map(|channel| known.get(channel).copied().unwrap_or(0.0)).collect()
}
