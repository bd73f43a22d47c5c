//! The plugin as hosts see it: identity, channel layouts, parameters, and a wire that listens, but for moves that are tried.
//!
//! Hosts call it through the CLAP and VST3 entry points at the end of this file. Only this file, `params.rs`, `saved.rs`,
//! `editor.rs` and the standalone program name types of nice-plug, so another wrapper touches nothing else.

pub mod editor;
mod guard;
mod params;
mod saved;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use editor::Pane;
use engine::hub::Hub;
use engine::session::{Controls, Input, Remote, Session};
use nice_plug::prelude::*;
use signal::audition::{self, Player, Switch};

pub use guard::{Alarm, Guard};
pub use params::BarlineParams;
pub use saved::{SavedNotebook, SavedTaste};

/// One instance of the plugin: audio in is audio out, bit for bit and without latency, unless a move is tried; a session hears
/// what comes in.
#[derive(Debug)]
pub struct Barline {
    params: Arc<BarlineParams>,
    guard: Guard,
    /// Goes before the session, which hears the rest as soon as nothing more can come.
    input: Option<Input>,
    session: Option<Session>,
    /// Tries moves: the half of the windows, and the one of the audio thread.
    switch: Switch,
    player: Player,
}

impl Default for Barline {
    /// Hosts create instances on the main thread, also while they scan: this starts a thread that sleeps, and loads
    /// nothing.
    fn default() -> Self {
        Self::with_hub(Hub::of_process())
    }
}

impl Barline {
    /// An instance whose words come from this hub.
    pub fn with_hub(hub: &Hub) -> Self {
        let (params, guard) = (Arc::new(BarlineParams::default()), Guard::default());
        let session = guard.run(|| {
            let notebook = Arc::clone(&params.notebook.0);
            let taste = Arc::clone(&params.taste.0);
            let (bell, arm) = (Arc::clone(&params.bell), Arc::clone(&params.arm));
            Session::start(Controls { notebook, taste, bell, arm }, hub)
        });
        let (switch, player) = audition::audition();
        Self { params, guard, session, input: None, switch, player }
    }

    /// The switch that tries moves. `[main-thread]`
    pub fn switch(&self) -> Switch {
        self.switch.clone()
    }

    /// A view of what the instance hears; none where its making failed. `[main-thread]`
    pub fn remote(&self) -> Option<Remote> {
        self.session.as_ref().map(Session::remote)
    }
}

/// As many channels out as in, and no other buses.
const fn wire(channels: u32) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(channels),
        main_output_channels: NonZeroU32::new(channels),
        ..AudioIOLayout::const_default()
    }
}

impl Plugin for Barline {
    const NAME: &'static str = "Barline";
    const VENDOR: &'static str = "Barline";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] =
        &[wire(2), wire(1), wire(6), wire(8), wire(5), wire(7)];

    type Editor = Pane;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    /// Hosts ask once, for every instance, also those whose window nobody opens: nothing of it is drawn or loaded here.
    fn editor(&mut self, _: AsyncExecutor<Self>) -> Option<Self::Editor> {
        let Self { params, guard, session, switch, .. } = self;
        let open = |session: &Session| {
            editor::editor(session.remote(), Arc::clone(params), switch.clone(), guard.alarm())
        };
        guard.run(|| session.as_ref().and_then(open)).flatten()
    }

    /// Keeps out of a state what a project may not bring back, and rubbish: see `params::forget_edges` and
    /// `saved::refuse_rubbish`.
    fn filter_state(state: &mut PluginState) {
        guard::quietly(|| {
            saved::refuse_rubbish(state);
            params::forget_edges(state);
        });
    }

    /// Called on the main thread or, at the end of an export, on the audio thread: so it neither blocks nor starts
    /// anything. `true` always: a wire fits every rate and block size.
    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        _: &mut impl ActivateContext<Self>,
    ) -> bool {
        let Self { guard, session, input, player, .. } = self;
        *input = None;
        let channels = layout.main_input_channels.map_or(2, NonZeroU32::get) as usize;
        let offline = config.process_mode == ProcessMode::Offline;
        let activate =
            |session: &mut Session| session.activate(channels, config.sample_rate.into(), offline);
        *input = guard.run(|| session.as_mut().map(activate)).flatten();
        guard.run(|| player.prepare(channels, config.sample_rate.into(), offline));
        true
    }

    /// The wire, on the audio thread. The wrapper has copied the input to the output already, so the output is right
    /// even when everything below has panicked.
    fn process(
        &mut self,
        buffer: &mut Buffer,
        _: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let Self { params, guard, input, player, .. } = self;
        guard.run(|| {
            if let Some(input) = input {
                if params.deaf().is_some() {
                    input.skip(buffer.samples());
                } else {
                    input.hear(buffer.as_slice_immutable(), &claims(context.transport()));
                }
            }
            player.play(buffer.as_slice(), params.bypass.value(), Instant::now);
        });
        ProcessStatus::Normal
    }

    /// Ends the generation; the session hears the rest of it in its own time. Called on the main or the audio thread.
    fn deactivate(&mut self) {
        let Self { guard, input, .. } = self;
        guard.run(|| *input = None);
    }
}

/// What the host says of a block, in our words. `[audio-thread]`
fn claims(told: &Transport) -> signal::Transport {
    signal::Transport {
        playing: told.playing,
        // CLAP never gives it raw; nice-plug derives it from seconds or beats.
        position: told.pos_samples(),
        tempo_bpm: told.tempo,
        meter: told
            .time_sig_numerator
            .zip(told.time_sig_denominator)
            .and_then(|(beats, unit)| signal::Meter::new(beats, unit)),
        position_quarters: told.pos_beats,
        bar_start_quarters: told.bar_start_pos_beats,
        offline: false,
    }
}

impl ClapPlugin for Barline {
    const CLAP_ID: &'static str = "audio.barline.barline";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("Hears a track and says what it hears");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::Analyzer, ClapFeature::Stereo, ClapFeature::Mono];
}

impl Vst3Plugin for Barline {
    const VST3_CLASS_ID: [u8; 16] = *b"BarlineHearsBars";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Analyzer];
}

nice_export_clap!(Barline);
nice_export_vst3!(Barline);

#[cfg(test)]
mod tests;
