//! Planted faults over a range of amounts against what the detectors find of them, and their alarms where nothing is.

mod cases;
mod tally;

use std::ops::Range;

use factory::defect::Kind;
use rayon::prelude::*;
use signal::FindingKind;

use super::Row;
use crate::session::Session;
use cases::Set;
pub(crate) use cases::{excerpt, suits};
use tally::{Tally, half_db, name};

/// Alarms at severity clear or above, as a share of the clean sounds.
const MOST_ALARMS: f64 = 0.015;

pub(super) fn rows(session: &Session, seeds: Range<u64>) -> anyhow::Result<Vec<Row>> {
    let tally = session.workers.run(|| {
        let songs = seeds.into_par_iter().map(|seed| {
            let mut tally = Tally::default();
            for case in cases::of_song(seed)? {
                tally.add(&case, &analysis::detect(&case.measured, Some(case.label)));
            }
            anyhow::Ok(tally)
        });
        songs.try_reduce(Tally::default, |a, b| Ok(a.and(b)))
    })?;
    let mut rows = Vec::new();
    for (set, title) in [(Set::Mixes, "faults on mixes"), (Set::Stems, "faults on stems")] {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            curve_rows(&tally, set, title, number, &name(kind), &mut rows);
        }
    }
    let clean = [
        (Set::Mixes, "alarms on clean mixes"),
        (Set::Stems, "alarms on clean stems"),
        (Set::Treated, "alarms on treated stems"),
    ];
    for (set, title) in clean {
        alarm_rows(&tally, set, title, &mut rows);
    }
    Ok(rows)
}

/// A row for each amount: the share that was found, with the share found at clear or above and at the right place; and
/// the amounts at which half are found.
fn curve_rows(
    tally: &Tally,
    set: Set,
    title: &str,
    number: usize,
    name: &str,
    rows: &mut Vec<Row>,
) {
    let curve = tally.curve(set, number);
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let percent = |share: Option<f64>| share.unwrap_or(0.0) * 100.0;
    for (amount, point) in &curve {
        let item = format!(
            "{name} {amount} dB (clear {:.0} %, in place {:.0} %)",
            percent(share(point.clear, point.count)),
            percent(share(point.placed, point.found)),
        );
        rows.push(Row::new(title, item, point.count, share(point.found, point.count)));
    }
    if let Some((_, first)) = curve.first() {
        let halves = [
            ("half found, dB", half_db(&curve, |point| point.found)),
            ("half clear, dB", half_db(&curve, |point| point.clear)),
        ];
        rows.extend(
            halves
                .map(|(what, half)| Row::new(title, format!("{name}: {what}"), first.count, half)),
        );
    }
}

/// A row for each kind of finding: the share of clean sounds with an alarm at clear or above.
fn alarm_rows(tally: &Tally, set: Set, title: &str, rows: &mut Vec<Row>) {
    let count = tally.clean.get(&set).copied().unwrap_or(0);
    for kind in FindingKind::ALL {
        let alarms = tally.alarms.get(&(set, kind)).copied().unwrap_or_default();
        let share = |alarms: usize| (count > 0).then(|| alarms as f64 / count as f64);
        let any = share(alarms.any).unwrap_or(0.0) * 100.0;
        let item = format!("{kind} (any severity {any:.1} %)");
        rows.push(Row::new(title, item, count, share(alarms.clear)).goal(MOST_ALARMS));
    }
}
