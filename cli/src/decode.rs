//! Audio files as sources for the engine, packet by packet: WAV, AIFF, FLAC, MP3, OGG Vorbis, AAC and ALAC in MP4, and the
//! rest of what symphonia reads. `-` is standard input, spooled to a temporary file.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use engine::{AudioSource, SourceError};
use symphonia::core::{
    codecs::audio::{AudioDecoder, AudioDecoderOptions},
    errors::Error,
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint},
    io::{MediaSource, MediaSourceStream},
    meta::MetadataOptions,
};
use tempfile::NamedTempFile;

mod notes;
mod riff;

/// More channels than any recorder writes; a damaged header could ask for 65 535.
const MAX_CHANNELS: usize = 64;

/// Extensions of the files that a folder is searched for.
const EXTENSIONS: [&str; 15] = [
    "wav", "wave", "aif", "aiff", "aifc", "flac", "mp3", "mp2", "ogg", "oga", "m4a", "mp4", "aac",
    "caf", "mka",
];

/// Whether a path has the extension of an audio file.
pub(crate) fn is_audio(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// The audio files of a folder, by their extensions, in order of their names.
pub(crate) fn audio_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let wanted = |path: &PathBuf| path.is_file() && is_audio(path);
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(wanted).collect();
    paths.sort();
    Ok(paths)
}

/// What a file's extension promises, by symphonia's name of the format; others promise nothing.
const PROMISES: [(&str, &[&str]); 8] = [
    ("wave", &["wav", "wave", "bwf", "rf64"]),
    ("aiff", &["aif", "aiff", "aifc"]),
    ("flac", &["flac"]),
    ("mp3", &["mp3"]),
    ("ogg", &["ogg", "oga"]),
    ("isomp4", &["m4a", "mp4", "m4b", "mov"]),
    ("aac", &["aac", "adts"]),
    ("caf", &["caf"]),
];

/// A file that is being decoded.
pub(crate) struct Decoded {
    path: PathBuf,
    /// Holds standard input until the source is dropped.
    _spool: Option<NamedTempFile>,
    stream: Stream,
    notes: BTreeMap<String, String>,
    rate_hz: u32,
    channels: usize,
    frames_expected: Option<u64>,
    frames_read: u64,
    damaged: u64,
    /// The first block, decoded to learn the format.
    pending: Option<Vec<f32>>,
    /// Nothing has been handed out since the file was opened.
    fresh: bool,
}

/// A reader and its decoder.
struct Stream {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
}

/// One step of decoding.
enum Step {
    Samples { rate_hz: u32, channels: usize },
    Damaged,
    End(Option<String>),
}

impl Decoded {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be read, is empty, is no audio file, is not what its extension says, or nothing of it decodes.
    pub(crate) fn open(name: &str) -> Result<Self, SourceError> {
        if name == "-" {
            let mut spool =
                NamedTempFile::new().map_err(|e| unreadable("no temporary file", &e))?;
            io::copy(&mut io::stdin().lock(), spool.as_file_mut())
                .map_err(|e| unreadable("standard input", &e))?;
            let path = spool.path().to_owned();
            return Self::new(path, Some(spool));
        }
        Self::new(PathBuf::from(name), None)
    }

    fn new(path: PathBuf, spool: Option<NamedTempFile>) -> Result<Self, SourceError> {
        let (stream, mut notes) = Stream::open(&path)?;
        let track = stream.reader.tracks().iter().find(|track| track.id == stream.track);
        let frames_expected = track.and_then(|track| track.num_frames);
        let bits = stream.decoder.codec_params().bits_per_sample;
        let mut source = Self {
            path,
            _spool: spool,
            stream,
            notes: BTreeMap::new(),
            rate_hz: 0,
            channels: 0,
            frames_expected,
            frames_read: 0,
            damaged: 0,
            pending: None,
            fresh: true,
        };
        source.first_block()?;
        notes::format(&mut notes, source.rate_hz, source.channels, bits);
        // What was noted on the way here is about damage, and will be noted again on the next pass if it is true.
        source.notes = notes;
        Ok(source)
    }

    /// Decodes until there are samples, for their rate and channels.
    fn first_block(&mut self) -> Result<(), SourceError> {
        let mut block = Vec::new();
        loop {
            match self.stream.step(&mut block) {
                Step::Samples { rate_hz, channels } => {
                    let valid = (1..=MAX_CHANNELS).contains(&channels) && rate_hz > 0;
                    if !valid {
                        return Err(SourceError::new(
                            "format",
                            format!("{channels} channels at {rate_hz} Hz"),
                        ));
                    }
                    (self.rate_hz, self.channels, self.pending) = (rate_hz, channels, Some(block));
                    return Ok(());
                }
                Step::Damaged => self.damaged += 1,
                Step::End(reason) => {
                    let why = reason.unwrap_or_else(|| match self.damaged {
                        0 => "the file holds no audio".to_owned(),
                        damaged => format!("all of its {damaged} packets are damaged"),
                    });
                    return Err(SourceError::new(
                        if self.damaged > 0 { "codec" } else { "samples" },
                        why,
                    ));
                }
            }
        }
    }

