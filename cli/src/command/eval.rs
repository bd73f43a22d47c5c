//! `barline eval`: the model's scores on music whose truth is known. What the tests check and training learns from is the
//! factory's music too, from other seeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::Context as _;
use engine::SCHEMA;
use serde::{Serialize, de::DeserializeOwned};
use signal::Label;

mod advice;
mod bank;
mod followups;
mod measure;
mod mixes;
mod music;
mod playing;
mod questions;
mod songs;
mod swap;
mod words;

pub(crate) use advice::eval_advice;
pub(crate) use bank::eval_bank;
pub(crate) use followups::eval_followups;
pub(crate) use measure::eval_measure;
pub(crate) use mixes::eval_mixes;
pub(crate) use music::eval_music;
pub(crate) use questions::eval_questions;
pub(crate) use songs::eval_factory;
pub(crate) use swap::eval_swap;

/// A line of the table. What a set has no figure for is null.
#[derive(Clone, Debug, Default, Serialize)]
struct Row {
    schema: u32,
    set: String,
    item: String,
    count: usize,
    top1: Option<f64>,
    abstained: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    most_taken_for: Option<String>,
    notes: BTreeMap<String, String>,
}

impl Row {
    fn new(set: &str, item: &str, count: usize) -> Self {
        let (set, item) = (set.to_owned(), item.to_owned());
        Self { schema: SCHEMA, set, item, count, ..Self::default() }
    }
}

/// Passed and asked, by what is asked: a row each with the share that passed.
#[derive(Debug, Default)]
struct Shares(BTreeMap<String, (usize, usize)>);

impl Shares {
    fn add(&mut self, item: &str, passed: bool) {
        let share = self.0.entry(item.to_owned()).or_default();
        *share = (share.0 + usize::from(passed), share.1 + 1);
    }

    fn rows(self, set: &str) -> Vec<Row> {
        let row = |(item, (passed, count)): (String, (usize, usize))| Row {
            top1: Some(passed as f64 / count.max(1) as f64),
            ..Row::new(set, &item, count)
        };
        self.0.into_iter().map(row).collect()
    }
}

/// The objects of a file with one a line; empty lines are none.
fn read_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let read = |(number, line)| {
        serde_json::from_str(line)
            .with_context(|| format!("{}: line {}", path.display(), number + 1))
    };
    lines.map(read).collect()
}

/// Guesses at labels, by what they are grouped under.
#[derive(Debug, Default)]
struct Guesses {
    all: Vec<(String, Label, Option<Label>, bool)>,
}

impl Guesses {
    /// A guess at something whose label is `truth`.
    fn push(&mut self, group: &str, truth: Label, guess: Option<Label>, abstained: bool) {
        self.all.push((group.to_owned(), truth, guess, abstained));
    }

    /// A row for each group, and one for all groups that `scored` takes.
    fn rows(&self, set: &str, scored: impl Fn(&str) -> bool) -> Vec<Row> {
        let groups: BTreeSet<&str> = self.all.iter().map(|guess| guess.0.as_str()).collect();
        let mut rows: Vec<Row> =
            groups.into_iter().map(|group| self.row(set, group, |g| g == group)).collect();
        for row in &mut rows {
            if !scored(&row.item) {
                row.notes.insert("top1".to_owned(), "not in the total".to_owned());
                row.item += " (not in the total)";
            }
        }
        rows.push(self.row(set, "total", scored));
        rows
    }

    fn row(&self, set: &str, item: &str, takes: impl Fn(&str) -> bool) -> Row {
        let taken: Vec<_> = self.all.iter().filter(|guess| takes(&guess.0)).collect();
        let share = |count: usize| (!taken.is_empty()).then(|| count as f64 / taken.len() as f64);
        let mut wrong: BTreeMap<Label, usize> = BTreeMap::new();
        for (_, truth, guess, _) in &taken {
            if let Some(guess) = guess.filter(|guess| guess != truth) {
                *wrong.entry(guess).or_default() += 1;
            }
        }
        Row {
            top1: share(taken.iter().filter(|guess| guess.2 == Some(guess.1)).count()),
            abstained: share(taken.iter().filter(|guess| guess.3).count()),
            most_taken_for: wrong
                .into_iter()
                .max_by_key(|(_, count)| *count)
                .map(|(label, _)| label.name().to_owned()),
            ..Row::new(set, item, taken.len())
        }
    }
}

/// Scores of instruments named in captions; each caption counts the same, and one that names none scores 0.
#[derive(Debug, Default)]
struct Naming {
    count: usize,
    precision: f64,
    recall: f64,
    f1: f64,
}

impl Naming {
    /// Adds a caption's instruments against those that are there.
    fn push(&mut self, named: &[Label], there: &BTreeSet<Label>) {
        self.count += 1;
        if named.is_empty() || there.is_empty() {
            return;
        }
        let right = named.iter().filter(|label| there.contains(label)).count() as f64;
        let (precision, recall) = (right / named.len() as f64, right / there.len() as f64);
        self.precision += precision;
        self.recall += recall;
        self.f1 += if right > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    }

    fn row(&self, set: &str, item: &str) -> Row {
        let mean = |sum: f64| (self.count > 0).then(|| sum / self.count as f64);
        Row {
            precision: mean(self.precision),
            recall: mean(self.recall),
            f1: mean(self.f1),
            ..Row::new(set, item, self.count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_by_group() {
        let mut guesses = Guesses::default();
        guesses.push("a", Label::Bass, Some(Label::Bass), false);
        guesses.push("a", Label::Bass, Some(Label::Kick), true);
        guesses.push("b", Label::Organ, Some(Label::Piano), false);
        let rows = guesses.rows("set", |group| group == "a");
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].top1, rows[0].abstained), (Some(0.5), Some(0.5)));
        assert_eq!(rows[0].most_taken_for.as_deref(), Some("kick"));
        assert_eq!((rows[2].item.as_str(), rows[2].count, rows[2].top1), ("total", 2, Some(0.5)));
    }

    #[test]
    fn a_caption_that_names_none_scores_nothing() {
        let there = BTreeSet::from([Label::Bass, Label::Drums]);
        let mut naming = Naming::default();
        naming.push(&[], &there);
        naming.push(&[Label::Bass], &there);
        let row = naming.row("captions", "all");
        assert_eq!((row.precision, row.recall), (Some(0.5), Some(0.25)));
        assert!((row.f1.unwrap() - 1.0 / 3.0).abs() < 1e-9);
    }
}
