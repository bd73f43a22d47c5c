//! Good and bad files, written here.

use std::fs;

use super::*;

fn open_error(path: &Path) -> SourceError {
    Decoded::open(path.to_str().unwrap()).err().unwrap()
}

fn read(path: &Path) -> (Decoded, Vec<f32>) {
    let mut source = Decoded::open(path.to_str().unwrap()).unwrap();
    let samples = drain(&mut source);
    (source, samples)
}

fn drain(source: &mut Decoded) -> Vec<f32> {
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while source.next_block(&mut block).unwrap() {
        assert_eq!(block.len() % source.channels(), 0);
        all.extend_from_slice(&block);
    }
    all
}

fn wav(path: &Path, rate_hz: u32, channels: u16, bits: u16, frames: usize) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..frames * usize::from(channels) {
        writer.write_sample(((i % 200) as i32 - 100) << (bits - 8)).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
fn wav_of_any_word_length_reads_twice_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (bits, channels) in [(8, 1), (16, 2), (24, 6), (32, 8)] {
        let path = folder.path().join(format!("{bits}.wav"));
        wav(&path, 44_100, channels, bits, 5000);
        let (mut source, samples) = read(&path);
        assert_eq!((source.rate_hz(), source.channels()), (44_100, usize::from(channels)));
        assert_eq!(samples.len(), 5000 * usize::from(channels));
        assert!((samples[0] + 100.0 / 128.0).abs() < 0.01, "{}", samples[0]);
        source.rewind().unwrap();
        assert_eq!(drain(&mut source), samples);
        assert_eq!(source.notes().contains_key("noise_floor_dbfs"), bits == 8);
        assert_eq!(source.notes().contains_key("channels"), channels > 2);
    }
}

/// Amplitude of a sine of `hz` in one channel of stereo samples.
fn amplitude(samples: &[f32], channel: usize, hz: f64, rate_hz: u32) -> f64 {
    let step = std::f64::consts::TAU * hz / f64::from(rate_hz);
    let mono = samples.iter().skip(channel).step_by(2);
    let (re, im) = mono.enumerate().fold((0.0, 0.0), |(re, im), (i, x)| {
        let (sin, cos) = (step * i as f64).sin_cos();
        (re + f64::from(*x) * cos, im + f64::from(*x) * sin)
    });
    2.0 * f64::hypot(re, im) / (samples.len() / 2) as f64
}

/// Half a second: 440 Hz left, 880 Hz right, both -12 dBFS. Lossy formats may add silence at the ends, not change the pitch,
/// the level or the sides.
#[test]
fn every_format_gives_the_same_tone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/formats");
    for name in
        ["tone.aiff", "tone.flac", "tone.mp3", "tone.ogg", "tone.m4a", "tone.aac", "alac.m4a"]
    {
        let (mut source, samples) = read(&folder.join(name));
        assert_eq!((source.rate_hz(), source.channels()), (44_100, 2), "{name}");
        let frames = samples.len() / 2;
        assert!((22_050..22_050 + 4096).contains(&frames), "{name}: {frames} frames");
        let scale = frames as f64 / 22_050.0;
        for (channel, hz, other_hz) in [(0, 440.0, 880.0), (1, 880.0, 440.0)] {
            let level = amplitude(&samples, channel, hz, 44_100) * scale;
            let other = amplitude(&samples, channel, other_hz, 44_100) * scale;
            assert!((level - 0.25).abs() < 0.01 && other < 0.01, "{name}: {level}, {other}");
        }
        source.rewind().unwrap();
        assert_eq!(drain(&mut source), samples, "{name}");
    }
}

#[test]
fn odd_rates_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    for rate_hz in [1000, 768_000] {
        let path = folder.path().join("x.wav");
        wav(&path, rate_hz, 1, 16, 3);
        let (source, samples) = read(&path);
        assert_eq!((source.rate_hz(), samples.len()), (rate_hz, 3));
        assert!(source.notes().contains_key("sample_rate_hz"));
    }
}

