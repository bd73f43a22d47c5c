//! A language model's config.json: Llama, Qwen2 and Qwen3, in the published style (`rope_theta`,
//! `rope_scaling`) and in that of transformers 5 (`rope_parameters`).

use serde::Deserialize;

use crate::{ModelError, source::Source};

/// The families of decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Llama 1 to 3 and what follows them (Vicuna, SmolLM, TinyLlama).
    Llama,
    /// Qwen2 and 2.5: bias on query, key and value.
    Qwen2,
    /// Qwen3: norm on each head of query and key.
    Qwen3,
}

/// Scaling of the rotary frequencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// None.
    Plain,
    /// Every frequency divided by this factor.
    Linear(f64),
    /// Llama 3: long waves divided, short ones kept, those between interpolated.
    Llama3 {
        /// Divisor of long waves.
        factor: f64,
        /// Waves longer than the original context over this are long.
        low: f64,
        /// Waves shorter than the original context over this are short.
        high: f64,
        /// Positions of the original context.
        original: f64,
    },
}

/// The graph of a decoder.
#[derive(Clone, Debug)]
pub struct LmConfig {
    /// Family, from `model_type` or `architectures`.
    pub family: Family,
    /// Width of an embedding, and so of a soft token.
    pub hidden_size: usize,
    /// Width inside the feed-forward part.
    pub intermediate_size: usize,
    /// Layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Rows of the embedding table.
    pub vocab_size: usize,
    /// Longest sequence.
    pub max_positions: usize,
    /// Added to the mean square in the norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary wavelengths.
    pub rope_theta: f64,
    /// Their scaling.
    pub rope_scaling: RopeScaling,
    /// Whether the output layer is the embedding table.
    pub tied: bool,
    /// Bias on query, key and value.
    pub qkv_bias: bool,
    /// Bias on the attention's output.
    pub out_bias: bool,
    /// Bias in the feed-forward part.
    pub mlp_bias: bool,
    /// Token that begins a text.
    pub bos_token_id: Option<u32>,
    /// Tokens that end an answer.
    pub eos_token_ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Raw {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    vocab_size: usize,
    max_position_embeddings: Option<usize>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<RawRope>,
    rope_parameters: Option<RawRope>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    use_sliding_window: Option<bool>,
    hidden_act: Option<String>,
    bos_token_id: Option<Ids>,
    eos_token_id: Option<Ids>,
}

#[derive(Deserialize)]
struct RawRope {
    rope_type: Option<String>,
    #[serde(rename = "type")]
    old_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u32),
    Many(Vec<u32>),
}

/// Larger than any published model; a damaged file must not ask for more memory than this allows.
const MAX_WIDTH: usize = 1 << 20;
const MAX_LAYERS: usize = 1 << 10;
/// What Llama 1 has, where the file does not say.
const DEFAULT_POSITIONS: usize = 2048;

impl LmConfig {
    /// Reads and checks `folder`/config.json.
    ///
    /// # Errors
    /// [`ModelError`] naming the field that is missing, contradictory or not supported.
    pub fn load(source: &Source, folder: &str) -> Result<Self, ModelError> {
        let file = format!("{folder}config.json");
        let raw: Raw = serde_json::from_slice(&source.read(&file)?)
            .map_err(|e| ModelError::field(&file, "language model configuration", e.to_string()))?;
        let family = family(&raw, &file)?;
        let fail = |field: &str, message: &str| Err(ModelError::field(&file, field, message));
        if raw.hidden_act.as_deref().is_some_and(|act| act != "silu") {
            return fail("hidden_act", "only \"silu\" is supported");
        }
        if raw.use_sliding_window == Some(true) {
            return fail("use_sliding_window", "true is not supported");
        }
        if raw.num_attention_heads == 0 {
            return fail("num_attention_heads", "must be at least 1");
        }
        let bias = raw.attention_bias.unwrap_or(false);
        let config = Self {
            family,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            layers: raw.num_hidden_layers,
            heads: raw.num_attention_heads,
            kv_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            head_dim: raw.head_dim.unwrap_or(raw.hidden_size / raw.num_attention_heads),
            vocab_size: raw.vocab_size,
            max_positions: raw.max_position_embeddings.unwrap_or(DEFAULT_POSITIONS),
            rms_norm_eps: raw.rms_norm_eps.unwrap_or(1e-6),
            rope_theta: theta(&raw),
            rope_scaling: scaling(&raw, &file)?,
            tied: raw.tie_word_embeddings.unwrap_or(false),
            qkv_bias: bias || family == Family::Qwen2,
            out_bias: bias,
            mlp_bias: raw.mlp_bias.unwrap_or(false),
            bos_token_id: first(raw.bos_token_id),
            eos_token_ids: match raw.eos_token_id {
                None => Vec::new(),
                Some(Ids::One(id)) => vec![id],
                Some(Ids::Many(ids)) => ids,
            },
        };
        config.check(&file)?;
        Ok(config)
    }

