//! Plays one recording at another pitch: cubic interpolation, fades, and a crossfaded loop for sounds that are held.

use super::Sample;

/// How a recording is laid into the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    /// First output sample, may lie before the output.
    pub(super) at: i64,
    /// Longest sounding time in output samples, the release excluded.
    pub(super) length: usize,
    /// Fade-out after `length`, in output samples.
    pub(super) release: usize,
    /// Fade-in in output samples.
    pub(super) attack: usize,
    /// Recording samples for each output sample.
    pub(super) step: f64,
    /// First sample of the recording.
    pub(super) from: f64,
    /// Linear gain.
    pub(super) gain: f64,
    /// Whether the middle of the recording repeats until `length` is reached.
    pub(super) held: bool,
}

/// Adds the recording to `out`.
pub(super) fn strike(sample: &Sample, strike: &Strike, out: &mut [f32]) {
    // Four neighbours are read around each position.
    let end = sample.pcm.len() as f64 - 3.0;
    let wanted = (strike.length + strike.release) as f64 * strike.step;
    if !strike.held || strike.from + wanted <= end || sample.pcm.len() < 4800 {
        let available = ((end - strike.from) / strike.step).max(0.0) as usize;
        let total = available.min(strike.length + strike.release);
        // Where the recording ends first, its last 5 ms are faded instead.
        let release =
            if total < strike.length + strike.release { 120.min(total) } else { strike.release };
        let piece = Piece {
            attack: strike.attack.min(total),
            release,
            total,
            from: strike.from,
            at: strike.at,
        };
        lay(sample, &piece, strike, out);
        return;
    }
    hold(sample, strike, end, out);
}

/// Plays to two thirds of the recording, then repeats its middle third with crossfades until the note ends.
fn hold(sample: &Sample, strike: &Strike, end: f64, out: &mut [f32]) {
    let (loop_start, loop_end) = (end * 0.4, end * 0.68);
    let cross = (((loop_end - loop_start) / strike.step * 0.3) as usize).max(1);
    let mut left = strike.length + strike.release;
    let (mut at, mut from, mut attack, mut turn) =
        (strike.at, strike.from.min(loop_start), strike.attack, 0_u32);
    while left > 0 {
        let span = ((loop_end - from) / strike.step) as usize;
        let last = span >= left;
        let total = span.min(left);
        let release = if last { strike.release.min(total) } else { cross.min(total) };
        lay(sample, &Piece { attack: attack.min(total), release, total, from, at }, strike, out);
        if last || total <= cross {
            break;
        }
        at += (total - cross) as i64;
        left -= total - cross;
        attack = cross;
        // The loop's start wanders by a sixth, so that the repetition isn't a tone of its own.
        turn = turn.wrapping_mul(5).wrapping_add(3) % 16;
        from = loop_start + (loop_end - loop_start) / 6.0 * f64::from(turn) / 16.0;
    }
}

/// One uninterrupted stretch of the recording.
struct Piece {
    at: i64,
    from: f64,
    total: usize,
    attack: usize,
    release: usize,
}

fn lay(sample: &Sample, piece: &Piece, strike: &Strike, out: &mut [f32]) {
    let skip = usize::try_from(-piece.at).unwrap_or(0);
    let at = usize::try_from(piece.at).unwrap_or(0);
    if skip >= piece.total || at >= out.len() {
        return;
    }
    let count = (piece.total - skip).min(out.len() - at);
    let gain = (strike.gain / 32768.0) as f32;
    let fade_in = 1.0 / piece.attack.max(1) as f32;
    let fade_out = 1.0 / piece.release.max(1) as f32;
    for (i, y) in out[at..at + count].iter_mut().enumerate() {
        let n = i + skip;
        let position = piece.from + n as f64 * strike.step;
        let index = position as usize;
        let Some(near) = sample.pcm.get(index.saturating_sub(1)..index + 3) else { break };
        let x = if index == 0 {
            f32::from(near[0])
        } else {
            cubic(near, (position - index as f64) as f32)
        };
        let fade = ((n + 1) as f32 * fade_in).min((piece.total - n) as f32 * fade_out).min(1.0);
        *y += x * gain * fade;
    }
}

/// Catmull-Rom through four neighbours, between the second and the third.
fn cubic(near: &[i16], t: f32) -> f32 {
    let [a, b, c, d] =
        [f32::from(near[0]), f32::from(near[1]), f32::from(near[2]), f32::from(near[3])];
    let (p, q) = (0.5 * (c - a), 0.5 * (d - b));
    let (e, f) = (b - c, p + q);
    b + t * (p + t * ((-3.0 * e - p - f) + t * (2.0 * e + f)))
}
