//! Steady noise: where nothing covers it, one moment is as loud as the other. What is played comes, decays and goes.
//!
//! A third of a second of noise in a band of 2 kHz has some hundred degrees of freedom, so its level stays within a few tenths of a
//! decibel; the least levels of music, and of its reverberation, lie decibels apart.

use signal::Measurements;

use crate::decibel::{LevelCounts, power_db};

/// Edges of the bands that are listened to, each for itself, in Hz: whatever is played leaves one of them free.
const EDGES_HZ: [f64; 5] = [4_500.0, 6_500.0, 9_000.0, 11_500.0, 15_500.0];
const BANDS: usize = EDGES_HZ.len() - 1;
/// What lies above this share of half the sample rate is the converter's filter.
const REACH: f64 = 0.98;
/// The floor is where the quietest moments of a band lie, this share of them aside.
const FLOOR_SHARE: f64 = 0.03;
/// Moments are at the floor within this much, in dB; noise is steady where this share of them is, and this many.
const STEADY_DB: f64 = 0.75;
const STEADY_SHARE: f64 = 0.15;
const STEADY_MOMENTS: f64 = 10.0;
/// Partials that are held are steady, too, but stand over what lies between them. The geometric mean of the bins lies below the
/// arithmetic one by 10 log e^γ of white noise, whose bins are distributed exponentially, and by this much at most, in dB.
const WHITE_DB: f64 = 2.507;
const MOST_UNEVEN_DB: f64 = 3.5;
/// A band without anything is as steady, in dBFS.
const EMPTY_DBFS: f64 = -100.0;
/// What the level is given for, in Hz.
const HISS_HZ: (f64, f64) = (2_000.0, 12_000.0);

#[derive(Debug)]
pub(super) struct Hiss {
    /// Bins of each band.
    bins: Vec<(usize, usize)>,
    levels: LevelCounts,
    /// How far the bins' geometric mean lies below the arithmetic one, negative.
    evenness: LevelCounts,
}

impl Hiss {
    /// As many bands as lie within a spectrum of so many bins.
    pub(super) fn new(bin_hz: f64, bins: usize) -> Self {
        let bin = |hz: f64| (hz / bin_hz).round() as usize;
        let bands = EDGES_HZ.windows(2).map(|edges| (bin(edges[0]), bin(edges[1])));
        Self {
            bins: bands.filter(|(_, end)| (*end as f64) < REACH * bins as f64).collect(),
            levels: LevelCounts::fine(BANDS, -140.0, 0.0),
            evenness: LevelCounts::fine(BANDS, -140.0, 0.0),
        }
    }

    /// Takes the power spectrum of a frame, into which no gap reaches: what lies between two recordings says nothing of them.
    pub(super) fn observe(&mut self, power: &[f32]) {
        for (band, &(first, end)) in self.bins.iter().enumerate() {
            let bins = &power[first..end];
            let count = bins.len() as f64;
            let sum: f64 = bins.iter().map(|&p| f64::from(p)).sum();
            let mean_ln = bins.iter().map(|p| f64::from(p.max(1e-20).ln())).sum::<f64>() / count;
            self.levels.add(band, power_db(sum));
            let uneven_db = 10.0 * (sum / count).max(1e-20).log10() - 4.343 * mean_ln;
            self.evenness.add(band, -uneven_db);
        }
    }

    /// The level between 2 and 12 kHz, had noise there the density of the lowest band in which it is steady, and its flatness
    /// (geometric over arithmetic mean of the bins, as a share of white noise's).
    pub(super) fn finish(&self, out: &mut Measurements) {
        let steady = (0..self.bins.len()).find_map(|band| self.steady(band));
        out.hiss_dbfs = steady.map(|(level_dbfs, _)| level_dbfs);
        out.noise_flatness = steady.map(|(_, flatness)| flatness);
        if steady.is_none() {
            for field in ["hiss_dbfs", "noise_flatness"] {
                out.notes.insert(field.to_owned(), "no steady noise stands out".to_owned());
            }
        }
    }

    fn steady(&self, band: usize) -> Option<(f64, f64)> {
        let floor_db = self.levels.percentile(band, FLOOR_SHARE)?;
        let (at_floor, moments) =
            self.levels.within(band, floor_db - STEADY_DB, floor_db + STEADY_DB);
        let uneven_db = -self.evenness.percentile(band, 1.0 - STEADY_SHARE)?;
        let steady = floor_db > EMPTY_DBFS
            && at_floor >= STEADY_MOMENTS
            && at_floor >= STEADY_SHARE * moments
            && uneven_db <= MOST_UNEVEN_DB;
        let wider = (HISS_HZ.1 - HISS_HZ.0) / (EDGES_HZ[band + 1] - EDGES_HZ[band]);
        let flatness = 10f64.powf((WHITE_DB - uneven_db) / 10.0).min(1.0);
        steady.then(|| (floor_db + 10.0 * wider.log10(), flatness))
    }
}
