//! Writes each instrument's part: grooves, bass lines, chords, arpeggios, melodies, talk and effects.

use signal::Label;

use super::{Part, Song};
use crate::note::Note;
use crate::rng::{Draw as _, Rng, rng};
use crate::theory::Chord;

/// How an instrument takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Groove,
    Bass,
    /// Held chords.
    Carpet,
    /// Chords in rhythm.
    Comp,
    Arpeggio,
    Melody,
    Talk,
    Event,
}

/// A part's habits in one kind of section.
struct Figure {
    role: Role,
    /// Onset and length in quarters within the bar.
    rhythm: Vec<(f64, f64)>,
    /// Steps of the melody from note to note.
    steps: Vec<i32>,
    low: f64,
    voices: usize,
}

pub(super) fn parts(song: &Song, labels: &[Label], plan: &[Vec<bool>]) -> Vec<Part> {
    labels
        .iter()
        .zip(plan)
        .enumerate()
        .map(|(index, (&label, plays))| {
            let mut rng = rng(song.seed.wrapping_add(index as u64 * 7919), "part");
            let gain_db = level_db(label) + rng.normal(2.5);
            let wide = !matches!(
                label,
                Label::Kick | Label::Snare | Label::Bass | Label::Drums | Label::Vocals
            );
            let pan = if wide { rng.range(-0.7, 0.7) } else { rng.range(-0.08, 0.08) };
            let space = if rng.chance(0.35) {
                0.0
            } else {
                rng.range(0.02, if label == Label::Bass { 0.1 } else { 0.5 })
            };
            let patch = rng.seed();
            Part { label, notes: notes(song, label, plays, &mut rng), gain_db, pan, space, patch }
        })
        .collect()
}

/// Usual level of an instrument's passages in a mix, relative to the loudest.
fn level_db(label: Label) -> f64 {
    match label {
        Label::Drums | Label::Vocals | Label::Speech => 0.0,
        Label::Bass | Label::Kick => -1.5,
        Label::Snare | Label::SynthLead | Label::Brass => -3.5,
        Label::SynthPad | Label::Strings => -7.0,
        Label::HiHat | Label::Cymbals => -11.0,
        Label::Percussion | Label::Fx => -8.0,
        _ => -5.0,
    }
}

fn role(label: Label, rng: &mut Rng) -> Role {
    match label {
        Label::Bass => Role::Bass,
        Label::SynthPad => Role::Carpet,
        Label::Organ => rng.pick(&[Role::Carpet, Role::Comp, Role::Carpet, Role::Melody]),
        Label::Strings => rng.pick(&[Role::Carpet, Role::Carpet, Role::Melody, Role::Comp]),
        Label::Piano | Label::ElectricPiano => {
            rng.pick(&[Role::Comp, Role::Comp, Role::Arpeggio, Role::Carpet])
        }
        Label::ElectricGuitar | Label::AcousticGuitar => {
            rng.pick(&[Role::Comp, Role::Comp, Role::Arpeggio, Role::Melody])
        }
        Label::Mallets => rng.pick(&[Role::Arpeggio, Role::Melody]),
        Label::Brass => rng.pick(&[Role::Melody, Role::Comp]),
        Label::Vocals => rng.pick(&[Role::Melody, Role::Melody, Role::Melody, Role::Carpet]),
        Label::SynthLead => rng.pick(&[Role::Melody, Role::Melody, Role::Arpeggio]),
        Label::Woodwinds => Role::Melody,
        Label::Speech => Role::Talk,
        Label::Fx => Role::Event,
        _ => Role::Groove,
    }
}

/// Lowest pitch of an instrument's usual register.
fn register(label: Label, rng: &mut Rng) -> f64 {
    match label {
        Label::Bass => rng.range(28.0, 34.0),
        Label::Mallets | Label::Woodwinds | Label::SynthLead => rng.range(60.0, 70.0),
        Label::Vocals => rng.range(50.0, 62.0),
        Label::Brass => rng.range(52.0, 62.0),
        Label::ElectricGuitar | Label::AcousticGuitar => rng.range(45.0, 57.0),
        _ => rng.range(50.0, 64.0),
    }
}

fn notes(song: &Song, label: Label, plays: &[bool], rng: &mut Rng) -> Vec<Note> {
    let (role, low) = (role(label, rng), register(label, rng));
    let mut names: Vec<(&str, u64)> = Vec::new();
    let mut notes = Vec::new();
    for (section, _) in song.sections.iter().zip(plays).filter(|(_, plays)| **plays) {
        let seed = match names.iter().find(|(name, _)| *name == section.name) {
            Some((_, seed)) => *seed,
            None => {
                names.push((section.name, rng.seed()));
                names[names.len() - 1].1
            }
        };
        let mut habits = crate::rng::rng(seed, "figure");
        let figure = Figure::draw(song, role, low, &mut habits);
        let mut state = low + 7.0;
        for bar in section.first_bar..section.first_bar + section.bars {
            let last = bar + 1 == section.first_bar + section.bars;
            if role == Role::Groove {
                groove(song, label, seed, bar, last, &mut notes);
            } else {
                figure.bar(song, bar, last, &mut state, &mut habits, &mut notes);
            }
        }
    }
    humanise(&mut notes, rng);
    notes
}

