//! A run of playing frames tied to the song: frames to ticks and samples, and back.

use crate::meter::TICKS_PER_QUARTER;
use crate::tap::Mark;
use crate::transport::{TICK, on_tick};

/// How far quarter notes may run from what tempo and frames foretell before it is a jump: a quarter of a quarter note.
/// A tempo ramp moves them by a fifth of that in the longest blocks.
const RAMP_TICKS: f64 = TICKS_PER_QUARTER / 4.0;

/// One mark of a playing transport.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) mark: Mark,
    /// Place of the first frame in ticks, and ticks in a frame: where tempo, meter and place are all known.
    music: Option<Music>,
}

/// Where bars can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Music {
    /// Place of the anchor's frame, in ticks.
    pub(super) ticks: f64,
    pub(super) ticks_per_frame: f64,
    /// How far a bar line may lie from a frame and still be taken to lie on it, in ticks: a frame, and a
    /// tick in a host that rounds.
    pub(super) slack: f64,
    /// Length of a bar in ticks.
    pub(super) length: i64,
}

impl Music {
    /// Whether the anchor's frame is the first of what starts at this tick.
    pub(super) fn on(&self, start: i64) -> bool {
        (self.ticks - start as f64).abs() <= self.slack
    }
}

impl Anchor {
    /// `exact`: whether the host was seen not to round to ticks.
    pub(super) fn new(mark: Mark, rate_hz: f64, exact: bool) -> Self {
        let transport = &mark.transport;
        let music = || {
            let quarters = transport.position_quarters?;
            let ticks_per_frame = transport.ticks_per_frame(rate_hz)?;
            Some(Music {
                ticks: quarters * TICKS_PER_QUARTER,
                ticks_per_frame,
                slack: ticks_per_frame + if exact || !on_tick(quarters) { 0.0 } else { TICK },
                length: transport.meter?.ticks(),
            })
        };
        Self { mark, music: music() }
    }

    pub(super) fn music(&self) -> Option<Music> {
        self.music
    }

    /// How far before a bar line the anchor's frame may lie and be its first, in ticks, where the music goes on. A line
    /// that the next frames will cross is left to them: they find the frame, which a rounded place can't. After a loss
    /// there is nothing but the place.
    pub(super) fn near(&self, music: &Music) -> f64 {
        if self.mark.lost_frames > 0 { music.slack } else { music.ticks_per_frame }
    }

    /// Song position of a frame, in samples.
    pub(super) fn position(&self, frame: u64) -> Option<i64> {
        Some(self.mark.transport.position? + (frame as i64 - self.mark.frame as i64))
    }

    /// Place of a frame in ticks.
    pub(super) fn ticks(&self, frame: u64) -> Option<f64> {
        let music = self.music?;
        Some(music.ticks + (frame as f64 - self.mark.frame as f64) * music.ticks_per_frame)
    }

    /// The frame nearest to a place, at the earliest the anchor's.
    pub(super) fn frame(&self, music: &Music, ticks: i64) -> u64 {
        let frames = ((ticks as f64 - music.ticks) / music.ticks_per_frame).round();
        self.mark.frame + frames.max(0.0) as u64
    }

    /// Whether the song goes on at `next` as if the transport had just run on, lost frames included.
    ///
    /// Positions decide. Where they jump and quarter notes don't, the host computes positions from a tempo that has
    /// changed: the music goes on.
    pub(super) fn continues(&self, next: &Self) -> bool {
        let at = next.mark.frame;
        let drift = self.drift_ticks(next);
        match (self.position(at), next.mark.transport.position) {
            (Some(foretold), Some(told)) if foretold.abs_diff(told) <= 1 => {
                drift.is_none_or(|ticks| ticks <= RAMP_TICKS)
            }
            (None, None) => match drift {
                Some(ticks) => ticks <= RAMP_TICKS,
                None => {
                    let quarters = |anchor: &Self| anchor.mark.transport.position_quarters;
                    quarters(self).is_none() && quarters(next).is_none()
                }
            },
            _ => drift.is_some_and(|ticks| ticks <= 2.0),
        }
    }

    /// How far `next` lies from where it should, in ticks.
    fn drift_ticks(&self, next: &Self) -> Option<f64> {
        let told = next.mark.transport.position_quarters? * TICKS_PER_QUARTER;
        Some((told - self.ticks(next.mark.frame)?).abs())
    }
}
