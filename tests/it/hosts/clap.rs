//! A CLAP host of a hundred lines on the clack-host crate, for `hosts.rs`: main thread here, audio on a second thread.

#![expect(unsafe_code, reason = "loading a library and naming one buffer twice, as hosts do")]

use std::collections::BTreeSet;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{ParamValueEvent, TransportEvent};
use clack_host::prelude::*;

/// Channels of one block of audio: `[channels][frames]`.
pub(crate) type Block = Vec<Vec<f32>>;

/// Whether the plugin's output has memory of its own, or is the input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    Apart,
    InPlace,
}

/// A parameter as the plugin describes it; values are what CLAP carries.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: String,
    id: ClapId,
    pub(crate) value: f64,
}

struct Host;
struct Shared;

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

/// Where the built plugin lies: what BARLINE_CLAP names, else what Cargo builds now.
fn library() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        if let Some(path) = std::env::var_os("BARLINE_CLAP") {
            return path.into();
        }
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "plugin"]).status();
        assert!(built.is_ok_and(|status| status.success()), "cannot build the plugin");
        let deps = std::env::current_exe().expect("a test has a path");
        let profile = deps.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps/it");
        let name =
            format!("{}plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        profile.join(name)
    };
    PATH.get_or_init(build).clone()
}

fn entry() -> PluginEntry {
    let path = library();
    // SAFETY: it runs the plugin's code in this process, which is the purpose of these tests.
    unsafe { PluginEntry::load(&path) }
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Identifier and name of every plugin in the library.
pub(crate) fn descriptors() -> Vec<(String, String)> {
    let text =
        |text: Option<&std::ffi::CStr>| text.unwrap_or_default().to_string_lossy().into_owned();
    let entry = entry();
    let factory = entry.get_plugin_factory().expect("a plugin factory");
    factory.plugin_descriptors().map(|plugin| (text(plugin.id()), text(plugin.name()))).collect()
}

/// Where instances of this process report, which they read from the environment when they are made.
fn reports() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // SAFETY: done once, before the first instance exists; nothing else in these tests touches the environment.
        unsafe { std::env::set_var("BARLINE_REPORT", folder.path()) };
        folder
    });
    folder.path()
}

fn report_files() -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(reports()).expect("the folder of reports");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

/// Waits for something that a session thread does soon.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One instance of Barline.
pub(crate) struct Instance {
    plugin: PluginInstance<Host>,
    report: PathBuf,
}

impl Instance {
    pub(crate) fn new() -> Self {
        // One after the other, so that the new report is this instance's.
        static MAKING: Mutex<()> = Mutex::new(());
        let _alone = MAKING.lock();
        let before = report_files();
        let info = HostInfo::new("barline tests", "", "", "1").expect("no zero bytes");
        let id = CString::new("audio.barline.barline").expect("no zero bytes");
        let plugin =
            PluginInstance::new(|_| Shared, |_| (), &entry(), &id, &info).expect("an instance");
        let new = || report_files().difference(&before).next().cloned();
        Self { plugin, report: wait_for("the report", new) }
    }

    /// What the instance says it heard, once it has worked through so many frames.
    pub(crate) fn heard(&self, frames: u64) -> serde_json::Value {
        self.report("the audio", |report| {
            let count = |field: &str| report[field].as_u64().expect("a count");
            let all = count("heard_frames") + count("dropped_frames") + count("skipped_frames");
            report["idle"] == true && all >= frames
        })
    }

    /// The instance's report, once it is as wanted.
    pub(crate) fn report(
        &self,
        what: &str,
        wanted: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        wait_for(&format!("{what} in the report"), || {
            let report = std::fs::read(&self.report).expect("the report");
            let report = serde_json::from_slice(&report).expect("JSON");
            wanted(&report).then_some(report)
        })
    }

    /// Activates, processes all blocks on an audio thread (the parameters change with the first), and deactivates.
    pub(crate) fn process(
        &mut self,
        rate_hz: f64,
        max_frames: usize,
        blocks: &[Block],
        set: &[(&str, f64)],
        memory: Memory,
    ) -> Vec<Block> {
        let takes: Vec<_> = blocks.iter().map(|block| (block.clone(), None)).collect();
        self.play(rate_hz, max_frames, &takes, set, memory)
    }

    /// The same with a transport for each block.
    pub(crate) fn play(
        &mut self,
        rate_hz: f64,
        max_frames: usize,
        takes: &[(Block, Option<TransportEvent>)],
        set: &[(&str, f64)],
        memory: Memory,
    ) -> Vec<Block> {
        let params = self.params();
        let mut events = EventBuffer::new();
        for (name, value) in set {
            let id = params.iter().find(|param| param.name == *name).expect("a known parameter").id;
            events.push(&ParamValueEvent::new(0, id, Pckn::match_all(), *value));
        }
        let config = PluginAudioConfiguration {
            sample_rate: rate_hz,
            min_frames_count: 1,
            max_frames_count: u32::try_from(max_frames).expect("a small block"),
        };
        let stopped = self.plugin.activate(|_, ()| (), config).expect("it activates");
        let (stopped, heard) = std::thread::scope(|scope| {
            let audio = || {
                let mut started = stopped.start_processing().expect("it starts");
                let mut events = Some(events);
                let heard = takes
                    .iter()
                    .map(|(block, transport)| {
                        let events = events.take().unwrap_or_default();
                        one_block(&mut started, block, transport.as_ref(), &events, memory)
                    })
                    .collect::<Vec<_>>();
                (started.stop_processing(), heard)
            };
            scope.spawn(audio).join().expect("the audio thread ends")
        });
        self.plugin.deactivate(stopped);
        heard
    }

