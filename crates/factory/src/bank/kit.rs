//! A whole drum kit put together from the bank's one-shots, played by General MIDI drum notes.

use signal::Label;

use super::{Bank, BankVoice, Group};
use crate::dsp::{db, normalise};
use crate::note::Note;
use crate::rng::{Draw as _, Rng};
use crate::voice::Voice;

/// The pieces a kit is made of; kick and snare or hi-hat are what makes it one.
const PIECES: [Label; 6] =
    [Label::Kick, Label::Snare, Label::HiHat, Label::Cymbals, Label::Toms, Label::Percussion];

/// A drum kit. Notes are General MIDI level 1 percussion keys (36 kick, 38 snare, 42 closed hi-hat, 46 open, 49 crash, ...).
#[derive(Clone, Debug)]
pub struct Kit {
    pieces: Vec<(Piece, BankVoice, f64)>,
    source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Of(Label),
    OpenHat,
}

impl Kit {
    /// A kit whose pieces come from one source (two times in three, where one has a kick, a snare and a hi-hat) or from
    /// several. None where the bank lacks one of those three.
    pub fn cast(bank: &Bank, rng: &mut Rng) -> Option<Self> {
        let of = |label: Label, source: Option<&str>| -> Vec<&Group> {
            let fits = |group: &&Group| {
                group.label == label && source.is_none_or(|name| group.source == name)
            };
            bank.groups().iter().filter(fits).collect()
        };
        let whole: Vec<&str> = of(Label::Kick, None)
            .iter()
            .map(|group| group.source.as_str())
            .filter(|name| {
                !of(Label::Snare, Some(name)).is_empty() && !of(Label::HiHat, Some(name)).is_empty()
            })
            .collect();
        let one = if !whole.is_empty() && rng.chance(0.67) { Some(rng.pick(&whole)) } else { None };
        let mut pieces = Vec::new();
        for label in PIECES {
            let mut groups = of(label, one);
            if groups.is_empty() {
                groups = of(label, None);
            }
            if groups.is_empty() {
                if matches!(label, Label::Kick | Label::Snare | Label::HiHat) {
                    return None;
                }
                continue;
            }
            let weights: Vec<f64> = groups.iter().map(|group| group.weight()).collect();
            let group = groups[rng.weighted(&weights)];
            let closed = |sub: &str| !sub.contains("open");
            let gain = db(rng.range(-9.0, 0.0));
            pieces.push((Piece::Of(label), strokes(group, &closed, rng), gain));
            if label == Label::HiHat {
                pieces.push((Piece::OpenHat, strokes(group, &|sub| !closed(sub), rng), gain));
            }
        }
        Some(Self { pieces, source: one.unwrap_or("mixed").to_owned() })
    }

    /// The source of all pieces, or `mixed`.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A voice of a random patch whose name is wanted, or of any patch where none is.
fn strokes(group: &Group, wanted: &dyn Fn(&str) -> bool, rng: &mut Rng) -> BankVoice {
    let mut patches: Vec<_> = group.patches.iter().filter(|patch| wanted(&patch.sub)).collect();
    if patches.is_empty() {
        patches = group.patches.iter().collect();
    }
    BankVoice::cast(group, patches[rng.int(0, patches.len() - 1)], rng)
}

fn piece_of(key: f64) -> Piece {
    match key.round() as i64 {
        35 | 36 => Piece::Of(Label::Kick),
        37..=40 => Piece::Of(Label::Snare),
        42 | 44 => Piece::Of(Label::HiHat),
        46 => Piece::OpenHat,
        41 | 43 | 45 | 47 | 48 | 50 => Piece::Of(Label::Toms),
        49 | 51 | 52 | 53 | 55 | 57 | 59 => Piece::Of(Label::Cymbals),
        _ => Piece::Of(Label::Percussion),
    }
}

impl Voice for Kit {
    fn label(&self) -> Label {
        Label::Drums
    }

    fn range(&self) -> (f64, f64) {
        (35.0, 81.0)
    }

    fn polyphony(&self) -> usize {
        8
    }

    fn play(&self, notes: &[Note], length_s: f64, rate_hz: u32) -> Vec<f32> {
        let mut out = vec![0.0_f32; (length_s * f64::from(rate_hz)).round() as usize];
        for (piece, voice, gain) in &self.pieces {
            let own: Vec<Note> =
                notes.iter().copied().filter(|note| piece_of(note.pitch) == *piece).collect();
            if own.is_empty() {
                continue;
            }
            for (y, x) in out.iter_mut().zip(voice.play(&own, length_s, rate_hz)) {
                *y += x * *gain as f32;
            }
        }
        normalise(&mut out, 0.5);
        out
    }
}
