//! Tempo from the autocorrelation of the onset envelope: a comb of four beats, weighed by how people tap
//! (log-normal around 120 beats a minute, Ellis 2007), then refined over longer lags.

use realfft::RealFftPlanner;

/// Tempi looked at, in beats a minute, and the ratio from one to the next.
const SLOWEST_BPM: f64 = 45.0;
const FASTEST_BPM: f64 = 220.0;
const STEP: f64 = 1.004;
/// Centre and width (octaves) of the tapping prior, as Ellis has them.
const TAPPED_BPM: f64 = 120.0;
const TAPPED_OCTAVES: f64 = 1.4;
/// Weights of lags of one to four beats: two and four beats tell a beat from its off-beats.
const COMB: [f64; 4] = [1.0, 0.7, 0.5, 0.7];
/// Tempi that are compared: the best few peaks of the comb, and what people confuse with the best one.
const MOST_CANDIDATES: usize = 6;
const CONFUSED: [f64; 6] = [0.5, 2.0, 1.5, 2.0 / 3.0, 3.0, 1.0 / 3.0];
/// Tempi closer than this are the same.
const SAME: f64 = 0.06;

/// A tempo that an envelope may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) period_steps: f64,
    /// Weighted similarity at one to four beats.
    pub(super) comb: f64,
    /// Similarity at a third of a beat, half a beat, one, two and three beats.
    pub(super) similarity: [f64; 5],
    /// Octaves above [`TAPPED_BPM`].
    pub(super) octaves: f64,
}

/// The tempi that an envelope with a step of `step_s` seconds may have, the likeliest by ear first.
pub(super) fn candidates(envelope: &[f32], step_s: f64) -> Vec<Candidate> {
    let Some(similarity) = autocorrelation(envelope) else { return Vec::new() };
    let mut grid: Vec<(f64, f64)> = Vec::new();
    let mut bpm = SLOWEST_BPM;
    while bpm <= FASTEST_BPM {
        let period = 60.0 / bpm / step_s;
        let off = (bpm / TAPPED_BPM).log2() / TAPPED_OCTAVES;
        if let Some(comb) = comb(&similarity, period) {
            grid.push((comb.max(0.0) * (-0.5 * off * off).exp(), period));
        }
        bpm *= STEP;
    }
    grid.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some(&(_, best)) = grid.first().filter(|(score, _)| *score > 0.0) else {
        return Vec::new();
    };
    let mut periods: Vec<f64> = Vec::new();
    let mut add = |period: f64, most: usize| {
        let inside = (SLOWEST_BPM..=FASTEST_BPM).contains(&(60.0 / period / step_s));
        let known = periods.iter().any(|known| (period / known).ln().abs() < SAME);
        if inside && !known && periods.len() < most {
            periods.push(period);
        }
    };
    grid.iter().for_each(|&(_, period)| add(period, MOST_CANDIDATES));
    CONFUSED.iter().for_each(|factor| add(best / factor, usize::MAX));
    periods.into_iter().filter_map(|period| candidate(&similarity, period, step_s)).collect()
}

fn candidate(similarity: &[f64], coarse: f64, step_s: f64) -> Option<Candidate> {
    let period_steps = refine(similarity, coarse);
    let at = |beats: f64| peak_near(similarity, period_steps * beats, 2).map_or(0.0, |peak| peak.1);
    peak_near(similarity, period_steps, 2)?;
    Some(Candidate {
        period_steps,
        comb: comb(similarity, period_steps)?,
        similarity: [1.0 / 3.0, 0.5, 1.0, 2.0, 3.0].map(at),
        octaves: (60.0 / period_steps / step_s / TAPPED_BPM).log2(),
    })
}

/// Similarity of the envelope to itself per lag, up to half its length: 1 at lag 0, corrected for the overlap.
fn autocorrelation(envelope: &[f32]) -> Option<Vec<f64>> {
    let count = envelope.len();
    let len = (2 * count).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let forward = planner.plan_fft_forward(len);
    let inverse = planner.plan_fft_inverse(len);
    let mean = envelope.iter().sum::<f32>() / count.max(1) as f32;
    let mut signal = forward.make_input_vec();
    for (slot, x) in signal.iter_mut().zip(envelope) {
        *slot = x - mean;
    }
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut signal, &mut spectrum).ok()?;
    for bin in &mut spectrum {
        *bin = (bin.norm_sqr()).into();
    }
    inverse.process(&mut spectrum, &mut signal).ok()?;
    let energy = f64::from(signal[0]);
    if energy <= 0.0 {
        return None;
    }
    let lags = count / 2;
    let at = |lag: usize| f64::from(signal[lag]) / energy * count as f64 / (count - lag) as f64;
    Some((0..lags).map(at).collect())
}

/// Weighted similarity at one to four periods, as far as the slice reaches; `None` where not even one fits.
fn comb(similarity: &[f64], period: f64) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (beats, weight) in COMB.into_iter().enumerate() {
        let lag = period * (beats + 1) as f64;
        // An onset a step early or late is still on the beat.
        let Some((_, value)) = peak_near(similarity, lag, 1) else { break };
        sum += weight * value;
        weights += weight;
    }
    (weights > 0.0).then(|| sum / weights)
}

/// The highest similarity within `reach` steps of a lag, and where it lies between the steps.
fn peak_near(similarity: &[f64], lag: f64, reach: usize) -> Option<(f64, f64)> {
    let middle = lag.round() as usize;
    let (from, to) = (middle.checked_sub(reach)?.max(1), middle + reach);
    if to + 1 >= similarity.len() {
        return None;
    }
    let peak = (from..=to).max_by(|&a, &b| similarity[a].total_cmp(&similarity[b]))?;
    let (before, top, after) = (similarity[peak - 1], similarity[peak], similarity[peak + 1]);
    let bend = before - 2.0 * top + after;
    let offset = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    Some((peak as f64 + offset, top))
}

/// Sharpens a period by the peaks at ever more periods: the same half step of doubt divided by more beats.
fn refine(similarity: &[f64], coarse: f64) -> f64 {
    let mut period = coarse;
    let mut beats = 1.0;
    while beats <= 64.0 {
        let reach = if beats == 1.0 { 2 } else { (period * 0.08).clamp(1.0, 4.0) as usize };
        let Some((lag, value)) = peak_near(similarity, period * beats, reach) else { break };
        let base = peak_near(similarity, period, 2).map_or(0.0, |peak| peak.1);
        if value < 0.4 * base {
            break;
        }
        period = lag / beats;
        beats *= 2.0;
    }
    period
}
