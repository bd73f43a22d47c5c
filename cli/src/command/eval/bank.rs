//! `barline eval bank`: phrases of recorded notes whose whole source training has never heard, by family and source; how far
//! the confidence can be trusted; what level, channels, sample rate and a single bar change; and whether it is told how they are played.

use std::{collections::BTreeSet, fs, path::Path, slice};

use anyhow::Context as _;
use engine::{Context, Samples};
use factory::bank::{Bank, HeldoutPhrase, Holdout, Split, heldout_phrases};
use signal::Label;

use super::{Guesses, Row, playing};
use crate::{
    args::{Common, EvalBank},
    command::table::table,
    output::{Fault, wants_json},
    session::Session,
};

/// Seed of the phrases: the same ones each time.
const SEED: u64 = 1_000_500;

/// What the model hears, and other rates that users have.
const RATE_HZ: u32 = 24_000;
const OTHER_RATES_HZ: [u32; 2] = [44_100, 96_000];

/// A bar of four beats at 120 beats a minute, from this second of the phrase on.
const BAR_S: f64 = 2.0;
const BAR_FROM_S: f64 = 1.0;

/// Answers said with more than this should be right nine times in ten.
const SURE: f64 = 0.8;

/// Bins of the expected calibration error.
const BINS: usize = 10;

/// A guess at one phrase.
#[derive(Clone, Copy, Debug)]
struct Guess {
    truth: Label,
    label: Option<Label>,
    confidence: f64,
    abstained: bool,
}

impl Guess {
    fn right(&self) -> bool {
        self.label == Some(self.truth)
    }
}

/// Scores labels on held-out sources.
pub(crate) fn eval_bank(common: &Common, args: &EvalBank) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let holdout = Holdout::open(&args.holdout)?;
    let trained = trained_families(&args.bank, &holdout)?;
    let session = Session::new(common)?;
    let bank = Bank::open(slice::from_ref(&args.bank), &holdout, Split::Heldout)?;
    let phrases = |rate_hz| {
        let all = heldout_phrases(&bank, SEED, args.per_group, rate_hz);
        all.into_iter().filter(|phrase| trained.contains(&phrase.family)).collect::<Vec<_>>()
    };
    let plain = phrases(RATE_HZ);
    let rows = session.with_model(|context, model| {
        let guess = |phrase: &HeldoutPhrase, rate_hz, channels, samples| {
            guess(context, phrase.label, Samples::new(rate_hz, channels, samples))
        };
        let all =
            |of: &dyn Fn(&HeldoutPhrase) -> Result<Guess, Fault>| -> Result<Vec<Guess>, Fault> {
                plain.iter().map(of).collect()
            };
        let guesses = all(&|phrase| guess(phrase, RATE_HZ, 1, phrase.samples.clone()))?;
        let mut rows = by_group(&plain, &guesses);
        rows.extend(confidence(&guesses));
        let top1 = |item: &str, guesses: &[Guess]| row(item, guesses, share(guesses, Guess::right));
        let mut bar = all(&|phrase| guess(phrase, RATE_HZ, 1, one_bar(&phrase.samples)))?;
        bar.retain(|guess| guess.label.is_some()); // nothing plays in some
        rows.push(top1("one bar at 120 BPM", &bar));
        for peak_db in [-45.0, -3.0] {
            let level =
                all(&|phrase| guess(phrase, RATE_HZ, 1, at_peak(&phrase.samples, peak_db)))?;
            rows.push(top1(&format!("peak {peak_db} dBFS"), &level));
        }
        let stereo = all(&|phrase| guess(phrase, RATE_HZ, 2, panned(&phrase.samples)))?;
        rows.push(top1("stereo, off the middle", &stereo));
        for rate_hz in OTHER_RATES_HZ {
            let again = phrases(rate_hz);
            let guesses = again.iter().map(|p| guess(p, rate_hz, 1, p.samples.clone()));
            rows.push(top1(&format!("{rate_hz} Hz"), &guesses.collect::<Result<Vec<_>, _>>()?));
        }
        rows.extend(playing::rows(model, &plain)?);
        Ok(rows)
    });
    table(json, &rows?)?;
    Ok(0)
}

