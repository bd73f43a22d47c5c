//! From hidden states to soft tokens, as MusiLingo has it (Deng et al., 2023): the mean over the
//! states, the mean over chunks of frames, one linear map into the language model's embeddings.

use candle_core::{Device, Tensor};
use serde::Deserialize;

use crate::{
    ModelError,
    backend::{Backend, Slices},
    encoder::Hidden,
    source::{Source, relative},
    weights::Weights,
};

/// The object `adapter` of barline.json.
#[derive(Clone, Debug, Deserialize)]
pub struct AdapterConfig {
    /// Only `linear` so far.
    pub kind: String,
    /// The weight file, relative to the folder.
    pub weights: String,
    /// Which hidden states are averaged.
    #[serde(default)]
    pub layers: Layers,
    /// Frames that become one soft token; a shorter rest becomes one of its own.
    pub chunk_frames: usize,
}

/// Hidden states that an adapter averages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Layers {
    /// These states, by number.
    List(Vec<usize>),
    /// The word `mean`: all of them.
    Named(Mean),
    /// Not said: all of them.
    #[default]
    All,
}

/// The word `mean`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mean {
    /// The mean over all states.
    Mean,
}

/// A loaded adapter.
#[derive(Debug)]
pub struct Adapter {
    config: AdapterConfig,
    inputs: usize,
    outputs: usize,
    weight: <Slices as Backend>::Weight,
    bias: Option<<Slices as Backend>::Weight>,
}

/// Where the projection may be found: MusiLingo's name first.
const NAMES: [&str; 4] = ["llama_proj.", "proj.", "projection.", ""];

impl Adapter {
    /// Frames behind one soft token.
    pub fn chunk_frames(&self) -> usize {
        self.config.chunk_frames
    }

    /// Loads an adapter from hidden states of width `inputs`. `manifest` names the file that the
    /// configuration came from, for errors.
    ///
    /// # Errors
    /// Whatever is wrong with the configuration or the weights, by file and field.
    pub fn load(
        source: &Source,
        config: &AdapterConfig,
        inputs: usize,
        states: usize,
        manifest: &str,
    ) -> Result<Self, ModelError> {
        let fail = |field: &str, message: String| {
            Err(ModelError::field(manifest, &format!("adapter.{field}"), message))
        };
        if config.kind != "linear" {
            return fail("kind", format!("unknown adapter {:?}, known is \"linear\"", config.kind));
        }
        if config.chunk_frames == 0 {
            return fail("chunk_frames", "must be at least 1".to_owned());
        }
        if let Layers::List(list) = &config.layers {
            match list.iter().find(|layer| **layer >= states) {
                Some(layer) => {
                    return fail(
                        "layers",
                        format!("no hidden state {layer}, the encoder has {states}"),
                    );
                }
                None if list.is_empty() => return fail("layers", "empty".to_owned()),
                None => {}
            }
        }
        let weights =
            Weights::open(source, relative(manifest, "adapter.weights", &config.weights)?)?;
        let prefix = NAMES
            .into_iter()
            .find(|name| weights.has(&format!("{name}weight")))
            .unwrap_or(NAMES[0]);
        let (weight_name, bias_name) = (format!("{prefix}weight"), format!("{prefix}bias"));
        let outputs =
            weights.shape(&weight_name).and_then(|shape| shape.first().copied()).unwrap_or(0);
        let backend = Slices { pool: false };
        let shape = [outputs, inputs];
        let weight = backend.weight(weights.values(&weight_name, &shape)?, &shape)?;
        let bias = if weights.has(&bias_name) {
            Some(backend.weight(weights.values(&bias_name, &shape[..1])?, &shape[..1])?)
        } else {
            None
        };
        Ok(Self { config: config.clone(), inputs, outputs, weight, bias })
    }

    /// Width of a soft token.
    pub fn width(&self) -> usize {
        self.outputs
    }

    /// Soft tokens that `frames` frames give.
    pub fn tokens(&self, frames: usize) -> usize {
        frames.div_ceil(self.config.chunk_frames)
    }

    /// Whether it needs single hidden states rather than the mean of all.
    pub fn needs_states(&self) -> bool {
        matches!(self.config.layers, Layers::List(_))
    }

    /// Soft tokens `[tokens, width]` on the processor.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the hidden states are of another width, or those needed were not kept.
    pub fn forward(&self, hidden: &Hidden) -> Result<Tensor, ModelError> {
        if hidden.width != self.inputs {
            return Err(ModelError::input(
                "hidden",
                format!("width {} where {} is needed", hidden.width, self.inputs),
            ));
        }
        let chunks = match &self.config.layers {
            Layers::List(list) => self.chunk_means(&mean_of(hidden, list)?),
            Layers::Named(Mean::Mean) | Layers::All => self.chunk_means(&hidden.mean),
        };
        // A handful of rows: not worth the trip to a GPU.
        let backend = Slices { pool: false };
        let out = backend.linear(
            &backend.upload(chunks, self.inputs)?,
            &self.weight,
            self.bias.as_ref(),
        )?;
        Ok(Tensor::from_vec(out.data, (out.rows, self.outputs), &Device::Cpu)?)
    }

    fn chunk_means(&self, frames: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        for chunk in frames.chunks(self.config.chunk_frames * self.inputs) {
            let rows = (chunk.len() / self.inputs) as f64;
            let mut sum = vec![0.0f64; self.inputs];
            for row in chunk.chunks_exact(self.inputs) {
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
            }
            out.extend(sum.iter().map(|sum| (sum / rows) as f32));
        }
        out
    }
}

fn mean_of(hidden: &Hidden, list: &[usize]) -> Result<Vec<f32>, ModelError> {
    let mut sum = vec![0.0f32; hidden.mean.len()];
    for layer in list {
        let Some(state) = hidden.states.get(*layer) else {
            return Err(ModelError::input("hidden", format!("hidden state {layer} was not kept")));
        };
        sum.iter_mut().zip(state).for_each(|(sum, x)| *sum += x / list.len() as f32);
    }
    Ok(sum)
}
