//! Plants the faults that `analysis` is to find. Shares no code and no number with it: what a fault is, is stated here
//! as what was done to the sound.

use serde::{Deserialize, Serialize};

use crate::dsp::{Biquad, OnePole, Pink, Rotor, db, rms, soft};
use crate::rng::{Draw as _, Rng};

#[cfg(test)]
mod tests;

/// What is wrong; the names are those of the findings in `barline advise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "the variants are the contract's names; `Defect::plant` says what each does"
)]
pub enum Kind {
    Boomy,
    Muddy,
    Boxy,
    Harsh,
    Sibilant,
    Dull,
    Thin,
    Resonance,
    Hum,
    Noise,
    Clipping,
    DcOffset,
    ChannelImbalance,
    PhaseInverted,
    Narrow,
    WideLowEnd,
    Overcompressed,
    TooLoud,
    TooQuiet,
}

impl Kind {
    /// Every fault that can be planted.
    pub const ALL: [Self; 19] = [
        Self::Boomy,
        Self::Muddy,
        Self::Boxy,
        Self::Harsh,
        Self::Sibilant,
        Self::Dull,
        Self::Thin,
        Self::Resonance,
        Self::Hum,
        Self::Noise,
        Self::Clipping,
        Self::DcOffset,
        Self::ChannelImbalance,
        Self::PhaseInverted,
        Self::Narrow,
        Self::WideLowEnd,
        Self::Overcompressed,
        Self::TooLoud,
        Self::TooQuiet,
    ];

    /// Amounts from hardly there to gross, in the order of how bad they are.
    pub fn amounts_db(self) -> &'static [f64] {
        match self {
            Self::Boomy | Self::Muddy | Self::Boxy | Self::Harsh | Self::Sibilant => {
                &[2.0, 4.0, 6.0, 9.0, 12.0, 16.0]
            }
            Self::Dull | Self::Thin => &[-4.0, -8.0, -12.0, -18.0, -24.0, -36.0],
            Self::Resonance => &[3.0, 6.0, 9.0, 12.0, 16.0, 22.0],
            Self::Hum => &[-60.0, -50.0, -40.0, -32.0, -24.0, -14.0],
            Self::Noise => &[-65.0, -55.0, -45.0, -36.0, -28.0, -20.0],
            Self::Clipping => &[0.5, 1.0, 2.0, 4.0, 8.0, 14.0],
            Self::DcOffset => &[-60.0, -50.0, -42.0, -36.0, -30.0, -20.0],
            Self::ChannelImbalance => &[1.0, 2.0, 3.0, 4.5, 7.0, 12.0],
            // A channel is turned around or it isn't.
            Self::PhaseInverted => &[0.0],
            Self::Narrow => &[-6.0, -12.0, -20.0, -30.0, -40.0, -60.0],
            Self::WideLowEnd => &[-12.0, -6.0, -3.0, 0.0, 6.0, 12.0],
            Self::Overcompressed => &[3.0, 6.0, 10.0, 14.0, 19.0, 24.0],
            Self::TooLoud => &[-6.0, -2.0, 2.0, 6.0, 10.0, 14.0],
            Self::TooQuiet => &[-6.0, -12.0, -18.0, -24.0, -30.0, -40.0],
        }
    }

    /// Least and largest amount of a clear case.
    fn clear_db(self) -> (f64, f64) {
        match self {
            Self::Boomy => (9.0, 15.0),
            Self::Muddy | Self::Boxy => (8.0, 13.0),
            Self::Harsh => (9.0, 14.0),
            Self::Sibilant => (10.0, 16.0),
            Self::Resonance => (15.0, 22.0),
            Self::Dull => (-24.0, -14.0),
            Self::Thin => (-22.0, -13.0),
            Self::Hum => (-26.0, -14.0),
            Self::Noise => (-34.0, -20.0),
            Self::Clipping => (6.0, 14.0),
            // 0.02 to 0.16 of full scale.
            Self::DcOffset => (-34.0, -16.0),
            Self::ChannelImbalance => (4.0, 10.0),
            Self::PhaseInverted => (0.0, 0.0),
            Self::Narrow => (-60.0, -50.0),
            Self::WideLowEnd => (8.0, 16.0),
            Self::Overcompressed => (14.0, 24.0),
            Self::TooLoud => (8.0, 14.0),
            Self::TooQuiet => (-36.0, -24.0),
        }
    }

    /// A fault that makes sense on the target: balance, width and loudness belong to the mix, for stems are placed
    /// and levelled on purpose.
    pub fn draw(on: Target, rng: &mut Rng) -> Self {
        loop {
            let kind = rng.pick(&Self::ALL);
            let mix_only = matches!(
                kind,
                Self::ChannelImbalance
                    | Self::Narrow
                    | Self::WideLowEnd
                    | Self::Overcompressed
                    | Self::TooLoud
                    | Self::TooQuiet
            );
            if on == Target::Mix || !mix_only {
                return kind;
            }
        }
    }
}

