//! Patterns for kit pieces, whole kits and percussion on a grid of sixteenths.

use signal::Label;

use super::Setting;
use crate::note::Note;
use crate::rng::{Draw as _, Rng};

/// A bar's strokes as (sixteenth, velocity).
type Bar = Vec<(usize, f64)>;

pub(super) fn compose(
    label: Label,
    setting: &Setting,
    range: (f64, f64),
    steps: usize,
    rng: &mut Rng,
) -> Vec<Note> {
    let bar = setting.steps_per_bar();
    let mut notes = Vec::new();
    match label {
        Label::Drums => kit(setting, steps, rng, &mut notes),
        Label::Toms if rng.chance(0.6) => {
            fills(setting, steps, &[50.0, 48.0, 45.0, 43.0, 41.0], rng, &mut notes)
        }
        Label::Percussion | Label::Toms => {
            let (lo, hi) = range;
            let pitches: Vec<f64> = (0..rng.int(1, 4)).map(|_| rng.range(lo, hi).round()).collect();
            for &pitch in &pitches {
                let pattern = hand(bar, rng);
                lay(setting, &pattern, pitch, steps, rng, &mut notes);
            }
        }
        Label::HiHat => {
            lay(setting, &hat(bar, rng), 42.0, steps, rng, &mut notes);
            if rng.chance(0.5) {
                open_some(&mut notes, rng);
            }
        }
        Label::Cymbals => {
            let (pattern, key) = cymbal(bar, rng);
            lay(setting, &pattern, key, steps, rng, &mut notes);
        }
        Label::Snare => {
            let key = if rng.chance(0.15) { 37.0 } else { 38.0 };
            lay(setting, &snare(bar, rng), key, steps, rng, &mut notes);
        }
        _ => lay(setting, &kick(bar, rng), 36.0, steps, rng, &mut notes),
    }
    if notes.is_empty() {
        notes.push(Note {
            start_s: 0.0,
            duration_s: 0.2,
            pitch: range.0.midpoint(range.1),
            velocity: 0.9,
        });
    }
    notes
}

/// Repeats a bar, now and then dropping or adding a stroke.
fn lay(
    setting: &Setting,
    pattern: &Bar,
    pitch: f64,
    steps: usize,
    rng: &mut Rng,
    notes: &mut Vec<Note>,
) {
    let bar = setting.steps_per_bar();
    for start in (0..steps).step_by(bar.max(1)) {
        for &(step, velocity) in pattern {
            if start + step >= steps || rng.chance(0.04) {
                continue;
            }
            let duration_s = setting.step_s() * 0.9;
            notes.push(Note { start_s: setting.at_s(start + step), duration_s, pitch, velocity });
        }
        if rng.chance(0.1) {
            let start_s = setting.at_s(start + rng.int(0, bar - 1));
            notes.push(Note { start_s, duration_s: setting.step_s(), pitch, velocity: 0.5 });
        }
    }
}

fn kick(bar: usize, rng: &mut Rng) -> Bar {
    match rng.weighted(&[3.0, 3.0, 3.0, 1.0]) {
        0 => (0..bar).step_by(4).map(|step| (step, 0.95)).collect(),
        1 => (0..bar).step_by(8).map(|step| (step, 0.95)).collect(),
        2 => {
            let mut pattern = vec![(0, 1.0)];
            pattern.extend((1..bar).filter(|_| rng.chance(0.22)).map(|step| (step, 0.8)));
            pattern
        }
        _ => vec![(0, 1.0)],
    }
}

fn snare(bar: usize, rng: &mut Rng) -> Bar {
    let mut pattern: Bar = match rng.weighted(&[5.0, 2.0, 1.5, 1.0]) {
        0 => (4..bar).step_by(8).map(|step| (step, 0.95)).collect(),
        1 => vec![(bar / 2, 0.95)],
        // A march or a roll.
        2 => (0..bar).map(|step| (step, if step % 4 == 0 { 0.9 } else { 0.5 })).collect(),
        _ => (0..bar).filter(|_| rng.chance(0.3)).map(|step| (step, 0.85)).collect(),
    };
    if rng.chance(0.4) {
        let ghosts: Vec<usize> = (0..bar).filter(|step| step % 4 != 0 && rng.chance(0.2)).collect();
        pattern.extend(ghosts.into_iter().map(|step| (step, 0.3)));
    }
    pattern
}

