//! From what speaks for each of several answers to the likeliest one.

/// The answer with the highest score and its likelihood among all of them (softmax); the last of equals, `None` of none.
pub(crate) fn likeliest(scores: &[f64]) -> Option<(usize, f64)> {
    let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]))?;
    let all: f64 = scores.iter().map(|score| (score - scores[best]).exp()).sum();
    Some((best, 1.0 / all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_log_odds() {
        assert_eq!(likeliest(&[]), None);
        assert_eq!(likeliest(&[-900.0]), Some((0, 1.0)));
        let (best, likelihood) = likeliest(&[0.0, 3f64.ln(), -1e6]).unwrap();
        assert_eq!(best, 1);
        assert!((likelihood - 0.75).abs() < 1e-12);
    }
}
