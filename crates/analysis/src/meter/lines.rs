//! What stands still in a spectrum while the music moves: mains hum and resonances.
//!
//! Both read percentiles over time of the level per bin, kept as counts, so that hours take fixed memory.

use signal::Measurements;

use super::tonality::PowerBelow;
use crate::decibel::{LevelCounts, power_db, select};

/// Fewest whole frames (a twelfth of a second each) that say something about what stands still.
const FEWEST_FRAMES: u64 = 24;
/// Harmonics of the mains looked at, and how many must stand out.
const HARMONICS: usize = 5;
const HARMONICS_NEEDED: usize = 2;
/// How far a harmonic stands over its neighbours in the quiet moments, in dB, and how close to its frequency it is.
const HUM_EXCESS_DB: f64 = 9.0;
const HUM_WIDTH_HZ: f64 = 0.8;
/// What lies further below the strongest harmonic is none of hum's, in dB: a drum that is tuned to the mains has such overtones.
const HUM_SPREAD_DB: f64 = 20.0;
/// Resonances are looked for between these, in Hz: above, hats and bells have modes of their own.
const RESONANCE_HZ: (f64, f64) = (120.0, 5_000.0);
/// Grid of resonances: steps an octave.
const STEPS: usize = 24;
/// A resonance's neighbourhood: half an octave on either side, without an eighth of an octave around it.
const REACH: usize = STEPS / 2;
const CORE: usize = STEPS / 8;
/// Share of the neighbourhood that a resonance stands over: as loud as ordinary partials are.
const NEIGHBOURS_SHARE: f64 = 0.75;
/// A resonance raises whatever passes it: loud and quiet moments alike. Notes come and go.
const MOMENTS: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];
/// A peak is followed from frame to frame where it stands this far out, in dB.
const FOLLOWED_DB: f32 = 4.0;
/// What rings is driven by ever other partials or by noise, so its peak wanders; one held or repeated note doesn't.
/// Least deviation, in steps of the grid.
const LEAST_WANDER: f64 = 0.12;
/// Anything less is no peak at all, in dB.
const LEAST_EXCESS_DB: f64 = 3.0;
/// A second line this close below the first, in dB, makes them a series of partials rather than a resonance.
const SERIES_DB: f64 = 1.0;

#[derive(Debug)]
pub(super) struct Lines {
    bin_hz: f64,
    hum_bins: usize,
    hum: LevelCounts,
    /// Grid edges in Hz, `[steps + 1]`.
    edges_hz: Vec<f64>,
    grid: Vec<f32>,
    neighbours: Vec<f32>,
    /// Density of the active frames.
    active: LevelCounts,
    /// Count, sum and sum of squares of the exact peaks found in each step, in steps of the grid.
    peaks: Vec<[f64; 3]>,
    frames: u64,
    active_frames: u64,
}

impl Lines {
    pub(super) fn new(bin_hz: f64, bins: usize) -> Self {
        let hum_bins = (((60 * HARMONICS + 40) as f64 / bin_hz) as usize).min(bins);
        let top_hz = (RESONANCE_HZ.1 * 2.0).min(bin_hz * (bins - 1) as f64);
        let bottom_hz = RESONANCE_HZ.0 / 2.0;
        let steps = ((top_hz / bottom_hz).log2() * STEPS as f64).floor().max(1.0) as usize;
        let edges_hz: Vec<f64> =
            (0..=steps).map(|step| bottom_hz * (step as f64 / STEPS as f64).exp2()).collect();
        Self {
            bin_hz,
            hum_bins,
            hum: LevelCounts::new(hum_bins, -140.0, 0.0),
            grid: vec![0.0; steps],
            edges_hz,
            neighbours: Vec::with_capacity(2 * REACH),
            active: LevelCounts::new(steps, -160.0, 0.0),
            peaks: vec![[0.0; 3]; steps],
            frames: 0,
            active_frames: 0,
        }
    }

