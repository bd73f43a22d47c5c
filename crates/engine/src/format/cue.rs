//! Captions as subtitles can show them: 1 to 7 seconds each, at most two lines of 42 characters, no overlap.

use super::one_line;
use crate::timeline::Timeline;

/// Characters in a line.
const LINE_CHARS: usize = 42;

/// Lines in a cue.
const LINES: usize = 2;

/// A cue stands at least this long, in seconds, unless the file itself is shorter.
const MIN_S: f64 = 1.0;

/// And at most this long.
const MAX_S: f64 = 7.0;

/// One subtitle.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// First moment in seconds.
    pub start_s: f64,
    /// End in seconds, exclusive.
    pub end_s: f64,
    /// One or two lines.
    pub lines: Vec<String>,
}

/// The captions of a timeline as cues: what is too short goes with its neighbour, what is too long is shown in parts.
pub fn cues(timeline: &Timeline) -> Vec<Cue> {
    let mut out = Vec::new();
    for (start_s, end_s, text) in readable(timeline) {
        let pages = pages(&text);
        let length_s = end_s - start_s;
        let fewest = (length_s / MAX_S).ceil().max(1.0) as usize;
        let most = (length_s / MIN_S).floor().max(1.0) as usize;
        let count = pages.len().clamp(fewest, most.max(fewest));
        for i in 0..count {
            let mut lines = pages[(i * pages.len() / count).min(pages.len() - 1)].clone();
            if i + 1 == count && pages.len() > count {
                lines = cut_short(lines);
            }
            let at = |k: usize| start_s + length_s * k as f64 / count as f64;
            out.push(Cue { start_s: at(i), end_s: at(i + 1), lines });
        }
    }
    out
}

/// Start, end and text of stretches of at least [`MIN_S`], in order and without overlap.
fn readable(timeline: &Timeline) -> Vec<(f64, f64, String)> {
    let mut out: Vec<(f64, f64, String)> = Vec::new();
    for caption in &timeline.captions {
        let previous = out.last().map_or(0.0, |last| last.1);
        let (start_s, end_s) =
            (caption.start_s.max(previous), caption.end_s.min(timeline.duration_s));
        let text = one_line(&caption.text);
        if end_s - start_s < 1e-3 || text.is_empty() {
            continue;
        }
        match out.last_mut() {
            // A short one before this one, without a gap: one cue with the words of the longer.
            Some(last) if last.1 - last.0 < MIN_S && start_s - last.1 < 1e-3 => {
                if end_s - start_s >= last.1 - last.0 {
                    last.2 = text;
                }
                last.1 = end_s;
            }
            _ => out.push((start_s, end_s, text)),
        }
    }
    stretch_or_merge_last(&mut out, timeline.duration_s);
    for i in 0..out.len() {
        // A short one before a gap may stand into the gap.
        let next = out.get(i + 1).map_or(timeline.duration_s, |next| next.0);
        if out[i].1 - out[i].0 < MIN_S {
            out[i].1 = (out[i].0 + MIN_S).min(next);
        }
    }
    out
}

/// The last stretch has no neighbour after it: where it is too short it goes with the one before.
fn stretch_or_merge_last(out: &mut Vec<(f64, f64, String)>, duration_s: f64) {
    if let [.., before, last] = out.as_slice()
        && last.1 - last.0 < MIN_S
        && duration_s - last.0 < MIN_S
        && last.0 - before.1 < 1e-3
    {
        let end_s = last.1;
        out.pop();
        if let Some(before) = out.last_mut() {
            before.1 = end_s;
        }
    }
}

/// The text in pages of two lines; words longer than a line are cut.
fn pages(text: &str) -> Vec<Vec<String>> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(LINE_CHARS) {
            let needed = piece.len() + 1;
            let line = lines
                .last_mut()
                .filter(|line| line.is_empty() || line.chars().count() + needed <= LINE_CHARS);
            let piece = piece.iter().collect::<String>();
            match line {
                Some(line) if line.is_empty() => *line = piece,
                Some(line) => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                None => lines.push(piece),
            }
        }
    }
    lines.chunks(LINES).map(<[String]>::to_vec).collect()
}

/// The lines with an ellipsis at their end.
fn cut_short(mut lines: Vec<String>) -> Vec<String> {
    if let Some(line) = lines.last_mut() {
        while line.chars().count() >= LINE_CHARS {
            line.pop();
        }
        line.push('\u{2026}');
    }
    lines
}
