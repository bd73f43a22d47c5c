//! Bars: how many beats they have, and which beats begin them.

use crate::likelihood::likeliest;

/// How much a change of harmony says against a low onset.
const HARMONY_GAIN: f64 = 1.5;
/// What speaks for three beats rather than four, and for beats of three eighths: how common they are, then by how much more
/// the downbeats stand out, and how much more alike are beats one bar and two bars apart.
const THREE: [f64; 4] = [-2.0, 1.0, 2.0, 2.0];
const COMPOUND: [f64; 2] = [-2.5, 3.0];

/// What marks beats and downbeats.
pub(super) struct Cues<'a> {
    /// Low-band onset strength.
    pub(super) low: &'a [f32],
    pub(super) step_s: f64,
    /// Pitch classes.
    pub(super) chroma: &'a [[f32; 12]],
    pub(super) chroma_step_s: f64,
}

/// A time signature: how many beats are felt in a bar, and whether each falls into three rather than two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSignature {
    /// Beats that are felt in a bar.
    pub beats_per_bar: usize,
    /// Whether a beat is three eighths rather than a quarter.
    pub compound: bool,
}

impl TimeSignature {
    /// Four quarters.
    pub const COMMON: Self = Self { beats_per_bar: 4, compound: false };
    /// Those that are told apart.
    const HEARD: [Self; 3] = [
        Self::COMMON,
        Self { beats_per_bar: 3, compound: false },
        Self { beats_per_bar: 2, compound: true },
    ];

    /// Length of a bar in quarter notes.
    pub fn quarters_per_bar(self) -> usize {
        if self.compound { self.beats_per_bar * 3 / 2 } else { self.beats_per_bar }
    }

    /// The signature's name, e.g. `6/8`.
    pub fn name(self) -> String {
        let Self { beats_per_bar, compound } = self;
        if compound { format!("{}/8", 3 * beats_per_bar) } else { format!("{beats_per_bar}/4") }
    }
}

/// The bars of a slice.
#[derive(Clone, Debug)]
pub(super) struct Bars {
    pub(super) meter: TimeSignature,
    pub(super) confidence: f64,
    /// Index of the first beat that begins a bar.
    pub(super) first: usize,
}

/// How much each beat stands out, on average 1: by its low onsets and by a change of harmony.
struct Marks {
    low: Vec<f64>,
    change: Vec<f64>,
}

/// The bars that beats fall into; `thirds` is how much more alike the onsets are a third of a beat apart than half a beat.
pub(super) fn find(beats_s: &[f64], thirds: f64, cues: &Cues<'_>) -> Bars {
    let marks = Marks::new(beats_s, cues);
    let three = marks.contrast(3) - marks.contrast(4);
    let lag = |beats: usize| marks.alike(beats);
    let (near, far) = (lag(3) - lag(4), lag(6) - lag(8));
    let scores = [
        0.0,
        THREE[0] + THREE[1] * three + THREE[2] * near + THREE[3] * far,
        COMPOUND[0] + COMPOUND[1] * thirds,
    ];
    let (best, confidence) = likeliest(&scores).expect("there are three");
    let meter = TimeSignature::HEARD[best];
    Bars { meter, confidence, first: marks.downbeat(meter.beats_per_bar) }
}

impl Marks {
    fn new(beats_s: &[f64], cues: &Cues<'_>) -> Self {
        let level = |mut values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            values.iter_mut().for_each(|x| *x /= mean.max(1e-9));
            values
        };
        Self {
            low: level(beats_s.iter().map(|&beat| cues.low_at(beat)).collect()),
            change: level((0..beats_s.len()).map(|beat| cues.change_at(beats_s, beat)).collect()),
        }
    }

    fn mark(&self, beat: usize) -> f64 {
        self.low[beat] + HARMONY_GAIN * self.change[beat]
    }

    fn mean(&self, first: usize, beats_per_bar: usize) -> f64 {
        let own = (first..self.low.len()).step_by(beats_per_bar);
        let count = own.clone().count().max(1) as f64;
        own.map(|beat| self.mark(beat)).sum::<f64>() / count
    }

    /// Index of the first beat that begins a bar.
    fn downbeat(&self, beats_per_bar: usize) -> usize {
        let phases = 0..beats_per_bar.min(self.low.len());
        let better = |a: &usize, b: &usize| {
            self.mean(*a, beats_per_bar).total_cmp(&self.mean(*b, beats_per_bar)).then(b.cmp(a))
        };
        phases.max_by(better).unwrap_or(0)
    }

    /// How far the downbeats of a meter stand over all beats.
    fn contrast(&self, beats_per_bar: usize) -> f64 {
        self.mean(self.downbeat(beats_per_bar), beats_per_bar) - self.mean(0, 1)
    }

    /// Correlation of the marks with those so many beats later, -1 to 1.
    fn alike(&self, beats: usize) -> f64 {
        let of = |values: &[f64]| {
            let (mut cross, mut power) = (0.0, 0.0);
            for (now, then) in values.iter().zip(values.get(beats..).unwrap_or(&[])) {
                cross += (now - 1.0) * (then - 1.0);
                power += 0.5 * ((now - 1.0).powi(2) + (then - 1.0).powi(2));
            }
            cross / f64::max(power, 1e-9)
        };
        0.5 * (of(&self.low) + of(&self.change))
    }
}

impl Cues<'_> {
    pub(super) fn low_at(&self, beat_s: f64) -> f64 {
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
        self.change(beats_s[beat - 1], beats_s[beat], beats_s[beat + 1])
    }

    /// How different the pitch classes after a moment are from those before, 0 to 1.
    pub(super) fn change(&self, from_s: f64, at_s: f64, to_s: f64) -> f64 {
        let before = self.mean(from_s, at_s);
        let after = self.mean(at_s, to_s);
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
