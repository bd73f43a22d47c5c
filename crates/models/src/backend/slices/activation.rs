//! Norms and GELU, in place.

use rayon::prelude::*;

/// Values below which GELU stays on the calling thread, and the run one pool task takes.
const POOL_MIN: usize = 1 << 18;
const POOL_RUN: usize = 1 << 14;

pub(super) fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], eps: f64) {
    let n = weight.len() as f64;
    for row in x.chunks_exact_mut(weight.len()) {
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        let (mean, scale) = (mean as f32, (variance + eps).sqrt().recip() as f32);
        for ((x, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
            *x = (*x - mean) * scale * weight + bias;
        }
    }
}

/// Each column over all rows, with the population variance.
pub(super) fn time_norm(x: &mut [f32], weight: &[f32], bias: &[f32], eps: f64) {
    let columns = weight.len();
    let rows = (x.len() / columns) as f64;
    let mut mean = vec![0.0f64; columns];
    for row in x.chunks_exact(columns) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x));
    }
    mean.iter_mut().for_each(|mean| *mean /= rows);
    let mut variance = vec![0.0f64; columns];
    for row in x.chunks_exact(columns) {
        for ((variance, mean), x) in variance.iter_mut().zip(&mean).zip(row) {
            *variance += (f64::from(*x) - mean).powi(2);
        }
    }
    let scale: Vec<f32> = variance.iter().map(|v| (v / rows + eps).sqrt().recip() as f32).collect();
    let mean: Vec<f32> = mean.iter().map(|mean| *mean as f32).collect();
    for row in x.chunks_exact_mut(columns) {
        for (column, x) in row.iter_mut().enumerate() {
            *x = (*x - mean[column]) * scale[column] * weight[column] + bias[column];
        }
    }
}

pub(super) fn rms_norm(x: &mut [f32], weight: &[f32], eps: f64) {
    for run in x.chunks_exact_mut(weight.len()) {
        let power =
            run.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / weight.len() as f64;
        let scale = (power + eps).sqrt().recip() as f32;
        run.iter_mut().zip(weight).for_each(|(x, weight)| *x = *x * scale * weight);
    }
}

pub(super) fn gelu(x: &mut [f32], pool: bool) {
    if pool && x.len() >= POOL_MIN {
        x.par_chunks_mut(POOL_RUN).for_each(|run| run.iter_mut().for_each(|x| *x = gelu_of(*x)));
    } else {
        x.iter_mut().for_each(|x| *x = gelu_of(*x));
    }
}

/// GELU with the error function after Abramowitz and Stegun, 7.1.28, whose error is below 3e-7.
/// It has no branch and no exponential, so the loop vectorises.
#[inline(always)]
fn gelu_of(x: f32) -> f32 {
    const A: [f32; 6] = [
        0.070_523_08,
        0.042_282_01,
        0.009_270_527,
        0.000_152_014_3,
        0.000_276_567_2,
        0.000_043_063_8,
    ];
    let z = (x * std::f32::consts::FRAC_1_SQRT_2).abs();
    let p = 1.0 + z * (A[0] + z * (A[1] + z * (A[2] + z * (A[3] + z * (A[4] + z * A[5])))));
    let p2 = p * p;
    let p4 = p2 * p2;
    let p8 = p4 * p4;
    let erf = 1.0 - 1.0 / (p8 * p8);
    0.5 * x * (1.0 + erf.copysign(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_the_exact_one_not_the_tanh_one() {
        // Values of x/2 (1 + erf(x/sqrt 2)) to 9 digits.
        for (x, want) in [
            (0.0, 0.0),
            (1.0, 0.841_344_7),
            (-1.0, -0.158_655_25),
            (2.0, 1.954_499_7),
            (-3.0, -0.004_049_694),
            (40.0, 40.0),
            (-40.0, 0.0),
        ] {
            let mut value = [x];
            gelu(&mut value, false);
            assert!((value[0] - want).abs() < 2e-6, "gelu({x}) = {} not {want}", value[0]);
        }
    }

    #[test]
    fn time_norm_uses_the_population_variance() {
        let mut x = [1.0, 10.0, 3.0, 30.0];
        time_norm(&mut x, &[1.0, 2.0], &[0.0, 1.0], 0.0);
        for (x, want) in x.iter().zip([-1.0, -1.0, 1.0, 3.0]) {
            assert!((x - want).abs() < 1e-6);
        }
    }
}
