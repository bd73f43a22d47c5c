//! From embeddings to words: one token at a time, shown as they come, stopped by the model, by a
//! stop text, by the limit or by the caller.

use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::Tensor;

use crate::{
    Lm, Logits, ModelError, Sampling, Tokenizer,
    prompt::settled,
    sampling::{Sampler, log_prob},
};

/// When and how to generate.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    /// How tokens are drawn.
    pub sampling: &'a Sampling,
    /// Most tokens.
    pub max_tokens: usize,
    /// Tokens that end the text and are not part of it.
    pub stop_ids: &'a [u32],
    /// Texts that end it; the raw text may hold one at its end.
    pub stop_texts: &'a [String],
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// The tokens, without the one that ended the text.
    pub tokens: Vec<u32>,
    /// Their text, special tokens included.
    pub text: String,
    /// Natural logarithm of the probability of all of them, at temperature 1.
    pub log_prob: f64,
}

impl Generated {
    /// Geometric mean of the tokens' probabilities, 0 to 1; 0 where there is none.
    pub fn confidence(&self) -> f64 {
        if self.tokens.is_empty() {
            return 0.0;
        }
        (self.log_prob / self.tokens.len() as f64).exp().clamp(0.0, 1.0)
    }
}

/// Gets a text in pieces, each with the natural logarithm of the probability of everything up to its end.
pub type OnText<'a> = dyn FnMut(&str, f64) + 'a;

/// Generates after `embeds` `[positions, hidden]`. `on_text` gets the text in pieces: nothing of a
/// stop text, no half character.
///
/// # Errors
/// [`ModelError::Cancelled`] as soon as `cancel` is raised, and whatever the model returns.
pub fn generate(
    lm: &Lm,
    tokenizer: &Tokenizer,
    embeds: &Tensor,
    limits: &Limits<'_>,
    cancel: &AtomicBool,
    on_text: &mut OnText<'_>,
) -> Result<Generated, ModelError> {
    let mut cache = lm.cache();
    let mut sampler = Sampler::new(limits.sampling);
    let mut out = Generated { tokens: Vec::new(), text: String::new(), log_prob: 0.0 };
    let mut shown = 0;
    let mut next = embeds.clone();
    while out.tokens.len() < limits.max_tokens && cache.len() < lm.config().max_positions {
        if cancel.load(Ordering::Relaxed) {
            return Err(ModelError::Cancelled);
        }
        let logits: Vec<f32> =
            lm.forward(&next, &mut cache, Logits::Last)?.flatten_all()?.to_vec1()?;
        let id = sampler.draw(&logits, &out.tokens);
        if limits.stop_ids.contains(&id) {
            break;
        }
        out.log_prob += log_prob(&logits, id);
        out.tokens.push(id);
        out.text = tokenizer.decode(answer_ids(tokenizer, &out.tokens))?;
        if limits.stop_texts.iter().any(|stop| !stop.is_empty() && out.text.contains(stop.as_str()))
        {
            break;
        }
        show(&out, settled(&out.text, limits.stop_texts), &mut shown, on_text);
        next = lm.embed(&[id])?;
    }
    let end = limits
        .stop_texts
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| out.text.find(stop.as_str()))
        .min();
    show(&out, end.unwrap_or(out.text.len()), &mut shown, on_text);
    Ok(out)
}

fn show(out: &Generated, to: usize, shown: &mut usize, on_text: &mut OnText<'_>) {
    if let Some(piece) = out.text.get(*shown..to).filter(|piece| !piece.is_empty()) {
        on_text(piece, out.log_prob);
        *shown = to;
    }
}

/// Without one leading unknown and then one leading begin token, which MusiLingo's model gives.
fn answer_ids<'a>(tokenizer: &Tokenizer, mut ids: &'a [u32]) -> &'a [u32] {
    for token in ["<unk>", "<s>"] {
        if let ([first, rest @ ..], Some(id)) = (ids, tokenizer.id(token))
            && *first == id
        {
            ids = rest;
        }
    }
    ids
}
