//! Times the default model's shapes with random weights on one core:
//! `cargo run --release -p models --example speed`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, not a part of the product"
)]

use std::{collections::HashMap, path::Path, time::Instant};

use candle_core::{Device, Tensor};
use models::{Compute, Encoder, Keep, Lm, Logits, Source};
use serde_json::{Value, json};

/// Width, layers and inner width of the default encoder and language model.
const ENCODER: (usize, usize, usize) = (192, 4, 768);
const LM: (usize, usize, usize) = (192, 3, 384);
const VOCAB: usize = 1024;
const RUNS: usize = 40;

type Tensors = HashMap<String, Tensor>;

fn put(all: &mut Tensors, name: String, shape: &[usize]) {
    let tensor = if name.ends_with("norm.weight") {
        Tensor::ones(shape, candle_core::DType::F32, &Device::Cpu).unwrap()
    } else {
        Tensor::randn(0.0f32, 0.05, shape, &Device::Cpu).unwrap()
    };
    all.insert(name, tensor);
}

fn pair(all: &mut Tensors, name: &str, shape: &[usize]) {
    put(all, format!("{name}.weight"), shape);
    put(all, format!("{name}.bias"), &shape[..1]);
}

fn encoder(dir: &Path) {
    let (hidden, layers, inner) = ENCODER;
    let config = json!({
        "model_type": "barline_encoder", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": 4,
        "intermediate_size": inner, "conv_dim": [hidden, hidden], "conv_kernel": [3, 3], "conv_stride": [2, 2],
        "conv_bias": true, "feat_extract_norm": "layer", "feat_proj_layer_norm": true, "do_stable_layer_norm": false,
        "num_conv_pos_embeddings": 32, "num_conv_pos_embedding_groups": 16, "layer_norm_eps": 1e-5, "sample_rate": 24000,
        "log_mel": {"n_fft": 1024, "hop": 240, "n_mels": 96, "f_min": 30.0, "f_max": 12000.0, "top_db": 80.0, "scale_db": 20.0},
    });
    let mut all = Tensors::new();
    for (index, inputs) in [96, hidden].into_iter().enumerate() {
        let name = format!("feature_extractor.conv_layers.{index}");
        pair(&mut all, &format!("{name}.conv"), &[hidden, inputs, 3]);
        pair(&mut all, &format!("{name}.layer_norm"), &[hidden]);
    }
    pair(&mut all, "feature_projection.layer_norm", &[hidden]);
    pair(&mut all, "feature_projection.projection", &[hidden, hidden]);
    pair(&mut all, "encoder.layer_norm", &[hidden]);
    pair(&mut all, "encoder.pos_conv_embed.conv", &[hidden, hidden / 16, 32]);
    for layer in 0..layers {
        let name = |part: &str| format!("encoder.layers.{layer}.{part}");
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            pair(&mut all, &name(&format!("attention.{part}")), &[hidden, hidden]);
        }
        pair(&mut all, &name("layer_norm"), &[hidden]);
        pair(&mut all, &name("final_layer_norm"), &[hidden]);
        pair(&mut all, &name("feed_forward.intermediate_dense"), &[inner, hidden]);
        pair(&mut all, &name("feed_forward.output_dense"), &[hidden, inner]);
    }
    save(dir, &config, &all);
}

fn lm(dir: &Path) {
    let (hidden, layers, inner) = LM;
    let config = json!({
        "model_type": "llama", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": inner, "vocab_size": VOCAB, "tie_word_embeddings": true,
        "max_position_embeddings": 1024,
    });
    let mut all = Tensors::new();
    put(&mut all, "model.embed_tokens.weight".to_owned(), &[VOCAB, hidden]);
    put(&mut all, "model.norm.weight".to_owned(), &[hidden]);
    for layer in 0..layers {
        let mut add = |part: &str, shape: &[usize]| {
            put(&mut all, format!("model.layers.{layer}.{part}.weight"), shape)
        };
        add("input_layernorm", &[hidden]);
        add("post_attention_layernorm", &[hidden]);
        add("self_attn.q_proj", &[hidden, hidden]);
        add("self_attn.k_proj", &[hidden / 2, hidden]);
        add("self_attn.v_proj", &[hidden / 2, hidden]);
        add("self_attn.o_proj", &[hidden, hidden]);
        add("mlp.gate_proj", &[inner, hidden]);
        add("mlp.up_proj", &[inner, hidden]);
        add("mlp.down_proj", &[hidden, inner]);
    }
    save(dir, &config, &all);
}

fn save(dir: &Path, config: &Value, all: &Tensors) {
    std::fs::write(dir.join("config.json"), config.to_string()).unwrap();
    candle_core::safetensors::save(all, dir.join("model.safetensors")).unwrap();
}

/// Seconds this thread has run, by the scheduler's count where there is one (Linux): other work on
/// the machine does not enter.
fn spent(start: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split(' ').next().and_then(|field| field.parse::<f64>().ok());
    ns.map_or_else(|| start.elapsed().as_secs_f64(), |ns| ns * 1e-9)
}

/// Milliseconds of one run on average.
fn timed(mut run: impl FnMut()) -> f64 {
    run();
    let start = Instant::now();
    let before = spent(start);
    (0..RUNS).for_each(|_| run());
    (spent(start) - before) * 1e3 / RUNS as f64
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let compute = Compute::cpu();
    encoder(dir.path());
    let source = Source::Dir(dir.path().to_owned());
    let model = Encoder::load(&source, "", None, &compute).unwrap();
    let audio: Vec<f32> = (0..96_000).map(|i| (i as f32 * 0.05).sin() * 0.3).collect();
    let config = model.config();
    let (log_mel, min_frames) = (config.log_mel.unwrap(), config.min_frames());
    let mel = models::LogMel::new(log_mel, 24_000, min_frames, "").unwrap();
    println!("log-mel, 4 s: {:.2} ms", timed(|| drop(mel.forward(&audio))));
    let frames = model.frames(audio.len());
    println!(
        "encoder, 4 s, {frames} frames: {:.2} ms",
        timed(|| drop(model.encode(&audio, Keep::Mean).unwrap()))
    );

    lm(dir.path());
    let model = Lm::load(&source, "", &compute).unwrap();
    let prompt = model.embed(&(0..100).collect::<Vec<u32>>()).unwrap();
    println!(
        "prompt of 100: {:.2} ms",
        timed(|| drop(model.forward(&prompt, &mut model.cache(), Logits::Last).unwrap()))
    );
    let mut cache = model.cache();
    model.forward(&prompt, &mut cache, Logits::Last).unwrap();
    let one = model.embed(&[7]).unwrap();
    println!(
        "one token after 100: {:.3} ms",
        timed(|| drop(model.forward(&one, &mut cache, Logits::Last).unwrap()))
    );
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    println!("threads of this process: {threads}");
}
