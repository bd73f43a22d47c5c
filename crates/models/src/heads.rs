//! The classifying heads: small networks over the pooled hidden states that name the stem, the
//! instruments in a mix and the sound's character.

use crate::{
    ModelError,
    backend::{Backend, Slices},
    source::Source,
    weights::Weights,
};

/// Weight and bias.
type Linear = (<Slices as Backend>::Weight, <Slices as Backend>::Weight);

/// Linear, exact GELU, linear.
#[derive(Debug)]
struct Head {
    classes: Vec<String>,
    first: Linear,
    second: Linear,
}

/// A head's classes and their raw scores.
type Scores<'a> = (&'a [String], Vec<f32>);

/// The loaded heads, each with its vocabulary and calibration.
#[derive(Debug)]
pub struct Heads {
    inputs: usize,
    label: Option<Head>,
    instruments: Option<Head>,
    descriptors: Option<Head>,
    label_temperature: f32,
    /// Below this probability a label is not worth saying.
    pub label_abstain: f32,
    /// From this probability on an instrument counts as heard.
    pub instruments_threshold: f32,
    /// From this probability on it may be there.
    pub instruments_doubt: f32,
}

impl Heads {
    /// Loads heads over pooled states of size `inputs` (twice the encoder's width).
    ///
    /// # Errors
    /// Whatever is wrong with the file, by tensor or metadata entry.
    pub fn load(source: &Source, path: &str, inputs: usize) -> Result<Self, ModelError> {
        let weights = Weights::open(source, path)?;
        let number = |name: &str, default: f32| match weights.metadata().get(name) {
            None => Ok(default),
            Some(text) => match text.parse::<f32>() {
                Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
                _ => Err(ModelError::field(
                    path,
                    &format!("__metadata__.{name}"),
                    format!("{text:?} is not a number"),
                )),
            },
        };
        let label_temperature = number("label_temperature", 1.0)?;
        if label_temperature <= 0.0 {
            return Err(ModelError::field(
                path,
                "__metadata__.label_temperature",
                "must be positive",
            ));
        }
        let instruments_threshold = number("instruments_threshold", 0.5)?;
        Ok(Self {
            inputs,
            label: head(&weights, path, "label", inputs)?,
            instruments: head(&weights, path, "instruments", inputs)?,
            descriptors: head(&weights, path, "descriptors", inputs)?,
            label_temperature,
            label_abstain: number("label_abstain", 0.0)?,
            instruments_threshold,
            instruments_doubt: number("instruments_doubt", instruments_threshold)?,
        })
    }

    /// Labels with calibrated probabilities that sum to 1, in the file's order; empty without that head.
    ///
    /// # Errors
    /// [`ModelError::Input`] if `pooled` has the wrong size.
    pub fn labels(&self, pooled: &[f32]) -> Result<Vec<(String, f32)>, ModelError> {
        let Some((classes, logits)) = self.run(self.label.as_ref(), pooled)? else {
            return Ok(Vec::new());
        };
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> =
            logits.iter().map(|x| ((x - top) / self.label_temperature).exp()).collect();
        let sum: f32 = weights.iter().sum();
        Ok(named(classes, weights.iter().map(|weight| weight / sum)))
    }

    /// Instruments with independent probabilities, in the file's order; empty without that head.
    ///
    /// # Errors
    /// As [`Heads::labels`].
    pub fn instruments(&self, pooled: &[f32]) -> Result<Vec<(String, f32)>, ModelError> {
        let Some((classes, logits)) = self.run(self.instruments.as_ref(), pooled)? else {
            return Ok(Vec::new());
        };
        Ok(named(classes, logits.iter().map(|x| sigmoid(*x))))
    }

    /// Descriptors from 0 to 1 in the file's order; empty without that head.
    ///
    /// # Errors
    /// As [`Heads::labels`].
    pub fn descriptors(&self, pooled: &[f32]) -> Result<Vec<(String, f32)>, ModelError> {
        let Some((classes, logits)) = self.run(self.descriptors.as_ref(), pooled)? else {
            return Ok(Vec::new());
        };
        Ok(named(classes, logits.iter().map(|x| sigmoid(*x))))
    }

    fn run<'a>(
        &self,
        head: Option<&'a Head>,
        pooled: &[f32],
    ) -> Result<Option<Scores<'a>>, ModelError> {
        if pooled.len() != self.inputs {
            return Err(ModelError::input(
                "pooled",
                format!("{} values where {} are needed", pooled.len(), self.inputs),
            ));
        }
        let Some(head) = head else { return Ok(None) };
        let backend = Slices { pool: false };
        let x = backend.upload(pooled.to_vec(), self.inputs)?;
        let inner = backend.gelu(backend.linear(&x, &head.first.0, Some(&head.first.1))?)?;
        let logits = backend.linear(&inner, &head.second.0, Some(&head.second.1))?;
        Ok(Some((&head.classes, logits.data)))
    }
}

fn head(
    weights: &Weights,
    path: &str,
    name: &str,
    inputs: usize,
) -> Result<Option<Head>, ModelError> {
    if !weights.has_prefix(&format!("{name}.")) {
        return Ok(None);
    }
    let field = format!("__metadata__.{name}");
    let Some(text) = weights.metadata().get(name) else {
        return Err(ModelError::field(path, &field, "missing: the names of the classes"));
    };
    let classes: Vec<String> = serde_json::from_str(text)
        .map_err(|e| ModelError::field(path, &field, format!("not a list of names: {e}")))?;
    let first = format!("{name}.0.weight");
    let inner = weights.shape(&first).and_then(|shape| shape.first().copied()).unwrap_or(0);
    let backend = Slices { pool: false };
    let pair = |layer: usize, outputs: usize, inputs: usize| -> Result<Linear, ModelError> {
        let shape = [outputs, inputs];
        let weight = weights.values(&format!("{name}.{layer}.weight"), &shape)?;
        let bias = weights.values(&format!("{name}.{layer}.bias"), &shape[..1])?;
        Ok((backend.weight(weight, &shape)?, backend.weight(bias, &shape[..1])?))
    };
    let (first, second) = (pair(0, inner, inputs)?, pair(2, classes.len(), inner)?);
    Ok(Some(Head { classes, first, second }))
}

fn named(classes: &[String], probabilities: impl Iterator<Item = f32>) -> Vec<(String, f32)> {
    classes.iter().cloned().zip(probabilities).collect()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
