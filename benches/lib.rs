//! What the benchmarks know of their own process.

use std::time::Duration;

/// Resident bytes; `None` where the system has no `/proc`.
pub fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// The most that were resident since [`forget_peak`], or since the start.
pub fn peak() -> Option<u64> {
    status("VmHWM:")
}

/// From now on [`peak`] counts anew, where the system lets it (proc(5), `clear_refs`).
pub fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn status(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Processor time of this process so far; zero where the system doesn't say.
pub fn processor_time() -> Duration {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return Duration::ZERO };
    let ticks = |field: usize| -> Option<u64> {
        stat.rsplit_once(')')?.1.split_whitespace().nth(field - 3)?.parse().ok()
    };
    // Fields 14 and 15 of proc(5), in hundredths of a second on every Linux.
    let hundredths = ticks(14).unwrap_or(0) + ticks(15).unwrap_or(0);
    Duration::from_millis(10 * hundredths)
}
