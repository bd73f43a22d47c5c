//! Non-linear shapes: saturation with oversampling, bit and rate reduction.

use super::Biquad;

/// A smooth saturation, odd, slope 1 at zero, ending at +-1 (Padé approximation of tanh).
pub(crate) fn soft(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

/// Saturates at four times the rate, so that little folds back. `bias` adds even harmonics, `hard` in 0..1 squares the knee.
pub(crate) fn drive(samples: &mut [f32], gain: f32, bias: f32, hard: f32, rate_hz: f64) {
    let fast = rate_hz * 4.0;
    let mut images: [Biquad; 2] = [0.541, 1.307].map(|q| Biquad::low_pass(0.42 * rate_hz, q, fast));
    let mut guards: [Biquad; 2] = [0.541, 1.307].map(|q| Biquad::low_pass(0.42 * rate_hz, q, fast));
    let shape = |x: f32| (1.0 - hard) * soft(x) + hard * x.clamp(-1.0, 1.0);
    let rest = shape(bias);
    let mut last = 0.0f32;
    for block in samples.chunks_mut(64) {
        // Most of a drum's stem is silence.
        if last.abs() < 1e-7 && block.iter().all(|x| x.abs() < 1e-7) {
            block.fill(0.0);
            continue;
        }
        for x in block {
            let mut y = 0.0;
            for quarter in 1..=4 {
                let between = last + (*x - last) * (quarter as f32 * 0.25);
                let clean = images.iter_mut().fold(f64::from(between), |y, f| f.next(y)) as f32;
                let shaped = shape(clean * gain + bias) - rest;
                y = guards.iter_mut().fold(f64::from(shaped), |y, f| f.next(y));
            }
            last = *x;
            *x = y as f32;
        }
    }
}

/// Holds each sample `hold` times and rounds to `bits`, as cheap samplers do.
pub(crate) fn crush(samples: &mut [f32], hold: usize, bits: f64) {
    let steps = libm::exp2(bits - 1.0) as f32;
    let mut held = 0.0;
    for (index, x) in samples.iter_mut().enumerate() {
        if index % hold.max(1) == 0 {
            held = (*x * steps).round() / steps;
        }
        *x = held;
    }
}
