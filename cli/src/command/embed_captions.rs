//! `barline embed-captions`: the captions of a WAV file as cue points in a copy of it, with its loudness.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Read as _},
    path::Path,
    slice,
};

use engine::{AudioSource as _, Context, Narration, Timeline, format};
use serde::Serialize;
use serde_json::Value;
use signal::Measurements;

use crate::{
    args::{Common, EmbedCaptions},
    decode::{Decoded, is_audio},
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
    notes: BTreeMap<String, String>,
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
        Ok(Row {
            out: args.out.display().to_string(),
            captions: timeline.captions.len(),
            notes: source.notes(),
        })
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
    let json: Value = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    let objects = json.as_array().map_or(slice::from_ref(&json), Vec::as_slice);
    let object = own(objects, file).map_err(|why| fail(format!("file: {why}")))?;
    let timeline: Timeline =
        serde_json::from_value(object.clone()).map_err(|error| fail(error.to_string()))?;
    if (timeline.duration_s - duration_s).abs() > SAME_S {
        let (theirs, ours) = (timeline.duration_s, duration_s);
        return Err(fail(format!("its captions are of {theirs:.2} s, the file has {ours:.2} s")));
    }
    Ok(timeline)
}

/// The object that speaks of `file`: by its path, else by the name at the path's end, for the file may have moved.
fn own<'a>(objects: &'a [Value], file: &str) -> Result<&'a Value, String> {
    if let Some(object) = objects.iter().find(|object| object["file"] == file) {
        return Ok(object);
    }
    let of_this = |object: &&Value| object["file"].as_str().is_some_and(|name| may_be(name, file));
    let mut found = objects.iter().filter(of_this);
    match (found.next(), found.next(), objects) {
        (Some(object), None, _) => Ok(object),
        (Some(_), Some(_), _) => Err(format!("more than one object may be of {file}")),
        (None, _, [one]) => match one["file"].as_str() {
            Some(theirs) => Err(format!("its captions are of {theirs}, not of {file}")),
            None => Err("missing: nothing says what the captions are of".to_owned()),
        },
        (None, ..) => Err(format!("none of its objects is of {file}")),
    }
}

/// Whether captions of `theirs` may be those of `file`. Standard input has no name, and a render is called by a title and not
/// by the file that the host wrote: of these the length alone tells.
fn may_be(theirs: &str, file: &str) -> bool {
    let named = is_audio(Path::new(theirs));
    !named || Path::new(theirs).file_name() == Path::new(file).file_name()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn captions_of_another_file_are_refused() {
        let chosen = |files: &[&str], file: &str| {
            let objects: Vec<Value> = files.iter().map(|file| json!({ "file": file })).collect();
            own(&objects, file).map(|object| object["file"].as_str().unwrap().to_owned())
        };
        assert_eq!(chosen(&["a.wav"], "a.wav").unwrap(), "a.wav");
        assert_eq!(chosen(&["/old/a.wav"], "new/a.wav").unwrap(), "/old/a.wav");
        assert_eq!(chosen(&["x/a.wav", "y/a.wav"], "y/a.wav").unwrap(), "y/a.wav");
        for title in ["-", "Mix bars 1-8"] {
            assert_eq!(chosen(&[title], "a.wav").unwrap(), title);
        }
        for (files, word) in [
            (&["b.wav"][..], "its captions are of b.wav, not of a.wav"),
            (&["b.wav", "c.wav"], "none of its objects is of a.wav"),
            (&["x/a.wav", "y/a.wav"], "more than one object may be of a.wav"),
            (&[], "none of its objects"),
        ] {
            let why = chosen(files, "a.wav").unwrap_err();
            assert!(why.contains(word), "{why}");
        }
        assert!(own(&[json!({})], "a.wav").unwrap_err().starts_with("missing"));
    }
}
