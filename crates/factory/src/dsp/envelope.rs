//! Envelopes with exponential segments, one multiplication and addition a sample.

/// Times and level of an attack-decay-sustain-release envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) attack_s: f64,
    pub(crate) decay_s: f64,
    /// Level held until release, 0 to 1.
    pub(crate) sustain: f64,
    pub(crate) release_s: f64,
}

impl Shape {
    /// Runs the envelope for a note held `hold_s`.
    pub(crate) fn start(self, hold_s: f64, rate_hz: f64) -> Envelope {
        Envelope {
            level: 0.0,
            rising: true,
            left: (hold_s * rate_hz) as usize,
            sustain: self.sustain,
            // The attack aims at 1.3 so that it arrives (after ln(1.3/0.3) time constants).
            attack: share(self.attack_s / 1.47, rate_hz),
            decay: share(self.decay_s / 3.0, rate_hz),
            release: share(self.release_s / 5.0, rate_hz),
        }
    }

    /// Samples from onset until the release has faded.
    pub(crate) fn samples(self, hold_s: f64, rate_hz: f64) -> usize {
        ((hold_s + 1.6 * self.release_s + 0.01) * rate_hz) as usize
    }
}

/// Share of the way to the target covered in a sample, for a time constant.
fn share(tau_s: f64, rate_hz: f64) -> f64 {
    1.0 - libm::exp(-1.0 / (tau_s * rate_hz).max(0.5))
}

/// A running envelope.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    level: f64,
    rising: bool,
    left: usize,
    sustain: f64,
    attack: f64,
    decay: f64,
    release: f64,
}

impl Envelope {
    /// The next level, 0 to 1.
    pub(crate) fn next(&mut self) -> f64 {
        if self.left == 0 {
            self.level -= self.release * self.level;
        } else {
            self.left -= 1;
            if self.rising {
                self.level += self.attack * (1.3 - self.level);
                if self.level >= 1.0 {
                    self.level = 1.0;
                    self.rising = false;
                }
            } else {
                self.level += self.decay * (self.sustain - self.level);
            }
        }
        self.level
    }
}

/// Fades a ringing sound after the note's end, as a damper does: `t60_s` to fall by 60 dB. Returns where it is over.
pub(crate) fn gate(samples: &mut [f32], hold_s: f64, t60_s: f64, rate_hz: f64) -> usize {
    let end = ((hold_s * rate_hz) as usize).min(samples.len());
    let keep = libm::exp(-6.907_755 / (t60_s * rate_hz)) as f32;
    let mut level = 1.0f32;
    let tail = ((t60_s * 1.3 * rate_hz) as usize + end).min(samples.len());
    for x in &mut samples[end..tail] {
        level *= keep;
        *x *= level;
    }
    samples[tail..].fill(0.0);
    tail
}
