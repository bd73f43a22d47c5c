//! `barline embed`.

use std::{borrow::Cow, collections::BTreeMap, fs};

use engine::{AudioSource, EngineError, to_model_rate};
use models::{Hidden, Keep, Model};
use safetensors::{Dtype, View};
use serde::Serialize;

use crate::{
    args::{Common, Embed, Layer},
    output::{Fault, Report, wants_json},
    session::Session,
};

/// Up to this length a file is heard in one go; attention over more would take memory without bound.
const WHOLE_S: usize = 60;

/// Longer files are heard in windows of this many seconds.
const WINDOW_S: usize = 30;

/// Samples a second.
const RATE: usize = engine::MODEL_RATE_HZ as usize;

/// The file's object.
#[derive(Serialize)]
struct Row {
    out: String,
    tensors: BTreeMap<String, Vec<usize>>,
    notes: BTreeMap<String, String>,
}

/// An f32 tensor on its way into a file.
#[derive(Clone, Debug, Default)]
struct Rows {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl View for &Rows {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        self.values.len() * 4
    }
}

/// Writes hidden states.
pub(crate) fn embed(common: &Common, args: &Embed) -> anyhow::Result<u8> {
    let mut report = Report::single(wants_json(common, args.plain));
    let session = Session::new(common)?;
    let result = session.file(&args.file, true, |context, source| {
        let model = context.model()?;
        let mut notes = BTreeMap::new();
        let samples = read(source)?;
        if samples.len() > WHOLE_S * RATE {
            notes.insert(
                "frames".to_owned(),
                format!("heard in windows of {WINDOW_S} s, one after the other"),
            );
        }
        let mut tensors = BTreeMap::new();
        for window in windows(&samples) {
            session.workers.run(|| hear(model, window, args.layer, &mut tensors))?;
        }
        let bytes = safetensors::serialize(tensors.iter(), None);
        let bytes = bytes.map_err(|e| Fault::new("out", e.to_string()))?;
        fs::write(&args.out, bytes)
            .map_err(|e| Fault::new("out", format!("{}: {e}", args.out.display())))?;
        notes.extend(source.notes());
        let tensors = tensors.into_iter().map(|(name, rows)| (name, rows.shape)).collect();
        Ok(Row { out: args.out.display().to_string(), tensors, notes })
    });
    report.result(&args.file, result, |row| {
        row.tensors.iter().map(|(name, shape)| format!("{name} {shape:?}\n")).collect()
    });
    Ok(report.finish())
}

/// The file as the model hears it. The states are held in memory anyway, and are larger.
fn read(source: &mut dyn AudioSource) -> Result<Vec<f32>, Fault> {
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while source.next_block(&mut block)? {
        if let Some(at) = block.iter().position(|x| !x.is_finite()) {
            let frame = (all.len() + at) / source.channels();
            return Err(Fault::new("samples", format!("frame {frame} is not a finite number")));
        }
        all.extend_from_slice(&block);
    }
    Ok(to_model_rate(&all, source.channels(), source.rate_hz())?)
}

/// What is heard in one go; a last window of less than a second goes with the one before.
fn windows(samples: &[f32]) -> Vec<&[f32]> {
    let mut rest = samples;
    let mut out = Vec::new();
    if samples.len() > WHOLE_S * RATE {
        while rest.len() > (WINDOW_S + 1) * RATE {
            let (window, next) = rest.split_at(WINDOW_S * RATE);
            out.push(window);
            rest = next;
        }
    }
    out.push(rest);
    out
}

/// Appends one window's states to `tensors`.
fn hear(
    model: &Model,
    samples: &[f32],
    layer: Layer,
    tensors: &mut BTreeMap<String, Rows>,
) -> Result<(), EngineError> {
    let encoder = model.encoder()?;
    let layers = encoder.config().num_hidden_layers;
    if let Layer::One(n) = layer
        && n > layers
    {
        return Err(EngineError::request(
            "layer",
            format!("{n} where the encoder has states 0 to {layers}"),
        ));
    }
    let hidden = encoder.encode(samples, Keep::All)?;
    append(tensors, "mean_hidden_states", &hidden, &hidden.mean);
    let wanted: Vec<usize> = match layer {
        Layer::All => (0..=layers).collect(),
        Layer::One(n) => vec![n],
        Layer::Mean => Vec::new(),
    };
    for n in wanted {
        append(tensors, &format!("hidden_states.{n}"), &hidden, &hidden.states[n]);
    }
    if model.adapter.is_some() {
        let heard = model.heard(&hidden)?.soft_tokens;
        let width = heard.dims().get(1).copied().unwrap_or(0);
        let values = heard
            .flatten_all()
            .and_then(|t| t.to_vec1::<f32>())
            .map_err(models::ModelError::from)?;
        let rows = tensors
            .entry("soft_tokens".to_owned())
            .or_insert_with(|| Rows { shape: vec![0, width], ..Rows::default() });
        rows.shape[0] += values.len() / width.max(1);
        rows.values.extend(values);
    }
    Ok(())
}

/// Appends frames of `[1, frames, hidden]`.
fn append(tensors: &mut BTreeMap<String, Rows>, name: &str, hidden: &Hidden, values: &[f32]) {
    let rows = tensors
        .entry(name.to_owned())
        .or_insert_with(|| Rows { shape: vec![1, 0, hidden.width], ..Rows::default() });
    rows.shape[1] += hidden.frames;
    rows.values.extend_from_slice(values);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_a_long_file() {
        let lengths = |seconds: f64| -> Vec<f64> {
            let samples = vec![0.0; (seconds * RATE as f64) as usize];
            windows(&samples).iter().map(|w| w.len() as f64 / RATE as f64).collect()
        };
        assert_eq!(lengths(0.5), [0.5]);
        assert_eq!(lengths(60.0), [60.0]);
        assert_eq!(lengths(61.0), [30.0, 31.0]);
        assert_eq!(lengths(100.0), [30.0, 30.0, 30.0, 10.0]);
    }
}
