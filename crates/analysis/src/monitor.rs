//! The meters that run along with playback: momentary, short-term and integrated loudness, true peak, correlation, and
//! a spectrum of the last moments (EBU Tech 3341 calls this a meter in "EBU Mode").
//!
//! The session thread feeds it; its memory does not grow.

use ebur128::{EbuR128, Mode};
use signal::Band;

use crate::decibel::amplitude_db;
use crate::error::{AnalysisError, check_format};
use crate::meter::{RATES_HZ, third_octaves};
use crate::spectrum::{Framer, PowerSpectrum, frame_len};

/// Correlation is read over about this time, as studio correlation meters do.
const CORRELATION_S: f64 = 0.4;
/// Length of a frame of the spectrum.
const FRAME_S: f64 = 0.17;
/// How fast the spectrum falls, in dB a second; it rises at once.
const FALL_DB_S: f64 = 26.0;
/// Mean power below which a channel is silent (-100 dBFS).
const SILENT_POWER: f64 = 1e-10;

/// What the meters read at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Seconds since the start or the last reset.
    pub measured_s: f64,
    /// Loudness of the last 0.4 s in LUFS.
    pub momentary_lufs: Option<f64>,
    /// Loudness of the last 3 s in LUFS.
    pub short_term_lufs: Option<f64>,
    /// Gated loudness since the start or the last reset in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range since then in LU; from 60 s on it is what EBU Tech 3342 means by it.
    pub range_lu: Option<f64>,
    /// Highest true peak since then in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Correlation of left and right, -1 to 1; none for other layouts than stereo, and for silence.
    pub correlation: Option<f64>,
    /// Third octaves of the last moments, 25 Hz to 20 kHz.
    pub bands: Vec<Band>,
}

/// Meters that run.
pub struct Monitor {
    rate_hz: u32,
    channels: usize,
    frames: u64,
    programme: Option<EbuR128>,
    /// Decaying sums of left squared, right squared and their product.
    products: [f64; 3],
    spectrum: Spectrum,
}

struct Spectrum {
    framers: Vec<Framer>,
    power: PowerSpectrum,
    bins: Vec<f32>,
    channel: Vec<f32>,
    bands: Vec<Band>,
    bin_hz: f64,
    hop_s: f64,
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl Monitor {
    /// Meters for this format.
    ///
    /// # Errors
    /// Where the rate lies outside 1 kHz to 768 kHz or the channels outside 1 to 64.
    pub fn new(rate_hz: u32, channels: usize) -> Result<Self, AnalysisError> {
        check_format(rate_hz, channels)?;
        let modes = Mode::M | Mode::S | Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        let programme = u32::try_from(channels)
            .ok()
            .filter(|_| RATES_HZ.contains(&rate_hz))
            .and_then(|channels| EbuR128::new(channels, rate_hz, modes).ok());
        let spectrum = Spectrum::new(rate_hz, channels);
        Ok(Self { rate_hz, channels, frames: 0, programme, products: [0.0; 3], spectrum })
    }

    /// Takes the next interleaved samples, whole frames. Samples that are not finite count as silence.
    pub fn push(&mut self, interleaved: &[f32]) {
        // The meters' memory is for ever: one NaN must not stay in it.
        if interleaved.iter().all(|x| x.is_finite()) {
            self.push_finite(interleaved);
        } else {
            let finite = |&x: &f32| if x.is_finite() { x } else { 0.0 };
            let repaired: Vec<f32> = interleaved.iter().map(finite).collect();
            self.push_finite(&repaired);
        }
    }

    fn push_finite(&mut self, interleaved: &[f32]) {
        let frames = interleaved.chunks_exact(self.channels);
        self.frames += frames.len() as u64;
        if let Some(programme) = &mut self.programme {
            // The one error is a part of a frame, which the meter leaves out as we do.
            let _ = programme.add_frames_f32(interleaved);
        }
        if self.channels == 2 {
            let keep = (-1.0 / (CORRELATION_S * f64::from(self.rate_hz))).exp();
            for frame in frames.clone() {
                let (left, right) = (f64::from(frame[0]), f64::from(frame[1]));
                let now = [left * left, right * right, left * right];
                for (sum, x) in self.products.iter_mut().zip(now) {
                    *sum = keep * *sum + (1.0 - keep) * x;
                }
            }
        }
        self.spectrum.push(interleaved);
    }

    /// What the meters read now.
    pub fn reading(&self) -> Reading {
        let [left, right, cross] = self.products;
        let audible = left > SILENT_POWER && right > SILENT_POWER;
        let mut reading = Reading {
            measured_s: self.frames as f64 / f64::from(self.rate_hz),
            correlation: audible.then(|| (cross / (left * right).sqrt()).clamp(-1.0, 1.0)),
            bands: self.spectrum.bands.clone(),
            ..Reading::default()
        };
        if let Some(programme) = &self.programme {
            let some = |lufs: Result<f64, ebur128::Error>| {
                lufs.ok().filter(|lufs| lufs.is_finite() && *lufs > -120.0)
            };
            reading.momentary_lufs = some(programme.loudness_momentary());
            let long = reading.measured_s >= 3.0;
            reading.short_term_lufs = some(programme.loudness_shortterm()).filter(|_| long);
            reading.integrated_lufs = some(programme.loudness_global());
            reading.range_lu = programme
                .loudness_range()
                .ok()
                .filter(|_| long && reading.integrated_lufs.is_some());
            let channels = 0..self.channels as u32;
            let peak = channels.filter_map(|channel| programme.true_peak(channel).ok());
            reading.true_peak_dbtp = amplitude_db(peak.fold(0.0, f64::max));
        }
        reading
    }
}

impl Spectrum {
    fn new(rate_hz: u32, channels: usize) -> Self {
        let len = frame_len(rate_hz, FRAME_S);
        let (bin_hz, hop_s) =
            (f64::from(rate_hz) / len as f64, len as f64 / 2.0 / f64::from(rate_hz));
        Self {
            framers: vec![Framer::new(len, len / 2, 0); channels],
            power: PowerSpectrum::new(len),
            bins: vec![0.0; len / 2 + 1],
            channel: Vec::new(),
            bands: Vec::new(),
            bin_hz,
            hop_s,
        }
    }

