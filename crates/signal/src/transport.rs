//! What a host says about one block: is it playing, where, how fast, in which meter. Filled by the plugin's wrapper on
//! the audio thread, carried by the tap, read by the bar clock. Nothing in it is trusted.

use serde::{Deserialize, Serialize};

use crate::meter::{Meter, TICKS_PER_QUARTER};

/// The rounding that hosts are granted, in ticks: one, with room for the float that carried it.
pub(crate) const TICK: f64 = 1.01;

/// What floats and CLAP's fixed point leave, in ticks: a millionth in CLAP, less in a double.
const DUST: f64 = 1e-4;

/// A host's claims about a block's first frame. `None` is "the host doesn't say".
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transport {
    /// Whether the song moves. Some hosts never set it and hand over audio all the same (pedalboard).
    pub playing: bool,
    /// Song position in samples; negative in a pre-roll.
    pub position: Option<i64>,
    /// Tempo in quarter notes per minute.
    pub tempo_bpm: Option<f64>,
    /// Time signature.
    pub meter: Option<Meter>,
    /// Song position in quarter notes; some hosts round it to 1/1920.
    pub position_quarters: Option<f64>,
    /// Where the current bar starts, in quarter notes. Often wrong, and 0 in CLAP where the host gave none.
    pub bar_start_quarters: Option<f64>,
    /// Whether the host renders. A hint: VST3 wrappers report it late or never.
    pub offline: bool,
}

impl Transport {
    /// Lowest tempo taken for one, in quarter notes per minute.
    pub const MIN_TEMPO_BPM: f64 = 1.0;
    /// Highest tempo taken for one, in quarter notes per minute; hosts end at 1000 or below.
    pub const MAX_TEMPO_BPM: f64 = 1000.0;
    /// Farthest place taken for one, in quarter notes from the song's start: 16 hours at the highest tempo. Ticks and
    /// samples up to there are exact in an `f64`.
    pub const MAX_QUARTERS: f64 = 1e6;
    /// Farthest position taken for one, in samples from the song's start: 2^48, 46 years at 192 kHz.
    pub const MAX_POSITION: i64 = 1 << 48;

    /// The same claims without those that are no number, no tempo or beyond any song. `[audio-thread]`
    #[must_use]
    pub fn checked(self) -> Self {
        let place = |quarters: &f64| quarters.is_finite() && quarters.abs() <= Self::MAX_QUARTERS;
        let tempos = Self::MIN_TEMPO_BPM..=Self::MAX_TEMPO_BPM;
        Self {
            position: self.position.filter(|at| at.unsigned_abs() <= Self::MAX_POSITION as u64),
            tempo_bpm: self.tempo_bpm.filter(|tempo| tempos.contains(tempo)),
            position_quarters: self.position_quarters.filter(place),
            bar_start_quarters: self.bar_start_quarters.filter(place),
            ..self
        }
    }

    /// Whether the host says nothing at all. The bar's start doesn't count: CLAP has no way of leaving it out.
    pub(crate) fn is_absent(&self) -> bool {
        !self.playing
            && self.position.is_none()
            && self.tempo_bpm.is_none()
            && self.meter.is_none()
            && self.position_quarters.is_none()
    }

    /// Ticks that pass in a frame, where the tempo is known.
    pub(crate) fn ticks_per_frame(&self, rate_hz: f64) -> Option<f64> {
        Some(self.tempo_bpm? * TICKS_PER_QUARTER / (60.0 * rate_hz))
    }

    /// Whether `next` says what follows from these claims `frames` later, so that it needn't be told. `[audio-thread]`
    ///
    /// Everything but the place in quarter notes must be equal to the bit; that may differ by a tick, since hosts
    /// round. The first place between two ticks is told: it proves a host that doesn't round. A bar's start must be the
    /// same, or whole bars on.
    pub(crate) fn implies(&self, next: &Self, frames: u64, rate_hz: f64) -> bool {
        let same = self.playing == next.playing
            && self.offline == next.offline
            && self.meter == next.meter
            && self.tempo_bpm == next.tempo_bpm;
        let moved = if self.playing { frames } else { 0 };
        same && self.position.map(|at| at.saturating_add_unsigned(moved)) == next.position
            && self.implies_quarters(next, moved, rate_hz)
            && self.implies_bar(next, rate_hz)
    }

    fn implies_quarters(&self, next: &Self, moved: u64, rate_hz: f64) -> bool {
        match (self.position_quarters, next.position_quarters) {
            (None, None) => true,
            (Some(was), Some(is)) if moved == 0 => was == is,
            (Some(was), Some(is)) => self.ticks_per_frame(rate_hz).is_some_and(|per_frame| {
                let ticks = (is - was) * TICKS_PER_QUARTER - moved as f64 * per_frame;
                ticks.abs() <= TICK && (on_tick(is) || !on_tick(was))
            }),
            _ => false,
        }
    }

    /// Claims that were wrong must stay the same to be merged; right ones must stay right.
    fn implies_bar(&self, next: &Self, rate_hz: f64) -> bool {
        let right = self.claims_its_bar(rate_hz);
        if self.bar_start_quarters == next.bar_start_quarters {
            return right == next.claims_its_bar(rate_hz);
        }
        let (Some(was), Some(is), Some(meter)) =
            (self.bar_start_quarters, next.bar_start_quarters, self.meter)
        else {
            return false;
        };
        let bars = (is - was) / meter.quarters();
        let whole = (bars - bars.round()).abs() * meter.quarters() * TICKS_PER_QUARTER <= 0.5;
        whole && bars > 0.0 && right && next.claims_its_bar(rate_hz)
    }

