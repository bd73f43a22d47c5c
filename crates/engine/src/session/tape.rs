//! What was played while captions were armed, on the disk until its captions are written: a host may end without a word, and
//! nothing that was heard for a file is lost. [`super::resume`] plays what such a host has left. `[session-thread]`

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use directories::ProjectDirs;
use serde::{Deserialize, Serialize};
use signal::{MAX_CHANNELS, Mark};

use super::Generation;
use super::spool::{Item, Piece};

/// Extension of the files.
const EXTENSION: &str = "tape";

/// Bytes that one tape may take: two and a half hours of stereo at 48 kHz.
const MOST_BYTES: u64 = 4 << 30;

/// Longest line and most samples of a record: more is none of ours.
const MOST_LINE: u64 = 4096;
const MOST_SAMPLES: usize = 32 << 20;

/// Highest rate taken for one.
const MOST_RATE_HZ: f64 = 1e6;

/// A record's line; the samples of a piece follow it as they are, 32 bits each, little-endian.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    /// The first: whose tape it is.
    Title(String),
    Begin(Generation),
    Piece {
        mark: Mark,
        offset_frames: u64,
        channels: usize,
        samples: usize,
    },
    End,
}

/// The tape of one instance, while it is needed.
#[derive(Debug)]
pub(super) struct Tape {
    folder: PathBuf,
    instance: u64,
    open: Option<Open>,
    trouble: Option<String>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    /// Locked, so that nobody takes a tape that is still being recorded for one that was left.
    file: BufWriter<File>,
    generation: Generation,
    bytes: u64,
}

impl Tape {
    pub(super) fn new(folder: PathBuf, instance: u64) -> Self {
        Self { folder, instance, open: None, trouble: None }
    }

    /// The tapes' folder of this user.
    pub(super) fn folder() -> Option<PathBuf> {
        let dirs = ProjectDirs::from("audio", "Barline", "Barline")?;
        Some(dirs.data_local_dir().join("renders"))
    }

    /// Why what comes is not recorded.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Records what a track of that title plays. A tape begins with the first that is heard.
    pub(super) fn record(&mut self, title: &str, generation: Generation, item: &Item) {
        if self.trouble.is_some() || (self.open.is_none() && !item.is_heard()) {
            return;
        }
        if let Err(error) = self.write(title, generation, item) {
            let folder = self.folder.display();
            self.trouble = Some(format!("no copy is kept of what is rendered: {folder}: {error}"));
        }
    }

    /// Everything that was recorded has its captions, or will never have any.
    pub(super) fn erase(&mut self) {
        if let Some(open) = self.open.take() {
            drop(open.file);
            // What can't be removed is found again, and written beside what there is.
            let _ = fs::remove_file(open.path);
        }
        self.trouble = None;
    }

    /// Hands what was recorded to the system, so that it outlives the process.
    pub(super) fn flush(&mut self) {
        let Some(open) = &mut self.open else { return };
        if let Err(error) = open.file.flush() {
            self.trouble = Some(format!("no copy is kept of what is rendered: {error}"));
        }
    }

    fn write(&mut self, title: &str, generation: Generation, item: &Item) -> io::Result<()> {
        if self.open.is_none() {
            let mut open = self.begin(generation)?;
            put(&mut open, &Line::Title(title.to_owned()), &[])?;
            put(&mut open, &Line::Begin(generation), &[])?;
            self.open = Some(open);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.bytes > MOST_BYTES {
            return Err(io::Error::other(format!("{} GiB are in use", MOST_BYTES >> 30)));
        }
        match item {
            Item::Begin(begun) if *begun == open.generation => Ok(()),
            Item::Begin(begun) => {
                open.generation = *begun;
                put(open, &Line::Begin(*begun), &[])
            }
            Item::End => put(open, &Line::End, &[]),
            Item::Piece(piece) => {
                let chunk = piece.chunk();
                let line = Line::Piece {
                    mark: chunk.mark,
                    offset_frames: chunk.offset_frames,
                    channels: chunk.channels,
                    samples: chunk.samples.len(),
                };
                put(open, &line, chunk.samples)
            }
        }
    }

    fn begin(&self, generation: Generation) -> io::Result<Open> {
        fs::create_dir_all(&self.folder)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("{now}-{}-{}.{EXTENSION}", std::process::id(), self.instance);
        let path = self.folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.try_lock().map_err(io::Error::other)?;
        Ok(Open { path, file: BufWriter::new(file), generation, bytes: 0 })
    }
}

/// A generation that a tap can have.
fn checked(generation: Generation) -> io::Result<Generation> {
    let Generation { rate_hz, channels, .. } = generation;
    if (1.0..=MOST_RATE_HZ).contains(&rate_hz) && (1..=MAX_CHANNELS).contains(&channels) {
        return Ok(generation);
    }
    Err(io::Error::other(format!("generation: {channels} channels at {rate_hz} Hz")))
}

fn put(open: &mut Open, line: &Line, samples: &[f32]) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    bytes.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
    open.bytes += bytes.len() as u64;
    open.file.write_all(&bytes)
}

/// A tape that was left, being played.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) path: PathBuf,
    pub(super) title: String,
    /// Locked, so that nobody else plays it.
    file: BufReader<File>,
}

impl Left {
    /// The tapes in a folder that nobody records or plays, oldest first.
    pub(super) fn all(folder: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == EXTENSION))
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// Opens a tape; none where another process has it.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let mut left =
            Self { path: path.to_owned(), title: String::new(), file: BufReader::new(file) };
        match left.line()? {
            Some(Line::Title(title)) => left.title = title,
            Some(_) => return Err(io::Error::other("it does not begin with a title")),
            None => {}
        }
        Ok(Some(left))
    }

    /// The next item; none at the end, and where the last record is only a part of one.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        Ok(match self.line()? {
            None => None,
            Some(Line::Title(_)) => return Err(io::Error::other("it has a second title")),
            Some(Line::Begin(generation)) => Some(Item::Begin(checked(generation)?)),
            Some(Line::End) => Some(Item::End),
            Some(Line::Piece { mark, offset_frames, channels, samples }) => {
                if channels == 0 || samples > MOST_SAMPLES || samples % channels != 0 {
                    return Err(io::Error::other(format!(
                        "samples: {samples} of {channels} channels"
                    )));
                }
                let mut bytes = vec![0; samples * 4];
                match self.file.read_exact(&mut bytes) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                    Err(error) => return Err(error),
                }
                let samples =
                    bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
                let transport = mark.transport.checked();
                Some(Item::Piece(Piece::kept(
                    Mark { transport, ..mark },
                    offset_frames,
                    channels,
                    samples,
                )))
            }
        })
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        (&mut self.file).take(MOST_LINE).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            let whole = line.len() as u64 == MOST_LINE;
            return if whole { Err(io::Error::other("a line is too long")) } else { Ok(None) };
        }
        serde_json::from_slice(&line).map(Some).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests;
