//! Renaming files after their labels, and taking that back: `barline label --rename --yes` and `--undo`.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use signal::Label;
use tempfile::NamedTempFile;

use crate::output::{Fault, Report, warn};

/// One renaming; an undo file is an array of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Renaming {
    from: PathBuf,
    to: PathBuf,
}

/// Where a file lies, however it was named: two names of one place are one file. A symbolic link has a place of its own.
pub(super) fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match (fs::canonicalize(folder.unwrap_or(Path::new("."))), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// Names that were given away.
#[derive(Debug, Default)]
pub(super) struct NewNames {
    taken: HashSet<PathBuf>,
}

impl NewNames {
    /// `LABEL.ext` beside the file, or `LABEL-2.ext` and so on where that name is taken; none where there is no label or the
    /// file has such a name already.
    pub(super) fn give(&mut self, file: &Path, label: Option<Label>) -> Option<PathBuf> {
        let label = label?.name();
        let extension =
            file.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
        let own = file.file_stem().unwrap_or_default().to_string_lossy();
        let numbered = own.strip_prefix(label).and_then(|rest| rest.strip_prefix('-'));
        if own == label || numbered.is_some_and(|n| n.parse::<u32>().is_ok()) {
            return None;
        }
        let name = |n: u32| match n {
            1 => format!("{label}{extension}"),
            n => format!("{label}-{n}{extension}"),
        };
        (1..)
            .map(|n| file.with_file_name(name(n)))
            .find(|path| fs::symlink_metadata(path).is_err() && self.taken.insert(place(path)))
    }
}

/// The renamings of a run, each in the undo file before it is done and out of it where it fails.
#[derive(Debug, Default)]
pub(super) struct Journal {
    undo_file: Option<PathBuf>,
    done: Vec<Renaming>,
}

impl Journal {
    /// Renames a file. Nothing is overwritten.
    ///
    /// # Errors
    /// The undo file cannot be written, and nothing was renamed; or the file cannot be renamed.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Fault> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.done.push(Renaming { from: absolute(from), to: absolute(to) });
        if let Err(error) = self.save(from) {
            self.done.pop();
            return Err(Fault::new(
                "undo",
                format!("no undo file, so nothing is renamed: {error}"),
            ));
        }
        move_file(from, to).map_err(|error| {
            self.done.pop();
            let saved = self.save(from).err().map(|e| format!("; undo file: {e}"));
            let saved = saved.unwrap_or_default();
            Fault::new("renamed_to", format!("{}: {error}{saved}", to.display()))
        })
    }

    /// Brings the undo file, which lies beside the first file that is renamed, to what was done. There is none for nothing.
    fn save(&mut self, first: &Path) -> io::Result<()> {
        let path = match self.undo_file.take() {
            Some(path) if self.done.is_empty() => return fs::remove_file(path),
            Some(path) => path,
            None => new_undo_file(first)?,
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        self.undo_file = Some(path.clone());
        let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(&serde_json::to_vec_pretty(&self.done)?)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    /// Says where the undo file is.
    pub(super) fn finish(self) {
        if let Some(path) = self.undo_file {
            warn(&format!("undo file: {0} (barline label --undo {0})", path.display()));
        }
    }
}

/// A new file beside another one.
fn new_undo_file(beside: &Path) -> io::Result<PathBuf> {
    for number in 1..10_000 {
        let path = beside.with_file_name(format!("barline-undo-{number}.json"));
        match fs::File::create_new(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many undo files"))
}

/// Renames without overwriting: `rename` alone would, so the new name is claimed by a hard link where the file system
/// has them.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// The object of a file that has its old name again.
#[derive(Serialize)]
struct Undone {
    renamed_to: PathBuf,
    notes: BTreeMap<String, String>,
}

/// Takes back what an undo file states, the last renaming first.
pub(super) fn undo(file: &Path, report: &mut Report) {
    let list = fs::read(file).map_err(|error| Fault::new("undo", error.to_string()));
    let list = list.and_then(|text| {
        serde_json::from_slice::<Vec<Renaming>>(&text)
            .map_err(|error| Fault::new("undo", format!("not an undo file: {error}")))
    });
    let list = match list {
        Ok(list) => list,
        Err(fault) => return report.fail(&file.to_string_lossy(), &fault),
    };
    for Renaming { from, to } in list.into_iter().rev() {
        let name = to.to_string_lossy();
        let result = move_file(&to, &from)
            .map(|()| Undone { renamed_to: from.clone(), notes: BTreeMap::new() })
            .map_err(|error| Fault::new("renamed_to", format!("{}: {error}", from.display())));
        report.result(&name, result, |row| format!("{name} -> {}\n", row.renamed_to.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_taken_twice_and_renaming_can_be_undone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["Audio 01.wav", "Audio 02.wav", "bass.wav", "bass-7.wav", "kick.flac"] {
            fs::write(path(name), name).unwrap();
        }
        let (mut names, bass) = (NewNames::default(), Some(Label::Bass));
        let one = names.give(&path("Audio 01.wav"), bass).unwrap();
        let two = names.give(&folder.path().join("./Audio 02.wav"), bass).unwrap();
        assert_eq!((place(&one), place(&two)), (path("bass-2.wav"), path("bass-3.wav")));
        for same in ["bass.wav", "bass-7.wav"] {
            assert_eq!(names.give(&path(same), bass), None);
        }
        assert_eq!(names.give(&path("kick.flac"), None), None);

        let mut journal = Journal::default();
        journal.rename(&path("Audio 01.wav"), &one).unwrap();
        journal.rename(&path("Audio 02.wav"), &two).unwrap();
        assert_eq!(fs::read_to_string(path("bass-3.wav")).unwrap(), "Audio 02.wav");
        assert!(!path("Audio 02.wav").exists());
        let mut report = Report::array(false);
        undo(&path("barline-undo-1.json"), &mut report);
        assert_eq!(report.finish(), 0);
        assert_eq!(fs::read_to_string(path("Audio 02.wav")).unwrap(), "Audio 02.wav");
        assert!(!path("bass-3.wav").exists() && path("bass.wav").exists());
    }

    #[test]
    fn the_undo_file_holds_what_was_done_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "a").unwrap();
        fs::write(path("taken"), "another").unwrap();
        let undo_file = path("barline-undo-1.json");
        let mut journal = Journal::default();
        let fault = journal.rename(&path("a"), &path("taken")).unwrap_err();
        assert_eq!(fault.field, "renamed_to");
        assert_eq!(fs::read_to_string(path("taken")).unwrap(), "another", "it is overwritten");
        assert!(!undo_file.exists(), "nothing was done");
        journal.rename(&path("a"), &path("b")).unwrap();
        journal.rename(&path("gone"), &path("c")).unwrap_err();
        let list: Vec<Renaming> = serde_json::from_slice(&fs::read(&undo_file).unwrap()).unwrap();
        assert_eq!(list, [Renaming { from: path("a"), to: path("b") }]);
    }
}
