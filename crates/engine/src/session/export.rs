//! The captions of a session as a file: what the editor's export button makes. `[session-thread]`

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use directories::UserDirs;
use serde::Serialize;

use super::report::{HeardBar, Words};
use super::{NotedBar, Notes, Report, Shared};
use crate::format::Format;
use crate::timeline::{Caption, Mark, Timeline};

/// Folder of the exports in the user's documents.
const FOLDER: &str = "Barline";

/// Longest name of a file, in characters, before its number and extension.
const MAX_NAME: usize = 60;

/// Files of one name; more are not looked for.
const MAX_FILES: usize = 1000;

/// What became of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exported {
    /// The file, with so many captions.
    Written {
        /// Where it is.
        path: PathBuf,
        /// How many captions it has.
        captions: usize,
    },
    /// There is none: why.
    Failed(String),
}

/// Writes the captions of the song, or, where there is no song, of what was heard without a transport. Never overwrites.
pub(super) fn export(format: Format, title: &str, shared: &Shared) -> Exported {
    let song = shared.controls.notebook.read(of_song);
    let timeline = if song.captions.is_empty() { of_passages(&shared.report.lock()) } else { song };
    if timeline.captions.is_empty() {
        return Exported::Failed("there are no captions yet".to_owned());
    }
    let folder = match folder() {
        Ok(folder) => folder,
        Err(why) => return Exported::Failed(why),
    };
    let captions = timeline.captions.len();
    let bytes = format.write(&timeline, title);
    match write(&folder, &format!("{} captions", name(title)), format, &bytes) {
        Ok(path) => Exported::Written { path, captions },
        Err(error) => Exported::Failed(error.to_string()),
    }
}

fn folder() -> Result<PathBuf, String> {
    let user = UserDirs::new().ok_or("this user has no home folder to write to")?;
    Ok(user.document_dir().unwrap_or(user.home_dir()).join(FOLDER))
}

