//! Speech: syllables of random phones with the rhythm and the melody of talk. Notes only say when someone talks.

use signal::Label;

use super::Voice;
use super::tone::frames;
use super::tract::{Person, Tract, VOWELS};
use crate::dsp::{Biquad, Noise, Rotor, Svf, block_dc, normalise, semitones};
use crate::note::Note;
use crate::rng::{Draw as _, Rng, rng};

#[derive(Debug)]
struct Speaker {
    seed: u64,
    person: Person,
    /// Syllables a second.
    pace: f64,
    /// Range of the melody in semitones.
    melody: f64,
    whisper: f64,
    /// Band of a telephone or radio.
    band: Option<(f64, f64)>,
}

/// A stretch of sound with steady targets.
#[derive(Clone, Copy, Debug)]
struct Phone {
    length_s: f64,
    voiced: f64,
    vowel: [f64; 3],
    hiss: f64,
    hiss_hz: f64,
    /// Melody target in semitones from the speaker's middle.
    tone: f64,
}

/// Samples between updates of pitch and formants.
const TICK: usize = 48;

impl Speaker {
    fn consonant(rng: &mut Rng, vowel: [f64; 3], tone: f64) -> Vec<Phone> {
        let quiet = Phone { length_s: 0.0, voiced: 0.0, vowel, hiss: 0.0, hiss_hz: 2000.0, tone };
        let hiss_hz = rng.log_range(2200.0, 8500.0);
        match rng.weighted(&[0.22, 0.26, 0.14, 0.14, 0.16, 0.08]) {
            // Unvoiced fricative.
            0 => vec![Phone {
                length_s: rng.range(0.06, 0.14),
                hiss: rng.range(0.2, 0.7),
                hiss_hz,
                ..quiet
            }],
            // Stop: closure, then burst.
            1 => vec![
                Phone { length_s: rng.range(0.03, 0.08), ..quiet },
                Phone {
                    length_s: rng.range(0.01, 0.035),
                    hiss: rng.range(0.4, 0.9),
                    hiss_hz: rng.log_range(700.0, 5000.0),
                    ..quiet
                },
            ],
            // Voiced fricative.
            2 => vec![Phone {
                length_s: rng.range(0.05, 0.1),
                voiced: 0.35,
                hiss: rng.range(0.1, 0.3),
                hiss_hz,
                ..quiet
            }],
            // Nasal.
            3 => vec![Phone {
                length_s: rng.range(0.05, 0.1),
                voiced: 0.4,
                vowel: [270.0, 1100.0, 2200.0],
                ..quiet
            }],
            // Liquid or glide.
            4 => vec![Phone {
                length_s: rng.range(0.04, 0.08),
                voiced: 0.6,
                vowel: [
                    rng.range(300.0, 420.0),
                    rng.range(750.0, 2200.0),
                    rng.range(1600.0, 2700.0),
                ],
                ..quiet
            }],
            _ => Vec::new(),
        }
    }

    /// Phones for about that time, in breath groups whose melody falls.
    fn say(&self, length_s: f64, rng: &mut Rng) -> Vec<Phone> {
        let mut phones = Vec::new();
        let mut spent = 0.0;
        while spent < length_s {
            let group = rng.int(4, 13);
            for syllable in 0..group {
                let place = syllable as f64 / group as f64;
                let stressed = rng.chance(0.38);
                let accent = if stressed { rng.range(0.3, 1.0) } else { rng.range(-0.3, 0.2) };
                let tone = self.melody * (accent + 0.5 - 1.1 * place);
                let vowel = VOWELS[rng.int(0, VOWELS.len() - 1)];
                let mut part = Self::consonant(rng, vowel, tone);
                let length_s =
                    (if stressed { 0.75 } else { 0.42 }) * rng.range(0.75, 1.3) / self.pace;
                let voiced = if stressed { 1.0 } else { rng.range(0.5, 0.85) };
                part.push(Phone { length_s, voiced, vowel, hiss: 0.0, hiss_hz: 2000.0, tone });
                if rng.chance(0.3) {
                    part.extend(Self::consonant(rng, vowel, tone));
                }
                spent += part.iter().map(|p| p.length_s).sum::<f64>();
                phones.extend(part);
            }
            let pause = Phone {
                length_s: rng.range(0.15, 0.6),
                voiced: 0.0,
                vowel: VOWELS[7],
                hiss: 0.0,
                hiss_hz: 2000.0,
                tone: 0.0,
            };
            spent += pause.length_s;
            phones.push(pause);
        }
        phones
    }

