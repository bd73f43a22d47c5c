//! Sums of decaying sines: strings, bars, bells, plates and membranes.

use core::f64::consts::TAU;

/// One decaying sine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    pub(crate) freq_hz: f64,
    pub(crate) amp: f64,
    /// Time to fall by 60 dB.
    pub(crate) t60_s: f64,
    /// Starting phase in turns; 0 starts at zero.
    pub(crate) phase: f64,
}

/// Modes that run side by side in one vector register.
const LANES: usize = 16;

/// Adds the modes to `out`; those at or above Nyquist are left out, each stops where it has become inaudible.
pub(crate) fn ring(modes: &[Mode], rate_hz: f64, out: &mut [f32]) {
    let mut heard: Vec<Mode> = modes
        .iter()
        .copied()
        .filter(|m| m.freq_hz < 0.49 * rate_hz && m.amp.abs() > 1e-6)
        .collect();
    // Modes of like length share a group, so that groups can stop early.
    heard.sort_by(|a, b| a.t60_s.total_cmp(&b.t60_s));
    for group in heard.chunks(LANES) {
        ring_group(group, rate_hz, out);
    }
}

fn ring_group(group: &[Mode], rate_hz: f64, out: &mut [f32]) {
    let (mut re, mut im) = ([0.0f32; LANES], [0.0f32; LANES]);
    let (mut cos, mut sin) = ([0.0f32; LANES], [0.0f32; LANES]);
    let mut longest = 0.0f64;
    for (lane, mode) in group.iter().enumerate() {
        let keep = libm::exp(-6.907_755 / (mode.t60_s * rate_hz));
        let step = TAU * mode.freq_hz / rate_hz;
        re[lane] = (mode.amp * libm::cos(TAU * mode.phase)) as f32;
        im[lane] = (mode.amp * libm::sin(TAU * mode.phase)) as f32;
        cos[lane] = (keep * libm::cos(step)) as f32;
        sin[lane] = (keep * libm::sin(step)) as f32;
        longest = longest.max(mode.t60_s);
    }
    // 72 dB down is below anything else that sounds.
    let length = ((longest * 1.2 * rate_hz) as usize + 1).min(out.len());
    for x in &mut out[..length] {
        let mut sum = [0.0f32; LANES];
        for lane in 0..LANES {
            sum[lane] = im[lane];
            let turned = re[lane] * cos[lane] - im[lane] * sin[lane];
            im[lane] = re[lane] * sin[lane] + im[lane] * cos[lane];
            re[lane] = turned;
        }
        let quads: [f32; 4] =
            core::array::from_fn(|i| (sum[i] + sum[i + 4]) + (sum[i + 8] + sum[i + 12]));
        *x += (quads[0] + quads[1]) + (quads[2] + quads[3]);
    }
}
