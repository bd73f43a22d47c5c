//! What all of the engine's live threads have in common: none of them is ever in the way of the audio.

use thread_priority::ThreadPriority;
#[cfg(unix)]
use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy};

/// Somewhat below normal, of 0 to 99: behind the host's window, before its background work.
const PRIORITY: u8 = 40;

/// A new thread inherits the real-time class of the one that a host created us on; ours do ordinary work. What can't be
/// set stays as the system gave it: listening late is no defect in the audio.
pub(crate) fn be_ordinary() {
    let Ok(priority) = PRIORITY.try_into().map(ThreadPriority::Crossplatform) else { return };
    #[cfg(unix)]
    let _ = thread_priority::set_thread_priority_and_policy(
        thread_priority::thread_native_id(),
        priority,
        ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other),
    );
    #[cfg(not(unix))]
    let _ = thread_priority::set_current_thread_priority(priority);
}