fn guess(context: &Context<'_>, truth: Label, mut samples: Samples) -> Result<Guess, Fault> {
    let labelled = engine::label(context, &mut samples)?;
    let label = labelled.likeliest();
    Ok(Guess { truth, label, confidence: labelled.confidence, abstained: labelled.abstained })
}

/// Rows by source, by family and over all, and by the ten groups of instruments.
fn by_group(phrases: &[HeldoutPhrase], guesses: &[Guess]) -> Vec<Row> {
    let (mut sources, mut families) = (Guesses::default(), Guesses::default());
    for (phrase, guess) in phrases.iter().zip(guesses) {
        sources.push(&phrase.source, guess.truth, guess.label, guess.abstained);
        families.push(&phrase.family, guess.truth, guess.label, guess.abstained);
    }
    let mut rows = sources.rows("source", |_| true);
    rows.pop();
    rows.extend(families.rows("family", |_| true));
    let labels: BTreeSet<Label> = guesses.iter().map(|guess| guess.truth).collect();
    let recalls = labels.iter().filter_map(|label| {
        let of: Vec<Guess> = guesses.iter().filter(|g| g.truth == *label).copied().collect();
        share(&of, Guess::right)
    });
    let mean = recalls.sum::<f64>() / labels.len().max(1) as f64;
    rows.push(row("macro average over labels", guesses, Some(mean)));
    let group = |guess: &Guess| guess.label.is_some_and(|l| l.group() == guess.truth.group());
    rows.push(row("ten groups", guesses, share(guesses, group)));
    rows
}

/// What a stated confidence is worth.
fn confidence(guesses: &[Guess]) -> Vec<Row> {
    let sure: Vec<Guess> = guesses.iter().filter(|g| g.confidence > SURE).copied().collect();
    let mut error = 0.0;
    for bin in 0..BINS {
        let inside = |g: &&Guess| ((g.confidence * BINS as f64) as usize).min(BINS - 1) == bin;
        let (mut said, mut right) = (0.0, 0.0);
        for guess in guesses.iter().filter(inside) {
            said += guess.confidence;
            right += f64::from(u8::from(guess.right()));
        }
        error += (said - right).abs() / guesses.len().max(1) as f64;
    }
    let given: Vec<Guess> = guesses.iter().filter(|g| !g.abstained).copied().collect();
    vec![
        row("labels given", &given, share(&given, Guess::right)),
        row("said with more than 0.8", &sure, share(&sure, Guess::right)),
        row("share said with more than 0.8", guesses, share(guesses, |g| g.confidence > SURE)),
        row("expected calibration error", guesses, Some(error)),
    ]
}

fn share(guesses: &[Guess], counts: impl Fn(&Guess) -> bool) -> Option<f64> {
    let right = guesses.iter().filter(|guess| counts(guess)).count();
    (!guesses.is_empty()).then(|| right as f64 / guesses.len() as f64)
}

/// A row whose figure stands in the column of top-1.
fn row(item: &str, guesses: &[Guess], top1: Option<f64>) -> Row {
    let abstained = share(guesses, |guess| guess.abstained);
    Row { top1, abstained, ..Row::new("phrases", item, guesses.len()) }
}

fn one_bar(samples: &[f32]) -> Vec<f32> {
    let at = |s: f64| ((s * f64::from(RATE_HZ)) as usize).min(samples.len());
    samples[at(BAR_FROM_S)..at(BAR_FROM_S + BAR_S)].to_vec()
}

fn at_peak(samples: &[f32], peak_db: f64) -> Vec<f32> {
    let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    let gain = 10f64.powf(peak_db / 20.0) as f32 / peak.max(1e-9);
    samples.iter().map(|x| x * gain).collect()
}

/// Three times as much amplitude left as right.
fn panned(samples: &[f32]) -> Vec<f32> {
    samples.iter().flat_map(|x| [0.9 * x, 0.3 * x]).collect()
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
