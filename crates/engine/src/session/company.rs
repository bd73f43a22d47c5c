//! What a bar hides of those that other instances heard at the same time, and they of it. `[session-thread]`

use std::time::{Duration, Instant};

use signal::{Finding, Label};

use super::Shared;
use crate::advice::masking::{self, Track};
use crate::neighbours::{BarSheet, Neighbours};

/// A track of which the host tells no name.
const UNNAMED: &str = "another track";

/// The others show a bar as soon as they have heard it: within a block of each other, and sessions look at theirs at least every
/// 250 ms.
const SETTLED: Duration = Duration::from_millis(400);

/// The bar that was heard last, until it is held against the others' for the list of findings.
#[derive(Debug, Default)]
pub(super) struct Company {
    last: Option<Shown>,
}

/// A bar that was shown to the others.
#[derive(Debug)]
struct Shown {
    id: u64,
    bar: Option<i64>,
    sheet: BarSheet,
    at: Instant,
}

impl Company {
    /// Remembers the passage `id`, in place of an earlier one.
    pub(super) fn shown(&mut self, id: u64, bar: Option<i64>, sheet: BarSheet) {
        self.last = Some(Shown { id, bar, sheet, at: Instant::now() });
    }

    /// Adds what is hidden to what was found in that passage, once the others have shown it and while somebody looks.
    pub(super) fn look(&mut self, neighbours: Option<&Neighbours>, shared: &Shared, now: Instant) {
        let settled = |shown: &mut Shown| now.saturating_duration_since(shown.at) >= SETTLED;
        let Some(shown) = self.last.take_if(settled).filter(|_| shared.is_watched()) else {
            return;
        };
        let Some(neighbours) = neighbours else { return };
        let found = masked(&shown.sheet, shown.bar, neighbours, shared.label());
        shared.find_more(shown.id, found);
    }
}

/// What the bar and those that other instances heard at the same time hide of each other.
pub(super) fn masked(
    own: &BarSheet,
    bar: Option<i64>,
    neighbours: &Neighbours,
    label: Option<Label>,
) -> Vec<Finding> {
    let beside = neighbours.beside(own);
    let levels: Vec<_> = beside.iter().map(|other| other.bar.levels.steps_db.as_slice()).collect();
    let place = bar.map_or_else(|| "in the last bar".to_owned(), |bar| format!("in bar {bar}"));
    let found = masking::hidden(&own.levels.steps_db, &levels).into_iter().filter_map(|hidden| {
        let title = &beside[hidden.masker.max(hidden.maskee) - 1].title;
        let name = if title.name.is_empty() { UNNAMED } else { &title.name };
        let other = Track { name: name.to_owned(), label: title.label };
        masking::finding(&hidden, label, &other, masking::longest(&hidden), &place)
    });
    found.collect()
}
