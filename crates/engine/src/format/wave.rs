//! Captions and loudness inside a WAV file: cue points with labels and regions (RIFF MCI 1994), and a broadcast extension
//! chunk with its loudness fields (EBU Tech 3285, version 2). The sound is copied as it is.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom, Write};

use signal::Measurements;
use thiserror::Error;

use super::one_line;
use crate::timeline::Timeline;

/// Length of a `bext` chunk without coding history, and where its fields lie.
const BEXT_LEN: usize = 602;
const DESCRIPTION: std::ops::Range<usize> = 0..256;
const ORIGINATOR: std::ops::Range<usize> = 256..288;
const VERSION: usize = 346;
const LOUDNESS: usize = 412;
/// Stands for a loudness that is not known.
const NO_VALUE: i16 = 0x7fff;
/// Length of a cue point.
const POINT_LEN: usize = 24;
/// Chunks that are read into memory are no longer than this; a WAV file's own are a few kilobytes.
const MOST_BYTES: u64 = 16 << 20;

/// More chunks than this no program writes.
const MOST_CHUNKS: usize = 4096;
/// Length of the lengths of a 64-bit file, without its table.
const DS64_LEN: u64 = 28;

/// Why nothing was embedded.
#[derive(Debug, Error)]
pub enum WaveError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is no WAV file, or a broken one.
    #[error("{0}")]
    Format(&'static str),
}

/// A chunk's header as it stands in a file.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    id: [u8; 4],
    /// Where its content starts, and how long it is.
    at: u64,
    len: u64,
}

/// Copies a WAV file with the captions as cue points and, in its `bext` chunk, the summary and the loudness. Cue points that
/// are there stay, and so does all that `bext` says but for the loudness.
///
/// # Errors
/// A file that cannot be read or written, that is no WAV file, or that would grow beyond what its header can state.
pub fn embed<R: Read + Seek, W: Write + Seek>(
    input: &mut R,
    output: &mut W,
    timeline: &Timeline,
    measured: &Measurements,
) -> Result<(), WaveError> {
    let (magic, chunks) = chunks(input)?;
    let find = |id: &[u8; 4]| chunks.iter().copied().find(|chunk| &chunk.id == id);
    let old_bext = find(b"bext").map(|chunk| content(input, chunk)).transpose()?;
    let mut marks = Marks::default();
    for chunk in &chunks {
        if &chunk.id == b"cue " {
            marks.keep_points(&content(input, *chunk)?);
        } else if is_adtl(input, *chunk)? {
            marks.keep_labels(&content(input, *chunk)?);
        }
    }
    marks.add(timeline, measured.sample_rate_hz);

    output.write_all(&magic)?;
    output.write_all(&[0; 4])?;
    output.write_all(b"WAVE")?;
    let bext = bext(old_bext.as_deref(), timeline, measured);
    // The lengths of a 64-bit file stay its first chunk.
    let first = usize::from(&magic != b"RIFF");
    for (index, chunk) in chunks.iter().enumerate() {
        if index == first {
            write_chunk(output, b"bext", &bext)?;
        }
        let replaced = matches!(&chunk.id, b"bext" | b"cue ") || is_adtl(input, *chunk)?;
        if !replaced {
            copy(input, output, *chunk, &magic)?;
        }
    }
    write_chunk(output, b"cue ", &marks.cue())?;
    write_chunk(output, b"LIST", &marks.adtl())?;
    state_length(output, &magic)
}

