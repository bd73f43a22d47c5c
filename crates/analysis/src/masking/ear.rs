//! How band levels excite the ear, and what of one signal stays above the threshold that the others leave it.
//!
//! Excitation patterns after Glasberg & Moore (1990), "Derivation of auditory filter shapes from notched-noise data",
//! Hearing Research 47; thresholds in noise and specific loudness after Moore, Glasberg & Baer (1997), "A model for
//! the prediction of thresholds, loudness, and partial loudness", J. Audio Eng. Soc. 45 (MGB97); in quiet after ISO
//! 389-7:2005. The auditory filters stand at the centres of the 1/3-octave bands, about one ERB apart below 500 Hz,
//! two above. No smoothing over time: the ear's release of 50 ms (Glasberg & Moore 2002) is shorter than a step.

use signal::{Band, BandLevels, BandStep};

use crate::decibel::power_db;

/// Sound pressure level of 0 dBFS RMS: ITU-R BS.1116-3 sets the loudspeakers together to 85 dB with pink
/// noise of -18 dBFS RMS on each. (SMPTE RP 200 has it too: 83 dB for a loudspeaker at -20 dBFS.)
const FULL_SCALE_DB_SPL: f64 = 103.0;

const BANDS: usize = BandLevels::BANDS;
/// A value for each band.
pub(super) type PerBand = [f64; BANDS];

/// Threshold of hearing from 25 Hz to 20 kHz in dB SPL: ISO 389-7:2005, table 1, free field. It ends at 18 kHz (73.2
/// dB); the last value only says "not heard".
const QUIET_DB_SPL: PerBand = [
    68.7, 59.5, 51.1, 44.0, 37.5, 31.5, 26.5, 22.1, 17.9, 14.4, 11.4, 8.6, 6.2, 4.4, 3.0, 2.2, 2.4,
    3.5, 1.7, -1.3, -4.2, -6.0, -5.4, -1.5, 6.0, 12.6, 13.9, 12.3, 40.2, 100.0,
];
/// The excitation at that threshold in dB from 50 Hz to 500 Hz, constant outside (MGB97; tabulated in ANSI S3.4-2007).
const QUIET_EXCITATION_DB: [f64; 11] =
    [28.18, 23.90, 19.20, 15.68, 12.67, 10.09, 8.08, 6.30, 5.30, 4.50, 3.73];
/// K of MGB97: excitation of a signal over that of noise where it is just heard, in dB at frequencies in Hz, straight
/// lines between them over the logarithm of frequency, constant outside. MGB97 lets it rise to 13 dB at 50 Hz, for
/// tones in noise whose slow fluctuations hide them; kick and bass hide by tones, and neither hides its equal.
const K_DB: [(f64, f64); 3] = [(200.0, 0.0), (500.0, -2.3), (1_000.0, -3.0)];

/// Points of a band on which its power is spread.
const POINTS: usize = 3;
/// Levels in dB SPL per ERB between which the filters' slopes follow the level.
const SLOPE_RANGE_DB: (f64, f64) = (20.0, 120.0);

/// A signal doesn't need a band where its specific loudness stays below this part of its greatest: 30 dB down.
const NEEDED: f64 = 0.25;
/// ... or where less than this part of its excitation comes from the band itself.
const OWN: f64 = 0.5;
/// What may be left of a sum when all of its terms have been taken away.
const ROUNDING: f64 = 1e-9;

/// One signal in one band at one step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    /// What the band gives to the signal's loudness if nothing else sounds, up to a constant factor; zero, as the rest
    /// then is, where it would not be heard even so, or is not needed.
    pub(super) weight: f64,
    /// How far the signal lies below the threshold that the others leave it, in dB; negative where it is heard.
    pub(super) below_db: f64,
    /// The other signal that excites this band most.
    pub(super) masker: usize,
}

