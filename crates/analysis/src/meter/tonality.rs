//! The long-term spectrum and what is read from it: bands, centroid, sibilance, the lines of [`super::lines`] and [`super::hiss`].
//!
//! Frames of about a third of a second at a hop of a quarter, from before the first sample to after the last, so
//! that every sample counts the same and the bands sum to the slice's power.

use signal::{Band, BandLevels, Measurements};

use super::SANE_SAMPLE;
use super::hiss::Hiss;
use super::image::Image;
use super::lines::Lines;
use crate::decibel::{LevelCounts, power_db};
use crate::spectrum::{Framer, PowerSpectrum, frame_len};

/// Length of a frame: 3 Hz resolution, so that the 25 Hz band has bins of its own.
const FRAME_S: f64 = 0.34;
/// Sum of the squared Hann windows at a hop of a quarter.
const OVERLAP_GAIN: f64 = 1.5;
/// Frames below this level tell nothing about tone, in dBFS.
const ACTIVE_DBFS: f64 = -65.0;
/// A gap between recordings is quieter than this; it is looked for at the ends of a frame, of which each is so much.
const GAP_PEAK: f32 = 1e-5;
const END_SHARE: usize = 8;
/// The bands of sibilance and of the vowels it is held against, in Hz.
const SIBILANTS_HZ: (f64, f64) = (5_000.0, 9_000.0);
const VOWELS_HZ: (f64, f64) = (1_000.0, 4_000.0);

#[derive(Debug)]
pub(super) struct Tonality {
    bin_hz: f64,
    len: usize,
    framers: Vec<Framer>,
    channel: Vec<f32>,
    spectrum: PowerSpectrum,
    power: Vec<f32>,
    below: PowerBelow,
    sum: Vec<f64>,
    /// Whether no gap reaches into the last frame of one channel at least.
    unbroken: bool,
    /// Frames taken, of which the first `lead_frames` begin before the slice.
    frames: u64,
    lead_frames: u64,
    lines: Lines,
    hiss: Hiss,
    image: Option<Image>,
    /// Levels of sibilants (0) and vowels (1).
    sibilance: LevelCounts,
}

impl Tonality {
    pub(super) fn new(rate_hz: u32, channels: usize) -> Self {
        let len = frame_len(rate_hz, FRAME_S);
        let hop = len / 4;
        let bin_hz = f64::from(rate_hz) / len as f64;
        Self {
            bin_hz,
            len,
            framers: vec![Framer::new(len, hop, len - hop); channels],
            channel: Vec::new(),
            spectrum: PowerSpectrum::new(len),
            power: vec![0.0; len / 2 + 1],
            below: PowerBelow::new(bin_hz, len / 2 + 1),
            sum: vec![0.0; len / 2 + 1],
            unbroken: false,
            frames: 0,
            lead_frames: 3,
            lines: Lines::new(bin_hz, len / 2 + 1),
            hiss: Hiss::new(bin_hz, len / 2 + 1),
            image: (channels == 2).then(|| Image::new(len / 2 + 1)),
            sibilance: LevelCounts::new(2, -140.0, 0.0),
        }
    }

    pub(super) fn push(&mut self, piece: &[f32]) {
        let channels = self.framers.len();
        for (channel, framer) in self.framers.iter_mut().enumerate() {
            self.channel.clear();
            let samples = piece.chunks_exact(channels).map(|frame| frame[channel]);
            self.channel.extend(samples.map(|x| x.clamp(-SANE_SAMPLE, SANE_SAMPLE)));
            framer.push(&self.channel);
        }
        while self.take_frame() {
            self.observe();
        }
    }

    /// Takes a frame of every channel, if it is there.
    fn take_frame(&mut self) -> bool {
        self.power.fill(0.0);
        self.unbroken = false;
        for (channel, framer) in self.framers.iter_mut().enumerate() {
            let Some(frame) = framer.next_frame() else { return false };
            self.unbroken |= is_unbroken(frame);
            self.spectrum.add_power(frame, &mut self.power);
            if let Some(image) = &mut self.image {
                image.add(channel, self.spectrum.last());
            }
        }
        self.power[0] *= 0.5;
        let scale = 1.0 / self.framers.len() as f32;
        for (sum, power) in self.sum.iter_mut().zip(&mut self.power) {
            *power *= scale;
            *sum += f64::from(*power);
        }
        self.frames += 1;
        true
    }

    /// What needs frames that lie wholly within the slice.
    fn observe(&mut self) {
        if self.frames <= self.lead_frames {
            return;
        }
        // The squared Hann window sums to 3/8 of its length.
        let to_mean = 1.0 / (0.375 * self.len as f32);
        for power in &mut self.power {
            *power *= to_mean;
        }
        self.below.fill(self.power.iter().map(|&p| f64::from(p)));
        let active = power_db(self.below.total()) > ACTIVE_DBFS;
        self.lines.observe(&self.power, &self.below, active);
        if self.unbroken {
            self.hiss.observe(&self.power);
        }
        if active {
            for (bin, (lo, hi)) in [SIBILANTS_HZ, VOWELS_HZ].into_iter().enumerate() {
                self.sibilance.add(bin, power_db(self.below.between(lo, hi)));
            }
        }
    }

