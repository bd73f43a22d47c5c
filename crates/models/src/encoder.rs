//! The music encoder: audio in, hidden states out. MERT and any other HuBERT from its folder, and
//! the embedded default, which differs in its front end only.

mod config;
mod graph;

use candle_core::{Device, Tensor};

pub use self::config::{ConvNorm, EncoderConfig};
use self::graph::Graph;
use crate::{
    ModelError,
    backend::{Backend, OnDevice, Slices},
    compute::Compute,
    log_mel::LogMel,
    source::Source,
    weights::Weights,
};

/// Added to the variance when the input is normalised (Wav2Vec2FeatureExtractor).
const INPUT_NORM_EPS: f64 = 1e-7;

/// A loaded encoder. Cheap to share, never changed by use.
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    log_mel: Option<LogMel>,
    normalize_input: bool,
    graph: AnyGraph,
}

#[derive(Debug)]
enum AnyGraph {
    Slices(Graph<Slices>),
    OnDevice(Graph<OnDevice>),
}

/// Which hidden states [`Encoder::encode`] keeps beside their mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only the running mean: what the adapter and the heads need.
    Mean,
    /// All of them, for `embed` and for adapters over chosen layers.
    All,
}

/// What the encoder made of one clip.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// Frames.
    pub frames: usize,
    /// Width of a frame.
    pub width: usize,
    /// Mean over all hidden states, `[frames, width]` row by row.
    pub mean: Vec<f32>,
    /// The hidden states, as `mean`: 0 is the first layer's input, the last follows the final norm.
    /// Empty unless they were kept.
    pub states: Vec<Vec<f32>>,
}

impl Encoder {
    /// Loads the encoder of `folder` (empty or ending in `/`). `normalize_input` overrides what
    /// preprocessor_config.json says.
    ///
    /// # Errors
    /// Whatever is wrong with the configuration or the weights, by file and field.
    pub fn load(
        source: &Source,
        folder: &str,
        normalize_input: Option<bool>,
        compute: &Compute,
    ) -> Result<Self, ModelError> {
        let config = EncoderConfig::load(source, folder)?;
        let weights = Weights::open_folder(source, folder)?;
        let prefix = ["", "hubert.", "mert.", "model."]
            .into_iter()
            .find(|prefix| weights.has_prefix(&format!("{prefix}feature_projection.")))
            .unwrap_or("");
        let graph = match compute.kernels(weights.elements()) {
            crate::compute::Kernels::Slices(b) => {
                AnyGraph::Slices(Graph::load(b, &config, &weights, prefix)?)
            }
            crate::compute::Kernels::OnDevice(b) => {
                AnyGraph::OnDevice(Graph::load(b, &config, &weights, prefix)?)
            }
        };
        let file = format!("{folder}config.json");
        let plan = |mel| LogMel::new(mel, config.sample_rate, config.min_frames(), &file);
        let log_mel = config.log_mel.map(plan).transpose()?;
        let normalize_input = match normalize_input {
            Some(flag) => flag,
            None => preprocessor_normalizes(source, folder)?,
        };
        Ok(Self { config, log_mel, normalize_input, graph })
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Frames that `samples` samples give; 0 if they are too few for one.
    pub fn frames(&self, samples: usize) -> usize {
        let start = self.log_mel.as_ref().map_or(samples, |mel| mel.frames(samples));
        self.config.convs().iter().fold(start, |frames, conv| conv.frames(frames))
    }

    /// Encodes one clip of mono audio at the configured rate.
    ///
    /// # Errors
    /// [`ModelError::Input`] if a sample is not finite or the clip is too short for one frame.
    pub fn encode(&self, samples: &[f32], keep: Keep) -> Result<Hidden, ModelError> {
        if self.normalize_input {
            self.run(&normalized(samples), None, keep)
        } else {
            self.run(samples, None, keep)
        }
    }

    /// Encodes clips of different lengths as one padded batch with an attention mask would: each
    /// is followed by zeros up to the longest, and frames past its own end are masked but given.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn encode_batch(&self, clips: &[&[f32]], keep: Keep) -> Result<Vec<Hidden>, ModelError> {
        let longest = clips.iter().map(|clip| clip.len()).max().unwrap_or(0);
        clips
            .iter()
            .map(|clip| {
                let mut padded =
                    if self.normalize_input { normalized(clip) } else { clip.to_vec() };
                padded.resize(longest, 0.0);
                self.run(&padded, Some(self.frames(clip.len())), keep)
            })
            .collect()
    }

