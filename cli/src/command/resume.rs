//! `barline caption --resume`: captions of renders whose host ended before they were written.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use engine::{
    hub::{Hub, Thinker},
    session::{BounceSettings, Bounced, Resumed, Resuming, resume},
};
use indicatif::ProgressStyle;
use serde::Serialize;

use crate::{
    args::{Caption, CaptionFormat, Common},
    output::{Fault, Report, conflict, usage, warn},
    session::progress_bar,
};

/// The renders on one tape.
#[derive(Serialize)]
struct Row {
    title: String,
    renders: Vec<Render>,
    notes: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Render {
    paths: Vec<PathBuf>,
    captions: usize,
    failed_bars: usize,
}

/// Writes what was left: as the user has set it in the plugin, or to `--out` and in `--format`.
pub(crate) fn resume_captions(common: &Common, args: &Caption) -> anyhow::Result<u8> {
    if common.json && args.format.is_some_and(|format| format != CaptionFormat::Json) {
        conflict();
    }
    if common.threads.is_some() {
        usage("--threads cannot be used with --resume: renders are heard as the plugin hears them");
    }
    let mut settings = BounceSettings::load().map_err(|why| anyhow::anyhow!("settings: {why}"))?;
    if let Some(folder) = &args.out {
        settings.folder = Some(std::path::absolute(folder)?);
    }
    if let Some(format) = args.format.and_then(CaptionFormat::writer) {
        settings.formats = vec![format];
    }
    let folder = common.model.clone();
    let hub = Hub::new(Box::new(move |device, progress| {
        let opened = engine::open_model(folder.as_deref(), device, progress)?;
        Ok(Box::new(Thinker::new(opened)))
    }));
    hub.compute_on(common.device);
    let (mut report, mut tapes) = (Report::array(common.json), 0);
    let bar = progress_bar();
    bar.set_style(ProgressStyle::with_template("{msg}")?);
    let told = resume(&hub, &settings, &mut |news| {
        let resumed = match news {
            Resuming::Going { bars, left_s } => {
                return bar.set_message(format!("{left_s} s to be heard, {bars} bars to go"));
            }
            Resuming::Done(resumed) => resumed,
        };
        bar.set_message("");
        tapes += 1;
        let file = resumed.path.display().to_string();
        report.result(&file, row(resumed), text);
    });
    bar.finish_and_clear();
    if let Err(why) = told {
        report.fail("renders", &Fault::new("folder", why));
    } else if tapes == 0 {
        warn("no render was left without its captions");
    }
    Ok(report.finish())
}

/// A tape's result; the fault where something could not be written, or nothing played.
fn row(resumed: Resumed) -> Result<Row, Fault> {
    let Resumed { title, renders, trouble, .. } = resumed;
    let mut row = Row { title, renders: Vec::new(), notes: BTreeMap::new() };
    for bounced in renders {
        match bounced {
            Bounced::Written { paths, captions, failed } => {
                row.renders.push(Render { paths, captions, failed_bars: failed });
            }
            Bounced::Failed(why) => return Err(Fault::new("captions", why)),
            Bounced::Waiting { .. } => {}
        }
    }
    match trouble {
        Some(why) if row.renders.is_empty() => return Err(Fault::new("tape", why)),
        why => row.notes.extend(why.map(|why| ("renders".to_owned(), why))),
    }
    Ok(row)
}

fn text(row: &Row) -> String {
    let mut out = String::new();
    for render in &row.renders {
        for path in &render.paths {
            let _ = writeln!(out, "{}: {} captions", path.display(), render.captions);
        }
        if render.failed_bars > 0 {
            let _ = writeln!(out, "  note: the model failed at {} bars", render.failed_bars);
        }
    }
    for note in row.notes.values() {
        let _ = writeln!(out, "  note: {note}");
    }
    out
}
