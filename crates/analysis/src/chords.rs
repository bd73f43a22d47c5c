//! Chords of a slice, beat by beat: pitch classes held against major and minor triads, and the likeliest path through them
//! (Sheh & Ellis 2003, "Chord segmentation and recognition using EM-trained hidden Markov models", with templates in the
//! place of trained states).

use crate::chroma::Partial;
use crate::key::{LEAST_CLARITY, NAMES};

/// A chord over a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chord {
    /// First moment in seconds.
    pub start_s: f64,
    /// End in seconds, exclusive.
    pub end_s: f64,
    /// Pitch class of the root, 0 = C.
    pub root: usize,
    /// Minor rather than major.
    pub minor: bool,
    /// How likely it is this triad and no other, 0 to 1.
    pub confidence: f64,
}

/// The harmony of a slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Harmony {
    /// The likeliest chords; neighbours that are the same chord are one.
    pub(crate) chords: Vec<Chord>,
    /// How much of the time each triad sounds: majors from C on, then minors. Sums to 1, or to 0 without chords.
    pub(crate) shares: [f64; TRIADS],
    /// How likely each is the first.
    pub(crate) opening: [f64; TRIADS],
}

impl Chord {
    /// The chord's name, e.g. `Eb`, `F#m`.
    pub fn name(&self) -> String {
        format!("{}{}", NAMES[self.root % 12], if self.minor { "m" } else { "" })
    }
}

/// A partial is also the second to fifth harmonic of a lower note, each this much less likely.
const HARMONIC_DECAY: f64 = 0.7;
const HARMONICS: usize = 5;
/// Partials below this pitch (E3) tell the root.
const BASS_PITCH: f64 = 52.0;
/// What the bass says beside what all pitches say.
const BASS_SHARE: f64 = 0.25;
/// Weights of root, third and fifth in a triad.
const TRIAD: [f64; 3] = [1.0, 0.9, 0.8];
/// How much a better fit counts against a change of chord.
const SHARPNESS: f64 = 18.0;
/// How much it counts for how likely a chord is.
const DOUBTFUL_SHARPNESS: f64 = 9.0;
/// Cost of a change of chord from one beat to the next.
const CHANGE: f64 = 1.6;
/// Below this fit there is no chord: noise and drums.
const LEAST_FIT: f64 = 0.25;
/// Slope and offset that make a likelihood a confidence (Platt 1999): fitted on 130 factory songs and 37 of POP909 that no
/// figure is reported on.
const TRUST: [f64; 2] = [0.47, 0.3];
/// How likely a chord goes on over the next beat.
const GOES_ON: f64 = 0.6;
/// Stretches where there are no beats, in seconds.
const STEP_S: f64 = 0.5;
pub(crate) const TRIADS: usize = 24;

/// Pitch classes of one frame: of everything, and of what lies low.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Classes {
    all: [f32; 12],
    bass: [f32; 12],
    /// Classes that partials themselves are in, a bit each.
    present: u16,
    /// Sum of the partials as vectors, whose angle is how far each lies off its semitone, and of their lengths.
    tuning: ([f64; 2], f64),
}

impl Classes {
    /// Of the partials of a frame.
    pub(crate) fn of(partials: &[Partial]) -> Self {
        let mut classes = Self::default();
        for partial in partials {
            let mut weight = partial.weight;
            classes.present |= 1 << class(partial.pitch);
            let off = std::f64::consts::TAU * partial.pitch.fract();
            let ([x, y], total) = classes.tuning;
            classes.tuning = ([x + weight * off.cos(), y + weight * off.sin()], total + weight);
            for harmonic in 1..=HARMONICS {
                let pitch = partial.pitch - 12.0 * (harmonic as f64).log2();
                classes.all[class(pitch)] += weight as f32;
                weight *= HARMONIC_DECAY;
            }
            if partial.pitch < BASS_PITCH {
                classes.bass[class(partial.pitch)] += partial.weight as f32;
            }
        }
        classes
    }
}

