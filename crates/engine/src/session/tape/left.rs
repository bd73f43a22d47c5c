//! A tape that an instance has left: found, locked and read, with distrust. `[session-thread]`

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, Zoned, tz::TimeZone};
use signal::{MAX_CHANNELS, Mark};

use super::{EXTENSION, Line, Pass, bytes_of};
use crate::session::Generation;
use crate::session::spool::{Item, Piece, Seam};

/// What the name of a tape ends with, after its extension, once it could not be read.
const DAMAGED: &str = "damaged";

/// Longest line and most samples of a record: more is none of ours.
const MOST_LINE: u64 = 4096;
const MOST_SAMPLES: usize = 32 << 20;

/// Highest rate taken for one, and the longest run of one mark or gap, in seconds: a day.
const MOST_RATE_HZ: f64 = 1e6;
const MOST_S: f64 = 86_400.0;

/// A tape that was left, being played.
#[derive(Debug)]
pub(in crate::session) struct Left {
    pub(in crate::session) path: PathBuf,
    pub(in crate::session) title: String,
    /// Passes that have their captions.
    pub(in crate::session) written: Vec<Pass>,
    /// Why recording ended before the render did, where it says so.
    pub(in crate::session) stopped: Option<String>,
    /// Locked, so that nobody else plays it.
    file: BufReader<File>,
    bytes: u64,
    /// The one that is played, and what sees that its pieces follow each other.
    generation: Option<(Generation, Seam)>,
}

impl Left {
    /// The tapes in a folder, oldest first.
    pub(in crate::session) fn all(folder: &Path) -> io::Result<Vec<PathBuf>> {
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

    /// How many of the tapes in a folder nobody records or plays. Their locks are shared, so that many may look at once.
    pub(in crate::session) fn count(folder: &Path) -> io::Result<usize> {
        let free =
            |path: &PathBuf| File::open(path).is_ok_and(|file| file.try_lock_shared().is_ok());
        Ok(Self::all(folder)?.iter().filter(|path| free(path)).count())
    }

    /// When it was begun, by its name; none where that says nothing.
    pub(in crate::session) fn began(&self) -> Option<Zoned> {
        let name = self.path.file_stem()?.to_str()?;
        let nanoseconds = name.split('-').next()?.parse().ok()?;
        let began = Timestamp::from_nanosecond(nanoseconds).ok()?;
        Some(began.to_zoned(TimeZone::system()))
    }

    /// Opens a tape; none where another process records or plays it, or has just removed it.
    pub(in crate::session) fn open(path: &Path) -> io::Result<Option<Self>> {
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
            bytes: file.metadata()?.len(),
            file: BufReader::new(file),
            generation: None,
        };
        left.look_ahead()?;
        match left.line()? {
            Some(Line::Title(title)) => left.title = title,
            Some(_) => return Err(refused("it does not begin with a title")),
            None => {}
        }
        Ok(Some(left))
    }

    /// The next item; none at the end, and where the last record is only a part of one.
    pub(in crate::session) fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            return match self.line()? {
                None => Ok(None),
                Some(Line::Title(_)) => Err(refused("it has a second title")),
                Some(Line::Written(_) | Line::Stopped(_)) => continue,
                Some(Line::Begin(generation)) => {
                    let seam = Seam::new(checked(generation)?.rate_hz);
                    self.generation = Some((generation, seam));
                    Ok(Some(Item::Begin(generation)))
                }
                Some(Line::End) => Ok(Some(Item::End)),
                Some(Line::Piece { mark, offset_frames, channels, samples }) => {
                    self.check_place(&mark, offset_frames, channels, samples)?;
                    let Some(samples) = self.samples(samples)? else { return Ok(None) };
                    let mark = Mark { transport: mark.transport.checked(), ..mark };
                    let piece = Piece::kept(mark, offset_frames, channels, samples);
                    let joined = self.generation.as_mut().map(|(_, seam)| seam.join(piece));
                    Ok(joined.map(Item::Piece))
                }
            };
        }
    }

    /// About how many seconds of audio are still to come, by the bytes that are.
    pub(in crate::session) fn remaining_s(&mut self) -> u64 {
        let Some((Generation { rate_hz, channels, .. }, _)) = self.generation else { return 0 };
        let at = self.file.stream_position().unwrap_or(self.bytes);
        (self.bytes.saturating_sub(at) as f64 / (4.0 * channels as f64 * rate_hz)) as u64
    }

    /// Adds that a pass has its captions.
    pub(in crate::session) fn append_written(&mut self, pass: Pass) -> io::Result<()> {
        let at = self.file.stream_position()?;
        self.file.seek(SeekFrom::End(0))?;
        let done = self.file.get_mut().write_all(&bytes_of(&Line::Written(pass))?);
        // Playing goes on where it was.
        self.file.seek(SeekFrom::Start(at))?;
        done
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

    /// Sets the tape aside: nobody takes it up again, and whoever can read it finds it. Where it then lies.
    pub(in crate::session) fn set_aside(path: &Path) -> io::Result<PathBuf> {
        let aside = path.with_added_extension(DAMAGED);
        fs::rename(path, &aside).map(|()| aside)
    }

    /// Refuses a piece that no tap makes: they follow each other, but for frames that were lost or not recorded.
    fn check_place(
        &self,
        mark: &Mark,
        offset_frames: u64,
        channels: usize,
        samples: usize,
    ) -> io::Result<()> {
        let wrong = |what: String| Err(refused(format!("a piece: {what}")));
        let Some((generation, seam)) = &self.generation else {
            return wrong("of no generation".to_owned());
        };
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
        match seam.next_frame().filter(|next| !(*next..=next + far).contains(&frame)) {
            Some(next) => wrong(format!("frame {frame}, where {next} was to come")),
            None => Ok(()),
        }
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
            return if whole { Err(refused("a line is too long")) } else { Ok(None) };
        }
        serde_json::from_slice(&line).map(Some).map_err(refused)
    }
}

/// What is wrong with the tape itself, not with the reading of it.
fn refused(what: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A generation that a tap can have.
fn checked(generation: Generation) -> io::Result<Generation> {
    let Generation { rate_hz, channels, .. } = generation;
    if (1.0..=MOST_RATE_HZ).contains(&rate_hz) && (1..=MAX_CHANNELS).contains(&channels) {
        return Ok(generation);
    }
    Err(refused(format!("generation: {channels} channels at {rate_hz} Hz")))
}
