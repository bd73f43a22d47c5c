//! Singers and choirs: notes become syllables with a consonant, a vowel or two, portamento and vibrato.

use signal::Label;

use super::Voice;
use super::tone::{Player, Stroke, Tone, mix, scratch};
use super::tract::{Person, Tract, VOWELS};
use crate::dsp::{Chorus, Drift, Envelope, Hall, Noise, Rotor, Shape, Svf, Table, semitones};
use crate::rng::{Draw as _, Rng};

#[derive(Debug)]
struct Singers {
    person: Person,
    /// How many sing each note.
    count: usize,
    /// Vowels the words are made of; one for a choir's "ah".
    vowels: Vec<usize>,
    /// Share of notes with a consonant.
    words: f64,
    shape: Shape,
    effort: f64,
    vibrato_hz: f64,
    vibrato_cents: f64,
    vibrato_after_s: f64,
    glide_s: f64,
    scoop_cents: f64,
    jitter_cents: f64,
    doubled: bool,
    hall: Option<(f64, f64, f64)>,
}

/// Samples between updates of pitch and formants.
const TICK: usize = 32;

/// One singer's larynx during a note.
struct Larynx {
    phase: f64,
    detune: f64,
    swing: Rotor,
    drift: Drift,
    late: usize,
    envelope: Envelope,
}

impl Singers {
    fn larynx(&self, stroke: &mut Stroke<'_>) -> Larynx {
        let ticks = stroke.rate / TICK as f64;
        let many = self.count > 1;
        Larynx {
            phase: stroke.rng.range(0.0, 1.0),
            detune: stroke.rng.normal(if many { 9.0 } else { 2.0 }),
            swing: Rotor::new(
                self.vibrato_hz * (1.0 + stroke.rng.normal(0.06)),
                stroke.rng.range(0.0, 1.0),
                ticks,
            ),
            drift: Drift::new(9.0, ticks, &mut stroke.rng),
            late: if many {
                (stroke.rng.range(0.0, 0.05) * stroke.rate) as usize / TICK
            } else {
                0
            },
            envelope: self.shape.start(stroke.note.duration_s, stroke.rate),
        }
    }

    /// The larynxes' sum and the breath, before the tract.
    fn source(&self, stroke: &mut Stroke<'_>, table: &Table, sound: &mut [f32]) {
        let (rate, freq) = (stroke.rate, stroke.freq());
        let ticks = rate / TICK as f64;
        let slide = stroke.before.map(|b| 100.0 * (b - stroke.note.pitch));
        let (from, over_s) = slide.map_or((self.scoop_cents, 0.09), |cents| (cents, self.glide_s));
        let mut noise = Noise::new(&mut stroke.rng);
        let gain = 1.0 / (self.count as f32).sqrt();
        for _ in 0..self.count {
            let mut larynx = self.larynx(stroke);
            for (tick, block) in sound.chunks_mut(TICK).skip(larynx.late).enumerate() {
                let time_s = tick as f64 / ticks;
                let ripe = ((time_s - self.vibrato_after_s) * 2.5).clamp(0.0, 1.0);
                let wave = ripe * larynx.swing.next();
                let wander = larynx.drift.next();
                let cents = larynx.detune
                    + from * libm::exp(-3.0 * time_s / over_s.max(0.005))
                    + self.vibrato_cents * wave
                    + self.jitter_cents * wander;
                let step = (freq * semitones(0.01 * cents) / rate).min(0.45);
                let level = 1.0 + 0.1 * wave + 0.08 * wander;
                for x in block {
                    let force = (larynx.envelope.next() * level) as f32 * gain;
                    let pulse = table.at(larynx.phase);
                    // Breath passes while the glottis is open: it follows the wave.
                    let air = self.person.breath as f32
                        * noise.next()
                        * (0.6 + 0.4 * pulse.clamp(-1.0, 1.0));
                    *x += force * (pulse + air);
                    larynx.phase += step;
                    if larynx.phase >= 1.0 {
                        larynx.phase -= 1.0;
                    }
                }
            }
        }
    }

    /// Sends the source through the moving tract. A nasal start holds the mouth closed for a moment.
    fn mouth(&self, stroke: &mut Stroke<'_>, nasal_s: f64, sound: &mut [f32]) {
        let (rate, freq) = (stroke.rate, stroke.freq());
        let pick = |rng: &mut Rng| VOWELS[rng.pick(&self.vowels)];
        let first = pick(&mut stroke.rng);
        let second = if stroke.rng.chance(0.3) { pick(&mut stroke.rng) } else { first };
        let turn_s = stroke.note.duration_s * stroke.rng.range(0.4, 0.8);
        let closed = [260.0, 1100.0, 2200.0, 3300.0, 4200.0].map(|f| f * self.person.scale);
        let open = self.person.formants(first, freq);
        let mut tract =
            Tract::new(if nasal_s > 0.0 { closed } else { open }, self.person.air, rate);
        let share = 1.0 - libm::exp(-(TICK as f64) / (0.03 * rate));
        for (tick, block) in sound.chunks_mut(TICK).enumerate() {
            let time_s = (tick * TICK) as f64 / rate;
            let (aim, level) = if time_s < nasal_s {
                (closed, 0.45)
            } else if time_s < turn_s {
                (open, 1.0)
            } else {
                (self.person.formants(second, freq), 1.0)
            };
            tract.approach(aim, share);
            for x in block {
                *x = (level * tract.next(f64::from(*x))) as f32;
            }
        }
    }

