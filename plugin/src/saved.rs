//! What a project remembers beside the parameters. `params.rs` hangs it into the state; the session writes it.

use std::sync::Arc;

use engine::session::{Notebook, Notes};
use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::PluginState;

/// The key of the notebook in a state.
pub(crate) const TIMELINE: &str = "timeline";

/// Bytes of a notebook that are read at all; ours stay well below.
const MAX_BYTES: usize = 8 << 20;

/// The notebook of an instance, as nice-plug saves and loads it, on whichever thread the host calls.
#[derive(Debug, Default)]
pub struct SavedNotebook(pub(crate) Arc<Notebook>);

impl PersistentField<'_, Notes> for SavedNotebook {
    fn set(&self, notes: Notes) {
        self.0.replace(notes);
    }

    fn map<F, R>(&self, read: F) -> R
    where
        F: Fn(&Notes) -> R,
    {
        self.0.read(read)
    }
}

/// Empties a state whose notebook is rubbish, so that loading it changes nothing at all. A state without one, from
/// before there was one, is fine.
pub(crate) fn refuse_rubbish(state: &mut PluginState) {
    let Some(saved) = state.fields.get(TIMELINE) else { return };
    if saved.len() > MAX_BYTES || serde_json::from_str::<Notes>(saved).is_err() {
        state.params.clear();
        state.fields.clear();
    }
}
