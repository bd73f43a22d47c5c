//! One move, as the ear can try it.

use std::fmt;
use std::num::NonZeroU64;

use crate::finding::{Action, Finding, FindingKind};

/// What is done to the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A peak or a dip.
    Peak,
    /// Everything above a frequency.
    HighShelf,
    /// Nothing below a frequency.
    HighPass,
    /// Dips at a frequency and its multiples.
    Series,
    /// Everything below a frequency in the middle.
    MonoBelow,
    /// The right channel turned around.
    InvertRight,
    /// The left channel's level.
    Left,
    /// The right channel's level.
    Right,
}

impl Shape {
    const ALL: [Self; 8] = [
        Self::Peak,
        Self::HighShelf,
        Self::HighPass,
        Self::Series,
        Self::MonoBelow,
        Self::InvertRight,
        Self::Left,
        Self::Right,
    ];

    /// Whether it needs a left and a right channel.
    pub(super) fn is_stereo(self) -> bool {
        matches!(self, Self::MonoBelow | Self::InvertRight | Self::Left | Self::Right)
    }
}

/// A move to be heard: a shape, a frequency from 1 Hz to 3 MHz in steps of 1/3000 octave, a quality factor in hundredths and
/// a gain in hundredths of a dB. All of it in one word, from the lowest bit: gain, quality factor, frequency, shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trial(NonZeroU64);

const STEPS_AN_OCTAVE: f64 = 3000.0;
const Q_STEPS: f64 = 100.0;
const GAIN_STEPS: f64 = 100.0;

impl Trial {
    /// A move by its parts.
    pub fn new(shape: Shape, freq_hz: f64, q: f64, gain_db: f64) -> Self {
        let number = Shape::ALL.iter().position(|known| *known == shape).unwrap_or(0) as u64 + 1;
        let freq = (freq_hz.max(1.0).log2() * STEPS_AN_OCTAVE).round() as u16;
        let (q, gain) = ((q * Q_STEPS).round() as u16, (gain_db * GAIN_STEPS).round() as i16);
        let bits =
            number << 48 | u64::from(freq) << 32 | u64::from(q) << 16 | u64::from(gain as u16);
        // The shape's number is at least 1.
        Self(NonZeroU64::new(bits).unwrap_or(NonZeroU64::MIN))
    }

    /// The move of a finding; none where it is one that takes more than an equaliser and a switch, where it is for another
    /// track, and where there is nothing left of it at the same loudness.
    pub fn of(finding: &Finding) -> Option<Self> {
        let mv =
            finding.mv.filter(|_| finding.other.as_ref().is_none_or(|other| !other.is_moved))?;
        let new = |shape| {
            Self::new(
                shape,
                mv.freq_hz.unwrap_or(1_000.0),
                mv.q.unwrap_or(0.7),
                mv.gain_db.unwrap_or(0.0),
            )
        };
        Some(match mv.action {
            Action::Boost if finding.kind == FindingKind::Dull => new(Shape::HighShelf),
            Action::Cut | Action::Boost => new(Shape::Peak),
            Action::Notch => new(Shape::Series),
            Action::HighPass => new(Shape::HighPass),
            Action::MonoBelow => new(Shape::MonoBelow),
            Action::InvertPhase => new(Shape::InvertRight),
            // Positive: the right channel is the louder one.
            Action::Pan if finding.kind == FindingKind::ChannelImbalance => {
                let is_right = finding.evidence.first().is_some_and(|balance| balance.value > 0.0);
                new(if is_right { Shape::Right } else { Shape::Left })
            }
            _ => return None,
        })
    }

    pub(super) fn bits(self) -> u64 {
        self.0.get()
    }

    pub(super) fn from_bits(bits: u64) -> Option<Self> {
        NonZeroU64::new(bits).map(Self)
    }

    /// What is done.
    pub fn shape(self) -> Shape {
        let number = (self.bits() >> 48) as usize;
        Shape::ALL.get(number.wrapping_sub(1)).copied().unwrap_or(Shape::Peak)
    }

