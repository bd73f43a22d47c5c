//! What an instance shows of itself and of a bar, as words of shared memory. What is read may be rubbish.

use std::time::{Duration, SystemTime};

use signal::{BandLevels, BandStep, BarKey, Label};

/// Steps of a bar that are shown: 6.4 s, a bar of 4/4 at 38 BPM. Of a longer one, its beginning.
const STEPS: usize = 64;

/// A level in half decibels over -120 dBFS, the meter's floor; a byte reaches 7.5 dBFS.
const FLOOR_DB: f32 = -120.0;
const PER_DB: f32 = 2.0;

/// Longest name, in bytes.
const NAME_BYTES: usize = 64;

/// Longest bar, in seconds, as sessions keep them.
const LONGEST_S: f64 = 30.0;

/// Places of the same bar in two instances' songs may differ by so much: what hosts round, far less than a step.
const SAME_PLACE_S: f64 = 0.005;

/// Passes that follow each other at once bring the same bar again no sooner than after its length, so what lies further
/// apart than this and two lengths is of another pass.
const SAME_PASS: Duration = Duration::from_secs(2);

pub(super) const TITLE_WORDS: usize = 2 + NAME_BYTES / 8;
pub(super) const BAR_WORDS: usize = 5 + STEPS * BandLevels::BANDS / 8;

/// What an instance calls itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Title {
    /// The track's name as the host has it; empty where it tells none.
    pub(crate) name: String,
    /// What is heard on it.
    pub(crate) label: Option<Label>,
}

/// A bar as an instance has heard it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BarSheet {
    /// Where it starts in the song, in quarter notes.
    pub(crate) key: BarKey,
    /// The same in seconds, where the host says so.
    pub(crate) start_s: Option<f64>,
    /// Its length in seconds.
    pub(crate) length_s: f64,
    /// When it had been heard.
    pub(crate) heard_at: SystemTime,
    /// Its levels from its start on.
    pub(crate) levels: BandLevels,
}

impl Title {
    pub(super) fn words(&self) -> [u64; TITLE_WORDS] {
        let name = &self.name.as_bytes()[..self.name.floor_char_boundary(NAME_BYTES)];
        let label = self.label.and_then(|label| Label::ALL.iter().position(|l| *l == label));
        let mut words = [0; TITLE_WORDS];
        words[0] = label.map_or(0, |at| at as u64 + 1);
        words[1] = name.len() as u64;
        pack(name, &mut words[2..]);
        words
    }

    /// The title in these words: a name is text on one line, or none.
    pub(super) fn of(words: &[u64; TITLE_WORDS]) -> Self {
        let at = usize::try_from(words[0]).unwrap_or(0);
        let label = at.checked_sub(1).and_then(|at| Label::ALL.get(at)).copied();
        let length = usize::try_from(words[1]).unwrap_or(0).min(NAME_BYTES);
        let bytes: Vec<u8> = unpack(&words[2..]).take(length).collect();
        let name = String::from_utf8(bytes).unwrap_or_default();
        let name = if name.chars().any(char::is_control) { String::new() } else { name };
        Self { name, label }
    }
}

impl BarSheet {
    pub(super) fn words(&self) -> [u64; BAR_WORDS] {
        let steps = &self.levels.steps_db[..self.levels.steps_db.len().min(STEPS)];
        let since = self.heard_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let bytes: Vec<u8> = steps.iter().flatten().map(|&db| byte(db)).collect();
        let mut words = [0; BAR_WORDS];
        words[0] = self.key.quarters().to_bits();
        words[1] = self.start_s.unwrap_or(f64::NAN).to_bits();
        words[2] = self.length_s.to_bits();
        words[3] = u64::try_from(since.as_millis()).unwrap_or(0);
        words[4] = steps.len() as u64;
        pack(&bytes, &mut words[5..]);
        words
    }

    /// The bar in these words, if they make one.
    pub(super) fn of(words: &[u64; BAR_WORDS]) -> Option<Self> {
        let [quarters, start_s, length_s] = [0, 1, 2].map(|at| f64::from_bits(words[at]));
        let steps = usize::try_from(words[4]).ok().filter(|steps| (1..=STEPS).contains(steps))?;
        let heard_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(words[3]))?;
        let is_bar = quarters.is_finite() && length_s > 0.0 && length_s <= LONGEST_S;
        if !is_bar {
            return None;
        }
        let bytes: Vec<u8> = unpack(&words[5..]).take(steps * BandLevels::BANDS).collect();
        let step = |bytes: &[u8]| -> BandStep {
            std::array::from_fn(|band| FLOOR_DB + f32::from(bytes[band]) / PER_DB)
        };
        Some(Self {
            key: BarKey::from_quarters(quarters),
            start_s: Some(start_s).filter(|s| s.is_finite()),
            length_s,
            heard_at,
            levels: BandLevels {
                steps_db: bytes.chunks_exact(BandLevels::BANDS).map(step).collect(),
            },
        })
    }

    /// Whether both are the same bar, at the same place of the song, of the same pass. The clock on the wall only tells passes
    /// apart: a pass that was heard at another time is not compared with, however alike its places are.
    pub(super) fn sounds_with(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= SAME_PLACE_S;
        let place = match (self.start_s, other.start_s) {
            (Some(own), Some(other)) => near(own, other),
            (None, None) => true,
            _ => false,
        };
        let apart = self.heard_at.duration_since(other.heard_at);
        let apart = apart.unwrap_or_else(|error| error.duration());
        self.key == other.key
            && place
            && near(self.length_s, other.length_s)
            && apart <= SAME_PASS + Duration::from_secs_f64(2.0 * self.length_s)
    }
}

