//! `barline label`: what each file is, and on request names after it.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use engine::Labelled;
use serde::Serialize;

use crate::{
    args::{Common, FileName, LabelArgs},
    decode::audio_files,
    output::{Fault, Report, print, usage, wants_json},
    session::Session,
};

mod renaming;

use renaming::{Journal, NewNames, place};

/// A file's object, with the name it gets.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    labelled: Labelled,
    #[serde(skip_serializing_if = "Option::is_none")]
    renamed_to: Option<PathBuf>,
}

/// Labels files, and folders of files.
pub(crate) fn label(common: &Common, args: &LabelArgs) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let mut report = Report::array(json);
    if let Some(file) = &args.undo {
        renaming::undo(file, &mut report);
        return Ok(report.finish());
    }
    if args.rename && args.paths.iter().any(|path| &**path == "-") {
        usage("standard input cannot be renamed");
    }
    let session = Session::new(common)?;
    let (mut names, mut journal, mut previewed) = (NewNames::default(), Journal::default(), false);
    for (file, found) in files(&args.paths) {
        let result = found.and_then(|()| {
            session.file(&file, true, |context, source| Ok(engine::label(context, source)?))
        });
        let result = result.and_then(|labelled| {
            let path = Path::new(&*file);
            let to = args.rename.then(|| names.give(path, labelled.label)).flatten();
            match &to {
                Some(to) if args.yes => journal.rename(path, to)?,
                to => previewed |= to.is_some(),
            }
            Ok(Row { labelled, renamed_to: to })
        });
        report.result(&file, result, |row| text(&file, row));
    }
    journal.finish();
    if previewed && !json {
        print(b"nothing was renamed: add --yes to rename\n");
    }
    Ok(report.finish())
}

/// The files that the paths lead to, each once, in order; or why a path leads to none.
fn files(paths: &[FileName]) -> Vec<(FileName, Result<(), Fault>)> {
    let (mut seen, mut out) = (HashSet::new(), Vec::new());
    for path in paths {
        match files_of(path) {
            Ok(files) => out.extend(files.into_iter().filter_map(|file| {
                // Two names that are no text may look alike.
                let new = file.known().is_err() || seen.insert(place(Path::new(&*file)));
                new.then_some((file, Ok(())))
            })),
            Err(fault) => out.push((path.clone(), Err(fault))),
        }
    }
    out
}

/// The file itself, or the audio files of a folder.
fn files_of(path: &FileName) -> Result<Vec<FileName>, Fault> {
    let folder = Path::new(&**path);
    if &**path == "-" || path.known().is_err() || !folder.is_dir() {
        return Ok(vec![path.clone()]);
    }
    let paths = audio_files(folder).map_err(|e| Fault::new("file", e.to_string()))?;
    let files: Vec<FileName> =
        paths.into_iter().map(|path| FileName::from(OsString::from(path))).collect();
    if files.is_empty() {
        return Err(Fault::new("file", "the folder holds no audio files"));
    }
    Ok(files)
}

fn text(file: &str, row: &Row) -> String {
    let labelled = &row.labelled;
    let mut line = match labelled.label {
        Some(label) => format!("{file}: {label} ({:.0} %)", labelled.confidence * 100.0),
        None => {
            let why: &BTreeMap<String, String> = &labelled.notes;
            format!("{file}: no label ({})", why.get("label").map_or("", String::as_str))
        }
    };
    if let Some(to) = &row.renamed_to {
        line += &format!(" -> {}", to.display());
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(paths: &[PathBuf]) -> Vec<String> {
        let paths: Vec<FileName> =
            paths.iter().map(|path| path.clone().into_os_string().into()).collect();
        files(&paths).into_iter().map(|(file, _)| file.to_string()).collect()
    }

    #[test]
    fn folders_list_their_audio_in_order_and_no_file_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.WAV", "a.flac", "notes.txt"] {
            fs::write(path(name), "").unwrap();
        }
        fs::create_dir(path("none")).unwrap();
        let named = |name: &str| path(name).to_str().unwrap().to_owned();
        let ordered = [named("a.flac"), named("b.WAV")];
        assert_eq!(names(&[folder.path().to_owned()]), ordered);
        let again = [path("b.WAV"), path("./b.WAV"), path("none/../b.WAV"), path("")];
        assert_eq!(names(&again), [named("b.WAV"), named("a.flac")]);
        assert_eq!(names(&[path("none"), path("gone")]), [named("none"), named("gone")]);
    }
}
