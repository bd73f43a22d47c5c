//! `barline eval factory`: stems and mixes of songs that training has never seen.

use std::collections::BTreeSet;

use engine::{Context, Narration, Per, Samples};
use factory::song::{Rendered, Song};
use signal::Label;

use super::{Guesses, Naming, Row};
use crate::{
    args::{Common, EvalSongs},
    command::table::table,
    output::{Fault, wants_json},
    session::Session,
};

/// The rate that songs are rendered at: what the model hears.
pub(super) const RATE_HZ: u32 = 24_000;

/// One bar in so many is captioned.
pub(super) const EVERY: usize = 4;

/// A stem is there if it lies at most this far below the mix, as a power ratio: 20 dB.
const AUDIBLE: f64 = 0.01;

/// Scores labels and captions on songs.
pub(crate) fn eval_factory(common: &Common, args: &EvalSongs) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let session = Session::new(common)?;
    let total = (args.seeds.end - args.seeds.start) as usize;
    let (mut guesses, mut naming) = (Guesses::default(), Naming::default());
    let done = session.with_model(|context, _| {
        for (index, seed) in args.seeds.clone().enumerate() {
            session.step(index, total, &format!("song {seed}"));
            let song = Song::compose(seed);
            let rendered = song.render(RATE_HZ, &factory::voice::procedural);
            score_stems(context, &rendered, &mut guesses)?;
            score_captions(context, &song, &rendered, &mut naming)?;
        }
        session.step(total, total, "");
        Ok(())
    });
    done?;
    let mut rows: Vec<Row> = guesses.rows("stem labels", |_| true);
    rows.push(naming.row("captions", "instruments named"));
    table(json, &rows)?;
    Ok(0)
}

fn score_stems(
    context: &Context<'_>,
    rendered: &Rendered,
    guesses: &mut Guesses,
) -> Result<(), Fault> {
    for stem in &rendered.stems {
        let mut source = Samples::new(rendered.rate_hz, 2, stem.samples.clone());
        let labelled = engine::label(context, &mut source)?;
        guesses.push(stem.label.name(), stem.label, labelled.likeliest(), labelled.abstained);
    }
    Ok(())
}

fn score_captions(
    context: &Context<'_>,
    song: &Song,
    rendered: &Rendered,
    naming: &mut Naming,
) -> Result<(), Fault> {
    let mut mix = Samples::new(rendered.rate_hz, 2, rendered.mix.clone());
    let timeline = engine::narrate(context, &mut mix, &narration(song))?;
    for caption in &timeline.captions {
        let there = audible(rendered, caption.start_s, caption.end_s);
        if !there.is_empty() {
            naming.push(&engine::mix_instruments(&caption.text), &there);
        }
    }
    Ok(())
}

/// Every fourth bar on the song's own grid: this scores the words, not the beats.
pub(super) fn narration(song: &Song) -> Narration {
    Narration {
        per: Per::Bar,
        bpm: Some(song.tempo_bpm),
        meter: signal::Meter::new(song.meter.beats as i32, song.meter.unit as i32),
        every: EVERY,
        ..Narration::default()
    }
}

/// The instruments that lie at most 20 dB below the mix between two moments; the pieces of a kit are the drums.
pub(super) fn audible(rendered: &Rendered, start_s: f64, end_s: f64) -> BTreeSet<Label> {
    let stems = rendered.stems.iter().map(|stem| (stem.label, stem.samples.as_slice()));
    audible_of(rendered.rate_hz, &rendered.mix, stems, start_s, end_s)
}

/// The same of any stems and their mix, in stereo.
pub(super) fn audible_of<'a>(
    rate_hz: u32,
    mix: &[f32],
    stems: impl Iterator<Item = (Label, &'a [f32])>,
    start_s: f64,
    end_s: f64,
) -> BTreeSet<Label> {
    let index = |s: f64| ((s * f64::from(rate_hz)).round() as usize * 2).min(mix.len());
    let range = index(start_s)..index(end_s);
    let power = |samples: &[f32]| -> f64 {
        let end = range.end.min(samples.len());
        let part = samples.get(range.start..end).unwrap_or_default();
        part.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
    };
    let floor = (power(mix) * AUDIBLE).max(1e-6);
    let there = stems.filter(|(_, samples)| power(samples) >= floor);
    there.map(|(label, _)| label.in_mix()).collect()
}
