//! Rules of tone: bands that stand out of the spectrum or are missing from it.

use signal::{Action, Finding, FindingKind as Kind, Label, Measurements};

use super::draft::{Draft, IEC_61260, OWN, confidence, grade};
use super::limits as limit;
use super::remedy::{Shape, least_gain};

/// A region that can be too much.
struct Region {
    kind: Kind,
    lo_hz: f64,
    hi_hz: f64,
    /// How far it must stand over the regions beside it, in dB an octave of width.
    bump_db: f64,
    words: &'static str,
}

/// In a source that fills its spectrum evenly, a region may have this much less than its most ordinary share, in dB, which
/// takes half as much from its hump.
const LOW_SHARE_DB: f64 = 3.0;
const SHARE_WEIGHT: f64 = 0.5;
/// There a hump this much beyond its limit is heard with less of a share, in dB.
const TALL_DB: f64 = 3.5;
const TALL_SHARE_DB: f64 = 8.0;
/// In any other source the register that is played makes a hump of its own, in dB.
const REGISTER_DB: f64 = 2.0;
/// The most that one side's neighbourhood counts, in dB.
const MOST_OVER_DB: f64 = 15.0;

/// The filters that are suggested, and how far they go at most, in dB: more is no touch of an equaliser but another sound.
const CUT_Q: f64 = 1.0;
const BOOST_Q: f64 = 0.7;
const MOST_CUT_DB: f64 = 9.0;
const MOST_NARROW_CUT_DB: f64 = 15.0;
const MOST_BOOST_DB: f64 = 9.0;
const SHELF_HZ: f64 = 6_000.0;
const BODY_HZ: f64 = 180.0;

/// In the order of `Balance::most_db`.
const REGIONS: [Region; 4] = [
    Region { kind: Kind::Boomy, lo_hz: 80.0, hi_hz: 200.0, bump_db: 5.5, words: "booms" },
    Region { kind: Kind::Muddy, lo_hz: 200.0, hi_hz: 400.0, bump_db: 5.0, words: "sounds muddy" },
    Region { kind: Kind::Boxy, lo_hz: 400.0, hi_hz: 900.0, bump_db: 5.0, words: "sounds boxy" },
    Region {
        kind: Kind::Harsh,
        lo_hz: 2_200.0,
        hi_hz: 5_000.0,
        bump_db: 5.5,
        words: "sounds harsh",
    },
];

pub(super) fn rules(m: &Measurements, label: Option<Label>, out: &mut Vec<Finding>) {
    if m.signal_s < limit::TONE_SIGNAL_S {
        return;
    }
    let balance = limit::balance(label);
    let resonance = resonance(m, label);
    let ringing_hz = resonance.as_ref().and_then(|finding| finding.mv?.freq_hz).unwrap_or(0.0);
    for (region, most_db) in REGIONS.iter().zip(balance.most_db) {
        // A narrow peak is not the fault of its whole region.
        if !(region.lo_hz / 1.2..region.hi_hz * 1.2).contains(&ringing_hz) {
            out.extend(too_much(m, region, most_db, balance.even));
        }
    }
    out.extend(resonance);
    out.extend(balance.least_air_db.and_then(|least| dull(m, least)));
    out.extend(balance.least_body_db.and_then(|least| thin(m, least)));
    out.extend(sibilance(m, label));
}

/// Level of a band against the whole, in dB.
fn share_db(m: &Measurements, lo_hz: f64, hi_hz: f64) -> Option<f64> {
    Some(m.level_between(lo_hz, hi_hz)? - m.level_between(25.0, 20_000.0)?)
}

/// Level an octave of width, so that bands of different widths compare.
fn density_db(m: &Measurements, lo_hz: f64, hi_hz: f64) -> Option<f64> {
    Some(m.level_between(lo_hz, hi_hz)? - 10.0 * (hi_hz / lo_hz).log2().log10())
}

