//! `barline advise`.

use std::{fmt::Write as _, fs, path::Path};

use engine::{Advice, AudioSource, Company, Part, Request};

use crate::{
    args::{Advise, Common, FileName},
    decode::{Decoded, audio_files},
    output::{Fault, Report, usage, wants_json},
    session::Session,
};

/// Advises on files.
pub(crate) fn advise(common: &Common, args: &Advise) -> anyhow::Result<u8> {
    let mut report = Report::array(wants_json(common, args.plain));
    let part = match (args.bar, args.from, args.to) {
        (Some(bar), ..) => Part::Bar(bar),
        (None, Some(from), Some(to)) if from >= to => usage("--from must lie before --to"),
        (None, Some(from), Some(to)) => Part::Seconds(from, to),
        _ => Part::Whole,
    };
    let session = Session::new(common)?;
    let request = Request {
        part,
        bpm: args.grid.bpm,
        meter: args.grid.meter,
        label: args.label,
        target: args.target,
        question: args.ask.clone(),
        ..Request::default()
    };
    for file in &args.files {
        let result = session.file(file, true, |context, source| {
            let mut stems =
                args.stems.as_deref().map(|dir| others(dir, file)).transpose()?.unwrap_or_default();
            let mut references =
                args.reference.as_deref().map(references).transpose()?.unwrap_or_default();
            let company = Company {
                stems: stems
                    .iter_mut()
                    .map(|(name, stem)| (name.clone(), stem as &mut dyn AudioSource))
                    .collect(),
                references: references
                    .iter_mut()
                    .map(|reference| reference as &mut dyn AudioSource)
                    .collect(),
            };
            Ok(engine::advise(context, source, &request, company)?)
        });
        report.result(file, result, |advice| text(file, advice));
    }
    Ok(report.finish())
}

/// Opens another file than the one that is advised on; its faults name it.
fn open(path: &Path) -> Result<Decoded, Fault> {
    let name = FileName::from(path.as_os_str().to_owned());
    name.known()
        .and_then(Decoded::open)
        .map_err(|error| Fault::new(&error.field, format!("{}: {}", &*name, error.message)))
}

/// The file, or all audio files of the folder.
fn references(path: &Path) -> Result<Vec<Decoded>, Fault> {
    if !path.is_dir() {
        return Ok(vec![open(path)?]);
    }
    let fault =
        |why: &dyn std::fmt::Display| Fault::new("reference", format!("{}: {why}", path.display()));
    let paths = audio_files(path).map_err(|error| fault(&error))?;
    if paths.is_empty() {
        return Err(fault(&"no audio files"));
    }
    paths.iter().map(|path| open(path)).collect()
}

/// The folder's other audio files.
fn others(dir: &Path, file: &str) -> Result<Vec<(String, Decoded)>, Fault> {
    let own = fs::canonicalize(file).ok();
    let mut paths =
        audio_files(dir).map_err(|e| Fault::new("stems", format!("{}: {e}", dir.display())))?;
    if paths.is_empty() {
        return Err(Fault::new("stems", format!("{}: no audio files", dir.display())));
    }
    paths.retain(|path| own.is_none() || fs::canonicalize(path).ok() != own);
    paths
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            open(path).map(|stem| (name, stem))
        })
        .collect()
}

fn text(file: &str, advice: &Advice) -> String {
    let scope = &advice.scope;
    let label = advice.label.map_or("no label", signal::Label::name);
    let mut out = format!("{file}: {label} ({})\n", scope.words);
    for finding in &advice.findings {
        let severity = finding.severity.name();
        let holds = finding.holds.map_or_else(String::new, |holds| format!(", {}", holds.words()));
        let _ = writeln!(out, "  {} ({severity}{holds}): {}", finding.kind, finding.text);
        for evidence in &finding.evidence {
            let standard = if evidence.standard.is_empty() { "" } else { " by " };
            let _ = writeln!(
                out,
                "      {} {}{standard}{}",
                evidence.name,
                evidence.words(),
                evidence.standard
            );
        }
    }
    if advice.findings.is_empty() {
        let _ = writeln!(out, "  nothing found");
    }
    if let Some(answer) = &advice.answer {
        let _ = writeln!(out, "  {}", answer.text);
    }
    out
}
