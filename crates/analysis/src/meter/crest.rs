//! Crest factor by bands: how far peaks stand over the mean in the lows, the mids and the highs.
//!
//! The bands are those of a fourth-order Linkwitz-Riley crossover (Linkwitz 1976), each split off what the one below it
//! leaves.

use signal::{CrestBand, Measurements};

use crate::decibel::amplitude_db;
use signal::biquad::{Biquad, Twin, TwinState};

/// Where the bands meet, in Hz: lows, low mids, high mids and highs as multiband compressors divide them.
const EDGES_HZ: [f64; 3] = [120.0, 1_000.0, 6_000.0];
/// Mean power below which a band is silent (-120 dBFS).
const SILENT_POWER: f64 = 1e-12;

/// A channel's memory of one crossover: each side passes its filter twice.
type Memory = [TwinState; 2];

#[derive(Clone, Copy, Debug, Default)]
struct Band {
    energy: f64,
    peak: f64,
}

impl Band {
    #[inline]
    fn add(&mut self, x: f64) {
        self.energy += x * x;
        self.peak = self.peak.max(x.abs());
    }
}

#[derive(Debug)]
pub(super) struct Crest {
    rate_hz: u32,
    /// A low-pass and a high-pass for each crossover.
    splits: Vec<Twin>,
    /// `[channels][splits]`.
    memories: Vec<Vec<Memory>>,
    bands: Vec<Band>,
    frames: u64,
}

impl Crest {
    pub(super) fn new(rate_hz: u32, channels: usize) -> Self {
        let nyquist_hz = f64::from(rate_hz) / 2.0;
        let splits: Vec<Twin> = EDGES_HZ
            .into_iter()
            .filter(|&edge_hz| edge_hz < 0.9 * nyquist_hz)
            .map(|edge_hz| {
                Twin::new(Biquad::low_pass(rate_hz, edge_hz), Biquad::high_pass(rate_hz, edge_hz))
            })
            .collect();
        Self {
            rate_hz,
            memories: vec![vec![Memory::default(); splits.len()]; channels],
            bands: vec![Band::default(); splits.len() + 1],
            splits,
            frames: 0,
        }
    }

    pub(super) fn push(&mut self, piece: &[f32]) {
        let channels = self.memories.len();
        let (highest, lower) = self.bands.split_last_mut().expect("there is always one band");
        for (channel, memories) in self.memories.iter_mut().enumerate() {
            for &x in piece.iter().skip(channel).step_by(channels) {
                let mut rest = f64::from(x);
                for ((split, memory), band) in
                    self.splits.iter().zip(&mut *memories).zip(&mut *lower)
                {
                    let once = split.run(&mut memory[0], [rest, rest]);
                    let [low, high] = split.run(&mut memory[1], once);
                    band.add(low);
                    rest = high;
                }
                highest.add(rest);
            }
        }
        self.frames += (piece.len() / channels) as u64;
    }

    /// Ends a 10 ms step.
    pub(super) fn tick(&mut self) {
        self.memories.iter_mut().flatten().flatten().for_each(TwinState::settle);
    }

    pub(super) fn finish(self, out: &mut Measurements) {
        let samples = self.frames as f64 * self.memories.len() as f64;
        let means: Vec<f64> = self.bands.iter().map(|band| band.energy / samples).collect();
        if !means.iter().any(|&power| power > SILENT_POWER) {
            return;
        }
        let nyquist_hz = f64::from(self.rate_hz) / 2.0;
        let edge_hz = |index: usize| EDGES_HZ[index.min(self.splits.len() - 1)];
        let bands = self.bands.iter().zip(means).enumerate();
        out.crest_bands = bands
            .map(|(index, (band, power))| {
                let rms_db = amplitude_db(power.sqrt()).filter(|_| power > SILENT_POWER);
                let last = index == self.splits.len();
                CrestBand {
                    lo_hz: if index == 0 { 0.0 } else { edge_hz(index - 1) },
                    hi_hz: if last { nyquist_hz } else { edge_hz(index) },
                    rms_dbfs: rms_db,
                    crest_db: rms_db.zip(amplitude_db(band.peak)).map(|(rms, peak)| peak - rms),
                }
            })
            .collect();
    }
}