/// Writes to the first of `NAME.vtt`, `NAME 2.vtt`, ... that isn't there yet, in a folder that is made where it is missing. Errors
/// name the file or the folder.
pub(super) fn write(
    folder: &Path,
    name: &str,
    format: Format,
    bytes: &[u8],
) -> io::Result<PathBuf> {
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    for number in 1..=MAX_FILES {
        let number = if number == 1 { String::new() } else { format!(" {number}") };
        let path = folder.join(format!("{name}{number}.{}", format.extension()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                let filled = fill(&mut file, &path, bytes);
                return filled.map_err(|error| at(&path, &error)).map(|()| path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(at(&path, &error)),
        }
    }
    let many = io::Error::other(format!("there are {MAX_FILES} files of this name"));
    Err(at(&folder.join(name), &many))
}

/// The same error with the place where it happened.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Writes all of a new file. Half of one, on a full disk, would look like a whole one: it goes.
fn fill(file: &mut dyn Write, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let done = file.write_all(bytes);
    if done.is_err() {
        let _ = fs::remove_file(path);
    }
    done
}

/// A title as the name of a file on any system.
pub(super) fn name(title: &str) -> String {
    let fit = |c: char| if c.is_alphanumeric() || "-_()&+".contains(c) { c } else { ' ' };
    let words: String = title.chars().map(fit).take(MAX_NAME).collect();
    let name = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.as_str() {
        "" => "Barline".to_owned(),
        name if is_device(name) => format!("{name} track"),
        _ => name,
    }
}

/// Whether Windows takes it for a device, with any extension ("Naming Files, Paths, and Namespaces").
fn is_device(name: &str) -> bool {
    let name = name.to_lowercase();
    let port = |name: &str| {
        let number = name.strip_prefix("com").or(name.strip_prefix("lpt"));
        number.is_some_and(|number| number.chars().count() == 1 && "0123456789¹²³".contains(number))
    };
    ["con", "prn", "aux", "nul"].contains(&name.as_str()) || port(&name)
}

/// The bars that were captioned, in the time of the song.
fn of_song(notes: &Notes) -> Timeline {
    let captions: Vec<Caption> = notes.bars().filter_map(of_bar).collect();
    let mark = |bar: &NotedBar| {
        let (start_s, end_s) = bar.span_s?;
        Some(Mark {
            start_s,
            bpm: bar.meter.quarters() * 60.0 / (end_s - start_s),
            meter: bar.meter,
        })
    };
    let marks = Mark::changes(notes.bars().filter_map(mark));
    Timeline {
        tempo_bpm: (marks.len() == 1).then(|| (marks[0].bpm * 10.0).round() / 10.0),
        beats_per_bar: marks.first().map_or(4, |mark| mark.meter.numerator().into()),
        tempo_map: marks,
        ..timeline(captions)
    }
}

fn of_bar(bar: &NotedBar) -> Option<Caption> {
    let (start_s, end_s) = bar.span_s?;
    caption(&bar.words, bar.number, start_s, end_s, bar.loudness_lufs)
}

/// What was heard without a transport, in the time since the instance was last activated.
fn of_passages(report: &Report) -> Timeline {
    let free = |bar: &&HeardBar| bar.generation == report.generation && bar.is_free();
    let caption =
        |bar: &HeardBar| caption(&bar.words, None, bar.start_s, bar.end_s, bar.loudness_lufs);
    timeline(report.bars.iter().filter(free).filter_map(caption).collect())
}

pub(super) fn caption(
    words: &Words,
    bar: Option<i64>,
    start_s: f64,
    end_s: f64,
    loudness_lufs: Option<f64>,
) -> Option<Caption> {
    let Words::Said { text, labels, confidence } = words else { return None };
    let (text, labels, confidence) = (text.clone(), labels.clone(), *confidence);
    // What lies before the song's start has no place in a file that begins there.
    (start_s >= 0.0).then_some(Caption {
        start_s,
        end_s,
        bar,
        text,
        labels,
        confidence,
        checked_numbers: 0,
        loudness_lufs,
    })
}

fn timeline(captions: Vec<Caption>) -> Timeline {
    let duration_s = captions.iter().map(|caption| caption.end_s).fold(0.0, f64::max);
    Timeline { duration_s, captions, beats_per_bar: 4, ..Timeline::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Controls, Notebook, Session};
    use signal::{BarKey, Meter};
    use std::sync::Arc;

    fn notebook(bars: usize) -> Arc<Notebook> {
        let notebook = Notebook::default();
        for index in 0..bars {
            let start_s = 2.0 * index as f64;
            let key = BarKey::from_quarters(2.0 * start_s);
            let number = Some(index as i64 + 1);
            notebook.note(NotedBar {
                key,
                number,
                meter: Meter::new(4, 4).unwrap(),
                span_s: Some((start_s, start_s + 2.0)),
                loudness_lufs: Some(-18.0),
                true_peak_dbtp: None,
                words: Words::None,
            });
            if index != 1 {
                notebook.say(key, &Words::said(format!("Drums, take {index}."), 0.5));
            }
        }
        Arc::new(notebook)
    }

    #[test]
    fn a_song_is_exported_in_its_own_time() {
        let timeline = notebook(3).read(of_song);
        let spans: Vec<_> = timeline.captions.iter().map(|c| (c.start_s, c.end_s, c.bar)).collect();
        assert_eq!(spans, [(0.0, 2.0, Some(1)), (4.0, 6.0, Some(3))]);
        assert_eq!((timeline.tempo_bpm, timeline.duration_s), (Some(120.0), 6.0));
        let meter = Meter::new(4, 4).unwrap();
        assert_eq!(timeline.tempo_map, [Mark { start_s: 0.0, bpm: 120.0, meter }]);
    }

    #[test]
    fn a_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), &name("Lead: vox/2"), Format::Vtt, b"one").unwrap();
        let second = write(folder.path(), &name("Lead: vox/2"), Format::Vtt, b"two").unwrap();
        assert!(first.ends_with("Lead vox 2.vtt"), "{}", first.display());
        assert!(second.ends_with("Lead vox 2 2.vtt"), "{}", second.display());
        assert_eq!(fs::read(first).unwrap(), b"one");
    }

    #[test]
    fn a_read_only_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), "Mix", Format::Srt, b"mine").unwrap();
        let mut permissions = fs::metadata(&first).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&first, permissions).unwrap();
        let second = write(folder.path(), "Mix", Format::Srt, b"new").unwrap();
        assert_eq!(
            (fs::read(&first).unwrap(), fs::read(second).unwrap()),
            (b"mine".into(), b"new".into())
        );
        assert!(fs::metadata(first).unwrap().permissions().readonly());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn on_a_full_disk_no_half_of_a_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Mix.srt");
        fs::write(&path, "the first half").unwrap();
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = fill(&mut full, &path, b"the second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(!path.exists());
    }

    /// A folder in which nobody may make files, whoever runs the tests.
    #[test]
    #[cfg(target_os = "linux")]
    fn without_permission_the_error_says_so() {
        let error = write(Path::new("/sys"), "Mix", Format::Srt, b"words").unwrap_err();
        let kinds = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        assert!(kinds.contains(&error.kind()), "{error}");
        assert!(error.to_string().starts_with("/sys/Mix.srt: "), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = file.path().join("renders");
        let error = write(&folder, "Mix", Format::Srt, b"words").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", folder.display())), "{error}");
    }

    #[test]
    fn a_folder_that_has_gone_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("renders").join("song");
        write(&folder, "Mix", Format::Srt, b"one").unwrap();
        fs::remove_dir_all(root.path().join("renders")).unwrap();
        assert!(write(&folder, "Mix", Format::Srt, b"two").unwrap().exists());
    }

    #[test]
    fn names_fit_any_system() {
        assert_eq!(name("../..\\a:b\n"), "a b");
        assert_eq!(name(""), "Barline");
        for (device, file) in [("CON", "CON track"), ("aux.", "aux track"), ("Com1", "Com1 track")]
        {
            assert_eq!(name(device), file);
        }
        assert_eq!(
            (name("Console"), name("COM10"), name("NUL 2")),
            ("Console".into(), "COM10".into(), "NUL 2".into())
        );
        assert_eq!(name(&"é".repeat(300)).chars().count(), MAX_NAME);
    }

    #[test]
    fn nothing_heard_is_said_so() {
        let (session, _listener) = Session::pair(Controls::default(), None);
        let exported = export(Format::Srt, "Bass", &session.shared);
        assert!(matches!(exported, Exported::Failed(why) if why.contains("no captions")));
    }
}