fn too_much(m: &Measurements, region: &Region, most_db: f64, even: bool) -> Option<Finding> {
    let &Region { kind, lo_hz, hi_hz, words, .. } = region;
    let Hump { bump, share, excess } = hump(m, region, most_db, even)?;
    let freq_hz = peak_hz(m, lo_hz, hi_hz).round();
    let beyond = |m: &Measurements| hump(m, region, most_db, even).map(|hump| hump.excess);
    let gain_db = least_gain(m, Shape::Peak, freq_hz, CUT_Q, -MOST_CUT_DB, beyond);
    let draft = Draft::new(kind, grade(excess, 4.0, 7.0), confidence(excess, 6.0))
        .band(lo_hz, hi_hz)
        .evidence("band_over_neighbours_db", bump, "dB", OWN)
        .evidence("band_share_db", share, "dB", IEC_61260)
        .filter(Action::Cut, freq_hz, CUT_Q, Some(gain_db));
    Some(draft.text(format!(
        "{lo_hz:.0} to {hi_hz:.0} Hz stands {bump:.1} dB over the bands beside it, which {words}. {gain_db:.1} dB around \
         {freq_hz:.0} Hz may clear it."
    )))
}

/// How far a region stands out.
struct Hump {
    /// Over the regions beside it, in dB an octave of width.
    bump: f64,
    /// Against the whole, in dB.
    share: f64,
    /// Beyond what is ordinary, in dB.
    excess: f64,
}

fn hump(m: &Measurements, region: &Region, most_db: f64, even: bool) -> Option<Hump> {
    let &Region { lo_hz, hi_hz, bump_db, .. } = region;
    let share = share_db(m, lo_hz, hi_hz)?;
    let inside = density_db(m, lo_hz, hi_hz)?;
    let below = density_db(m, lo_hz / 2.0, lo_hz)?;
    let above = density_db(m, hi_hz, hi_hz * 2.0)?;
    // A side with next to nothing in it says nothing about a hump.
    let over = |side: f64| (inside - side).min(MOST_OVER_DB);
    let bump = (over(below) + over(above)) / 2.0;
    let excess = beyond(bump - bump_db, share - most_db, even)?;
    Some(Hump { bump, share, excess })
}

/// Where a hump in a region has its middle: the mean of the bands, on a scale of octaves, each weighed by its power; a hump
/// may lie half a third-octave outside.
fn peak_hz(m: &Measurements, lo_hz: f64, hi_hz: f64) -> f64 {
    let reach = 2f64.powf(1.0 / 6.0);
    let (mut octaves, mut power) = (0.0, 0.0);
    for band in &m.bands {
        let centre_hz = (band.lo_hz.max(1.0) * band.hi_hz).sqrt();
        if (lo_hz / reach..=hi_hz * reach).contains(&centre_hz) {
            let weight = 10f64.powf(band.level_db / 10.0);
            octaves += weight * centre_hz.log2();
            power += weight;
        }
    }
    if power > 0.0 { (octaves / power).exp2() } else { (lo_hz * hi_hz).sqrt() }
}

/// How far a region is beyond what is ordinary, from how far its hump and its share are beyond their limits.
fn beyond(hump_db: f64, share_db: f64, even: bool) -> Option<f64> {
    if !even {
        let excess = hump_db - REGISTER_DB;
        return (excess >= 0.0 && share_db >= 0.0).then_some(excess);
    }
    let weighed = hump_db + SHARE_WEIGHT * share_db.min(0.0);
    if share_db >= -LOW_SHARE_DB && weighed >= 0.0 {
        return Some(weighed);
    }
    let tall = hump_db >= TALL_DB && share_db >= -TALL_SHARE_DB;
    tall.then_some(hump_db - TALL_DB)
}

fn dull(m: &Measurements, least_db: f64) -> Option<Finding> {
    let (lo_hz, hi_hz) = (8_000.0, 16_000.0);
    let reaches = f64::from(m.sample_rate_hz) >= 2.0 * hi_hz;
    let share = share_db(m, lo_hz, hi_hz).filter(|_| reaches)?;
    let lack = |m: &Measurements| lack_db(m, lo_hz, hi_hz, least_db);
    let excess = lack(m)?;
    let gain_db = least_gain(m, Shape::HighShelf, SHELF_HZ, BOOST_Q, MOST_BOOST_DB, lack);
    let draft = Draft::new(Kind::Dull, grade(excess, 6.0, 12.0), confidence(excess, 10.0))
        .band(lo_hz, hi_hz)
        .evidence("band_share_db", share, "dB", IEC_61260)
        .filter(Action::Boost, SHELF_HZ, BOOST_Q, Some(gain_db));
    Some(draft.text(format!(
        "There is little above 8000 Hz: {share:.1} dB against the whole. A high shelf of {gain_db:.1} dB from {SHELF_HZ:.0} Hz \
         may open it, if the source has any air to lift."
    )))
}