fn byte(level_db: f32) -> u8 {
    // A cast saturates.
    ((level_db - FLOOR_DB) * PER_DB).round() as u8
}

fn pack(bytes: &[u8], words: &mut [u64]) {
    for (word, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_le_bytes(eight);
    }
}

fn unpack(words: &[u64]) -> impl Iterator<Item = u8> {
    words.iter().flat_map(|word| word.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar() -> BarSheet {
        let mut steps_db = vec![[-40.0; BandLevels::BANDS]; 20];
        steps_db[3][7] = -17.5;
        steps_db[4] = [-300.0; BandLevels::BANDS];
        BarSheet {
            key: BarKey::from_quarters(12.0),
            start_s: Some(6.0),
            length_s: 2.0,
            heard_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
            levels: BandLevels { steps_db },
        }
    }

    #[test]
    fn a_bar_comes_back_and_levels_to_half_a_decibel() {
        let sent = bar();
        let mut expected = sent.clone();
        expected.levels.steps_db[4] = [FLOOR_DB; BandLevels::BANDS];
        assert_eq!(BarSheet::of(&sent.words()), Some(expected.clone()));
        let nowhere = BarSheet { start_s: None, ..expected };
        assert_eq!(BarSheet::of(&nowhere.words()), Some(nowhere));
        let long = vec![[-20.0; BandLevels::BANDS]; 300];
        let long = BarSheet { levels: BandLevels { steps_db: long }, ..bar() };
        assert_eq!(BarSheet::of(&long.words()).unwrap().levels.steps_db.len(), STEPS);
    }

    #[test]
    fn a_title_comes_back_and_is_cut_between_letters() {
        let title = Title { name: "Bässe".to_owned(), label: Some(Label::Bass) };
        assert_eq!(Title::of(&title.words()), title);
        let long = Title { name: "ü".repeat(40), label: None };
        assert_eq!(Title::of(&long.words()).name, "ü".repeat(32));
    }

    #[test]
    fn rubbish_is_no_bar_and_no_title() {
        let good = bar().words();
        for (at, word) in [
            (0, f64::NAN.to_bits()),
            (0, f64::INFINITY.to_bits()),
            (2, f64::NAN.to_bits()),
            (2, 0.0_f64.to_bits()),
            (2, 1e9_f64.to_bits()),
            (4, 0),
            (4, STEPS as u64 + 1),
            (4, u64::MAX),
        ] {
            let mut words = good;
            words[at] = word;
            assert_eq!(BarSheet::of(&words), None, "word {at}: {word:x}");
        }
        assert_eq!(BarSheet::of(&[0; BAR_WORDS]), None);
        assert_eq!(BarSheet::of(&[u64::MAX; BAR_WORDS]), None);
        assert_eq!(Title::of(&[u64::MAX; TITLE_WORDS]), Title::default());
        let mut words = Title { name: "Bass".to_owned(), label: Some(Label::Bass) }.words();
        words[2] = u64::from_le_bytes(*b"Ba\x1b[2J\nx");
        words[1] = 8;
        assert_eq!(Title::of(&words), Title { name: String::new(), label: Some(Label::Bass) });
    }

    #[test]
    fn only_the_same_bar_of_the_same_pass_sounds_with_it() {
        let own = bar();
        let later = |seconds| own.heard_at + Duration::from_secs(seconds);
        assert!(own.sounds_with(&BarSheet { heard_at: later(1), ..own.clone() }));
        for other in [
            BarSheet { key: BarKey::from_quarters(16.0), ..own.clone() },
            BarSheet { start_s: Some(6.1), ..own.clone() },
            BarSheet { start_s: None, ..own.clone() },
            BarSheet { length_s: 2.1, ..own.clone() },
            BarSheet { heard_at: later(60), ..own.clone() },
        ] {
            assert!(!own.sounds_with(&other) && !other.sounds_with(&own), "{other:?}");
        }
    }
}
