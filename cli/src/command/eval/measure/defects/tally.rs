//! What the detectors find of the planted faults, and what they find where nothing is.

use std::collections::BTreeMap;

use factory::defect::{Defect, Kind};
use signal::{Finding, FindingKind, Severity};

use super::cases::{Case, Set};

/// The cases of one kind and amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) count: usize,
    /// Found at any severity, at clear or above, and at the right place.
    pub(super) found: usize,
    pub(super) clear: usize,
    pub(super) placed: usize,
}

/// Alarms of one kind on clean sounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Alarms {
    pub(super) any: usize,
    pub(super) clear: usize,
}

/// Counts over any number of cases.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// By kind (its place in `Kind::ALL`) and amount (its place among the kind's).
    pub(super) points: BTreeMap<(Set, usize, usize), Point>,
    pub(super) clean: BTreeMap<Set, usize>,
    pub(super) alarms: BTreeMap<(Set, FindingKind), Alarms>,
}

impl Tally {
    /// Counts what was found of a case.
    pub(super) fn add(&mut self, case: &Case, findings: &[Finding]) {
        let Some((defect, amount)) = case.planted else {
            *self.clean.entry(case.set).or_default() += 1;
            for finding in findings {
                let alarms = self.alarms.entry((case.set, finding.kind)).or_default();
                alarms.any += 1;
                alarms.clear += usize::from(finding.severity >= Severity::Clear);
            }
            return;
        };
        let number = Kind::ALL.iter().position(|kind| *kind == defect.kind).unwrap_or(0);
        let point = self.points.entry((case.set, number, amount)).or_default();
        point.count += 1;
        if let Some(finding) = findings.iter().find(|finding| is_of(finding.kind, defect.kind)) {
            point.found += 1;
            point.clear += usize::from(finding.severity >= Severity::Clear);
            point.placed += usize::from(is_placed(finding, &defect));
        }
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (key, more) in other.points {
            let point = self.points.entry(key).or_default();
            point.count += more.count;
            point.found += more.found;
            point.clear += more.clear;
            point.placed += more.placed;
        }
        for (set, count) in other.clean {
            *self.clean.entry(set).or_default() += count;
        }
        for (key, more) in other.alarms {
            let alarms = self.alarms.entry(key).or_default();
            alarms.any += more.any;
            alarms.clear += more.clear;
        }
        self
    }

    /// The points of a kind, by amount.
    pub(super) fn curve(&self, set: Set, number: usize) -> Vec<(f64, Point)> {
        let amounts = Kind::ALL[number].amounts_db().iter().enumerate();
        amounts
            .filter_map(|(index, &amount)| Some((amount, *self.points.get(&(set, number, index))?)))
            .collect()
    }
}

/// The name that a planted fault and its finding share.
pub(super) fn name(kind: Kind) -> String {
    let name = serde_json::to_value(kind).ok();
    name.and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

fn is_of(found: FindingKind, planted: Kind) -> bool {
    found.name() == name(planted)
}

/// Whether the fault's centre lies in the finding's band, or within a third of an octave of its move. Faults without a
/// place are always right, and so are those that reach to an end of the spectrum.
fn is_placed(finding: &Finding, defect: &Defect) -> bool {
    let Some([lo, hi]) = defect.band_hz else { return true };
    let centre_hz = match defect.kind {
        Kind::Hum => lo,
        Kind::Dull => return finding.band_hz.is_none_or(|band| band[1] > lo),
        Kind::Thin | Kind::WideLowEnd => return finding.band_hz.is_none_or(|band| band[0] < hi),
        _ => (lo * hi).sqrt(),
    };
    let inside = finding.band_hz.is_some_and(|band| (band[0]..=band[1]).contains(&centre_hz));
    let freq_hz = finding.mv.and_then(|mv| mv.freq_hz);
    let near = freq_hz.is_some_and(|freq_hz| (freq_hz / centre_hz).log2().abs() <= 1.0 / 3.0);
    // A hum of 50 Hz has a line at 300 Hz as one of 60 Hz has: the mains itself must be right.
    if defect.kind == Kind::Hum { freq_hz == Some(centre_hz) } else { inside || near }
}

/// The amount at which a curve first reaches half, between its points.
pub(super) fn half_db(curve: &[(f64, Point)], count: impl Fn(&Point) -> usize) -> Option<f64> {
    let shares: Vec<(f64, f64)> = (curve.iter())
        .map(|(amount, point)| (*amount, count(point) as f64 / point.count.max(1) as f64))
        .collect();
    let at = shares.iter().position(|(_, share)| *share >= 0.5)?;
    let (amount, share) = shares[at];
    let Some((before_db, before)) = at.checked_sub(1).map(|at| shares[at]) else {
        return Some(amount);
    };
    Some(before_db + (amount - before_db) * (0.5 - before) / (share - before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_read_between_the_points() {
        let point = |found| Point { count: 10, found, ..Point::default() };
        let curve = [(-60.0, point(0)), (-50.0, point(4)), (-40.0, point(8)), (-30.0, point(10))];
        assert_eq!(half_db(&curve, |point| point.found), Some(-47.5));
        assert_eq!(half_db(&curve[2..], |point| point.found), Some(-40.0));
        assert_eq!(half_db(&curve[..2], |point| point.found), None);
        assert_eq!(half_db(&[], |point| point.found), None);
    }

    #[test]
    fn planted_names_are_those_of_findings() {
        for kind in Kind::ALL {
            assert_eq!(FindingKind::ALL.iter().filter(|found| is_of(**found, kind)).count(), 1);
        }
    }
}
