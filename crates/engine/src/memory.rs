//! Whether there is room for a model: asked before it loads, for a host that runs out of memory dies with the session in it
//! (invariant 1 of the design).

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::error::EngineError;

/// Memory for each byte of a weight file: half precision becomes single, beside the file's own bytes.
const EXPANSION: u64 = 3;

/// Refuses weights that would not fit.
///
/// # Errors
/// By the field `model`, with what is needed and what is there.
pub(crate) fn check_room(weight_bytes: u64) -> Result<(), EngineError> {
    check(weight_bytes, available_bytes())
}

fn check(weight_bytes: u64, available_bytes: Option<u64>) -> Result<(), EngineError> {
    let needed_bytes = weight_bytes.saturating_mul(EXPANSION);
    match available_bytes {
        Some(available_bytes) if needed_bytes > available_bytes => {
            let (needed_mb, available_mb) = (needed_bytes >> 20, available_bytes >> 20);
            let message =
                format!("needs about {needed_mb} MB of memory, and {available_mb} are free");
            Err(EngineError::request("model", message))
        }
        _ => Ok(()),
    }
}

/// Memory that a program may still take, also where a container has less than the machine; `None` where the system
/// doesn't say.
fn available_bytes() -> Option<u64> {
    let memory = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory));
    let machine = Some(system.available_memory()).filter(|bytes| *bytes > 0);
    let container = system.cgroup_limits().map(|limits| limits.free_memory);
    machine.into_iter().chain(container).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_without_room_is_refused_with_both_figures() {
        let error = check(20 << 20, Some(59 << 20)).unwrap_err().to_string();
        assert!(error.contains("60 MB") && error.contains("59"), "{error}");
        assert!(check(20 << 20, Some(60 << 20)).is_ok());
        assert!(check(u64::MAX, None).is_ok());
    }

    #[test]
    fn this_machine_has_memory_left() {
        assert!(available_bytes().is_none_or(|bytes| bytes > 1 << 20));
        assert!(check_room(u64::MAX / 2).is_err() || available_bytes().is_none());
    }
}
