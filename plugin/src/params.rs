//! The plugin's parameters: few, because a parameter is a promise to every saved project.
//!
//! The host reads and writes them through nice-plug; `lib.rs` makes them. Identifiers never change once landed.

use std::sync::Arc;

use engine::session::{Arm, Bell};
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;

use crate::saved::{SavedNotebook, SavedTaste};

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

    /// Rings when `ask` goes on.
    pub(crate) bell: Arc<Bell>,

    /// Set while `arm_captions` is on.
    pub(crate) arm: Arc<Arm>,

    /// What was heard of each bar, saved with the project.
    #[persist = "timeline"]
    pub notebook: SavedNotebook,

    /// What the user wants to hear of, saved with the project.
    #[persist = "taste"]
    pub taste: SavedTaste,
}

impl BarlineParams {
    /// Which of the host's switches keeps the instance from listening, in the user's words.
    pub(crate) fn deaf(&self) -> Option<&'static str> {
        match (self.listen.value(), self.bypass.value()) {
            (_, true) => Some("Not listening: the host has bypassed Barline."),
            (false, _) => Some("Not listening: the parameter Listen is off."),
            _ => None,
        }
    }
}

impl Default for BarlineParams {
    fn default() -> Self {
        let bell = Arc::new(Bell::default());
        let (ringing, arm) = (Arc::clone(&bell), Arc::new(Arm::default()));
        let arming = Arc::clone(&arm);
        Self {
            listen: BoolParam::new("Listen", true),
            ask: BoolParam::new("Ask", false).with_callback(Arc::new(move |on| ringing.hold(on))),
            arm_captions: BoolParam::new("Arm captions", false)
                .with_callback(Arc::new(move |on| arming.set(on))),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            bell,
            arm,
            notebook: SavedNotebook::default(),
            taste: SavedTaste::default(),
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
