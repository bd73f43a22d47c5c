//! Hand percussion: skins, wood, metal, rattles and claps.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use crate::dsp::{Mode, Noise, Saw, Svf, ring, semitones};
use crate::rng::{Draw as _, Rng};

/// What is struck or shaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Conga,
    Bongo,
    Woodblock,
    Claves,
    Cowbell,
    Triangle,
    Agogo,
    Shaker,
    Tambourine,
    Clap,
    Snap,
    Guiro,
    Timpani,
    Tabla,
}

impl Kind {
    const ALL: [Self; 14] = [
        Self::Conga,
        Self::Bongo,
        Self::Woodblock,
        Self::Claves,
        Self::Cowbell,
        Self::Triangle,
        Self::Agogo,
        Self::Shaker,
        Self::Tambourine,
        Self::Clap,
        Self::Snap,
        Self::Guiro,
        Self::Timpani,
        Self::Tabla,
    ];

    /// Lowest and highest fundamental, partial ratios, longest decay.
    fn bars(self) -> (f64, f64, &'static [f64], f64) {
        match self {
            Self::Conga => (150.0, 280.0, &[1.0, 1.5, 2.0, 2.44, 2.9], 0.45),
            Self::Bongo => (280.0, 520.0, &[1.0, 1.6, 2.15, 2.7], 0.22),
            Self::Tabla => (180.0, 420.0, &[1.0, 2.0, 3.0, 4.02, 5.05], 0.6),
            Self::Timpani => (70.0, 160.0, &[1.0, 1.5, 1.98, 2.44, 2.9], 1.8),
            Self::Woodblock => (700.0, 1500.0, &[1.0, 1.68, 2.5, 3.9], 0.09),
            Self::Claves => (1800.0, 2900.0, &[1.0, 2.7], 0.1),
            Self::Triangle => (1200.0, 2200.0, &[1.0, 1.96, 2.83, 3.9, 5.1, 6.4, 7.7], 3.0),
            Self::Agogo => (600.0, 1100.0, &[1.0, 1.48, 2.56, 3.4, 4.6], 0.5),
            _ => (500.0, 900.0, &[1.0, 1.48], 0.35),
        }
    }
}

/// One hand instrument.
#[derive(Clone, Debug)]
pub(super) struct Shaken {
    kind: Kind,
    freq_hz: f64,
    t60_s: f64,
    bright: f64,
    slap: f64,
    grains: usize,
    width_q: f64,
}

