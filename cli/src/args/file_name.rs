//! Names of files on the command line and in the folders that it names, which need not be text.

use std::{ffi::OsString, ops::Deref};

use engine::SourceError;

/// A file as the user named it.
#[derive(Clone, Debug)]
pub(crate) struct FileName {
    shown: String,
    /// Whether `shown` is the name itself: JSON has no other strings than UTF-8.
    exact: bool,
}

impl From<OsString> for FileName {
    fn from(name: OsString) -> Self {
        match name.into_string() {
            Ok(shown) => Self { shown, exact: true },
            Err(name) => Self { shown: name.to_string_lossy().into_owned(), exact: false },
        }
    }
}

/// What is shown of the name.
impl Deref for FileName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.shown
    }
}

impl FileName {
    /// The name to open.
    ///
    /// # Errors
    /// It cannot be written as text, so that no result could say whose it is.
    pub(crate) fn known(&self) -> Result<&str, SourceError> {
        let unknown = || SourceError::new("file", "its name is not UTF-8: rename it");
        self.exact.then_some(self.shown.as_str()).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_where_it_is_text() {
        assert_eq!(FileName::from(OsString::from("b\u{fc}hne.wav")).known(), Ok("b\u{fc}hne.wav"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_shown_and_never_opened() {
        use std::os::unix::ffi::OsStringExt as _;

        let name = FileName::from(OsString::from_vec(b"take\xff.wav".to_vec()));
        assert_eq!(&*name, "take\u{fffd}.wav");
        assert_eq!(name.known().unwrap_err().field, "file");
    }
}
