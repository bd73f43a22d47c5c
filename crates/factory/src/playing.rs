//! How a part is played, from its notes: in chords or not, strummed, short, held. Captions turn it into words.

use serde::Serialize;
use signal::Label;

use crate::note::Note;

/// Notes this close are one stroke: chords, strums.
const STROKE_S: f64 = 0.045;
/// Fewest notes of a chord.
const CHORD: usize = 3;
/// A chord whose notes are spread so far is strummed.
const STRUM_S: f64 = 0.025;
/// Shorter than this, and than this share of the time to the next stroke, is short.
const SHORT_S: f64 = 0.2;
const SHORT_SHARE: f64 = 0.6;
/// As long as this is held.
const HELD_S: f64 = 1.0;

/// Shares of a part's strokes, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Playing {
    /// Three notes and more at once.
    pub chords: f64,
    /// Chords one string after the other; null where nobody strums.
    pub strummed: Option<f64>,
    /// Released at once, with silence behind; null where a note does not sound as long as it is played, as of `held`.
    pub short: Option<f64>,
    /// A second and longer.
    pub held: Option<f64>,
}

impl Playing {
    /// Of sorted `notes`, which sound as long as they are played where they are `obeyed`; none of what has no pitches, and where nothing is
    /// played.
    pub(crate) fn of(label: Label, notes: &[Note], obeyed: bool) -> Option<Self> {
        if !label.is_pitched() || notes.is_empty() {
            return None;
        }
        let strokes: Vec<&[Note]> =
            notes.chunk_by(|a, b| b.start_s - a.start_s < STROKE_S).collect();
        let share = |count: usize| count as f64 / strokes.len() as f64;
        let is_chord = |stroke: &&&[Note]| stroke.len() >= CHORD;
        let spread = |stroke: &&&[Note]| {
            is_chord(stroke) && stroke[stroke.len() - 1].start_s - stroke[0].start_s >= STRUM_S
        };
        let lasts_s =
            |stroke: &[Note]| stroke.iter().map(|note| note.duration_s).fold(0.0, f64::max);
        let next_s = strokes.iter().skip(1).map(|stroke| stroke[0].start_s).chain([f64::INFINITY]);
        let short = strokes.iter().zip(next_s).filter(|(stroke, next_s)| {
            lasts_s(stroke) < f64::min(SHORT_S, SHORT_SHARE * (next_s - stroke[0].start_s))
        });
        let held = |stroke: &&&[Note]| lasts_s(stroke) >= HELD_S;
        let obeyed = obeyed && label.holds_notes();
        Some(Self {
            chords: share(strokes.iter().filter(is_chord).count()),
            strummed: label.is_strummed().then(|| share(strokes.iter().filter(spread).count())),
            short: obeyed.then(|| share(short.count())),
            held: obeyed.then(|| share(strokes.iter().filter(held).count())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(start_s: f64, duration_s: f64) -> Note {
        Note { start_s, duration_s, pitch: 60.0, velocity: 0.8 }
    }

    fn of(label: Label, notes: &[Note]) -> Playing {
        Playing::of(label, notes, true).unwrap()
    }

    #[test]
    fn short_and_held_notes_are_told_apart() {
        let detached: Vec<Note> = (0..4).map(|i| note(f64::from(i) * 0.5, 0.1)).collect();
        let fast: Vec<Note> = (0..4).map(|i| note(f64::from(i) * 0.1, 0.1)).collect();
        let slow: Vec<Note> = (0..4).map(|i| note(f64::from(i) * 2.0, 1.9)).collect();
        let shares = |notes: &[Note]| {
            let played = of(Label::Strings, notes);
            (played.short.unwrap(), played.held.unwrap())
        };
        assert_eq!(shares(&detached), (1.0, 0.0));
        // The last one has silence behind it.
        assert_eq!(shares(&fast), (0.25, 0.0), "a run is not detached");
        assert_eq!(shares(&slow), (0.0, 1.0));
    }

    #[test]
    fn chords_are_strummed_where_their_notes_are_spread() {
        let chord = |spread_s: f64| -> Vec<Note> {
            (0..3).map(|i| note(f64::from(i) * spread_s, 1.0)).collect()
        };
        let guitar = of(Label::AcousticGuitar, &chord(0.02));
        assert_eq!((guitar.chords, guitar.strummed), (1.0, Some(1.0)));
        assert_eq!(of(Label::AcousticGuitar, &chord(0.001)).strummed, Some(0.0));
        assert_eq!(of(Label::Piano, &chord(0.02)).strummed, None);
        assert_eq!(of(Label::Piano, &chord(0.2)).chords, 0.0, "one after the other");
    }

    #[test]
    fn what_is_not_known_is_not_rated() {
        for label in [Label::Kick, Label::Drums, Label::Fx] {
            assert_eq!(Playing::of(label, &[note(0.0, 1.0)], true), None, "{label}");
        }
        assert_eq!(Playing::of(Label::Piano, &[], true), None);
        assert_eq!(of(Label::Mallets, &[note(0.0, 1.0)]).held, None, "they ring as they like");
        assert_eq!(Playing::of(Label::Piano, &[note(0.0, 1.0)], false).unwrap().held, None);
    }
}
