//! What was played while captions were armed, on the disk until its captions are written: a host may end without a word, and
//! nothing that was heard for a file is lost. [`super::resume`] plays what such a host has left. `[session-thread]`

mod left;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use directories::ProjectDirs;
use serde::{Deserialize, Serialize};
use signal::Mark;

use super::Generation;
use super::spool::Item;

pub(super) use self::left::Left;

/// Extension of the files.
const EXTENSION: &str = "tape";

/// Bytes that one tape may take: three hours of stereo at 48 kHz; and all that lie there, before another begins.
const MOST_BYTES: u64 = 4 << 30;
const MOST_ALL_BYTES: u64 = 16 << 30;

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
    /// One that will lie in a folder, which is made where it is missing.
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
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.bytes > MOST_BYTES {
            return Err(io::Error::other(format!("{} GiB are in use", MOST_BYTES >> 30)));
        }
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
        let sizes = Left::all(&self.folder)?
            .into_iter()
            .filter_map(|path| Some(fs::metadata(path).ok()?.len()));
        if sizes.sum::<u64>() > MOST_ALL_BYTES {
            let what = format!(
                "earlier renders take {} GiB there: have their captions written",
                MOST_ALL_BYTES >> 30
            );
            return Err(io::Error::other(what));
        }
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
        Ok(Open { path, file: BufWriter::new(file), generation, bytes: 0 })
    }
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
