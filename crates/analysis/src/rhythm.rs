//! Tempo, beats and downbeats by ear, for audio whose host gives no clock.

mod bars;
mod beats;
mod onset;
mod pulse;
mod tempo;

pub use bars::TimeSignature;
pub(crate) use onset::{Onsets, attacks};

/// Shortest slice with a tempo of its own.
const SHORTEST_S: f64 = 3.0;

/// The pulse of a slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rhythm {
    /// Tempo in beats a minute, `None` where there is no steady pulse.
    pub tempo_bpm: Option<f64>,
    /// How sure the tempo is, 0 to 1.
    pub confidence: f64,
    /// Times of the beats in seconds.
    pub beats_s: Vec<f64>,
    /// Times of the first beats of the bars in seconds.
    pub downbeats_s: Vec<f64>,
    /// The meter as heard; `None` without a pulse, or where somebody gave the bars.
    pub meter: Option<TimeSignature>,
    /// How sure the meter is, 0 to 1.
    pub meter_confidence: f64,
}

impl Rhythm {
    /// A grid that the user or a host gave: a downbeat at `offset_s`, and beats from the slice's start to its end.
    /// Without a finite positive tempo there are no beats.
    pub fn from_grid(bpm: f64, beats_per_bar: usize, offset_s: f64, duration_s: f64) -> Self {
        let period_s = 60.0 / bpm;
        // A thousand beats a second is no tempo, and would not end.
        if !(period_s.is_finite()
            && period_s > 1e-3
            && offset_s.is_finite()
            && duration_s.is_finite())
        {
            return Self::default();
        }
        let beats_per_bar = beats_per_bar.max(1) as i64;
        let first = (-offset_s / period_s - 1e-9).ceil() as i64;
        let mut rhythm = Self { tempo_bpm: Some(bpm), confidence: 1.0, ..Self::default() };
        for beat in first.. {
            let time_s = offset_s + beat as f64 * period_s;
            if time_s >= duration_s {
                break;
            }
            rhythm.beats_s.push(time_s.max(0.0));
            if beat.rem_euclid(beats_per_bar) == 0 {
                rhythm.downbeats_s.push(time_s.max(0.0));
            }
        }
        rhythm
    }
}

/// The pulse of a slice as its onsets and `chroma` (pitch classes, `chroma_step_s` apart) tell it.
pub(crate) fn pulse(
    onsets: &Onsets,
    chroma: &[[f32; 12]],
    chroma_step_s: f64,
    duration_s: f64,
) -> Rhythm {
    if duration_s < SHORTEST_S {
        return Rhythm::default();
    }
    let step_s = onsets.step_s();
    let envelope = onset::flatten(&onsets.strength, step_s);
    let low = onset::flatten(&onsets.low, step_s);
    let cues = bars::Cues { low: &low, step_s, chroma, chroma_step_s };
    let Some(pulse) = pulse::find(&envelope, &cues, duration_s) else { return Rhythm::default() };
    let beats_s = pulse.beats_s;
    let bars = bars::find(&beats_s, pulse.thirds, &cues);
    let downbeats_s =
        beats_s.iter().copied().skip(bars.first).step_by(bars.meter.beats_per_bar).collect();
    Rhythm {
        tempo_bpm: Some(60.0 / (pulse.period_steps * step_s)),
        confidence: pulse.confidence,
        beats_s,
        downbeats_s,
        meter: Some(bars.meter),
        meter_confidence: bars.confidence,
    }
}

#[cfg(test)]
mod tests;
