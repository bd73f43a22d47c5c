//! The plugin's parameters: few, because a parameter is a promise to every saved project.
//!
//! The host reads and writes them through nice-plug; `lib.rs` makes them. Identifiers never change once landed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::session::Bell;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;

use crate::saved::SavedNotebook;

/// What a host can automate, map to a controller, or save.
#[derive(Debug, Params)]
pub struct BarlineParams {
    /// Whether the instance may listen to its track.
    #[id = "listen"]
    pub listen: BoolParam,

    /// Asks for advice about the current bar: what counts is the change from off to on, not the value.
    #[id = "ask"]
    pub ask: BoolParam,

    /// Whether the next bounce writes captions beside the mix.
    #[id = "arm_captions"]
    pub arm_captions: BoolParam,

    /// The host's own switch for "as if it weren't there": audio passes as ever, and nothing is heard.
    #[id = "bypass"]
    pub bypass: BoolParam,

    /// Whether `listen` is off or `bypass` on, apart from all else that a parameter is, for the audio thread asks at
    /// every block.
    pub(crate) deaf: Arc<Deaf>,

    /// Rings when `ask` goes on.
    pub(crate) bell: Arc<Bell>,

    /// What was heard of each bar, saved with the project.
    #[persist = "timeline"]
    pub notebook: SavedNotebook,
}

/// What keeps an instance from listening.
#[derive(Debug, Default)]
pub(crate) struct Deaf {
    off: AtomicBool,
    bypassed: AtomicBool,
}

impl Deaf {
    /// Whether anything does. `[audio-thread]`
    pub(crate) fn is(&self) -> bool {
        self.off.load(Ordering::Relaxed) || self.bypassed.load(Ordering::Relaxed)
    }

    /// Why, in the user's words.
    pub(crate) fn why(&self) -> Option<&'static str> {
        if self.bypassed.load(Ordering::Relaxed) {
            return Some("Not listening: the host has bypassed Barline.");
        }
        let off = self.off.load(Ordering::Relaxed);
        off.then_some("Not listening: the parameter Listen is off.")
    }
}

impl Default for BarlineParams {
    fn default() -> Self {
        let (bell, deaf) = (Arc::new(Bell::default()), Arc::new(Deaf::default()));
        let (ringing, listening, bypassed) =
            (Arc::clone(&bell), Arc::clone(&deaf), Arc::clone(&deaf));
        Self {
            listen: BoolParam::new("Listen", true)
                .with_callback(Arc::new(move |on| listening.off.store(!on, Ordering::Relaxed))),
            ask: BoolParam::new("Ask", false).with_callback(Arc::new(move |on| ringing.hold(on))),
            arm_captions: BoolParam::new("Arm captions", false),
            bypass: BoolParam::new("Bypass", false)
                .make_bypass()
                .with_callback(Arc::new(move |on| bypassed.bypassed.store(on, Ordering::Relaxed))),
            deaf,
            bell,
            notebook: SavedNotebook::default(),
        }
    }
}

/// Sets `ask` to off in a state about to be loaded, whatever was saved.
///
/// The wrapper saves every parameter of a host, so a question asked at the moment of saving lies in the project;
/// loading it would ask again. Inserted rather than removed: a state without it must also end a question in progress.
pub(crate) fn forget_edges(state: &mut PluginState) {
    state.params.insert("ask".to_owned(), ParamValue::Bool(false));
}
