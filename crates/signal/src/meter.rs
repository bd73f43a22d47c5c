//! Time signatures, and places in a song counted in ticks, so that bars can be compared exactly.
//!
//! Hosts give quarter notes as floats: exact ones, ones rounded to 1/1920 (Ardour), ones a few ulp off. A bar begins at a
//! sum of bar lengths, and every length is a whole number of ticks: rounding to a tick makes equal what is equal.

use serde::{Deserialize, Serialize};

/// Ticks in a quarter note. Ardour's resolution, and a multiple of the 480 and 960 of most sequencers.
pub(crate) const TICKS_PER_QUARTER: f64 = 1920.0;

/// A time signature, such as 7/8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(i32, i32)", into = "(i32, i32)")]
pub struct Meter {
    numerator: u8,
    denominator: u8,
}

impl Meter {
    /// Most beats a bar may have: what the widest field of any host's editor takes.
    pub const MAX_NUMERATOR: i32 = 255;
    /// Shortest beat: a 64th note.
    pub const MAX_DENOMINATOR: i32 = 64;

    /// The meter of a host's two numbers, or nothing where they are none: 1 to 255 beats of a whole note's 1st, 2nd,
    /// 4th ... 64th part.
    pub fn new(numerator: i32, denominator: i32) -> Option<Self> {
        let beats = (1..=Self::MAX_NUMERATOR).contains(&numerator);
        let unit = (1..=Self::MAX_DENOMINATOR).contains(&denominator);
        if !beats || !unit || denominator.count_ones() != 1 {
            return None;
        }
        Some(Self {
            numerator: u8::try_from(numerator).ok()?,
            denominator: u8::try_from(denominator).ok()?,
        })
    }

    /// Beats in a bar.
    pub fn numerator(self) -> u8 {
        self.numerator
    }

    /// The beat, as a part of a whole note.
    pub fn denominator(self) -> u8 {
        self.denominator
    }

    /// Length of a bar in quarter notes.
    pub fn quarters(self) -> f64 {
        self.ticks() as f64 / TICKS_PER_QUARTER
    }

    /// Length of a bar in ticks: always whole.
    pub(crate) fn ticks(self) -> i64 {
        i64::from(self.numerator) * 7680 / i64::from(self.denominator)
    }
}

impl TryFrom<(i32, i32)> for Meter {
    type Error = &'static str;

    fn try_from((numerator, denominator): (i32, i32)) -> Result<Self, Self::Error> {
        Self::new(numerator, denominator)
            .ok_or("meter: not 1 to 255 beats of a whole note's 1st to 64th")
    }
}

impl From<Meter> for (i32, i32) {
    fn from(meter: Meter) -> Self {
        (meter.numerator.into(), meter.denominator.into())
    }
}

/// Where a bar starts in the song: what bars are told apart by. Ordered as the song is; zero is the song's start.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BarKey {
    /// 1/1920 quarter notes from the song's start.
    ticks: i64,
}

impl BarKey {
    /// The key of a bar that starts at this place, in quarter notes. Places up to half a tick apart are one.
    pub fn from_quarters(quarters: f64) -> Self {
        Self { ticks: (quarters * TICKS_PER_QUARTER).round() as i64 }
    }

    /// The bar's start in quarter notes.
    pub fn quarters(self) -> f64 {
        self.ticks as f64 / TICKS_PER_QUARTER
    }

    pub(crate) fn from_ticks(ticks: i64) -> Self {
        Self { ticks }
    }

    pub(crate) fn ticks(self) -> i64 {
        self.ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_hold_what_a_score_can() {
        for (numerator, denominator) in [(0, 4), (-3, 4), (256, 4), (4, 0), (4, 3), (4, 128)] {
            assert_eq!(Meter::new(numerator, denominator), None, "{numerator}/{denominator}");
        }
        assert_eq!(Meter::new(i32::MAX, i32::MIN), None);
        assert_eq!(Meter::new(7, 8).unwrap().quarters(), 3.5);
        assert_eq!(Meter::new(1, 64).unwrap().quarters(), 0.0625);
        assert_eq!(Meter::new(255, 1).unwrap().quarters(), 1020.0);
    }

    #[test]
    fn state_from_a_project_is_checked_as_a_host_is() {
        let meter = Meter::new(3, 4).unwrap();
        assert_eq!(serde_json::to_string(&meter).unwrap(), "[3,4]");
        assert_eq!(serde_json::from_str::<Meter>("[3,4]").unwrap(), meter);
        let error = serde_json::from_str::<Meter>("[3,5]").unwrap_err().to_string();
        assert!(error.starts_with("meter: "), "{error}");
    }

    #[test]
    fn keys_are_equal_where_hosts_round() {
        let exact = BarKey::from_quarters(132.0);
        assert_eq!(exact, BarKey::from_quarters(132.000_000_093));
        assert_eq!(exact, BarKey::from_quarters(132.0 - 0.4 / TICKS_PER_QUARTER));
        assert_ne!(exact, BarKey::from_quarters(132.0 + 1.0 / TICKS_PER_QUARTER));
        assert_eq!(BarKey::from_quarters(-3.5).quarters(), -3.5);
    }
}
