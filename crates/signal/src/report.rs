//! The measurements of one slice of audio: written by `analysis::Meter`, read by everything that reports.
//!
//! The field names up to `bands` are the contract of `barline measure`. A value that doesn't exist is `None` (JSON
//! null), and `notes` says why under the field's name; infinities and NaN never appear.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One 1/3-octave band of the long-term spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Lower edge in Hz (IEC 61260-1 base 10).
    pub lo_hz: f64,
    /// Upper edge in Hz, at most the Nyquist frequency.
    pub hi_hz: f64,
    /// Mean power in dBFS (a full-scale sine is -3.01), averaged over the channels; [`Band::FLOOR_DB`] at the least.
    pub level_db: f64,
}

impl Band {
    /// The lowest level a band reports, in dBFS: below 24-bit quantisation noise, so it reads "nothing there".
    pub const FLOOR_DB: f64 = -140.0;

    /// Mean power between two frequencies in dBFS, from contiguous bands, the edge bands by their share in
    /// octaves. `None` where no band reaches in.
    pub fn level_between(bands: &[Self], lo_hz: f64, hi_hz: f64) -> Option<f64> {
        let mut power = 0.0;
        let mut covered = false;
        for band in bands {
            let (lo, hi) = (band.lo_hz.max(lo_hz), band.hi_hz.min(hi_hz));
            if hi > lo {
                covered = true;
                let share = (hi / lo).ln() / (band.hi_hz / band.lo_hz).ln();
                power += share * 10f64.powf(band.level_db / 10.0);
            }
        }
        covered.then(|| (10.0 * power.log10()).max(Self::FLOOR_DB))
    }
}

/// Left against right within one octave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StereoBand {
    /// Lower edge in Hz (IEC 61260-1 base 10, octaves).
    pub lo_hz: f64,
    /// Upper edge in Hz, at most the Nyquist frequency.
    pub hi_hz: f64,
    /// Correlation of left and right, -1 to 1; none where a channel is silent there.
    pub correlation: Option<f64>,
    /// Share of the side signal in the power: 0 is mono, 0.5 unrelated channels, 1 opposite polarity; none in silence.
    pub width: Option<f64>,
}

/// Dynamics within one band of a fourth-order Linkwitz-Riley crossover.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrestBand {
    /// Lower edge in Hz, 0 for the lowest.
    pub lo_hz: f64,
    /// Upper edge in Hz, the Nyquist frequency for the highest.
    pub hi_hz: f64,
    /// Root mean square over all channels in dBFS (a full-scale sine is -3.01); none in silence.
    pub rms_dbfs: Option<f64>,
    /// Sample peak over that, in dB; none in silence.
    pub crest_db: Option<f64>,
}

/// A chord over a stretch of a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChordSpan {
    /// First moment in seconds.
    pub start_s: f64,
    /// End in seconds, exclusive.
    pub end_s: f64,
    /// The triad, e.g. `Eb` or `F#m`.
    pub name: String,
    /// How likely it is this triad and no other, 0 to 1.
    pub confidence: f64,
}

/// A part of a song; parts that sound alike share a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// First moment in seconds.
    pub start_s: f64,
    /// End in seconds, exclusive.
    pub end_s: f64,
    /// `A`, `B`, ...
    pub name: String,
}