/// A few milliseconds of looseness.
fn humanise(notes: &mut [Note], rng: &mut Rng) {
    let loose = rng.range(0.0, 0.006);
    for note in notes.iter_mut() {
        note.start_s = (note.start_s + rng.normal(loose)).max(0.0);
        note.velocity = (note.velocity + rng.normal(0.05)).clamp(0.1, 1.0);
    }
    notes.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
}

impl Figure {
    fn draw(song: &Song, role: Role, low: f64, rng: &mut Rng) -> Self {
        let (quarters, beat) = (song.meter.quarters(), song.meter.beat_quarters());
        let grid = if role == Role::Arpeggio {
            rng.pick(&[0.5, 0.5, 0.25])
        } else {
            rng.pick(&[0.5, 0.5, beat])
        };
        let grid = if song.tempo_bpm > 130.0 && grid < 0.5 { 0.5 } else { grid };
        let busy = match role {
            Role::Arpeggio => 1.0,
            Role::Bass => rng.range(0.35, 1.0),
            Role::Carpet | Role::Talk | Role::Event => 0.0,
            _ => rng.range(0.25, 0.75),
        };
        let mut onsets = vec![0.0];
        let mut at = grid;
        while at < quarters - 1e-6 {
            let strong = at % beat < 1e-6;
            if rng.chance(busy * if strong { 1.15 } else { 0.85 }) {
                onsets.push(at);
            }
            at += grid;
        }
        let short = rng.chance(0.3) && role != Role::Arpeggio;
        let ends: Vec<f64> = onsets.iter().skip(1).copied().chain([quarters]).collect();
        let rhythm = onsets
            .iter()
            .zip(ends)
            .map(|(&onset, end)| (onset, if short { grid * 0.5 } else { (end - onset) * 0.94 }))
            .collect();
        let steps = (0..24).map(|_| rng.pick(&[-3, -2, -1, -1, 0, 1, 1, 2, 3])).collect();
        Self { role, rhythm, steps, low, voices: rng.int(3, 4) }
    }

