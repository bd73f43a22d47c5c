//! An instance of the plugin, played as wrappers play it: a song of noise, and the output must be the input.

use std::time::{Duration, Instant};

use nice_plug::context::process::Transport;
use nice_plug::prelude::*;
use plugin::Barline;

use super::host::Host;

const RATE_HZ: f32 = 48_000.0;

/// Frames of a block, and the time that it plays.
const BLOCK_FRAMES: usize = 480;
pub(crate) const BLOCK: Duration = Duration::from_millis(10);

/// Bars are half a second long.
const TEMPO_BPM: f64 = 480.0;

/// An instance that plays a song of noise, stereo at 48 kHz, from its start.
pub(crate) struct Deck {
    pub(crate) barline: Barline,
    host: Host,
    frame: usize,
}

impl Deck {
    pub(crate) fn new(mut barline: Barline) -> Self {
        let mut host = Host { transport: Transport::new(RATE_HZ) };
        let config = BufferConfig {
            sample_rate: RATE_HZ,
            min_buffer_size: None,
            max_buffer_size: BLOCK_FRAMES as u32,
            process_mode: ProcessMode::Realtime,
        };
        assert!(barline.activate(&Barline::AUDIO_IO_LAYOUTS[0], &config, &mut host));
        Self { barline, host, frame: 0 }
    }

    /// Plays a block, or gives one while the song stands; the output must be the input. Returns what process() took.
    pub(crate) fn block(&mut self, playing: bool) -> Duration {
        let noise = |i: usize| {
            let hash = (i as u32).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(40_503);
            0.3 * (f64::from(hash) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
        };
        let frames = self.frame..self.frame + BLOCK_FRAMES;
        let sent: Vec<f32> =
            if playing { frames.map(noise).collect() } else { vec![0.0; BLOCK_FRAMES] };
        let (mut left, mut right) = (sent.clone(), sent.clone());
        self.host.transport = self.transport(playing);
        let mut buffer = Buffer::default();
        #[expect(unsafe_code, reason = "the wrapper fills a buffer so")]
        // SAFETY: the slices live longer than the buffer and have this length.
        unsafe {
            buffer.set_slices(BLOCK_FRAMES, |slices| {
                slices.extend([left.as_mut_slice(), right.as_mut_slice()]);
            });
        }
        let mut none = AuxiliaryBuffers { inputs: &mut [], outputs: &mut [] };
        let called = Instant::now();
        self.barline.process(&mut buffer, &mut none, &mut self.host);
        let took = called.elapsed();
        drop(buffer);
        assert!(left == sent && right == sent, "a sample changed at frame {}", self.frame);
        self.frame += if playing { BLOCK_FRAMES } else { 0 };
        took
    }

    fn transport(&self, playing: bool) -> Transport {
        let mut now = Transport::new(RATE_HZ);
        let quarters = self.frame as f64 / f64::from(RATE_HZ) * TEMPO_BPM / 60.0;
        now.playing = playing;
        now.tempo = Some(TEMPO_BPM);
        now.pos_samples = Some(self.frame as i64);
        now.pos_beats = Some(quarters);
        now.bar_start_pos_beats = Some((quarters / 4.0).floor() * 4.0);
        (now.time_sig_numerator, now.time_sig_denominator) = (Some(4), Some(4));
        now
    }
}
