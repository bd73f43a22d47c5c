//! The spool's part on the disk: one unnamed temporary file, which the system removes with the process.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::{Item, Piece};

/// Samples lie in the file, everything else in memory.
#[derive(Debug)]
pub(super) struct Disk {
    /// Where the file is wanted; else where the system has such files.
    wanted: Option<PathBuf>,
    /// Where it is.
    folder: PathBuf,
    file: Option<File>,
    queue: VecDeque<Stored>,
    read_at: u64,
    write_at: u64,
    limit_bytes: u64,
    trouble: Option<String>,
}

#[derive(Debug)]
enum Stored {
    /// All of it.
    Here(Item),
    /// A piece without its samples, and how many lie in the file.
    There(Piece, usize),
}

impl Disk {
    pub(super) fn new(limit_bytes: u64, wanted: Option<PathBuf>) -> Self {
        Self {
            wanted,
            folder: env::temp_dir(),
            file: None,
            queue: VecDeque::new(),
            read_at: 0,
            write_at: 0,
            limit_bytes,
            trouble: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    pub(super) fn push(&mut self, item: Item) {
        let stored = match item {
            Item::Piece(mut piece) if self.trouble.is_none() => match self.write(&piece.samples) {
                Ok(()) => {
                    let samples = std::mem::take(&mut piece.samples).len();
                    Stored::There(piece, samples)
                }
                Err(error) => {
                    self.trouble = Some(self.cannot("written", &error));
                    Stored::Here(Item::Piece(piece))
                }
            },
            other => Stored::Here(other),
        };
        self.queue.push_back(stored);
        if self.write_at >= self.limit_bytes {
            let (mib, folder) = (self.limit_bytes >> 20, self.folder.display());
            self.trouble = Some(format!("{mib} MiB in {folder} are in use"));
        }
    }

    pub(super) fn pop(&mut self) -> Result<Option<Item>, String> {
        let item = match self.queue.pop_front() {
            None => return Ok(None),
            Some(Stored::Here(item)) => Ok(item),
            Some(Stored::There(piece, samples)) => self
                .read(samples)
                .map(|samples| Item::Piece(Piece { samples, ..piece }))
                .map_err(|error| self.cannot("read", &error)),
        };
        if self.queue.is_empty() {
            // The next render begins with an empty file.
            *self = Self::new(self.limit_bytes, self.wanted.take());
        }
        item.map(Some)
    }

    fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        let (at, file) = (self.write_at, self.file()?);
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&bytes)?;
        self.write_at += bytes.len() as u64;
        Ok(())
    }

    fn read(&mut self, samples: usize) -> io::Result<Vec<f32>> {
        let mut bytes = vec![0; samples * 4];
        let at = self.read_at;
        self.read_at += bytes.len() as u64;
        let file = self.file()?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        let value = |four: &[u8; 4]| f32::from_le_bytes(*four);
        Ok(bytes.as_chunks().0.iter().map(value).collect())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.make()?,
        };
        Ok(self.file.insert(file))
    }

    fn make(&mut self) -> io::Result<File> {
        if let Some(folder) = &self.wanted
            && fs::create_dir_all(folder).is_ok()
            && let Ok(file) = tempfile::tempfile_in(folder)
        {
            self.folder.clone_from(folder);
            return Ok(file);
        }
        tempfile::tempfile()
    }

    /// A file without a name is told by its folder.
    fn cannot(&self, done: &str, error: &io::Error) -> String {
        format!("the temporary file in {} can't be {done}: {error}", self.folder.display())
    }

    /// Loses all that lies in the file.
    #[cfg(test)]
    pub(super) fn spoil(&mut self) {
        self.file = Some(tempfile::tempfile().expect("a temporary file"));
    }
}
