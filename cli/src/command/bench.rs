//! `barline bench`: where the time goes, part by part.

use std::{collections::BTreeMap, sync::atomic::AtomicBool, time::Instant};

use engine::{Decoding, Facts, MODEL_RATE_HZ, SCHEMA, Samples, Task, instruct};
use models::{Keep, Logits, Model};
use serde::Serialize;

use super::table::table;
use crate::{
    args::{Bench, Common},
    output::{Fault, wants_json},
    session::Session,
};

/// Length of the windows, as captions use them, in seconds.
const WINDOW_S: f64 = 4.0;

/// A line of the table.
#[derive(Serialize)]
struct Row {
    schema: u32,
    part: &'static str,
    /// Seconds of computing.
    seconds: f64,
    /// Seconds of audio per second of computing.
    times_real_time: Option<f64>,
    tokens_per_s: Option<f64>,
    /// Largest memory use of the process so far.
    peak_mb: Option<f64>,
    notes: BTreeMap<String, String>,
}

/// Times a model.
pub(crate) fn bench(common: &Common, args: &Bench) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let session = Session::new(common)?;
    let samples = noise((args.seconds * f64::from(MODEL_RATE_HZ)) as usize);
    let rows = session.with_model(|context, model| {
        let mut rows = context.workers.run(|| parts(model, &samples))?;
        let mut source = Samples::new(MODEL_RATE_HZ, 1, samples.clone());
        let meter = Instant::now();
        engine::measure(context, &mut source)?;
        rows.push(row("measure", samples.len(), meter, None));
        if model.lm.is_some() && model.encoder.is_some() {
            let started = Instant::now();
            let narration = engine::Narration {
                per: engine::Per::Seconds(2.0),
                ..engine::Narration::default()
            };
            engine::narrate(context, &mut source, &narration)?;
            rows.push(row("caption, all", samples.len(), started, None));
        }
        Ok(rows)
    });
    match rows {
        Ok(rows) => {
            table(json, &rows)?;
            Ok(0)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Encoder, adapter, prefill and decoding, each on its own and on one thread.
fn parts(model: &Model, samples: &[f32]) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    let encoder = model.encoder()?;
    let windows: Vec<&[f32]> =
        samples.chunks_exact((WINDOW_S * f64::from(MODEL_RATE_HZ)) as usize).collect();
    let heard_samples = windows.iter().map(|window| window.len()).sum();
    let keep = if model.adapter.as_ref().is_some_and(|adapter| adapter.needs_states()) {
        Keep::All
    } else {
        Keep::Mean
    };
    let started = Instant::now();
    let hidden =
        windows.iter().map(|window| encoder.encode(window, keep)).collect::<Result<Vec<_>, _>>()?;
    rows.push(row("encoder", heard_samples, started, None));
    let started = Instant::now();
    let heard = hidden.iter().map(|hidden| model.heard(hidden)).collect::<Result<Vec<_>, _>>()?;
    rows.push(row("adapter", heard_samples, started, None));
    let (Some(lm), Some(first)) = (&model.lm, heard.first()) else { return Ok(rows) };

    let text = instruct(model, first, Task::Caption, &Facts::default())?;
    let embeds = model.prompt_embeds(first, &text)?;
    let started = Instant::now();
    let (mut prefilled, mut caches) = (0, Vec::new());
    for _ in &windows {
        let mut cache = lm.cache();
        lm.forward(&embeds, &mut cache, Logits::Last)?;
        prefilled += cache.len();
        caches.push(cache);
    }
    rows.push(row("prefill", heard_samples, started, Some(prefilled)));

    // As many tokens as a caption has, whatever the model would say.
    let one = lm.embed(&[0])?;
    let room = lm.config().max_positions.saturating_sub(prefilled / windows.len().max(1));
    let count = 32.min(room);
    let started = Instant::now();
    for cache in &mut caches {
        for _ in 0..count {
            lm.forward(&one, cache, Logits::Last)?;
        }
    }
    rows.push(row("decode", heard_samples, started, Some(count * caches.len())));

    let started = Instant::now();
    let (mut tokens, cancel) = (0, AtomicBool::new(false));
    for heard in &heard {
        let decoding = Decoding::default();
        let facts = Facts::default();
        tokens +=
            engine::tell(model, heard, Task::Caption, &facts, &decoding, &cancel, &mut |_| {})?
                .tokens;
    }
    rows.push(row("answer, one thread", heard_samples, started, Some(tokens)));
    Ok(rows)
}

fn row(part: &'static str, samples: usize, started: Instant, tokens: Option<usize>) -> Row {
    let took_s = started.elapsed().as_secs_f64().max(1e-9);
    let peak_mb = peak_mb();
    let reasons = [
        ("tokens_per_s", tokens.is_none().then_some("no tokens are made in this part")),
        ("peak_mb", peak_mb.is_none().then_some("this system does not say")),
    ];
    let reasons = reasons.into_iter().filter_map(|(field, why)| Some((field.into(), why?.into())));
    Row {
        schema: SCHEMA,
        part,
        seconds: took_s,
        times_real_time: Some(samples as f64 / f64::from(MODEL_RATE_HZ) / took_s),
        tokens_per_s: tokens.map(|tokens| tokens as f64 / took_s),
        peak_mb,
        notes: reasons.collect(),
    }
}

/// Largest resident size so far, where the system says (Linux).
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1000.0)
}

/// Noise that beats twice a second, so that every part has something to do.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1u32;
    (0..samples)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = f64::from(state) / f64::from(u32::MAX) - 0.5;
            let beat = 1.0 - (i % 12_000) as f64 / 12_000.0;
            (white * beat * beat * 0.5) as f32
        })
        .collect()
}