/// Hears some signals at once.
#[derive(Debug)]
pub(super) struct Ear {
    /// Power at the cochlea for 0 dBFS: the outer and middle ear make thresholds in quiet meet their excitation.
    gain: PerBand,
    quiet: PerBand,
    k: PerBand,
    width_erb: PerBand,
    /// Distance of each point of each band from each filter in units of its slope, `[filter][band][point]`, negative
    /// where the point lies below the filter.
    distance: Vec<[[f64; POINTS]; BANDS]>,
    /// The filters at 51 dB, `[filter][band]`, and at the levels of this step.
    fixed: Vec<PerBand>,
    filters: Vec<PerBand>,
    /// Of each signal: its power at the cochlea, its excitation, the loudness that it needs in a band.
    powers: Vec<PerBand>,
    excitations: Vec<PerBand>,
    needed: Vec<f64>,
    cells: Vec<[Cell; BANDS]>,
}

impl Ear {
    /// For these signals, whose loudest moments say what they need.
    pub(super) fn new(signals: &[&[BandStep]]) -> Self {
        let quiet_db = |band: usize| QUIET_EXCITATION_DB[band.clamp(3, 13) - 3];
        let per_band = |of: &dyn Fn(usize) -> f64| std::array::from_fn(of);
        let distance: Vec<[[f64; POINTS]; BANDS]> = (0..BANDS).map(distances).collect();
        let fixed: Vec<PerBand> =
            distance.iter().map(|row| per_band(&|band| response(&row[band], 1.0))).collect();
        let gain =
            per_band(&|band| from_db(FULL_SCALE_DB_SPL + quiet_db(band) - QUIET_DB_SPL[band]));
        let quiet = per_band(&|band| from_db(quiet_db(band)));
        let peak = |signal: &&[BandStep]| {
            let levels = signal.iter().flat_map(|step| step.iter().enumerate());
            let ratios = levels.map(|(band, &db)| power(db) * gain[band] / quiet[band]);
            NEEDED * specific_loudness(ratios.fold(0.0, f64::max))
        };
        Self {
            needed: signals.iter().map(peak).collect(),
            gain,
            quiet,
            k: per_band(&|band| from_db(k_db(BandLevels::centre_hz(band)))),
            width_erb: per_band(&|band| {
                let [lo_hz, hi_hz] = BandLevels::edges_hz(band);
                erb_rate(hi_hz) - erb_rate(lo_hz)
            }),
            distance,
            filters: fixed.clone(),
            fixed,
            powers: vec![[0.0; BANDS]; signals.len()],
            excitations: vec![[0.0; BANDS]; signals.len()],
            cells: vec![[Cell::default(); BANDS]; signals.len()],
        }
    }

    /// The cells of one step, `[signals][BANDS]`; a signal that has ended is silent.
    pub(super) fn hear(&mut self, signals: &[&[BandStep]], step: usize) -> &[[Cell; BANDS]] {
        let mut mix = [0.0; BANDS];
        for (signal, powers) in signals.iter().zip(&mut self.powers) {
            let levels = signal.get(step).unwrap_or(&[Band::FLOOR_DB as f32; BANDS]);
            for band in 0..BANDS {
                powers[band] = power(levels[band]) * self.gain[band];
                mix[band] += powers[band];
            }
        }
        self.tune(&mix);
        for (powers, excitation) in self.powers.iter().zip(&mut self.excitations) {
            *excitation = through(&self.filters, powers);
        }
        let total = through(&self.filters, &mix);
        for (band, &total) in total.iter().enumerate() {
            self.compare(band, total);
        }
        &self.cells
    }

    /// Sets the filters for what sounds: towards lower frequencies they grow wider with its level (Glasberg & Moore
    /// 1990), which is the upward spread of masking. All signals pass the same filters, as in MGB97, so
    /// their excitations add up.
    fn tune(&mut self, mix: &PerBand) {
        let levels = through(&self.fixed, mix);
        for (band, &level) in levels.iter().enumerate() {
            let level_db = power_db(level).clamp(SLOPE_RANGE_DB.0, SLOPE_RANGE_DB.1);
            let slope = 1.0 - 0.35 / slope_at(1_000.0) * (level_db - 51.0);
            for filter in band..BANDS {
                self.filters[filter][band] = response(&self.distance[filter][band], slope);
            }
        }
    }

