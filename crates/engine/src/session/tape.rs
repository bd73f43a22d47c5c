//! What was played while captions were armed, on the disk until its captions are written: a host may end without a word, and
//! nothing that was heard for a file is lost. [`super::resume`] plays what such a host has left. `[session-thread]`

mod left;

use std::fs::{self, DirEntry, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use directories::ProjectDirs;
use serde::{Deserialize, Serialize};
use signal::Mark;

use super::Generation;
use super::spool::Item;

pub(super) use self::left::Left;

/// Extension of the files.
const EXTENSION: &str = "tape";

/// How much tapes may take, in bytes.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// One: three hours of stereo at 48 kHz.
    most: u64,
    /// All that lies in the folder, whoever has recorded it.
    most_all: u64,
    /// How much is recorded between two looks at all of it.
    step: u64,
}

const LIMITS: Limits = Limits { most: 4 << 30, most_all: 16 << 30, step: 256 << 20 };

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
    /// A pass whose captions are written.
    Written(Pass),
    /// Nothing more is recorded: why.
    Stopped(String),
}

/// A pass, by its generation and its end in frames.
pub(super) type Pass = (u64, u64);

/// The tape of one instance, while it is needed.
#[derive(Debug)]
pub(super) struct Tape {
    folder: PathBuf,
    instance: u64,
    limits: Limits,
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
    /// At how many bytes the folder is looked at again.
    look_at: u64,
}

impl Tape {
    /// One that will lie in a folder, which is made where it is missing.
    pub(super) fn new(folder: PathBuf, instance: u64) -> Self {
        Self { folder, instance, limits: LIMITS, open: None, trouble: None }
    }

    /// The tapes' folder of this user.
    pub(super) fn folder() -> Option<PathBuf> {
        let dirs = ProjectDirs::from("audio", "Barline", "Barline")?;
        Some(dirs.data_local_dir().join("renders"))
    }

    /// Whether something is on it.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
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
        let done = self.write(title, generation, item);
        self.check(done);
    }

    /// Notes that a pass has its captions: whoever plays the tape leaves it out.
    pub(super) fn written(&mut self, pass: Pass) {
        let done = self.open.as_mut().map_or(Ok(()), |open| put(open, &Line::Written(pass), &[]));
        self.check(done);
    }

    /// Everything that was recorded has its captions, or will never have any.
    pub(super) fn erase(&mut self) {
        if let Some(open) = self.open.take() {
            // Before the lock goes with the file: nobody may take it for one that was left. What can't be removed is.
            let _ = fs::remove_file(open.path);
        }
        self.trouble = None;
    }

    /// What was recorded has no captions and should: the tape stays for whoever takes it up.
    pub(super) fn leave(&mut self) {
        self.flush();
        (self.open, self.trouble) = (None, None);
    }

    fn check(&mut self, done: io::Result<()>) {
        let Err(error) = done else { return };
        let trouble =
            format!("no copy is kept of what is rendered: {}: {error}", self.folder.display());
        if let Some(open) = &mut self.open {
            // Where there is room for a line, whoever plays the tape is told.
            let _ = put(open, &Line::Stopped(error.to_string()), &[]);
        }
        self.trouble = Some(trouble);
    }

    /// Hands what was recorded to the system, so that it outlives the process.
    pub(super) fn flush(&mut self) {
        let done = self.open.as_mut().map_or(Ok(()), |open| open.file.flush());
        self.check(done);
    }

    fn write(&mut self, title: &str, generation: Generation, item: &Item) -> io::Result<()> {
        if self.open.is_none() {
            let mut open = self.begin(generation)?;
            put(&mut open, &Line::Title(title.to_owned()), &[])?;
            put(&mut open, &Line::Begin(generation), &[])?;
            self.open = Some(open);
        }
        self.check_room()?;
        let Some(open) = &mut self.open else { return Ok(()) };
        if generation != open.generation {
            put(open, &Line::End, &[])?;
            put(open, &Line::Begin(generation), &[])?;
            open.generation = generation;
        }
        match item {
            Item::Begin(_) => Ok(()),
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
        check_folder(&self.folder, self.limits.most_all)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("{now}-{}-{}.{EXTENSION}", std::process::id(), self.instance);
        let path = self.folder.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // Nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Locked before it is a tape: who looks for those that were left finds none that is not.
        let part = path.with_extension("part");
        let file = options.open(&part)?;
        let named =
            file.try_lock().map_err(io::Error::other).and_then(|()| fs::rename(&part, &path));
        if let Err(error) = named {
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        let (file, look_at) = (BufWriter::new(file), self.limits.step);
        Ok(Open { path, file, generation, bytes: 0, look_at })
    }

    /// Whether this tape may go on; now and then, whether all of them may: others are recorded at the same time.
    fn check_room(&mut self) -> io::Result<()> {
        let Limits { most, most_all, step } = self.limits;
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.bytes > most {
            return Err(io::Error::other(format!("{} GiB are in use", most >> 30)));
        }
        if open.bytes >= open.look_at {
            open.look_at = open.bytes + step;
            check_folder(&self.folder, most_all)?;
        }
        Ok(())
    }
}

/// Refuses more where so much lies in a folder: tapes, and those that could not be read.
fn check_folder(folder: &Path, most_all: u64) -> io::Result<()> {
    let size = |entry: io::Result<DirEntry>| entry?.metadata().map(|metadata| metadata.len());
    let bytes: u64 = fs::read_dir(folder)?.filter_map(|entry| size(entry).ok()).sum();
    if bytes <= most_all {
        return Ok(());
    }
    let gib = most_all >> 30;
    let why = format!("renders take {gib} GiB there: have the captions of earlier ones written");
    Err(io::Error::other(why))
}

fn put(open: &mut Open, line: &Line, samples: &[f32]) -> io::Result<()> {
    let mut bytes = bytes_of(line)?;
    bytes.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
    open.bytes += bytes.len() as u64;
    open.file.write_all(&bytes)
}

fn bytes_of(line: &Line) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests;
