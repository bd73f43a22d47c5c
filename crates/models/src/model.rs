//! A whole model: what the hub calls to hear a window and to put it into words.

use std::sync::atomic::AtomicBool;

use candle_core::{Device, Tensor};

use crate::{
    Adapter, Encoder, Heads, Heard, Hidden, Keep, Limits, Lm, Manifest, ModelError, Moments,
    OnText, Sampling, Tokenizer, generate,
    heard::{Window, pooled},
};

/// Odds are no closer to none and to certainty than this, so that their logits stay finite.
const LEAST_ODDS: f32 = 1e-6;

/// The parts of one model folder. Cheap to share, never changed by use.
#[derive(Debug)]
pub struct Model {
    /// barline.json.
    pub manifest: Manifest,
    /// Audio to hidden states.
    pub encoder: Option<Encoder>,
    /// Hidden states to soft tokens.
    pub adapter: Option<Adapter>,
    /// Embeddings to words.
    pub lm: Option<Lm>,
    /// The language model's tokenizer.
    pub tokenizer: Option<Tokenizer>,
    /// Hidden states to labels.
    pub heads: Option<Heads>,
}

/// An answer in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer, cut as the prompt says.
    pub text: String,
    /// What the model wrote.
    pub raw_text: String,
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// See [`crate::Generated::confidence`].
    pub confidence: f64,
}

impl Model {
    /// Hears one window of mono audio at 24 kHz.
    ///
    /// # Errors
    /// [`ModelError::Absent`] without an encoder, and as [`Encoder::encode`].
    pub fn soft_tokens(&self, samples_24k: &[f32]) -> Result<Heard, ModelError> {
        let encoder = self.encoder()?;
        let states = self.adapter.as_ref().is_some_and(Adapter::needs_states);
        let hidden = encoder.encode(samples_24k, if states { Keep::All } else { Keep::Mean })?;
        self.heard(&hidden)
    }

    /// The same from hidden states at hand.
    ///
    /// # Errors
    /// As [`Adapter::forward`].
    pub fn heard(&self, hidden: &Hidden) -> Result<Heard, ModelError> {
        let soft_tokens = match &self.adapter {
            Some(adapter) => adapter.forward(hidden)?,
            None => Tensor::from_vec(Vec::<f32>::new(), (0, hidden.width), &Device::Cpu)?,
        };
        let chunk = self.adapter.as_ref().map_or(hidden.frames, Adapter::chunk_frames);
        let stretches = hidden.mean.chunks((chunk * hidden.width).max(1));
        let window = stretches.map(|frames| Moments::of(frames, hidden.width)).collect();
        Ok(Heard { soft_tokens, windows: vec![window], beside: Vec::new() })
    }

    /// Answers an instruction about what was heard. `on_text` gets the raw text as it comes.
    ///
    /// # Errors
    /// [`ModelError::Absent`] without a language model or prompt, [`ModelError::Cancelled`] once
    /// `cancel` is raised, and as [`Lm::forward`].
    pub fn answer(
        &self,
        heard: &Heard,
        instruction: &str,
        sampling: &Sampling,
        max_tokens: usize,
        cancel: &AtomicBool,
        on_text: &mut OnText<'_>,
    ) -> Result<Answer, ModelError> {
        let embeds = self.prompt_embeds(heard, instruction)?;
        let (lm, tokenizer) = self.speaker()?;
        let prompt = self.manifest.prompt.as_ref().ok_or(ModelError::Absent { part: "prompt" })?;
        let limits = Limits {
            sampling,
            max_tokens,
            stop_ids: &lm.config().eos_token_ids,
            stop_texts: &prompt.stop,
        };
        let out = generate(lm, tokenizer, &embeds, &limits, cancel, on_text)?;
        Ok(Answer {
            text: prompt.answer_in(&out.text),
            confidence: out.confidence(),
            raw_text: out.text,
            tokens: out.tokens,
        })
    }

    /// The prompt as embeddings `[positions, hidden]`: begin token, first half, soft tokens, second
    /// half. The halves are tokenised on their own and nothing is scaled.
    ///
    /// # Errors
    /// As [`Model::answer`].
    pub fn prompt_embeds(&self, heard: &Heard, instruction: &str) -> Result<Tensor, ModelError> {
        let (lm, tokenizer) = self.speaker()?;
        let prompt = self.manifest.prompt.as_ref().ok_or(ModelError::Absent { part: "prompt" })?;
        let (before, after) = prompt.halves(instruction);
        let mut ids = Vec::new();
        if prompt.bos {
            let bos = lm.config().bos_token_id.or_else(|| tokenizer.id("<s>"));
            ids.push(bos.ok_or_else(|| {
                ModelError::field(
                    "barline.json",
                    "prompt.bos",
                    "the language model names no bos_token_id",
                )
            })?);
        }
        ids.extend(tokenizer.encode(&before)?);
        let parts =
            [lm.embed(&ids)?, heard.soft_tokens.clone(), lm.embed(&tokenizer.encode(&after)?)?];
        let width = lm.config().hidden_size;
        let mut values = Vec::new();
        for part in parts.iter().filter(|part| part.elem_count() > 0) {
            if part.dims() != [part.elem_count() / width, width] {
                return Err(ModelError::input(
                    "heard",
                    format!("soft tokens {:?} for a width of {width}", part.dims()),
                ));
            }
            values.extend(part.flatten_all()?.to_vec1::<f32>()?);
        }
        let rows = values.len() / width;
        Ok(Tensor::from_vec(values, (rows, width), &Device::Cpu)?)
    }

