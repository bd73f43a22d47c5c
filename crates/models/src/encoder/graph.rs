//! HuBERT's graph as MERT uses it (Li et al., 2023; Hsu et al., 2021), over any backend: strided
//! convolutions, a projection, a convolution for the position, then a transformer.

use super::config::{ConvNorm, EncoderConfig};
use crate::{
    ModelError,
    backend::{Backend, Bands, Heads, Mask},
    weights::Weights,
};

/// eps of the front end's norms, which no config sets.
const CONV_NORM_EPS: f64 = 1e-5;

type Result<T> = std::result::Result<T, ModelError>;

#[derive(Clone, Debug)]
struct Pair<B: Backend> {
    weight: B::Weight,
    bias: B::Weight,
}

#[derive(Clone, Debug)]
struct FrontLayer<B: Backend> {
    conv: B::Conv,
    bands: Option<Bands>,
    norm: Option<Pair<B>>,
}

#[derive(Clone, Debug)]
struct Layer<B: Backend> {
    query: Pair<B>,
    key: Pair<B>,
    value: Pair<B>,
    out: Pair<B>,
    norm: Pair<B>,
    wide: Pair<B>,
    narrow: Pair<B>,
    final_norm: Pair<B>,
}

/// The loaded weights.
#[derive(Clone, Debug)]
pub(super) struct Graph<B: Backend> {
    backend: B,
    config: EncoderConfig,
    front: Vec<FrontLayer<B>>,
    feature_norm: Option<Pair<B>>,
    projection: Pair<B>,
    position: B::Conv,
    norm: Pair<B>,
    layers: Vec<Layer<B>>,
}

impl<B: Backend> Graph<B> {
    pub(super) fn load(
        backend: B,
        config: &EncoderConfig,
        weights: &Weights,
        prefix: &str,
    ) -> Result<Self> {
        let load = Loader { backend: &backend, weights, prefix };
        let hidden = config.hidden_size;
        let features = config.features();
        let front = (0..config.conv_dim.len())
            .map(|index| load.front(config, index))
            .collect::<Result<_>>()?;
        let feature_norm = if config.feat_proj_layer_norm {
            Some(load.pair("feature_projection.layer_norm", &[features])?)
        } else {
            None
        };
        let projection = load.pair("feature_projection.projection", &[hidden, features])?;
        let position = load.position(config)?;
        let norm = load.pair("encoder.layer_norm", &[hidden])?;
        let layers = (0..config.num_hidden_layers)
            .map(|index| load.layer(config, index))
            .collect::<Result<_>>()?;
        Ok(Self {
            config: config.clone(),
            front,
            feature_norm,
            projection,
            position,
            norm,
            layers,
            backend,
        })
    }

    /// Runs one clip. `input` is `[frames, channels]`; `valid` frames of the features are heard and
    /// the rest masked. `visit` is called with each hidden state in order, the input of the first
    /// layer being number 0 (transformers 4.38: the last one is normalised in the pre-norm model).
    pub(super) fn forward(
        &self,
        input: Vec<f32>,
        valid: Option<usize>,
        visit: &mut dyn FnMut(&B, &B::Array) -> Result<()>,
    ) -> Result<()> {
        let b = &self.backend;
        let mut x = b.upload(input, self.config.input_channels())?;
        for layer in &self.front {
            x = self.front_layer(layer, &x)?;
        }
        if let Some(norm) = &self.feature_norm {
            x = b.layer_norm(x, &norm.weight, &norm.bias, self.config.layer_norm_eps)?;
        }
        x = b.linear(&x, &self.projection.weight, Some(&self.projection.bias))?;
        let frames = b.rows(&x);
        let valid = valid.unwrap_or(frames).min(frames);
        x = b.zero_rows_from(x, valid)?;
        let position = b.head_rows(b.conv(&x, &self.position)?, frames)?;
        x = b.add(x, &b.gelu(position)?)?;
        let stable = self.config.do_stable_layer_norm;
        if !stable {
            x = self.normalise(x, &self.norm)?;
        }
        visit(b, &x)?;
        for (index, layer) in self.layers.iter().enumerate() {
            x = self.layer(layer, x, valid)?;
            if stable && index + 1 == self.layers.len() {
                x = self.normalise(x, &self.norm)?;
            }
            visit(b, &x)?;
        }
        Ok(())
    }

