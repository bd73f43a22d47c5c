//! Rules of tone: regions that are raised or missing for what the sound is, and narrow peaks.

use signal::{Action, Finding, FindingKind as Kind, Label, Measurements, Severity};

use super::balance;
use super::draft::{Draft, IEC_61260, OWN, confidence, grade};
use super::limits as limit;
use super::remedy::{Shape, after, least_gain};

/// A fault of tone, and the filter that is suggested against it.
struct Fault {
    kind: Kind,
    band_hz: (f64, f64),
    shape: Shape,
    q: f64,
    /// How far the filter goes at most, in dB: more is no touch of an equaliser but another sound.
    most_db: f64,
    /// Where a filter stands that has no hump to sit on.
    freq_hz: Option<f64>,
    words: &'static str,
}

/// The top of what tonal balance is judged by.
const JUDGED_HZ: f64 = 10_000.0;

const MOST_CUT_DB: f64 = 9.0;
const MOST_NARROW_CUT_DB: f64 = 15.0;
const MOST_BOOST_DB: f64 = 9.0;
/// Less than this nobody would try.
const LEAST_MOVE_DB: f64 = 1.0;
/// A region this far below the whole is empty, and stays so, whatever a boost does, in dB.
const EMPTY_DB: f64 = -55.0;
/// What is expected of a fault is about half of what there is, so no move goes further than this many times the estimate.
const MOST_OF_AMOUNT: f64 = 2.0;

/// Where a sound without body is filled: at 120 Hz, or where the lowest of its bands lies that is this close to its loudest, for
/// what is not there can't be lifted. The place is no higher than this, in Hz.
const FOOT_DB: f64 = 24.0;
const HIGHEST_BODY_HZ: f64 = 250.0;

const fn hump(kind: Kind, lo_hz: f64, hi_hz: f64, words: &'static str) -> Fault {
    let band_hz = (lo_hz, hi_hz);
    let (shape, q, most_db) = (Shape::Peak, 1.0, -MOST_CUT_DB);
    Fault { kind, band_hz, shape, q, most_db, freq_hz: None, words }
}

const FAULTS: [Fault; 6] = [
    hump(Kind::Boomy, 60.0, 200.0, "booms"),
    hump(Kind::Muddy, 200.0, 400.0, "sounds muddy"),
    hump(Kind::Boxy, 400.0, 900.0, "sounds boxy"),
    hump(Kind::Harsh, 2_200.0, 5_000.0, "sounds harsh"),
    Fault {
        kind: Kind::Dull,
        band_hz: (4_000.0, 16_000.0),
        shape: Shape::HighShelf,
        q: 0.7,
        most_db: MOST_BOOST_DB,
        freq_hz: Some(3_000.0),
        words: "top end",
    },
    Fault {
        kind: Kind::Thin,
        band_hz: (60.0, 300.0),
        shape: Shape::Peak,
        q: 0.4,
        most_db: MOST_BOOST_DB,
        freq_hz: Some(120.0),
        words: "body",
    },
];

pub(super) fn rules(m: &Measurements, label: Option<Label>, out: &mut Vec<Finding>) {
    if m.signal_s < limit::TONE_SIGNAL_S {
        return;
    }
    let resonance = resonance(m, label);
    let ringing_hz = resonance.as_ref().and_then(|finding| finding.mv?.freq_hz).unwrap_or(0.0);
    // What is ordinary depends on what the sound is.
    for (label, fault) in label.into_iter().flat_map(|label| FAULTS.iter().map(move |f| (label, f)))
    {
        // A narrow peak is not the fault of its whole region.
        let (lo_hz, hi_hz) = fault.band_hz;
        if !(lo_hz / 1.2..hi_hz * 1.2).contains(&ringing_hz) {
            out.extend(fault.find(m, label));
        }
    }
    out.extend(resonance);
    out.extend(sibilance(m, label));
}

