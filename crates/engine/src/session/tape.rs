//! What was played while captions were armed, on the disk until its captions are written: a host may end without a word, and
//! nothing that was heard for a file is lost. [`super::resume`] plays what such a host has left. `[session-thread]`

use std::fs::{self, File, OpenOptions};
use std::io::{
    self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _,
};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use directories::ProjectDirs;
use serde::{Deserialize, Serialize};
use signal::{MAX_CHANNELS, Mark};

use super::Generation;
use super::spool::{Item, Piece};

/// Extension of the files.
const EXTENSION: &str = "tape";

/// Bytes that one tape may take: three hours of stereo at 48 kHz; and all that lie there, before another begins.
const MOST_BYTES: u64 = 4 << 30;
const MOST_ALL_BYTES: u64 = 16 << 30;

/// Longest line and most samples of a record: more is none of ours.
const MOST_LINE: u64 = 4096;
const MOST_SAMPLES: usize = 32 << 20;

/// Highest rate taken for one, and the longest run of one mark or gap, in seconds: a day.
const MOST_RATE_HZ: f64 = 1e6;
const MOST_S: f64 = 86_400.0;

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
        let file = options.open(&path)?;
        if let Err(error) = file.try_lock() {
            let _ = fs::remove_file(&path);
            return Err(io::Error::other(error));
        }
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

/// A tape that was left, being played.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) path: PathBuf,
    pub(super) title: String,
    /// Passes that have their captions.
    pub(super) written: Vec<Pass>,
    /// Why recording ended before the render did, where it says so.
    pub(super) stopped: Option<String>,
    /// Locked, so that nobody else plays it.
    file: BufReader<File>,
    generation: Option<Generation>,
    /// The frame that comes next, where it is known.
    next_frame: Option<u64>,
}

impl Left {
    /// The tapes in a folder, oldest first.
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

    /// Opens a tape; none where another process records or plays it, or has just removed it.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        // Some systems lock only what may be written.
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        match file.try_lock() {
            Ok(()) if path.exists() => {}
            Ok(()) | Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let mut left = Self {
            path: path.to_owned(),
            title: String::new(),
            written: Vec::new(),
            stopped: None,
            file: BufReader::new(file),
            generation: None,
            next_frame: None,
        };
        left.look_ahead()?;
        match left.line()? {
            Some(Line::Title(title)) => left.title = title,
            Some(_) => return Err(io::Error::other("it does not begin with a title")),
            None => {}
        }
        Ok(Some(left))
    }

    /// The next item; none at the end, and where the last record is only a part of one.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            return match self.line()? {
                None => Ok(None),
                Some(Line::Title(_)) => Err(io::Error::other("it has a second title")),
                Some(Line::Written(_) | Line::Stopped(_)) => continue,
                Some(Line::Begin(generation)) => {
                    self.generation = Some(checked(generation)?);
                    self.next_frame = None;
                    Ok(Some(Item::Begin(generation)))
                }
                Some(Line::End) => Ok(Some(Item::End)),
                Some(Line::Piece { mark, offset_frames, channels, samples }) => {
                    self.check_place(&mark, offset_frames, channels, samples)?;
                    let Some(samples) = self.samples(samples)? else { return Ok(None) };
                    let mark = Mark { transport: mark.transport.checked(), ..mark };
                    Ok(Some(Item::Piece(Piece::kept(mark, offset_frames, channels, samples))))
                }
            };
        }
    }

    /// Adds that a pass has its captions.
    pub(super) fn append_written(&mut self, pass: Pass) -> io::Result<()> {
        let file = self.file.get_mut();
        file.seek(SeekFrom::End(0))?;
        file.write_all(&bytes_of(&Line::Written(pass))?)
    }

    /// Reads what stands behind the passes that it is about, and goes back to the start.
    fn look_ahead(&mut self) -> io::Result<()> {
        loop {
            match self.line() {
                Ok(Some(Line::Written(pass))) => self.written.push(pass),
                Ok(Some(Line::Stopped(why))) => self.stopped = Some(why),
                Ok(Some(Line::Piece { samples, .. })) if samples <= MOST_SAMPLES => {
                    self.file.seek_relative(samples as i64 * 4)?;
                }
                Ok(Some(Line::Title(_) | Line::Begin(_) | Line::End)) => {}
                // Whoever plays it finds out.
                Ok(Some(Line::Piece { .. }) | None) | Err(_) => break,
            }
        }
        self.file.seek(SeekFrom::Start(0)).map(|_| ())
    }

    /// Refuses a piece that no tap makes: they follow each other, but for frames that were lost.
    fn check_place(
        &mut self,
        mark: &Mark,
        offset_frames: u64,
        channels: usize,
        samples: usize,
    ) -> io::Result<()> {
        let wrong = |what: String| Err(io::Error::other(format!("a piece: {what}")));
        let Some(generation) = self.generation else { return wrong("of no generation".to_owned()) };
        if channels != generation.channels
            || samples > MOST_SAMPLES
            || !samples.is_multiple_of(channels)
        {
            return wrong(format!("{samples} samples of {channels} channels"));
        }
        let far = (generation.rate_hz * MOST_S) as u64;
        let frame = mark.frame.checked_add(offset_frames).filter(|_| offset_frames <= far);
        let Some(frame) = frame.filter(|frame| *frame < 1 << 53 && mark.lost_frames <= mark.frame)
        else {
            return wrong(format!("{offset_frames} frames after frame {}", mark.frame));
        };
        let follows = self.next_frame.is_none_or(|next| {
            frame == next
                || (offset_frames == 0
                    && mark.lost_frames <= far
                    && frame == next + mark.lost_frames)
        });
        if !follows {
            return wrong(format!("frame {frame}, where {:?} was to come", self.next_frame));
        }
        self.next_frame = Some(frame + (samples / channels) as u64);
        Ok(())
    }

    /// So many samples; none where the file ends before. Grows as it reads, for the number is the file's.
    fn samples(&mut self, count: usize) -> io::Result<Option<Vec<f32>>> {
        let mut bytes = Vec::new();
        (&mut self.file).take(count as u64 * 4).read_to_end(&mut bytes)?;
        let value = |four: &[u8; 4]| f32::from_le_bytes(*four);
        Ok((bytes.len() == count * 4).then(|| bytes.as_chunks().0.iter().map(value).collect()))
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
