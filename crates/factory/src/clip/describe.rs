//! The descriptors of a clip: five numbers between 0 and 1 that captions turn into words.

use std::cell::RefCell;

use realfft::RealFftPlanner;

use super::RATE_HZ;
use crate::truth::Descriptors;

/// Frame of the long-term spectrum: 23 Hz resolution.
const FRAME: usize = 1024;

/// Measures brightness and warmth; `onsets_per_s` becomes the density.
pub(crate) fn descriptors(
    samples: &[f32],
    space: f64,
    dirt: f64,
    onsets_per_s: f64,
) -> Descriptors {
    let power = spectrum(samples);
    let hz = |bin: usize| bin as f64 * f64::from(RATE_HZ) / FRAME as f64;
    let (mut weight, mut moment, mut total, mut warm) = (0.0, 0.0, 0.0, 0.0);
    for (bin, &p) in power.iter().enumerate().skip(1) {
        weight += p.sqrt();
        moment += p.sqrt() * hz(bin);
        total += p;
        if (120.0..=400.0).contains(&hz(bin)) {
            warm += p;
        }
    }
    let between = |x: f64, lo: f64, hi: f64| {
        (libm::log(x.max(1e-9) / lo) / libm::log(hi / lo)).clamp(0.0, 1.0)
    };
    let centroid_hz = if weight > 0.0 { moment / weight } else { 0.0 };
    Descriptors {
        brightness: between(centroid_hz, 200.0, 6000.0),
        warmth: if total > 0.0 { (warm / total / 0.9).clamp(0.0, 1.0) } else { 0.0 },
        space: space.clamp(0.0, 1.0),
        dirt: dirt.clamp(0.0, 1.0),
        density: between(onsets_per_s, 0.5, 8.0),
    }
}

thread_local! {
    static PLANNER: RefCell<RealFftPlanner<f32>> = RefCell::new(RealFftPlanner::new());
}

/// Mean power of Hann-windowed frames, `FRAME / 2 + 1` bins.
fn spectrum(samples: &[f32]) -> Vec<f64> {
    let plan = PLANNER.with_borrow_mut(|planner| planner.plan_fft_forward(FRAME));
    let turn = core::f64::consts::TAU / FRAME as f64;
    let hann: Vec<f32> =
        (0..FRAME).map(|i| (0.5 - 0.5 * libm::cos(turn * i as f64)) as f32).collect();
    let (mut frame, mut bins) = (plan.make_input_vec(), plan.make_output_vec());
    let mut power = vec![0.0; bins.len()];
    for block in samples.chunks_exact(FRAME) {
        for ((y, x), w) in frame.iter_mut().zip(block).zip(&hann) {
            *y = x * w;
        }
        plan.process(&mut frame, &mut bins).expect("both buffers were made by the plan");
        power.iter_mut().zip(&bins).for_each(|(p, x)| *p += f64::from(x.norm_sqr()));
    }
    power
}

/// Sorts the onsets and merges those within 45 ms (chords, strums, flams); returns how many remain.
pub(crate) fn distinct(onsets_s: &mut Vec<f64>) -> usize {
    onsets_s.sort_by(f64::total_cmp);
    onsets_s.dedup_by(|late, early| *late - *early < 0.045);
    onsets_s.len()
}

/// Onsets of a sound whose notes aren't known: where 10 ms of it are 6 dB above the 50 ms before.
pub(super) fn onsets_heard(samples: &[f32], rate_hz: u32) -> Vec<f64> {
    let hop = (rate_hz / 100) as usize;
    let power: Vec<f64> = samples
        .chunks_exact(hop)
        .map(|block| block.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / hop as f64)
        .collect();
    let floor = power.iter().fold(0.0_f64, |top, p| top.max(*p)) * 1e-4;
    let mut onsets_s: Vec<f64> = Vec::new();
    for (frame, &p) in power.iter().enumerate() {
        let past = &power[frame.saturating_sub(5)..frame];
        let before = past.iter().sum::<f64>() / past.len().max(1) as f64;
        let time_s = frame as f64 / 100.0;
        let free = onsets_s.last().is_none_or(|last| time_s - last > 0.08);
        if p > floor && p > 4.0 * before && free {
            onsets_s.push(time_s);
        }
    }
    onsets_s
}
