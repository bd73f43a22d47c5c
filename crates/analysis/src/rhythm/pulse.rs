//! Which of the tempi that an envelope may have is the beat: each is tried as one, and what then falls on the beats and between
//! them decides.

use super::bars::Cues;
use super::beats;
use super::tempo::{self, Candidate};
use crate::likelihood::likeliest;

/// What each of [`traits`] says for a tempo: fitted by logistic regression on 130 factory songs, 37 of POP909 and 45 drum
/// performances that no figure is reported on, so that a tempo's likelihood is its confidence.
const WEIGHTS: [f64; TRAITS] = [
    1.69, 5.04, 4.23, 0.37, 0.43, 7.79, -0.04, -0.06, 2.74, -0.94, 2.62, 11.99, 0.29, 0.18, 1.87,
    -0.37, -1.60, -3.22, -1.49,
];
/// From so many octaves off the usual on tempi are much rarer.
const HASTE: f64 = 0.4;
const TRAITS: usize = 19;
/// Least similarity at the beat that counts as a pulse.
const LEAST_PULSE: f64 = 0.06;
/// Fewest beats that make a tempo.
const FEWEST_BEATS: usize = 4;

/// A tempo, its beats and how sure it is.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    pub(super) period_steps: f64,
    pub(super) beats_s: Vec<f64>,
    pub(super) confidence: f64,
    /// How much more alike the onsets are a third of a beat apart than half a beat.
    pub(super) thirds: f64,
}

/// The likeliest pulse of an envelope, `None` where it has none.
pub(super) fn find(envelope: &[f32], cues: &Cues<'_>, duration_s: f64) -> Option<Pulse> {
    let (mut scores, mut tried) = (Vec::new(), Vec::new());
    for candidate in tempo::candidates(envelope, cues.step_s) {
        let beats_s: Vec<f64> = beats::track(envelope, candidate.period_steps)
            .iter()
            .map(|&beat| beat as f64 * cues.step_s)
            .filter(|&beat| beat < duration_s)
            .collect();
        if beats_s.len() < FEWEST_BEATS {
            continue;
        }
        let traits = traits(envelope, cues, &candidate, &beats_s);
        scores.push(traits.iter().zip(WEIGHTS).map(|(x, weight)| x * weight).sum::<f64>());
        tried.push((candidate, beats_s));
    }
    let (best, confidence) = likeliest(&scores)?;
    let (candidate, beats_s) = tried.swap_remove(best);
    (candidate.similarity[2] >= LEAST_PULSE).then(|| Pulse {
        period_steps: candidate.period_steps,
        beats_s,
        confidence,
        thirds: candidate.similarity[0] - candidate.similarity[1],
    })
}

/// What speaks for and against a tempo.
fn traits(
    envelope: &[f32],
    cues: &Cues<'_>,
    candidate: &Candidate,
    beats_s: &[f64],
) -> [f64; TRAITS] {
    let half_s = candidate.period_steps * cues.step_s / 2.0;
    let strength = |at_s: f64| {
        let step = (at_s / cues.step_s).round() as usize;
        let around = step.saturating_sub(3)..(step + 4).min(envelope.len());
        envelope.get(around).unwrap_or(&[]).iter().fold(0.0f32, |most, x| most.max(*x)) as f64
    };
    let change = |at_s: f64| cues.change((at_s - half_s).max(0.0), at_s, at_s + half_s);
    let mean = |of: &dyn Fn(f64) -> f64, offset_s: f64, first: usize, stride: usize| {
        let beats = beats_s.iter().skip(first).step_by(stride);
        let count = beats.clone().count().max(1) as f64;
        beats.map(|beat_s| of(beat_s + offset_s)).sum::<f64>() / count
    };
    let low = |at_s: f64| cues.low_at(at_s);
    let contrast = |of: &dyn Fn(f64) -> f64| mean(of, 0.0, 0, 1) - mean(of, half_s, 0, 1);
    let alternation = |of: &dyn Fn(f64) -> f64| (mean(of, 0.0, 0, 2) - mean(of, 0.0, 1, 2)).abs();
    // How much of a beat's strength there is so far into it.
    let whole = mean(&strength, 0.0, 0, 1).max(1e-9);
    let share = |beats: f64| (mean(&strength, 2.0 * half_s * beats, 0, 1) / whole).min(2.0);
    let similarity = candidate.similarity;
    let octaves = candidate.octaves;
    [
        -octaves * octaves,
        candidate.comb,
        similarity[2],
        contrast(&strength),
        contrast(&low),
        contrast(&change),
        alternation(&low),
        similarity[0],
        similarity[1],
        similarity[3],
        similarity[4],
        alternation(&change),
        octaves,
        alternation(&strength),
        share(0.5),
        share(0.25),
        share(1.0 / 3.0),
        (octaves - HASTE).max(0.0).powi(2),
        (-octaves - HASTE).max(0.0).powi(2),
    ]
}