/// Everything measured on one slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// Sample rate of the slice in Hz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Length of the slice in seconds.
    pub duration_s: f64,
    /// Gated loudness, EBU R 128 / ITU-R BS.1770-5, in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range, EBU Tech 3342, in LU.
    pub loudness_range_lu: Option<f64>,
    /// Highest momentary loudness (0.4 s), EBU Tech 3341, in LUFS.
    pub momentary_max_lufs: Option<f64>,
    /// Highest short-term loudness (3 s), EBU Tech 3341, in LUFS.
    pub short_term_max_lufs: Option<f64>,
    /// Highest true peak of any channel, ITU-R BS.1770-5 annex 2, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Highest sample of any channel in dBFS.
    pub sample_peak_dbfs: Option<f64>,
    /// Peak to loudness ratio: true peak minus integrated loudness, in dB.
    pub plr_db: Option<f64>,
    /// Lowest peak to short-term-loudness ratio over the slice, in dB.
    pub psr_min_db: Option<f64>,
    /// Sample peak over root mean square of all channels, in dB.
    pub crest_db: Option<f64>,
    /// Correlation of left and right, -1 to 1.
    pub correlation: Option<f64>,
    /// Share of the side signal in the power: 0 is mono, 0.5 unrelated channels, 1 opposite polarity.
    pub width: Option<f64>,
    /// Right channel's power over the left's, in dB: positive leans right; limited to +-60.
    pub balance_db: Option<f64>,
    /// Mean of the channel whose mean lies farthest from zero, as a share of full scale.
    pub dc_offset: Option<f64>,
    /// Tempo in beats a minute.
    pub tempo_bpm: Option<f64>,
    /// How likely the tempo is right (within 4 %), 0 to 1.
    pub tempo_confidence: Option<f64>,
    /// Meter as heard, e.g. `3/4`; in `6/8` the beat is three eighths.
    pub meter: Option<String>,
    /// How likely the meter is right, 0 to 1.
    pub meter_confidence: Option<f64>,
    /// Times of the beats in seconds; empty without a steady pulse.
    pub beats_s: Vec<f64>,
    /// Times of the first beats of the bars in seconds.
    pub downbeats_s: Vec<f64>,
    /// Key, e.g. `A minor` or `F# major`.
    pub key: Option<String>,
    /// How likely the key is right, 0 to 1.
    pub key_confidence: Option<f64>,
    /// Major and minor triads where the harmony is clear, changing on beats; empty in a slice of a single bar.
    pub chords: Vec<ChordSpan>,
    /// Where the music changes, from the start to the end without gaps; empty in a slice of a single bar.
    pub sections: Vec<Section>,
    /// Long-term 1/3-octave spectrum, 25 Hz to 20 kHz where the sample rate reaches; empty where silent.
    pub bands: Vec<Band>,
    /// Left against right by octaves, 31.5 Hz to 16 kHz; empty unless stereo.
    pub stereo_bands: Vec<StereoBand>,
    /// Dynamics in the lows, low mids, high mids and highs; empty where silent.
    pub crest_bands: Vec<CrestBand>,
    /// Attacks a second: how densely notes and hits begin.
    pub onsets_per_s: Option<f64>,
    /// Ungated K-weighted mean over the whole slice in LUFS: our own bar loudness, not an EBU measure.
    pub loudness_lufs: Option<f64>,
    /// Seconds whose level (50 ms) lies above -60 dBFS.
    pub signal_s: f64,
    /// Correlation of left and right below 120 Hz, -1 to 1.
    pub low_correlation: Option<f64>,
    /// Runs of three or more equal samples at a channel's ceiling, whatever its level, entered as a clipped wave enters them.
    pub clipped_runs: u64,
    /// Where the first hundred of them start, in seconds.
    pub clipped_times_s: Vec<f64>,
    /// 100 ms blocks whose true peak lies above -1 dBTP.
    pub true_peak_overs: u64,
    /// Where the first hundred of them start, in seconds.
    pub true_peak_over_times_s: Vec<f64>,
    /// Mains frequency whose hum stands out, 50 or 60 Hz.
    pub hum_hz: Option<f64>,
    /// Level of the hum's harmonics in the quiet moments, in dBFS.
    pub hum_db: Option<f64>,
    /// Level (50 ms) that is exceeded 90 % of the time, in dBFS.
    pub noise_floor_dbfs: Option<f64>,
    /// Level between 2 and 12 kHz of noise that stays as it is under the sound, in dBFS.
    pub hiss_dbfs: Option<f64>,
    /// Spectral flatness of that hiss: near 1 is noise, near 0 is tones.
    pub noise_flatness: Option<f64>,
    /// Frequency of the narrow peak that stands out most persistently, in Hz.
    pub resonance_hz: Option<f64>,
    /// How far that peak stands over its neighbourhood in loud and in quiet moments alike, in dB.
    pub resonance_db: Option<f64>,
    /// Power-weighted mean frequency, in Hz.
    pub centroid_hz: Option<f64>,
    /// Loud moments (95th percentile) of 5-9 kHz against those (75th) of 1-4 kHz, in dB.
    pub sibilance_db: Option<f64>,
    /// Field name to the reason why it is missing or doubtful.
    pub notes: BTreeMap<String, String>,
}

impl Measurements {
    /// [`Band::level_between`] of its bands.
    pub fn level_between(&self, lo_hz: f64, hi_hz: f64) -> Option<f64> {
        Band::level_between(&self.bands, lo_hz, hi_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_between_sums_powers_and_splits_edge_bands() {
        let bands = vec![
            Band { lo_hz: 100.0, hi_hz: 200.0, level_db: -20.0 },
            Band { lo_hz: 200.0, hi_hz: 400.0, level_db: -20.0 },
        ];
        let measured = Measurements { bands, ..Measurements::default() };
        let check = |lo, hi, expected: f64| {
            let level = measured.level_between(lo, hi).unwrap();
            assert!((level - expected).abs() < 0.02, "{lo}..{hi}: {level}");
        };
        check(100.0, 400.0, -16.99);
        check(200.0, 400.0, -20.0);
        check(200.0, 200.0 * 2f64.sqrt(), -23.01);
        assert_eq!(measured.level_between(1000.0, 2000.0), None);
    }

    #[test]
    fn missing_values_are_null_in_json() {
        let json = serde_json::to_value(Measurements::default()).unwrap();
        assert!(json["integrated_lufs"].is_null());
        assert!(json["bands"].as_array().unwrap().is_empty());
    }
}
