//! Onset strength: how much louder each band becomes, 100 times a second.

use crate::spectrum::{Framer, PowerSpectrum, frame_len};

/// Steps of the envelope a second.
const STEPS_PER_S: u32 = 100;
/// Length of a frame.
const FRAME_S: f64 = 0.04;
/// Bands, their range, and the upper end of the low band that kicks and basses move, in Hz.
const BANDS: usize = 36;
const LOWEST_HZ: f64 = 30.0;
const HIGHEST_HZ: f64 = 14_000.0;
const LOW_HZ: f64 = 150.0;
/// Rises are taken over this many steps, since frames overlap.
const LAG: usize = 2;
/// Levels below this are silence, in dBFS: noise there makes no onsets.
const FLOOR_DB: f32 = -80.0;
/// An attack is the highest within this to either side ...
const BESIDE_S: f64 = 0.05;
/// ... and this much above the mean from so long before to so long after, in dB over all bands.
const LEAST_RISE_DB: f32 = 2.5;
const BEFORE_S: f64 = 0.1;
const AFTER_S: f64 = 0.07;
/// Half the length of the local mean that is taken off.
const LOCAL_S: f64 = 0.5;

/// Onset strength of a mono stream.
#[derive(Debug)]
pub(crate) struct Onsets {
    rate_hz: u32,
    len: usize,
    hop: usize,
    framer: Framer,
    spectrum: PowerSpectrum,
    power: Vec<f32>,
    /// First bin of each band, and the end.
    edges: Vec<usize>,
    low_bands: usize,
    recent: [Vec<f32>; LAG],
    frames: usize,
    /// Strength over all bands, and over the low ones: mean rise in dB. Step `i` lies at `i * step_s`.
    pub(crate) strength: Vec<f32>,
    pub(super) low: Vec<f32>,
}

impl Onsets {
    pub(crate) fn new(rate_hz: u32) -> Self {
        let len = frame_len(rate_hz, FRAME_S);
        let hop = (rate_hz / STEPS_PER_S) as usize;
        let bin_hz = f64::from(rate_hz) / len as f64;
        let bins = len / 2 + 1;
        let top_hz = HIGHEST_HZ.min(f64::from(rate_hz) / 2.0);
        let mut edges: Vec<usize> = (0..=BANDS)
            .map(|band| LOWEST_HZ * (top_hz / LOWEST_HZ).powf(band as f64 / BANDS as f64))
            .map(|hz| ((hz / bin_hz).round() as usize).clamp(1, bins))
            .collect();
        edges.dedup();
        let low_bands =
            edges.iter().skip(1).filter(|&&bin| bin as f64 * bin_hz <= LOW_HZ).count().max(1);
        let bands = edges.len() - 1;
        Self {
            rate_hz,
            len,
            hop,
            framer: Framer::new(len, hop, len / 2),
            spectrum: PowerSpectrum::new(len),
            power: vec![0.0; bins],
            edges,
            low_bands,
            recent: std::array::from_fn(|_| vec![FLOOR_DB; bands]),
            frames: 0,
            strength: Vec::new(),
            low: Vec::new(),
        }
    }

    /// Seconds from one step to the next.
    pub(crate) fn step_s(&self) -> f64 {
        self.hop as f64 / f64::from(self.rate_hz)
    }

    pub(crate) fn push(&mut self, mono: &[f32]) {
        self.framer.push(mono);
        while let Some(frame) = self.framer.next_frame() {
            self.power.fill(0.0);
            self.spectrum.add_power(frame, &mut self.power);
            self.step();
        }
    }

    pub(crate) fn flush(&mut self) {
        self.push(&vec![0.0; self.len / 2]);
    }

    fn step(&mut self) {
        let to_mean = 1.0 / (0.375 * self.len as f32);
        let oldest = &mut self.recent[self.frames % LAG];
        self.frames += 1;
        let (mut rise, mut low_rise) = (0.0, 0.0);
        for (band, edges) in self.edges.windows(2).enumerate() {
            let power: f32 = self.power[edges[0]..edges[1]].iter().sum();
            let level = (10.0 * (power * to_mean).max(1e-10).log10()).max(FLOOR_DB);
            let up = (level - oldest[band]).max(0.0);
            oldest[band] = level;
            rise += up;
            if band < self.low_bands {
                low_rise += up;
            }
        }
        self.strength.push(rise / (self.edges.len() - 1) as f32);
        self.low.push(low_rise / self.low_bands as f32);
    }
}

/// How many attacks there are: peaks of a strength that stand out of what is around them (Böck, Krebs & Schedl 2012,
/// "Evaluating the online capabilities of onset detection methods").
pub(crate) fn attacks(strength: &[f32], step_s: f64) -> usize {
    let steps = |seconds: f64| (seconds / step_s).round() as usize;
    let (beside, before, after) = (steps(BESIDE_S), steps(BEFORE_S), steps(AFTER_S));
    let is_attack = |at: usize| {
        let within = |back: usize, ahead: usize| {
            &strength[at.saturating_sub(back)..(at + ahead + 1).min(strength.len())]
        };
        let highest = within(beside, beside).iter().copied().fold(f32::MIN, f32::max);
        let around = within(before, after);
        let mean = around.iter().sum::<f32>() / around.len() as f32;
        // Of equal neighbours the first is the peak.
        let first = at == 0 || strength[at - 1] < strength[at];
        first && strength[at] >= highest && strength[at] >= mean + LEAST_RISE_DB
    };
    (0..strength.len()).filter(|&at| is_attack(at)).count()
}

/// Takes the local mean off a strength and scales it to unit deviation; zeros where nothing rises.
pub(super) fn flatten(strength: &[f32], step_s: f64) -> Vec<f32> {
    let half = (LOCAL_S / step_s).round() as usize;
    let mut sums = Vec::with_capacity(strength.len() + 1);
    sums.push(0.0f64);
    for &x in strength {
        sums.push(sums[sums.len() - 1] + f64::from(x));
    }
    let mut flat: Vec<f32> = (strength.iter().enumerate())
        .map(|(step, &x)| {
            let (from, to) = (step.saturating_sub(half), (step + half + 1).min(strength.len()));
            (f64::from(x) - (sums[to] - sums[from]) / (to - from) as f64).max(0.0) as f32
        })
        .collect();
    let power = flat.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / flat.len().max(1) as f64;
    if power > 0.0 {
        let scale = (1.0 / power.sqrt()) as f32;
        // One crash must not outweigh a minute of hi-hats.
        flat.iter_mut().for_each(|x| *x = (*x * scale).min(6.0));
    }
    flat
}
