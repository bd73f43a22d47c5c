//! `barline embed-captions`: the captions of a WAV file as cue points in a copy of it, with its loudness.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Read as _},
    path::Path,
};

use engine::{Context, Narration, Timeline, format};
use serde::Serialize;
use signal::Measurements;

use crate::{
    args::{Common, EmbedCaptions},
    decode::Decoded,
    output::{Fault, Report, wants_json},
    session::Session,
};

/// Captions of a file of another length are those of another file.
const SAME_S: f64 = 0.5;

/// The file's object.
#[derive(Serialize)]
struct Row {
    out: String,
    captions: usize,
}

/// Writes the copy.
pub(crate) fn embed_captions(common: &Common, args: &EmbedCaptions) -> anyhow::Result<u8> {
    let mut report = Report::single(wants_json(common, args.plain));
    let session = Session::new(common)?;
    let hear = args.captions.is_none();
    let result = session.file(&args.file, hear, |context, source| {
        check(&args.file, &args.out)?;
        let measured = engine::measure(context, source)?;
        let timeline = match &args.captions {
            Some(path) => read(path, &args.file, measured.duration_s)?,
            None => narrate(context, source)?,
        };
        write(&args.file, &args.out, &timeline, &measured)?;
        Ok(Row { out: args.out.display().to_string(), captions: timeline.captions.len() })
    });
    report.result(&args.file, result, |row| {
        format!("wrote {} with {} captions\n", row.out, row.captions)
    });
    Ok(report.finish())
}

/// Refuses what would fail at the end, before anything is measured.
fn check(file: &str, out: &Path) -> Result<(), Fault> {
    if file == "-" {
        return Err(Fault::new("file", "standard input cannot be copied: name a file"));
    }
    if out.exists() {
        return Err(Fault::new("out", format!("{}: there is such a file", out.display())));
    }
    let mut magic = [0; 12];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    if read.is_err() || &magic[8..] != b"WAVE" {
        return Err(Fault::new("file", "captions can be embedded in WAV files only"));
    }
    Ok(())
}

fn narrate(context: &Context<'_>, source: &mut Decoded) -> Result<Timeline, Fault> {
    Ok(engine::narrate(context, source, &Narration::default())?)
}

/// The captions of `file` in what `barline caption --json` printed: one object, or one of an array.
fn read(path: &Path, file: &str, duration_s: f64) -> Result<Timeline, Fault> {
    let fail = |why: String| Fault::new("captions", format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    let own = |object: &&serde_json::Value| object["file"] == file;
    let object = match json.as_array().map(Vec::as_slice) {
        None => &json,
        Some([one]) => one,
        Some(many) => many
            .iter()
            .find(own)
            .ok_or_else(|| fail(format!("none of its objects has the file {file}")))?,
    };
    let timeline: Timeline =
        serde_json::from_value(object.clone()).map_err(|error| fail(error.to_string()))?;
    if (timeline.duration_s - duration_s).abs() > SAME_S {
        let (theirs, ours) = (timeline.duration_s, duration_s);
        return Err(fail(format!("its captions are of {theirs:.2} s, the file has {ours:.2} s")));
    }
    Ok(timeline)
}

/// A copy under a name that isn't there yet. A failed one leaves nothing behind.
fn write(
    file: &str,
    out: &Path,
    timeline: &Timeline,
    measured: &Measurements,
) -> Result<(), Fault> {
    let fail =
        |error: &dyn std::fmt::Display| Fault::new("out", format!("{}: {error}", out.display()));
    let mut input =
        BufReader::new(File::open(file).map_err(|error| Fault::new("file", error.to_string()))?);
    let output =
        OpenOptions::new().write(true).create_new(true).open(out).map_err(|error| fail(&error))?;
    let done = format::embed(&mut input, &mut BufWriter::new(output), timeline, measured);
    done.map_err(|error| {
        let _ = fs::remove_file(out);
        fail(&error)
    })
}