    fn run(&self, samples: &[f32], valid: Option<usize>, keep: Keep) -> Result<Hidden, ModelError> {
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(ModelError::input("samples", format!("sample {at} is not finite")));
        }
        let frames = self.frames(samples.len());
        if frames == 0 || valid == Some(0) {
            return Err(ModelError::input(
                "samples",
                format!("{} samples are too few for one frame", samples.len()),
            ));
        }
        let input = match &self.log_mel {
            Some(mel) => mel.forward(samples),
            None => samples.to_vec(),
        };
        let mut hidden =
            Hidden { frames, width: self.config.hidden_size, mean: Vec::new(), states: Vec::new() };
        match &self.graph {
            AnyGraph::Slices(graph) => {
                collect(graph, input, valid, keep, self.config.num_hidden_layers, &mut hidden)?
            }
            AnyGraph::OnDevice(graph) => {
                collect(graph, input, valid, keep, self.config.num_hidden_layers, &mut hidden)?
            }
        }
        Ok(hidden)
    }
}

/// Runs the graph, adding the states up as they come.
fn collect<B: Backend>(
    graph: &Graph<B>,
    input: Vec<f32>,
    valid: Option<usize>,
    keep: Keep,
    layers: usize,
    hidden: &mut Hidden,
) -> Result<(), ModelError> {
    let mut sum: Option<B::Array> = None;
    let mut index = 0;
    graph.forward(input, valid, &mut |b, state| {
        if keep == Keep::All {
            hidden.states.push(b.download(state)?);
        }
        let total = match sum.take() {
            None => state.clone(),
            Some(sum) => b.add(sum, state)?,
        };
        if index == layers {
            hidden.mean = b.download(&b.scale(total, ((layers + 1) as f32).recip())?)?;
        } else {
            sum = Some(total);
        }
        index += 1;
        Ok(())
    })
}

impl Hidden {
    /// The mean as a tensor `[1, frames, width]`.
    ///
    /// # Errors
    /// Only if candle can't make a tensor of it.
    pub fn mean_tensor(&self) -> Result<Tensor, ModelError> {
        Ok(Tensor::from_slice(&self.mean, (1, self.frames, self.width), &Device::Cpu)?)
    }

    /// Hidden state `layer` as a tensor `[1, frames, width]`.
    ///
    /// # Errors
    /// [`ModelError::Input`] if that state does not exist or was not kept.
    pub fn state_tensor(&self, layer: usize) -> Result<Tensor, ModelError> {
        let Some(state) = self.states.get(layer) else {
            return Err(ModelError::input(
                "layer",
                format!("no hidden state {layer} of {} kept", self.states.len()),
            ));
        };
        Ok(Tensor::from_slice(state, (1, self.frames, self.width), &Device::Cpu)?)
    }
}

fn normalized(samples: &[f32]) -> Vec<f32> {
    let n = samples.len().max(1) as f64;
    let mean = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let variance = samples.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
    let scale = (variance + INPUT_NORM_EPS).sqrt().recip();
    samples.iter().map(|&x| ((f64::from(x) - mean) * scale) as f32).collect()
}

fn preprocessor_normalizes(source: &Source, folder: &str) -> Result<bool, ModelError> {
    #[derive(serde::Deserialize)]
    struct Preprocessor {
        #[serde(default)]
        do_normalize: bool,
    }
    let file = format!("{folder}preprocessor_config.json");
    if !source.has(&file) {
        return Ok(false);
    }
    let read: Preprocessor = serde_json::from_slice(&source.read(&file)?)
        .map_err(|e| ModelError::field(&file, "do_normalize", e.to_string()))?;
    Ok(read.do_normalize)
}