/// The chunks of a file, and its first four bytes.
fn chunks<R: Read + Seek>(input: &mut R) -> Result<([u8; 4], Vec<Chunk>), WaveError> {
    let length = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::Start(0))?;
    let mut first = [0; 12];
    if length < 12 {
        return Err(WaveError::Format("too short for a WAV file"));
    }
    input.read_exact(&mut first)?;
    let magic = [first[0], first[1], first[2], first[3]];
    if !matches!(&magic, b"RIFF" | b"RF64" | b"BW64") || &first[8..] != b"WAVE" {
        return Err(WaveError::Format("not a WAV file"));
    }
    let wide = &magic != b"RIFF";
    // What lies behind the end that the header states is not the file's: tags, or the zeros of a broken disk. A stream's
    // header states none.
    let end = match u32_at(&first, 4) {
        0 | u32::MAX => length,
        stated => length.min(8 + u64::from(stated)),
    };
    let (mut found, mut at, mut data_len) = (Vec::new(), 12, None);
    while at + 8 <= end && found.len() < MOST_CHUNKS {
        input.seek(SeekFrom::Start(at))?;
        let mut header = [0; 8];
        input.read_exact(&mut header)?;
        let id = [header[0], header[1], header[2], header[3]];
        let (stated, left) = (u32_at(&header, 4), end - at - 8);
        let len = match (&id == b"data", stated) {
            // Not known when the header was written: in a 64-bit file another field has it, in a stream it is the rest.
            (true, u32::MAX) => data_len.unwrap_or(left),
            (true, 0) if end == length => left,
            _ => u64::from(stated),
        };
        if len > left {
            return Err(WaveError::Format("a chunk ends behind the file: it was cut off"));
        }
        let chunk = Chunk { id, at: at + 8, len };
        if wide && found.is_empty() {
            if &id != b"ds64" || len < DS64_LEN {
                return Err(WaveError::Format("a 64-bit file must begin with its lengths (ds64)"));
            }
            let body = content(input, chunk)?;
            data_len = Some(u64::from(u32_at(&body, 8)) | u64::from(u32_at(&body, 12)) << 32);
        }
        found.push(chunk);
        at += 8 + len + (len & 1);
    }
    if !found.iter().any(|chunk| &chunk.id == b"data") {
        return Err(WaveError::Format("the file has no data chunk"));
    }
    Ok((magic, found))
}

