//! What a reader of the results should know about a file's format.

use std::collections::BTreeMap;

/// Below this rate the upper half of what the measures need is missing.
const LOW_RATE_HZ: u32 = 16_000;

/// Above this rate nothing that is measured or heard lies in the added spectrum.
const HIGH_RATE_HZ: u32 = 192_000;

/// Appends notes on the sample rate, the downmix and the word length.
pub(super) fn format(
    notes: &mut BTreeMap<String, String>,
    rate_hz: u32,
    channels: usize,
    bits: Option<u32>,
) {
    if rate_hz < LOW_RATE_HZ {
        let half = rate_hz / 2;
        let text =
            format!("at {rate_hz} Hz nothing above {half} Hz exists: tone and labels are doubtful");
        notes.insert("sample_rate_hz".to_owned(), text);
    } else if rate_hz > HIGH_RATE_HZ {
        let text = format!(
            "{rate_hz} Hz is beyond the usual rates: what lies above 20 kHz is left out of the bands"
        );
        notes.insert("sample_rate_hz".to_owned(), text);
    }
    if channels > 2 {
        let text = format!(
            "{channels} channels: loudness weighs them by BS.1770, there are no stereo measures, tempo, key and the model hear \
             their mean"
        );
        notes.insert("channels".to_owned(), text);
    }
    if let Some(bits) = bits.filter(|bits| *bits <= 8) {
        let text = format!(
            "{bits}-bit samples: the noise of their steps lies near {:.0} dBFS",
            -6.02 * f64::from(bits) - 1.76
        );
        notes.insert("noise_floor_dbfs".to_owned(), text);
    }
}