    /// What each signal is in one band, given the excitation of all.
    fn compare(&mut self, band: usize, total: f64) {
        let of = |signal: &PerBand| signal[band];
        let loudest = first_max(self.excitations.iter().map(of), usize::MAX);
        let second = first_max(self.excitations.iter().map(of), loudest);
        let own_response = self.filters[band][band];
        for (signal, cells) in self.cells.iter_mut().enumerate() {
            let smeared = self.excitations[signal][band];
            // A signal is heard by its strongest partial, which counts as if it lay where the filter stands; the
            // power of those that mask it may lie anywhere in their bands.
            let own = self.powers[signal][band];
            let excitation = smeared + (1.0 - own_response) * own;
            cells[band] = Cell::default();
            if excitation <= self.quiet[band] || own < OWN * excitation {
                continue;
            }
            let loudness = specific_loudness(excitation / self.quiet[band]);
            if loudness < self.needed[signal] {
                continue;
            }
            let others = total - smeared;
            let noise = if others > ROUNDING * total { self.k[band] * others } else { 0.0 };
            let threshold = noise + self.quiet[band];
            cells[band] = Cell {
                weight: loudness * self.width_erb[band],
                below_db: 10.0 * (threshold / excitation).log10(),
                masker: if signal == loudest { second } else { loudest },
            };
        }
    }
}

/// Excitation of the filters by a spectrum.
fn through(filters: &[PerBand], powers: &PerBand) -> PerBand {
    std::array::from_fn(|filter| {
        filters[filter].iter().zip(powers).map(|(weight, power)| weight * power).sum()
    })
}

/// Distances of all bands' points from a filter.
fn distances(filter: usize) -> [[f64; POINTS]; BANDS] {
    let centre_hz = BandLevels::centre_hz(filter);
    std::array::from_fn(|band| {
        let [lo_hz, hi_hz] = BandLevels::edges_hz(band);
        std::array::from_fn(|point| {
            let hz = lo_hz + (hi_hz - lo_hz) * (point as f64 + 0.5) / POINTS as f64;
            slope_at(centre_hz) * (hz - centre_hz) / centre_hz
        })
    })
}

/// The part of a band's power that passes a rounded-exponential filter, whose lower side has `slope` times the slope
/// of the upper one.
fn response(distances: &[f64; POINTS], slope: f64) -> f64 {
    let pass = |&distance: &f64| {
        let pg = if distance < 0.0 { -distance * slope } else { distance };
        (1.0 + pg) * (-pg).exp()
    };
    distances.iter().map(pass).sum::<f64>() / POINTS as f64
}

/// The slope p of a filter at 51 dB per ERB.
fn slope_at(hz: f64) -> f64 {
    4.0 * hz / (24.7 * (4.37 * hz / 1_000.0 + 1.0))
}

/// Number of ERBs below a frequency.
fn erb_rate(hz: f64) -> f64 {
    21.4 * (4.37 * hz / 1_000.0 + 1.0).log10()
}

/// Specific loudness of an excitation given as a multiple of that at threshold, up to a constant factor (MGB97; its
/// exponent of the frequencies above 500 Hz serves for all).
fn specific_loudness(ratio: f64) -> f64 {
    (ratio + 2.0).powf(0.2) - 2f64.powf(0.2)
}

fn k_db(hz: f64) -> f64 {
    let after = K_DB.iter().position(|&(at_hz, _)| at_hz > hz).unwrap_or(K_DB.len());
    let ((lo_hz, lo), (hi_hz, hi)) =
        (K_DB[after.saturating_sub(1)], K_DB[after.min(K_DB.len() - 1)]);
    if hi_hz == lo_hz { lo } else { lo + (hi - lo) * (hz / lo_hz).ln() / (hi_hz / lo_hz).ln() }
}

/// Power of a level in dBFS: none at the floor or where it is no number, and never more than sums can hold.
fn power(level_db: f32) -> f64 {
    let level_db = f64::from(level_db);
    if level_db > Band::FLOOR_DB { from_db(level_db.min(100.0)) } else { 0.0 }
}

fn from_db(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}

/// The place of the first greatest value, leaving one place out.
fn first_max(values: impl Iterator<Item = f64>, except: usize) -> usize {
    let others = values.enumerate().filter(|&(place, _)| place != except);
    others.fold((0, f64::MIN), |best, next| if next.1 > best.1 { next } else { best }).0
}
