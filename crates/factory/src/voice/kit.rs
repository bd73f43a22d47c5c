//! A whole drum kit: General MIDI keys go to the pieces of `drum`, `cymbal` and `percussion`.

use signal::Label;

use super::Voice;
use super::cymbal::Cymbal;
use super::drum::{Drum, Make};
use super::percussion::Shaken;
use super::tone::{Stroke, Tone, frames, mix};
use crate::dsp::{Hall, block_dc, normalise};
use crate::note::Note;
use crate::rng::{Draw as _, Rng, rng};

/// Kick, snare, toms, hats, cymbals and one hand instrument, with their levels in the kit.
#[derive(Debug)]
struct Kit {
    seed: u64,
    kick: Drum,
    snare: Drum,
    toms: Drum,
    hat: Cymbal,
    cymbals: Cymbal,
    hand: Shaken,
    levels: [f64; 6],
    room: f64,
    room_t60_s: f64,
    room_size: f64,
}

/// A kit of one make with random pieces.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    let make = Make::draw(rng);
    Box::new(Kit {
        seed: rng.seed(),
        kick: Drum::kick(make, rng),
        snare: Drum::snare(make, rng),
        toms: Drum::tom(make, rng),
        hat: Cymbal::new(Label::HiHat, make, rng),
        cymbals: Cymbal::new(Label::Cymbals, make, rng),
        hand: Shaken::draw(rng),
        levels: [(0.8, 1.2), (0.5, 1.0), (0.5, 0.9), (0.12, 0.45), (0.2, 0.5), (0.2, 0.5)]
            .map(|(lo, hi)| rng.range(lo, hi)),
        room: if rng.chance(0.6) { rng.range(0.03, 0.35) } else { 0.0 },
        room_t60_s: rng.log_range(0.2, 1.2),
        room_size: rng.log_range(0.2, 0.8),
    })
}

impl Kit {
    /// Which piece a key belongs to: kick, snare, toms, hat, cymbals, hand.
    fn slot(key: i64) -> usize {
        match key {
            ..=36 => 0,
            38 | 40 => 1,
            41 | 43 | 45 | 47 | 48 | 50 => 2,
            42 | 44 | 46 => 3,
            49 | 51..=53 | 55 | 57 | 59 => 4,
            _ => 5,
        }
    }

    fn tone(&self, slot: usize) -> &dyn Tone {
        match slot {
            0 => &self.kick,
            1 => &self.snare,
            2 => &self.toms,
            3 => &self.hat,
            4 => &self.cymbals,
            _ => &self.hand,
        }
    }
}

impl Voice for Kit {
    fn label(&self) -> Label {
        Label::Drums
    }

    fn range(&self) -> (f64, f64) {
        (35.0, 59.0)
    }

    fn polyphony(&self) -> usize {
        4
    }

    fn play(&self, notes: &[Note], length_s: f64, rate_hz: u32) -> Vec<f32> {
        let rate = f64::from(rate_hz);
        let mut kit = vec![0.0; frames(length_s, rate)];
        for slot in 0..self.levels.len() {
            let mut stem = vec![0.0f32; kit.len()];
            let struck = notes
                .iter()
                .enumerate()
                .filter(|(_, n)| Self::slot(n.pitch.round() as i64) == slot);
            let mut any = false;
            for (index, note) in struck {
                let start = frames(note.start_s.max(0.0), rate);
                if let Some(out) = stem.get_mut(start..).filter(|out| !out.is_empty()) {
                    let rng = rng(self.seed.wrapping_add(index as u64), "stroke");
                    self.tone(slot).sound(&mut Stroke { note, before: None, rate, rng }, out);
                    any = true;
                }
            }
            if any {
                self.tone(slot).body(rate, &mut stem);
                mix(&mut kit, &stem, self.levels[slot]);
            }
        }
        if self.room > 0.0 {
            let mut hall = Hall::new(self.room_size, self.room_t60_s, 6000.0, rate);
            for x in &mut kit {
                let (left, right) = hall.next(*x);
                *x += self.room as f32 * (left + right);
            }
        }
        block_dc(&mut kit, rate);
        normalise(&mut kit, 0.5);
        kit
    }
}