    fn check(&self, file: &str) -> Result<(), ModelError> {
        let fail = |field: &str, message: &str| Err(ModelError::field(file, field, message));
        let sane = |n: usize| (1..=MAX_WIDTH).contains(&n);
        for (field, n) in [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("vocab_size", self.vocab_size),
            ("head_dim", self.head_dim),
        ] {
            if !sane(n) {
                return fail(field, "out of range");
            }
        }
        if !(1..=MAX_LAYERS).contains(&self.layers) {
            return fail("num_hidden_layers", "out of range");
        }
        if self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) || self.heads > MAX_WIDTH
        {
            return fail("num_key_value_heads", "num_attention_heads must be a multiple of it");
        }
        if !self.head_dim.is_multiple_of(2) {
            return fail("head_dim", "must be even");
        }
        if !(self.rms_norm_eps > 0.0 && self.rms_norm_eps < 1.0) {
            return fail("rms_norm_eps", "must lie between 0 and 1");
        }
        if !(self.rope_theta.is_finite() && self.rope_theta > 1.0) {
            return fail("rope_theta", "must be above 1");
        }
        Ok(())
    }

    /// Angular frequency of each pair of a head, radians per position.
    pub fn frequencies(&self) -> Vec<f32> {
        (0..self.head_dim / 2)
            .map(|pair| {
                let plain = self.rope_theta.powf(-2.0 * pair as f64 / self.head_dim as f64);
                scale_frequency(plain, self.rope_scaling) as f32
            })
            .collect()
    }
}

fn scale_frequency(plain: f64, scaling: RopeScaling) -> f64 {
    match scaling {
        RopeScaling::Plain => plain,
        RopeScaling::Linear(factor) => plain / factor,
        RopeScaling::Llama3 { factor, low, high, original } => {
            let wavelength = std::f64::consts::TAU / plain;
            if wavelength < original / high {
                plain
            } else if wavelength > original / low {
                plain / factor
            } else {
                let smooth = (original / wavelength - low) / (high - low);
                (1.0 - smooth) * plain / factor + smooth * plain
            }
        }
    }
}

/// Every name that the config gives must be one we know; the first decides.
fn family(raw: &Raw, file: &str) -> Result<Family, ModelError> {
    let model_type = raw.model_type.iter().map(|name| ("model_type", name.as_str()));
    let architecture = raw.architectures.first().map(|name| ("architectures", name.as_str()));
    let named = model_type.chain(architecture).map(|(field, name)| match name {
        "llama" | "LlamaForCausalLM" | "LLaMAForCausalLM" => Ok(Family::Llama),
        "qwen2" | "Qwen2ForCausalLM" => Ok(Family::Qwen2),
        "qwen3" | "Qwen3ForCausalLM" => Ok(Family::Qwen3),
        other => Err(ModelError::field(
            file,
            field,
            format!("unknown language model {other:?}, known are llama, qwen2 and qwen3"),
        )),
    });
    let families = named.collect::<Result<Vec<_>, _>>()?;
    families
        .first()
        .copied()
        .ok_or_else(|| ModelError::field(file, "model_type", "missing, and so is architectures"))
}

fn theta(raw: &Raw) -> f64 {
    let nested = raw.rope_parameters.as_ref().and_then(|rope| rope.rope_theta);
    raw.rope_theta.or(nested).unwrap_or(10_000.0)
}

fn scaling(raw: &Raw, file: &str) -> Result<RopeScaling, ModelError> {
    let (field, rope) = match (&raw.rope_scaling, &raw.rope_parameters) {
        (Some(rope), _) => ("rope_scaling", rope),
        (None, Some(rope)) => ("rope_parameters", rope),
        (None, None) => return Ok(RopeScaling::Plain),
    };
    let number = |name: &str, value: Option<f64>| match value {
        Some(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err(ModelError::field(
            file,
            &format!("{field}.{name}"),
            "missing or not a positive number",
        )),
    };
    match rope.rope_type.as_deref().or(rope.old_type.as_deref()) {
        None | Some("default") => Ok(RopeScaling::Plain),
        Some("linear") => Ok(RopeScaling::Linear(number("factor", rope.factor)?)),
        Some("llama3") => {
            let low = number("low_freq_factor", rope.low_freq_factor)?;
            let high = number("high_freq_factor", rope.high_freq_factor)?;
            if high <= low {
                return Err(ModelError::field(
                    file,
                    &format!("{field}.high_freq_factor"),
                    "must be above low_freq_factor",
                ));
            }
            Ok(RopeScaling::Llama3 {
                factor: number("factor", rope.factor)?,
                low,
                high,
                original: number(
                    "original_max_position_embeddings",
                    rope.original_max_position_embeddings,
                )?,
            })
        }
        Some(other) => Err(ModelError::field(
            file,
            &format!("{field}.rope_type"),
            format!("{other:?} is not supported, only default, linear and llama3"),
        )),
    }
}

fn first(ids: Option<Ids>) -> Option<u32> {
    match ids? {
        Ids::One(id) => Some(id),
        Ids::Many(ids) => ids.first().copied(),
    }
}
