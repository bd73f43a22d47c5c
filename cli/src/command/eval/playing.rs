//! How a voice is played, as `barline eval bank` scores it: of each word how often it is right where it is said, and said where it is so.

use std::collections::{BTreeMap, BTreeSet};

use factory::{bank::HeldoutPhrase, playing::Playing};
use models::Model;

use super::Row;
use crate::output::Fault;

/// What a word was, and ought to have been.
#[derive(Debug, Default)]
struct Word {
    there: usize,
    said: usize,
    right: usize,
}

/// A row for each word, and one for all. Phrases whose playing is not known are left out; the others are at the model's rate.
pub(super) fn rows(model: &Model, phrases: &[HeldoutPhrase]) -> Result<Vec<Row>, Fault> {
    let mut words: BTreeMap<&'static str, Word> = BTreeMap::new();
    for phrase in phrases {
        let Some(played) = phrase.playing else { continue };
        let truth = engine::playing(phrase.label, &shares(&played));
        let said = said(model, phrase)?;
        for word in BTreeSet::from([truth, said, Some("all")]).into_iter().flatten() {
            let is =
                |other: Option<&str>| other == Some(word) || (word == "all" && other.is_some());
            let entry = words.entry(word).or_default();
            entry.there += usize::from(is(truth));
            entry.said += usize::from(is(said));
            entry.right += usize::from(is(truth) && truth == said);
        }
    }
    Ok(words.into_iter().map(|(word, counts)| row(word, &counts)).collect())
}

/// The word that the model has for a phrase of which it is known who plays.
fn said(model: &Model, phrase: &HeldoutPhrase) -> Result<Option<&'static str>, Fault> {
    let heard = model.soft_tokens(&phrase.samples)?;
    Ok(engine::playing(phrase.label, &model.descriptors(&heard)?))
}

fn shares(playing: &Playing) -> [(String, f32); 4] {
    [
        ("chords", Some(playing.chords)),
        ("strummed", playing.strummed),
        ("short", playing.short),
        ("held", playing.held),
    ]
    .map(|(name, share)| (name.to_owned(), share.unwrap_or(0.0) as f32))
}

fn row(word: &str, counts: &Word) -> Row {
    let share = |of: usize| (of > 0).then(|| counts.right as f64 / of as f64);
    let (precision, recall) = (share(counts.said), share(counts.there));
    Row { precision, recall, ..Row::new("playing", word, counts.there) }
}