    /// Notes what is missing at the end.
    fn ended(&mut self, reason: Option<String>) {
        let rate_hz = f64::from(self.rate_hz);
        let read_s = self.frames_read as f64 / rate_hz;
        let expected = self.frames_expected.unwrap_or(0);
        // Codecs pad their last packet, so that a few thousand frames more or less mean nothing.
        if self.frames_read + 4608 < expected {
            let stated_s = expected as f64 / rate_hz;
            let text =
                format!("truncated: the file states {stated_s:.2} s, {read_s:.2} s could be read");
            self.notes.entry("duration_s".to_owned()).or_insert(text);
        } else if let Some(reason) = reason {
            let text = format!("truncated: {reason} after {read_s:.2} s");
            self.notes.entry("duration_s".to_owned()).or_insert(text);
        }
        if self.damaged > 0 {
            let text = format!(
                "{} damaged packets were left out: times after them are early",
                self.damaged
            );
            self.notes.insert("captions".to_owned(), text);
        }
    }
}

impl AudioSource for Decoded {
    fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<bool, SourceError> {
        self.fresh = false;
        if let Some(first) = self.pending.take() {
            self.frames_read = (first.len() / self.channels) as u64;
            *block = first;
            return Ok(true);
        }
        loop {
            match self.stream.step(block) {
                Step::Samples { rate_hz, channels }
                    if (rate_hz, channels) == (self.rate_hz, self.channels) =>
                {
                    self.frames_read += (block.len() / self.channels) as u64;
                    return Ok(true);
                }
                Step::Samples { rate_hz, channels } => {
                    self.ended(Some(format!(
                        "the format changes to {channels} channels at {rate_hz} Hz"
                    )));
                    break;
                }
                Step::Damaged => self.damaged += 1,
                Step::End(reason) => {
                    self.ended(reason);
                    break;
                }
            }
        }
        block.clear();
        Ok(false)
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        if self.fresh {
            return Ok(());
        }
        (self.stream, _) = Stream::open(&self.path)?;
        (self.frames_read, self.damaged, self.pending, self.fresh) = (0, 0, None, true);
        Ok(())
    }

    fn frames_hint(&self) -> Option<u64> {
        self.frames_expected
    }

    fn notes(&self) -> BTreeMap<String, String> {
        self.notes.clone()
    }
}

impl Stream {
    /// Opens the file's first audio track, and says what had to be put right.
    fn open(path: &Path) -> Result<(Self, BTreeMap<String, String>), SourceError> {
        let file = File::open(path).map_err(|e| unreadable("cannot be opened", &e))?;
        let meta = file.metadata().map_err(|e| unreadable("cannot be opened", &e))?;
        if meta.is_dir() {
            return Err(SourceError::new("file", "is a folder"));
        }
        if meta.len() == 0 {
            return Err(SourceError::new("file", "the file is empty"));
        }
        let (media, notes): (Box<dyn MediaSource>, _) =
            riff::open(file, meta.len()).map_err(|e| unreadable("cannot be read", &e))?;
        let extension =
            path.extension().and_then(|e| e.to_str()).map(str::to_lowercase).unwrap_or_default();
        let mut hint = Hint::new();
        hint.with_extension(&extension);
        let stream = MediaSourceStream::new(media, Default::default());
        let reader = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|e| {
                SourceError::new(
                    "format",
                    format!("not an audio file that can be read: {}", plain(&e)),
                )
            })?;
        keeps_promise(&extension, reader.format_info().short_name)?;
        let track = reader
            .default_track(TrackType::Audio)
            .or_else(|| reader.first_track(TrackType::Audio))
            .ok_or_else(|| SourceError::new("format", "the file has no audio track"))?;
        let params = track.codec_params.as_ref().and_then(|params| params.audio());
        let params = params
            .ok_or_else(|| SourceError::new("codec", "the audio track does not say what it is"))?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map_err(|e| SourceError::new("codec", format!("cannot be decoded: {}", plain(&e))))?;
        let track = track.id;
        Ok((Self { reader, decoder, track }, notes))
    }

    /// Decodes the next packet with samples into `block`.
    fn step(&mut self, block: &mut Vec<f32>) -> Step {
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => packet,
                Ok(Some(_)) => continue,
                Ok(None) => return Step::End(None),
                Err(Error::ResetRequired) => {
                    return Step::End(Some("another stream begins".to_owned()));
                }
                Err(error) => return Step::End(Some(plain(&error))),
            };
            match self.decoder.decode(&packet) {
                Ok(decoded) => {
                    decoded.copy_to_vec_interleaved(block);
                    let (rate_hz, channels) =
                        (decoded.spec().rate(), decoded.spec().channels().count());
                    if !block.is_empty() {
                        return Step::Samples { rate_hz, channels };
                    }
                }
                Err(Error::DecodeError(_) | Error::IoError(_)) => return Step::Damaged,
                Err(error) => return Step::End(Some(plain(&error))),
            }
        }
    }
}

/// Refuses a file whose name says one format and whose content is another: whatever made it, something went wrong.
fn keeps_promise(extension: &str, format: &str) -> Result<(), SourceError> {
    let Some((promised, _)) =
        PROMISES.iter().find(|(_, extensions)| extensions.contains(&extension))
    else {
        return Ok(());
    };
    if *promised == format {
        return Ok(());
    }
    let message = format!(
        "the extension .{extension} promises {promised}, the content is {format}: rename the file"
    );
    Err(SourceError::new("format", message))
}

fn unreadable(what: &str, error: &io::Error) -> SourceError {
    SourceError::new("file", format!("{what}: {error}"))
}

/// symphonia's message in plainer words.
fn plain(error: &Error) -> String {
    match error {
        Error::IoError(io) if io.kind() == io::ErrorKind::UnexpectedEof => {
            "the file ends".to_owned()
        }
        Error::Unsupported(what) => format!("not supported: {what}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
