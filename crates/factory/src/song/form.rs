//! The plan of a song: sections, chords, ensemble, and who plays where.

use signal::Label;

use super::Section;
use crate::rng::{Draw as _, Rng};
use crate::theory::{Chord, Key};

/// Common forms in units of four or eight bars; each comes to 16 to 32 bars at one of the two.
const FORMS: [&[(&str, usize)]; 6] = [
    &[("intro", 4), ("verse", 8), ("chorus", 8), ("outro", 4)],
    &[("intro", 4), ("verse", 8), ("chorus", 8), ("verse", 8), ("outro", 4)],
    &[("verse", 8), ("chorus", 8), ("bridge", 4), ("chorus", 8)],
    &[("intro", 2), ("verse", 8), ("chorus", 8), ("bridge", 4), ("chorus", 8), ("outro", 2)],
    &[("verse", 8), ("chorus", 8)],
    &[("intro", 4), ("verse", 4), ("chorus", 4), ("verse", 4), ("chorus", 4)],
];

pub(super) fn sections(rng: &mut Rng) -> Vec<Section> {
    let mut first_bar = 0;
    rng.pick(&FORMS)
        .iter()
        .map(|&(name, bars)| {
            let section = Section { name, first_bar, bars };
            first_bar += bars;
            section
        })
        .collect()
}

/// Chords of every bar; sections of one name share theirs.
pub(super) fn chords(key: Key, sections: &[Section], rng: &mut Rng) -> Vec<Vec<Chord>> {
    let mut known: Vec<(&str, Vec<Vec<Chord>>)> = Vec::new();
    let mut all = Vec::new();
    for section in sections {
        if known.iter().all(|(name, _)| *name != section.name) {
            let mut bars: Vec<Vec<Chord>> =
                key.progression(4, rng).into_iter().map(|c| vec![c]).collect();
            if rng.chance(0.3) {
                // A second chord in the last bar.
                let extra = key.progression(4, rng)[1];
                bars[3].push(extra);
            }
            known.push((section.name, bars));
        }
        let bars =
            known.iter().find(|(name, _)| *name == section.name).map_or(&[][..], |(_, bars)| bars);
        all.extend((0..section.bars).map(|bar| bars[bar % bars.len()].clone()));
    }
    all
}

/// The instruments besides drums and bass, and how often each is drawn.
const POOL: [(Label, f64); 17] = [
    (Label::ElectricGuitar, 1.2),
    (Label::AcousticGuitar, 1.0),
    (Label::Piano, 1.2),
    (Label::ElectricPiano, 0.8),
    (Label::Organ, 0.7),
    (Label::SynthLead, 0.9),
    (Label::SynthPad, 0.9),
    (Label::Strings, 1.0),
    (Label::Brass, 0.8),
    (Label::Woodwinds, 0.9),
    (Label::Mallets, 0.7),
    (Label::Vocals, 1.4),
    (Label::Percussion, 0.7),
    (Label::Fx, 0.3),
    (Label::Speech, 0.2),
    (Label::Cymbals, 0.15),
    (Label::Toms, 0.15),
];

/// Four to eight instruments, seldom two of a kind.
pub(super) fn ensemble(rng: &mut Rng) -> Vec<Label> {
    let size = rng.int(4, 8);
    let mut labels = Vec::new();
    if rng.chance(0.7) {
        // Some recordings keep the pieces of the kit apart.
        if size >= 6 && rng.chance(0.25) {
            labels.extend([Label::Kick, Label::Snare, Label::HiHat]);
        } else {
            labels.push(Label::Drums);
        }
    }
    if rng.chance(0.75) {
        labels.push(Label::Bass);
    }
    while labels.len() < size {
        let label = POOL[rng.weighted(&POOL.map(|(_, weight)| weight))].0;
        if !labels.contains(&label) || rng.chance(0.04) {
            labels.push(label);
        }
    }
    labels
}

/// Which sections each part plays in: one flag for a section. Every part plays somewhere and every section has players.
pub(super) fn plan(sections: &[Section], labels: &[Label], rng: &mut Rng) -> Vec<Vec<bool>> {
    let mut names: Vec<&str> = sections.iter().map(|s| s.name).collect();
    names.sort_unstable();
    names.dedup();
    let mut plays: Vec<Vec<bool>> = labels
        .iter()
        .map(|label| {
            let flags: Vec<bool> = names
                .iter()
                .map(|name| {
                    let share = match (*name, label) {
                        ("chorus", _) => 0.95,
                        ("intro" | "outro", Label::Vocals | Label::Drums | Label::Bass) => 0.3,
                        ("intro" | "outro", _) => 0.5,
                        ("bridge", _) => 0.55,
                        _ => 0.75,
                    };
                    rng.chance(share)
                })
                .collect();
            sections
                .iter()
                .map(|s| names.iter().position(|n| *n == s.name).is_some_and(|at| flags[at]))
                .collect()
        })
        .collect();
    for part in &mut plays {
        if !part.contains(&true) {
            let at = rng.int(0, part.len() - 1);
            part[at] = true;
        }
    }
    for section in 0..sections.len() {
        while plays.iter().filter(|part| part[section]).count() < 2 {
            let at = rng.int(0, plays.len() - 1);
            plays[at][section] = true;
        }
    }
    plays
}
