//! Where a song changes: novelty of its self-similarity (Foote 2000) over pitch classes and band levels. Sections
//! that sound alike share a letter.

use signal::Section;

use crate::chroma::{self, Partial};
use crate::decibel::power_db;

/// Seconds of one feature.
const STEP_S: f64 = 0.5;
/// Half the length of the checkerboard kernel, in features: 8 s.
const KERNEL: usize = 16;
/// Shortest section, in features: 6 s.
const SHORTEST: usize = 12;
/// Band levels, an octave each from this frequency in Hz.
const BANDS: usize = 9;
const LOWEST_HZ: f64 = 40.0;
/// Levels below this are the same silence, in dBFS.
const FLOOR_DB: f64 = -80.0;
/// A change of this many dB in every band weighs as much as entirely different pitch classes.
const BAND_SCALE_DB: f64 = 12.0;
/// A boundary's novelty stands this many deviations above the mean, and is at least this much (0 is no change).
const STANDS_OUT: f64 = 0.3;
const LEAST_NOVELTY: f64 = 0.04;
/// A section begins with a bar if one begins within this many seconds.
const SNAP_S: f64 = 1.0;
/// Sections whose mean features lie closer than this sound alike.
const ALIKE: f64 = 0.35;

const DIMENSIONS: usize = 12 + BANDS;
type Feature = [f64; DIMENSIONS];

/// How a song sounds, frame by frame.
#[derive(Debug, Default)]
pub(crate) struct Scenery {
    frames: Vec<Feature>,
}

impl Scenery {
    /// Takes the next frame: its partials and its power spectrum.
    pub(crate) fn add(&mut self, partials: &[Partial], power: &[f32], bin_hz: f64) {
        self.frames.push(feature(partials, power, bin_hz));
    }

    /// The song's sections, from 0 to its end without gaps, beginning with bars where bars begin nearby; none where it is
    /// empty. Frames are `hop_s` apart.
    pub(crate) fn sections(
        &self,
        hop_s: f64,
        duration_s: f64,
        downbeats_s: &[f64],
    ) -> Vec<Section> {
        if duration_s <= 0.0 {
            return Vec::new();
        }
        let steps = average(&self.frames, hop_s, duration_s);
        let mut edges = vec![0];
        edges.extend(boundaries(&novelty(&steps)));
        edges.push(steps.len());
        let names = letters(&steps, &edges);
        let section = |(edge, name): (&[usize], String)| Section {
            start_s: edge[0] as f64 * STEP_S,
            end_s: edge[1] as f64 * STEP_S,
            name,
        };
        let mut sections: Vec<Section> = edges.windows(2).zip(names).map(section).collect();
        if let Some(last) = sections.last_mut() {
            last.end_s = duration_s;
        }
        snap(&mut sections, downbeats_s);
        sections
    }
}

/// Moves the inner boundaries to the nearest downbeat within reach; sections stay in order.
fn snap(sections: &mut [Section], downbeats_s: &[f64]) {
    for index in 1..sections.len() {
        let edge_s = sections[index].start_s;
        let nearest = downbeats_s
            .iter()
            .copied()
            .min_by(|a, b| (a - edge_s).abs().total_cmp(&(b - edge_s).abs()));
        if let Some(beat_s) = nearest
            && (beat_s - edge_s).abs() <= SNAP_S
            && beat_s > sections[index - 1].start_s
            && beat_s < sections[index].end_s
        {
            sections[index - 1].end_s = beat_s;
            sections[index].start_s = beat_s;
        }
    }
}

fn feature(partials: &[Partial], power: &[f32], bin_hz: f64) -> Feature {
    let mut feature = [0.0; DIMENSIONS];
    for (slot, x) in feature.iter_mut().zip(chroma::fold(partials)) {
        *slot = f64::from(x) * std::f64::consts::FRAC_1_SQRT_2;
    }
    for band in 0..BANDS {
        let bin = |octave: usize| {
            ((LOWEST_HZ * (octave as f64).exp2() / bin_hz) as usize).min(power.len())
        };
        let level: f64 = power[bin(band)..bin(band + 1)].iter().map(|&p| f64::from(p)).sum();
        let scale = BAND_SCALE_DB * (BANDS as f64).sqrt();
        feature[12 + band] = power_db(level).max(FLOOR_DB) / scale;
    }
    feature
}