impl Fault {
    fn find(&self, m: &Measurements, label: Label) -> Option<Finding> {
        let number = balance::KINDS.iter().position(|kind| *kind == self.kind)?;
        let raised = self.freq_hz.is_none();
        let [least_db, clear_db, severe_db] = balance::limits_db(number, label);
        // What the sample rate doesn't reach is not missing.
        if self.kind == Kind::Dull && f64::from(m.sample_rate_hz) < 2.0 * JUDGED_HZ {
            return None;
        }
        let heard = balance::hear(&m.bands, label);
        let amount_db = heard.amounts_db[number];
        let excess = amount_db - least_db;
        if excess < 0.0 {
            return None;
        }
        let (lo_hz, hi_hz) = self.band_hz;
        let middle_hz = || heard.middles_hz[number].clamp(lo_hz, hi_hz);
        let freq_hz = match self.kind {
            Kind::Thin => self.freq_hz.unwrap_or(0.0).max(foot_hz(m)),
            _ => self.freq_hz.unwrap_or_else(middle_hz),
        }
        .round();
        let beyond = |m: &Measurements| {
            let excess = balance::hear(&m.bands, label).amounts_db[number] - least_db;
            (excess >= 0.0).then_some(excess)
        };
        let severity_of = |excess| grade(excess, clear_db - least_db, severe_db - least_db);
        let most_db = (2.0 * MOST_OF_AMOUNT * amount_db).ceil() / 2.0;
        let most_db = self.most_db.abs().min(most_db).copysign(self.most_db);
        let gain_db = least_gain(m, self.shape, freq_hz, self.q, most_db, beyond);
        if gain_db.abs() < LEAST_MOVE_DB {
            return None;
        }
        let left = beyond(&after(m, self.shape, freq_hz, self.q, gain_db));
        let severity = severity_of(excess);
        let helps = left.is_none_or(|left| severity_of(left) < severity);
        // A hump that goes away with none of its size is the shape of the sound.
        if severity == Severity::Minor && !helps {
            return None;
        }
        let action = if raised { Action::Cut } else { Action::Boost };
        let share_db = m.level_between(lo_hz, hi_hz)? - m.level_between(25.0, 20_000.0)?;
        let helps = helps && share_db > EMPTY_DB;
        let name = if raised { "above_usual_db" } else { "below_usual_db" };
        let draft = Draft::new(self.kind, severity, balance::confidence(number, amount_db))
            .band(lo_hz, hi_hz)
            .evidence(name, amount_db, "dB", OWN)
            .evidence("band_share_db", share_db, "dB", IEC_61260);
        if raised || helps {
            let draft = draft.filter(action, freq_hz, self.q, Some(gain_db));
            return Some(draft.text(self.text(amount_db, freq_hz, gain_db)));
        }
        let text = format!(
            "{}: there is hardly any {}, more than an equaliser brings back. A filter in the chain may take it away, or the \
             source has none.",
            self.beside(amount_db, "below"),
            self.words
        );
        Some(draft.action(Action::None, None).text(text))
    }

    /// What was measured. The network's amount is what it expects after doubt, which is rather too little.
    fn beside(&self, amount_db: f64, side: &str) -> String {
        let (lo_hz, hi_hz) = self.band_hz;
        format!(
            "{lo_hz:.0} to {hi_hz:.0} Hz lies an estimated {amount_db:.1} dB {side} what is usual for the sound"
        )
    }

    fn text(&self, amount_db: f64, freq_hz: f64, gain_db: f64) -> String {
        let words = self.words;
        let beside = |side: &str| self.beside(amount_db, side);
        match self.kind {
            Kind::Dull => format!(
                "{}: there is little {words}. A high shelf of {gain_db:.1} dB from {freq_hz:.0} Hz may open it, if the \
                 source has any air to lift.",
                beside("below")
            ),
            Kind::Thin => format!(
                "{}: there is little {words}. A wide boost of {gain_db:.1} dB around {freq_hz:.0} Hz may fill it.",
                beside("below")
            ),
            _ => format!(
                "{}, which {words}. {gain_db:.1} dB around {freq_hz:.0} Hz may clear it.",
                beside("above")
            ),
        }
    }
}

/// Where the body of a sound begins: the lowest of its bands that counts, in Hz.
fn foot_hz(m: &Measurements) -> f64 {
    let body = || m.bands.iter().filter(|band| band.lo_hz > 50.0 && band.hi_hz < 1_000.0);
    let loudest_db = body().map(|band| band.level_db).fold(f64::MIN, f64::max);
    let foot = body().find(|band| band.level_db > loudest_db - FOOT_DB);
    foot.map_or(0.0, |band| (band.lo_hz * band.hi_hz).sqrt()).min(HIGHEST_BODY_HZ)
}

fn resonance(m: &Measurements, label: Option<Label>) -> Option<Finding> {
    let (hz, db) = m.resonance_hz.zip(m.resonance_db)?;
    let has_notes = label == Some(Label::FullMix) && m.signal_s < limit::HELD_SIGNAL_S;
    let held_db = if has_notes { limit::HELD_DB } else { 0.0 };
    let excess = db - limit::resonance_db(label, hz) - held_db;
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