    fn utter(&self, phones: &[Phone], middle_hz: f64, rate: f64, rng: &mut Rng, out: &mut [f32]) {
        let table = self.person.glottis(middle_hz * semitones(self.melody * 1.6 + 1.0), 0.5, rate);
        let mut tract =
            Tract::new(self.person.formants(VOWELS[7], middle_hz), self.person.air, rate);
        let (mut noise, mut band) = (Noise::new(rng), Svf::new(4000.0, 1.0, rate));
        let mut lilt = Rotor::new(rng.range(1.0, 3.0), 0.0, rate / TICK as f64);
        // The articulators take about 20 ms, the larynx 40 ms, to come near their targets.
        let quick = 1.0 - libm::exp(-(TICK as f64) / (0.018 * rate));
        let slow = 1.0 - libm::exp(-(TICK as f64) / (0.045 * rate));
        let (mut voiced, mut hiss, mut tone, mut phase) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
        let mut at = 0.0;
        for phone in phones {
            let (from, to) = (frames(at, rate), frames(at + phone.length_s, rate).min(out.len()));
            at += phone.length_s;
            for block in out.get_mut(from..to).unwrap_or_default().chunks_mut(TICK) {
                voiced += quick * 1.4f64.min(1.0 / quick) * (phone.voiced - voiced);
                hiss += quick * 1.4f64.min(1.0 / quick) * (phone.hiss - hiss);
                tone += slow * (phone.tone - tone);
                let freq = middle_hz * semitones(tone + 0.25 * lilt.next() + rng.normal(0.08));
                tract.approach(self.person.formants(phone.vowel, 0.0), quick);
                band.tune(phone.hiss_hz.min(0.42 * rate), 1.3, rate);
                let step = freq / rate;
                for x in block {
                    let (white, pulse) = (noise.next(), f64::from(table.at(phase)));
                    let air = f64::from(white) * (self.person.breath + self.whisper);
                    let source = voiced * (pulse * (1.0 - self.whisper) + air);
                    *x += tract.next(source) as f32 + 0.5 * hiss as f32 * band.band(white);
                    phase += step;
                    if phase >= 1.0 {
                        phase -= 1.0;
                    }
                }
            }
        }
    }
}

/// Joins notes that follow each other within half a second into stretches of talk: start, end, mean pitch.
fn stretches(notes: &[Note]) -> Vec<(f64, f64, f64)> {
    let mut order: Vec<&Note> = notes.iter().collect();
    order.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    let mut spans: Vec<(f64, f64, f64)> = Vec::new();
    for note in order {
        match spans.last_mut() {
            Some((_, end, _)) if note.start_s < *end + 0.5 => *end = end.max(note.end_s()),
            _ => spans.push((note.start_s, note.end_s(), note.pitch)),
        }
    }
    spans
}

impl Voice for Speaker {
    fn label(&self) -> Label {
        Label::Speech
    }

    fn range(&self) -> (f64, f64) {
        (48.0, 60.0)
    }

    fn polyphony(&self) -> usize {
        1
    }

    fn play(&self, notes: &[Note], length_s: f64, rate_hz: u32) -> Vec<f32> {
        let rate = f64::from(rate_hz);
        let mut stem = vec![0.0; frames(length_s, rate)];
        for (index, (start, end, pitch)) in stretches(notes).into_iter().enumerate() {
            let mut rng = rng(self.seed.wrapping_add(index as u64), "talk");
            let phones = self.say((end - start).max(0.4), &mut rng);
            let lift = ((pitch - 54.0) / 6.0).clamp(-1.0, 1.0);
            let to = frames(end + 0.1, rate).min(stem.len());
            if let Some(out) = stem.get_mut(frames(start.max(0.0), rate)..to) {
                self.utter(&phones, self.person.speech_hz * semitones(lift), rate, &mut rng, out);
            }
        }
        if let Some((low, high)) = self.band {
            Biquad::high_pass(low, 0.8, rate).run(&mut stem);
            Biquad::low_pass(high, 0.8, rate).run(&mut stem);
        }
        block_dc(&mut stem, rate);
        normalise(&mut stem, 0.5);
        stem
    }
}

/// A speaker: man, woman or child.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    Box::new(Speaker {
        seed: rng.seed(),
        person: Person::draw(rng),
        pace: rng.range(3.2, 5.8),
        melody: rng.range(1.0, 6.0),
        whisper: if rng.chance(0.06) { rng.range(0.6, 0.95) } else { 0.0 },
        band: rng.chance(0.12).then(|| (rng.range(250.0, 450.0), rng.range(2600.0, 3800.0))),
    })
}