impl Shaken {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let kind = rng.pick(&Kind::ALL);
        let (lo, hi, _, t60_s) = kind.bars();
        Self {
            kind,
            freq_hz: rng.log_range(lo, hi),
            t60_s: t60_s * rng.log_range(0.5, 1.5),
            bright: rng.range(0.3, 1.0),
            slap: rng.range(0.05, 0.6),
            grains: rng.int(3, 16),
            width_q: rng.range(0.6, 2.5),
        }
    }

    /// Skins, wood and metal: decaying partials and the noise of the stroke.
    fn strike(&self, stroke: &mut Stroke<'_>, hit: &mut [f32]) {
        // Neighbouring keys are the open and the muted, the high and the low drum.
        let step = [0.0, 4.0, -3.0, 7.0][(stroke.note.pitch.round().max(0.0) as usize) % 4];
        let freq = self.freq_hz * semitones(step) * (1.0 + stroke.rng.normal(0.003));
        let short = if stroke.rng.chance(0.2) { 0.35 } else { 1.0 };
        let modes: Vec<Mode> = self
            .kind
            .bars()
            .2
            .iter()
            .enumerate()
            .map(|(i, ratio)| Mode {
                freq_hz: freq * ratio,
                amp: (if i == 0 { 1.0 } else { self.bright * stroke.rng.range(0.2, 0.9) })
                    / (1.0 + 0.4 * i as f64),
                t60_s: self.t60_s * short / (1.0 + 0.35 * i as f64),
                phase: 0.0,
            })
            .collect();
        ring(&modes, stroke.rate, hit);
        self.burst(stroke, self.slap, freq * 5.0, 0.02, 0, hit);
    }

    /// A burst of noise around a frequency from frame `start` on.
    fn burst(
        &self,
        stroke: &mut Stroke<'_>,
        amp: f64,
        freq_hz: f64,
        t60_s: f64,
        start: usize,
        hit: &mut [f32],
    ) {
        let rate = stroke.rate;
        let mut noise = Noise::new(&mut stroke.rng);
        let mut band = Svf::new(freq_hz.min(0.4 * rate), self.width_q, rate);
        let keep = libm::exp(-6.907_755 / (t60_s * rate)) as f32;
        let mut level = amp as f32;
        for x in hit.iter_mut().skip(start) {
            *x += level * band.band(noise.next()) * 2.0;
            level *= keep;
            if level < 1e-4 {
                break;
            }
        }
    }

    /// Two detuned pulses through a band: the machine's cowbell.
    fn cowbell(&self, stroke: &mut Stroke<'_>, hit: &mut [f32]) {
        let rate = stroke.rate;
        let mut pulses = [Saw::new(0.0), Saw::new(0.3)];
        let mut band = Svf::new(self.freq_hz * 1.3, 1.2, rate);
        let keep = libm::exp(-6.907_755 / (self.t60_s * rate)) as f32;
        let mut level = 0.5f32;
        for x in hit {
            let sum = pulses[0].pulse(self.freq_hz / rate, 0.5)
                + pulses[1].pulse(self.freq_hz * 1.48 / rate, 0.5);
            *x += level * band.band(sum);
            level *= keep;
        }
    }

    /// Rattles and scrapes: many small grains, evenly for a scrape and in a swell for a shake.
    fn grains(&self, stroke: &mut Stroke<'_>, hit: &mut [f32]) {
        let (span_s, freq, grain_s) = match self.kind {
            Kind::Guiro => (stroke.rng.range(0.08, 0.3), 3200.0, 0.012),
            Kind::Tambourine => (0.05, 7500.0, 0.16),
            Kind::Clap => (0.028, 1250.0, 0.014),
            Kind::Snap => (0.004, 2300.0, 0.03),
            _ => (stroke.rng.range(0.03, 0.09), 6500.0, 0.03),
        };
        let freq = freq * (0.6 + 0.8 * self.bright);
        let count = if self.kind == Kind::Guiro { self.grains * 2 } else { self.grains };
        for grain in 0..count {
            let place = (grain as f64 + stroke.rng.range(-0.2, 0.2)) / count as f64;
            let swell =
                if self.kind == Kind::Shaker { 1.0 - (2.0 * place - 0.8).abs() * 0.6 } else { 1.0 };
            let start = (place.max(0.0) * span_s * stroke.rate) as usize;
            self.burst(stroke, swell * 0.5, freq, grain_s * self.t60_s.clamp(0.5, 1.5), start, hit);
        }
        if self.kind == Kind::Clap {
            // The room's answer after the four hands.
            let start = (span_s * stroke.rate) as usize;
            self.burst(stroke, 0.7, freq, 0.25 * self.t60_s.max(0.3), start, hit);
        }
        if self.kind == Kind::Tambourine {
            let modes: Vec<Mode> = (0..10)
                .map(|_| Mode {
                    freq_hz: stroke.rng.log_range(4000.0, 11_000.0),
                    amp: 0.06,
                    t60_s: stroke.rng.range(0.1, 0.35),
                    phase: stroke.rng.range(0.0, 1.0),
                })
                .collect();
            ring(&modes, stroke.rate, hit);
        }
    }
}

impl Tone for Shaken {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let mut hit = scratch(out, self.t60_s.max(0.5) * 1.4, stroke.rate);
        match self.kind {
            Kind::Cowbell => self.cowbell(stroke, &mut hit),
            Kind::Shaker | Kind::Tambourine | Kind::Clap | Kind::Snap | Kind::Guiro => {
                self.grains(stroke, &mut hit)
            }
            _ => self.strike(stroke, &mut hit),
        }
        mix(out, &hit, stroke.force());
    }
}

/// One to three instruments on neighbouring keys.
#[derive(Debug)]
struct Table(Vec<Shaken>);

impl Tone for Table {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let key = stroke.note.pitch.round().max(0.0) as usize;
        self.0[key / 4 % self.0.len()].sound(stroke, out);
    }
}

/// A percussionist's table.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    let pieces = [1, 2, 3][rng.weighted(&[0.6, 0.25, 0.15])];
    let table = Table((0..pieces).map(|_| Shaken::draw(rng)).collect());
    Player::boxed(Label::Percussion, (60.0, 75.0), 3, rng, table)
}
