//! What was asked of the findings and what passed, by set; and what was found first where a fault was planted.

use std::collections::BTreeMap;

use signal::{Finding, FindingKind, Severity};

use crate::command::eval::Row;

/// Counts over any number of sounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Passed and asked, by set and item.
    scores: BTreeMap<(String, String), (usize, usize)>,
    /// By set and what was planted there, what was found first; of clean sounds, everything clear or above.
    confusions: BTreeMap<(String, String, String), usize>,
}

impl Tally {
    pub(super) fn add(&mut self, set: &str, item: &str, passed: bool) {
        self.count(set, item, usize::from(passed));
    }

    /// The findings of a sound where nothing is wrong.
    pub(super) fn add_clean(&mut self, set: &str, found: &[Finding]) {
        let set = format!("clean {set}");
        let clear = found.iter().filter(|finding| finding.severity >= Severity::Clear);
        clear.clone().for_each(|finding| self.confuse(&set, "nothing", finding.kind.name()));
        self.add(&set, "nothing clear or above", clear.clone().next().is_none());
        self.count(&set, "findings clear or above, a file", clear.count());
        self.count(&set, "findings of any severity, a file", found.len());
    }

    /// What was found first where a kind was planted.
    pub(super) fn add_first(&mut self, set: &str, planted: FindingKind, found: &[Finding]) {
        let set = format!("clear fault on {set}, found first");
        let first = found.first().map_or("nothing", |finding| finding.kind.name());
        self.confuse(&set, planted.name(), first);
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        for (key, (passed, count)) in other.scores {
            let score = self.scores.entry(key).or_default();
            *score = (score.0 + passed, score.1 + count);
        }
        for (key, count) in other.confusions {
            *self.confusions.entry(key).or_default() += count;
        }
        self
    }

    pub(super) fn rows(self) -> Vec<Row> {
        let score = |((set, item), (passed, count)): ((String, String), (usize, usize))| Row {
            top1: Some(passed as f64 / count.max(1) as f64),
            ..Row::new(&set, &item, count)
        };
        let confusion = |((set, planted, found), count): ((String, String, String), usize)| Row {
            most_taken_for: Some(found),
            ..Row::new(&set, &planted, count)
        };
        let rows = self.scores.into_iter().map(score);
        rows.chain(self.confusions.into_iter().map(confusion)).collect()
    }

    fn confuse(&mut self, set: &str, planted: &str, found: &str) {
        let key = (set.to_owned(), planted.to_owned(), found.to_owned());
        *self.confusions.entry(key).or_default() += 1;
    }

    /// One more asked, and so many passed or found.
    fn count(&mut self, set: &str, item: &str, passed: usize) {
        let score = self.scores.entry((set.to_owned(), item.to_owned())).or_default();
        *score = (score.0 + passed, score.1 + 1);
    }
}
