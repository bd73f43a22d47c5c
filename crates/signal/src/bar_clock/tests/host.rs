//! A host with a song that it knows by heart, playing it badly: rounding, lies.

use crate::meter::{Meter, TICKS_PER_QUARTER};
use crate::transport::Transport;

/// A generator good enough to make songs: Knuth's MMIX.
pub(super) struct Lcg(pub(super) u64);

impl Lcg {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// What a host says of a bar's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claims {
    Right,
    None,
    /// CLAP where the host has none.
    Zero,
    /// 4 x the 1-based bar.
    Ardour,
    /// Right, and now and then what no bar can be.
    Mostly,
}

/// One bar of the truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct SongBar {
    pub(super) meter: Meter,
    pub(super) tempo_bpm: f64,
    /// Start in ticks, and in samples, from the song's start.
    pub(super) ticks: i64,
    pub(super) start: f64,
    /// Song position of the first sample.
    pub(super) position: i64,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) rate_hz: f64,
    pub(super) claims: Claims,
    /// Whether places are rounded down to ticks, and tempos come out of a float of another unit.
    pub(super) rounds: bool,
    pub(super) gives_position: bool,
    /// Three bars before the song's start, and then the song.
    pub(super) bars: Vec<SongBar>,
}

/// Bars before the song's start.
pub(super) const BEFORE: usize = 3;

impl Host {
    /// `fixed`: one tempo and one meter for all of the song.
    pub(super) fn new(random: &mut Lcg, rate_hz: f64, claims: Claims, fixed: bool) -> Self {
        let meters = [(4, 4), (3, 4), (7, 8), (5, 4), (6, 8), (2, 4), (12, 8), (5, 16)];
        let meter = |random: &mut Lcg| {
            let (numerator, denominator) = random.pick(&meters);
            Meter::new(numerator, denominator).unwrap()
        };
        let tempo = |random: &mut Lcg| 40.0 + random.below(26_000) as f64 / 100.0;
        let (mut now, mut tempo_bpm) = (meter(random), tempo(random));
        while claims == Claims::Ardour && now.quarters() > 4.0 {
            // In longer bars some of its claims can't be told from right ones, before any is wrong.
            now = meter(random);
        }
        let frames = |meter: Meter, tempo_bpm: f64| meter.quarters() * 60.0 / tempo_bpm * rate_hz;
        let mut ticks = -(BEFORE as i64) * now.ticks();
        let mut start = -(BEFORE as f64) * frames(now, tempo_bpm);
        let mut bars = Vec::new();
        for index in 0..60 {
            if !fixed && index > BEFORE && random.below(3) == 0 {
                now = meter(random);
            }
            if !fixed && index > BEFORE && random.below(3) == 0 {
                tempo_bpm = tempo(random);
            }
            let position = start.round() as i64;
            bars.push(SongBar { meter: now, tempo_bpm, ticks, start, position });
            ticks += now.ticks();
            start += frames(now, tempo_bpm);
        }
        Self { rate_hz, claims, rounds: false, gives_position: true, bars }
    }

    /// The bar of a sample.
    pub(super) fn bar(&self, position: i64) -> usize {
        self.bars.partition_point(|bar| bar.position <= position) - 1
    }

    /// Frames from here to where the host must begin a new block, because tempo or meter change.
    pub(super) fn steady_frames(&self, position: i64) -> i64 {
        let here = self.bars[self.bar(position)];
        let change = self.bars.iter().find(|bar| {
            bar.position > position && (bar.meter, bar.tempo_bpm) != (here.meter, here.tempo_bpm)
        });
        change.map_or(i64::MAX, |bar| bar.position - position)
    }

    /// What is said of a block at this position.
    pub(super) fn tell(&self, position: i64, random: &mut Lcg) -> Transport {
        let index = self.bar(position);
        let bar = self.bars[index];
        let per_frame = bar.tempo_bpm / 60.0 / self.rate_hz;
        let right = bar.ticks as f64 / TICKS_PER_QUARTER;
        let mut quarters = right + (position as f64 - bar.start) * per_frame;
        if self.rounds {
            // The float's own dust must not cost a tick.
            quarters = (quarters * TICKS_PER_QUARTER + 1e-6).floor() / TICKS_PER_QUARTER;
        }
        let claim = match self.claims {
            Claims::Right => Some(right),
            Claims::None => None,
            Claims::Zero => Some(0.0),
            Claims::Ardour => Some(4.0 * (index as f64 - BEFORE as f64 + 1.0).max(1.0)),
            Claims::Mostly if random.below(5) == 0 => {
                Some(quarters + random.pick(&[0.5, 3.0, -bar.meter.quarters() - 0.1]))
            }
            Claims::Mostly => Some(right),
        };
        let tempo_bpm = if self.rounds { bar.tempo_bpm * (1.0 + 7e-10) } else { bar.tempo_bpm };
        Transport {
            playing: true,
            position: self.gives_position.then_some(position),
            tempo_bpm: Some(tempo_bpm),
            meter: Some(bar.meter),
            position_quarters: Some(quarters),
            bar_start_quarters: claim,
            offline: false,
        }
    }
}