    pub(super) fn finish(mut self, out: &mut Measurements) {
        self.flush(out);
        let samples = out.duration_s * f64::from(out.sample_rate_hz);
        if samples < 1.0 || out.sample_peak_dbfs.is_none() {
            return;
        }
        let scale = 1.0 / (OVERLAP_GAIN * samples);
        for sum in &mut self.sum {
            *sum *= scale;
        }
        let nyquist_hz = f64::from(out.sample_rate_hz) / 2.0;
        out.bands = third_octaves(&self.sum, self.bin_hz, nyquist_hz);
        // A transform is unscaled: twice its power over its length is what `sum` holds.
        let to_mean = scale * 2.0 / self.len as f64;
        let image = self.image.as_ref().map(|x| x.finish(self.bin_hz, nyquist_hz, to_mean));
        out.stereo_bands = image.unwrap_or_default();
        let audible = |bin: usize| bin as f64 * self.bin_hz >= out.bands[0].lo_hz;
        let (mut moment, mut total) = (0.0, 0.0);
        for (bin, &power) in self.sum.iter().enumerate().filter(|&(bin, _)| audible(bin)) {
            moment += power * bin as f64 * self.bin_hz;
            total += power;
        }
        out.centroid_hz = (total > 0.0).then(|| moment / total);
        let loud = self.sibilance.percentile(0, 0.95).zip(self.sibilance.percentile(1, 0.75));
        let reaches = nyquist_hz >= SIBILANTS_HZ.1;
        out.sibilance_db = loud.filter(|_| reaches).map(|(sibilants, vowels)| sibilants - vowels);
        self.lines.finish(out);
        self.hiss.finish(out);
    }

    /// Pads with silence until the last sample has been in four frames.
    fn flush(&mut self, out: &Measurements) {
        let samples = (out.duration_s * f64::from(out.sample_rate_hz)).round() as u64;
        let hop = (self.len / 4) as u64;
        let wanted = samples.div_ceil(hop) + 3;
        let silence = vec![0.0; self.len];
        while self.frames < wanted {
            for framer in &mut self.framers {
                framer.push(&silence);
            }
            while self.frames < wanted && self.take_frame() {}
        }
    }
}

fn is_unbroken(frame: &[f32]) -> bool {
    let (end, sounds) = (frame.len() / END_SHARE, |x: &f32| x.abs() > GAP_PEAK);
    frame[..end].iter().any(sounds) && frame[frame.len() - end..].iter().any(sounds)
}

/// The power below each edge of a spectrum's bins, from which that of any band follows.
#[derive(Clone, Debug)]
pub(crate) struct PowerBelow {
    bin_hz: f64,
    /// Bin k stands for (k - 0.5 .. k + 0.5) * bin_hz; its lower edge is the k-th here.
    edges: Vec<f64>,
}

impl PowerBelow {
    pub(crate) fn new(bin_hz: f64, bins: usize) -> Self {
        Self { bin_hz, edges: vec![0.0; bins + 1] }
    }

    pub(crate) fn fill(&mut self, power: impl Iterator<Item = f64>) {
        let mut sum = 0.0;
        for (edge, p) in self.edges[1..].iter_mut().zip(power) {
            sum += p;
            *edge = sum;
        }
    }

    pub(crate) fn total(&self) -> f64 {
        self.edges[self.edges.len() - 1]
    }

    /// Power between two frequencies, the edge bins by their share.
    pub(crate) fn between(&self, lo_hz: f64, hi_hz: f64) -> f64 {
        self.difference(lo_hz, hi_hz).max(0.0)
    }

    /// The same of what may be negative, such as the power that two channels share.
    pub(crate) fn difference(&self, lo_hz: f64, hi_hz: f64) -> f64 {
        self.at(hi_hz) - self.at(lo_hz)
    }

    fn at(&self, hz: f64) -> f64 {
        let edge = (hz / self.bin_hz + 0.5).clamp(0.0, (self.edges.len() - 1) as f64);
        let bin = (edge as usize).min(self.edges.len() - 2);
        let share = edge - bin as f64;
        self.edges[bin] + share * (self.edges[bin + 1] - self.edges[bin])
    }
}

/// The 1/3 octaves of a power spectrum.
pub(crate) fn third_octaves(power: &[f64], bin_hz: f64, nyquist_hz: f64) -> Vec<Band> {
    let mut below = PowerBelow::new(bin_hz, power.len());
    below.fill(power.iter().copied());
    let mut bands = Vec::new();
    for band in 0..BandLevels::BANDS {
        let [lo_hz, hi_hz] = BandLevels::edges_hz(band);
        if BandLevels::centre_hz(band) < nyquist_hz {
            let hi_hz = hi_hz.min(nyquist_hz);
            let level_db = power_db(below.between(lo_hz, hi_hz)).max(Band::FLOOR_DB);
            bands.push(Band { lo_hz, hi_hz, level_db });
        }
    }
    bands
}
