//! The host of the comparison: loads either plugin and plays it a song of one block, again and again.

#![expect(unsafe_code, reason = "loading a library")]

use std::ffi::CStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use clack_host::events::EventFlags;
use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};

use crate::empty;

#[derive(Debug)]
pub(crate) struct Host;

#[derive(Debug)]
pub(crate) struct Shared;

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostHandlers for Host {
    type Shared<'a> = Shared;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

/// A loaded library and the plugin in it.
pub(crate) struct Loaded {
    entry: PluginEntry,
    id: &'static CStr,
}

/// Barline as users get it: the library that BARLINE_CLAP names, else a release build made now.
pub(crate) fn barline() -> Result<Loaded> {
    let path = match std::env::var_os("BARLINE_CLAP") {
        Some(path) => PathBuf::from(path),
        None => {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--release", "--quiet", "-p", "plugin"])
                .status()?;
            ensure!(built.success(), "cannot build the plugin");
            let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
            let here = std::env::current_exe()?;
            let target =
                here.ancestors().nth(3).context("a benchmark lies in target/PROFILE/deps")?;
            target.join("release").join(format!("{prefix}plugin{suffix}"))
        }
    };
    // SAFETY: it runs the plugin's code in this process, which is the purpose.
    let entry = unsafe { PluginEntry::load(&path) }
        .with_context(|| format!("cannot load {}", path.display()))?;
    Ok(Loaded { entry, id: c"audio.barline.barline" })
}

/// The plugin that does nothing.
pub(crate) fn empty() -> Result<Loaded> {
    // SAFETY: the export macro made this entry, in this program.
    let entry = unsafe { PluginEntry::load_from_raw(&empty::clap_entry, c"")? };
    Ok(Loaded { entry, id: c"audio.barline.bench.empty" })
}

/// A processing instance with a block of audio of its own.
pub(crate) struct Instance {
    processor: StartedPluginAudioProcessor<Host>,
    // Kept after the processor, which belongs to it.
    _plugin: PluginInstance<Host>,
    input: [Vec<f32>; 2],
    output: [Vec<f32>; 2],
    ports: [AudioPorts; 2],
    rate_hz: u32,
    played_frames: u64,
}

impl Instance {
    pub(crate) fn new(loaded: &Loaded, rate_hz: u32, frames: usize) -> Result<Self> {
        let info = HostInfo::new("barline bench", "", "", "1")?;
        let mut plugin =
            PluginInstance::<Host>::new(|_| Shared, |_| (), &loaded.entry, loaded.id, &info)?;
        let config = PluginAudioConfiguration {
            sample_rate: f64::from(rate_hz),
            min_frames_count: 1,
            max_frames_count: u32::try_from(frames)?,
        };
        let stopped = plugin.activate(|_, ()| (), config)?;
        let processor =
            stopped.start_processing().map_err(|_| anyhow!("{:?} does not start", loaded.id))?;
        // Any audio will do: a wire takes the same time for all.
        let wave: Vec<f32> = (0..frames).map(|index| (index as f32 * 0.1).sin()).collect();
        let mut instance = Self {
            processor,
            _plugin: plugin,
            input: [wave.clone(), wave],
            output: [vec![0.0; frames], vec![0.0; frames]],
            ports: [AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1)],
            rate_hz,
            played_frames: 0,
        };
        instance.process()?;
        ensure!(instance.output == instance.input, "{:?} is not a wire", loaded.id);
        Ok(instance)
    }

    /// The next block of a song at 120 BPM; the first sample of the output, so that nothing is optimised away.
    pub(crate) fn process(&mut self) -> Result<f32> {
        let transport = playing(self.played_frames as f64 / f64::from(self.rate_hz));
        self.played_frames += self.input[0].len() as u64;
        let [input_ports, output_ports] = &mut self.ports;
        let inputs = input_ports.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                self.input.iter_mut().map(InputChannel::variable),
            ),
        }]);
        let mut outputs = output_ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                self.output.iter_mut().map(|x| x.as_mut_slice()),
            ),
        }]);
        let mut sent = OutputEvents::void();
        self.processor.process(
            &inputs,
            &mut outputs,
            &InputEvents::empty(),
            &mut sent,
            None,
            Some(&transport),
        )?;
        Ok(self.output[0][0])
    }
}

/// A transport that rolls, in 4/4 at 120 BPM.
fn playing(seconds: f64) -> TransportEvent {
    let quarters = seconds * 2.0;
    let bar = (quarters / 4.0).floor();
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags: TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_SECONDS_TIMELINE
            | TransportFlags::HAS_TIME_SIGNATURE
            | TransportFlags::IS_PLAYING,
        song_pos_beats: BeatTime::from_float(quarters),
        song_pos_seconds: SecondsTime::from_float(seconds),
        tempo: 120.0,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::from_float(0.0),
        loop_end_beats: BeatTime::from_float(0.0),
        loop_start_seconds: SecondsTime::from_float(0.0),
        loop_end_seconds: SecondsTime::from_float(0.0),
        bar_start: BeatTime::from_float(bar * 4.0),
        bar_number: bar as i32,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}
