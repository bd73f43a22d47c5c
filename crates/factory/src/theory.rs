//! Keys, scales and chords with the names that the truth writes.

use serde::{Deserialize, Serialize};

use crate::rng::{Draw as _, Rng};

/// Pitch class names, C = 0, in keys with sharps and in keys with flats.
const SHARPS: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const FLATS: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];

/// Major or (natural) minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Ionian.
    Major,
    /// Aeolian; its dominant chord may be major.
    Minor,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Pitch class of the tonic, C = 0.
    pub tonic: usize,
    /// Major or minor.
    pub mode: Mode,
}

impl Key {
    /// Any key.
    pub fn draw(rng: &mut Rng) -> Self {
        Self {
            tonic: rng.int(0, 11),
            mode: if rng.chance(0.5) { Mode::Major } else { Mode::Minor },
        }
    }

    /// The key's name, e.g. `A minor`.
    pub fn name(self) -> String {
        let mode = if self.mode == Mode::Major { "major" } else { "minor" };
        format!("{} {mode}", self.names()[self.tonic])
    }

    /// A chord's name as this key spells it, e.g. `F#m`.
    pub fn chord_name(self, chord: Chord) -> String {
        let suffix = match chord.quality {
            Quality::Major => "",
            Quality::Minor => "m",
            Quality::Diminished => "dim",
        };
        format!("{}{suffix}", self.names()[chord.root])
    }

    /// The spelling with fewer signs: flats in F, Bb, Eb, Ab, Db and their relative minors.
    fn names(self) -> &'static [&'static str; 12] {
        let relative = if self.mode == Mode::Major { self.tonic } else { (self.tonic + 3) % 12 };
        if matches!(relative, 1 | 3 | 5 | 8 | 10) { &FLATS } else { &SHARPS }
    }

    fn steps(self) -> [usize; 7] {
        match self.mode {
            Mode::Major => [0, 2, 4, 5, 7, 9, 11],
            Mode::Minor => [0, 2, 3, 5, 7, 8, 10],
        }
    }

    /// MIDI pitch of a scale degree, degree 0 being the tonic at or above MIDI 0; any number of octaves.
    pub fn pitch(self, degree: i32) -> f64 {
        let octave = degree.div_euclid(7);
        f64::from(octave * 12) + (self.tonic + self.steps()[degree.rem_euclid(7) as usize]) as f64
    }

    /// The degree whose pitch is nearest.
    pub fn degree_near(self, pitch: f64) -> i32 {
        let guess = ((pitch - self.tonic as f64) * 7.0 / 12.0) as i32;
        (guess - 2..=guess + 2)
            .min_by(|a, b| {
                (self.pitch(*a) - pitch).abs().total_cmp(&(self.pitch(*b) - pitch).abs())
            })
            .unwrap_or(guess)
    }

    /// The triad on a degree (0 to 6) of the scale.
    pub fn chord(self, degree: usize) -> Chord {
        let at = |d: usize| self.steps()[d % 7] + 12 * (d / 7);
        let quality = match (at(degree + 2) - at(degree), at(degree + 4) - at(degree)) {
            (3, 6) => Quality::Diminished,
            (3, _) => Quality::Minor,
            _ => Quality::Major,
        };
        Chord { root: (self.tonic + at(degree)) % 12, quality }
    }

    /// Four or eight chords that belong to the key: a common turn, or a walk that ends open or at home.
    pub fn progression(self, length: usize, rng: &mut Rng) -> Vec<Chord> {
        const MAJOR: [[usize; 4]; 7] = [
            [0, 4, 5, 3],
            [0, 5, 3, 4],
            [5, 3, 0, 4],
            [0, 3, 4, 3],
            [1, 4, 0, 5],
            [0, 2, 3, 4],
            [3, 0, 4, 5],
        ];
        const MINOR: [[usize; 4]; 7] = [
            [0, 5, 2, 6],
            [0, 3, 4, 0],
            [0, 6, 5, 6],
            [0, 5, 3, 4],
            [0, 2, 6, 3],
            [5, 6, 0, 0],
            [0, 3, 6, 2],
        ];
        let turns = if self.mode == Mode::Major { MAJOR } else { MINOR };
        let mut degrees = Vec::new();
        while degrees.len() < length {
            if rng.chance(0.7) {
                degrees.extend(rng.pick(&turns));
            } else {
                // All but the diminished triad.
                let whole =
                    if self.mode == Mode::Major { [0, 1, 2, 3, 4, 5] } else { [0, 2, 3, 4, 5, 6] };
                degrees.extend([0, rng.pick(&whole), rng.pick(&whole), rng.pick(&whole)]);
            }
        }
        degrees.truncate(length);
        let raised = self.mode == Mode::Minor && rng.chance(0.4);
        degrees
            .into_iter()
            .map(|degree| {
                let chord = self.chord(degree);
                // The major dominant of the harmonic minor.
                if raised && degree == 4 {
                    Chord { quality: Quality::Major, ..chord }
                } else {
                    chord
                }
            })
            .collect()
    }
}

