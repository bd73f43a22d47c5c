//! Beat times by dynamic programming (Ellis 2007, "Beat tracking by dynamic programming").

/// How dearly an uneven beat is paid for.
const TIGHTNESS: f64 = 100.0;

/// Steps of the envelope on which the beats fall, `period` steps apart as nearly as the onsets allow.
pub(super) fn track(envelope: &[f32], period: f64) -> Vec<usize> {
    let local = smooth(envelope, period);
    let (nearest, farthest) =
        ((period / 2.0).round().max(1.0) as usize, (period * 2.0).round() as usize);
    let costs: Vec<f64> =
        (nearest..=farthest).map(|gap| -TIGHTNESS * (gap as f64 / period).ln().powi(2)).collect();
    let mut score = vec![0.0f64; local.len()];
    let mut previous = vec![usize::MAX; local.len()];
    let threshold = 0.01 * local.iter().copied().fold(0.0, f64::max);
    let mut begun = false;
    for step in 0..local.len() {
        let mut best = (f64::MIN, usize::MAX);
        for (gap, cost) in (nearest..=farthest.min(step)).zip(&costs) {
            let candidate = score[step - gap] + cost;
            if candidate > best.0 {
                best = (candidate, step - gap);
            }
        }
        begun |= local[step] > threshold;
        score[step] = local[step];
        if begun && best.1 != usize::MAX && best.0 > 0.0 {
            score[step] += best.0;
            previous[step] = best.1;
        }
    }
    let from = local.len().saturating_sub(period.ceil() as usize + 1);
    let Some(mut step) = (from..local.len()).max_by(|&a, &b| score[a].total_cmp(&score[b])) else {
        return Vec::new();
    };
    let mut beats = vec![step];
    while previous[step] != usize::MAX {
        step = previous[step];
        beats.push(step);
    }
    beats.reverse();
    trim(beats, &local)
}

/// The envelope under a Gaussian of a thirty-second of a period.
fn smooth(envelope: &[f32], period: f64) -> Vec<f64> {
    let width = (period / 32.0).max(0.5);
    let reach = (width * 3.0).ceil() as usize;
    let kernel: Vec<f64> = (0..=reach).map(|i| (-0.5 * (i as f64 / width).powi(2)).exp()).collect();
    (0..envelope.len())
        .map(|step| {
            let mut sum = f64::from(envelope[step]);
            for (offset, weight) in kernel.iter().enumerate().skip(1) {
                let before = step.checked_sub(offset).map_or(0.0, |at| f64::from(envelope[at]));
                let after = envelope.get(step + offset).map_or(0.0, |&x| f64::from(x));
                sum += weight * (before + after);
            }
            sum
        })
        .collect()
}

/// Drops beats of the lead-in and the fade that no onset backs.
fn trim(beats: Vec<usize>, local: &[f64]) -> Vec<usize> {
    let mean_square =
        beats.iter().map(|&beat| local[beat].powi(2)).sum::<f64>() / beats.len() as f64;
    let least = 0.25 * mean_square.sqrt();
    let first = beats.iter().position(|&beat| local[beat] > least).unwrap_or(0);
    let last = beats.iter().rposition(|&beat| local[beat] > least).unwrap_or(0);
    beats[first..=last.max(first)].to_vec()
}
