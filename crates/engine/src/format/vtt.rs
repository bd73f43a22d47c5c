//! WebVTT.

use std::fmt::Write as _;

use super::{clock, cue::Cue};

/// The cues as a WebVTT file.
pub(super) fn write(cues: &[Cue]) -> String {
    let mut out = String::from("WEBVTT\n");
    for cue in cues {
        let text = cue.lines.join("\n");
        // `-->` ends a cue's header, and `&` and `<` begin entities and tags.
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(out, "\n{} --> {}\n{text}\n", time(cue.start_ms), time(cue.end_ms));
    }
    out
}

fn time(millis: u64) -> String {
    let (h, m, s, ms) = clock(millis);
    format!("{h:02}:{m:02}:{s:02}.{ms:03}")
}