    /// Stem labels with probabilities that sum to 1, likeliest first; of several windows the mean.
    ///
    /// # Errors
    /// [`ModelError::Absent`] without heads, [`ModelError::Input`] if another model heard it.
    pub fn labels(&self, heard: &Heard) -> Result<Vec<(String, f32)>, ModelError> {
        let heads = self.heads()?;
        let labels = over_windows(&heard.windows, |pooled| heads.labels(pooled), mean)?;
        Ok(ranked(labels))
    }

    /// Instruments with independent probabilities, likeliest first. Of several windows the mean of the two in which each is
    /// likeliest: what plays in a part of a song plays in it. What was heard beside them counts as much as they do, in logits: bands
    /// change more slowly than what a bar sounds like.
    ///
    /// # Errors
    /// As [`Model::labels`].
    pub fn instruments(&self, heard: &Heard) -> Result<Vec<(String, f32)>, ModelError> {
        let heads = self.heads()?;
        let read = |windows: &[Window], together: fn(Vec<f32>) -> f32| {
            over_windows(windows, |pooled| heads.instruments(pooled), together)
        };
        let mut instruments = read(&heard.windows, highest_two)?;
        for ((_, odds), (_, beside)) in instruments.iter_mut().zip(read(&heard.beside, mean_logit)?)
        {
            *odds = mean_logit(vec![*odds, beside]);
        }
        Ok(ranked(instruments))
    }

    /// Descriptors of the sound, each from 0 to 1, in the file's order; of several windows the mean.
    ///
    /// # Errors
    /// As [`Model::labels`].
    pub fn descriptors(&self, heard: &Heard) -> Result<Vec<(String, f32)>, ModelError> {
        let heads = self.heads()?;
        over_windows(&heard.windows, |pooled| heads.descriptors(pooled), mean)
    }

    /// The encoder.
    ///
    /// # Errors
    /// [`ModelError::Absent`] if there is none.
    pub fn encoder(&self) -> Result<&Encoder, ModelError> {
        self.encoder.as_ref().ok_or(ModelError::Absent { part: "encoder" })
    }

    /// The heads.
    ///
    /// # Errors
    /// [`ModelError::Absent`] if there are none.
    pub fn heads(&self) -> Result<&Heads, ModelError> {
        self.heads.as_ref().ok_or(ModelError::Absent { part: "heads" })
    }

    fn speaker(&self) -> Result<(&Lm, &Tokenizer), ModelError> {
        let lm = self.lm.as_ref().ok_or(ModelError::Absent { part: "language model" })?;
        let tokenizer = self.tokenizer.as_ref().ok_or(ModelError::Absent { part: "tokenizer" })?;
        Ok((lm, tokenizer))
    }
}

/// What a head gives each window, taken `together` for each of its classes.
fn over_windows(
    windows: &[Window],
    head: impl Fn(&[f32]) -> Result<Vec<(String, f32)>, ModelError>,
    together: impl Fn(Vec<f32>) -> f32,
) -> Result<Vec<(String, f32)>, ModelError> {
    let mut windows = pooled(windows).map(|pooled| head(&pooled));
    let Some(first) = windows.next().transpose()? else { return Ok(Vec::new()) };
    let mut classes: Vec<(String, Vec<f32>)> =
        first.into_iter().map(|(name, score)| (name, vec![score])).collect();
    for scores in windows {
        classes.iter_mut().zip(scores?).for_each(|(class, (_, score))| class.1.push(score));
    }
    Ok(classes.into_iter().map(|(name, scores)| (name, together(scores))).collect())
}

fn mean(scores: Vec<f32>) -> f32 {
    scores.iter().sum::<f32>() / scores.len() as f32
}

/// The probability whose logit is the mean of theirs.
fn mean_logit(odds: Vec<f32>) -> f32 {
    let logit = |p: f32| (p.max(LEAST_ODDS) / (1.0 - p).max(LEAST_ODDS)).ln();
    1.0 / (1.0 + (-mean(odds.into_iter().map(logit).collect())).exp())
}

fn highest_two(mut scores: Vec<f32>) -> f32 {
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.truncate(2);
    mean(scores)
}

fn ranked(mut scores: Vec<(String, f32)>) -> Vec<(String, f32)> {
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_taken_together_class_by_class() {
        let windows = [0.2_f32, 0.9, 0.5].map(|x| vec![Moments::of(&[x], 1)]).to_vec();
        let head = |pooled: &[f32]| {
            Ok(vec![("it".to_owned(), pooled[0]), ("not".to_owned(), 1.0 - pooled[0])])
        };
        let of = |together: fn(Vec<f32>) -> f32| over_windows(&windows, head, together).unwrap();
        let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(close(of(mean)[0].1, 1.6 / 3.0) && close(of(highest_two)[0].1, 0.7));
        assert!(close(of(highest_two)[1].1, 0.65));
        assert_eq!(ranked(of(mean))[0].0, "it");
    }

    #[test]
    fn logits_have_a_mean_that_stays_finite() {
        let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(close(mean_logit(vec![0.9, 0.1]), 0.5) && close(mean_logit(vec![0.8]), 0.8));
        assert!(close(mean_logit(vec![1.0, 0.0]), 0.5));
        assert!(mean_logit(vec![0.9, 0.6]) > 0.75);
    }
}