fn content<R: Read + Seek>(input: &mut R, chunk: Chunk) -> Result<Vec<u8>, WaveError> {
    if chunk.len > MOST_BYTES {
        return Err(WaveError::Format("a chunk of metadata is longer than 16 MiB"));
    }
    input.seek(SeekFrom::Start(chunk.at))?;
    let mut bytes = vec![0; chunk.len as usize];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn is_adtl<R: Read + Seek>(input: &mut R, chunk: Chunk) -> Result<bool, WaveError> {
    if &chunk.id != b"LIST" || chunk.len < 4 {
        return Ok(false);
    }
    input.seek(SeekFrom::Start(chunk.at))?;
    let mut kind = [0; 4];
    input.read_exact(&mut kind)?;
    Ok(&kind == b"adtl")
}

fn copy<R: Read + Seek, W: Write>(
    input: &mut R,
    output: &mut W,
    chunk: Chunk,
    magic: &[u8; 4],
) -> Result<(), WaveError> {
    let stated = match u32::try_from(chunk.len) {
        Ok(len) => len,
        Err(_) if magic != b"RIFF" => u32::MAX,
        Err(_) => return Err(WaveError::Format("a chunk is longer than 4 GiB")),
    };
    output.write_all(&chunk.id)?;
    output.write_all(&stated.to_le_bytes())?;
    input.seek(SeekFrom::Start(chunk.at))?;
    io::copy(&mut input.by_ref().take(chunk.len), output)?;
    output.write_all(&[0][..(chunk.len & 1) as usize])?;
    Ok(())
}

fn write_chunk<W: Write>(output: &mut W, id: &[u8; 4], body: &[u8]) -> Result<(), WaveError> {
    output.write_all(id)?;
    output.write_all(&(body.len() as u32).to_le_bytes())?;
    output.write_all(body)?;
    output.write_all(&[0][..body.len() & 1])?;
    Ok(())
}

/// Writes the length of all into the header: into its own field, or, in a 64-bit file, into `ds64`.
fn state_length<W: Write + Seek>(output: &mut W, magic: &[u8; 4]) -> Result<(), WaveError> {
    let bytes = output.seek(SeekFrom::End(0))? - 8;
    if magic == b"RIFF" {
        let Ok(bytes) = u32::try_from(bytes) else {
            return Err(WaveError::Format("with its captions the file is longer than 4 GiB"));
        };
        output.seek(SeekFrom::Start(4))?;
        output.write_all(&bytes.to_le_bytes())?;
    } else {
        output.seek(SeekFrom::Start(4))?;
        output.write_all(&u32::MAX.to_le_bytes())?;
        // `ds64` is the first chunk of such a file.
        output.seek(SeekFrom::Start(20))?;
        output.write_all(&bytes.to_le_bytes())?;
    }
    output.flush()?;
    Ok(())
}

/// A broadcast extension of version 2, from the one that was there.
fn bext(old: Option<&[u8]>, timeline: &Timeline, measured: &Measurements) -> Vec<u8> {
    let mut out = old.unwrap_or_default().to_vec();
    if out.len() < BEXT_LEN {
        out.resize(BEXT_LEN, 0);
    }
    let mut fill = |field: std::ops::Range<usize>, text: &str| {
        let ascii = text.bytes().map(|byte| if byte.is_ascii() { byte } else { b'?' });
        if out[field.clone()].iter().all(|byte| *byte == 0) {
            out[field].iter_mut().zip(ascii).for_each(|(to, byte)| *to = byte);
        }
    };
    fill(DESCRIPTION, &one_line(&timeline.summary));
    fill(ORIGINATOR, "Barline");
    out[VERSION..VERSION + 2].copy_from_slice(&2u16.to_le_bytes());
    let levels = [
        measured.integrated_lufs,
        measured.loudness_range_lu,
        measured.true_peak_dbtp,
        measured.momentary_max_lufs,
        measured.short_term_max_lufs,
    ];
    for (index, level) in levels.into_iter().enumerate() {
        let hundredths = level.map(|level| (level * 100.0).round());
        let value =
            hundredths.filter(|value| value.abs() < 9999.0).map_or(NO_VALUE, |value| value as i16);
        let at = LOUDNESS + 2 * index;
        out[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    out
}

/// Cue points and their labels: those that the file had, then one for each caption.
#[derive(Debug, Default)]
struct Marks {
    points: Vec<u8>,
    labels: Vec<u8>,
    ids: HashSet<u32>,
}

impl Marks {
    fn keep_points(&mut self, chunk: &[u8]) {
        let points = chunk.get(4..).unwrap_or_default();
        for point in points.chunks_exact(POINT_LEN) {
            self.ids.insert(u32_at(point, 0));
            self.points.extend_from_slice(point);
        }
    }

    fn keep_labels(&mut self, chunk: &[u8]) {
        let labels = chunk.get(4..).unwrap_or_default();
        let mut rest = labels;
        while rest.len() >= 12 {
            self.ids.insert(u32_at(rest, 8));
            let len = u32_at(rest, 4) as usize;
            rest = rest.get(8 + len + (len & 1)..).unwrap_or_default();
        }
        self.labels.extend_from_slice(labels);
        if self.labels.len() % 2 == 1 {
            self.labels.push(0);
        }
    }

    fn add(&mut self, timeline: &Timeline, rate_hz: u32) {
        let sample =
            |s: f64| (s.max(0.0) * f64::from(rate_hz)).round().min(f64::from(u32::MAX)) as u32;
        let ids = std::mem::take(&mut self.ids);
        let free = (1..=u32::MAX).filter(|id| !ids.contains(id));
        for (id, caption) in free.zip(&timeline.captions) {
            let (start, end) = (sample(caption.start_s), sample(caption.end_s));
            for field in [id, start] {
                self.points.extend_from_slice(&field.to_le_bytes());
            }
            self.points.extend_from_slice(b"data");
            for field in [0, 0, start] {
                self.points.extend_from_slice(&field.to_le_bytes());
            }
            let mut region = id.to_le_bytes().to_vec();
            region.extend_from_slice(&end.saturating_sub(start).to_le_bytes());
            region.extend_from_slice(b"rgn ");
            // Country, language, dialect and code page: not stated.
            region.extend_from_slice(&[0; 8]);
            let mut label = id.to_le_bytes().to_vec();
            label.extend_from_slice(one_line(&caption.text).as_bytes());
            label.push(0);
            for (kind, body) in [(b"labl", label), (b"ltxt", region)] {
                write_chunk(&mut self.labels, kind, &body).expect("a vector takes every byte");
            }
        }
    }

    fn cue(&self) -> Vec<u8> {
        let count = (self.points.len() / POINT_LEN) as u32;
        [&count.to_le_bytes()[..], &self.points].concat()
    }

    fn adtl(&self) -> Vec<u8> {
        [&b"adtl"[..], &self.labels].concat()
    }
}

/// Four bytes as a number; zero where they are missing.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    four.map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests;