    fn front_layer(&self, layer: &FrontLayer<B>, x: &B::Array) -> Result<B::Array> {
        let b = &self.backend;
        let mut x = match layer.bands {
            Some(bands) => b.conv_bands(x, &layer.conv, bands)?,
            None => b.conv(x, &layer.conv)?,
        };
        if let Some(norm) = &layer.norm {
            x = match self.config.feat_extract_norm {
                ConvNorm::Group => b.time_norm(x, &norm.weight, &norm.bias, CONV_NORM_EPS)?,
                ConvNorm::Layer => b.layer_norm(x, &norm.weight, &norm.bias, CONV_NORM_EPS)?,
            };
        }
        b.gelu(x)
    }

    fn layer(&self, layer: &Layer<B>, x: B::Array, valid: usize) -> Result<B::Array> {
        let b = &self.backend;
        if self.config.do_stable_layer_norm {
            let inner = self.attention(layer, &self.normalise(x.clone(), &layer.norm)?, valid)?;
            let x = b.add(inner, &x)?;
            let inner = self.feed_forward(layer, &self.normalise(x.clone(), &layer.final_norm)?)?;
            b.add(inner, &x)
        } else {
            let x = b.add(self.attention(layer, &x, valid)?, &x)?;
            let x = self.normalise(x, &layer.norm)?;
            let x = b.add(self.feed_forward(layer, &x)?, &x)?;
            self.normalise(x, &layer.final_norm)
        }
    }

    fn attention(&self, layer: &Layer<B>, x: &B::Array, valid: usize) -> Result<B::Array> {
        let b = &self.backend;
        let linear = |part: &Pair<B>| b.linear(x, &part.weight, Some(&part.bias));
        let count = self.config.num_attention_heads;
        let heads = Heads { queries: count, keys: count, width: self.config.hidden_size / count };
        let mixed = b.attend(
            &linear(&layer.query)?,
            &linear(&layer.key)?,
            &linear(&layer.value)?,
            heads,
            Mask::Keys(valid),
        )?;
        b.linear(&mixed, &layer.out.weight, Some(&layer.out.bias))
    }

    fn feed_forward(&self, layer: &Layer<B>, x: &B::Array) -> Result<B::Array> {
        let b = &self.backend;
        let wide = b.gelu(b.linear(x, &layer.wide.weight, Some(&layer.wide.bias))?)?;
        b.linear(&wide, &layer.narrow.weight, Some(&layer.narrow.bias))
    }

    fn normalise(&self, x: B::Array, norm: &Pair<B>) -> Result<B::Array> {
        self.backend.layer_norm(x, &norm.weight, &norm.bias, self.config.layer_norm_eps)
    }
}

struct Loader<'a, B> {
    backend: &'a B,
    weights: &'a Weights,
    prefix: &'a str,
}

