//! The synthetic signals of EBU Tech 3341 v4 (November 2023, table 1, cases 1-6 and 9-23) and EBU Tech 3342 (table 1, cases
//! 1-4) at any sample rate, with what a meter has to read. Nothing here knows how a meter works.

use std::f64::consts::{PI, TAU};

use signal::Measurements;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Highest momentary loudness in LUFS.
    MomentaryMax,
    /// Highest short-term loudness in LUFS.
    ShortTermMax,
    /// Gated loudness in LUFS.
    Integrated,
    /// Loudness range in LU.
    LoudnessRange,
    /// True peak in dBTP.
    TruePeak,
}

impl Reading {
    /// This one of all that was measured.
    pub fn of(self, measured: &Measurements) -> Option<f64> {
        match self {
            Self::MomentaryMax => measured.momentary_max_lufs,
            Self::ShortTermMax => measured.short_term_max_lufs,
            Self::Integrated => measured.integrated_lufs,
            Self::LoudnessRange => measured.loudness_range_lu,
            Self::TruePeak => measured.true_peak_dbtp,
        }
    }
}

/// What a meter has to read, and by how much it may miss it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Of what.
    pub reading: Reading,
    /// The value.
    pub value: f64,
    /// It may read so much less.
    pub below: f64,
    /// It may read so much more.
    pub above: f64,
}

/// A signal and what it has to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// As the standard numbers it: `3341-10.3` is the fourth file of case 10.
    pub name: String,
    /// All of these.
    pub expected: Vec<Expected>,
    signal: Signal,
}

#[derive(Clone, Debug, PartialEq)]
enum Signal {
    /// 1 kHz in phase on two channels: seconds and peak in dBFS.
    Tones(Vec<(f64, f64)>),
    /// 1 kHz for 20 s: front left and right, centre, surround left and right, in dBFS.
    FiveChannels([f64; 5]),
    /// A sine of a part of the rate.
    Sine { divisor: f64, amplitude: f64, phase_deg: f64 },
    /// A sixth of the rate at half scale with one period of a fourth of it at full scale, made at four times the rate and
    /// taken from there at this offset.
    Burst { offset: usize },
}

/// From this rate on the true-peak cases keep the frequencies that they have at 48 kHz.
const KEEPS_HZ: u32 = 96_000;
const KEPT_RATE_HZ: u32 = 48_000;

const SILENCE: f64 = f64::NEG_INFINITY;
const TONE_HZ: f64 = 1_000.0;
/// Length of the true-peak signals, and of the fade at either end.
const PEAK_S: f64 = 2.0;
const FADE_S: f64 = 0.01;
/// How often the sixth of the rate is sampled before it is taken apart.
const OVER: usize = 4;
/// Half the low-pass's length in frames of the output rate, and its cutoff as a share of that rate.
const REACH: usize = 48;
const CUTOFF: f64 = 0.47;

/// All cases, in the order of the standards.
pub fn cases() -> Vec<Case> {
    let mut cases = steady();
    cases.extend(bursts());
    cases.extend(peaks());
    cases.extend(ranges());
    cases
}

fn steady() -> Vec<Case> {
    use Reading::{Integrated, MomentaryMax, ShortTermMax};
    let all = [MomentaryMax, ShortTermMax, Integrated];
    let gated = [Integrated];
    let tones = |parts: &[(f64, f64)]| Signal::Tones(parts.to_vec());
    vec![
        loud("3341-1", &all, -23.0, tones(&[(20.0, -23.0)])),
        loud("3341-2", &all, -33.0, tones(&[(20.0, -33.0)])),
        loud("3341-3", &gated, -23.0, tones(&[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)])),
        loud(
            "3341-4",
            &gated,
            -23.0,
            tones(&[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)]),
        ),
        loud("3341-5", &gated, -23.0, tones(&[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)])),
        loud("3341-6", &gated, -23.0, Signal::FiveChannels([-28.0, -28.0, -24.0, -30.0, -30.0])),
        loud("3341-9", &[ShortTermMax], -23.0, tones(&[(1.34, -20.0), (1.66, -30.0)].repeat(5))),
        loud("3341-12", &[MomentaryMax], -23.0, tones(&[(0.18, -20.0), (0.22, -30.0)].repeat(25))),
    ]
}