fn hat(bar: usize, rng: &mut Rng) -> Bar {
    let every = rng.pick(&[1, 2, 2, 2, 4]);
    let offset = if every == 4 && rng.chance(0.5) { 2 } else { 0 };
    let soft = rng.range(0.3, 0.8);
    (offset..bar)
        .step_by(every)
        .map(|step| (step, if step % 4 == offset { 0.9 } else { soft }))
        .collect()
}

/// A ride pattern or single crashes.
fn cymbal(bar: usize, rng: &mut Rng) -> (Bar, f64) {
    match rng.int(0, 3) {
        0 => (
            (0..bar)
                .step_by(2)
                .map(|step| (step, if step % 4 == 0 { 0.8 } else { 0.55 }))
                .collect(),
            51.0,
        ),
        1 => (
            (0..bar)
                .filter(|step| matches!(step % 8, 0 | 4 | 7))
                .map(|step| (step, 0.75))
                .collect(),
            51.0,
        ),
        2 => ((0..bar).step_by(4).map(|step| (step, 0.85)).collect(), 57.0),
        _ => (vec![(if rng.chance(0.6) { 0 } else { rng.int(0, bar - 1) }, 1.0)], 49.0),
    }
}

/// A shaker, a clave or a random pattern.
fn hand(bar: usize, rng: &mut Rng) -> Bar {
    match rng.int(0, 3) {
        0 => hat(bar, rng),
        1 => [0, 3, 6, 10, 12]
            .into_iter()
            .filter(|&step| step < bar)
            .map(|step| (step, 0.85))
            .collect(),
        2 => vec![(rng.int(0, bar - 1), 0.9)],
        _ => {
            let density = rng.range(0.1, 0.6);
            (0..bar).filter(|_| rng.chance(density)).map(|step| (step, 0.75)).collect()
        }
    }
}

fn open_some(notes: &mut [Note], rng: &mut Rng) {
    let share = rng.range(0.05, 0.5);
    notes.iter_mut().filter(|_| rng.chance(share)).for_each(|note| note.pitch = 46.0);
}

/// Runs down or across the drums.
fn fills(setting: &Setting, steps: usize, keys: &[f64], rng: &mut Rng, notes: &mut Vec<Note>) {
    let mut step = rng.int(0, 6);
    while step < steps {
        let (count, every) = (rng.int(2, 12), rng.pick(&[1, 1, 2]));
        for stroke in 0..count {
            let index = if rng.chance(0.75) {
                stroke * keys.len() / count
            } else {
                rng.int(0, keys.len() - 1)
            };
            let (start_s, duration_s) = (setting.at_s(step + stroke * every), setting.step_s());
            notes.push(Note {
                start_s,
                duration_s,
                pitch: keys[index],
                velocity: rng.range(0.55, 1.0),
            });
        }
        step += count * every + rng.int(0, 12);
    }
}

/// Kick, snare and hi-hat or ride together, perhaps with a crash, toms and a hand instrument.
fn kit(setting: &Setting, steps: usize, rng: &mut Rng, notes: &mut Vec<Note>) {
    let bar = setting.steps_per_bar();
    lay(setting, &kick(bar, rng), 36.0, steps, rng, notes);
    lay(setting, &snare(bar, rng), 38.0, steps, rng, notes);
    if rng.chance(0.8) {
        let mut hats = Vec::new();
        lay(setting, &hat(bar, rng), 42.0, steps, rng, &mut hats);
        if rng.chance(0.4) {
            open_some(&mut hats, rng);
        }
        notes.extend(hats);
    }
    if rng.chance(0.45) {
        let (pattern, key) = cymbal(bar, rng);
        lay(setting, &pattern, key, steps, rng, notes);
    }
    if rng.chance(0.3) {
        let mut run = Vec::new();
        fills(setting, steps, &[50.0, 47.0, 45.0, 41.0], rng, &mut run);
        let from_s = rng.range(0.0, 0.8) * setting.at_s(steps);
        notes.extend(run.into_iter().filter(|note| note.start_s > from_s));
    }
    if rng.chance(0.2) {
        lay(setting, &hand(bar, rng), 70.0, steps, rng, notes);
    }
}
