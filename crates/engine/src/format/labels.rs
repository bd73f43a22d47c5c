//! Audacity's label track: start, end and text, between tabs.

use std::fmt::Write as _;

use super::one_line;
use crate::timeline::Timeline;

/// The captions as labels.
pub(super) fn write(timeline: &Timeline) -> String {
    let mut out = String::new();
    for caption in &timeline.captions {
        let _ = writeln!(
            out,
            "{:.6}\t{:.6}\t{}",
            caption.start_s.max(0.0),
            caption.end_s,
            one_line(&caption.text)
        );
    }
    out
}