/// Where a fault was planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// After the sum.
    Mix,
    /// On the stem of that index, before the sum.
    Stem(usize),
}

/// A planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Defect {
    /// Where.
    pub on: Target,
    /// What.
    pub kind: Kind,
    /// The band that was raised, lowered or filled, if the fault has one.
    pub band_hz: Option<[f64; 2]>,
    /// How much: gain of a band or of the sides, excess of drive, difference of the channels; hum and noise relative to the
    /// sound's RMS, an offset relative to full scale, the sides of the low end relative to its middle.
    pub amount_db: f64,
}

impl Defect {
    /// A clear case of the fault with random place and amount.
    pub fn draw(on: Target, kind: Kind, rng: &mut Rng) -> Self {
        let placed = Self::at(on, kind, 0.0, rng);
        let (least_db, most_db) = kind.clear_db();
        Self { amount_db: rng.range(least_db, most_db), ..placed }
    }

    /// The fault at a random place, of that amount.
    pub fn at(on: Target, kind: Kind, amount_db: f64, rng: &mut Rng) -> Self {
        // Centre and width in octaves, or none.
        let (centre, octaves) = match kind {
            Kind::Boomy => (rng.log_range(70.0, 140.0), 1.2),
            Kind::Muddy => (rng.log_range(220.0, 380.0), 1.2),
            Kind::Boxy => (rng.log_range(430.0, 750.0), 1.0),
            Kind::Harsh => (rng.log_range(2500.0, 4500.0), 1.0),
            Kind::Sibilant => (rng.log_range(6000.0, 8000.0), 0.8),
            Kind::Resonance => (rng.log_range(250.0, 3500.0), 0.07),
            Kind::Dull => (rng.log_range(2000.0, 3500.0), 0.0),
            Kind::Thin => (rng.log_range(250.0, 450.0), 0.0),
            Kind::Hum => (rng.pick(&[50.0, 60.0]), 0.0),
            Kind::WideLowEnd => (120.0, 0.0),
            _ => (0.0, 0.0),
        };
        let half = libm::exp2(octaves / 2.0);
        let band_hz = match kind {
            Kind::Dull => Some([centre, 20_000.0]),
            Kind::Thin | Kind::WideLowEnd => Some([20.0, centre]),
            Kind::Hum => Some([centre, centre * 5.0]),
            _ if octaves > 0.0 => Some([centre / half, centre * half]),
            _ => None,
        };
        Self { on, kind, band_hz, amount_db }
    }

    /// Does it to interleaved stereo, unless the sound has next to nothing for it to act on (a boomy cymbal, a narrow mono
    /// mix): then nothing changes and the answer is false.
    pub fn plant_if_heard(&self, samples: &mut Vec<f32>, rate_hz: u32, rng: &mut Rng) -> bool {
        let mut after = samples.clone();
        self.plant(&mut after, rate_hz, rng);
        let change: Vec<f32> = after.iter().zip(samples.iter()).map(|(a, b)| a - b).collect();
        // An added sound or offset has its level stated; anything else must change at least a tenth of the sound.
        let added = matches!(self.kind, Kind::Hum | Kind::Noise | Kind::DcOffset);
        let heard = added || rms(&change) > 0.1 * rms(samples);
        if heard {
            *samples = after;
        }
        heard
    }

    /// Does it to interleaved stereo.
    pub fn plant(&self, samples: &mut [f32], rate_hz: u32, rng: &mut Rng) {
        let rate = f64::from(rate_hz);
        let [lo, hi] = self.band_hz.unwrap_or([1000.0, 1000.0]);
        match self.kind {
            Kind::Boomy
            | Kind::Muddy
            | Kind::Boxy
            | Kind::Harsh
            | Kind::Sibilant
            | Kind::Resonance => {
                let centre = (lo * hi).sqrt();
                each_channel(samples, |_| {
                    Biquad::peak(centre, centre / (hi - lo), self.amount_db, rate)
                });
            }
            Kind::Dull => each_channel(samples, |_| Biquad::high_shelf(lo, self.amount_db, rate)),
            Kind::Thin => each_channel(samples, |_| Biquad::low_shelf(hi, self.amount_db, rate)),
            Kind::Hum => hum(samples, lo, self.amount_db, rate),
            Kind::Noise => hiss(samples, self.amount_db, rng),
            Kind::Clipping => {
                let ceiling = peak(samples) / db(self.amount_db) as f32;
                samples.iter_mut().for_each(|x| *x = x.clamp(-ceiling, ceiling));
            }
            Kind::DcOffset => {
                let offset = db(self.amount_db) as f32;
                samples.iter_mut().for_each(|x| *x += offset);
            }
            Kind::ChannelImbalance => {
                let weak = usize::from(rng.chance(0.5));
                let gain = db(-self.amount_db) as f32;
                samples.iter_mut().skip(weak).step_by(2).for_each(|x| *x *= gain);
            }
            Kind::PhaseInverted => samples.iter_mut().skip(1).step_by(2).for_each(|x| *x = -*x),
            Kind::Narrow => {
                let gain = db(self.amount_db) as f32;
                for pair in samples.chunks_exact_mut(2) {
                    let (mid, side) = (0.5 * (pair[0] + pair[1]), 0.5 * (pair[0] - pair[1]));
                    pair[0] = mid + gain * side;
                    pair[1] = mid - gain * side;
                }
            }
            Kind::WideLowEnd => wide_low_end(samples, hi, self.amount_db, rate),
            Kind::Overcompressed => compress(samples, self.amount_db, rate),
            Kind::TooLoud => limit(samples, self.amount_db),
            Kind::TooQuiet => {
                let gain = db(self.amount_db) as f32;
                samples.iter_mut().for_each(|x| *x *= gain);
            }
        }
    }
}

