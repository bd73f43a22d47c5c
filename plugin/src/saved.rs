//! What a project remembers beside the parameters. `params.rs` hangs it into the state; the session and the editor write it.

use std::sync::Arc;

use engine::session::{Choices, Notebook, Notes, Taste};
use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::PluginState;

/// The keys of the notebook and of the user's choices in a state.
pub(crate) const TIMELINE: &str = "timeline";
pub(crate) const TASTE: &str = "taste";

/// Bytes of each that are read at all; ours stay well below.
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

/// The user's choices, likewise.
#[derive(Debug, Default)]
pub struct SavedTaste(pub(crate) Arc<Taste>);

impl PersistentField<'_, Choices> for SavedTaste {
    fn set(&self, choices: Choices) {
        self.0.replace(choices);
    }

    fn map<F, R>(&self, read: F) -> R
    where
        F: Fn(&Choices) -> R,
    {
        self.0.read(read)
    }
}

/// Empties a state in which one of these is rubbish, so that loading it changes nothing at all. A state without one, from
/// before there was one, is fine.
pub(crate) fn refuse_rubbish(state: &mut PluginState) {
    let fine = |key: &str, is_ours: fn(&str) -> bool| {
        state.fields.get(key).is_none_or(|saved| saved.len() <= MAX_BYTES && is_ours(saved))
    };
    let notes = fine(TIMELINE, |saved| serde_json::from_str::<Notes>(saved).is_ok());
    let choices = fine(TASTE, |saved| serde_json::from_str::<Choices>(saved).is_ok());
    if !(notes && choices) {
        state.params.clear();
        state.fields.clear();
    }
}
