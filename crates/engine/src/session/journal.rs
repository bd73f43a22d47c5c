//! The report as a file, for tests in hosts that can't be asked: where BARLINE_REPORT names a folder, each instance keeps
//! `barline-PROCESS-INSTANCE.json` there up to date. A host may end without a word, so it is written while listening.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::listener::Listener;
use super::report::Report;

const EVERY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Journal {
    path: Option<PathBuf>,
    written_at: Option<Instant>,
    written: Report,
}

impl Journal {
    pub(super) fn from_environment(instance: u64) -> Self {
        let name = format!("barline-{}-{instance}.json", std::process::id());
        let path =
            std::env::var_os("BARLINE_REPORT").map(|folder| PathBuf::from(folder).join(name));
        Self { path, written_at: None, written: Report::default() }
    }

    /// Writes the report if it has changed and the last time is a while ago, or if it is the `last`.
    pub(super) fn write(&mut self, listener: &Listener, last: bool) {
        let Some(path) = &self.path else { return };
        if !last && self.written_at.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        let report = listener.report();
        if report == self.written {
            return;
        }
        // Whoever reads sees the old file or the new one, never a part. A folder that can't be written holds no report.
        let part = path.with_extension("part");
        if let Ok(json) = serde_json::to_vec(&report)
            && std::fs::write(&part, json).is_ok()
        {
            let _ = std::fs::rename(&part, path);
        }
        (self.written_at, self.written) = (Some(Instant::now()), report);
    }
}
