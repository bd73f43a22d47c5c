//! Timed lyrics: `[mm:ss.xx]text`, one line a caption, and an empty line where the last one ends.

use std::fmt::Write as _;

use super::one_line;
use crate::timeline::Timeline;

/// The captions as an LRC file.
pub(super) fn write(timeline: &Timeline, title: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "[ti:{}]", one_line(title).replace(']', ")"));
    let length_s = timeline.duration_s.round() as u64;
    let _ = writeln!(out, "[length:{:02}:{:02}]", length_s / 60, length_s % 60);
    let mut end_s = None;
    for caption in &timeline.captions {
        // A gap is an empty line, so that the words before it do not stay.
        if let Some(end_s) = end_s.filter(|end_s| caption.start_s - end_s > 0.01) {
            let _ = writeln!(out, "{}", time(end_s));
        }
        let _ = writeln!(out, "{}{}", time(caption.start_s), one_line(&caption.text));
        end_s = Some(caption.end_s);
    }
    if let Some(end_s) = end_s {
        let _ = writeln!(out, "{}", time(end_s));
    }
    out
}

fn time(seconds: f64) -> String {
    let hundredths = (seconds.max(0.0) * 100.0).round() as u64;
    format!("[{:02}:{:02}.{:02}]", hundredths / 6000, hundredths / 100 % 60, hundredths % 100)
}
