//! What an audition does on the audio thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Line, Shape, Trial};
use crate::biquad::{Biquad, State};

/// From one sound into the other, in seconds.
const FADE_S: f64 = 0.03;
/// The filters run this long before they are heard, so that they have settled and the loudness is known, in seconds.
const LEAD_S: f64 = 0.1;
/// Loudness is matched over this long, as EBU Tech 3341's short-term loudness is, in seconds.
const MATCH_S: f64 = 3.0;
/// Most that the match changes the level, as an amplitude ratio: 24 dB.
const MOST: f64 = 16.0;
/// Mean power below which there is nothing to match.
const SILENT: f64 = 1e-12;
/// Nobody has looked for so long: the window is gone, or its thread hangs. In seconds.
const UNSEEN_S: f64 = 1.0;
/// Audio that has run so far ahead of the clock is a render, whatever the host says: hosts that work ahead of their playback do so by
/// a fifth of a second, beside a block. In seconds.
const AHEAD_S: f64 = 0.75;
/// The same where the host says that it renders. It is no more than a hint: some say so of what is played after an export, too.
const RENDER_AHEAD_S: f64 = 0.3;
/// Fundamental and multiples in a series of notches.
const SECTIONS: usize = 6;
/// Channels of the largest layout that the plugin has.
const CHANNELS: usize = 8;

/// The half on the audio thread. `[audio-thread]`
#[derive(Debug)]
pub struct Player {
    line: Arc<Line>,
    rate_hz: u32,
    channels: usize,
    /// Whether anything may be tried at all.
    allowed: bool,
    looks: u32,
    unseen_frames: u64,
    playing: Option<Trial>,
    /// How far audio has run ahead of the clock while something was tried, how far it may, and when that was looked at.
    ahead_s: f64,
    most_ahead_s: f64,
    looked: Option<Instant>,
    /// Frames until it may be heard, and how much of it is heard, 0 to 1.
    lead_frames: u64,
    share: f64,
    chain: Chain,
    balance: Balance,
}

impl Player {
    pub(super) fn new(line: Arc<Line>) -> Self {
        let (chain, balance) = (Chain::default(), Balance::new(48_000));
        Self {
            line,
            rate_hz: 48_000,
            channels: 0,
            allowed: false,
            looks: 0,
            unseen_frames: 0,
            playing: None,
            ahead_s: 0.0,
            most_ahead_s: AHEAD_S,
            looked: None,
            lead_frames: 0,
            share: 0.0,
            chain,
            balance,
        }
    }

    /// Gets ready for a stream, off; `offline` is what the host says. Neither waits nor allocates.
    pub fn prepare(&mut self, channels: usize, rate_hz: f64, offline: bool) {
        self.line.wanted.store(0, Ordering::Relaxed);
        (self.playing, self.looked) = (None, None);
        self.channels = channels;
        self.rate_hz = rate_hz.round().clamp(1_000.0, 768_000.0) as u32;
        self.most_ahead_s = if offline { RENDER_AHEAD_S } else { AHEAD_S };
        self.allowed = (1..=CHANNELS).contains(&channels) && rate_hz.is_finite();
    }

    /// Plays a block `[channels][frames]` in place: not touched where nothing is tried, which ends where the host says `bypassed`. The
    /// time is asked for only while something is tried; on the systems we run on that is no system call.
    pub fn play(
        &mut self,
        block: &mut [&mut [f32]],
        bypassed: bool,
        now: impl FnOnce() -> Instant,
    ) {
        let frames = block.first().map_or(0, |channel| channel.len());
        if bypassed {
            self.line.wanted.store(0, Ordering::Relaxed);
        }
        let mut wanted = self.wanted(frames);
        if self.playing.is_none() && wanted.is_none() {
            self.looked = None;
            return;
        }
        if self.runs_ahead(frames, now()) {
            self.line.wanted.store(0, Ordering::Relaxed);
            wanted = None;
        }
        if block.len() != self.channels || block.iter().any(|channel| channel.len() != frames) {
            return;
        }
        for at in 0..frames {
            if self.playing != wanted && self.share <= 0.0 {
                match wanted {
                    Some(trial) => self.begin(trial),
                    None => self.playing = None,
                }
            }
            let Some(trial) = self.playing else { return };
            self.step(trial, block, at, wanted == Some(trial));
        }
        self.chain.settle();
        self.balance.settle();
    }

    /// What is to be heard now, while somebody looks.
    fn wanted(&mut self, frames: usize) -> Option<Trial> {
        let trial = Trial::from_bits(self.line.wanted.load(Ordering::Acquire))?;
        let looks = self.line.looks.load(Ordering::Relaxed);
        if looks != self.looks {
            (self.looks, self.unseen_frames) = (looks, 0);
        }
        self.unseen_frames = self.unseen_frames.saturating_add(frames as u64);
        if !self.allowed || self.unseen_frames as f64 > UNSEEN_S * f64::from(self.rate_hz) {
            self.line.wanted.store(0, Ordering::Relaxed);
            return None;
        }
        (!trial.shape().is_stereo() || self.channels == 2).then_some(trial)
    }

    /// Whether audio comes faster than anybody can listen.
    fn runs_ahead(&mut self, frames: usize, now: Instant) -> bool {
        let before = self.looked.replace(now);
        let passed_s = before.map(|before| now.saturating_duration_since(before).as_secs_f64());
        // Time in which nothing came is no credit for what comes later.
        let ahead_s = passed_s.map_or(0.0, |passed_s| (self.ahead_s - passed_s).max(0.0));
        self.ahead_s = ahead_s + frames as f64 / f64::from(self.rate_hz);
        self.ahead_s > self.most_ahead_s
    }

