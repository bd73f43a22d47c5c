//! Decibels that are never infinite, and percentiles of levels over a stream of any length.

/// Lowest level any meter keeps, in dB: below 24-bit quantisation noise.
pub(crate) const FLOOR_DB: f64 = -140.0;

/// Power to dB, floored.
pub(crate) fn power_db(power: f64) -> f64 {
    (10.0 * power.max(1e-14).log10()).max(FLOOR_DB)
}

/// Amplitude to dB, `None` for silence.
pub(crate) fn amplitude_db(amplitude: f64) -> Option<f64> {
    (amplitude > 0.0).then(|| 20.0 * amplitude.log10())
}

/// The value below which `share` (0 to 1) of the sorted values lie.
pub(crate) fn percentile(sorted: &[f32], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    Some(f64::from(sorted[(share * last as f64).round() as usize]))
}

/// The middle value; reorders the slice.
pub(crate) fn select(values: &mut [f32], share: f64) -> f32 {
    let at = (share * (values.len() - 1) as f64).round() as usize;
    *values.select_nth_unstable_by(at, f32::total_cmp).1
}

/// Counts of levels in 1 dB steps for many bins at once: percentiles over hours in fixed memory.
#[derive(Clone, Debug)]
pub(crate) struct LevelCounts {
    lowest_db: f64,
    steps: usize,
    counts: Vec<u32>,
}

impl LevelCounts {
    /// Room for `bins` bins of levels from `lowest_db` to `highest_db`.
    pub(crate) fn new(bins: usize, lowest_db: f64, highest_db: f64) -> Self {
        let steps = (highest_db - lowest_db) as usize + 1;
        Self { lowest_db, steps, counts: vec![0; bins * steps] }
    }

    /// Counts one level of one bin.
    pub(crate) fn add(&mut self, bin: usize, level_db: f64) {
        let step = ((level_db - self.lowest_db).max(0.0) as usize).min(self.steps - 1);
        let count = &mut self.counts[bin * self.steps + step];
        *count = count.saturating_add(1);
    }

    /// The level below which `share` of the bin's counts lie, interpolated within its step.
    pub(crate) fn percentile(&self, bin: usize, share: f64) -> Option<f64> {
        let row = &self.counts[bin * self.steps..][..self.steps];
        let total: u64 = row.iter().map(|&count| u64::from(count)).sum();
        let wanted = share * total as f64;
        let mut below = 0.0;
        for (step, &count) in row.iter().enumerate() {
            let count = f64::from(count);
            if count > 0.0 && below + count >= wanted {
                return Some(self.lowest_db + step as f64 + (wanted - below) / count);
            }
            below += count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_counts_lie_within_a_step() {
        let mut counts = LevelCounts::new(2, -100.0, 0.0);
        for level in 0..100 {
            counts.add(1, f64::from(level) - 99.5);
        }
        assert!((counts.percentile(1, 0.5).unwrap() + 50.0).abs() <= 1.0);
        assert!((counts.percentile(1, 0.1).unwrap() + 90.0).abs() <= 1.0);
        assert_eq!(counts.percentile(0, 0.5), None);
    }

    #[test]
    fn silence_is_the_floor_not_infinite() {
        assert_eq!(power_db(0.0), FLOOR_DB);
        assert_eq!(amplitude_db(0.0), None);
    }
}
