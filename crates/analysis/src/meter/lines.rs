//! What stands still in a spectrum while the music moves: mains hum, the noise of the quiet moments, resonances.
//!
//! All three read percentiles over time of the level per bin, kept as counts, so that hours take fixed memory.

use signal::Measurements;

use super::tonality::band_power;
use crate::decibel::{LevelCounts, power_db, select};

/// Fewest whole frames (a twelfth of a second each) that say something about what stands still.
const FEWEST_FRAMES: u64 = 24;
/// Harmonics of the mains looked at, and how many must stand out.
const HARMONICS: usize = 5;
const HARMONICS_NEEDED: usize = 2;
/// How far a harmonic stands over its neighbours in the quiet moments, in dB, and how close to its frequency it is.
const HUM_EXCESS_DB: f64 = 9.0;
const HUM_WIDTH_HZ: f64 = 0.8;
/// Noise is read between these, in Hz.
const NOISE_HZ: (f64, f64) = (2_000.0, 12_000.0);
/// Quiet moments below this between those are silent, in dBFS.
const SILENT_HISS_DBFS: f64 = -90.0;
/// Resonances are looked for between these, in Hz.
const RESONANCE_HZ: (f64, f64) = (120.0, 10_000.0);
/// Grid of noise and resonances: steps an octave.
const STEPS: usize = 24;
/// A resonance's neighbourhood: an octave on either side, without an eighth of an octave around it.
const REACH: usize = STEPS;
const CORE: usize = STEPS / 8;
/// Share of the neighbourhood that a resonance stands over: louder than ordinary partials.
const NEIGHBOURS_SHARE: f64 = 0.8;
/// A second line this close below the first, in dB, makes them a series of partials rather than a resonance.
const SERIES_DB: f64 = 5.0;

#[derive(Debug)]
pub(super) struct Lines {
    bin_hz: f64,
    hum_bins: usize,
    hum: LevelCounts,
    /// Grid edges in Hz, `[steps + 1]`.
    edges_hz: Vec<f64>,
    grid: Vec<f32>,
    neighbours: Vec<f32>,
    quiet: LevelCounts,
    excess: LevelCounts,
    frames: u64,
    active_frames: u64,
}

impl Lines {
    pub(super) fn new(bin_hz: f64, bins: usize) -> Self {
        let hum_bins = (((60 * HARMONICS + 40) as f64 / bin_hz) as usize).min(bins);
        let top_hz = NOISE_HZ.1.max(RESONANCE_HZ.1 * 2.0).min(bin_hz * (bins - 1) as f64);
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
            quiet: LevelCounts::new(steps, -160.0, 0.0),
            excess: LevelCounts::new(steps, -20.0, 40.0),
            frames: 0,
            active_frames: 0,
        }
    }

    /// Takes the power spectrum of a frame; an inactive one counts for hum and noise alone.
    pub(super) fn observe(&mut self, power: &[f32], active: bool) {
        self.frames += 1;
        for (bin, &p) in power[..self.hum_bins].iter().enumerate() {
            self.hum.add(bin, power_db(f64::from(p)));
        }
        for (step, edges) in self.edges_hz.windows(2).enumerate() {
            // Density, so that noise is flat; a step narrower than a bin reads that bin.
            let width_hz = (edges[1] - edges[0]).max(self.bin_hz);
            let middle_hz = (edges[0] + edges[1]) / 2.0;
            let density = band_power(
                power,
                self.bin_hz,
                middle_hz - width_hz / 2.0,
                middle_hz + width_hz / 2.0,
            ) / width_hz;
            let level = power_db(density);
            self.grid[step] = level as f32;
            self.quiet.add(step, level);
        }
        if active {
            self.active_frames += 1;
            self.observe_excess();
        }
    }

    fn observe_excess(&mut self) {
        let steps = self.grid.len();
        for step in REACH..steps.saturating_sub(REACH) {
            self.neighbours.clear();
            self.neighbours.extend_from_slice(&self.grid[step - REACH..step - CORE]);
            self.neighbours.extend_from_slice(&self.grid[step + CORE + 1..=step + REACH]);
            let usual = select(&mut self.neighbours, NEIGHBOURS_SHARE);
            self.excess.add(step, f64::from(self.grid[step] - usual));
        }
    }

    pub(super) fn finish(&self, out: &mut Measurements) {
        if self.frames < FEWEST_FRAMES {
            for field in
                ["hum_hz", "hum_db", "hiss_dbfs", "noise_flatness", "resonance_hz", "resonance_db"]
            {
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
        if let Some((level_db, flatness)) = self.hiss() {
            out.hiss_dbfs = Some(level_db);
            out.noise_flatness = Some(flatness);
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
            let levels: Vec<f64> = (1..=HARMONICS)
                .filter_map(|harmonic| self.hum_line(&quiet, mains_hz * harmonic as f64))
                .collect();
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

    /// The 10th percentile between 2 and 12 kHz: its level, and its flatness (geometric over arithmetic mean of the
    /// density). `None` where the sample rate doesn't reach or the moments are silent.
    fn hiss(&self) -> Option<(f64, f64)> {
        let steps = self.edges_hz.windows(2).enumerate();
        let inside = steps.filter(|(_, edges)| edges[0] >= NOISE_HZ.0 && edges[1] <= NOISE_HZ.1);
        let (mut count, mut sum_db, mut density, mut power) = (0, 0.0, 0.0, 0.0);
        for (step, edges) in inside {
            let level_db = self.quiet.percentile(step, 0.1)?;
            let linear = 10f64.powf(level_db / 10.0);
            count += 1;
            sum_db += level_db;
            density += linear;
            power += linear * (edges[1] - edges[0]);
        }
        if count < STEPS || power_db(power) < SILENT_HISS_DBFS {
            return None;
        }
        let flatness_db =
            sum_db / f64::from(count as u32) - 10.0 * (density / f64::from(count as u32)).log10();
        Some((power_db(power), 10f64.powf(flatness_db / 10.0).clamp(0.0, 1.0)))
    }

    /// Frequency and median excess of the one narrow peak that stays, if there is one.
    fn find_resonance(&self) -> Option<(f64, f64)> {
        if self.active_frames < FEWEST_FRAMES {
            return None;
        }
        let steps = self.grid.len();
        let medians: Vec<(usize, f64)> = (REACH..steps.saturating_sub(REACH))
            .filter_map(|step| Some((step, self.excess.percentile(step, 0.5)?)))
            .collect();
        let &(peak, excess_db) = medians.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let rival = medians.iter().filter(|(step, _)| step.abs_diff(peak) > STEPS / 4);
        let rival_db = rival.map(|&(_, db)| db).fold(f64::MIN, f64::max);
        let centre_hz = (self.edges_hz[peak] * self.edges_hz[peak + 1]).sqrt();
        (excess_db > 3.0 && rival_db < excess_db - SERIES_DB).then_some((centre_hz, excess_db))
    }
}