    fn begin(&mut self, trial: Trial) {
        self.playing = Some(trial);
        self.lead_frames = (LEAD_S * f64::from(self.rate_hz)) as u64;
        self.share = 0.0;
        self.chain = Chain::of(trial, self.rate_hz);
        self.balance = Balance::new(self.rate_hz);
    }

    /// One frame.
    fn step(&mut self, trial: Trial, block: &mut [&mut [f32]], at: usize, stays: bool) {
        let mut dry = [0.0; CHANNELS];
        for (x, channel) in dry.iter_mut().zip(block.iter()) {
            *x = f64::from(channel[at]);
        }
        let wet = self.chain.run(trial.shape(), dry, self.channels);
        let gain = self.balance.gain(&dry, &wet, self.channels);
        if !gain.is_finite() || wet.iter().any(|x| !x.is_finite()) {
            // The input was no sound, and what came of it stays in the filters.
            return self.begin(trial);
        }
        let step = 1.0 / (FADE_S * f64::from(self.rate_hz));
        if stays && self.lead_frames > 0 {
            self.lead_frames -= 1;
        } else {
            self.share = (self.share + if stays { step } else { -step }).clamp(0.0, 1.0);
        }
        if self.share > 0.0 {
            for (channel, (dry, wet)) in block.iter_mut().zip(dry.into_iter().zip(wet)) {
                channel[at] = (dry + self.share * (gain * wet - dry)) as f32;
            }
        }
    }
}

/// The filters of one trial.
#[derive(Debug, Default)]
struct Chain {
    /// The gain as an amplitude ratio.
    factor: f64,
    sections: [Option<Biquad>; SECTIONS],
    states: [[State; SECTIONS]; CHANNELS],
}

impl Chain {
    fn of(trial: Trial, rate_hz: u32) -> Self {
        let (hz, q, gain_db) = (trial.freq_hz(), trial.q(), trial.gain_db());
        let mut sections = [None; SECTIONS];
        match trial.shape() {
            Shape::Peak => sections[0] = Some(Biquad::peak(rate_hz, hz, q, gain_db)),
            Shape::HighShelf => sections[0] = Some(Biquad::high_shelf(rate_hz, hz, q, gain_db)),
            Shape::HighPass => sections[0] = Some(Biquad::high_pass(rate_hz, hz)),
            // Two in a row fall off as crossovers do.
            Shape::MonoBelow => sections[..2].fill(Some(Biquad::high_pass(rate_hz, hz))),
            Shape::Series => {
                for (number, section) in sections.iter_mut().enumerate() {
                    let hz = hz * (number + 1) as f64;
                    *section = Some(Biquad::peak(rate_hz, hz, q, gain_db));
                }
            }
            Shape::InvertRight | Shape::Left | Shape::Right => {}
        }
        let factor = 10f64.powf(gain_db / 20.0);
        Self { factor, sections, states: Default::default() }
    }

    fn run(&mut self, shape: Shape, frame: [f64; CHANNELS], channels: usize) -> [f64; CHANNELS] {
        let [left, right, ..] = frame;
        let mut out = frame;
        match shape {
            Shape::InvertRight => out[1] = -right,
            Shape::Left => out[0] *= self.factor,
            Shape::Right => out[1] *= self.factor,
            Shape::MonoBelow => {
                let side = self.filter(0, (left - right) / 2.0);
                let mid = (left + right) / 2.0;
                (out[0], out[1]) = (mid + side, mid - side);
            }
            _ => {
                for (channel, x) in out.iter_mut().enumerate().take(channels) {
                    *x = self.filter(channel, *x);
                }
            }
        }
        out
    }

    fn filter(&mut self, channel: usize, x: f64) -> f64 {
        let sections = self.sections.iter().flatten();
        sections.zip(&mut self.states[channel]).fold(x, |x, (filter, state)| filter.run(state, x))
    }

    fn settle(&mut self) {
        self.states.iter_mut().flatten().for_each(State::settle);
    }
}

/// Keeps what is tried as loud as what is not: by K-weighted power (ITU-R BS.1770-5).
#[derive(Debug)]
struct Balance {
    weighting: [Biquad; 2],
    states: [[[State; 2]; CHANNELS]; 2],
    /// Mean weighted power without and with the move.
    power: [f64; 2],
    frames: f64,
    most_frames: f64,
}

impl Balance {
    fn new(rate_hz: u32) -> Self {
        Self {
            weighting: Biquad::k_weighting(rate_hz),
            states: Default::default(),
            power: [0.0; 2],
            frames: 0.0,
            most_frames: MATCH_S * f64::from(rate_hz),
        }
    }

    /// The gain for the wet frame, as an amplitude ratio.
    fn gain(&mut self, dry: &[f64], wet: &[f64], channels: usize) -> f64 {
        self.frames = (self.frames + 1.0).min(self.most_frames);
        for ((power, states), frame) in self.power.iter_mut().zip(&mut self.states).zip([dry, wet])
        {
            let mut sum = 0.0;
            for (&x, [first, second]) in frame.iter().zip(states).take(channels) {
                let weighted = self.weighting[1].run(second, self.weighting[0].run(first, x));
                sum += weighted * weighted;
            }
            *power += (sum - *power) / self.frames;
        }
        let [dry, wet] = self.power;
        if dry < SILENT || wet < SILENT { 1.0 } else { (dry / wet).sqrt().clamp(1.0 / MOST, MOST) }
    }

    fn settle(&mut self) {
        self.states.as_flattened_mut().as_flattened_mut().iter_mut().for_each(State::settle);
    }
}

#[cfg(test)]
mod tests;
