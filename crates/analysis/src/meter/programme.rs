//! Programme loudness, loudness range and true peak through the `ebur128` crate.

use std::collections::VecDeque;

use ebur128::{EbuR128, Mode};
use signal::Measurements;

use super::levels::too_short;
use super::peaks::MOST_TIMES;
use crate::decibel::amplitude_db;

/// Rates at which the K-weighting filters and the over-sampler are what the standard means.
pub(crate) const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=384_000;
/// The true peak that EBU R 128 permits, in dBTP.
const PERMITTED_DBTP: f64 = -1.0;
/// 100 ms blocks in a short-term window.
const SHORT_TERM_BLOCKS: usize = 30;
/// Short-term loudness below which a peak ratio says nothing, in LUFS.
const QUIET_LUFS: f64 = -50.0;

#[derive(Debug)]
pub(super) struct Programme {
    meter: EbuR128,
    channels: u32,
    /// True peak of the 100 ms block in progress, and of the last 3 s of blocks.
    block_peak: f64,
    recent_peaks: VecDeque<f64>,
    overs: u64,
    /// Blocks ended, and which of them were the first overs.
    blocks: u64,
    over_blocks: Vec<u64>,
    psr_min_db: Option<f64>,
}

impl Programme {
    /// `None` where the format is beyond the standard's reach.
    pub(super) fn new(rate_hz: u32, channels: usize) -> Option<Self> {
        if !RATES_HZ.contains(&rate_hz) {
            return None;
        }
        let channels = u32::try_from(channels).ok()?;
        let meter = EbuR128::new(channels, rate_hz, Mode::I | Mode::LRA | Mode::TRUE_PEAK).ok()?;
        let recent_peaks = VecDeque::with_capacity(SHORT_TERM_BLOCKS + 1);
        Some(Self {
            meter,
            channels,
            block_peak: 0.0,
            recent_peaks,
            overs: 0,
            blocks: 0,
            over_blocks: Vec::new(),
            psr_min_db: None,
        })
    }

    /// Takes samples within one 100 ms block.
    pub(super) fn push(&mut self, piece: &[f32]) {
        self.meter.add_frames_f32(piece).expect("whole frames of the meter's channels");
        for channel in 0..self.channels {
            let peak = self.meter.prev_true_peak(channel).expect("a channel of the meter");
            self.block_peak = self.block_peak.max(peak);
        }
    }

    /// Ends a 100 ms block; `short_term_lufs` is the loudness of the 3 s before.
    pub(super) fn end_block(&mut self, short_term_lufs: Option<f64>) {
        self.count_over();
        self.recent_peaks.push_back(self.block_peak);
        if self.recent_peaks.len() > SHORT_TERM_BLOCKS {
            self.recent_peaks.pop_front();
        }
        self.block_peak = 0.0;
        let Some(loudness) = short_term_lufs.filter(|&lufs| lufs > QUIET_LUFS) else { return };
        let peak = self.recent_peaks.iter().copied().fold(0.0, f64::max);
        if let Some(peak_db) = amplitude_db(peak) {
            let psr = peak_db - loudness;
            self.psr_min_db = Some(self.psr_min_db.map_or(psr, |least| least.min(psr)));
        }
    }

    fn count_over(&mut self) {
        if amplitude_db(self.block_peak).is_some_and(|db| db > PERMITTED_DBTP) {
            self.overs += 1;
            if self.over_blocks.len() < MOST_TIMES {
                self.over_blocks.push(self.blocks);
            }
        }
        self.blocks += 1;
    }

    pub(super) fn finish(mut self, out: &mut Measurements) {
        self.count_over();
        let peaks = (0..self.channels).filter_map(|channel| self.meter.true_peak(channel).ok());
        let peak = peaks.fold(0.0, f64::max);
        out.true_peak_dbtp = amplitude_db(peak).filter(|db| db.is_finite());
        out.true_peak_overs = self.overs;
        // Blocks last 100 ms.
        let starts = self.over_blocks.iter().map(|&block| block as f64 / 10.0);
        out.true_peak_over_times_s = starts.collect();
        if self.overs == 0 {
            let reason = format!("no true peak above {PERMITTED_DBTP} dBTP");
            out.notes.insert("true_peak_over_times_s".to_owned(), reason);
        }
        out.psr_min_db = self.psr_min_db;
        out.integrated_lufs = self.meter.loudness_global().ok().filter(|lufs| lufs.is_finite());
        if out.integrated_lufs.is_some() && out.duration_s >= 3.0 {
            self.append_silence(out.sample_rate_hz);
            out.loudness_range_lu = self.meter.loudness_range().ok().filter(|lu| lu.is_finite());
        }
        out.plr_db = out.true_peak_dbtp.zip(out.integrated_lufs).map(|(peak, lufs)| peak - lufs);
        let fields = [
            ("integrated_lufs", 0.4, out.integrated_lufs),
            ("plr_db", 0.4, out.plr_db),
            ("loudness_range_lu", 3.0, out.loudness_range_lu),
            ("psr_min_db", 3.0, out.psr_min_db),
            ("true_peak_dbtp", 0.0, out.true_peak_dbtp),
        ];
        for (field, needed_s, value) in fields {
            if value.is_none() {
                let short = out.duration_s < needed_s;
                let reason = if short {
                    too_short(out.duration_s, needed_s)
                } else {
                    "below the gate".to_owned()
                };
                out.notes.insert(field.to_owned(), reason);
            }
        }
    }

    /// EBU Tech 3342 has file meters append at least 1.5 s of silence, so that the last seconds count.
    fn append_silence(&mut self, rate_hz: u32) {
        let silence = vec![0.0; rate_hz as usize * 3 / 2 * self.channels as usize];
        self.meter.add_frames_f32(&silence).expect("whole frames of the meter's channels");
    }
}

/// Notes why a format has no loudness.
pub(super) fn explain_absence(out: &mut Measurements) {
    let (low, high) = RATES_HZ.into_inner();
    let reason = format!(
        "BS.1770 is not defined at {} Hz (measured from {low} to {high} Hz)",
        out.sample_rate_hz
    );
    let fields = [
        "integrated_lufs",
        "loudness_range_lu",
        "momentary_max_lufs",
        "short_term_max_lufs",
        "true_peak_dbtp",
        "true_peak_over_times_s",
        "plr_db",
        "psr_min_db",
        "loudness_lufs",
    ];
    for field in fields {
        out.notes.insert(field.to_owned(), reason.clone());
    }
}
