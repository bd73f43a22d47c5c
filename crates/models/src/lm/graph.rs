//! The decoder's graph over any backend: norms before each part, rotary positions, grouped heads.

use super::config::{Family, LmConfig};
use crate::{
    ModelError,
    backend::{Backend, Heads, Mask},
    weights::Weights,
};

type Result<T> = std::result::Result<T, ModelError>;

#[derive(Clone, Debug)]
struct Linear<B: Backend> {
    weight: B::Weight,
    bias: Option<B::Weight>,
}

#[derive(Clone, Debug)]
struct Layer<B: Backend> {
    input_norm: B::Weight,
    query: Linear<B>,
    key: Linear<B>,
    value: Linear<B>,
    out: Linear<B>,
    /// Qwen3's norms on each head of query and key.
    head_norms: Option<(B::Weight, B::Weight)>,
    post_norm: B::Weight,
    gate: Linear<B>,
    up: Linear<B>,
    down: Linear<B>,
}

/// One layer's keys and values, nothing before the first position.
#[derive(Debug)]
struct Past<B: Backend> {
    keys: Option<B::Array>,
    values: Option<B::Array>,
}

/// Keys and values of the positions so far.
#[derive(Debug)]
pub(super) struct Store<B: Backend> {
    layers: Vec<Past<B>>,
    pub(super) len: usize,
}

/// The loaded weights.
#[derive(Clone, Debug)]
pub(super) struct Graph<B: Backend> {
    pub(super) backend: B,
    config: LmConfig,
    frequencies: Vec<f32>,
    embeddings: B::Weight,
    layers: Vec<Layer<B>>,
    norm: B::Weight,
    head: B::Weight,
}

impl<B: Backend> Graph<B> {
    pub(super) fn load(
        backend: B,
        config: &LmConfig,
        weights: &Weights,
        prefix: &str,
    ) -> Result<Self> {
        let load = Loader { backend: &backend, weights, prefix };
        let (vocab, hidden) = (config.vocab_size, config.hidden_size);
        let embeddings = load.table("model.embed_tokens.weight", &[vocab, hidden])?;
        // A head in the file is used even where the config says that it is tied.
        let head = if config.tied && !weights.has(&format!("{prefix}lm_head.weight")) {
            embeddings.clone()
        } else {
            load.weight("lm_head.weight", &[vocab, hidden])?
        };
        let norm = load.weight("model.norm.weight", &[hidden])?;
        let layers =
            (0..config.layers).map(|index| load.layer(config, index)).collect::<Result<_>>()?;
        Ok(Self {
            config: config.clone(),
            frequencies: config.frequencies(),
            embeddings,
            layers,
            norm,
            head,
            backend,
        })
    }

    pub(super) fn store(&self) -> Store<B> {
        Store {
            layers: self.layers.iter().map(|_| Past { keys: None, values: None }).collect(),
            len: 0,
        }
    }

    pub(super) fn embed(&self, ids: &[u32]) -> Result<B::Array> {
        self.backend.embed(&self.embeddings, ids, self.config.hidden_size)
    }

    /// Residual streams after the final norm for `x` `[positions, hidden]`, which follow what the
    /// store holds. `visit` sees the stream before each layer.
    pub(super) fn forward(
        &self,
        mut x: B::Array,
        store: &mut Store<B>,
        visit: &mut dyn FnMut(&B, &B::Array) -> Result<()>,
    ) -> Result<B::Array> {
        let b = &self.backend;
        let rows = b.rows(&x);
        let angles = || {
            (store.len..store.len + rows).flat_map(|position| {
                self.frequencies.iter().map(move |frequency| position as f32 * frequency)
            })
        };
        let cos: Vec<f32> = angles().map(f32::cos).collect();
        let sin: Vec<f32> = angles().map(f32::sin).collect();
        for (layer, past) in self.layers.iter().zip(&mut store.layers) {
            visit(b, &x)?;
            let normed = b.rms_norm(&x, &layer.input_norm, self.config.rms_norm_eps)?;
            let mixed = self.attention(layer, &normed, (&cos, &sin), past, store.len)?;
            x = b.add(mixed, &x)?;
            let normed = b.rms_norm(&x, &layer.post_norm, self.config.rms_norm_eps)?;
            let gate = self.linear(&normed, &layer.gate)?;
            let inner = b.swiglu(gate, &self.linear(&normed, &layer.up)?)?;
            x = b.add(self.linear(&inner, &layer.down)?, &x)?;
        }
        store.len += rows;
        b.rms_norm(&x, &self.norm, self.config.rms_norm_eps)
    }

