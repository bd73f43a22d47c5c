//! Does to a sound what a finding's move says, with filters of its own (Robert Bristow-Johnson's Audio EQ Cookbook), so that
//! the detectors can listen again.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use signal::{Action, Finding, FindingKind};

/// Second-order filter in direct form I.
#[derive(Clone, Debug, Default)]
struct Filter {
    b: [f64; 3],
    a: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
}

impl Filter {
    fn new(b: [f64; 3], a: [f64; 3]) -> Self {
        let b = b.map(|b| b / a[0]);
        Self { b, a: [a[1] / a[0], a[2] / a[0]], ..Self::default() }
    }

    /// cos and alpha of the cookbook.
    fn angles(hz: f64, q: f64, rate_hz: f64) -> (f64, f64) {
        let w = 2.0 * PI * hz / rate_hz;
        (w.cos(), w.sin() / (2.0 * q))
    }

    fn peak(hz: f64, q: f64, gain_db: f64, rate_hz: f64) -> Self {
        let (cos, alpha) = Self::angles(hz, q, rate_hz);
        let a = 10f64.powf(gain_db / 40.0);
        let side = -2.0 * cos;
        Self::new(
            [1.0 + alpha * a, side, 1.0 - alpha * a],
            [1.0 + alpha / a, side, 1.0 - alpha / a],
        )
    }

    fn high_shelf(hz: f64, q: f64, gain_db: f64, rate_hz: f64) -> Self {
        let (cos, alpha) = Self::angles(hz, q, rate_hz);
        let a = 10f64.powf(gain_db / 40.0);
        let root = 2.0 * a.sqrt() * alpha;
        let (more, less) = (a + 1.0, a - 1.0);
        Self::new(
            [
                a * (more + less * cos + root),
                -2.0 * a * (less + more * cos),
                a * (more + less * cos - root),
            ],
            [more - less * cos + root, 2.0 * (less - more * cos), more - less * cos - root],
        )
    }

