//! The plugin as hosts see it: identity, channel layouts, parameters, and a plain wire.
//!
//! Hosts call it through the CLAP and VST3 entry points at the end of this file. Only this file, `params.rs` and the
//! standalone program name types of nice-plug, so another wrapper touches nothing else.

mod guard;
mod params;

use std::num::NonZeroU32;
use std::sync::Arc;

use nice_plug::prelude::*;

pub use guard::Guard;
pub use params::BarlineParams;

/// One instance of the plugin: audio in is audio out, bit for bit and without latency.
#[derive(Debug, Default)]
pub struct Barline {
    params: Arc<BarlineParams>,
    guard: Guard,
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
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[wire(2), wire(1)];

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    /// Keeps what a project may not bring back out of its state: see `params::forget_edges`.
    fn filter_state(state: &mut PluginState) {
        guard::quietly(|| params::forget_edges(state));
    }

    /// Called on the main thread or, at the end of an export, on the audio thread: so it neither blocks nor starts
    /// anything. `true` always: a wire fits every rate and block size.
    fn activate(
        &mut self,
        _: &AudioIOLayout,
        _: &BufferConfig,
        _: &mut impl ActivateContext<Self>,
    ) -> bool {
        true
    }

    /// The wire, on the audio thread. The wrapper has copied the input to the output already, so the output is right
    /// even when everything below has panicked.
    fn process(
        &mut self,
        buffer: &mut Buffer,
        _: &mut AuxiliaryBuffers,
        _: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.guard.run(|| hear(buffer));
        ProcessStatus::Normal
    }
}

/// What an instance does with a block beside passing it on: nothing yet. It may only read.
fn hear(block: &Buffer) {
    debug_assert!(block.channels() <= 2, "the layouts above have one or two channels");
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