fn thin(m: &Measurements, least_db: f64) -> Option<Finding> {
    let (lo_hz, hi_hz) = (100.0, 300.0);
    let share = share_db(m, lo_hz, hi_hz)?;
    let lack = |m: &Measurements| lack_db(m, lo_hz, hi_hz, least_db);
    let excess = lack(m)?;
    let gain_db = least_gain(m, Shape::Peak, BODY_HZ, BOOST_Q, MOST_BOOST_DB, lack);
    let draft = Draft::new(Kind::Thin, grade(excess, 4.0, 8.0), confidence(excess, 8.0))
        .band(lo_hz, hi_hz)
        .evidence("band_share_db", share, "dB", IEC_61260)
        .filter(Action::Boost, BODY_HZ, BOOST_Q, Some(gain_db));
    Some(draft.text(format!(
        "There is little body: {lo_hz:.0} to {hi_hz:.0} Hz lies at {share:.1} dB against the whole. A wide boost of \
         {gain_db:.1} dB around {BODY_HZ:.0} Hz may fill it."
    )))
}

/// How much of a region is missing, in dB.
fn lack_db(m: &Measurements, lo_hz: f64, hi_hz: f64, least_db: f64) -> Option<f64> {
    let lack = least_db - share_db(m, lo_hz, hi_hz)?;
    (lack >= 0.0).then_some(lack)
}

fn resonance(m: &Measurements, label: Option<Label>) -> Option<Finding> {
    let (hz, db) = m.resonance_hz.zip(m.resonance_db)?;
    let excess = db - limit::resonance_db(label, hz);
    if !limit::is_broad(label) {
        return None;
    }
    // A line of the mains is hum's finding.
    let mains = m.hum_hz.is_some_and(|hum_hz| {
        (hz / hum_hz).round() <= 6.0 && (hz % hum_hz).min(hum_hz - hz % hum_hz) < 6.0
    });
    if excess < 0.0 || mains || m.signal_s < limit::STEADY_SIGNAL_S {
        return None;
    }
    let hz = hz.round();
    // A narrow cut takes as much from the peak as its gain says.
    let gain_db = -((excess + 1.0).clamp(2.0, MOST_NARROW_CUT_DB) * 2.0).ceil() / 2.0;
    let draft = Draft::new(Kind::Resonance, grade(excess, 5.0, 9.0), confidence(excess, 6.0))
        .band(hz / 2f64.powf(1.0 / 12.0), hz * 2f64.powf(1.0 / 12.0))
        .evidence("resonance_hz", hz, "Hz", OWN)
        .evidence("resonance_db", db, "dB", OWN)
        .filter(Action::Cut, hz, 8.0, Some(gain_db));
    Some(draft.text(format!(
        "A narrow peak at {hz:.0} Hz rings {db:.1} dB over its surroundings, whatever is played. A narrow cut of \
         {:.1} dB may tame it.",
        -gain_db
    )))
}

fn sibilance(m: &Measurements, label: Option<Label>) -> Option<Finding> {
    let db = m.sibilance_db?;
    let excess = db - limit::SIBILANCE_DB;
    if excess < 0.0 || !matches!(label, Some(Label::Vocals | Label::Speech)) {
        return None;
    }
    let draft = Draft::new(Kind::Sibilant, grade(excess, 4.0, 8.0), confidence(excess, 6.0))
        .band(5_000.0, 9_000.0)
        .evidence("sibilance_db", db, "dB", OWN)
        .filter(Action::DeEss, 7_000.0, 1.0, Some(-4.0));
    Some(draft.text(format!(
        "The s sounds reach {db:.1} dB above the vowels. A de-esser around 7000 Hz may soften them."
    )))
}
