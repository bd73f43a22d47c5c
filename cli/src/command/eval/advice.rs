//! `barline eval advice`: faults planted alone and in pairs against what is found first, and whether the moves mend what was
//! found: each is applied and the detectors listen again. Planting, detecting and mending share no code.

mod remedy;
mod scene;
mod tally;

use std::{ops::Range, path::Path, slice};

use factory::{
    bank::{Bank, Holdout, Split, heldout_phrases},
    defect::Kind,
    song::Song,
};
use rayon::prelude::*;
use signal::Label;

use super::measure::{excerpt, suits};
use crate::{
    args::{Common, EvalAdvice},
    command::table::table,
    output::wants_json,
    session::Session,
};
use scene::Scene;
use tally::Tally;

/// Songs of procedural voices, and recordings, which have nothing above 12 kHz.
const RATE_HZ: u32 = 44_100;
const RECORDED_HZ: u32 = 24_000;

/// Seed of the recorded phrases: the same ones each time.
const PHRASES: u64 = 1_000_600;

/// Kinds that are planted together at the clear amount: what mixes have at once.
const PAIRS: [(Kind, Kind); 6] = [
    (Kind::Boomy, Kind::Harsh),
    (Kind::Muddy, Kind::Dull),
    (Kind::Hum, Kind::Resonance),
    (Kind::DcOffset, Kind::Boxy),
    (Kind::Clipping, Kind::Muddy),
    (Kind::ChannelImbalance, Kind::Harsh),
];

/// Scores findings and moves on songs and, where a bank is given, on recordings.
pub(crate) fn eval_advice(common: &Common, args: &EvalAdvice) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let session = Session::new(common)?;
    let mut tally = session.workers.run(|| of_songs(args.seeds.clone()))?;
    if let Some(dir) = &args.bank {
        tally = tally.and(session.workers.run(|| of_phrases(dir, args))?);
    }
    table(json, &tally.rows())?;
    Ok(0)
}

/// Phrases of recordings of held-out sources.
fn of_phrases(dir: &Path, args: &EvalAdvice) -> anyhow::Result<Tally> {
    let holdout = Holdout::open(&args.holdout)?;
    let bank = Bank::open(slice::from_ref(&dir.to_owned()), &holdout, Split::Heldout)?;
    let phrases = heldout_phrases(&bank, PHRASES, args.per_group, RECORDED_HZ);
    let tallies = phrases.par_iter().enumerate().map(|(number, phrase)| {
        let sound: Vec<f32> = phrase.samples.iter().flat_map(|&x| [x, x]).collect();
        let scene = Scene {
            set: "recorded stems",
            label: phrase.label,
            seed: PHRASES + number as u64,
            rate_hz: RECORDED_HZ,
            sound: &sound,
        };
        let mut tally = Tally::default();
        scene.clean(&mut tally)?;
        for kind in Kind::ALL.into_iter().filter(|kind| suits(*kind, phrase.label)) {
            scene.plant_each(kind, &mut tally)?;
        }
        anyhow::Ok(tally)
    });
    tallies.try_reduce(Tally::default, |a, b| Ok(a.and(b)))
}

fn of_songs(seeds: Range<u64>) -> anyhow::Result<Tally> {
    let songs = seeds.into_par_iter().map(|seed| {
        let rendered = Song::compose(seed).render(RATE_HZ, &factory::voice::procedural);
        let mut tally = Tally::default();
        let stage = |set, label, samples| Scene {
            set,
            label,
            seed,
            rate_hz: RATE_HZ,
            sound: excerpt(samples, RATE_HZ),
        };
        let scene = stage("mixes", Label::FullMix, &rendered.mix[..]);
        scene.clean(&mut tally)?;
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            if kind != Kind::Sibilant {
                scene.plant_each(kind, &mut tally)?;
            }
            let fit: Vec<_> =
                rendered.stems.iter().filter(|stem| suits(kind, stem.label)).collect();
            if !fit.is_empty() {
                let stem = fit[(seed as usize + number) % fit.len()];
                stage("stems", stem.label, &stem.samples).plant_each(kind, &mut tally)?;
            }
        }
        for (a, b) in PAIRS {
            scene.plant_pair(a, b, &mut tally)?;
        }
        for stem in &rendered.stems {
            stage("stems", stem.label, &stem.samples).clean(&mut tally)?;
        }
        anyhow::Ok(tally)
    });
    songs.try_reduce(Tally::default, |a, b| Ok(a.and(b)))
}
