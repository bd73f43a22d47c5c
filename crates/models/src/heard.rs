//! What a model keeps of the audio that it heard: soft tokens for the language model, and moments of the hidden states for
//! the heads. Plain data, a few kilobytes for a window; a bar's own part is cut out of it, and windows are joined.

use std::ops::Range;

use candle_core::{Device, Tensor};

use crate::ModelError;

/// One window or several: enough for every later question, without the audio.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Soft tokens `[tokens, d_model]`; no rows where the model has no adapter.
    pub soft_tokens: Tensor,
    /// The windows, in the order of time.
    pub windows: Vec<Window>,
    /// What was heard shortly before and after: who plays there is likely to play here.
    pub beside: Vec<Window>,
}

/// A window's stretches, each of which became one soft token; a single one where the model has no adapter.
pub type Window = Vec<Moments>;

/// Mean and variance of the hidden states over some frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Frames.
    pub frames: usize,
    /// Mean of each of the `[hidden]` values.
    pub mean: Vec<f32>,
    /// Their variance.
    pub variance: Vec<f32>,
}

impl Moments {
    /// The moments of `frames`, rows of `width` values.
    pub fn of(frames: &[f32], width: usize) -> Self {
        let count = frames.len() / width.max(1);
        let mut mean = vec![0.0_f64; width];
        let mut variance = vec![0.0_f64; width];
        for row in frames.chunks_exact(width.max(1)) {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x) / count as f64);
        }
        for row in frames.chunks_exact(width.max(1)) {
            for ((sum, mean), x) in variance.iter_mut().zip(&mean).zip(row) {
                *sum += (f64::from(*x) - mean).powi(2) / count as f64;
            }
        }
        let narrow = |values: Vec<f64>| values.into_iter().map(|x| x as f32).collect();
        Self { frames: count, mean: narrow(mean), variance: narrow(variance) }
    }

    /// The moments of several stretches as one: the variance within them and that of their means (Chan, Golub and LeVeque, 1983).
    fn together(parts: &[Self]) -> Self {
        let frames: usize = parts.iter().map(|part| part.frames).sum();
        let width = parts.first().map_or(0, |part| part.mean.len());
        let over_parts = |value: &dyn Fn(&Self) -> f64| -> f64 {
            parts.iter().map(|p| p.frames as f64 / frames.max(1) as f64 * value(p)).sum()
        };
        let (mut mean, mut variance) = (Vec::with_capacity(width), Vec::with_capacity(width));
        for i in 0..width {
            let middle = over_parts(&|part| f64::from(part.mean[i]));
            let spread = over_parts(&|part| {
                f64::from(part.variance[i]) + (f64::from(part.mean[i]) - middle).powi(2)
            });
            mean.push(middle as f32);
            variance.push(spread as f32);
        }
        Self { frames, mean, variance }
    }
}

/// [`Heard::pooled`] of some windows.
pub(crate) fn pooled(windows: &[Window]) -> impl Iterator<Item = Vec<f32>> {
    windows.iter().map(|window| {
        let Moments { mean, variance, .. } = Moments::together(window);
        mean.into_iter().chain(variance.into_iter().map(f32::sqrt)).collect()
    })
}

impl Heard {
    /// Mean and standard deviation of the hidden states over each window, `[2 hidden]`: what the heads read.
    pub fn pooled(&self) -> impl Iterator<Item = Vec<f32>> {
        pooled(&self.windows)
    }

    /// The same among what was heard shortly before and after it.
    #[must_use]
    pub fn among<'a>(self, others: impl IntoIterator<Item = &'a Self>) -> Self {
        let beside = others.into_iter().flat_map(|other| other.windows.iter().cloned()).collect();
        Self { beside, ..self }
    }

    /// The part of a single window that is `share` of its length (0 to 1): the soft tokens whose middle lies in it, else the
    /// one around its own middle. The encoder has heard the whole window. Several windows have no such part and stay.
    ///
    /// # Errors
    /// As candle's `narrow`, which these places never are beyond.
    pub fn part(&self, share: Range<f64>) -> Result<Self, ModelError> {
        let [window] = &self.windows[..] else { return Ok(self.clone()) };
        if window.len() < 2 || self.soft_tokens.dims().first() != Some(&window.len()) {
            return Ok(self.clone());
        }
        let total: usize = window.iter().map(|stretch| stretch.frames).sum();
        let mut start = 0;
        let middles: Vec<f64> = window
            .iter()
            .map(|stretch| {
                let middle = start as f64 + stretch.frames as f64 / 2.0;
                start += stretch.frames;
                middle / total as f64
            })
            .collect();
        let mut inside = (0..window.len()).filter(|&at| share.contains(&middles[at]));
        let (first, count) = match inside.next() {
            Some(first) => (first, 1 + inside.count()),
            None => {
                let middle = f64::midpoint(share.start, share.end);
                let ends_after = |at: &usize| {
                    let end: usize = window[..=*at].iter().map(|stretch| stretch.frames).sum();
                    end as f64 > middle * total as f64
                };
                ((0..window.len()).find(ends_after).unwrap_or(window.len() - 1), 1)
            }
        };
        Ok(Self {
            soft_tokens: self.soft_tokens.narrow(0, first, count)?,
            windows: vec![window[first..first + count].to_vec()],
            beside: self.beside.clone(),
        })
    }

    /// Several as one, in the order of time: their windows and soft tokens one after the other.
    ///
    /// # Errors
    /// [`ModelError::Input`] if there is none or they come from different models.
    pub fn join(parts: &[&Self]) -> Result<Self, ModelError> {
        let Some(first) = parts.first() else {
            return Err(ModelError::input("parts", "nothing heard"));
        };
        let width = first.soft_tokens.dims().get(1).copied().unwrap_or(0);
        let hidden = |heard: &Self| heard.windows.first()?.first().map(|m| m.mean.len());
        let mut tokens = Vec::new();
        for part in parts {
            if hidden(part) != hidden(first) || part.soft_tokens.dims().get(1) != Some(&width) {
                return Err(ModelError::input("parts", "windows from different models"));
            }
            tokens.extend(part.soft_tokens.flatten_all()?.to_vec1::<f32>()?);
        }
        let rows = tokens.len().checked_div(width).unwrap_or(0);
        Ok(Self {
            soft_tokens: Tensor::from_vec(tokens, (rows, width), &Device::Cpu)?,
            windows: parts.iter().flat_map(|part| part.windows.iter().cloned()).collect(),
            beside: parts.iter().flat_map(|part| part.beside.iter().cloned()).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
