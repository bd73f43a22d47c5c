//! What the passages of a render sound like, for its summary: thinned out as it grows, so that an hour of it takes no more than a
//! few minutes do. `[session-thread]`

use std::ops::Range;

use models::Heard;

use crate::scope::WINDOWS;

/// Passages that are kept: enough for a few renders at once to have their summary's share.
const MOST: usize = 256;

/// Sounds under the report's numbers of their passages, in order.
#[derive(Debug)]
pub(super) struct Sounds {
    kept: Vec<(u64, Heard)>,
    /// Of so many passages one is kept.
    every: u64,
    seen: u64,
}

impl Default for Sounds {
    fn default() -> Self {
        Self { kept: Vec::new(), every: 1, seen: 0 }
    }
}

impl Sounds {
    pub(super) fn push(&mut self, id: u64, sound: &Heard) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push((id, sound.clone()));
        }
        self.seen += 1;
        if self.kept.len() > MOST {
            self.kept = std::mem::take(&mut self.kept).into_iter().step_by(2).collect();
            self.every *= 2;
        }
    }

    /// As many as a summary hears, spread over these passages.
    pub(super) fn spread(&self, ids: &Range<u64>) -> Vec<&Heard> {
        let of = self.kept.iter().filter(|(id, _)| ids.contains(id));
        let of: Vec<&Heard> = of.map(|(_, sound)| sound).collect();
        let count = of.len().min(WINDOWS);
        (0..count).map(|index| of[(2 * index + 1) * of.len() / (2 * count)]).collect()
    }

    /// Passages up to `id` are summed up.
    pub(super) fn forget_to(&mut self, id: u64) {
        self.kept.retain(|(kept, _)| *kept >= id);
        if self.kept.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is told apart by its value.
    fn sound(value: usize) -> Heard {
        let tokens = models::Tensor::from_vec(vec![0.0_f32], (1, 1), &models::Device::Cpu);
        let moments = models::Moments::of(&[value as f32], 1);
        Heard { soft_tokens: tokens.unwrap(), windows: vec![vec![moments]], beside: vec![] }
    }

    #[test]
    fn a_long_render_is_heard_from_end_to_end_in_bounded_memory() {
        let mut sounds = Sounds::default();
        for id in 1..=5000 {
            sounds.push(id, &sound(id as usize));
        }
        assert!(sounds.kept.len() <= MOST);
        let heard: Vec<usize> =
            sounds.spread(&(1..5001)).iter().map(|s| s.windows[0][0].mean[0] as usize).collect();
        let steps: Vec<usize> = heard.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(heard.len() == WINDOWS && heard[0] < 500 && heard[WINDOWS - 1] > 4500, "{heard:?}");
        assert!(steps.iter().all(|step| (500..750).contains(step)), "{heard:?}");
        sounds.forget_to(5001);
        sounds.push(5001, &sound(9));
        assert_eq!(sounds.spread(&(1..9000)).len(), 1, "and begins anew");
    }
}