    fn high_pass(hz: f64, q: f64, rate_hz: f64) -> Self {
        let (cos, alpha) = Self::angles(hz, q, rate_hz);
        let b = (1.0 + cos) / 2.0;
        Self::new([b, -2.0 * b, b], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

/// Harmonics of a hum that are notched with it.
const HARMONICS: u32 = 6;

/// Applies the finding's move to interleaved stereo; false where the move is none that an equaliser, a gain or a polarity
/// switch makes.
pub(super) fn apply(finding: &Finding, samples: &mut [f32], rate_hz: u32) -> bool {
    let Some(mv) = finding.mv else { return false };
    let rate = f64::from(rate_hz);
    let (hz, q) = (mv.freq_hz.unwrap_or(1000.0), mv.q.unwrap_or(0.7));
    let gain_db = mv.gain_db.unwrap_or(0.0);
    match mv.action {
        Action::Cut => filtered(samples, &Filter::peak(hz, q, gain_db, rate)),
        Action::Boost if finding.kind == FindingKind::Dull => {
            filtered(samples, &Filter::high_shelf(hz, q, gain_db, rate));
        }
        Action::Boost => filtered(samples, &Filter::peak(hz, q, gain_db, rate)),
        Action::HighPass => filtered(samples, &Filter::high_pass(hz, q, rate)),
        Action::Notch => (1..=HARMONICS)
            .map(|k| hz * f64::from(k))
            .for_each(|hz| filtered(samples, &Filter::peak(hz, q, gain_db, rate))),
        // What has been clipped stays so: that level is to be lowered earlier.
        Action::Gain if finding.kind == FindingKind::Clipping => return false,
        Action::Gain | Action::Limit => scale(samples, 0, 1, gain_db),
        Action::InvertPhase => samples.iter_mut().skip(1).step_by(2).for_each(|x| *x = -*x),
        Action::MonoBelow => mono_below(samples, hz, rate),
        Action::Pan if finding.kind == FindingKind::ChannelImbalance => {
            let balance_db = finding.evidence.first().map_or(0.0, |evidence| evidence.value);
            // Positive: the right channel is the louder one.
            scale(samples, usize::from(balance_db > 0.0), 2, gain_db);
        }
        _ => return false,
    }
    true
}

fn filtered(samples: &mut [f32], filter: &Filter) {
    for channel in 0..2 {
        let mut filter = filter.clone();
        for x in samples.iter_mut().skip(channel).step_by(2) {
            *x = filter.next(f64::from(*x)) as f32;
        }
    }
}

fn scale(samples: &mut [f32], from: usize, step: usize, gain_db: f64) {
    let gain = 10f64.powf(gain_db / 20.0) as f32;
    samples.iter_mut().skip(from).step_by(step).for_each(|x| *x *= gain);
}

/// Takes the low end out of the sides, with two filters in a row, as crossovers have them.
fn mono_below(samples: &mut [f32], hz: f64, rate_hz: f64) {
    let mut high = [(); 2].map(|()| Filter::high_pass(hz, FRAC_1_SQRT_2, rate_hz));
    for pair in samples.chunks_exact_mut(2) {
        let mid = (pair[0] + pair[1]) / 2.0;
        let once = high[0].next(f64::from(pair[0] - pair[1]) / 2.0);
        let side = high[1].next(once) as f32;
        (pair[0], pair[1]) = (mid + side, mid - side);
    }
}

#[cfg(test)]
mod tests {
    use signal::{Evidence, Move, Severity};

    use super::*;

    /// Two seconds of a sine in both channels.
    fn sine(hz: f64) -> Vec<f32> {
        let wave = |i: usize| (2.0 * PI * hz * (i / 2) as f64 / 48_000.0).sin() as f32 * 0.1;
        (0..192_000).map(wave).collect()
    }

    fn level_db(samples: &[f32]) -> f64 {
        let tail = &samples[96_000..];
        10.0 * (tail.iter().map(|x| f64::from(x * x)).sum::<f64>() / tail.len() as f64).log10()
    }

    fn change_db(kind: FindingKind, action: Action, gain_db: Option<f64>, hz: f64) -> f64 {
        let mv = Move { action, freq_hz: Some(1000.0), q: Some(1.0), gain_db };
        let finding = Finding {
            evidence: vec![Evidence::new("x", 6.0, "dB", "")],
            mv: Some(mv),
            ..Finding::new(kind, Severity::Clear, 1.0)
        };
        let mut samples = sine(hz);
        assert!(apply(&finding, &mut samples, 48_000));
        level_db(&samples) - level_db(&sine(hz))
    }

    #[test]
    fn the_low_end_is_mono_and_the_rest_as_wide_as_before() {
        let wave = |i: usize, hz: f64| (2.0 * PI * hz * (i / 2) as f64 / 48_000.0).sin() as f32;
        let side = |hz: f64| {
            let turned = |i: usize| if i.is_multiple_of(2) { wave(i, hz) } else { -wave(i, hz) };
            let mut samples: Vec<f32> = (0..192_000).map(turned).collect();
            mono_below(&mut samples, 160.0, 48_000.0);
            level_db(&samples)
        };
        assert!(side(60.0) < -25.0 && side(2000.0) > -3.2, "{} {}", side(60.0), side(2000.0));
    }

    #[test]
    fn filters_do_what_their_gain_says() {
        let check = |kind, action, gain_db, hz, expected: f64| {
            let change = change_db(kind, action, gain_db, hz);
            assert!((change - expected).abs() < 0.2, "{action:?} at {hz} Hz: {change}");
        };
        check(FindingKind::Boxy, Action::Cut, Some(-6.0), 1000.0, -6.0);
        check(FindingKind::Boxy, Action::Cut, Some(-6.0), 30.0, 0.0);
        check(FindingKind::Dull, Action::Boost, Some(4.0), 15_000.0, 4.0);
        check(FindingKind::Dull, Action::Boost, Some(4.0), 30.0, 0.0);
        check(FindingKind::DcOffset, Action::HighPass, None, 10_000.0, 0.0);
        check(FindingKind::TooLoud, Action::Gain, Some(-3.0), 100.0, -3.0);
        assert!(change_db(FindingKind::DcOffset, Action::HighPass, None, 100.0) < -30.0);
    }
}
