//! Phrases of recorded notes for `barline eval`: nothing but the recording, played as music, at a random level.

use signal::Label;

use super::{Bank, Group};
use crate::dsp::db;
use crate::phrase::{Setting, compose};
use crate::playing::Playing;
use crate::rng::{Draw as _, rng};

/// Length of a phrase.
const LENGTH_S: f64 = 4.0;

/// One phrase with its truth.
#[derive(Clone, Debug)]
pub struct HeldoutPhrase {
    /// What plays.
    pub label: Label,
    /// The bank's family.
    pub family: String,
    /// The bank's source.
    pub source: String,
    /// How it is played; none where its notes have no pitches.
    pub playing: Option<Playing>,
    /// Mono, 4 s, peak -30 to -1 dBFS.
    pub samples: Vec<f32>,
}

/// `per_group` phrases at `rate_hz` for each (family, source) of the bank, in the order of [`Bank::groups`]. Open the bank
/// with [`super::Split::Heldout`]. The same bank and seed give the same phrases, and a larger `per_group` begins with those
/// of a smaller one within each group.
pub fn heldout_phrases(
    bank: &Bank,
    seed: u64,
    per_group: usize,
    rate_hz: u32,
) -> Vec<HeldoutPhrase> {
    let numbered = |group| (0..per_group).map(move |number| (group, number));
    bank.groups()
        .iter()
        .flat_map(numbered)
        .map(|(group, number)| phrase(group, seed, number, rate_hz))
        .collect()
}

fn phrase(group: &Group, seed: u64, number: usize, rate_hz: u32) -> HeldoutPhrase {
    let mut rng = rng(seed, &format!("heldout-{}-{}-{number}", group.family, group.source));
    let cast = Bank::cast_from(group, &mut rng);
    let voice = &cast.voice;
    let setting = Setting::random(&mut rng);
    let notes =
        compose(group.label, &setting, voice.range(), voice.polyphony(), LENGTH_S, &mut rng);
    let mut samples = voice.play(&notes, LENGTH_S, rate_hz);
    let gain = db(rng.range(-30.0, -1.0) + 6.0206) as f32; // voices peak at -6 dBFS
    samples.iter_mut().for_each(|x| *x *= gain);
    HeldoutPhrase {
        label: group.label,
        family: group.family.clone(),
        source: group.source.clone(),
        playing: Playing::of(group.label, &notes, cast.obeys_lengths),
        samples,
    }
}