/// Cases 10, 11, 13 and 14: bursts as long as the window, at twenty places on its grid.
fn bursts() -> Vec<Case> {
    let mut cases = Vec::new();
    for (file, live, reading, length_s, step_s) in [
        ("3341-10", "3341-11", Reading::ShortTermMax, 3.0, 0.15),
        ("3341-13", "3341-14", Reading::MomentaryMax, 0.4, 0.02),
    ] {
        for index in 0..20 {
            let offset_s = f64::from(index) * step_s;
            let tones = |level, after_s| {
                Signal::Tones(vec![(offset_s, SILENCE), (length_s, level), (after_s, SILENCE)])
            };
            let level = -38.0 + f64::from(index);
            cases.push(loud(&format!("{file}.{index}"), &[reading], -23.0, tones(-23.0, 1.0)));
            let rest_s = length_s - offset_s;
            cases.push(loud(&format!("{live}.{index}"), &[reading], level, tones(level, rest_s)));
        }
    }
    cases
}

fn peaks() -> Vec<Case> {
    let sine = |divisor, amplitude, phase_deg| Signal::Sine { divisor, amplitude, phase_deg };
    let signals = [
        (15, -6.0, sine(4.0, 0.5, 0.0)),
        (16, -6.0, sine(4.0, 0.5, 45.0)),
        (17, -6.0, sine(6.0, 0.5, 60.0)),
        (18, -6.0, sine(8.0, 0.5, 67.5)),
        (19, 3.0, sine(4.0, 1.41, 45.0)),
        (20, 0.0, Signal::Burst { offset: 0 }),
        (21, 0.0, Signal::Burst { offset: 1 }),
        (22, 0.0, Signal::Burst { offset: 2 }),
        (23, 0.0, Signal::Burst { offset: 3 }),
    ];
    let case = |(number, value, signal)| {
        let expected = Expected { reading: Reading::TruePeak, value, below: 0.4, above: 0.2 };
        Case { name: format!("3341-{number}"), expected: vec![expected], signal }
    };
    signals.into_iter().map(case).collect()
}

