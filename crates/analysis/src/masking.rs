//! Who hides whom, where, when, by how much: masking between signals that sound together, from their band levels.
//!
//! Called by sessions and the offline driver, with the levels of stems or of plugin instances. [`ear`] says what is
//! hidden in each band at each step; this sums it up. Time grows with steps times signals, memory with signals alone.

mod ear;

use signal::{BandLevels, BandStep};

use ear::{Cell, Ear};

/// A region reaches over the neighbouring bands that have at least this part of what its fullest band has.
const REGION_EDGE: f64 = 0.3;
/// Regions with less of the signal's loudness than this are left out; so a signal has at most 100.
const LEAST_LOUDNESS: f64 = 0.01;
/// A region is hidden in a step if at least this part of the loudness it then has is, and for the masker if at least
/// that part of what is hidden is hidden by it.
const HIDDEN: f64 = 0.5;
const FOR_MASKER: f64 = 0.3;
/// Spans with at most this many steps between them are one.
const BRIDGED_STEPS: usize = 1;

/// A region of one signal, the maskee, in which it is not heard beside the others, mostly for one of them, the masker.
#[derive(Clone, Debug, PartialEq)]
pub struct Hidden {
    /// Index of the signal that excites the region most where it is hidden.
    pub masker: usize,
    /// Index of the signal that is hidden.
    pub maskee: usize,
    /// From the lower edge of the lowest 1/3-octave band to the upper edge of the highest, in Hz.
    pub band_hz: [f64; 2],
    /// When, in seconds from the first step: start and end, in order.
    pub spans_s: Vec<(f64, f64)>,
    /// How far the maskee lies below its threshold in the sum of the others, in dB: raised by this in the region, it
    /// would just be heard there. The mean over what is hidden, weighted with its loudness.
    pub below_db: f64,
    /// Part of the time in which the maskee sounds, anywhere, that the spans take.
    pub time_share: f64,
    /// Part of the maskee's loudness (specific loudness by itself, summed over bands and time) that is hidden here:
    /// how much it matters.
    pub loudness_share: f64,
}

/// What is hidden in signals that sound together, weightiest first. Step `i` of all signals is the same moment; a
/// signal with fewer steps is silent afterwards.
///
/// The model and its sources are in `masking/ear.rs`: excitation patterns of Glasberg & Moore (1990), thresholds of
/// Moore, Glasberg & Baer (1997), at the listening level of ITU-R BS.1116-3. A band counts as hidden where the
/// signal would be heard there by itself, needs the band, and lies below its threshold among the others.
pub fn masking(signals: &[&[BandStep]]) -> Vec<Hidden> {
    let mut ear = Ear::new(signals);
    let mut sums = Sums::new(signals.len());
    let steps = signals.iter().map(|signal| signal.len()).max().unwrap_or(0);
    for step in 0..steps {
        sums.add(ear.hear(signals, step));
    }
    let mut regions = sums.regions();
    for step in 0..steps {
        let cells = ear.hear(signals, step);
        regions.iter_mut().for_each(|region| region.add(step, &cells[region.maskee]));
    }
    let mut found: Vec<Hidden> =
        regions.into_iter().filter_map(|region| region.finish(&sums)).collect();
    found.sort_by(|a, b| b.loudness_share.total_cmp(&a.loudness_share));
    found
}

impl Cell {
    fn is_hidden(&self) -> bool {
        self.weight > 0.0 && self.below_db > 0.0
    }
}

/// Loudness summed over time.
struct Sums {
    signals: usize,
    /// Hidden loudness, `[maskee][masker][band]`.
    hidden: Vec<[f64; BandLevels::BANDS]>,
    /// All loudness of each signal, and the steps in which it sounds.
    loudness: Vec<f64>,
    steps: Vec<usize>,
}