    /// Where, in Hz.
    pub fn freq_hz(self) -> f64 {
        (f64::from((self.bits() >> 32) as u16) / STEPS_AN_OCTAVE).exp2()
    }

    /// How narrowly.
    pub fn q(self) -> f64 {
        f64::from((self.bits() >> 16) as u16) / Q_STEPS
    }

    /// How much, in dB.
    pub fn gain_db(self) -> f64 {
        f64::from(self.bits() as u16 as i16) / GAIN_STEPS
    }
}

/// In words, e.g. `a cut of 4.0 dB at 300 Hz`.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hz, db) = (self.freq_hz(), self.gain_db());
        let place =
            if hz < 1_000.0 { format!("{hz:.0} Hz") } else { format!("{:.1} kHz", hz / 1_000.0) };
        let change = if db < 0.0 { "cut" } else { "boost" };
        let size = db.abs();
        match self.shape() {
            Shape::Peak => write!(f, "a {change} of {size:.1} dB at {place}"),
            Shape::HighShelf => write!(f, "a {change} of {size:.1} dB from {place} up"),
            Shape::HighPass => write!(f, "a high-pass at {place}"),
            Shape::Series => write!(f, "notches of {size:.1} dB at {place} and its multiples"),
            Shape::MonoBelow => write!(f, "mono below {place}"),
            Shape::InvertRight => write!(f, "the right side turned around"),
            Shape::Left => write!(f, "the left side at {db:+.1} dB"),
            Shape::Right => write!(f, "the right side at {db:+.1} dB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Evidence, Move, OtherTrack, Severity};

    fn finding(kind: FindingKind, action: Action, gain_db: Option<f64>) -> Finding {
        Finding {
            evidence: vec![Evidence::new("balance_db", -3.0, "dB", "")],
            mv: Some(Move { action, freq_hz: Some(315.0), q: Some(1.4), gain_db }),
            ..Finding::new(kind, Severity::Clear, 1.0)
        }
    }

    #[test]
    fn a_move_fits_into_a_word() {
        let trial = Trial::new(Shape::MonoBelow, 12_345.0, 30.0, -14.5);
        let same = Trial::from_bits(trial.bits()).unwrap();
        assert_eq!(
            (same, same.shape(), same.q(), same.gain_db()),
            (trial, Shape::MonoBelow, 30.0, -14.5)
        );
        assert!((same.freq_hz() / 12_345.0 - 1.0).abs() < 2e-4, "{}", same.freq_hz());
        assert_eq!(Trial::from_bits(0), None);
        assert_eq!(Trial::from_bits(u64::MAX).unwrap().shape(), Shape::Peak, "rubbish is no panic");
    }

    #[test]
    fn what_an_equaliser_can_do_can_be_tried() {
        let words = |kind, action, gain_db| {
            Trial::of(&finding(kind, action, gain_db)).map(|trial| trial.to_string())
        };
        let check = |kind, action, expected: &str| {
            assert_eq!(words(kind, action, Some(-4.0)).as_deref(), Some(expected));
        };
        check(FindingKind::Muddy, Action::Cut, "a cut of 4.0 dB at 315 Hz");
        check(FindingKind::Dull, Action::Boost, "a cut of 4.0 dB from 315 Hz up");
        check(FindingKind::ChannelImbalance, Action::Pan, "the left side at -4.0 dB");
        check(FindingKind::Hum, Action::Notch, "notches of 4.0 dB at 315 Hz and its multiples");
        assert_eq!(
            words(FindingKind::TooLoud, Action::Gain, Some(-6.0)),
            None,
            "as loud, it is the same"
        );
        assert_eq!(words(FindingKind::Noise, Action::Expand, Some(-6.0)), None);
        let mut others = finding(FindingKind::Masking, Action::Cut, Some(-3.0));
        others.other = Some(OtherTrack { name: "Pad".to_owned(), is_moved: true });
        assert_eq!(Trial::of(&others), None, "it is for the pad's track");
    }
}
