//! `manifest.csv`: one line for each recording of the bank.

use std::path::{Component, Path};

use signal::Label;

use super::BankError;

/// One line of the manifest; the columns that the factory reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Path under the bank's folder.
    pub path: String,
    /// Instrument family, e.g. `bass-acoustic`.
    pub family: String,
    /// Instrument or articulation within the source.
    pub sub: String,
    /// Where the recording comes from.
    pub source: String,
    /// Sounding MIDI pitch, where known.
    pub pitch: Option<f64>,
    /// MIDI velocity over 127, where known.
    pub velocity: Option<f64>,
}

/// The label that a family of the bank maps onto (DESIGN.md, `barline label`).
pub fn label_of_family(family: &str) -> Option<Label> {
    Some(match family {
        "bass-acoustic" | "bass-electric" | "bass-synth" => Label::Bass,
        "electric-guitar-clean" | "electric-guitar-distorted" => Label::ElectricGuitar,
        "choir" => Label::Vocals,
        "drum-loop" => Label::Drums,
        "woodwind" => Label::Woodwinds,
        "fx-noise" => Label::Fx,
        other => return Label::from_name(other).filter(|label| *label != Label::FullMix),
    })
}

/// Reads the manifest in its order.
///
/// # Errors
/// A file that can't be read; a column missing from the header; a line with too few fields, an unknown family, a path
/// that leaves the folder, or a number that isn't one.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, BankError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| BankError::Io { file: path.to_owned(), source })?;
    let fail = |line: usize, field: &str, reason: String| BankError::Manifest {
        file: path.to_owned(),
        line,
        field: field.to_owned(),
        reason,
    };
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let header = split(lines.next().map_or("", |(_, line)| line));
    let column = |name: &str| {
        header
            .iter()
            .position(|field| field == name)
            .ok_or_else(|| fail(1, name, "no such column".to_owned()))
    };
    let (path_at, family_at, sub_at) = (column("path")?, column("family")?, column("sub")?);
    let (source_at, pitch_at, velocity_at) =
        (column("source")?, column("midi_pitch")?, column("velocity")?);
    let mut entries = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let fields = split(line);
        let field = |at: usize, name: &str| {
            fields
                .get(at)
                .cloned()
                .ok_or_else(|| fail(number, name, format!("the line has {} fields", fields.len())))
        };
        let entry = Entry {
            path: field(path_at, "path")?,
            family: field(family_at, "family")?,
            sub: field(sub_at, "sub")?,
            source: field(source_at, "source")?,
            pitch: number_in(&field(pitch_at, "midi_pitch")?, 127.0)
                .map_err(|e| fail(number, "midi_pitch", e))?,
            velocity: number_in(&field(velocity_at, "velocity")?, 127.0)
                .map_err(|e| fail(number, "velocity", e))?
                .map(|velocity| velocity / 127.0),
        };
        if label_of_family(&entry.family).is_none() {
            return Err(fail(number, "family", format!("unknown family {:?}", entry.family)));
        }
        if !Path::new(&entry.path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(fail(number, "path", format!("{:?} leaves the bank's folder", entry.path)));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// An empty field is None; otherwise a number in `0..=max`.
fn number_in(field: &str, max: f64) -> Result<Option<f64>, String> {
    if field.is_empty() {
        return Ok(None);
    }
    match field.parse::<f64>() {
        Ok(number) if (0.0..=max).contains(&number) => Ok(Some(number)),
        _ => Err(format!("{field:?} is not a number in 0..={max}")),
    }
}

/// The fields of a CSV line (RFC 4180, without line breaks inside quotes).
fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("starts with one field");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => field.push(c),
        }
    }
    fields
}
