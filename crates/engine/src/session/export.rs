//! The captions of a session as a file: what the editor's export button makes. `[session-thread]`

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use directories::UserDirs;
use serde::Serialize;

use super::report::{HeardBar, Words};
use super::{NotedBar, Notes, Report, Shared};
use crate::format::Format;
use crate::timeline::{Caption, Timeline};

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
        Err(error) => Exported::Failed(format!("{}: {error}", folder.display())),
    }
}

fn folder() -> Result<PathBuf, String> {
    let user = UserDirs::new().ok_or("this user has no home folder to write to")?;
    Ok(user.document_dir().unwrap_or(user.home_dir()).join(FOLDER))
}

/// Writes to the first of `NAME.vtt`, `NAME 2.vtt`, ... that isn't there yet, in a folder that is made where it is missing.
pub(super) fn write(
    folder: &Path,
    name: &str,
    format: Format,
    bytes: &[u8],
) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for number in 1..=MAX_FILES {
        let number = if number == 1 { String::new() } else { format!(" {number}") };
        let path = folder.join(format!("{name}{number}.{}", format.extension()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => return fill(&mut file, &path, bytes).map(|()| path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("there are {MAX_FILES} files of this name")))
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
    if name.is_empty() { "Barline".to_owned() } else { name }
}

/// The bars that were captioned, in the time of the song.
fn of_song(notes: &Notes) -> Timeline {
    let captions: Vec<Caption> = notes.bars().filter_map(of_bar).collect();
    let meter = notes.bars().next().map(|bar| bar.meter);
    Timeline {
        tempo_bpm: steady_tempo(notes),
        beats_per_bar: meter.map_or(4, |meter| meter.numerator().into()),
        ..timeline(captions)
    }
}

fn of_bar(bar: &NotedBar) -> Option<Caption> {
    let (start_s, end_s) = bar.span_s?;
    caption(&bar.words, bar.number, start_s, end_s, bar.loudness_lufs)
}

/// The tempo, where all bars have one to a tenth.
fn steady_tempo(notes: &Notes) -> Option<f64> {
    let tempo = |bar: &NotedBar| {
        bar.span_s.map(|(start_s, end_s)| bar.meter.quarters() * 60.0 / (end_s - start_s))
    };
    let mut tempos = notes.bars().filter_map(tempo);
    let first = tempos.next()?;
    tempos.all(|bpm| (bpm - first).abs() < 0.1).then(|| (first * 10.0).round() / 10.0)
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
        assert_eq!(name(&"é".repeat(300)).chars().count(), MAX_NAME);
    }

    #[test]
    fn nothing_heard_is_said_so() {
        let (session, _listener) = Session::pair(Controls::default(), None);
        let exported = export(Format::Srt, "Bass", &session.shared);
        assert!(matches!(exported, Exported::Failed(why) if why.contains("no captions")));
    }
}