    /// Takes the power spectrum of a frame; an inactive one counts for hum and noise alone.
    pub(super) fn observe(&mut self, power: &[f32], below: &PowerBelow, active: bool) {
        self.frames += 1;
        for (bin, &p) in power[..self.hum_bins].iter().enumerate() {
            self.hum.add(bin, power_db(f64::from(p)));
        }
        for (step, edges) in self.edges_hz.windows(2).enumerate() {
            // Density, so that noise is flat; a step narrower than a bin reads that bin.
            let width_hz = (edges[1] - edges[0]).max(self.bin_hz);
            let middle_hz = (edges[0] + edges[1]) / 2.0;
            let (lo_hz, hi_hz) = (middle_hz - width_hz / 2.0, middle_hz + width_hz / 2.0);
            let density = below.between(lo_hz, hi_hz) / width_hz;
            let level = power_db(density);
            self.grid[step] = level as f32;
        }
        if active {
            self.active_frames += 1;
            self.follow_peaks(power);
        }
    }

    fn follow_peaks(&mut self, power: &[f32]) {
        let steps = self.grid.len();
        for (step, &level) in self.grid.iter().enumerate() {
            self.active.add(step, f64::from(level));
        }
        for step in REACH..steps.saturating_sub(REACH) {
            let highest =
                self.grid[step] >= self.grid[step - 1] && self.grid[step] > self.grid[step + 1];
            if highest && stands_out(&self.grid, step, &mut self.neighbours) >= FOLLOWED_DB {
                let at = self.exact_step(power, step);
                let [count, sum, squares] = &mut self.peaks[step];
                *count += 1.0;
                *sum += at;
                *squares += at * at;
            }
        }
    }

    /// Where in the grid the highest bin of a step lies, between the bins.
    fn exact_step(&self, power: &[f32], step: usize) -> f64 {
        let from = ((self.edges_hz[step] / self.bin_hz) as usize).max(1);
        let to = ((self.edges_hz[step + 1] / self.bin_hz).ceil() as usize).min(power.len() - 2);
        let peak = (from..=to).max_by(|&a, &b| power[a].total_cmp(&power[b])).unwrap_or(from);
        let ln = |bin: usize| f64::from(power[bin].max(1e-20)).ln();
        let (before, top, after) = (ln(peak - 1), ln(peak), ln(peak + 1));
        let bend = before - 2.0 * top + after;
        let offset =
            if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        let hz = (peak as f64 + offset) * self.bin_hz;
        (hz / self.edges_hz[0]).log2() * STEPS as f64
    }

    /// Deviation of the exact peaks around a step, in steps.
    fn wander(&self, step: usize) -> f64 {
        let around = step.saturating_sub(CORE)..(step + CORE + 1).min(self.peaks.len());
        let [count, sum, squares] = self.peaks[around]
            .iter()
            .fold([0.0; 3], |total, next| [0, 1, 2].map(|i| total[i] + next[i]));
        if count < 2.0 {
            return 0.0;
        }
        (squares / count - (sum / count).powi(2)).max(0.0).sqrt()
    }

    pub(super) fn finish(&self, out: &mut Measurements) {
        if self.frames < FEWEST_FRAMES {
            for field in ["hum_hz", "hum_db", "resonance_hz", "resonance_db"] {
                out.notes
                    .insert(field.to_owned(), "too short to tell what stands still".to_owned());
            }
            return;
        }
        match self.find_hum() {
            Some((hz, level_db)) => {
                out.hum_hz = Some(hz);
                out.hum_db = Some(level_db);
            }
            None => {
                for field in ["hum_hz", "hum_db"] {
                    out.notes.insert(field.to_owned(), "no hum stands out".to_owned());
                }
            }
        }
        match self.find_resonance() {
            Some((hz, excess_db)) => {
                out.resonance_hz = Some(hz);
                out.resonance_db = Some(excess_db);
            }
            None => {
                for field in ["resonance_hz", "resonance_db"] {
                    out.notes
                        .insert(field.to_owned(), "no single narrow peak stands out".to_owned());
                }
            }
        }
    }

