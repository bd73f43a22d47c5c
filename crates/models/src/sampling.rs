//! Choosing the next token: transformers' logits processors in its order (repetition penalty,
//! temperature, top-k, top-p, min-p), then one draw.

use rand::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

/// How tokens are drawn. The default is greedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the likeliest token.
    pub temperature: f32,
    /// Keeps the smallest set of tokens whose probability reaches this; 1 keeps all.
    pub top_p: f32,
    /// Keeps this many tokens; 0 keeps all.
    pub top_k: usize,
    /// Drops tokens less likely than this times the likeliest; 0 keeps all.
    pub min_p: f32,
    /// Makes tokens already given less likely; 1 leaves them.
    pub repetition_penalty: f32,
    /// Bans the token that would repeat a run of this many; 0 bans none.
    pub no_repeat_ngram: usize,
    /// Seed of the draws: the same seed gives the same answer.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::greedy()
    }
}

impl Sampling {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            no_repeat_ngram: 0,
            seed: 0,
        }
    }

    /// MusiLingo's own setting (qa.py).
    pub fn musilingo(seed: u64) -> Self {
        Self { temperature: 0.1, top_p: 0.5, seed, ..Self::greedy() }
    }

    /// Penalises tokens of `history` and bans repeated runs, in place.
    pub fn adjust(&self, logits: &mut [f32], history: &[u32]) {
        if self.repetition_penalty != 1.0 && self.repetition_penalty > 0.0 {
            let mut seen = history.to_vec();
            seen.sort_unstable();
            seen.dedup();
            for id in seen {
                if let Some(logit) = logits.get_mut(id as usize) {
                    let penalty = self.repetition_penalty;
                    *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
                }
            }
        }
        for id in self.banned(history) {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }

    /// Tokens that would complete a run of `no_repeat_ngram` tokens that `history` already has.
    pub fn banned(&self, history: &[u32]) -> Vec<u32> {
        let n = self.no_repeat_ngram;
        if n == 0 || history.len() < n {
            return Vec::new();
        }
        let tail = &history[history.len() + 1 - n..];
        history.windows(n).filter(|run| &run[..n - 1] == tail).map(|run| run[n - 1]).collect()
    }

    /// The distribution that a token is drawn from, as probabilities over the vocabulary. With a
    /// temperature of 0 all of it lies on the likeliest token, the first of equals.
    pub fn probabilities(&self, logits: &[f32], history: &[u32]) -> Vec<f32> {
        let mut logits = logits.to_vec();
        self.adjust(&mut logits, history);
        if self.temperature <= 0.0 {
            let mut out = vec![0.0; logits.len()];
            if let Some(best) = out.get_mut(argmax(&logits)) {
                *best = 1.0;
            }
            return out;
        }
        logits.iter_mut().for_each(|x| *x /= self.temperature);
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
        if self.top_k > 0 && self.top_k < order.len() {
            let least = logits[order[self.top_k - 1]];
            order.retain(|index| logits[*index] >= least);
        }
        self.cut_tail(&mut order, &logits);
        let kept = softmax(&order.iter().map(|index| logits[*index]).collect::<Vec<_>>());
        let mut out = vec![0.0; logits.len()];
        for (index, probability) in order.iter().zip(kept) {
            out[*index] = probability as f32;
        }
        out
    }

    /// Top-p, then min-p, on indices in falling order of their logits.
    fn cut_tail(&self, order: &mut Vec<usize>, logits: &[f32]) {
        let probabilities = |order: &[usize]| {
            softmax(&order.iter().map(|index| logits[*index]).collect::<Vec<_>>())
        };
        if self.top_p < 1.0 {
            let mut sum = 0.0;
            let mut before = Vec::with_capacity(order.len());
            for probability in probabilities(order) {
                before.push(sum);
                sum += probability;
            }
            let keep = before.iter().take_while(|sum| **sum < f64::from(self.top_p)).count();
            order.truncate(keep.max(1));
        }
        if self.min_p > 0.0 {
            let all = probabilities(order);
            let least = all.first().copied().unwrap_or(0.0) * f64::from(self.min_p);
            order.truncate(all.iter().take_while(|p| **p >= least).count().max(1));
        }
    }
}

/// A seeded stream of draws.
#[derive(Debug)]
pub(crate) struct Sampler<'a> {
    sampling: &'a Sampling,
    rng: Pcg64Mcg,
}

impl<'a> Sampler<'a> {
    pub(crate) fn new(sampling: &'a Sampling) -> Self {
        Self { sampling, rng: Pcg64Mcg::seed_from_u64(sampling.seed) }
    }

    pub(crate) fn draw(&mut self, logits: &[f32], history: &[u32]) -> u32 {
        if self.sampling.temperature <= 0.0 {
            let mut logits = logits.to_vec();
            self.sampling.adjust(&mut logits, history);
            return argmax(&logits) as u32;
        }
        let probabilities = self.sampling.probabilities(logits, history);
        // 53 random bits make an even number in 0..1.
        let mut left = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        for (id, probability) in probabilities.iter().enumerate() {
            left -= f64::from(*probability);
            if left < 0.0 {
                return id as u32;
            }
        }
        argmax(&probabilities) as u32
    }
}

/// The first of the largest values.
pub(crate) fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|x| f64::from(x - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Natural logarithm of the probability of `id` at temperature 1.
pub(crate) fn log_prob(logits: &[f32], id: u32) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - top).exp()).sum();
    f64::from(logits[id as usize] - top) - sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_tokens_and_another_does_not() {
        let logits: Vec<f32> = (0..50).map(|i| (i as f32 * 0.7).sin()).collect();
        let draws = |seed| {
            let sampling = Sampling { temperature: 1.0, seed, ..Sampling::greedy() };
            let mut sampler = Sampler::new(&sampling);
            (0..20).map(|_| sampler.draw(&logits, &[])).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn draws_follow_the_distribution() {
        let sampling = Sampling { temperature: 1.0, ..Sampling::greedy() };
        let logits = [0.0f32, 3.0f32.ln()];
        let mut sampler = Sampler::new(&sampling);
        let ones: u32 = (0..4000).map(|_| sampler.draw(&logits, &[])).sum();
        // Three in four, within five standard deviations (27).
        assert!(ones.abs_diff(3000) < 140, "{ones}");
    }

    #[test]
    fn greedy_takes_the_first_of_equals_and_obeys_the_penalty() {
        let sampling = Sampling { repetition_penalty: 2.0, ..Sampling::greedy() };
        let mut sampler = Sampler::new(&sampling);
        assert_eq!(sampler.draw(&[1.0, 2.0, 2.0], &[]), 1);
        assert_eq!(sampler.draw(&[1.0, 2.0, 2.0], &[1, 2, 2]), 0);
    }
}
