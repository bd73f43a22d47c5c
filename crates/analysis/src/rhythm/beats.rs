//! Beat times by dynamic programming (Ellis 2007, "Beat tracking by dynamic programming"), and which of them begin
//! bars.

/// How dearly an uneven beat is paid for.
const TIGHTNESS: f64 = 100.0;
/// How much a change of harmony says against a low onset.
const HARMONY_GAIN: f64 = 1.5;

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

/// What marks a downbeat.
pub(super) struct Cues<'a> {
    /// Low-band onset strength.
    pub(super) low: &'a [f32],
    pub(super) step_s: f64,
    /// Pitch classes.
    pub(super) chroma: &'a [[f32; 12]],
    pub(super) chroma_step_s: f64,
}

/// Index of the first beat that begins a bar: where low onsets fall and the harmony changes.
pub(super) fn downbeat(beats_s: &[f64], beats_per_bar: usize, cues: &Cues<'_>) -> usize {
    let low: Vec<f64> = beats_s.iter().map(|&beat| cues.low_at(beat)).collect();
    let change: Vec<f64> = (0..beats_s.len()).map(|beat| cues.change_at(beats_s, beat)).collect();
    let scale =
        |values: &[f64]| 1.0 / (values.iter().sum::<f64>() / values.len().max(1) as f64).max(1e-9);
    let (low_scale, change_scale) = (scale(&low), scale(&change));
    let score = |first: usize| {
        let own = (first..beats_s.len()).step_by(beats_per_bar);
        let count = own.clone().count().max(1) as f64;
        own.map(|beat| low[beat] * low_scale + HARMONY_GAIN * change[beat] * change_scale)
            .sum::<f64>()
            / count
    };
    let phases = 0..beats_per_bar.min(beats_s.len());
    phases.max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a))).unwrap_or(0)
}

impl Cues<'_> {
    fn low_at(&self, beat_s: f64) -> f64 {
        let step = (beat_s / self.step_s).round() as usize;
        let around =
            self.low.get(step.saturating_sub(4)..(step + 5).min(self.low.len())).unwrap_or(&[]);
        f64::from(around.iter().copied().fold(0.0, f32::max))
    }

    /// How different the pitch classes of this beat are from those of the one before.
    fn change_at(&self, beats_s: &[f64], beat: usize) -> f64 {
        if beat == 0 || beat + 1 >= beats_s.len() {
            return 0.0;
        }
        let before = self.mean(beats_s[beat - 1], beats_s[beat]);
        let after = self.mean(beats_s[beat], beats_s[beat + 1]);
        let dot = |a: &[f64; 12], b: &[f64; 12]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let norm = (dot(&before, &before) * dot(&after, &after)).sqrt();
        if norm > 0.0 { 1.0 - dot(&before, &after) / norm } else { 0.0 }
    }

    fn mean(&self, from_s: f64, to_s: f64) -> [f64; 12] {
        let mut mean = [0.0; 12];
        let from = (from_s / self.chroma_step_s).ceil() as usize;
        let to = ((to_s / self.chroma_step_s).floor() as usize).min(self.chroma.len());
        for frame in self.chroma.get(from..to).unwrap_or(&[]) {
            for (sum, &x) in mean.iter_mut().zip(frame) {
                *sum += f64::from(x);
            }
        }
        mean
    }
}
