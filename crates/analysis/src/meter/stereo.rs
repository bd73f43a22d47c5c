//! Left against right: correlation, width, balance, and the correlation of the low end.

use signal::Measurements;

use signal::biquad::{Biquad, State};

/// Upper end of the low end, in Hz.
const LOW_HZ: f64 = 120.0;
/// A level ratio beyond this reads as "one side only", in dB.
const MAX_BALANCE_DB: f64 = 60.0;
/// Mean power below which a channel is silent (-100 dBFS).
const SILENT_POWER: f64 = 1e-10;

/// Sums of products of two channels.
#[derive(Clone, Copy, Debug, Default)]
struct Products {
    left: f64,
    right: f64,
    cross: f64,
}

impl Products {
    #[inline]
    fn add(&mut self, left: f64, right: f64) {
        self.left += left * left;
        self.right += right * right;
        self.cross += left * right;
    }

    fn correlation(&self, silent: f64) -> Option<f64> {
        let norm = (self.left * self.right).sqrt();
        (self.left > silent && self.right > silent).then(|| (self.cross / norm).clamp(-1.0, 1.0))
    }
}

#[derive(Debug)]
pub(super) struct Stereo {
    filter: Biquad,
    states: [[State; 2]; 2],
    all: Products,
    low: Products,
    frames: u64,
}

impl Stereo {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self {
            filter: Biquad::low_pass(rate_hz, LOW_HZ),
            states: Default::default(),
            all: Products::default(),
            low: Products::default(),
            frames: 0,
        }
    }

    pub(super) fn push(&mut self, piece: &[f32]) {
        let filter = self.filter;
        self.states.iter_mut().flatten().for_each(State::settle);
        let [left_state, right_state] = &mut self.states;
        for frame in piece.chunks_exact(2) {
            let (left, right) = (f64::from(frame[0]), f64::from(frame[1]));
            self.all.add(left, right);
            let left = filter.run(&mut left_state[0], left);
            let right = filter.run(&mut right_state[0], right);
            self.low
                .add(filter.run(&mut left_state[1], left), filter.run(&mut right_state[1], right));
        }
        self.frames += (piece.len() / 2) as u64;
    }

    pub(super) fn finish(self, out: &mut Measurements) {
        let silent = SILENT_POWER * self.frames as f64;
        let all = self.all;
        let power = all.left + all.right;
        if power <= silent {
            return;
        }
        out.correlation = all.correlation(silent);
        out.low_correlation = self.low.correlation(silent);
        out.width = Some(((power - 2.0 * all.cross) / (2.0 * power)).clamp(0.0, 1.0));
        let ratio_db = 10.0 * (all.right.max(1e-30) / all.left.max(1e-30)).log10();
        out.balance_db = Some(ratio_db.clamp(-MAX_BALANCE_DB, MAX_BALANCE_DB));
        if out.correlation.is_none() {
            let side = if all.left <= silent { "left" } else { "right" };
            out.notes.insert("correlation".to_owned(), format!("the {side} channel is silent"));
        }
        if out.low_correlation.is_none() {
            out.notes.insert(
                "low_correlation".to_owned(),
                "nothing below 120 Hz in one channel".to_owned(),
            );
        }
    }
}

/// Notes why a format has no stereo figures.
pub(super) fn explain_absence(out: &mut Measurements) {
    let reason =
        if out.channels == 1 { "mono".to_owned() } else { format!("{} channels", out.channels) };
    for field in ["correlation", "width", "balance_db", "low_correlation", "stereo_bands"] {
        out.notes.insert(field.to_owned(), reason.clone());
    }
}
