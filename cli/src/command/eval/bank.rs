//! `barline eval bank`: phrases of recorded notes whose whole source training has never heard.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Context as _;
use factory::bank::{Bank, Holdout, Split, heldout_phrases};
use rayon::prelude::*;
use signal::Label;

use super::Guesses;
use crate::{
    args::{Common, EvalBank},
    command::table::table,
    output::{Fault, wants_json},
    session::Session,
};

/// Seed of the phrases: the same ones each time.
const SEED: u64 = 1_000_500;

/// Scores labels on held-out sources.
pub(crate) fn eval_bank(common: &Common, args: &EvalBank) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let holdout = Holdout::open(&args.holdout)?;
    let trained = trained_families(&args.bank, &holdout)?;
    let session = Session::new(common)?;
    let bank = Bank::open(std::slice::from_ref(&args.bank), &holdout, Split::Heldout)?;
    let phrases = heldout_phrases(&bank, SEED, args.per_group);
    let guesses = session.with_model(|context, model| {
        let abstain_below = model.heads()?.label_abstain;
        context.workers.run(|| {
            let labelled = phrases.par_iter().map(|phrase| {
                let choices = model.labels(&model.soft_tokens(&phrase.samples)?)?;
                let first =
                    choices.first().map(|(name, confidence)| (Label::from_name(name), *confidence));
                Ok(first.unwrap_or((None, 0.0)))
            });
            labelled
                .map(|result| result.map(|(label, confidence)| (label, confidence < abstain_below)))
                .collect()
        })
    });
    let guesses: Vec<(Option<Label>, bool)> =
        guesses.map_err(|fault: Fault| anyhow::anyhow!("{}: {}", fault.field, fault.message))?;
    let (mut families, mut sources) = (Guesses::default(), Guesses::default());
    for (phrase, (guess, abstained)) in phrases.iter().zip(guesses) {
        families.push(&phrase.family, phrase.label, guess, abstained);
        if trained.contains(&phrase.family) {
            sources.push(&phrase.source, phrase.label, guess, abstained);
        }
    }
    let mut rows = sources.rows("source", |_| true);
    rows.pop();
    rows.extend(families.rows("family", |family| trained.contains(family)));
    table(json, &rows)?;
    Ok(0)
}

/// The families of which training hears a source too. The others cannot be known, and do not count.
fn trained_families(bank: &Path, holdout: &Holdout) -> anyhow::Result<BTreeSet<String>> {
    let path = bank.join("manifest.csv");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| {
        let at = header.iter().position(|field| *field == name);
        at.with_context(|| format!("{}: no column {name}", path.display()))
    };
    // Both come before the first column that may hold a comma.
    let (family, source) = (column("family")?, column("source")?);
    let fields = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let trained = fields.filter_map(|fields| {
        let (family, source) = (fields.get(family)?, fields.get(source)?);
        (!holdout.holds(source)).then(|| (*family).to_owned())
    });
    Ok(trained.collect())
}
