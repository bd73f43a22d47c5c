//! REAPER's region list: `#,Name,Start,End,Length`, a row `R1`, `R2`, ... for each caption.

use std::fmt::Write as _;

use super::{clock, millis, one_line};
use crate::timeline::Timeline;

/// The captions as regions.
pub(super) fn write(timeline: &Timeline) -> String {
    let mut out = String::from("#,Name,Start,End,Length\n");
    for (index, caption) in timeline.captions.iter().enumerate() {
        let (start, end) = (millis(caption.start_s), millis(caption.end_s));
        // Quotes are doubled, as in RFC 4180.
        let name = one_line(&caption.text).replace('"', "\"\"");
        let row = index + 1;
        let _ = writeln!(
            out,
            "R{row},\"{name}\",{},{},{}",
            time(start),
            time(end),
            time(end.saturating_sub(start))
        );
    }
    out
}

/// `m:ss.mmm`, with hours where there are any, as REAPER writes times.
fn time(millis: u64) -> String {
    let (h, m, s, ms) = clock(millis);
    if h > 0 { format!("{h}:{m:02}:{s:02}.{ms:03}") } else { format!("{m}:{s:02}.{ms:03}") }
}
