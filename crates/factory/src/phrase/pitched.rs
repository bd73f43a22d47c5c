//! Lines, chords, arpeggios and bass lines over the setting's chords.

use signal::Label;

use super::Setting;
use crate::note::Note;
use crate::rng::{Draw as _, Rng};

/// Ways to play an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Line,
    Riff,
    Chords,
    Strum,
    Arpeggio,
    Long,
    Bass,
    TwoHands,
    Roll,
}

/// How often each style is played on an instrument.
fn styles(label: Label) -> &'static [(Style, f64)] {
    use Style::{Arpeggio, Bass, Chords, Line, Long, Riff, Roll, Strum, TwoHands};
    match label {
        Label::Bass => &[(Bass, 7.0), (Riff, 2.0), (Line, 1.0)],
        Label::ElectricGuitar => &[(Strum, 3.0), (Riff, 3.0), (Line, 2.0), (Arpeggio, 2.0)],
        Label::AcousticGuitar => &[(Strum, 4.0), (Arpeggio, 3.5), (Line, 2.5)],
        Label::Piano | Label::ElectricPiano => {
            &[(Chords, 3.0), (Arpeggio, 2.0), (Line, 2.0), (TwoHands, 3.0)]
        }
        Label::Organ => &[(Long, 4.0), (Chords, 3.0), (Line, 3.0)],
        Label::SynthLead => &[(Line, 5.0), (Arpeggio, 2.5), (Riff, 2.5)],
        Label::SynthPad => &[(Long, 8.0), (Chords, 2.0)],
        Label::Strings => &[(Long, 4.0), (Line, 4.0), (Chords, 1.5), (Riff, 1.0)],
        Label::Brass => &[(Line, 5.0), (Long, 2.0), (Chords, 3.0)],
        Label::Woodwinds => &[(Line, 7.0), (Riff, 2.0), (Long, 1.0)],
        Label::Mallets => &[(Line, 4.0), (Arpeggio, 3.0), (Riff, 1.5), (Roll, 1.5)],
        _ => &[(Line, 5.0), (Long, 3.0), (Riff, 2.0)],
    }
}

pub(super) fn compose(
    label: Label,
    setting: &Setting,
    range: (f64, f64),
    polyphony: usize,
    steps: usize,
    rng: &mut Rng,
) -> Vec<Note> {
    let styles = styles(label);
    let weights: Vec<f64> = styles.iter().map(|(_, weight)| *weight).collect();
    let (style, _) = styles[rng.weighted(&weights)];
    // A fifth to two and a half octaves somewhere within what the instrument can play.
    let span = rng.range(7.0, 30.0).min(range.1 - range.0);
    let lo = rng.range(range.0, range.1 - span);
    let part = Part {
        setting,
        range: (lo, lo + span),
        polyphony: polyphony.max(1),
        steps,
        touch: rng.log_range(0.25, 1.15),
    };
    let mut notes = match style {
        Style::Bass => part.bass(rng),
        Style::Line => part.line(false, rng),
        Style::Riff => part.line(true, rng),
        Style::Roll => part.roll(rng),
        Style::Chords => part.chords(part.rhythm(rng), 0.0, rng),
        Style::Strum => part.chords(part.rhythm(rng), rng.range(0.004, 0.035), rng),
        Style::Long => part.long(rng),
        Style::Arpeggio => part.arpeggio(rng),
        Style::TwoHands => part.two_hands(rng),
    };
    if notes.is_empty() {
        let pitch = setting.pitch(part.nearest(rng));
        notes.push(Note { start_s: 0.0, duration_s: 1.0, pitch, velocity: 0.8 });
    }
    notes
}

struct Part<'a> {
    setting: &'a Setting,
    range: (f64, f64),
    polyphony: usize,
    steps: usize,
    /// Share of the time to the next note that a note sounds.
    touch: f64,
}

