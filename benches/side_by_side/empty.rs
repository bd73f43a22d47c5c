//! The other side: a CLAP effect that copies its input to its output, on clack-plugin.

use clack_plugin::prelude::*;

/// The plugin's identifier.
pub(crate) const ID: &std::ffi::CStr = c"audio.barline.bench.empty";

/// The library that `host.rs` loads without a file.
pub(crate) type Library = SinglePluginEntry<Empty>;

/// The plugin.
#[derive(Debug)]
pub(crate) struct Empty;

/// Its audio thread.
#[derive(Debug)]
pub(crate) struct Wire;

impl Plugin for Empty {
    type AudioProcessor<'a> = Wire;
    type Shared<'a> = ();
    type MainThread<'a> = ();
}

impl DefaultPluginFactory for Empty {
    fn get_descriptor() -> PluginDescriptor {
        PluginDescriptor::new("audio.barline.bench.empty", "Empty")
    }

    fn new_shared(_: HostSharedHandle<'_>) -> Result<Self::Shared<'_>, PluginError> {
        Ok(())
    }

    fn new_main_thread<'a>(
        _: HostMainThreadHandle<'a>,
        (): &'a (),
    ) -> Result<Self::MainThread<'a>, PluginError> {
        Ok(())
    }
}

impl<'a> PluginAudioProcessor<'a, (), ()> for Wire {
    fn activate(
        _: HostAudioProcessorHandle<'a>,
        (): &(),
        (): &'a (),
        _: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn process(
        &mut self,
        _: Process,
        mut audio: Audio,
        _: Events,
    ) -> Result<ProcessStatus, PluginError> {
        for mut port in &mut audio {
            let Some(channels) = port.channels()?.into_f32() else { continue };
            for channel in channels {
                if let ChannelPair::InputOutput(input, output) = channel {
                    output.copy_from_slice(input);
                }
            }
        }
        Ok(ProcessStatus::Continue)
    }
}
