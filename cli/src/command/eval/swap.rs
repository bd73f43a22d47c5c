//! `barline eval swap`: do the words come from the sound? Captions of the same bars with the same facts, once with their own
//! soft tokens and once with another song's.

use std::collections::BTreeSet;

use engine::{AudioSource as _, Cut, Decoding, Facts, Samples, Span, Task};
use factory::song::Song;
use models::{Heard, Model};
use rayon::prelude::*;
use signal::Label;

use super::{
    Naming,
    songs::{RATE_HZ, audible, narration},
};
use crate::{
    args::{Common, EvalSongs},
    command::table::table,
    output::{Fault, wants_json},
    session::Session,
};

/// A bar that is captioned: what is there, what the model heard, and the facts.
struct Bar {
    there: BTreeSet<Label>,
    heard: Heard,
    facts: Facts,
}

/// Scores captions with the right and with the wrong sound.
pub(crate) fn eval_swap(common: &Common, args: &EvalSongs) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let session = Session::new(common)?;
    let total = (args.seeds.end - args.seeds.start) as usize;
    if total < 2 {
        crate::output::usage("swapping needs two songs or more");
    }
    let result = session.with_model(|context, model| {
        let mut songs: Vec<Vec<Bar>> = Vec::new();
        for (index, seed) in args.seeds.clone().enumerate() {
            session.step(index, total, &format!("song {seed}"));
            songs.push(bars(context, model, &Song::compose(seed))?);
        }
        session.step(total, total, "");
        let (mut own, mut swapped) = (Naming::default(), Naming::default());
        for (index, bars) in songs.iter().enumerate() {
            let other = &songs[(index + 1) % songs.len()];
            let named = context.workers.run(|| {
                let pairs = bars.par_iter().enumerate().map(|(i, bar)| {
                    let wrong = &other.get(i % other.len().max(1)).unwrap_or(bar).heard;
                    Ok((name(model, &bar.heard, &bar.facts)?, name(model, wrong, &bar.facts)?))
                });
                pairs.collect::<Result<Vec<_>, Fault>>()
            })?;
            for (bar, (right, wrong)) in bars.iter().zip(&named) {
                own.push(right, &bar.there);
                swapped.push(wrong, &bar.there);
            }
        }
        let (own, swapped) =
            (own.row("captions", "own sound"), swapped.row("captions", "another song's sound"));
        let mut drop = super::Row { item: "drop".to_owned(), ..own.clone() };
        drop.precision = own.precision.zip(swapped.precision).map(|(a, b)| a - b);
        drop.recall = own.recall.zip(swapped.recall).map(|(a, b)| a - b);
        drop.f1 = own.f1.zip(swapped.f1).map(|(a, b)| a - b);
        Ok([own, swapped, drop])
    });
    match result {
        Ok(rows) => table(json, &rows)?,
        Err(fault) => return Err(fault.into()),
    }
    Ok(0)
}

/// Every fourth bar of a song, heard.
fn bars(context: &engine::Context<'_>, model: &Model, song: &Song) -> Result<Vec<Bar>, Fault> {
    let rendered = song.render(RATE_HZ, &factory::voice::procedural);
    let mut mix = Samples::new(RATE_HZ, 2, rendered.mix.clone());
    let measured = engine::measure(context, &mut mix)?;
    mix.rewind()?;
    let every = narration(song).every;
    let cuts: Vec<Cut> = (0..song.bars())
        .step_by(every)
        .map(|bar| Span {
            start_s: bar as f64 * song.bar_s(),
            end_s: (bar + 1) as f64 * song.bar_s(),
        })
        .filter(|span| !audible(&rendered, span.start_s, span.end_s).is_empty())
        .map(|span| Cut { measure: Some(span), window: Some(span.window(measured.duration_s)) })
        .collect();
    let heard = engine::hear(context, &mut mix, &cuts, "", |index, heard| {
        let slice = heard.measurements.unwrap_or_default();
        let span = cuts[index].measure.unwrap_or(Span { start_s: 0.0, end_s: 0.0 });
        let share = span.share_of(span.window(measured.duration_s));
        let window = model.soft_tokens(&heard.window.unwrap_or_default())?;
        Ok(Bar {
            there: audible(&rendered, span.start_s, span.end_s),
            heard: window.part(share)?,
            facts: Facts::new(&measured, &slice, slice.loudness_lufs, &[]),
        })
    })?;
    Ok(heard)
}

fn name(model: &Model, heard: &Heard, facts: &Facts) -> Result<Vec<Label>, Fault> {
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let told = engine::tell(
        model,
        heard,
        Task::Caption,
        facts,
        &Decoding::default(),
        &cancel,
        &mut |_| {},
    )?;
    Ok(engine::mix_instruments(&told.text))
}
