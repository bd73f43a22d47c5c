//! `barline label`, with the renaming of files after their labels.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use engine::Labelled;
use serde::{Deserialize, Serialize};

use crate::{
    args::{Common, LabelArgs},
    decode::audio_files,
    output::{Fault, Report, print, usage, wants_json, warn},
    session::Session,
};

/// One renaming; an undo file is an array of these.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Renaming {
    from: PathBuf,
    to: PathBuf,
}

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
    if let Some(file) = &args.undo {
        return undo(file);
    }
    if args.rename && args.paths.iter().any(|path| path == "-") {
        usage("standard input cannot be renamed");
    }
    let json = wants_json(common, args.plain);
    let session = Session::new(common)?;
    let mut report = Report::array(json);
    let mut renamings = Vec::new();
    let mut taken = HashSet::new();
    for path in &args.paths {
        let files = match files_of(path) {
            Ok(files) => files,
            Err(fault) => {
                report.fail(path, &fault);
                continue;
            }
        };
        for file in files {
            let result =
                session.file(&file, true, |context, source| Ok(engine::label(context, source)?));
            let result = result.map(|labelled| {
                let to = args
                    .rename
                    .then(|| new_name(Path::new(&file), &labelled, &mut taken))
                    .flatten();
                renamings.extend(to.clone().map(|to| Renaming { from: file.clone().into(), to }));
                Row { labelled, renamed_to: to }
            });
            report.result(&file, result, |row| text(&file, row));
        }
    }
    let mut code = report.finish();
    if args.yes && !renamings.is_empty() {
        code = code.max(rename(&renamings)?);
    } else if args.rename && !renamings.is_empty() && !json {
        print(b"nothing was renamed: add --yes to rename\n");
    }
    Ok(code)
}

/// The file itself, or the audio files of a folder.
fn files_of(path: &str) -> Result<Vec<String>, Fault> {
    if path == "-" || !Path::new(path).is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let paths = audio_files(Path::new(path)).map_err(|e| Fault::new("file", e.to_string()))?;
    let names = paths.into_iter().filter_map(|path| path.into_os_string().into_string().ok());
    let files: Vec<String> = names.collect();
    if files.is_empty() {
        return Err(Fault::new("file", "the folder holds no audio files"));
    }
    Ok(files)
}

/// `LABEL.ext` beside the file, or `LABEL-2.ext` and so on where that name is taken; none where there is no label or the
/// file has such a name already.
fn new_name(file: &Path, labelled: &Labelled, taken: &mut HashSet<PathBuf>) -> Option<PathBuf> {
    let label = labelled.label?.name();
    let extension =
        file.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    let own = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let numbered = own.strip_prefix(label).and_then(|rest| rest.strip_prefix('-'));
    if own == label || numbered.is_some_and(|n| n.parse::<u32>().is_ok()) {
        return None;
    }
    (1u32..)
        .map(
            |n| {
                if n == 1 {
                    format!("{label}{extension}")
                } else {
                    format!("{label}-{n}{extension}")
                }
            },
        )
        .map(|name| file.with_file_name(name))
        .find(|path| fs::symlink_metadata(path).is_err() && taken.insert(path.clone()))
}

/// Renames, after the undo file is safe on disk. Nothing is overwritten.
fn rename(renamings: &[Renaming]) -> anyhow::Result<u8> {
    let folder =
        renamings[0].from.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (path, mut file) = undo_file(folder)?;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let list: Vec<Renaming> = renamings
        .iter()
        .map(|r| Renaming { from: absolute(&r.from), to: absolute(&r.to) })
        .collect();
    file.write_all(&serde_json::to_vec_pretty(&list)?)?;
    file.sync_all()?;
    warn(&format!("undo file: {0} (barline label --undo {0})", path.display()));
    let mut code = 0;
    for Renaming { from, to } in renamings {
        if let Err(error) = move_file(from, to) {
            warn(&format!("{}: {error}", from.display()));
            code = 1;
        }
    }
    Ok(code)
}

/// A new file in `folder`.
fn undo_file(folder: &Path) -> anyhow::Result<(PathBuf, fs::File)> {
    for number in 1..10_000 {
        let path = folder.join(format!("barline-undo-{number}.json"));
        match fs::File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
    }
    bail!("{}: too many undo files", folder.display())
}

/// Renames without overwriting: `rename` alone would, so the new name is claimed by a hard link where the file system
/// has them.
fn move_file(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(std::io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

fn undo(file: &Path) -> anyhow::Result<u8> {
    let text = fs::read(file).with_context(|| file.display().to_string())?;
    let list: Vec<Renaming> = serde_json::from_slice(&text)
        .with_context(|| format!("{}: not an undo file", file.display()))?;
    let mut code = 0;
    for Renaming { from, to } in list.iter().rev() {
        match move_file(to, from) {
            Ok(()) => print(format!("{} -> {}\n", to.display(), from.display()).as_bytes()),
            Err(error) => {
                warn(&format!("{}: {error}", to.display()));
                code = 1;
            }
        }
    }
    Ok(code)
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
    use signal::Label;

    use super::*;

    fn labelled(label: Option<Label>) -> Labelled {
        Labelled {
            label,
            confidence: 0.9,
            alternatives: Vec::new(),
            abstained: label.is_none(),
            notes: BTreeMap::new(),
        }
    }

    #[test]
    fn names_are_never_taken_twice_and_renaming_can_be_undone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["Audio 01.wav", "Audio 02.wav", "bass.wav", "bass-7.wav", "kick.flac"] {
            fs::write(path(name), name).unwrap();
        }
        let mut taken = HashSet::new();
        let bass = labelled(Some(Label::Bass));
        let one = new_name(&path("Audio 01.wav"), &bass, &mut taken).unwrap();
        let two = new_name(&path("Audio 02.wav"), &bass, &mut taken).unwrap();
        assert_eq!((one.clone(), two.clone()), (path("bass-2.wav"), path("bass-3.wav")));
        for same in ["bass.wav", "bass-7.wav"] {
            assert_eq!(new_name(&path(same), &bass, &mut taken), None);
        }
        assert_eq!(new_name(&path("kick.flac"), &labelled(None), &mut taken), None);

        let list = [
            Renaming { from: path("Audio 01.wav"), to: one },
            Renaming { from: path("Audio 02.wav"), to: two },
        ];
        assert_eq!(rename(&list).unwrap(), 0);
        assert_eq!(fs::read_to_string(path("bass-3.wav")).unwrap(), "Audio 02.wav");
        assert!(!path("Audio 02.wav").exists());
        assert_eq!(undo(&path("barline-undo-1.json")).unwrap(), 0);
        assert_eq!(fs::read_to_string(path("Audio 02.wav")).unwrap(), "Audio 02.wav");
        assert!(!path("bass-3.wav").exists() && path("bass.wav").exists());
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&from, "a").unwrap();
        fs::write(&to, "b").unwrap();
        assert!(move_file(&from, &to).is_err());
        assert_eq!(
            (fs::read_to_string(&from).unwrap(), fs::read_to_string(&to).unwrap()),
            ("a".into(), "b".into())
        );
    }

    #[test]
    fn folders_list_their_audio_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.WAV", "a.flac", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let files = files_of(folder.path().to_str().unwrap()).unwrap();
        assert!(
            files.len() == 2 && files[0].ends_with("a.flac") && files[1].ends_with("b.WAV"),
            "{files:?}"
        );
    }
}
