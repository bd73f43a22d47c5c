//! `barline eval measure`: the meters against signals whose readings a standard names; tempo, beats, meter, key and chords
//! against songs whose truth is known; the detectors against planted faults; and how fast all that is.

mod defects;
mod mir;
mod music;
mod speed;
mod standard;

use std::collections::BTreeMap;

use analysis::{AnalysisError, Meter};
use engine::SCHEMA;
use serde::Serialize;
use signal::Measurements;

use crate::{
    args::{Common, EvalMeasure},
    command::table::table,
    output::wants_json,
    session::Session,
};

pub(super) use defects::{excerpt, suits};

/// A line of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Row {
    schema: u32,
    set: String,
    item: String,
    count: usize,
    /// A share of the count, or a mean score over it.
    score: Option<f64>,
    goal: Option<f64>,
    /// The largest miss, in the reading's unit.
    worst: Option<f64>,
    notes: BTreeMap<String, String>,
}

impl Row {
    fn new(set: &str, item: impl Into<String>, count: usize, score: Option<f64>) -> Self {
        let (set, item) = (set.to_owned(), item.into());
        Self { schema: SCHEMA, set, item, count, score, ..Self::default() }
    }

    fn goal(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }
}

/// Measures a signal, all but its music.
pub(super) fn measure(
    samples: &[f32],
    rate_hz: u32,
    channels: usize,
) -> Result<Measurements, AnalysisError> {
    let mut meter = Meter::without_music(rate_hz, channels)?;
    meter.push(samples)?;
    Ok(meter.finish())
}

/// Prints the table.
pub(crate) fn eval_measure(common: &Common, args: &EvalMeasure) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let session = Session::new(common)?;
    let mut rows = Vec::new();
    if !args.no_standard {
        rows.extend(standard::rows(&session)?);
    }
    rows.extend(music::rows(&session, args.seeds.clone())?);
    rows.extend(defects::rows(&session, args.fault_seeds.clone())?);
    rows.extend(speed::rows(&session)?);
    table(json, &rows)?;
    Ok(0)
}
