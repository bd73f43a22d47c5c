//! Models on candle: the music encoder (MERT and the embedded default), the adapter to soft
//! tokens, Llama-style language models fed with embeddings, sampling, and the loading of all of
//! it from a folder or from bytes compiled in. Called by the engine's hub thread and by the
//! command line; starts no threads, knows no audio host.

mod adapter;
mod backend;
mod compute;
mod device;
mod encoder;
mod error;
mod folder;
mod generate;
mod heads;
mod heard;
mod lm;
mod log_mel;
mod model;
mod prompt;
mod sampling;
mod source;
mod tokenizer;
mod weights;

pub use candle_core::{Device, Tensor};

pub use self::{
    adapter::{Adapter, AdapterConfig, Layers, Mean},
    compute::Compute,
    device::{DeviceChoice, Opened},
    encoder::{ConvNorm, Encoder, EncoderConfig, Hidden, Keep},
    error::ModelError,
    folder::{Manifest, ModelFolder},
    generate::{Generated, Limits, OnText, generate},
    heads::Heads,
    heard::{Heard, Moments, Window},
    lm::{Family, KvCache, Lm, LmConfig, Logits, RopeScaling},
    log_mel::{LogMel, LogMelConfig, mel_filters},
    model::{Answer, Model},
    prompt::Prompt,
    sampling::Sampling,
    source::Source,
    tokenizer::Tokenizer,
    weights::Weights,
};