    /// Whether the claimed start of the bar and the claimed place in it agree: start <= place < start + length. A place
    /// may lie before the start by what a host rounds: a tick and a frame.
    pub(crate) fn claims_its_bar(&self, rate_hz: f64) -> bool {
        let (Some(start), Some(place), Some(meter)) =
            (self.bar_start_quarters, self.position_quarters, self.meter)
        else {
            return false;
        };
        let slack = self.ticks_per_frame(rate_hz).unwrap_or(0.0) + TICK;
        let ticks = (place - start) * TICKS_PER_QUARTER;
        (-slack..meter.ticks() as f64 - DUST).contains(&ticks)
    }
}

/// Whether a place in quarter notes may be a rounded one.
pub(crate) fn on_tick(quarters: f64) -> bool {
    let ticks = quarters * TICKS_PER_QUARTER;
    (ticks - ticks.round()).abs() < DUST
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 48_000.0;

    /// 120 BPM, 4/4, two bars into the song.
    fn playing() -> Transport {
        Transport {
            playing: true,
            position: Some(192_000),
            tempo_bpm: Some(120.0),
            meter: Meter::new(4, 4),
            position_quarters: Some(8.0),
            bar_start_quarters: Some(8.0),
            offline: false,
        }
    }

    fn later(frames: i64) -> Transport {
        let quarters = 8.0 + frames as f64 / 24_000.0;
        Transport {
            position: Some(192_000 + frames),
            position_quarters: Some(quarters),
            bar_start_quarters: Some((quarters / 4.0).floor() * 4.0),
            ..playing()
        }
    }

    #[test]
    fn what_follows_needs_no_mark() {
        for frames in [1, 64, 512, 95_999, 96_000, 960_000] {
            assert!(later(7).implies(&later(7 + frames), frames as u64, RATE_HZ), "{frames}");
        }
        assert!(!playing().implies(&later(7), 7, RATE_HZ), "a host that doesn't round");
        let rounded = |frames: i64| {
            let exact = later(frames);
            let ticks = exact.position_quarters.unwrap() * TICKS_PER_QUARTER;
            Transport { position_quarters: Some(ticks.floor() / TICKS_PER_QUARTER), ..exact }
        };
        for frames in 1..2_000 {
            assert!(rounded(7).implies(&rounded(7 + frames), frames as u64, RATE_HZ), "{frames}");
        }
    }

    #[test]
    fn every_change_needs_a_mark() {
        let next = later(1_600); // 128 ticks
        assert!(playing().implies(&next, 1_600, RATE_HZ));
        let changes = [
            Transport { playing: false, ..next },
            Transport { offline: true, ..next },
            Transport { position: Some(193_601), ..next },
            Transport { position: None, ..next },
            Transport { tempo_bpm: Some(120.000_1), ..next },
            Transport { meter: Meter::new(3, 4), ..next },
            Transport { position_quarters: Some(8.0), ..next },
            Transport { position_quarters: None, ..next },
            Transport { bar_start_quarters: Some(9.0), ..next },
            Transport { bar_start_quarters: Some(4.0), ..next },
            Transport { bar_start_quarters: Some(12.0), ..next },
            Transport { bar_start_quarters: None, ..next },
        ];
        for change in changes {
            assert!(!playing().implies(&change, 1_600, RATE_HZ), "{change:?}");
        }
        let stuck = Transport { bar_start_quarters: Some(8.0), ..later(96_000) };
        assert!(!playing().implies(&stuck, 96_000, RATE_HZ), "a claim that stopped being right");
    }

    #[test]
    fn a_standing_transport_stays() {
        let stopped = Transport { playing: false, ..playing() };
        assert!(stopped.implies(&stopped, 512, RATE_HZ));
        assert!(!stopped.implies(&Transport { playing: false, ..later(512) }, 512, RATE_HZ));
        assert!(Transport::default().implies(&Transport::default(), 512, RATE_HZ));
        let blind = Transport { playing: true, ..Transport::default() };
        assert!(blind.implies(&blind, 512, RATE_HZ), "playing, and nothing known");
    }

    #[test]
    fn a_bar_start_beside_the_place_is_a_lie() {
        assert!(playing().claims_its_bar(RATE_HZ));
        for (start, honest) in [(4.0, false), (4.001, true), (8.000_4, true), (8.01, false)] {
            let claim = Transport { bar_start_quarters: Some(start), ..playing() };
            assert_eq!(claim.claims_its_bar(RATE_HZ), honest, "{start}");
        }
        // Ardour 7.3 at the start of a song in 3/4.
        let ardour = Transport {
            meter: Meter::new(3, 4),
            position_quarters: Some(0.0),
            bar_start_quarters: Some(4.0),
            ..playing()
        };
        assert!(!ardour.claims_its_bar(RATE_HZ));
    }

    #[test]
    fn garbage_counts_as_unsaid() {
        let garbage = Transport {
            playing: true,
            position: Some(i64::MIN),
            tempo_bpm: Some(f64::NAN),
            meter: Meter::new(4, 4),
            position_quarters: Some(f64::NEG_INFINITY),
            bar_start_quarters: Some(1e300),
            offline: true,
        };
        let expected = Transport {
            playing: true,
            meter: Meter::new(4, 4),
            offline: true,
            ..Transport::default()
        };
        assert_eq!(garbage.checked(), expected);
        assert_eq!(playing().checked(), playing());
        for tempo in [0.0, -120.0, 1e9] {
            assert_eq!(Transport { tempo_bpm: Some(tempo), ..playing() }.checked().tempo_bpm, None);
        }
    }
}
