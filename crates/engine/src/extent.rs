//! What was heard, in words that stand before any advice: which bar or time, how much of it, whether it is one hit or fades.

/// Steps of [`levels_db`], in seconds.
pub(crate) const STEP_S: f64 = 0.1;

/// Where signal begins, in dBFS, as for `signal_s`.
const SIGNAL_DBFS: f64 = -60.0;
const FLOOR_DBFS: f64 = -120.0;

/// One sound that takes less than this share of the time is a hit, if it is loudest within so many seconds of its start.
const HIT_SHARE: f64 = 0.5;
const ATTACK_S: f64 = 0.3;

/// From the first quarter of the time to the last, each quieter or each louder than the one before, by this much in all: a fade,
/// in dB.
const FADE_DB: f64 = 10.0;
const LEAST_STEPS: usize = 8;

/// Quarters that differ by less are as loud as each other, in dB; how long the end of a song is, in seconds.
const STEADY_DB: f64 = 3.0;
const END_S: f64 = 2.0;

/// How much of a passage or a file was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Extent {
    /// What it is: see [`bar`] and [`time`].
    pub(crate) place: String,
    /// Seconds with signal.
    pub(crate) signal_s: f64,
    /// What else is to be said of it.
    pub(crate) shape: Option<String>,
}

impl Extent {
    /// `bar 12, 1.9 s of signal, one hit`.
    pub(crate) fn words(&self) -> String {
        let signal = match self.signal_s {
            signal_s if signal_s > 0.0 => format!("{signal_s:.1} s of signal"),
            _ => "silence".to_owned(),
        };
        let shape = self.shape.as_ref().map(|shape| format!(", {shape}")).unwrap_or_default();
        format!("{}, {signal}{shape}", self.place)
    }
}

/// `bar 12`, `bar 0 (before the song's start)`, `1.0 s of bar 12`; `a passage of 1.0 s` where no number is known.
pub(crate) fn bar(number: Option<i64>, complete: bool, length_s: f64) -> String {
    let Some(number) = number else { return format!("a passage of {length_s:.1} s") };
    let part = if complete { String::new() } else { format!("{length_s:.1} s of ") };
    let before = if number < 1 { " (before the song's start)" } else { "" };
    format!("{part}bar {number}{before}")
}

/// `0.0 s to 4.0 s`.
pub(crate) fn time(start_s: f64, end_s: f64) -> String {
    format!("{start_s:.1} s to {end_s:.1} s")
}

/// Level of interleaved samples in steps of [`STEP_S`], in dBFS; the last one may be shorter.
pub(crate) fn levels_db(interleaved: &[f32], channels: usize, rate_hz: f64) -> Vec<f64> {
    let step = ((rate_hz * STEP_S) as usize * channels).max(1);
    interleaved.chunks(step).map(level_db).collect()
}

fn level_db(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    (10.0 * (power / samples.len() as f64).log10()).max(FLOOR_DBFS)
}

/// Whether levels in steps of `step_s` are those of one hit or of a fade, in words with what was measured.
pub(crate) fn shape(levels_db: &[f64], step_s: f64) -> Option<String> {
    one_hit(levels_db, step_s).or_else(|| fade(levels_db))
}

/// How the level goes from quarter to quarter, and whether the end fades out; none of what is too short for that.
pub(crate) fn course(levels_db: &[f64], step_s: f64) -> Option<String> {
    let quarters = quarters(levels_db)?;
    let most = quarters.iter().copied().fold(f64::MIN, f64::max);
    let spread_db = most - quarters.iter().copied().fold(f64::MAX, f64::min);
    let rises = quarters.windows(2).all(|pair| pair[1] > pair[0]);
    let falls = quarters.windows(2).all(|pair| pair[1] < pair[0]);
    let way = match spread_db {
        spread if spread < STEADY_DB => "about the same throughout",
        _ if rises => "louder and louder",
        _ if falls => "quieter and quieter",
        _ => "up and down",
    };
    let [a, b, c, d] = quarters;
    let course = format!(
        "its level goes {way}: {a:.1}, {b:.1}, {c:.1} and {d:.1} dBFS from quarter to quarter"
    );
    let end = ((END_S / step_s) as usize).min(levels_db.len() / 4).max(1);
    let last = power_mean(&levels_db[levels_db.len() - end..]);
    let fades = last < d - FADE_DB;
    Some(if fades { format!("{course}, and the end fades out") } else { course })
}

/// The levels of the four quarters, their powers averaged.
fn quarters(levels_db: &[f64]) -> Option<[f64; 4]> {
    let at = |quarter: usize| quarter * levels_db.len() / 4;
    let level = |quarter: usize| power_mean(&levels_db[at(quarter)..at(quarter + 1)]);
    (levels_db.len() >= LEAST_STEPS).then(|| [0, 1, 2, 3].map(level))
}

fn power_mean(levels_db: &[f64]) -> f64 {
    let power: f64 = levels_db.iter().map(|db| 10f64.powf(db / 10.0)).sum();
    10.0 * (power / levels_db.len() as f64).log10()
}

