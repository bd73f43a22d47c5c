//! The list of what training never hears: `training/holdout.toml`.

use std::path::Path;

use serde::Deserialize;

use super::BankError;

/// Which side of the holdout list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What training may hear.
    Train,
    /// What only evaluation hears.
    Heldout,
}

/// Sources of the bank and seeds of the factory that are kept for evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holdout {
    bank: BankList,
    factory: Seeds,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct BankList {
    sources: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seeds {
    train_seeds: [u64; 2],
    eval_seeds: [u64; 2],
}

impl Holdout {
    /// Reads the list.
    ///
    /// # Errors
    /// A missing file, a field that is missing, unknown or of the wrong type, or seed ranges that overlap.
    pub fn open(path: &Path) -> Result<Self, BankError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| BankError::Io { file: path.to_owned(), source })?;
        let fail = |reason: String| BankError::Holdout { file: path.to_owned(), reason };
        let list: Self = toml::from_str(&text).map_err(|error| fail(error.to_string()))?;
        let ([train_lo, train_hi], [eval_lo, eval_hi]) =
            (list.factory.train_seeds, list.factory.eval_seeds);
        if train_lo > train_hi || eval_lo > eval_hi {
            return Err(fail("factory: a seed range ends before it starts".to_owned()));
        }
        if train_lo <= eval_hi && eval_lo <= train_hi {
            return Err(fail("factory.eval_seeds: overlaps train_seeds".to_owned()));
        }
        Ok(list)
    }

    /// Whether training must not hear that source.
    pub fn holds(&self, source: &str) -> bool {
        self.bank.sources.iter().any(|name| name == source)
    }

    /// First and last seed of a side.
    pub fn seeds(&self, split: Split) -> (u64, u64) {
        let [lo, hi] = match split {
            Split::Train => self.factory.train_seeds,
            Split::Heldout => self.factory.eval_seeds,
        };
        (lo, hi)
    }

    /// Refuses a seed of the other side.
    ///
    /// # Errors
    /// [`BankError::Seed`] where the seed lies outside the side's range.
    pub fn check_seed(&self, split: Split, seed: u64) -> Result<(), BankError> {
        let (lo, hi) = self.seeds(split);
        let field = if split == Split::Train { "train_seeds" } else { "eval_seeds" };
        if (lo..=hi).contains(&seed) {
            Ok(())
        } else {
            Err(BankError::Seed { seed, field, lo, hi })
        }
    }
}
