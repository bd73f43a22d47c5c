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

/// Counts of levels in steps of a decibel or less for many bins at once: percentiles over hours in fixed memory.
#[derive(Clone, Debug)]
pub(crate) struct LevelCounts {
    lowest_db: f64,
    step_db: f64,
    steps: usize,
    counts: Vec<u32>,
}

impl LevelCounts {
    /// Room for `bins` bins of levels from `lowest_db` to `highest_db`.
    pub(crate) fn new(bins: usize, lowest_db: f64, highest_db: f64) -> Self {
        Self::in_steps(1.0, bins, lowest_db, highest_db)
    }

    /// The same in steps of an eighth of a decibel.
    pub(crate) fn fine(bins: usize, lowest_db: f64, highest_db: f64) -> Self {
        Self::in_steps(0.125, bins, lowest_db, highest_db)
    }

    fn in_steps(step_db: f64, bins: usize, lowest_db: f64, highest_db: f64) -> Self {
        let steps = ((highest_db - lowest_db) / step_db) as usize + 1;
        Self { lowest_db, step_db, steps, counts: vec![0; bins * steps] }
    }

    fn row(&self, bin: usize) -> &[u32] {
        &self.counts[bin * self.steps..][..self.steps]
    }

    /// Counts one level of one bin.
    pub(crate) fn add(&mut self, bin: usize, level_db: f64) {
        let above_db = (level_db - self.lowest_db).max(0.0);
        let step = ((above_db / self.step_db) as usize).min(self.steps - 1);
        let count = &mut self.counts[bin * self.steps + step];
        *count = count.saturating_add(1);
    }

    /// The level below which `share` of the bin's counts lie, interpolated within its step.
    pub(crate) fn percentile(&self, bin: usize, share: f64) -> Option<f64> {
        let row = self.row(bin);
        let total: u64 = row.iter().map(|&count| u64::from(count)).sum();
        let wanted = share * total as f64;
        let mut below = 0.0;
        for (step, &count) in row.iter().enumerate() {
            let count = f64::from(count);
            if count > 0.0 && below + count >= wanted {
                let steps = step as f64 + (wanted - below) / count;
                return Some(self.lowest_db + self.step_db * steps);
            }
            below += count;
        }
        None
    }

    /// How many of the bin's levels lie between two, and how many there are.
    pub(crate) fn within(&self, bin: usize, lo_db: f64, hi_db: f64) -> (f64, f64) {
        let (mut inside, mut all) = (0.0, 0.0);
        for (step, &count) in self.row(bin).iter().enumerate() {
            let middle_db = self.lowest_db + self.step_db * (step as f64 + 0.5);
            all += f64::from(count);
            if (lo_db..=hi_db).contains(&middle_db) {
                inside += f64::from(count);
            }
        }
        (inside, all)
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
    fn levels_within_a_range_are_counted() {
        let mut counts = LevelCounts::fine(1, -100.0, 0.0);
        for level_db in [-60.1, -60.0, -59.9, -58.0] {
            counts.add(0, level_db);
        }
        assert_eq!(counts.within(0, -60.5, -59.5), (3.0, 4.0));
    }

    #[test]
    fn silence_is_the_floor_not_infinite() {
        assert_eq!(power_db(0.0), FLOOR_DB);
        assert_eq!(amplitude_db(0.0), None);
    }
}