    fn push(&mut self, interleaved: &[f32]) {
        let channels = self.framers.len();
        for (channel, framer) in self.framers.iter_mut().enumerate() {
            self.channel.clear();
            self.channel.extend(interleaved.chunks_exact(channels).map(|frame| frame[channel]));
            framer.push(&self.channel);
        }
        while self.take_frame() {
            // The squared Hann window sums to 3/8 of its length.
            let len = 2 * (self.bins.len() - 1);
            let to_mean = 1.0 / (0.375 * (len * channels) as f64);
            let power: Vec<f64> = self.bins.iter().map(|&bin| f64::from(bin) * to_mean).collect();
            let nyquist_hz = self.bin_hz * (power.len() - 1) as f64;
            let mut now = third_octaves(&power, self.bin_hz, nyquist_hz);
            for (band, before) in now.iter_mut().zip(&self.bands) {
                band.level_db = band.level_db.max(before.level_db - FALL_DB_S * self.hop_s);
            }
            self.bands = now;
        }
    }

    /// The power of the next frame of all channels, if it is there.
    fn take_frame(&mut self) -> bool {
        self.bins.fill(0.0);
        for framer in &mut self.framers {
            let Some(frame) = framer.next_frame() else { return false };
            self.power.add_power(frame, &mut self.bins);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;

    /// A stereo sine of a peak level, its right channel times `right`.
    fn sine(hz: f64, peak_dbfs: f64, seconds: f64, right: f32) -> Vec<f32> {
        let amplitude = 10f64.powf(peak_dbfs / 20.0);
        let frames = (seconds * f64::from(RATE_HZ)) as usize;
        let at = |i: usize| (i as f64 * std::f64::consts::TAU * hz / f64::from(RATE_HZ)).sin();
        (0..frames).map(|i| (amplitude * at(i)) as f32).flat_map(|x| [x, x * right]).collect()
    }

    #[test]
    fn a_stereo_sine_of_minus_23_reads_minus_23() {
        // EBU Tech 3341 table 1, case 1.
        let mut monitor = Monitor::new(RATE_HZ, 2).unwrap();
        for block in sine(1_000.0, -23.0, 20.0, 1.0).chunks(2 * 333) {
            monitor.push(block);
        }
        let reading = monitor.reading();
        for lufs in [reading.momentary_lufs, reading.short_term_lufs, reading.integrated_lufs] {
            assert!((lufs.unwrap() + 23.0).abs() < 0.1, "{lufs:?}");
        }
        assert!((reading.true_peak_dbtp.unwrap() + 23.0).abs() < 0.2);
        assert!(reading.correlation.unwrap() > 0.999);
        let loudest = reading.bands.iter().max_by(|a, b| a.level_db.total_cmp(&b.level_db));
        let loudest = loudest.unwrap();
        assert!(loudest.lo_hz < 1_000.0 && loudest.hi_hz > 1_000.0, "{loudest:?}");
        assert!((loudest.level_db + 26.0).abs() < 0.5, "{loudest:?}");
    }

    #[test]
    fn silence_and_shortness_read_nothing() {
        let mut monitor = Monitor::new(RATE_HZ, 2).unwrap();
        assert_eq!(monitor.reading(), Reading::default());
        monitor.push(&vec![0.0; 400_000]);
        let reading = monitor.reading();
        assert_eq!((reading.momentary_lufs, reading.integrated_lufs), (None, None));
        assert_eq!(reading.range_lu, None);
        assert_eq!((reading.true_peak_dbtp, reading.correlation), (None, None));
    }

    #[test]
    fn a_sample_that_is_no_number_leaves_no_trace() {
        let mut monitor = Monitor::new(RATE_HZ, 2).unwrap();
        monitor.push(&[f32::NAN, f32::INFINITY]);
        monitor.push(&sine(1_000.0, -20.0, 4.0, -1.0));
        let reading = monitor.reading();
        assert!((reading.short_term_lufs.unwrap() + 20.0).abs() < 0.1);
        assert!(reading.correlation.unwrap() < -0.99);
    }
}