    /// The hiss or burst before the vowel.
    fn consonant(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let rate = stroke.rate;
        let burst = stroke.rng.chance(0.4);
        let (length_s, centre) = if burst {
            (0.025, stroke.rng.log_range(900.0, 4500.0))
        } else {
            (stroke.rng.range(0.05, 0.13), stroke.rng.log_range(2800.0, 8000.0))
        };
        let mut noise = Noise::new(&mut stroke.rng);
        let mut band = Svf::new(centre.min(0.42 * rate), 1.2, rate);
        let length = (length_s * rate) as usize;
        let level = (0.25 * stroke.force() * stroke.rng.range(0.3, 1.2)) as f32;
        for (i, x) in out.iter_mut().take(length).enumerate() {
            let place = i as f32 / length as f32;
            let swell = if burst { 1.0 - place } else { 4.0 * place * (1.0 - place) };
            *x += level * swell * band.band(noise.next());
        }
    }
}

impl Tone for Singers {
    fn sound(&self, stroke: &mut Stroke<'_>, out: &mut [f32]) {
        let length = self.shape.samples(stroke.note.duration_s, stroke.rate) as f64 / stroke.rate;
        let mut sound = scratch(out, length, stroke.rate);
        let effort = (self.effort * (0.4 + 0.8 * stroke.note.velocity)).min(1.0);
        let table = self.person.glottis(stroke.freq() * 1.06, effort, stroke.rate);
        self.source(stroke, &table, &mut sound);
        let word = stroke.rng.chance(self.words);
        let nasal_s =
            if word && stroke.rng.chance(0.35) { stroke.rng.range(0.03, 0.09) } else { 0.0 };
        self.mouth(stroke, nasal_s, &mut sound);
        mix(out, &sound, stroke.force());
        if word && nasal_s == 0.0 {
            self.consonant(stroke, out);
        }
    }

    fn body(&self, rate: f64, stem: &mut [f32]) {
        if self.doubled {
            Chorus::new(2, 0.022, 0.004, 0.35, 0.7, rate).run(stem);
        }
        if let Some((size, t60_s, wet)) = self.hall {
            let mut hall = Hall::new(size, t60_s, 5000.0, rate);
            for x in stem {
                let (left, right) = hall.next(*x);
                *x += wet as f32 * (left + right);
            }
        }
    }
}

/// A singer or a choir.
pub(super) fn voice(rng: &mut Rng) -> Box<dyn Voice> {
    let choir = rng.chance(0.28);
    let person = Person::draw(rng);
    let wordless = rng.chance(if choir { 0.65 } else { 0.2 });
    let vowels = if wordless {
        vec![rng.pick(&[0, 3, 4, 0])]
    } else {
        (0..rng.int(3, 8)).map(|_| rng.int(0, 9)).collect()
    };
    let tone = Singers {
        person,
        count: if choir { rng.int(4, 7) } else { 1 },
        vowels,
        words: if wordless { 0.1 } else { rng.range(0.4, 0.95) },
        shape: Shape {
            attack_s: if choir { rng.log_range(0.08, 0.3) } else { rng.log_range(0.02, 0.12) },
            decay_s: 0.4,
            sustain: rng.range(0.75, 1.0),
            release_s: if choir { rng.range(0.15, 0.5) } else { rng.range(0.06, 0.2) },
        },
        effort: rng.range(0.1, 1.0),
        vibrato_hz: rng.range(4.6, 6.6),
        vibrato_cents: if rng.chance(0.2) { 0.0 } else { rng.range(10.0, 60.0) },
        vibrato_after_s: rng.range(0.1, 0.6),
        glide_s: rng.log_range(0.03, 0.16),
        scoop_cents: -rng.range(0.0, 140.0),
        jitter_cents: rng.range(4.0, 16.0),
        doubled: !choir && rng.chance(0.2),
        hall: rng
            .chance(if choir { 0.7 } else { 0.3 })
            .then(|| (rng.range(0.6, 1.4), rng.range(0.8, 3.0), rng.range(0.1, 0.45))),
    };
    Player::boxed(Label::Vocals, person.sung, if choir { 4 } else { 1 }, rng, tone)
}
