//! Captions as subtitles can show them: 1 to 7 s each, at most two lines of 42 characters, sentences in one piece where they fit,
//! no overlap. Both subtitle formats state whole milliseconds, so everything here is counted in them.

use super::{millis, one_line};
use crate::timeline::Timeline;

/// Characters in a line.
const LINE_CHARS: usize = 42;

/// Lines in a cue.
const LINES: usize = 2;

/// A cue stands at least this long, unless the file itself is shorter.
const MIN_MS: u64 = 1000;

/// And at most this long.
const MAX_MS: u64 = 7000;

/// One subtitle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// First moment in milliseconds.
    pub start_ms: u64,
    /// End in milliseconds, exclusive.
    pub end_ms: u64,
    /// One or two lines.
    pub lines: Vec<String>,
}

/// The captions of a timeline as cues: what is too short goes with its neighbour, what is too long is shown in parts.
pub fn cues(timeline: &Timeline) -> Vec<Cue> {
    readable(timeline).iter().flat_map(show).collect()
}

/// A text and when it may be read.
#[derive(Debug)]
struct Span {
    start_ms: u64,
    end_ms: u64,
    text: String,
}

impl Span {
    fn length_ms(&self) -> u64 {
        self.end_ms - self.start_ms
    }

    fn is_short(&self) -> bool {
        self.length_ms() < MIN_MS
    }

    /// One with its successor, with the words of the longer.
    fn join(&mut self, next: Self) {
        if next.length_ms() >= self.length_ms() {
            self.text = next.text;
        }
        self.end_ms = next.end_ms;
    }
}

/// The captions in order and without overlap, none shorter than [`MIN_MS`] unless the file is.
fn readable(timeline: &Timeline) -> Vec<Span> {
    let duration_ms = millis(timeline.duration_s);
    let mut out: Vec<Span> = Vec::new();
    for caption in &timeline.captions {
        let start_ms = millis(caption.start_s).max(out.last().map_or(0, |last| last.end_ms));
        let end_ms = millis(caption.end_s).min(duration_ms);
        let text = one_line(&caption.text);
        if end_ms <= start_ms || text.is_empty() {
            continue;
        }
        let span = Span { start_ms, end_ms, text };
        match out.last_mut() {
            // A short one stands on into the gap after it, where there is one.
            Some(last) if last.is_short() && start_ms - last.start_ms < MIN_MS => last.join(span),
            last => {
                if let Some(last) = last.filter(|last| last.is_short()) {
                    last.end_ms = last.start_ms + MIN_MS;
                }
                out.push(span);
            }
        }
    }
    settle_last(&mut out, duration_ms);
    out
}

/// The last one has no successor: where it is too short it stands to the file's end, then begins earlier, then goes with the one
/// before it.
fn settle_last(out: &mut Vec<Span>, duration_ms: u64) {
    let Some(mut last) = out.pop() else { return };
    if last.is_short() {
        last.end_ms = (last.start_ms + MIN_MS).min(duration_ms);
        let before_ms = out.last().map_or(0, |before| before.end_ms);
        last.start_ms = last.end_ms.saturating_sub(MIN_MS).clamp(before_ms, last.start_ms);
    }
    match out.last_mut().filter(|_| last.is_short()) {
        Some(before) => before.join(last),
        None => out.push(last),
    }
}

/// A span as cues of one length: its pages one after the other, some of them more than once where there is time.
fn show(span: &Span) -> Vec<Cue> {
    let length_ms = span.length_ms();
    let (fewest, most) = (length_ms.div_ceil(MAX_MS), (length_ms / MIN_MS).max(1));
    let pages = cut_to(pages(&span.text), most as usize);
    let count = fewest.max(pages.len() as u64);
    let at = |cue: u64| span.start_ms + length_ms * cue / count;
    let page = |cue: u64| pages[(cue as usize * pages.len()) / count as usize].lines.clone();
    (0..count).map(|cue| Cue { start_ms: at(cue), end_ms: at(cue + 1), lines: page(cue) }).collect()
}

/// Up to two lines of a text.
#[derive(Debug)]
struct Page {
    lines: Vec<String>,
    /// Whether a sentence ends with it.
    ends: bool,
}

/// The first pages of a text, with whole sentences; an ellipsis where not even the first one fits.
fn cut_to(mut pages: Vec<Page>, most: usize) -> Vec<Page> {
    if pages.len() <= most {
        return pages;
    }
    match pages[..most].iter().rposition(|page| page.ends) {
        Some(end) => pages.truncate(end + 1),
        None => {
            pages.truncate(most);
            if let Some(line) = pages.last_mut().and_then(|page| page.lines.last_mut()) {
                cut_short(line);
            }
        }
    }
    pages
}

/// The text in pages: as many sentences on each as fit, and a sentence on several only where it is too long for one.
fn pages(text: &str) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for sentence in text.split_inclusive(ends_sentence()).map(str::trim) {
        let together = wrap(&[open.join(" ").as_str(), sentence].join(" "));
        if together.len() <= LINES {
            open = together;
            continue;
        }
        if !open.is_empty() {
            pages.push(Page { lines: std::mem::take(&mut open), ends: true });
        }
        open = wrap(sentence);
        while open.len() > LINES {
            let lines = open.drain(..LINES).collect();
            pages.push(Page { lines, ends: false });
        }
    }
    pages.push(Page { lines: open, ends: true });
    pages
}

/// Says of a space whether a sentence has ended before it.
fn ends_sentence() -> impl FnMut(char) -> bool {
    let mut before = ' ';
    move |c| {
        let ended = c == ' ' && matches!(before, '.' | '!' | '?' | '\u{2026}');
        before = c;
        ended
    }
}

/// The words in lines; words longer than a line are cut.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(LINE_CHARS) {
            let fits = |line: &&mut String| line.chars().count() + 1 + piece.len() <= LINE_CHARS;
            let piece: String = piece.iter().collect();
            match lines.last_mut().filter(fits) {
                Some(line) => *line = format!("{line} {piece}"),
                None => lines.push(piece),
            }
        }
    }
    lines
}

/// Puts an ellipsis in place of a line's end.
fn cut_short(line: &mut String) {
    while line.chars().count() >= LINE_CHARS {
        line.pop();
    }
    line.push('\u{2026}');
}