    fn bar(
        &self,
        song: &Song,
        bar: usize,
        last: bool,
        state: &mut f64,
        rng: &mut Rng,
        notes: &mut Vec<Note>,
    ) {
        let (bar_s, beat_s) = (song.bar_s(), 60.0 / song.tempo_bpm);
        let start = bar as f64 * bar_s;
        let chords = &song.chords[bar];
        let slot = song.meter.quarters() / chords.len() as f64;
        match self.role {
            Role::Talk => notes.push(Note {
                start_s: start,
                duration_s: bar_s * 0.98,
                pitch: 54.0,
                velocity: 0.8,
            }),
            Role::Event => {
                if last || rng.chance(0.12) {
                    let length = bar_s * rng.pick(&[0.5, 1.0]);
                    notes.push(Note {
                        start_s: start,
                        duration_s: length,
                        pitch: 60.0,
                        velocity: 0.8,
                    });
                }
            }
            Role::Carpet => {
                for (index, chord) in chords.iter().enumerate() {
                    let start_s = start + index as f64 * slot * beat_s;
                    for pitch in chord.stack(self.low, self.voices) {
                        notes.push(Note {
                            start_s,
                            duration_s: slot * beat_s * 0.98,
                            pitch,
                            velocity: 0.65,
                        });
                    }
                }
            }
            _ => {
                for (index, &(onset, length)) in self.rhythm.iter().enumerate() {
                    let chord = chords[((onset / slot) as usize).min(chords.len() - 1)];
                    let velocity = if onset.fract() < 1e-6 { 0.8 } else { 0.65 };
                    let note = |pitch| Note {
                        start_s: start + onset * beat_s,
                        duration_s: length * beat_s,
                        pitch,
                        velocity,
                    };
                    self.stroke(song, bar, index, chord, state, note, rng, notes);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the context of one stroke in the bar's loop")]
    fn stroke(
        &self,
        song: &Song,
        bar: usize,
        index: usize,
        chord: Chord,
        state: &mut f64,
        note: impl Fn(f64) -> Note,
        rng: &mut Rng,
        notes: &mut Vec<Note>,
    ) {
        match self.role {
            Role::Bass => {
                let root = self.low + (chord.root as f64 - self.low).rem_euclid(12.0);
                let up = if index == 0 {
                    0.0
                } else {
                    [0.0, 0.0, 7.0, 12.0][(self.steps[index % 24] + 3) as usize % 4]
                };
                notes.push(note(root + up));
            }
            Role::Comp => notes.extend(chord.stack(self.low, self.voices).into_iter().map(note)),
            Role::Arpeggio => {
                let tones = chord.stack(self.low, 6);
                let turn = index + bar % 2;
                // Up and down again.
                notes.push(note(tones[if turn % 10 < 6 { turn % 10 } else { 10 - turn % 10 }]));
            }
            _ => {
                let step = self.steps[(index + 7 * (bar % 2)) % 24];
                let mut degree = song.key.degree_near(*state) + step;
                // The line turns back at the ends of its register.
                if song.key.pitch(degree) < self.low {
                    degree += 4;
                } else if song.key.pitch(degree) > self.low + 15.0 {
                    degree -= 4;
                }
                let pitch = song.key.pitch(degree);
                *state = if index == 0 { chord.nearest(pitch) } else { pitch };
                // Singers and players breathe.
                if !rng.chance(0.1) {
                    notes.push(note(*state));
                }
            }
        }
    }
}

/// One bar of a groove: all keys of a kit, of which a piece keeps its own.
fn groove(song: &Song, label: Label, seed: u64, bar: usize, last: bool, notes: &mut Vec<Note>) {
    // Pieces that are kept apart still play one groove: its habits come from the song and the section.
    let section = song.section(bar);
    let mut rng = rng(song.seed, section);
    let beat_s = 60.0 / song.tempo_bpm;
    let start = bar as f64 * song.bar_s();
    let eighths = (song.meter.quarters() * 2.0).round() as usize;
    let per_beat = (song.meter.beat_quarters() * 2.0).round() as usize;
    let mut hit = |eighth: f64, key: f64, velocity: f64| {
        if keeps(label, key as i64) {
            notes.push(Note {
                start_s: start + eighth * 0.5 * beat_s,
                duration_s: 0.25 * beat_s,
                pitch: key,
                velocity,
            });
        }
    };
    let (ride, four, busy) = (rng.chance(0.2), rng.chance(0.3), rng.range(0.1, 0.5));
    let sixteenths = song.tempo_bpm < 105.0 && rng.chance(0.4);
    for eighth in 0..eighths {
        let (at, beat, backbeat) = (eighth as f64, eighth / 2, backbeat(song, eighth));
        let kick = eighth == 0 || (four && eighth % per_beat == 0) || rng.chance(busy * 0.5);
        if kick && (four || !backbeat) {
            hit(at, 36.0, 0.9);
        }
        if backbeat {
            hit(at, 38.0, 0.85);
        } else if rng.chance(0.06) {
            hit(at, 38.0, 0.3);
        }
        let hat = if rng.chance(0.05) { 46.0 } else { 42.0 };
        hit(at, if ride { 51.0 } else { hat }, if eighth % per_beat == 0 { 0.7 } else { 0.5 });
        if sixteenths {
            hit(at + 0.5, 42.0, 0.4);
        }
        if last && eighth + 3 > eighths {
            hit(at, 50.0 - 2.0 * beat as f64, 0.75);
            hit(at + 0.5, 45.0, 0.7);
        }
        if label == Label::Toms && rng.chance(0.3) {
            hit(at, rng.pick(&[41.0, 45.0, 48.0]), 0.7);
        }
    }
    if song.sections.iter().any(|s| s.first_bar == bar) {
        hit(0.0, 49.0, 0.8);
    }
    if label == Label::Cymbals && bar.is_multiple_of(2) {
        hit(0.0, 51.0, 0.7);
    }
    if label == Label::Percussion {
        hands(song, seed, start, eighths, notes);
    }
}

/// Whether the snare falls on an eighth of the bar.
fn backbeat(song: &Song, eighth: usize) -> bool {
    match (song.meter.beats, song.meter.unit) {
        (_, 8) => eighth == 3,
        (3, _) => eighth == 2 || eighth == 4,
        _ => eighth % 4 == 2,
    }
}

/// Whether a stem of that label has a kit's key.
fn keeps(label: Label, key: i64) -> bool {
    match label {
        Label::Drums => true,
        Label::Kick => key <= 36,
        Label::Snare => key == 38,
        Label::HiHat => matches!(key, 42 | 44 | 46),
        Label::Cymbals => matches!(key, 49 | 51),
        Label::Toms => (40..=50).contains(&key) && !matches!(key, 42 | 44 | 46 | 49),
        _ => false,
    }
}

/// A bar of hand percussion, the same in all bars of a section.
fn hands(song: &Song, seed: u64, start: f64, eighths: usize, notes: &mut Vec<Note>) {
    let mut rng = rng(seed, "hands");
    let (busy, step_s) = (rng.range(0.3, 0.9), 15.0 / song.tempo_bpm);
    for sixteenth in 0..eighths * 2 {
        let strong = sixteenth % 2 == 0;
        if rng.chance(if strong { busy } else { busy * 0.5 }) {
            let pitch = rng.pick(&[60.0, 61.0, 62.0, 64.0]);
            let velocity = if strong { 0.75 } else { 0.5 };
            notes.push(Note {
                start_s: start + sixteenth as f64 * step_s,
                duration_s: step_s,
                pitch,
                velocity,
            });
        }
    }
}
