//! The spool's part on the disk: one unnamed temporary file, which the system removes with the process.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use super::{Item, Piece};

/// Samples lie in the file, everything else in memory.
#[derive(Debug)]
pub(super) struct Disk {
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
    pub(super) fn new(limit_bytes: u64) -> Self {
        let queue = VecDeque::new();
        Self { file: None, queue, read_at: 0, write_at: 0, limit_bytes, trouble: None }
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
                    self.trouble = Some(format!("the temporary file can't be written: {error}"));
                    Stored::Here(Item::Piece(piece))
                }
            },
            other => Stored::Here(other),
        };
        self.queue.push_back(stored);
        if self.write_at >= self.limit_bytes {
            self.trouble = Some(format!("{} MiB on disk are in use", self.limit_bytes >> 20));
        }
    }

    pub(super) fn pop(&mut self) -> Result<Option<Item>, String> {
        let item = match self.queue.pop_front() {
            None => return Ok(None),
            Some(Stored::Here(item)) => Ok(item),
            Some(Stored::There(piece, samples)) => self
                .read(samples)
                .map(|samples| Item::Piece(Piece { samples, ..piece }))
                .map_err(|error| format!("the temporary file can't be read: {error}")),
        };
        if self.queue.is_empty() {
            // The next render begins with an empty file.
            *self = Self::new(self.limit_bytes);
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
            None => tempfile::tempfile()?,
        };
        Ok(self.file.insert(file))
    }
}