fn class(pitch: f64) -> usize {
    (pitch.round() as i64).rem_euclid(12) as usize
}

/// The harmony between beats, or of half seconds where there are none; `frames` are `step_s` apart.
pub(crate) fn recognise(
    frames: &[Classes],
    step_s: f64,
    beats_s: &[f64],
    duration_s: f64,
) -> Harmony {
    if clarity(frames) < LEAST_CLARITY {
        return Harmony::default();
    }
    let edges_s = edges(beats_s, duration_s);
    let fits: Vec<Option<[f64; TRIADS]>> =
        edges_s.windows(2).map(|edge| fit(frames, step_s, edge[0], edge[1])).collect();
    let path = likeliest(&fits);
    let likely = likelihoods(&fits);
    let mut harmony = Harmony::default();
    let mut sounding_s = 0.0;
    for (index, edge) in edges_s.windows(2).enumerate() {
        let (state, likely) = (path[index], &likely[index]);
        if fits[index].is_none_or(|fit| fit[state] < LEAST_FIT) {
            continue;
        }
        let length_s = edge[1] - edge[0];
        sounding_s += length_s;
        for (share, likely) in harmony.shares.iter_mut().zip(likely) {
            *share += length_s * likely;
        }
        if harmony.chords.is_empty() {
            harmony.opening = *likely;
        }
        extend(&mut harmony.chords, edge, state, trust(likely[state]));
    }
    harmony.shares.iter_mut().for_each(|share| *share /= f64::max(sounding_s, 1e-9));
    harmony
}

/// How much a likelihood can be trusted, 0 to 1.
fn trust(likelihood: f64) -> f64 {
    let odds = (likelihood / (1.0 - likelihood).max(1e-9)).max(1e-9).ln();
    1.0 / (1.0 + (-TRUST[0] * odds - TRUST[1]).exp())
}

/// Appends a stretch, to the last chord where it is the same.
fn extend(chords: &mut Vec<Chord>, edge: &[f64], state: usize, confidence: f64) {
    let (root, minor) = (state % 12, state >= 12);
    match chords.last_mut() {
        Some(last) if (last.root, last.minor, last.end_s) == (root, minor, edge[0]) => {
            let (before_s, now_s) = (last.end_s - last.start_s, edge[1] - edge[0]);
            let sum = last.confidence * before_s + confidence * now_s;
            last.confidence = sum / (before_s + now_s);
            last.end_s = edge[1];
        }
        _ => chords.push(Chord { start_s: edge[0], end_s: edge[1], root, minor, confidence }),
    }
}

/// How closely the partials keep to one tuning, 0 to 1: noise and drums don't.
fn clarity(frames: &[Classes]) -> f64 {
    let (mut x, mut y, mut total) = (0.0, 0.0, 0.0);
    for frame in frames {
        let ([frame_x, frame_y], weight) = frame.tuning;
        (x, y, total) = (x + frame_x, y + frame_y, total + weight);
    }
    if total > 0.0 { f64::hypot(x, y) / total } else { 0.0 }
}

/// From the start over the beats to the end.
fn edges(beats_s: &[f64], duration_s: f64) -> Vec<f64> {
    let mut edges_s = vec![0.0];
    if beats_s.is_empty() {
        let steps = (duration_s / STEP_S) as usize;
        edges_s.extend((1..=steps).map(|step| step as f64 * STEP_S));
    } else {
        edges_s.extend(beats_s.iter().copied().filter(|beat| *beat > 0.1));
    }
    if edges_s.last().is_some_and(|last| duration_s - last > 0.1) {
        edges_s.push(duration_s);
    }
    edges_s
}