/// Kind of triad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// Major third, fifth.
    Major,
    /// Minor third, fifth.
    Minor,
    /// Minor third, diminished fifth.
    Diminished,
}

/// A triad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// Pitch class of the root.
    pub root: usize,
    /// Kind of triad.
    pub quality: Quality,
}

impl Chord {
    /// Pitch classes of root, third and fifth.
    pub fn classes(self) -> [usize; 3] {
        let (third, fifth) = match self.quality {
            Quality::Major => (4, 7),
            Quality::Minor => (3, 7),
            Quality::Diminished => (3, 6),
        };
        [self.root, (self.root + third) % 12, (self.root + fifth) % 12]
    }

    /// The chord's note nearest to a MIDI pitch.
    pub fn nearest(self, pitch: f64) -> f64 {
        self.classes()
            .into_iter()
            .map(|class| {
                let up = (class as f64 - pitch).rem_euclid(12.0);
                if up <= 6.0 { pitch + up } else { pitch + up - 12.0 }
            })
            .min_by(|a, b| (a - pitch).abs().total_cmp(&(b - pitch).abs()))
            .unwrap_or(pitch)
    }

    /// `count` notes of the chord going up from the first at or above a MIDI pitch.
    pub fn stack(self, from: f64, count: usize) -> Vec<f64> {
        let classes = self.classes();
        (0..)
            .map(|i| (from.ceil() as usize) + i)
            .filter(|p| classes.contains(&(p % 12)))
            .map(|p| p as f64)
            .take(count)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_notes_agree() {
        let key = Key { tonic: 9, mode: Mode::Minor };
        assert_eq!(key.name(), "A minor");
        assert_eq!(key.chord_name(key.chord(0)), "Am");
        assert_eq!(key.chord_name(key.chord(5)), "F");
        assert_eq!(key.chord_name(key.chord(1)), "Bdim");
        assert_eq!(Key { tonic: 8, mode: Mode::Minor }.name(), "G# minor");
        assert_eq!(Key { tonic: 10, mode: Mode::Major }.name(), "Bb major");
        assert_eq!(key.chord(0).stack(56.5, 3), [57.0, 60.0, 64.0]);
        assert_eq!(key.chord(3).nearest(61.0), 62.0);
        for degree in 0..40 {
            assert_eq!(key.degree_near(key.pitch(degree)), degree);
        }
    }

    #[test]
    fn progressions_stay_in_the_key() {
        let mut rng = crate::rng::rng(1, "theory");
        for _ in 0..200 {
            let key = Key::draw(&mut rng);
            let chords = key.progression(4, &mut rng);
            assert_eq!(chords.len(), 4);
            assert!(chords.iter().all(|c| (0..7).any(|d| key.chord(d).root == c.root)));
        }
    }
}