impl<B: Backend> Loader<'_, B> {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.weights.values(&format!("{}{name}", self.prefix), shape)
    }

    /// `name.weight` of this shape and `name.bias` of its first size.
    fn pair(&self, name: &str, shape: &[usize]) -> Result<Pair<B>> {
        let weight = self.values(&format!("{name}.weight"), shape)?;
        let bias = self.values(&format!("{name}.bias"), &shape[..1])?;
        Ok(Pair {
            weight: self.backend.weight(weight, shape)?,
            bias: self.backend.weight(bias, &shape[..1])?,
        })
    }

    fn front(&self, config: &EncoderConfig, index: usize) -> Result<FrontLayer<B>> {
        let shape = config.convs()[index];
        let name = format!("feature_extractor.conv_layers.{index}");
        let bands = config.bands().get(index).copied();
        let weight = format!("{name}.conv.weight");
        let weight = match bands {
            Some(bands) => {
                let full = [shape.outputs, bands.channels, shape.kernel, bands.kernel];
                windows_first(&self.values(&weight, &full)?, full)
            }
            None => self.values(&weight, &[shape.outputs, shape.inputs, shape.kernel])?,
        };
        let bias = if config.conv_bias {
            Some(self.values(&format!("{name}.conv.bias"), &[shape.outputs])?)
        } else {
            None
        };
        let normed = config.feat_extract_norm == ConvNorm::Layer || index == 0;
        let norm = if normed {
            Some(self.pair(&format!("{name}.layer_norm"), &[shape.outputs])?)
        } else {
            None
        };
        Ok(FrontLayer { conv: self.backend.conv_weight(weight, bias, shape)?, bands, norm })
    }

    /// The positional convolution, under the name of either torch generation or already folded.
    fn position(&self, config: &EncoderConfig) -> Result<B::Conv> {
        let shape = config.position();
        let full = [shape.outputs, shape.inputs / shape.groups, shape.kernel];
        let name = "encoder.pos_conv_embed.conv";
        let has = |suffix: &str| self.weights.has(&format!("{}{name}.{suffix}", self.prefix));
        let weight = if has("weight") {
            self.values(&format!("{name}.weight"), &full)?
        } else {
            let old = has("weight_g") || !has("parametrizations.weight.original0");
            let (g, v) = if old {
                ("weight_g", "weight_v")
            } else {
                ("parametrizations.weight.original0", "parametrizations.weight.original1")
            };
            let g = self.values(&format!("{name}.{g}"), &[1, 1, shape.kernel])?;
            let v = self.values(&format!("{name}.{v}"), &full)?;
            fold_weight_norm(&g, v)
        };
        let bias = self.values(&format!("{name}.bias"), &[shape.outputs])?;
        self.backend.conv_weight(weight, Some(bias), shape)
    }

    fn layer(&self, config: &EncoderConfig, index: usize) -> Result<Layer<B>> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layers.{index}.{part}");
        Ok(Layer {
            query: self.pair(&name("attention.q_proj"), &[hidden, hidden])?,
            key: self.pair(&name("attention.k_proj"), &[hidden, hidden])?,
            value: self.pair(&name("attention.v_proj"), &[hidden, hidden])?,
            out: self.pair(&name("attention.out_proj"), &[hidden, hidden])?,
            norm: self.pair(&name("layer_norm"), &[hidden])?,
            wide: self.pair(&name("feed_forward.intermediate_dense"), &[inner, hidden])?,
            narrow: self.pair(&name("feed_forward.output_dense"), &[hidden, inner])?,
            final_norm: self.pair(&name("final_layer_norm"), &[hidden])?,
        })
    }
}

/// torch's `[outputs, channels, kernel, band kernel]` as `[outputs, band kernel x channels, kernel]`: the order in which a
/// window of bands lies in a row.
fn windows_first(weight: &[f32], [outputs, channels, kernel, bands]: [usize; 4]) -> Vec<f32> {
    let mut out = Vec::with_capacity(weight.len());
    for output in 0..outputs {
        for band in 0..bands {
            for channel in 0..channels {
                let row = (output * channels + channel) * kernel;
                out.extend((0..kernel).map(|tap| weight[(row + tap) * bands + band]));
            }
        }
    }
    out
}

/// `g v / |v|` with one norm for each tap, over both channel dimensions (torch's `dim=2`). A tap
/// whose direction is all zero stays zero.
fn fold_weight_norm(g: &[f32], mut v: Vec<f32>) -> Vec<f32> {
    let taps = g.len();
    let mut norms = vec![0.0f64; taps];
    for (index, value) in v.iter().enumerate() {
        norms[index % taps] += f64::from(*value).powi(2);
    }
    let scale: Vec<f64> = norms
        .iter()
        .zip(g)
        .map(|(norm, g)| if *norm > 0.0 { f64::from(*g) / norm.sqrt() } else { 0.0 })
        .collect();
    for (index, value) in v.iter_mut().enumerate() {
        *value = (f64::from(*value) * scale[index % taps]) as f32;
    }
    v
}
