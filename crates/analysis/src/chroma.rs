//! Spectral peaks and the pitch classes they belong to, for key, downbeats and sections.

use crate::decibel::power_db;
use crate::spectrum::{Framer, PowerSpectrum, frame_len};

/// Length of a frame: two semitones apart at 65 Hz are still two peaks.
const FRAME_S: f64 = 0.34;
/// Partials between these count, in Hz: E1 to C8.
const LOWEST_HZ: f64 = 40.0;
const HIGHEST_HZ: f64 = 4_200.0;
/// Peaks this far below the frame's highest are noise or leakage, in dB.
const DYNAMICS_DB: f32 = 50.0;
/// Frames below this level hold no pitches worth counting, in dBFS.
const SILENT_DBFS: f64 = -70.0;

/// Where the strongest partial has no more of the frame's power than this, what is there are the side lobes of a constant
/// offset.
const LEAKAGE: f64 = 1e-5;

/// One partial of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partial {
    /// Pitch in semitones, 69 = A4 at 440 Hz.
    pub(crate) pitch: f64,
    /// Loudness relative to the frame's strongest partial, 0 to 1.
    pub(crate) weight: f64,
}

/// Cuts a mono stream into frames and finds their partials.
#[derive(Debug)]
pub(crate) struct Partials {
    rate_hz: u32,
    len: usize,
    hop: usize,
    framer: Framer,
    spectrum: PowerSpectrum,
    power: Vec<f32>,
    frames: usize,
    found: Vec<Partial>,
}

impl Partials {
    /// With `overlap` frames begun within the length of one.
    pub(crate) fn new(rate_hz: u32, overlap: usize) -> Self {
        let len = frame_len(rate_hz, FRAME_S);
        let hop = len / overlap;
        Self {
            rate_hz,
            len,
            hop,
            framer: Framer::new(len, hop, len / 2),
            spectrum: PowerSpectrum::new(len),
            power: vec![0.0; len / 2 + 1],
            frames: 0,
            found: Vec::new(),
        }
    }

    /// Seconds from one frame to the next.
    pub(crate) fn hop_s(&self) -> f64 {
        self.hop as f64 / f64::from(self.rate_hz)
    }

    /// Width of a bin of the power spectra, in Hz.
    pub(crate) fn bin_hz(&self) -> f64 {
        f64::from(self.rate_hz) / self.len as f64
    }

    /// Takes samples, and shows each frame they complete: its partials and its mean power spectrum. Frame `i` is
    /// centred on `i * hop_s`.
    pub(crate) fn push(&mut self, mono: &[f32], mut each: impl FnMut(&[Partial], &[f32])) {
        self.framer.push(mono);
        while let Some(frame) = self.framer.next_frame() {
            self.power.fill(0.0);
            self.spectrum.add_power(frame, &mut self.power);
            // The squared Hann window sums to 3/8 of its length.
            let to_mean = 1.0 / (0.375 * self.len as f32);
            for power in &mut self.power {
                *power *= to_mean;
            }
            self.frames += 1;
            self.find();
            each(&self.found, &self.power);
        }
    }

    /// Pads half a frame of silence, so that the end is heard as the beginning was.
    pub(crate) fn flush(&mut self, each: impl FnMut(&[Partial], &[f32])) {
        self.push(&vec![0.0; self.len / 2], each);
    }

    fn find(&mut self) {
        self.found.clear();
        let bin_hz = self.bin_hz();
        let lowest = ((LOWEST_HZ / bin_hz) as usize).max(2);
        let highest = ((HIGHEST_HZ / bin_hz) as usize).min(self.power.len() - 2);
        if lowest >= highest {
            return;
        }
        let total: f64 = self.power.iter().map(|&p| f64::from(p)).sum();
        if power_db(total) < SILENT_DBFS {
            return;
        }
        let strongest = self.power[lowest..=highest].iter().copied().fold(0.0, f32::max);
        if f64::from(strongest) < LEAKAGE * total {
            return;
        }
        let floor = strongest * 10f32.powf(-DYNAMICS_DB / 10.0);
        for bin in lowest..=highest {
            let power = self.power[bin];
            if power <= floor || power < self.power[bin - 1] || power <= self.power[bin + 1] {
                continue;
            }
            let ln = |p: f32| f64::from(p.max(1e-20)).ln();
            let (before, top, after) =
                (ln(self.power[bin - 1]), ln(power), ln(self.power[bin + 1]));
            let bend = before - 2.0 * top + after;
            let offset = if bend < 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
            let freq_hz = (bin as f64 + offset) * bin_hz;
            let pitch = 69.0 + 12.0 * (freq_hz / 440.0).log2();
            let weight = f64::from(power / strongest).powf(0.25);
            self.found.push(Partial { pitch, weight });
        }
    }
}

/// Pitch classes of one frame at standard tuning, C first, unit length; zeros without pitches.
pub(crate) fn fold(partials: &[Partial]) -> [f32; 12] {
    let mut chroma = [0.0f32; 12];
    for partial in partials {
        let class = (partial.pitch.round() as i64).rem_euclid(12) as usize;
        chroma[class] += (partial.weight * partial.weight) as f32;
    }
    let norm = chroma.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 {
        chroma.iter_mut().for_each(|x| *x /= norm);
    }
    chroma
}