impl Sums {
    fn new(signals: usize) -> Self {
        Self {
            signals,
            hidden: vec![[0.0; BandLevels::BANDS]; signals * signals],
            loudness: vec![0.0; signals],
            steps: vec![0; signals],
        }
    }

    fn add(&mut self, cells: &[[Cell; BandLevels::BANDS]]) {
        for (maskee, cells) in cells.iter().enumerate() {
            let loudness: f64 = cells.iter().map(|cell| cell.weight).sum();
            self.loudness[maskee] += loudness;
            self.steps[maskee] += usize::from(loudness > 0.0);
            for (band, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.is_hidden()) {
                self.hidden[maskee * self.signals + cell.masker][band] += cell.weight;
            }
        }
    }

    /// The runs of bands worth a word, of every pair.
    fn regions(&self) -> Vec<Region> {
        let mut regions = Vec::new();
        for (pair, bands) in self.hidden.iter().enumerate() {
            let (maskee, masker) = (pair / self.signals, pair % self.signals);
            let edge = REGION_EDGE * bands.iter().fold(0.0, |max: f64, &band| max.max(band));
            let mut first = 0;
            for run in bands.chunk_by(|&a, &b| (a > edge) == (b > edge)) {
                let loudness: f64 = run.iter().sum();
                if run[0] > edge && loudness >= LEAST_LOUDNESS * self.loudness[maskee] {
                    regions.push(Region::new(maskee, masker, first..first + run.len(), loudness));
                }
                first += run.len();
            }
        }
        regions
    }
}

/// A run of bands of a pair, on its second way through time.
struct Region {
    maskee: usize,
    masker: usize,
    bands: std::ops::Range<usize>,
    loudness: f64,
    /// Hidden steps, and the spans that they make.
    steps: usize,
    spans: Vec<std::ops::Range<usize>>,
    /// Sums over the hidden cells of these steps.
    weight: f64,
    weighted_db: f64,
}

impl Region {
    fn new(maskee: usize, masker: usize, bands: std::ops::Range<usize>, loudness: f64) -> Self {
        let (steps, spans, weight, weighted_db) = (0, Vec::new(), 0.0, 0.0);
        Self { maskee, masker, bands, loudness, steps, spans, weight, weighted_db }
    }

    fn add(&mut self, step: usize, cells: &[Cell]) {
        let cells = &cells[self.bands.clone()];
        let (mut all, mut hidden, mut mine, mut mine_db) = (0.0, 0.0, 0.0, 0.0);
        for cell in cells {
            all += cell.weight;
            if cell.is_hidden() {
                hidden += cell.weight;
                if cell.masker == self.masker {
                    mine += cell.weight;
                    mine_db += cell.weight * cell.below_db;
                }
            }
        }
        if mine == 0.0 || hidden < HIDDEN * all || mine < FOR_MASKER * hidden {
            return;
        }
        self.weight += mine;
        self.weighted_db += mine_db;
        self.steps += 1;
        match self.spans.last_mut() {
            Some(span) if step <= span.end + BRIDGED_STEPS => span.end = step + 1,
            _ => self.spans.push(step..step + 1),
        }
    }

    fn finish(self, sums: &Sums) -> Option<Hidden> {
        let at_s = |step: usize| step as f64 * BandLevels::STEP_S;
        (self.steps > 0).then(|| Hidden {
            masker: self.masker,
            maskee: self.maskee,
            band_hz: [
                BandLevels::edges_hz(self.bands.start)[0],
                BandLevels::edges_hz(self.bands.end - 1)[1],
            ],
            spans_s: self.spans.iter().map(|span| (at_s(span.start), at_s(span.end))).collect(),
            below_db: self.weighted_db / self.weight,
            time_share: self.steps as f64 / sums.steps[self.maskee] as f64,
            // The two sums run in different orders.
            loudness_share: (self.loudness / sums.loudness[self.maskee]).min(1.0),
        })
    }
}

#[cfg(test)]
mod tests;
