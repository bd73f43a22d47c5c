//! The language model: a decoder fed with embeddings, so that soft tokens and words go in alike.
//! The keys and values of a conversation live outside, in a [`KvCache`].

mod config;
mod graph;

use candle_core::{Device, Tensor};

pub use self::config::{Family, LmConfig, RopeScaling};
use self::graph::{Graph, Store};
use crate::{
    ModelError,
    backend::{Backend, OnDevice, Slices},
    compute::{Compute, Kernels},
    source::Source,
    weights::Weights,
};

/// A loaded decoder. Cheap to share, never changed by use.
#[derive(Debug)]
pub struct Lm {
    config: LmConfig,
    graph: AnyGraph,
}

#[derive(Debug)]
enum AnyGraph {
    Slices(Graph<Slices>),
    OnDevice(Graph<OnDevice>),
}

/// Keys and values of the positions that a decoder has seen. Made by [`Lm::cache`] and used with
/// that decoder only.
#[derive(Debug)]
pub struct KvCache(AnyStore);

#[derive(Debug)]
enum AnyStore {
    Slices(Store<Slices>),
    OnDevice(Store<OnDevice>),
}

/// For which positions [`Lm::forward`] gives logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logits {
    /// The last alone, for generation.
    Last,
    /// All.
    All,
}

impl Lm {
    /// Loads the decoder of `folder` (empty or ending in `/`).
    ///
    /// # Errors
    /// Whatever is wrong with the configuration or the weights, by file and field.
    pub fn load(source: &Source, folder: &str, compute: &Compute) -> Result<Self, ModelError> {
        let has_config = source.has(&format!("{folder}config.json"));
        if let (false, [gguf, ..]) = (has_config, &source.list(folder, ".gguf")[..]) {
            return Err(ModelError::file(
                gguf,
                "GGUF language models are not supported yet, use safetensors",
            ));
        }
        let config = LmConfig::load(source, folder)?;
        let weights = Weights::open_folder(source, folder)?;
        // MusiLingo's published shards hold the language model under its own name.
        let prefix = ["", "llama_model."]
            .into_iter()
            .find(|prefix| weights.has(&format!("{prefix}model.embed_tokens.weight")))
            .unwrap_or("");
        let graph = match compute.kernels(weights.elements()) {
            Kernels::Slices(b) => AnyGraph::Slices(Graph::load(b, &config, &weights, prefix)?),
            Kernels::OnDevice(b) => AnyGraph::OnDevice(Graph::load(b, &config, &weights, prefix)?),
        };
        Ok(Self { config, graph })
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &LmConfig {
        &self.config
    }

    /// An empty cache for this decoder.
    pub fn cache(&self) -> KvCache {
        KvCache(match &self.graph {
            AnyGraph::Slices(graph) => AnyStore::Slices(graph.store()),
            AnyGraph::OnDevice(graph) => AnyStore::OnDevice(graph.store()),
        })
    }

    /// Embeddings `[ids, hidden]` on the processor.
    ///
    /// # Errors
    /// [`ModelError::Input`] if an id is outside the vocabulary.
    pub fn embed(&self, ids: &[u32]) -> Result<Tensor, ModelError> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.config.vocab_size) {
            return Err(ModelError::input(
                "ids",
                format!("id {id} is outside the vocabulary of {}", self.config.vocab_size),
            ));
        }
        if ids.is_empty() {
            return self.tensor(Vec::new(), self.config.hidden_size);
        }
        let values = match &self.graph {
            AnyGraph::Slices(graph) => graph.backend.download(&graph.embed(ids)?)?,
            AnyGraph::OnDevice(graph) => graph.backend.download(&graph.embed(ids)?)?,
        };
        self.tensor(values, self.config.hidden_size)
    }

    /// Logits `[1 or positions, vocab]` for `embeds` `[positions, hidden]`, which follow what the
    /// cache holds.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the width is wrong, there is no position or the context is full.
    pub fn forward(
        &self,
        embeds: &Tensor,
        cache: &mut KvCache,
        logits: Logits,
    ) -> Result<Tensor, ModelError> {
        let values = self.accept(embeds, cache)?;
        let out = match (&self.graph, &mut cache.0) {
            (AnyGraph::Slices(graph), AnyStore::Slices(store)) => {
                step(graph, values, store, logits, self.config.hidden_size)?
            }
            (AnyGraph::OnDevice(graph), AnyStore::OnDevice(store)) => {
                step(graph, values, store, logits, self.config.hidden_size)?
            }
            _ => return Err(ModelError::input("cache", "made by another decoder")),
        };
        self.tensor(out, self.config.vocab_size)
    }

    /// The residual stream before each layer and, last, after the final norm: `[positions, hidden]`
    /// each, for `embeds` alone.
    ///
    /// # Errors
    /// As [`Lm::forward`].
    pub fn hidden_states(&self, embeds: &Tensor) -> Result<Vec<Tensor>, ModelError> {
        let values = self.accept(embeds, &self.cache())?;
        let states = match &self.graph {
            AnyGraph::Slices(graph) => trace(graph, values, self.config.hidden_size)?,
            AnyGraph::OnDevice(graph) => trace(graph, values, self.config.hidden_size)?,
        };
        states.into_iter().map(|state| self.tensor(state, self.config.hidden_size)).collect()
    }

    fn accept(&self, embeds: &Tensor, cache: &KvCache) -> Result<Vec<f32>, ModelError> {
        let hidden = self.config.hidden_size;
        let rows = match embeds.dims() {
            [rows, width] if *width == hidden && *rows > 0 => *rows,
            dims => {
                return Err(ModelError::input(
                    "embeds",
                    format!("shape {dims:?} where [1.., {hidden}] is needed"),
                ));
            }
        };
        if cache.len() + rows > self.config.max_positions {
            return Err(ModelError::input(
                "embeds",
                format!(
                    "{} positions do not fit the context of {}",
                    cache.len() + rows,
                    self.config.max_positions
                ),
            ));
        }
        Ok(embeds.flatten_all()?.to_vec1()?)
    }

    fn tensor(&self, values: Vec<f32>, columns: usize) -> Result<Tensor, ModelError> {
        let rows = values.len() / columns;
        Ok(Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
    }
}

impl KvCache {
    /// Positions held.
    pub fn len(&self) -> usize {
        match &self.0 {
            AnyStore::Slices(store) => store.len,
            AnyStore::OnDevice(store) => store.len,
        }
    }

    /// Whether no position is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn step<B: Backend>(
    graph: &Graph<B>,
    embeds: Vec<f32>,
    store: &mut Store<B>,
    logits: Logits,
    width: usize,
) -> Result<Vec<f32>, ModelError> {
    let b = &graph.backend;
    let mut x = graph.forward(b.upload(embeds, width)?, store, &mut |_, _| Ok(()))?;
    if logits == Logits::Last {
        x = b.last_row(&x)?;
    }
    b.download(&graph.logits(&x)?)
}

fn trace<B: Backend>(
    graph: &Graph<B>,
    embeds: Vec<f32>,
    width: usize,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let b = &graph.backend;
    let mut states = Vec::new();
    let last = graph.forward(b.upload(embeds, width)?, &mut graph.store(), &mut |b, x| {
        states.push(b.download(x)?);
        Ok(())
    })?;
    states.push(b.download(&last)?);
    Ok(states)
}
