//! Decodes a recording of the bank (FLAC or WAV) to mono 16-bit samples.

use std::fs::File;
use std::path::Path;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::BankError;

/// Longest recording that is accepted: the bank's are 10 s, and memory must stay bounded.
const LONGEST_S: usize = 120;

/// The mean of the channels, and the sample rate in Hz.
///
/// # Errors
/// A file that can't be opened, isn't audio, breaks off, or is longer than two minutes.
pub(super) fn mono_i16(path: &Path) -> Result<(Vec<i16>, u32), BankError> {
    let fail = |reason: String| BankError::Audio { file: path.to_owned(), reason };
    let file =
        File::open(path).map_err(|source| BankError::Io { file: path.to_owned(), source })?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| fail(error.to_string()))?;
    let track =
        format.default_track(TrackType::Audio).ok_or_else(|| fail("no audio track".to_owned()))?;
    let track_id = track.id;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| fail("no audio codec".to_owned()))?;
    let rate_hz = parameters.sample_rate.ok_or_else(|| fail("no sample rate".to_owned()))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| fail(error.to_string()))?;
    let (mut mono, mut block) = (Vec::new(), Vec::<i16>::new());
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                break;
            }
            Err(error) => return Err(fail(error.to_string())),
        };
        if packet.track_id != track_id {
            continue;
        }
        let decoded = decoder.decode(&packet).map_err(|error| fail(error.to_string()))?;
        let channels = decoded.spec().channels().count().max(1);
        block.resize(decoded.samples_interleaved(), 0);
        decoded.copy_to_slice_interleaved(&mut block);
        mono.extend(block.chunks_exact(channels).map(|frame| {
            let sum: i32 = frame.iter().map(|&x| i32::from(x)).sum();
            (sum / channels as i32) as i16
        }));
        if mono.len() > LONGEST_S * rate_hz as usize {
            return Err(fail(format!("longer than {LONGEST_S} s")));
        }
    }
    if rate_hz == 0 {
        return Err(fail("sample rate 0".to_owned()));
    }
    Ok((mono, rate_hz))
}
