//! In how many of the bars that were heard a finding holds, so that what comes once is told from what is always there.

use std::collections::BTreeMap;

use signal::{Finding, FindingKind, Holds};

/// Bars that are remembered: an hour at a bar a second. Of more, the first are forgotten.
const MAX_BARS: usize = 3_600;

/// What was found in each bar; of one that was heard several times, the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recurrence {
    bars: BTreeMap<i64, Vec<FindingKind>>,
}

impl Recurrence {
    /// Remembers what was found in a bar.
    pub(crate) fn note(&mut self, bar: i64, findings: &[Finding]) {
        self.bars.insert(bar, findings.iter().map(|finding| finding.kind).collect());
        if self.bars.len() > MAX_BARS {
            self.bars.pop_first();
        }
    }

    /// Says of each finding in how many bars it holds, once there are several.
    pub(crate) fn mark(&self, findings: &mut [Finding]) {
        let of = self.bars.len();
        for finding in findings {
            let bars = self.bars.values().filter(|kinds| kinds.contains(&finding.kind)).count();
            finding.holds = (of > 1 && bars > 0).then_some(Holds { bars, of });
        }
    }
}

#[cfg(test)]
mod tests {
    use signal::Severity;

    use super::*;

    fn finding(kind: FindingKind) -> Finding {
        Finding::new(kind, Severity::Clear, 0.8)
    }

    #[test]
    fn bars_are_counted_once_each_as_they_were_heard_last() {
        let mut heard = Recurrence::default();
        let mut findings = [finding(FindingKind::Hum), finding(FindingKind::Muddy)];
        heard.note(1, &findings);
        heard.mark(&mut findings);
        assert_eq!(findings[0].holds, None, "of one bar there is nothing to say");
        heard.note(2, &findings[..1]);
        heard.note(3, &findings[..1]);
        heard.mark(&mut findings);
        assert_eq!(findings[0].holds, Some(Holds { bars: 3, of: 3 }));
        assert_eq!(findings[1].holds, Some(Holds { bars: 1, of: 3 }));
        heard.note(1, &[]);
        heard.mark(&mut findings);
        assert_eq!(findings[0].holds, Some(Holds { bars: 2, of: 3 }));
        assert_eq!(findings[1].holds, None, "it is in none of them");
    }

    #[test]
    fn no_more_bars_are_remembered_than_there_is_room_for() {
        let mut heard = Recurrence::default();
        (0..MAX_BARS as i64 + 5).for_each(|bar| heard.note(bar, &[]));
        assert_eq!((heard.bars.len(), heard.bars.first_key_value().unwrap().0), (MAX_BARS, &5));
    }
}
