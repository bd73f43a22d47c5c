//! The song that `live` and `render` play, and where its transport is.

use factory::song::Song;
use signal::{Meter, Transport};

/// Samples a second.
pub(crate) const RATE_HZ: u32 = 48_000;

const TEMPO_BPM: f64 = 120.0;

/// Length of a bar in seconds.
pub(crate) const BAR_S: f64 = 2.0;

/// Stereo parts of a composed song, as left and right, the mix first.
pub(crate) fn parts() -> Vec<[Vec<f32>; 2]> {
    let rendered = Song::compose(1_000_900).render(RATE_HZ, &factory::voice::procedural);
    let side =
        |samples: &[f32], side: usize| samples.chunks_exact(2).map(|frame| frame[side]).collect();
    let stems = rendered.stems.iter().map(|stem| &stem.samples);
    std::iter::once(&rendered.mix)
        .chain(stems)
        .map(|samples| [0, 1].map(|index| side(samples, index)))
        .collect()
}

/// Where the host says that a frame lies, in real time or in a render.
pub(crate) fn transport(frame: usize, offline: bool) -> Transport {
    let quarters = frame as f64 / f64::from(RATE_HZ) * TEMPO_BPM / 60.0;
    Transport {
        playing: true,
        position: Some(frame as i64),
        tempo_bpm: Some(TEMPO_BPM),
        meter: Meter::new(4, 4),
        position_quarters: Some(quarters),
        bar_start_quarters: Some((quarters / 4.0).floor() * 4.0),
        offline,
    }
}