#[test]
fn a_truncated_wav_is_read_to_its_last_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wav");
    wav(&path, 48_000, 2, 16, 48_000);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 4 * 12_345 - 2]).unwrap();
    let (source, samples) = read(&path);
    assert_eq!(samples.len(), 2 * (48_000 - 12_346));
    assert!(source.notes()["duration_s"].contains("1.00 s"), "{:?}", source.notes());
}

#[test]
fn a_truncated_aiff_is_read_to_its_last_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.aiff");
    let frames = 1000u32;
    let mut sound = vec![0; 8];
    (0..frames as i16).for_each(|i| sound.extend((i * 16).to_be_bytes()));
    // Mono, 16 bits, 44 100 Hz as an 80-bit float.
    let mut bytes = b"FORM".to_vec();
    bytes.extend((4 + 26 + 8 + sound.len() as u32).to_be_bytes());
    bytes.extend(b"AIFFCOMM\0\0\0\x12\0\x01");
    bytes.extend(frames.to_be_bytes());
    bytes.extend([0, 16, 0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]);
    bytes.extend(b"SSND");
    bytes.extend((sound.len() as u32).to_be_bytes());
    bytes.extend(&sound);
    fs::write(&path, &bytes).unwrap();
    let (source, whole) = read(&path);
    assert_eq!((source.rate_hz(), whole.len()), (44_100, 1000));
    assert!(source.notes().is_empty());
    fs::write(&path, &bytes[..bytes.len() - 301]).unwrap();
    let (source, samples) = read(&path);
    assert_eq!(samples, whole[..849]);
    assert!(source.notes()["duration_s"].starts_with("truncated"), "{:?}", source.notes());
}

#[test]
fn a_stream_of_unknown_length_and_rf64_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wav");
    wav(&path, 48_000, 1, 16, 1000);
    let good = fs::read(&path).unwrap();
    for size in [0, u32::MAX] {
        let mut bytes = good.clone();
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        bytes[40..44].copy_from_slice(&size.to_le_bytes());
        fs::write(&path, &bytes).unwrap();
        let (source, samples) = read(&path);
        assert_eq!(samples.len(), 1000, "size {size}");
        assert!(source.notes().is_empty());
    }
    let mut bytes = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    bytes.extend(2100u64.to_le_bytes());
    bytes.extend(2000u64.to_le_bytes());
    bytes.extend([0; 12]);
    bytes.extend(&good[12..40]);
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend(&good[44..]);
    bytes.extend(b"LIST\x04\0\0\0INFO");
    fs::write(&path, &bytes).unwrap();
    assert_eq!(read(&path).1.len(), 1000);
}

#[test]
fn bad_files_name_their_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wav");
    let check = |content: Option<&[u8]>, field: &str, word: &str| {
        let _ = fs::remove_file(&path);
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let error = open_error(&path);
        assert!(error.field == field && error.message.contains(word), "{error}");
    };
    check(None, "file", "cannot be opened");
    check(Some(b""), "file", "empty");
    check(
        Some(b"This is a text and no music at all, however long it goes on."),
        "format",
        "not an audio file",
    );
    check(Some(&[0xa5; 5000]), "format", "not an audio file");
    check(Some(b"RIFF\x24\0\0\0WAVEfmt "), "format", "");
    wav(&path, 48_000, 1, 16, 0);
    assert_eq!(open_error(&path).field, "samples");
    wav(&path, 48_000, 1, 16, 100);
    let renamed = folder.path().join("x.mp3");
    fs::copy(&path, &renamed).unwrap();
    let error = open_error(&renamed);
    assert!(error.field == "format" && error.message.contains("wave"), "{error}");
    assert!(open_error(folder.path()).message.contains("folder"));
    // Without an extension the content decides.
    let bare = folder.path().join("take");
    fs::copy(&path, &bare).unwrap();
    assert_eq!(read(&bare).1.len(), 100);
}