    /// The mains frequency with the louder hum and its level in dBFS.
    fn find_hum(&self) -> Option<(f64, f64)> {
        let quiet: Vec<f64> =
            (0..self.hum_bins).map_while(|bin| self.hum.percentile(bin, 0.1)).collect();
        let found = [50.0, 60.0].into_iter().filter_map(|mains_hz| {
            let mut levels: Vec<f64> = (1..=HARMONICS)
                .filter_map(|harmonic| self.hum_line(&quiet, mains_hz * harmonic as f64))
                .collect();
            let strongest = levels.iter().copied().fold(f64::MIN, f64::max);
            levels.retain(|level| strongest - level < HUM_SPREAD_DB);
            let power: f64 = levels.iter().map(|level| 10f64.powf(level / 10.0)).sum();
            (levels.len() >= HARMONICS_NEEDED).then(|| (mains_hz, power_db(power)))
        });
        found.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Level of a line at exactly this frequency, if it stands over its neighbours.
    fn hum_line(&self, quiet: &[f64], freq_hz: f64) -> Option<f64> {
        let near = (freq_hz / self.bin_hz).round() as usize;
        let peak = (near.saturating_sub(1)..=near + 1)
            .filter(|&bin| bin >= 1 && bin + 1 < quiet.len())
            .max_by(|&a, &b| quiet[a].total_cmp(&quiet[b]))?;
        let (before, top, after) = (quiet[peak - 1], quiet[peak], quiet[peak + 1]);
        let bend = before - 2.0 * top + after;
        if bend >= 0.0 {
            return None;
        }
        let offset = 0.5 * (before - after) / bend;
        let found_hz = (peak as f64 + offset) * self.bin_hz;
        // A Hann-windowed line falls off within two bins; its neighbours begin at the third.
        let mut around: Vec<f32> =
            [(peak.saturating_sub(7), peak.saturating_sub(2)), (peak + 3, peak + 8)]
                .into_iter()
                .flat_map(|(from, to)| &quiet[from.min(quiet.len())..to.min(quiet.len())])
                .map(|&level| level as f32)
                .collect();
        if around.is_empty() {
            return None;
        }
        let usual = f64::from(select(&mut around, 0.5));
        // A line's power spreads over three bins of a Hann window: 1.76 dB more than its highest bin.
        let stands = top - usual >= HUM_EXCESS_DB && (found_hz - freq_hz).abs() <= HUM_WIDTH_HZ;
        stands.then_some(top + 1.76)
    }

    /// Frequency of the one narrow peak that stays, and how far it stands out in the moments when it does so least.
    fn find_resonance(&self) -> Option<(f64, f64)> {
        if self.active_frames < FEWEST_FRAMES {
            return None;
        }
        let mut neighbours = Vec::with_capacity(2 * REACH);
        let mut excesses = vec![f64::MAX; self.grid.len()];
        for share in MOMENTS {
            let levels: Vec<f32> = (0..self.grid.len())
                .map_while(|step| Some(self.active.percentile(step, share)? as f32))
                .collect();
            let inner = levels.len().saturating_sub(REACH);
            for (step, least) in excesses.iter_mut().enumerate().take(inner).skip(REACH) {
                *least = least.min(f64::from(stands_out(&levels, step, &mut neighbours)));
            }
        }
        let found = |step: &usize| {
            let hz = self.centre_hz(*step);
            (RESONANCE_HZ.0..RESONANCE_HZ.1).contains(&hz) && excesses[*step] < f64::MAX
        };
        let steps: Vec<usize> = (0..excesses.len()).filter(found).collect();
        let &peak = steps.iter().max_by(|&&a, &&b| excesses[a].total_cmp(&excesses[b]))?;
        let excess_db = excesses[peak];
        let rivals = steps.iter().filter(|step| step.abs_diff(peak) > STEPS / 4);
        let rival_db = rivals.map(|&step| excesses[step]).fold(f64::MIN, f64::max);
        let alone = excess_db > LEAST_EXCESS_DB && rival_db < excess_db - SERIES_DB;
        (alone && self.wander(peak) >= LEAST_WANDER).then(|| (self.centre_hz(peak), excess_db))
    }

    fn centre_hz(&self, step: usize) -> f64 {
        (self.edges_hz[step] * self.edges_hz[step + 1]).sqrt()
    }
}

/// How far a step of a grid in dB stands over the loudest of its neighbourhood.
fn stands_out(grid: &[f32], step: usize, neighbours: &mut Vec<f32>) -> f32 {
    neighbours.clear();
    neighbours.extend_from_slice(&grid[step - REACH..step - CORE]);
    neighbours.extend_from_slice(&grid[step + CORE + 1..=step + REACH]);
    grid[step] - select(neighbours, NEIGHBOURS_SHARE)
}
