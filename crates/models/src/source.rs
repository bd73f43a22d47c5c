//! Where a model folder's files come from: a directory, or bytes compiled into the program. The
//! loaders read named files through this and never see the difference.

use std::{
    borrow::Cow,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use crate::ModelError;

/// The largest JSON file that is read whole: a tokenizer of 256 k tokens has about 30 MB.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// The files of one model folder.
#[derive(Clone, Debug)]
pub enum Source {
    /// A directory. Symbolic links are followed, as hub caches use them.
    Dir(PathBuf),
    /// Files compiled in, as pairs of relative path (with `/`) and contents.
    Embedded(&'static [(&'static str, &'static [u8])]),
}

/// One file with random access.
#[derive(Debug)]
pub(crate) enum Blob {
    Static(&'static [u8]),
    File { file: File, len: u64 },
}

impl Source {
    /// Whether the folder has this file.
    pub fn has(&self, path: &str) -> bool {
        match self {
            Self::Dir(dir) => dir.join(path).is_file(),
            Self::Embedded(files) => files.iter().any(|(name, _)| *name == path),
        }
    }

    /// Reads a small file whole.
    ///
    /// # Errors
    /// If it is missing, unreadable or over 256 MiB.
    pub fn read(&self, path: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let blob = self.open(path)?;
        if blob.len() > MAX_TEXT_BYTES {
            return Err(ModelError::file(
                path,
                format!("{} bytes are too many for a text file", blob.len()),
            ));
        }
        let len = blob.len() as usize;
        blob.read_at(path, 0, len)
    }

    /// The path on disk, where there is one.
    pub(crate) fn on_disk(&self, path: &str) -> Option<PathBuf> {
        match self {
            Self::Dir(dir) => Some(dir.join(path)),
            Self::Embedded(_) => None,
        }
    }

    pub(crate) fn open(&self, path: &str) -> Result<Blob, ModelError> {
        let io = |source| ModelError::Io { file: path.to_owned(), source };
        match self {
            Self::Dir(dir) => {
                let file = File::open(dir.join(path)).map_err(io)?;
                let meta = file.metadata().map_err(io)?;
                if !meta.is_file() {
                    return Err(ModelError::file(path, "not a file"));
                }
                Ok(Blob::File { file, len: meta.len() })
            }
            Self::Embedded(files) => match files.iter().find(|(name, _)| *name == path) {
                Some((_, bytes)) => Ok(Blob::Static(bytes)),
                None => Err(ModelError::file(path, "not among the embedded files")),
            },
        }
    }

    /// Files directly under `folder` whose name ends with `suffix`, sorted.
    pub(crate) fn list(&self, folder: &str, suffix: &str) -> Vec<String> {
        let mut found: Vec<String> = match self {
            Self::Dir(dir) => std::fs::read_dir(dir.join(folder))
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.ends_with(suffix))
                .map(|name| format!("{folder}{name}"))
                .collect(),
            Self::Embedded(files) => files
                .iter()
                .filter(|(name, _)| name.starts_with(folder) && name.ends_with(suffix))
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        };
        found.sort();
        found
    }
}

impl Blob {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Static(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    /// Reads `len` bytes at `offset`. The range is checked against the size before memory is taken.
    pub(crate) fn read_at(
        &self,
        name: &str,
        offset: u64,
        len: usize,
    ) -> Result<Cow<'static, [u8]>, ModelError> {
        let end = offset.checked_add(len as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(ModelError::file(
                name,
                format!("truncated: bytes {offset}..+{len} of {}", self.len()),
            ));
        }
        match self {
            Self::Static(bytes) => {
                Ok(Cow::Borrowed(&bytes[offset as usize..offset as usize + len]))
            }
            Self::File { file, .. } => {
                let mut file = file;
                let mut bytes = vec![0; len];
                file.seek(SeekFrom::Start(offset))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|source| ModelError::Io { file: name.to_owned(), source })?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// Checks a path that a configuration file names: relative, and without a step upwards.
pub(crate) fn relative<'a>(file: &str, field: &str, path: &'a str) -> Result<&'a str, ModelError> {
    let refuse =
        |message: &str| Err(ModelError::field(file, field, format!("path {path:?} {message}")));
    if path.is_empty() {
        return refuse("is empty");
    }
    if path.split(['/', '\\']).any(|part| part == "..") {
        return refuse("leaves the model folder");
    }
    if path.starts_with(['/', '\\']) || path.contains(':') || Path::new(path).is_absolute() {
        return refuse("is not relative to the model folder");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[(&str, &[u8])] =
        &[("encoder/config.json", b"{}"), ("barline.json", b"0123456789")];

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for bad in ["../x", "a/../../x", "a\\..\\x", "/etc/passwd", "C:\\x", ""] {
            let error = relative("barline.json", "encoder", bad).unwrap_err().to_string();
            assert!(error.starts_with("barline.json: encoder: "), "{error}");
        }
        assert_eq!(relative("barline.json", "encoder", "a/b..c").unwrap(), "a/b..c");
    }

    #[test]
    fn embedded_files_read_like_a_directory() {
        let source = Source::Embedded(FILES);
        assert!(source.has("barline.json") && !source.has("config.json"));
        assert_eq!(source.read("encoder/config.json").unwrap().as_ref(), b"{}");
        assert_eq!(source.list("encoder/", ".json"), ["encoder/config.json"]);
        assert!(
            source.read("lm/config.json").unwrap_err().to_string().starts_with("lm/config.json")
        );
    }

    #[test]
    fn a_read_beyond_the_end_is_an_error() {
        let blob = Source::Embedded(FILES).open("barline.json").unwrap();
        assert_eq!(blob.read_at("b", 8, 2).unwrap().as_ref(), b"89");
        assert!(blob.read_at("b", 8, 3).unwrap_err().to_string().contains("truncated"));
        assert!(blob.read_at("b", u64::MAX, 3).is_err());
    }
}