/// Runs a filter of its own over each channel.
fn each_channel(samples: &mut [f32], filter: impl Fn(usize) -> Biquad) {
    for channel in 0..2 {
        let mut filter = filter(channel);
        for x in samples.iter_mut().skip(channel).step_by(2) {
            *x = filter.next(f64::from(*x)) as f32;
        }
    }
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0f32, |most, x| most.max(x.abs()))
}

/// The mains and its harmonics up to the fifth, equal in both channels.
fn hum(samples: &mut [f32], mains_hz: f64, amount_db: f64, rate: f64) {
    let shares = [1.0, 0.7, 0.5, 0.25, 0.3];
    let power: f64 = shares.iter().map(|s| s * s / 2.0).sum();
    let level = rms(samples).max(1e-4) * db(amount_db) / power.sqrt();
    let mut tones: Vec<Rotor> =
        (1..=5).map(|k| Rotor::new(mains_hz * f64::from(k), 0.13 * f64::from(k), rate)).collect();
    for pair in samples.chunks_exact_mut(2) {
        let sum: f64 = tones.iter_mut().zip(shares).map(|(tone, share)| share * tone.next()).sum();
        pair.iter_mut().for_each(|x| *x += (level * sum) as f32);
    }
}

/// Pink noise of its own in each channel.
fn hiss(samples: &mut [f32], amount_db: f64, rng: &mut Rng) {
    let mut pink = [Pink::new(rng), Pink::new(rng)];
    let hiss: Vec<f32> = (0..samples.len()).map(|i| pink[i % 2].next()).collect();
    let level = (rms(samples) * db(amount_db) / rms(&hiss).max(1e-9)) as f32;
    samples.iter_mut().zip(&hiss).for_each(|(x, y)| *x += level * y);
}

/// Pushed that far beyond full scale into a soft limiter at -0.2 dBFS.
fn limit(samples: &mut [f32], amount_db: f64) {
    let gain = (db(amount_db) / f64::from(peak(samples).max(1e-6))) as f32;
    let ceiling = db(-0.2) as f32;
    samples.iter_mut().for_each(|x| *x = ceiling * soft(*x * gain / ceiling));
}

/// Makes sides out of the low end's middle, a quarter of 60 Hz late, as wideners do: in mono they are gone.
fn wide_low_end(samples: &mut [f32], below_hz: f64, amount_db: f64, rate: f64) {
    let mut lows = [OnePole::new(below_hz, rate), OnePole::new(below_hz, rate)];
    let share = db(amount_db);
    // The same power as before.
    let mid_gain = (1.0 / (1.0 + share * share).sqrt()) as f32;
    let side_gain = mid_gain * share as f32;
    let mut late = vec![0.0; ((rate / 240.0) as usize).max(1)];
    for (i, pair) in samples.chunks_exact_mut(2).enumerate() {
        let low = [lows[0].low(pair[0]), lows[1].low(pair[1])];
        let mid = 0.5 * (low[0] + low[1]);
        let at = i % late.len();
        let side = side_gain * std::mem::replace(&mut late[at], mid);
        pair[0] += mid_gain * mid + side - low[0];
        pair[1] += mid_gain * mid - side - low[1];
    }
}

/// Squashes both channels by their common envelope: fast, hard, and made up to the old peak.
fn compress(samples: &mut [f32], amount_db: f64, rate: f64) {
    let before = peak(samples);
    let threshold = f64::from(before) * db(-amount_db);
    let attack = 1.0 - libm::exp(-1.0 / (0.0007 * rate));
    let release = 1.0 - libm::exp(-1.0 / (0.06 * rate));
    let mut level = 0.0;
    for pair in samples.chunks_exact_mut(2) {
        let now = f64::from(pair[0].abs().max(pair[1].abs()));
        level += (if now > level { attack } else { release }) * (now - level);
        if level > threshold {
            // Ratio 12:1.
            let gain = libm::pow(level / threshold, 1.0 / 12.0 - 1.0) as f32;
            pair.iter_mut().for_each(|x| *x *= gain);
        }
    }
    let ceiling = samples.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    // Peaks that slipped through the attack are shaved, so that the make-up counts.
    let ceiling = ceiling.min((threshold * 1.6) as f32).max(1e-6);
    samples.iter_mut().for_each(|x| *x = x.clamp(-ceiling, ceiling) * before / ceiling);
}