    /// Logits `[rows, vocab]` of normed streams.
    pub(super) fn logits(&self, x: &B::Array) -> Result<B::Array> {
        self.backend.linear(x, &self.head, None)
    }

    fn attention(
        &self,
        layer: &Layer<B>,
        x: &B::Array,
        (cos, sin): (&[f32], &[f32]),
        past: &mut Past<B>,
        offset: usize,
    ) -> Result<B::Array> {
        let b = &self.backend;
        let (mut q, mut k) = (self.linear(x, &layer.query)?, self.linear(x, &layer.key)?);
        if let Some((query_norm, key_norm)) = &layer.head_norms {
            q = b.rms_norm(&q, query_norm, self.config.rms_norm_eps)?;
            k = b.rms_norm(&k, key_norm, self.config.rms_norm_eps)?;
        }
        let width = self.config.head_dim;
        q = b.rope(q, cos, sin, width)?;
        let keys = b.append(&mut past.keys, b.rope(k, cos, sin, width)?)?;
        let values = b.append(&mut past.values, self.linear(x, &layer.value)?)?;
        let heads = Heads { queries: self.config.heads, keys: self.config.kv_heads, width };
        let mixed = b.attend(&q, keys, values, heads, Mask::Causal { offset })?;
        self.linear(&mixed, &layer.out)
    }

    fn linear(&self, x: &B::Array, linear: &Linear<B>) -> Result<B::Array> {
        self.backend.linear(x, &linear.weight, linear.bias.as_ref())
    }
}

struct Loader<'a, B> {
    backend: &'a B,
    weights: &'a Weights,
    prefix: &'a str,
}

impl<B: Backend> Loader<'_, B> {
    fn weight(&self, name: &str, shape: &[usize]) -> Result<B::Weight> {
        let values = self.weights.values(&format!("{}{name}", self.prefix), shape)?;
        self.backend.weight(values, shape)
    }

    fn table(&self, name: &str, shape: &[usize]) -> Result<B::Weight> {
        let values = self.weights.values(&format!("{}{name}", self.prefix), shape)?;
        self.backend.table(values, shape)
    }

    fn linear(&self, name: &str, shape: [usize; 2], bias: bool) -> Result<Linear<B>> {
        let weight = self.weight(&format!("{name}.weight"), &shape)?;
        let bias =
            if bias { Some(self.weight(&format!("{name}.bias"), &shape[..1])?) } else { None };
        Ok(Linear { weight, bias })
    }

    fn layer(&self, config: &LmConfig, index: usize) -> Result<Layer<B>> {
        let name = |part: &str| format!("model.layers.{index}.{part}");
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let head_norms = if config.family == Family::Qwen3 {
            Some((
                self.weight(&name("self_attn.q_norm.weight"), &[config.head_dim])?,
                self.weight(&name("self_attn.k_norm.weight"), &[config.head_dim])?,
            ))
        } else {
            None
        };
        Ok(Layer {
            input_norm: self.weight(&name("input_layernorm.weight"), &[hidden])?,
            query: self.linear(&name("self_attn.q_proj"), [queries, hidden], config.qkv_bias)?,
            key: self.linear(&name("self_attn.k_proj"), [keys, hidden], config.qkv_bias)?,
            value: self.linear(&name("self_attn.v_proj"), [keys, hidden], config.qkv_bias)?,
            out: self.linear(&name("self_attn.o_proj"), [hidden, queries], config.out_bias)?,
            head_norms,
            post_norm: self.weight(&name("post_attention_layernorm.weight"), &[hidden])?,
            gate: self.linear(&name("mlp.gate_proj"), [inner, hidden], config.mlp_bias)?,
            up: self.linear(&name("mlp.up_proj"), [inner, hidden], config.mlp_bias)?,
            down: self.linear(&name("mlp.down_proj"), [hidden, inner], config.mlp_bias)?,
        })
    }
}
