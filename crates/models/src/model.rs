//! A whole model: what the hub calls to hear a window and to put it into words.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use candle_core::{Device, Tensor};

use crate::{
    Adapter, Encoder, Heads, Hidden, Keep, Limits, Lm, Manifest, ModelError, Sampling, Tokenizer,
    generate,
};

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

/// What a model keeps of one window: enough for every later question, without the audio.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Soft tokens `[tokens, d_model]`; no rows where the model has no adapter.
    pub soft_tokens: Tensor,
    /// Mean and standard deviation of the hidden states over time, `[2 hidden]`.
    pub pooled: Vec<f32>,
    /// Encoder frames.
    pub frames: usize,
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
    /// Mean natural logarithm of their probabilities; minus infinity where there is no token.
    pub mean_log_prob: f64,
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

    /// The soft tokens of a part of a window, which is `share` of its length (0 to 1): those whose middle lies in it,
    /// else the one around its own middle. The encoder has heard the whole window, and `pooled` stays that of the whole.
    ///
    /// # Errors
    /// As candle's `narrow`, which these places never are beyond.
    pub fn part(&self, heard: &Heard, share: Range<f64>) -> Result<Heard, ModelError> {
        let rows = heard.soft_tokens.dims().first().copied().unwrap_or(0);
        let Some(adapter) = self.adapter.as_ref().filter(|_| rows > 1) else {
            return Ok(heard.clone());
        };
        let chunk = adapter.chunk_frames();
        let frames = heard.frames as f64;
        let middle = |row: usize| {
            let start = row * chunk;
            (start + (start + chunk).min(heard.frames)) as f64 / 2.0 / frames
        };
        let mut inside = (0..rows).filter(|&row| share.contains(&middle(row)));
        let (first, count) = match inside.next() {
            Some(first) => (first, 1 + inside.count()),
            None => {
                let at = f64::midpoint(share.start, share.end) * frames / chunk as f64;
                ((at.max(0.0) as usize).min(rows - 1), 1)
            }
        };
        let soft_tokens = heard.soft_tokens.narrow(0, first, count)?;
        Ok(Heard { soft_tokens, ..heard.clone() })
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
        Ok(Heard { soft_tokens, pooled: hidden.pooled(), frames: hidden.frames })
    }

    /// Answers an instruction about what was heard. `on_token` gets the raw text as it comes.
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
        on_token: &mut dyn FnMut(&str),
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
        let out = generate(lm, tokenizer, &embeds, &limits, cancel, on_token)?;
        Ok(Answer {
            text: prompt.answer_in(&out.text),
            raw_text: out.text,
            tokens: out.tokens,
            mean_log_prob: out.mean_log_prob,
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

    /// Stem labels with probabilities that sum to 1, likeliest first.
    ///
    /// # Errors
    /// [`ModelError::Absent`] without heads.
    pub fn labels(&self, heard: &Heard) -> Result<Vec<(String, f32)>, ModelError> {
        self.heads()?.labels(&heard.pooled)
    }

    /// Instruments with independent probabilities, likeliest first.
    ///
    /// # Errors
    /// [`ModelError::Absent`] without heads.
    pub fn instruments(&self, heard: &Heard) -> Result<Vec<(String, f32)>, ModelError> {
        self.heads()?.instruments(&heard.pooled)
    }

    /// Descriptors of the sound, each from 0 to 1.
    ///
    /// # Errors
    /// [`ModelError::Absent`] without heads.
    pub fn descriptors(&self, heard: &Heard) -> Result<Vec<(String, f32)>, ModelError> {
        self.heads()?.descriptors(&heard.pooled)
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

impl Heard {
    /// Several windows as one, in time order: soft tokens one after the other, pooled states
    /// averaged by their frames.
    ///
    /// # Errors
    /// [`ModelError::Input`] if there is no window or they come from different models.
    pub fn join(parts: &[&Self]) -> Result<Self, ModelError> {
        let Some(first) = parts.first() else {
            return Err(ModelError::input("parts", "nothing heard"));
        };
        let width = first.soft_tokens.dims().get(1).copied().unwrap_or(0);
        let frames: usize = parts.iter().map(|part| part.frames).sum();
        let mut tokens = Vec::new();
        let mut pooled = vec![0.0; first.pooled.len()];
        for part in parts {
            if part.pooled.len() != pooled.len() || part.soft_tokens.dims().get(1) != Some(&width) {
                return Err(ModelError::input("parts", "windows from different models"));
            }
            tokens.extend(part.soft_tokens.flatten_all()?.to_vec1::<f32>()?);
            let share = part.frames as f32 / frames.max(1) as f32;
            pooled.iter_mut().zip(&part.pooled).for_each(|(sum, x)| *sum += share * x);
        }
        let rows = tokens.len().checked_div(width).unwrap_or(0);
        Ok(Self {
            soft_tokens: Tensor::from_vec(tokens, (rows, width), &Device::Cpu)?,
            pooled,
            frames,
        })
    }
}
