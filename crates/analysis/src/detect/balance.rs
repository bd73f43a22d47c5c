//! How many decibels of each fault of tone a spectrum has for what it is: a small network reads the third-octave levels
//! against the whole and the label, and says by how much each region is raised or missing. Its figures are those of
//! [`weights`]; `training/train_tone.py` fits them, and says how it was done.

mod weights;

use signal::{Band, FindingKind as Kind, Label};

use crate::decibel::power_db;
use weights::{
    FIRST, FIRST_BIAS, LABELS, LEVELS, LIKELIHOODS, LIMITS_DB, MEAN_DB, OUT, OUT_BIAS, OUTPUTS,
    SCALE, SECOND, SECOND_BIAS, SPREAD_DB, WEIGHTS,
};

/// The faults, in the order of the network's outputs.
pub(super) const KINDS: [Kind; 6] =
    [Kind::Boomy, Kind::Muddy, Kind::Boxy, Kind::Harsh, Kind::Dull, Kind::Thin];

/// The first of them are humps, which have a middle.
const HUMPS: usize = 4;

/// The outputs are amounts in so many dB.
const OUTPUT_DB: f64 = 10.0;

/// Bands count as this far below the whole at the least, in dB.
const FLOOR_DB: f64 = -70.0;

/// What the network makes of a spectrum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// By how much each region is too much (the first four) or missing (the others), in dB; below zero is not at all.
    pub(super) amounts_db: [f64; KINDS.len()],
    /// Where the middles of the first four are, in Hz, if they are there.
    pub(super) middles_hz: [f64; HUMPS],
}

/// Listens to the bands of a slice.
pub(super) fn hear(bands: &[Band], label: Label) -> Heard {
    let levels = inputs(bands);
    let row = Label::ALL.iter().position(|other| *other == label).unwrap_or(0);
    let of_label = |unit: usize| FIRST_BIAS[unit] + LABELS[row][unit];
    let first: [f64; FIRST] = std::array::from_fn(|unit| {
        relu(f64::from(of_label(unit)) / SCALE + dot(&LEVELS[unit], &levels))
    });
    let second: [f64; SECOND] = std::array::from_fn(|unit| {
        relu(f64::from(SECOND_BIAS[unit]) / SCALE + dot(&WEIGHTS[unit], &first))
    });
    let out: [f64; OUTPUTS] =
        std::array::from_fn(|n| f64::from(OUT_BIAS[n]) / SCALE + dot(&OUT[n], &second));
    Heard {
        amounts_db: std::array::from_fn(|kind| OUTPUT_DB * out[kind]),
        middles_hz: std::array::from_fn(|kind| 1_000.0 * out[KINDS.len() + kind].exp2()),
    }
}

/// Where an amount is minor, clear and severe, in dB: beyond nine in ten and 97 in a hundred ordinary mixes or stems, but no less
/// than is heard. A broad hump of 3 dB is heard in music (Toole and Olive 1988); what is missing is heard later than what is
/// added (Buecklein 1981). What is expected is about half of what was done to the sound, for part of it may be the sound's own.
pub(super) fn limits_db(kind: usize, label: Label) -> [f64; 3] {
    LIMITS_DB[usize::from(label != Label::FullMix)][kind]
}

/// How likely an amount is no chance of the material, 0 to 1.
pub(super) fn confidence(kind: usize, amount_db: f64) -> f64 {
    let [offset, slope] = LIKELIHOODS[kind];
    1.0 / (1.0 + (-offset - slope * amount_db).exp())
}

/// Each band up to 10 kHz against all of these, on the network's scale. One that the sample rate doesn't reach is as ordinary
/// as can be.
fn inputs(bands: &[Band]) -> [f64; MEAN_DB.len()] {
    let power: f64 =
        bands.iter().take(MEAN_DB.len()).map(|band| 10f64.powf(band.level_db / 10.0)).sum();
    let whole_db = power_db(power);
    std::array::from_fn(|number| {
        bands.get(number).map_or(0.0, |band| {
            ((band.level_db - whole_db).max(FLOOR_DB) - MEAN_DB[number]) / SPREAD_DB[number]
        })
    })
}

fn relu(x: f64) -> f64 {
    x.max(0.0)
}

fn dot(weights: &[i16], levels: &[f64]) -> f64 {
    weights.iter().zip(levels).map(|(weight, level)| f64::from(*weight) * level).sum::<f64>()
        / SCALE
}

#[cfg(test)]
mod tests {
    use signal::BandLevels;

    use super::weights::{CHECK_AMOUNTS_DB, CHECK_DB, CHECK_LABEL, CHECK_MIDDLES_HZ};
    use super::*;

    fn bands(levels_db: impl Fn(usize) -> f64) -> Vec<Band> {
        let band = |number| {
            let [lo_hz, hi_hz] = BandLevels::edges_hz(number);
            Band { lo_hz, hi_hz, level_db: levels_db(number) }
        };
        (0..CHECK_DB.len()).map(band).collect()
    }

    #[test]
    fn it_says_what_the_script_says() {
        let heard = hear(&bands(|number| CHECK_DB[number]), Label::ALL[CHECK_LABEL]);
        for (ours, theirs) in heard.amounts_db.iter().zip(CHECK_AMOUNTS_DB) {
            assert!((ours - theirs).abs() < 0.01, "{:?}", heard.amounts_db);
        }
        for (ours, theirs) in heard.middles_hz.iter().zip(CHECK_MIDDLES_HZ) {
            assert!((ours / theirs - 1.0).abs() < 1e-3, "{:?}", heard.middles_hz);
        }
    }

    #[test]
    fn level_and_what_lies_above_10_khz_change_nothing() {
        let quiet = hear(&bands(|number| CHECK_DB[number] - 20.0), Label::Piano);
        let mut wide = bands(|number| CHECK_DB[number]);
        wide.push(Band { lo_hz: 11_220.0, hi_hz: 14_125.0, level_db: -3.0 });
        for (one, other) in quiet.amounts_db.iter().zip(hear(&wide, Label::Piano).amounts_db) {
            assert!((one - other).abs() < 1e-9);
        }
    }

    #[test]
    fn limits_rise_from_minor_to_severe() {
        for label in [Label::FullMix, Label::Piano] {
            for kind in 0..KINDS.len() {
                let [minor, clear, severe] = limits_db(kind, label);
                assert!(1.0 < minor && minor < clear && clear < severe, "{kind} of {label:?}");
            }
        }
    }

    #[test]
    fn the_surer_the_more() {
        for kind in 0..KINDS.len() {
            assert!(confidence(kind, 12.0) > confidence(kind, 6.0));
            assert!(confidence(kind, 6.0) > confidence(kind, 0.0));
        }
    }
}
