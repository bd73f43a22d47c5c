//! The memory in which instances show each other what they hear: a file that all processes of a user map, or, where that
//! can't be, memory of this process alone.
//!
//! Everything in it may be rubbish: it is read as numbers, and `sheet.rs` says which of them mean something.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use directories::ProjectDirs;
use memmap2::{MmapOptions, MmapRaw};
use signal::Record;

use super::sheet::{BAR_WORDS, TITLE_WORDS};

/// Instances that have a place: several times the tracks of a large session.
pub(super) const PLACES: usize = 128;

/// Bars that an instance shows: who asks about one may be a few bars late.
pub(super) const BARS: usize = 8;

/// "Barline" and the version of the layout, which the file's name states, too.
const MAGIC: u64 = u64::from_le_bytes(*b"Barline\x01");
const NAME: &str = "instances-1";

/// The header; owner and heartbeat of each place, apart from the rest, so that a look at all of them touches two pages.
const HEAD: usize = 8;
const DIRECTORY: usize = HEAD + 2 * PLACES;
const PLACE: usize = Record::size(TITLE_WORDS) + BARS * Record::size(BAR_WORDS);
/// 2 MB.
const WORDS: usize = DIRECTORY + PLACES * PLACE;
const BYTES: usize = WORDS * size_of::<u64>();

/// The board. All of it is atomics, so any thread of any process may use it at any time.
#[derive(Debug)]
pub(crate) struct Board {
    memory: Memory,
    /// Why other processes can't see it, where that is so.
    apart: Option<String>,
}

#[derive(Debug)]
enum Memory {
    Mapped(MmapRaw),
    Own(Box<[AtomicU64]>),
}

impl Board {
    /// The board of this process's user, which is opened the first time. Reads and writes files, so it is nothing for hosts
    /// that scan.
    pub(super) fn of_user() -> &'static Self {
        static BOARD: OnceLock<Board> = OnceLock::new();
        BOARD.get_or_init(|| {
            let opened = folder().ok_or_else(|| "no folder for this user".to_owned());
            opened.and_then(|folder| Self::in_folder(&folder)).unwrap_or_else(Self::own)
        })
    }

    /// The board in this folder, made there if need be.
    ///
    /// # Errors
    /// The folder or the file can't be written, or the file is none of ours.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, String> {
        let path = folder.join(NAME);
        let fault = |error: io::Error| format!("{}: {error}", path.display());
        let file = open(folder, &path).map_err(fault)?;
        let memory = Memory::Mapped(MmapOptions::new().len(BYTES).map_raw(&file).map_err(fault)?);
        let board = Self { memory, apart: None };
        if board.words()[0].load(Ordering::Relaxed) != MAGIC {
            return Err(format!("{}: not a board of this version", path.display()));
        }
        Ok(board)
    }

    /// A board that no other process sees, and why.
    pub(super) fn own(apart: String) -> Self {
        let memory = Memory::Own((0..WORDS).map(|_| AtomicU64::new(0)).collect());
        Self { memory, apart: Some(apart) }
    }

    /// Why other processes can't see it, where that is so.
    pub(super) fn apart(&self) -> Option<&str> {
        self.apart.as_deref()
    }

    /// Who has a place: any number but zero.
    pub(super) fn owner(&self, place: usize) -> &AtomicU64 {
        &self.words()[HEAD + 2 * place]
    }

    /// Counts up for as long as the owner lives.
    pub(super) fn beat(&self, place: usize) -> &AtomicU64 {
        &self.words()[HEAD + 2 * place + 1]
    }

    /// What a place's owner is called.
    pub(super) fn title(&self, place: usize) -> Record<'_> {
        self.record(DIRECTORY + place * PLACE, TITLE_WORDS)
    }

    /// One of the bars that a place's owner shows.
    pub(super) fn bar(&self, place: usize, bar: usize) -> Record<'_> {
        let bars = DIRECTORY + place * PLACE + Record::size(TITLE_WORDS);
        self.record(bars + bar * Record::size(BAR_WORDS), BAR_WORDS)
    }

    fn record(&self, start: usize, words: usize) -> Record<'_> {
        let memory = &self.words()[start..start + Record::size(words)];
        Record::in_memory(memory).expect("a record has a sequence number")
    }

    #[expect(unsafe_code, reason = "memory that processes share")]
    fn words(&self) -> &[AtomicU64] {
        match &self.memory {
            Memory::Own(words) => words,
            Memory::Mapped(map) => {
                // SAFETY: the map is page-aligned, BYTES long and lives as long as `self`; an atomic integer is valid
                // whatever bits other processes leave in it. The file lies in a folder of the user's own and is never cut
                // short: it comes into being at its full size, written to its end so that its pages exist.
                unsafe { std::slice::from_raw_parts(map.as_mut_ptr().cast::<AtomicU64>(), WORDS) }
            }
        }
    }
}

/// A number that no other instance has.
pub(super) fn token() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}

/// A folder of the user's own: other users may neither read nor replace what lies in it.
fn folder() -> Option<PathBuf> {
    let dirs = ProjectDirs::from("audio", "Barline", "Barline")?;
    Some(dirs.runtime_dir().unwrap_or_else(|| dirs.cache_dir()).to_owned())
}

/// The file, made whole and then put in its place if there is none: nobody ever sees a part of it.
fn open(folder: &Path, path: &Path) -> io::Result<File> {
    if !path.exists() {
        fs::create_dir_all(folder)?;
        // Mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&MAGIC.to_ne_bytes())?;
        file.write_all(&vec![0; BYTES - size_of::<u64>()])?;
        match file.persist_noclobber(path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error.error);
            }
            _ => {}
        }
    }
    let about = fs::symlink_metadata(path)?;
    if !about.is_file() || about.len() != BYTES as u64 {
        return Err(io::Error::other(format!("not a file of {BYTES} bytes")));
    }
    OpenOptions::new().read(true).write(true).open(path)
}