impl Part<'_> {
    fn nearest(&self, rng: &mut Rng) -> i32 {
        self.setting.degree(rng.range(self.range.0, self.range.1))
    }

    fn inside(&self, mut degree: i32) -> i32 {
        for _ in 0..12 {
            let pitch = self.setting.pitch(degree);
            degree += if pitch < self.range.0 - 0.5 {
                7
            } else if pitch > self.range.1 + 0.5 {
                -7
            } else {
                break;
            };
        }
        // A range narrower than an octave may hold no octave of the degree.
        let pitch = self.setting.pitch(degree);
        if pitch < self.range.0 - 3.0 || pitch > self.range.1 + 3.0 {
            return self.setting.degree(self.range.0.midpoint(self.range.1));
        }
        degree
    }

    /// Onsets in sixteenths: a one-bar pattern, repeated, strong beats first.
    fn rhythm(&self, rng: &mut Rng) -> Vec<usize> {
        let bar = self.setting.steps_per_bar();
        let busy = rng.log_range(0.08, 0.9);
        let rest = rng.range(0.0, 0.25);
        let weight = |step: usize| match step % 16 {
            0 => 2.0,
            4 | 8 | 12 => 1.4,
            step if step % 2 == 0 => 0.9,
            _ => 0.35,
        };
        let pattern: Vec<bool> =
            (0..bar).map(|step| rng.chance((busy * weight(step)).min(1.0))).collect();
        (0..self.steps).filter(|step| pattern[step % bar] && !rng.chance(rest * 0.3)).collect()
    }

    fn note(&self, step: usize, until: usize, degree: i32, velocity: f64) -> Note {
        let start_s = self.setting.at_s(step);
        let gap_s = (self.setting.at_s(until) - start_s).max(0.03);
        Note {
            start_s,
            duration_s: (gap_s * self.touch).max(0.03),
            pitch: self.setting.pitch(degree),
            velocity,
        }
    }

    /// Onset, next onset.
    fn spans(&self, onsets: &[usize]) -> Vec<(usize, usize)> {
        let next = onsets.iter().copied().skip(1).chain([self.steps + 4]);
        onsets.iter().copied().zip(next).collect()
    }

    /// A random walk on the scale that leans on chord tones; a riff repeats its first bar.
    fn line(&self, riff: bool, rng: &mut Rng) -> Vec<Note> {
        let bar = self.setting.steps_per_bar();
        let mut degree = self.nearest(rng);
        let mut first: Vec<Option<i32>> = vec![None; bar];
        let mut notes = Vec::new();
        for (step, until) in self.spans(&self.rhythm(rng)) {
            degree += rng.pick(&[-1, -1, 1, 1, 0, -2, 2, 2, -3, 4, 7, -7]);
            if step % 8 == 0 && rng.chance(0.5) {
                degree = self.setting.root(step) + 7 * degree.div_euclid(7) + rng.pick(&[0, 2, 4]);
            }
            degree = self.inside(degree);
            let place = &mut first[step % bar];
            let played = if riff { *place.get_or_insert(degree) } else { degree };
            notes.push(self.note(
                step,
                until,
                played,
                if step % 4 == 0 { 0.85 } else { rng.range(0.5, 0.8) },
            ));
            if self.polyphony > 1 && rng.chance(0.08) {
                notes.push(self.note(step, until, self.inside(played + 2), 0.6));
            }
        }
        notes
    }

    /// Root, fifth, octave and passing notes.
    fn bass(&self, rng: &mut Rng) -> Vec<Note> {
        let onsets = match rng.int(0, 3) {
            0 => (0..self.steps).step_by(2).collect(),
            1 => (0..self.steps).step_by(4).collect(),
            _ => self.rhythm(rng),
        };
        let octave = self.nearest(rng).div_euclid(7) * 7;
        let mut notes = Vec::new();
        for (step, until) in self.spans(&onsets) {
            let over = if step % 8 == 0 { 0 } else { rng.pick(&[0, 0, 0, 0, 4, 7, 2, -1, 1]) };
            let degree = self.inside(octave + self.setting.root(step) + over);
            notes.push(self.note(
                step,
                until,
                degree,
                if step % 4 == 0 { 0.9 } else { rng.range(0.55, 0.85) },
            ));
        }
        notes
    }

    /// The degrees of the chord at a step, low to high, as many as the instrument has voices.
    fn chord(&self, step: usize, rng: &mut Rng) -> Vec<i32> {
        let shape: &[i32] = match self.polyphony {
            1 => &[0],
            2 => &[0, 4],
            3 => &[0, 2, 4],
            _ => rng.pick(&[&[0, 2, 4, 7], &[0, 4, 7, 9, 11], &[0, 2, 4, 6]]),
        };
        let middle = self.setting.degree(self.range.0 + (self.range.1 - self.range.0) * 0.35);
        let root = self.setting.root(step) + 7 * (middle - self.setting.root(step)).div_euclid(7);
        let mut degrees: Vec<i32> =
            shape.iter().take(self.polyphony).map(|over| self.inside(root + over)).collect();
        degrees.sort_unstable();
        degrees.dedup();
        degrees
    }

    fn chords(&self, onsets: Vec<usize>, strum_s: f64, rng: &mut Rng) -> Vec<Note> {
        let mut notes = Vec::new();
        for (number, (step, until)) in self.spans(&onsets).into_iter().enumerate() {
            let mut degrees = self.chord(step, rng);
            let velocity = if step % 4 == 0 { 0.85 } else { rng.range(0.45, 0.8) };
            if strum_s > 0.0 && number % 2 == 1 {
                degrees.reverse();
            }
            for (string, degree) in degrees.into_iter().enumerate() {
                let mut note = self.note(step, until, degree, velocity);
                note.start_s += strum_s * string as f64;
                notes.push(note);
            }
        }
        notes
    }

    /// Chords that last as long as the harmony does.
    fn long(&self, rng: &mut Rng) -> Vec<Note> {
        let half = (self.setting.steps_per_bar() / 2).max(1);
        let hold = half * rng.pick(&[1, 2, 2, 4]);
        let onsets: Vec<usize> = (0..self.steps).step_by(hold).collect();
        let slow = Part { touch: rng.range(0.85, 1.1), ..*self };
        slow.chords(onsets, 0.0, rng)
    }

    fn arpeggio(&self, rng: &mut Rng) -> Vec<Note> {
        let every = rng.pick(&[1, 2, 2, 2, 4]);
        let up_and_down = rng.chance(0.4);
        let onsets: Vec<usize> = (0..self.steps).step_by(every).collect();
        let tones = [0, 2, 4, 7, 9, 11];
        let count = rng.int(3, 6);
        let low = self.setting.degree(self.range.0) + 2;
        let mut notes = Vec::new();
        for (number, (step, until)) in self.spans(&onsets).into_iter().enumerate() {
            let turn = number % (2 * count - 2);
            let index =
                if up_and_down && turn >= count { 2 * count - 2 - turn } else { number % count };
            let root = self.setting.root(step);
            let base = root + 7 * ((low - root).div_euclid(7) + 1);
            notes.push(self.note(
                step,
                until,
                self.inside(base + tones[index]),
                if index == 0 { 0.85 } else { 0.65 },
            ));
        }
        notes
    }

    /// A low part under a line or chords.
    fn two_hands(&self, rng: &mut Rng) -> Vec<Note> {
        let middle = self.range.0.midpoint(self.range.1);
        let left = Part { range: (self.range.0, middle), polyphony: 1, ..*self };
        let right = Part { range: (middle, self.range.1), ..*self };
        let mut notes = left.bass(rng);
        notes.extend(if rng.chance(0.5) {
            right.line(false, rng)
        } else {
            right.chords(right.rhythm(rng), 0.0, rng)
        });
        notes
    }

    /// Tremolo on a few notes.
    fn roll(&self, rng: &mut Rng) -> Vec<Note> {
        let stroke_s = rng.range(0.05, 0.11);
        let mut notes = Vec::new();
        for (step, until) in
            self.spans(&(0..self.steps).step_by(rng.pick(&[4, 8, 16])).collect::<Vec<_>>())
        {
            let pitch = self.setting.pitch(self.nearest(rng));
            let (mut start_s, end_s) =
                (self.setting.at_s(step), self.setting.at_s(until.min(self.steps)));
            while start_s < end_s {
                notes.push(Note {
                    start_s,
                    duration_s: stroke_s * 2.0,
                    pitch,
                    velocity: rng.range(0.4, 0.7),
                });
                start_s += stroke_s;
            }
        }
        notes
    }
}
