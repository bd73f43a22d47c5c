//! WAV and AIFF files whose header does not fit their length: recordings that were cut off, streams whose length was not
//! known when the header was written, and RF64. The header is put right as it is read; the file is never touched.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use symphonia::core::io::MediaSource;

/// A file with some bytes of its header replaced.
#[derive(Debug)]
struct Patched {
    file: File,
    length: u64,
    position: u64,
    patches: Vec<(u64, [u8; 4])>,
}

/// What the header says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    rf64: bool,
    riff_bytes: u64,
    /// Of the `ds64` chunk.
    data_bytes_64: Option<u64>,
    bytes_per_second: u32,
    /// Where the data's size field lies, and what it says.
    data: Option<(u64, u32)>,
}

/// Opens a file as symphonia wants it, with a note on what was put right. Files of other formats pass as they are.
pub(super) fn open(
    mut file: File,
    length: u64,
) -> io::Result<(Box<dyn MediaSource>, BTreeMap<String, String>)> {
    let mut notes = BTreeMap::new();
    let header = header(&mut file, length)?;
    let mut patches = cut_aiff(&mut file, length, &mut notes)?;
    file.seek(SeekFrom::Start(0))?;
    if let Some(header) = header
        && let Some((at, stated)) = header.data
    {
        let there = length - (at + 4);
        let stated_bytes = match stated {
            u32::MAX => header.data_bytes_64,
            // A header that was never completed; an empty chunk in a complete file is just that.
            0 if header.riff_bytes + 8 != length => None,
            stated => Some(u64::from(stated)),
        };
        let bytes = stated_bytes.unwrap_or(there).min(there);
        if stated_bytes.is_some_and(|stated| stated > there) && header.bytes_per_second > 0 {
            let seconds = |bytes: u64| bytes as f64 / f64::from(header.bytes_per_second);
            let stated_s = seconds(stated_bytes.unwrap_or(0));
            let text = format!(
                "truncated: the header states {stated_s:.2} s, {:.2} s are there",
                seconds(bytes)
            );
            notes.insert("duration_s".to_owned(), text);
        }
        if u64::from(stated) != bytes || header.rf64 {
            patches.push((0, *b"RIFF"));
            // The largest number says "not known" to symphonia.
            patches.push((4, u32::MAX.to_le_bytes()));
            patches.push((at, u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()));
        }
    }
    Ok((Box::new(Patched { file, length, position: 0, patches }), notes))
}

/// What to replace in an AIFF file whose sound was cut off.
fn cut_aiff(
    file: &mut File,
    length: u64,
    notes: &mut BTreeMap<String, String>,
) -> io::Result<Vec<(u64, [u8; 4])>> {
    let mut first = [0; 12];
    file.seek(SeekFrom::Start(0))?;
    if length < 12 || length > u64::from(u32::MAX) {
        return Ok(Vec::new());
    }
    file.read_exact(&mut first)?;
    if &first[..4] != b"FORM" || !(first[8..].eq(b"AIFF") || first[8..].eq(b"AIFC")) {
        return Ok(Vec::new());
    }
    let mut at = 12;
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at))?;
        let mut chunk = [0; 8];
        file.read_exact(&mut chunk)?;
        let size = u32::from_be_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let there = length - (at + 8);
        if &chunk[..4] == b"SSND" && u64::from(size) > there {
            let text =
                format!("truncated: the header states {size} bytes of sound, {there} are there");
            notes.insert("duration_s".to_owned(), text);
            let bytes = |n: u64| (n as u32).to_be_bytes();
            return Ok(vec![(4, bytes(length - 8)), (at + 4, bytes(there))]);
        }
        at += 8 + u64::from(size) + u64::from(size & 1);
    }
    Ok(Vec::new())
}

/// Reads the chunks up to the data; `None` for a file that is no WAV.
fn header(file: &mut File, length: u64) -> io::Result<Option<Header>> {
    let mut first = [0; 12];
    if length < 12 {
        return Ok(None);
    }
    file.read_exact(&mut first)?;
    let magic = &first[..4];
    if !([b"RIFF", b"RF64", b"BW64"].iter().any(|m| magic == *m) && &first[8..] == b"WAVE") {
        return Ok(None);
    }
    let mut header = Header {
        rf64: magic != b"RIFF",
        riff_bytes: u64::from(le_u32(&first[4..])),
        ..Header::default()
    };
    let mut at = 12;
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at))?;
        let mut chunk = [0; 8];
        file.read_exact(&mut chunk)?;
        let size = le_u32(&chunk[4..]);
        let mut body = [0; 16];
        let fits = u64::from(size) >= 16 && at + 24 <= length;
        match &chunk[..4] {
            b"data" => {
                header.data = Some((at + 4, size));
                return Ok(Some(header));
            }
            b"ds64" if fits => {
                file.read_exact(&mut body)?;
                header.data_bytes_64 =
                    Some(u64::from(le_u32(&body[8..])) | u64::from(le_u32(&body[12..])) << 32);
            }
            b"fmt " if fits => {
                file.read_exact(&mut body)?;
                header.bytes_per_second = le_u32(&body[8..]);
            }
            _ => {}
        }
        // Chunks begin at even positions.
        at += 8 + u64::from(size) + u64::from(size & 1);
    }
    Ok(Some(header))
}

fn le_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

impl Read for Patched {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(out)?;
        for (at, bytes) in &self.patches {
            for (i, byte) in bytes.iter().enumerate() {
                let position = at + i as u64;
                if (self.position..self.position + read as u64).contains(&position) {
                    out[(position - self.position) as usize] = *byte;
                }
            }
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Patched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}

impl MediaSource for Patched {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