fn one_hit(levels_db: &[f64], step_s: f64) -> Option<String> {
    let sounds = |db: &f64| *db > SIGNAL_DBFS;
    let first = levels_db.iter().position(sounds)?;
    let last = levels_db.iter().rposition(sounds)?;
    let sound = &levels_db[first..=last];
    let loudest = (0..sound.len()).max_by(|a, b| sound[*a].total_cmp(&sound[*b]))?;
    let is_hit = sound.iter().all(sounds)
        && (sound.len() as f64) < HIT_SHARE * levels_db.len() as f64
        && loudest as f64 * step_s < ATTACK_S;
    is_hit.then(|| "one hit".to_owned())
}

fn fade(levels_db: &[f64]) -> Option<String> {
    if levels_db.len() < LEAST_STEPS {
        return None;
    }
    let mean = |quarter: usize| {
        let at = |quarter: usize| quarter * levels_db.len() / 4;
        let part = &levels_db[at(quarter)..at(quarter + 1)];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let quarters = [0, 1, 2, 3].map(mean);
    let change_db = quarters[3] - quarters[0];
    let falls = quarters.windows(2).all(|pair| pair[1] < pair[0]);
    let rises = quarters.windows(2).all(|pair| pair[1] > pair[0]);
    let way = if falls { "fades by" } else { "swells by" };
    ((falls || rises) && change_db.abs() >= FADE_DB)
        .then(|| format!("{way} {:.0} dB", change_db.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 8_000.0;

    /// Two seconds of a tone whose level in dBFS follows `level_db` of the time in seconds.
    fn shape_of(level_db: impl Fn(f64) -> f64) -> Option<String> {
        let sample = |i: usize| {
            let level = 10f64.powf(level_db(i as f64 / RATE_HZ) / 20.0);
            (level * (0.3 * i as f64).sin() * 2f64.sqrt()) as f32
        };
        let samples: Vec<f32> = (0..16_000).map(sample).collect();
        shape(&levels_db(&samples, 1, RATE_HZ), STEP_S)
    }

    #[test]
    fn hits_and_fades_are_told_apart_from_music() {
        assert_eq!(shape_of(|_| -20.0), None);
        assert_eq!(shape_of(|_| -130.0), None);
        assert_eq!(shape_of(|s| -6.0 - 60.0 * s).as_deref(), Some("one hit"));
        assert_eq!(shape_of(|s| -10.0 - 16.0 * s).as_deref(), Some("fades by 24 dB"));
        assert_eq!(shape_of(|s| -40.0 + 10.0 * s).as_deref(), Some("swells by 15 dB"));
        // Four beats of a drum.
        assert_eq!(shape_of(|s| -6.0 - 80.0 * (s % 0.5)), None);
        assert_eq!(shape(&[], STEP_S), None);
    }

    #[test]
    fn the_course_is_told_from_quarter_to_quarter() {
        let of = |level_db: &dyn Fn(usize) -> f64| {
            course(&(0..80).map(level_db).collect::<Vec<f64>>(), 0.25).unwrap()
        };
        let steady = "its level goes about the same throughout: -20.0, -20.0, -20.0 and -20.0 dBFS from quarter to quarter";
        assert_eq!(of(&|_| -20.0), steady);
        assert!(
            of(&|i| -40.0 + 0.25 * i as f64).starts_with("its level goes louder and louder: -37.4")
        );
        assert!(of(&|i| -10.0 - 0.5 * i as f64).contains("quieter and quieter"));
        assert!(of(&|i| if i < 72 { -20.0 } else { -60.0 }).ends_with("and the end fades out"));
        assert_eq!(course(&[-20.0; 7], 0.25), None);
    }

    #[test]
    fn levels_are_those_of_the_steps() {
        let square = [[0.5_f32; 1600], [0.0; 1600]].concat();
        let levels = levels_db(&square, 2, RATE_HZ);
        assert_eq!(levels.len(), 2);
        assert!((levels[0] + 6.02).abs() < 0.01 && levels[1] == FLOOR_DBFS, "{levels:?}");
    }

    #[test]
    fn parts_count_ins_and_silence_are_said() {
        let extent = |place, signal_s| Extent { place, signal_s, shape: None }.words();
        assert_eq!(extent(bar(Some(12), true, 2.0), 1.94), "bar 12, 1.9 s of signal");
        assert_eq!(extent(bar(Some(12), false, 1.0), 1.0), "1.0 s of bar 12, 1.0 s of signal");
        assert_eq!(
            extent(bar(Some(0), true, 2.0), 0.0),
            "bar 0 (before the song's start), silence"
        );
        assert_eq!(extent(bar(None, true, 4.0), 3.0), "a passage of 4.0 s, 3.0 s of signal");
        let hit = Extent { place: time(0.0, 4.0), signal_s: 0.4, shape: Some("one hit".into()) };
        assert_eq!(hit.words(), "0.0 s to 4.0 s, 0.4 s of signal, one hit");
    }
}
