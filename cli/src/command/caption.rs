//! `barline caption`.

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use engine::{Narration, Timeline, format::Format};

use super::resume::resume_captions;
use crate::{
    args::{Caption, CaptionFormat, Common},
    output::{Fault, Report, conflict, print, usage, warn},
    session::Session,
};

/// Captions files.
pub(crate) fn caption(common: &Common, args: &Caption) -> anyhow::Result<u8> {
    if args.resume {
        return resume_captions(common, args);
    }
    let format = match (common.json, args.format) {
        (true, Some(CaptionFormat::Json) | None) => CaptionFormat::Json,
        (true, Some(_)) => conflict(),
        (false, format) => format.unwrap_or(CaptionFormat::Text),
    };
    let whole = matches!(format, CaptionFormat::Text | CaptionFormat::Json);
    if !whole && args.out.is_none() && args.files.len() > 1 {
        usage("several files in this format need --out DIR");
    }
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).with_context(|| format!("--out {}", folder.display()))?;
    }
    let narration = Narration {
        per: args.per,
        bpm: args.grid.bpm,
        meter: args.grid.meter,
        ..Narration::default()
    };
    let session = Session::new(common)?;
    let mut report = Report::array(format == CaptionFormat::Json);
    let mut names = HashSet::new();
    for file in &args.files {
        let result = session
            .file(file, true, |context, source| Ok(engine::narrate(context, source, &narration)?));
        let result = result.and_then(|timeline| {
            if let Some(folder) = &args.out {
                let path = target(folder, file, format, &mut names);
                let bytes = render(file, &timeline, format);
                fs::write(&path, bytes)
                    .map_err(|e| Fault::new("out", format!("{}: {e}", path.display())))?;
                warn(&format!("wrote {}", path.display()));
            }
            Ok(timeline)
        });
        match (result, &args.out) {
            (Ok(timeline), out) => {
                if format == CaptionFormat::Json {
                    report.row(file, &timeline, |_| String::new());
                } else if out.is_none() {
                    print(&render(file, &timeline, format));
                }
            }
            (Err(fault), _) => report.fail(file, &fault),
        }
    }
    Ok(report.finish())
}

/// The bytes of one caption file.
fn render(file: &str, timeline: &Timeline, format: CaptionFormat) -> Vec<u8> {
    match format.writer() {
        Some(Format::Json) => Format::Json.write(timeline, file),
        Some(writer) => writer.write(timeline, &stem(file)),
        None => text(file, timeline).into_bytes(),
    }
}

/// Fields that the text doesn't show, so that it needs no reason for them either.
const UNSHOWN: [&str; 5] =
    ["project_start_s", "tempo_bpm", "beats_per_bar", "bar", "loudness_lufs"];

fn text(file: &str, timeline: &Timeline) -> String {
    let mut out = format!("{file}: {}\n", timeline.summary);
    for caption in &timeline.captions {
        let bar = caption.bar.map_or_else(|| "-".to_owned(), |bar| bar.to_string());
        let (minutes, seconds) = ((caption.start_s / 60.0).floor(), caption.start_s % 60.0);
        let _ = writeln!(out, "{bar:>5}  {minutes:>2}:{seconds:05.2}  {}", caption.text);
    }
    for (field, note) in timeline.notes.iter().filter(|(f, _)| !UNSHOWN.contains(&f.as_str())) {
        let _ = writeln!(out, "  note: {field}: {note}");
    }
    out
}

/// The name of a file without folder and extension.
fn stem(file: &str) -> String {
    match Path::new(file).file_stem() {
        Some(stem) if file != "-" => stem.to_string_lossy().into_owned(),
        _ => "stdin".to_owned(),
    }
}

/// Where a file's captions go: two inputs of one name get two files.
fn target(
    folder: &Path,
    file: &str,
    format: CaptionFormat,
    names: &mut HashSet<PathBuf>,
) -> PathBuf {
    let extension = match format {
        CaptionFormat::Text => "txt",
        other => other.writer().map_or("txt", Format::extension),
    };
    let stem = stem(file);
    let mut path = folder.join(format!("{stem}.{extension}"));
    let mut number = 2;
    while !names.insert(path.clone()) {
        path = folder.join(format!("{stem}-{number}.{extension}"));
        number += 1;
    }
    path
}
