//! What comes out is the file that went in, with cue points and loudness that stand where the standards have them.

use std::io::Cursor;

use super::*;
use crate::timeline::Caption;

const RATE_HZ: u32 = 48_000;

fn timeline() -> Timeline {
    let caption = |start_s, end_s, text: &str| Caption {
        start_s,
        end_s,
        bar: None,
        text: text.to_owned(),
        labels: Vec::new(),
        confidence: 1.0,
        checked_numbers: 0,
        loudness_lufs: None,
    };
    Timeline {
        duration_s: 0.02,
        summary: "Drums – loud.".to_owned(),
        captions: vec![caption(0.0, 0.01, "Drums."), caption(0.01, 0.02, "Bass\nand drums.")],
        ..Timeline::default()
    }
}

fn measured() -> Measurements {
    Measurements {
        sample_rate_hz: RATE_HZ,
        integrated_lufs: Some(-14.236),
        true_peak_dbtp: Some(-1.0),
        ..Measurements::default()
    }
}

fn file(extra: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    let mut format = Vec::new();
    for field in [1u16, 1] {
        format.extend(field.to_le_bytes());
    }
    for field in [RATE_HZ, RATE_HZ * 2] {
        format.extend(field.to_le_bytes());
    }
    for field in [2u16, 16] {
        format.extend(field.to_le_bytes());
    }
    write_chunk(&mut body, b"fmt ", &format).unwrap();
    for (id, content) in extra {
        write_chunk(&mut body, id, content).unwrap();
    }
    write_chunk(&mut body, b"data", &[1, 2, 3, 4, 5]).unwrap();
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

fn embedded(input: &[u8]) -> Result<Vec<u8>, WaveError> {
    let mut out = Cursor::new(Vec::new());
    embed(&mut Cursor::new(input), &mut out, &timeline(), &measured())?;
    Ok(out.into_inner())
}

fn of(bytes: &[u8], id: &[u8; 4]) -> Vec<Vec<u8>> {
    let mut cursor = Cursor::new(bytes);
    let (_, all) = chunks(&mut cursor).unwrap();
    let own = all.into_iter().filter(|chunk| &chunk.id == id);
    own.map(|chunk| content(&mut cursor, chunk).unwrap()).collect()
}

#[test]
fn the_sound_stays_and_the_captions_come() {
    let out = embedded(&file(&[])).unwrap();
    assert_eq!(u32_at(&out, 4) as usize + 8, out.len());
    assert_eq!(of(&out, b"data"), [[1, 2, 3, 4, 5]]);
    let cue = &of(&out, b"cue ")[0];
    assert_eq!((u32_at(cue, 0), cue.len()), (2, 4 + 2 * POINT_LEN));
    assert_eq!((u32_at(cue, 28), u32_at(cue, 28 + 20)), (2, 480), "the second one's sample");
    let adtl = String::from_utf8_lossy(&of(&out, b"LIST")[0]).into_owned();
    assert!(adtl.starts_with("adtllabl") && adtl.contains("Bass and drums.\0"));
    assert_eq!(adtl.matches("rgn ").count(), 2);
    let bext = &of(&out, b"bext")[0];
    let level = |index: usize| {
        i16::from_le_bytes([bext[LOUDNESS + 2 * index], bext[LOUDNESS + 2 * index + 1]])
    };
    assert_eq!([level(0), level(1), level(2)], [-1424, NO_VALUE, -100]);
    assert_eq!(&bext[..7], b"Drums ?");
}

#[test]
fn what_was_there_stays() {
    let mut old = vec![0; BEXT_LEN];
    old[..4].copy_from_slice(b"Mine");
    old.extend_from_slice(b"A=PCM\r\n");
    let once = embedded(&file(&[(b"bext", &old), (b"LIST", b"INFOsome")])).unwrap();
    let twice = embedded(&once).unwrap();
    let bext = &of(&twice, b"bext")[0];
    assert!(bext.starts_with(b"Mine\0") && bext.ends_with(b"A=PCM\r\n"));
    let cue = &of(&twice, b"cue ")[0];
    let ids: Vec<u32> = (0..4).map(|i| u32_at(cue, 4 + i * POINT_LEN)).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert_eq!(of(&twice, b"LIST").len(), 2, "INFO, and one adtl");
    assert_eq!(of(&twice, b"data"), of(&once, b"data"));
}

#[test]
fn files_of_64_bits_keep_their_order() {
    let mut wave = file(&[]);
    let mut ds64 = b"ds64".to_vec();
    ds64.extend(28u32.to_le_bytes());
    ds64.extend(0u64.to_le_bytes());
    ds64.extend(5u64.to_le_bytes());
    ds64.extend([0; 12]);
    wave.splice(12..12, ds64);
    wave[..8].copy_from_slice(b"RF64\xff\xff\xff\xff");
    let out = embedded(&wave).unwrap();
    assert_eq!((&out[..4], &out[12..16]), (&b"RF64"[..], &b"ds64"[..]));
    assert_eq!(u32_at(&out, 20) as usize + 8, out.len());
    assert_eq!(of(&out, b"data"), [[1, 2, 3, 4, 5]]);
}

#[test]
fn streams_and_tags_are_taken_as_they_are() {
    let mut tagged = file(&[]);
    tagged.extend([b'T'; 128]);
    assert_eq!(of(&embedded(&tagged).unwrap(), b"data"), [[1, 2, 3, 4, 5]]);
    let mut stream = file(&[]);
    stream.pop(); // the byte that fills the last chunk up
    let data = stream.len() - 9;
    stream[4..8].fill(0xff);
    stream[data..data + 4].fill(0xff);
    assert_eq!(of(&embedded(&stream).unwrap(), b"data"), [[1, 2, 3, 4, 5]]);
}

#[test]
fn rubbish_is_refused() {
    let mut endless = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    endless.extend([0; 8].into_iter().chain([0xff; 8]).chain([0; 12]));
    endless.extend(b"data\xff\xff\xff\xff");
    for (bytes, words) in [
        (&b"RIFF"[..], "too short"),
        (&b"FORM\0\0\0\0AIFF"[..], "not a WAV"),
        (&b"RIFF\0\0\0\0WAVE"[..], "no data"),
        (&b"RIFF\0\0\0\0WAVEdata\xff\xff\xff\x7f"[..], "cut off"),
        (&b"RF64\xff\xff\xff\xffWAVEdata\0\0\0\0"[..], "ds64"),
        (&endless[..], "cut off"),
    ] {
        let error = embedded(bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