/// Means over steps of [`STEP_S`].
fn average(frames: &[Feature], hop_s: f64, duration_s: f64) -> Vec<Feature> {
    let count = (duration_s / STEP_S).ceil().max(1.0) as usize;
    let mut steps = vec![([0.0; DIMENSIONS], 0.0); count];
    for (index, frame) in frames.iter().enumerate() {
        let at = ((index as f64 * hop_s / STEP_S) as usize).min(count - 1);
        for (sum, x) in steps[at].0.iter_mut().zip(frame) {
            *sum += x;
        }
        steps[at].1 += 1.0;
    }
    // The last step may be too short for a frame of its own: it sounds like the one before.
    let mut last = [0.0; DIMENSIONS];
    let mean = |(sum, weight): (Feature, f64)| {
        if weight > 0.0 {
            last = sum.map(|x| x / weight);
        }
        last
    };
    steps.into_iter().map(mean).collect()
}

fn distance(a: &Feature, b: &Feature) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// How much more alike the steps on either side of each step are among themselves than across it, 0 to about 1.
fn novelty(steps: &[Feature]) -> Vec<f64> {
    let alike = |a: usize, b: usize| (-distance(&steps[a], &steps[b])).exp();
    let mut novelty = vec![0.0; steps.len()];
    for (at, value) in novelty.iter_mut().enumerate() {
        let reach = KERNEL.min(at).min(steps.len() - at);
        if reach < SHORTEST / 2 {
            continue;
        }
        let (mut within, mut across, mut weights) = (0.0, 0.0, 0.0);
        for i in 0..reach {
            for j in 0..reach {
                let taper =
                    |x: usize| (-0.5 * ((x as f64 + 0.5) / (KERNEL as f64 * 0.5)).powi(2)).exp();
                let weight = taper(i) * taper(j);
                within += 0.5 * weight * (alike(at - 1 - i, at - 1 - j) + alike(at + i, at + j));
                across += weight * alike(at - 1 - i, at + j);
                weights += weight;
            }
        }
        *value = (within - across) / weights;
    }
    novelty
}

/// Peaks of the novelty that stand out, a section apart.
fn boundaries(novelty: &[f64]) -> Vec<usize> {
    let count = novelty.len().max(1) as f64;
    let mean = novelty.iter().sum::<f64>() / count;
    let deviation = (novelty.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    let least = (mean + STANDS_OUT * deviation).max(LEAST_NOVELTY);
    let mut found = Vec::new();
    for at in SHORTEST..novelty.len().saturating_sub(SHORTEST) {
        let around = &novelty[at.saturating_sub(SHORTEST)..(at + SHORTEST).min(novelty.len())];
        let highest = around.iter().copied().fold(f64::MIN, f64::max);
        let apart = found.last().is_none_or(|&last| at - last >= SHORTEST);
        if novelty[at] >= least && novelty[at] >= highest && apart {
            found.push(at);
        }
    }
    found
}

/// A letter for each span between edges.
fn letters(steps: &[Feature], edges: &[usize]) -> Vec<String> {
    let mut known: Vec<Feature> = Vec::new();
    let mut names = Vec::new();
    for edge in edges.windows(2) {
        let span = &steps[edge[0]..edge[1]];
        let mut mean = [0.0; DIMENSIONS];
        for step in span {
            for (sum, x) in mean.iter_mut().zip(step) {
                *sum += x / span.len() as f64;
            }
        }
        let nearest = (0..known.len())
            .map(|index| (index, distance(&known[index], &mean)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let index = match nearest {
            Some((index, apart)) if apart < ALIKE => index,
            _ => {
                known.push(mean);
                known.len() - 1
            }
        };
        names.push(letter(index));
    }
    names
}

/// `A` to `Z`, then `A1`, `B1`, ...
fn letter(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26) }
}

#[cfg(test)]
mod tests;