/// How well each triad fits between two moments: cosines, majors from C on, then minors. Nothing for silence, and for
/// what has fewer pitches than a triad.
fn fit(frames: &[Classes], step_s: f64, from_s: f64, to_s: f64) -> Option<[f64; TRIADS]> {
    let from = (from_s / step_s).ceil() as usize;
    let to = ((to_s / step_s).ceil() as usize).max(from + 1).min(frames.len());
    let mut all = [0.0; 12];
    let mut bass = [0.0; 12];
    let frames = frames.get(from..to)?;
    let present = frames.iter().fold(0, |present, frame| present | frame.present);
    if present.count_ones() < 3 {
        return None;
    }
    for frame in frames {
        for pitch in 0..12 {
            all[pitch] += f64::from(frame.all[pitch]);
            bass[pitch] += f64::from(frame.bass[pitch]);
        }
    }
    let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (all_norm, bass_norm) = (norm(&all), norm(&bass).max(1e-9));
    if all_norm <= 0.0 {
        return None;
    }
    // Only what stands out over the mean tells a chord; drums and noise are in all classes alike.
    let mean = all.iter().sum::<f64>() / 12.0;
    let clear = all.map(|x| x - mean);
    let triad_norm = norm(&TRIAD);
    let scale = 1.0 / (norm(&clear).max(0.2 * all_norm) * triad_norm);
    Some(std::array::from_fn(|state| {
        let (root, third) = (state % 12, if state >= 12 { 3 } else { 4 });
        let classes = [root, (root + third) % 12, (root + 7) % 12];
        let dot: f64 =
            classes.iter().zip(TRIAD).map(|(class, weight)| weight * clear[*class]).sum();
        (1.0 - BASS_SHARE) * dot * scale + BASS_SHARE * bass[root] / bass_norm
    }))
}

/// The likeliest path (Viterbi), a state for each stretch; silence goes on with what was.
fn likeliest(fits: &[Option<[f64; TRIADS]>]) -> Vec<usize> {
    let mut score = [0.0; TRIADS];
    let mut came: Vec<[usize; TRIADS]> = Vec::with_capacity(fits.len());
    for fit in fits {
        let best = argmax(&score);
        let from =
            std::array::from_fn(
                |state| {
                    if score[best] - CHANGE > score[state] { best } else { state }
                },
            );
        let reached: [f64; TRIADS] = std::array::from_fn(|state| {
            let change = if from[state] == state { 0.0 } else { CHANGE };
            let fit = fit.map_or(0.0, |fit| fit[state]);
            score[from[state]] - change + SHARPNESS * fit
        });
        came.push(from);
        score = reached;
    }
    let mut state = argmax(&score);
    let mut path: Vec<usize> = Vec::with_capacity(fits.len());
    for from in came.iter().rev() {
        path.push(state);
        state = from[state];
    }
    path.reverse();
    path
}

/// How likely each state is in each stretch, all stretches heard (forward-backward).
fn likelihoods(fits: &[Option<[f64; TRIADS]>]) -> Vec<[f64; TRIADS]> {
    let heard = |fit: &Option<[f64; TRIADS]>| {
        fit.map_or([1.0; TRIADS], |fit| fit.map(|fit| (DOUBTFUL_SHARPNESS * fit).exp()))
    };
    let pass = |last: [f64; TRIADS]| {
        let others = (1.0 - GOES_ON) / (TRIADS - 1) as f64;
        let all: f64 = last.iter().sum();
        last.map(|own| own * (GOES_ON - others) + all * others)
    };
    let mut forward = Vec::with_capacity(fits.len());
    let mut state = normal([1.0; TRIADS]);
    for fit in fits {
        state = normal(times(pass(state), heard(fit)));
        forward.push(state);
    }
    let mut after = normal([1.0; TRIADS]);
    for (state, fit) in forward.iter_mut().zip(fits).rev() {
        *state = normal(times(*state, after));
        after = normal(pass(times(after, heard(fit))));
    }
    forward
}

fn times(a: [f64; TRIADS], b: [f64; TRIADS]) -> [f64; TRIADS] {
    std::array::from_fn(|state| a[state] * b[state])
}

/// Scaled to a sum of 1.
fn normal(a: [f64; TRIADS]) -> [f64; TRIADS] {
    let sum: f64 = a.iter().sum();
    a.map(|x| x / sum)
}

fn argmax(values: &[f64; TRIADS]) -> usize {
    (0..TRIADS).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

#[cfg(test)]
mod tests;
