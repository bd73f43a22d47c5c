//! The running meters of an instance: fed with what is listened to, while somebody looks.

use std::time::{Duration, Instant};

use analysis::Monitor;

use super::{Generation, Shared};

/// The meters' hands move this often; EBU Tech 3341 asks for at least ten times a second.
const EVERY: Duration = Duration::from_millis(33);

/// Meters that belong to the generation that is listened to. `[session-thread]`
#[derive(Debug, Default)]
pub(super) struct Monitoring {
    monitor: Option<Monitor>,
    format: Option<(u32, usize)>,
    held: bool,
    read_at: Option<Instant>,
}

impl Monitoring {
    /// A generation of another rate or layout starts the meters anew; one of the same goes on.
    pub(super) fn begin(&mut self, generation: Generation) {
        let format = Some((generation.rate_hz.round() as u32, generation.channels));
        if self.format != format {
            (self.format, self.monitor) = (format, None);
        }
    }

    /// EBU Tech 3341, 2.4: start, pause and continue without a reset.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    pub(super) fn reset(&mut self, shared: &Shared) {
        self.monitor = None;
        *shared.reading.lock() = analysis::Reading::default();
    }

    /// Takes interleaved samples.
    pub(super) fn push(&mut self, samples: &[f32], shared: &Shared) {
        if self.held || !shared.is_watched() {
            return;
        }
        if self.monitor.is_none()
            && let Some((rate_hz, channels)) = self.format
        {
            self.monitor = Monitor::new(rate_hz, channels).ok();
        }
        let Some(monitor) = &mut self.monitor else { return };
        monitor.push(samples);
        if self.read_at.is_none_or(|at| at.elapsed() >= EVERY) {
            *shared.reading.lock() = monitor.reading();
            self.read_at = Some(Instant::now());
        }
    }
}
