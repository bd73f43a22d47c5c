//! The other side: a nice-plug effect that does nothing. The wrapper copies its input to its output.

#![allow(
    unsafe_code,
    reason = "the export macro's entry point, which the host of the comparison loads by its name"
)]

use std::num::NonZeroU32;
use std::sync::Arc;

use nice_plug::prelude::*;

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct Empty {
    params: Arc<NoParams>,
}

/// It has none.
#[derive(Debug, Default, Params)]
pub(crate) struct NoParams {}

impl Plugin for Empty {
    const NAME: &'static str = "Empty";
    const VENDOR: &'static str = "Barline";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[AudioIOLayout {
        main_input_channels: NonZeroU32::new(2),
        main_output_channels: NonZeroU32::new(2),
        ..AudioIOLayout::const_default()
    }];

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn process(
        &mut self,
        _: &mut Buffer,
        _: &mut AuxiliaryBuffers,
        _: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        ProcessStatus::Normal
    }
}

impl ClapPlugin for Empty {
    const CLAP_ID: &'static str = "audio.barline.bench.empty";
    const CLAP_DESCRIPTION: Option<&'static str> = None;
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[ClapFeature::AudioEffect];
}

nice_export_clap!(Empty);
