//! Writes a song's folder: `mix.wav`, `stems/NN-label.wav`, `truth.json`.

use std::fs;
use std::path::{Path, PathBuf};

use signal::Label;

use super::Song;
use crate::rng::Rng;
use crate::voice::Voice;

/// Why a song can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactoryError {
    /// The file system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A WAV file can't be written.
    #[error("{}: {source}", file.display())]
    Wav {
        /// The file.
        file: PathBuf,
        /// What the encoder said.
        source: hound::Error,
    },
    /// The truth can't be written.
    #[error("{}: {source}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// What the encoder said.
        source: serde_json::Error,
    },
    /// The rate is no audio rate.
    #[error("rate_hz {0} must lie in 8000..=192000")]
    Rate(u32),
}

/// Renders the song of a seed, with the faults that belong to it, into `out_dir/song-<seed>`; returns that folder.
pub fn write(
    seed: u64,
    rate_hz: u32,
    out_dir: &Path,
    cast: &dyn Fn(Label, &mut Rng) -> Box<dyn Voice>,
) -> Result<PathBuf, FactoryError> {
    if !(8_000..=192_000).contains(&rate_hz) {
        return Err(FactoryError::Rate(rate_hz));
    }
    let song = Song::compose(seed);
    let defects = song.defects();
    let rendered = song.render_with(rate_hz, cast, &defects);
    let truth = song.truth(&rendered);
    let dir = out_dir.join(format!("song-{seed}"));
    let stems = dir.join("stems");
    fs::create_dir_all(&stems).map_err(|source| FactoryError::Io { file: stems, source })?;
    wav(&dir.join("mix.wav"), &rendered.mix, rate_hz)?;
    for (stem, known) in rendered.stems.iter().zip(&truth.stems) {
        wav(&dir.join(&known.file), &stem.samples, rate_hz)?;
    }
    let file = dir.join("truth.json");
    let mut text = serde_json::to_string_pretty(&truth)
        .map_err(|source| FactoryError::Json { file: file.clone(), source })?;
    text.push('\n');
    fs::write(&file, text).map_err(|source| FactoryError::Io { file, source })?;
    Ok(dir)
}

/// Stereo, 24 bits; what lies beyond full scale is clipped as a converter does.
fn wav(file: &Path, interleaved: &[f32], rate_hz: u32) -> Result<(), FactoryError> {
    let failed = |source| FactoryError::Wav { file: file.to_owned(), source };
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate_hz,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).map_err(failed)?;
    for x in interleaved {
        // 24 bits: +-(2^23 - 1).
        writer.write_sample((x.clamp(-1.0, 1.0) * 8_388_607.0).round() as i32).map_err(failed)?;
    }
    writer.finalize().map_err(failed)
}
