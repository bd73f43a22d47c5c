//! A host that only has a transport.

use nice_plug::context::PluginApi;
use nice_plug::context::activate::ActivateContext;
use nice_plug::context::process::{ProcessContext, SendEventError, Transport};
use nice_plug::midi::PluginNoteEvent;
use plugin::Barline;

/// A host that only has a transport.
pub(crate) struct Host {
    pub(crate) transport: Transport,
}

impl ActivateContext<Barline> for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute(&self, (): ()) {}
    fn set_latency_samples(&self, _: u32) {}
    fn set_current_voice_capacity(&self, _: u32) {}
}

impl ProcessContext<Barline> for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute_background(&self, (): ()) {}
    fn execute_gui(&self, (): ()) {}
    fn transport(&self) -> &Transport {
        &self.transport
    }
    fn next_event(&mut self) -> Option<PluginNoteEvent<Barline>> {
        None
    }
    fn try_send_event(
        &mut self,
        event: PluginNoteEvent<Barline>,
    ) -> Result<(), (PluginNoteEvent<Barline>, SendEventError)> {
        Err((event, SendEventError::NoOutputBuffer))
    }
    fn set_latency_samples(&self, _: u32) {}
    fn request_restart(&self) {}
    fn set_current_voice_capacity(&self, _: u32) {}
}