fn ranges() -> Vec<Case> {
    let levels: [(&[f64], f64); 4] = [
        (&[-20.0, -30.0], 10.0),
        (&[-20.0, -15.0], 5.0),
        (&[-40.0, -20.0], 20.0),
        (&[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    let case = |(index, (levels, value)): (usize, (&[f64], f64))| {
        let signal = Signal::Tones(levels.iter().map(|&level| (20.0, level)).collect());
        let reading = Reading::LoudnessRange;
        let expected = Expected { reading, value, below: 1.0, above: 1.0 };
        Case { name: format!("3342-{}", index + 1), expected: vec![expected], signal }
    };
    levels.into_iter().enumerate().map(case).collect()
}

fn loud(name: &str, readings: &[Reading], value: f64, signal: Signal) -> Case {
    let expected = |&reading: &Reading| Expected { reading, value, below: 0.1, above: 0.1 };
    Case { name: name.to_owned(), expected: readings.iter().map(expected).collect(), signal }
}

impl Expected {
    /// Whether a reading is within the tolerance. None never is.
    pub fn allows(&self, read: Option<f64>) -> bool {
        // What the standard's decimals leave open is not held against a meter.
        let slack = 1e-9;
        read.is_some_and(|read| {
            read >= self.value - self.below - slack && read <= self.value + self.above + slack
        })
    }
}

impl Case {
    /// Channels of the signal.
    pub fn channels(&self) -> usize {
        if matches!(self.signal, Signal::FiveChannels(_)) { 5 } else { 2 }
    }

    /// The signal: interleaved samples at this rate.
    pub fn render(&self, rate_hz: u32) -> Vec<f32> {
        match &self.signal {
            Signal::Tones(parts) => {
                let tone = |&(seconds, dbfs): &(f64, f64)| tone(rate_hz, seconds, dbfs);
                in_phase(parts.iter().flat_map(tone))
            }
            Signal::FiveChannels(levels) => {
                let tones = levels.map(|dbfs| tone(rate_hz, 20.0, dbfs));
                (0..tones[0].len())
                    .flat_map(|i| tones.each_ref().map(|tone| tone[i] as f32))
                    .collect()
            }
            Signal::Sine { divisor, amplitude, phase_deg } => {
                let hz = f64::from(peak_rate(rate_hz)) / divisor;
                let at = |i: usize| {
                    let angle = TAU * hz * i as f64 / f64::from(rate_hz) + phase_deg.to_radians();
                    amplitude * libm::sin(angle)
                };
                in_phase(faded(rate_hz, at))
            }
            Signal::Burst { offset } => {
                let (made, taps) = (burst(rate_hz), low_pass());
                in_phase(faded(rate_hz, |i| filtered(&made, &taps, i * OVER + offset)))
            }
        }
    }
}

/// The rate that the true-peak signals are parts of.
fn peak_rate(rate_hz: u32) -> u32 {
    if rate_hz < KEEPS_HZ { rate_hz } else { KEPT_RATE_HZ }
}

fn tone(rate_hz: u32, seconds: f64, dbfs: f64) -> Vec<f64> {
    let amplitude = libm::pow(10.0, dbfs / 20.0);
    let frames = (seconds * f64::from(rate_hz)).round() as usize;
    let at = |i: usize| amplitude * libm::sin(TAU * TONE_HZ * i as f64 / f64::from(rate_hz));
    (0..frames).map(at).collect()
}

fn in_phase(mono: impl IntoIterator<Item = f64>) -> Vec<f32> {
    mono.into_iter().flat_map(|x| [x as f32; 2]).collect()
}

/// A true-peak signal, faded in and out.
fn faded(rate_hz: u32, at: impl Fn(usize) -> f64) -> Vec<f64> {
    let (frames, fade) = (PEAK_S * f64::from(rate_hz), FADE_S * f64::from(rate_hz));
    let gain = |i: usize| (i as f64 / fade).min((frames - i as f64) / fade).min(1.0);
    (0..frames as usize).map(|i| gain(i) * at(i)).collect()
}

/// Cases 20 to 23 at four times the rate: the sixth at half scale, broken at a zero crossing by one period of the fourth.
fn burst(rate_hz: u32) -> Vec<f64> {
    let over_hz = (OVER as u32 * rate_hz) as f64;
    let base_hz = f64::from(peak_rate(rate_hz));
    let (sixth, fourth) = (over_hz / (base_hz / 6.0), over_hz / (base_hz / 4.0));
    let frames = (PEAK_S * over_hz) as usize;
    let start = (frames as f64 / 2.0 / sixth).round() * sixth;
    let at = |i: usize| {
        let i = i as f64;
        if i < start {
            0.5 * libm::sin(TAU * i / sixth)
        } else if i < start + fourth {
            libm::sin(TAU * (i - start) / fourth)
        } else {
            0.5 * libm::sin(TAU * (i - start - fourth) / sixth)
        }
    };
    (0..frames).map(at).collect()
}

/// A low-pass at four times the rate: a sinc under Blackman's window.
fn low_pass() -> Vec<f64> {
    let reach = (REACH * OVER) as i64;
    let tap = |k: i64| {
        let turn = k as f64 / reach as f64;
        let window = 0.42 + 0.5 * libm::cos(PI * turn) + 0.08 * libm::cos(TAU * turn);
        let angle = TAU * CUTOFF * k as f64 / OVER as f64;
        let sinc = if k == 0 { 1.0 } else { libm::sin(angle) / angle };
        window * sinc * 2.0 * CUTOFF / OVER as f64
    };
    (-reach..=reach).map(tap).collect()
}

/// What a filter of odd length, centred, leaves of a signal at one place.
fn filtered(made: &[f64], taps: &[f64], at: usize) -> f64 {
    let places = taps.iter().enumerate().filter_map(|(index, tap)| {
        let place = (at + index).checked_sub(taps.len() / 2)?;
        Some(made.get(place)? * tap)
    });
    places.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_all_synthetic_cases() {
        let cases = cases();
        assert_eq!(cases.len(), 8 + 4 * 20 + 9 + 4);
        let names: std::collections::BTreeSet<&str> =
            cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len(), "each once");
    }

    #[test]
    fn the_low_pass_passes_what_lies_below_it() {
        let taps = low_pass();
        assert!((taps.iter().sum::<f64>() - 1.0).abs() < 1e-3);
        // A fourth of the rate is a sixteenth of four times it.
        let gain: f64 = (taps.iter().enumerate())
            .map(|(i, tap)| tap * libm::cos(TAU / 16.0 * (i as f64 - (taps.len() / 2) as f64)))
            .sum();
        assert!((gain - 1.0).abs() < 1e-3, "{gain}");
    }

    #[test]
    fn the_four_bursts_are_one_signal_sampled_at_four_places() {
        let bursts: Vec<Vec<f32>> = cases()
            .iter()
            .filter(|case| matches!(case.signal, Signal::Burst { .. }))
            .map(|case| case.render(48_000))
            .collect();
        let peaks: Vec<f32> = bursts
            .iter()
            .map(|burst| burst.iter().fold(0.0, |most, x| x.abs().max(most)))
            .collect();
        // Sampled at its top it is full scale, and between two samples it isn't.
        assert!(peaks.iter().any(|peak| (peak - 1.0).abs() < 0.02), "{peaks:?}");
        assert!(peaks.iter().any(|peak| *peak < 0.8), "{peaks:?}");
    }

    #[test]
    fn a_tolerance_is_held_on_both_sides() {
        let expected = Expected { reading: Reading::TruePeak, value: -6.0, below: 0.4, above: 0.2 };
        assert!(expected.allows(Some(-6.4)) && expected.allows(Some(-5.8)));
        assert!(!expected.allows(Some(-6.41)) && !expected.allows(Some(-5.79)));
        assert!(!expected.allows(None));
    }
}
