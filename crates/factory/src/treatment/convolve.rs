//! Convolution with a room response in one transform: clips are short.

use std::cell::RefCell;

use realfft::RealFftPlanner;

thread_local! {
    /// Planning a transform costs more than running it, and a planner keeps its plans.
    static PLANNER: RefCell<RealFftPlanner<f32>> = RefCell::new(RealFftPlanner::new());
}

/// The first `samples.len()` samples of the convolution. The transform picks the processor's vector width,
/// so the last bits may differ between machines.
pub(super) fn convolve(samples: &[f32], response: &[f32]) -> Vec<f32> {
    let size = (samples.len() + response.len()).next_power_of_two();
    let (forward, inverse) = PLANNER.with_borrow_mut(|planner| {
        (planner.plan_fft_forward(size), planner.plan_fft_inverse(size))
    });
    let spectrum = |signal: &[f32]| {
        let mut padded = forward.make_input_vec();
        padded[..signal.len()].copy_from_slice(signal);
        let mut bins = forward.make_output_vec();
        forward.process(&mut padded, &mut bins).expect("both buffers were made by the plan");
        bins
    };
    let mut product = spectrum(samples);
    for (x, h) in product.iter_mut().zip(spectrum(response)) {
        *x *= h;
    }
    let mut out = inverse.make_output_vec();
    // The product of two real spectra is real at both ends up to rounding; the inverse insists on exactly.
    product[0].im = 0.0;
    if let Some(last) = product.last_mut() {
        last.im = 0.0;
    }
    inverse.process(&mut product, &mut out).expect("both buffers were made by the plan");
    out.truncate(samples.len());
    let scale = 1.0 / size as f32;
    out.iter_mut().for_each(|x| *x *= scale);
    out
}