    /// All parameters.
    pub(crate) fn params(&mut self) -> Vec<Param> {
        let handle = self.plugin.plugin_handle();
        let params: PluginParams = handle.get_extension().expect("parameters");
        let mut buffer = ParamInfoBuffer::new();
        (0..params.count(&handle))
            .filter_map(|index| {
                let info = params.get_info(&handle, index, &mut buffer)?;
                let (name, id) = (String::from_utf8_lossy(info.name).into_owned(), info.id);
                Some(Param { name, id, value: params.get_value(&handle, id)? })
            })
            .collect()
    }

    /// The values of the parameters that the design fixes.
    pub(crate) fn values(&mut self) -> [(&'static str, f64); 3] {
        let params = self.params();
        ["Listen", "Ask", "Arm captions"].map(|name| {
            let param = params.iter().find(|param| param.name == name);
            (name, param.expect("our own parameter").value)
        })
    }

    pub(crate) fn save(&mut self) -> Vec<u8> {
        let handle = self.plugin.plugin_handle();
        let state: PluginState = handle.get_extension().expect("a state");
        let mut bytes = Vec::new();
        state.save(&handle, &mut bytes).expect("it saves");
        bytes
    }

    pub(crate) fn load(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        let handle = self.plugin.plugin_handle();
        let state: PluginState = handle.get_extension().expect("a state");
        state.load(&handle, &mut bytes).map_err(|error| error.to_string())
    }

    /// Latency in frames.
    pub(crate) fn latency(&mut self) -> u32 {
        let handle = self.plugin.plugin_handle();
        let latency: Option<PluginLatency> = handle.get_extension();
        latency.map_or(0, |latency| latency.get(&handle))
    }

    /// Channels in and out of every layout on offer.
    pub(crate) fn layouts(&mut self) -> Vec<(u32, u32)> {
        let handle = self.plugin.plugin_handle();
        let layouts: PluginAudioPortsConfig = handle.get_extension().expect("layouts");
        let mut buffer = AudioPortsConfigBuffer::new();
        (0..layouts.count(&handle))
            .filter_map(|index| {
                let layout = layouts.get(&handle, index, &mut buffer)?;
                Some((layout.main_input?.channel_count, layout.main_output?.channel_count))
            })
            .collect()
    }

    pub(crate) fn select_layout(&mut self, index: u32) {
        let handle = self.plugin.plugin_handle();
        let layouts: PluginAudioPortsConfig = handle.get_extension().expect("layouts");
        let mut buffer = AudioPortsConfigBuffer::new();
        let id = layouts.get(&handle, index, &mut buffer).expect("this layout").id;
        layouts.select(&handle, id).expect("it takes its own layout");
    }
}

/// One call of process(). Output memory that is not the input's starts as NaN, so an unwritten sample is seen.
fn one_block(
    plugin: &mut StartedPluginAudioProcessor<Host>,
    block: &Block,
    transport: Option<&TransportEvent>,
    events: &EventBuffer,
    memory: Memory,
) -> Block {
    let (channels, frames) = (block.len(), block[0].len());
    let mut input = block.clone();
    let mut output = match memory {
        Memory::Apart => vec![vec![f32::NAN; frames]; channels],
        Memory::InPlace => block.clone(),
    };
    let (mut input_ports, mut output_ports) =
        (AudioPorts::with_capacity(channels, 1), AudioPorts::with_capacity(channels, 1));
    let mut outputs = output_ports.with_output_buffers([AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_output_only(
            output.iter_mut().map(|channel| channel.as_mut_slice()),
        ),
    }]);
    let inputs = match memory {
        Memory::Apart => input_ports.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                input.iter_mut().map(InputChannel::variable),
            ),
        }]),
        Memory::InPlace => {
            let raw = outputs.as_raw_buffers();
            let frames = u32::try_from(frames).expect("a small block");
            // SAFETY: the buffers live until after process(), and CLAP allows one buffer to be input and output.
            unsafe {
                InputAudioBuffers::from_raw_buffers(
                    std::slice::from_raw_parts(raw.as_ptr(), raw.len()),
                    frames,
                )
            }
        }
    };
    let mut sent = EventBuffer::new();
    plugin
        .process(&inputs, &mut outputs, &events.as_input(), &mut sent.as_output(), None, transport)
        .expect("process() returns a status");
    output
}
