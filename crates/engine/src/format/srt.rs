//! SubRip: counted from 1, a comma before the milliseconds, UTF-8 without byte order mark.

use std::fmt::Write as _;

use super::{clock, cue::Cue};

/// The cues as an SRT file.
pub(super) fn write(cues: &[Cue]) -> String {
    let mut out = String::new();
    for (index, cue) in cues.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let _ = write!(
            out,
            "{gap}{}\n{} --> {}\n{}\n",
            index + 1,
            time(cue.start_ms),
            time(cue.end_ms),
            cue.lines.join("\n")
        );
    }
    out
}

fn time(millis: u64) -> String {
    let (h, m, s, ms) = clock(millis);
    format!("{h:02}:{m:02}:{s:02},{ms:03}")
}
