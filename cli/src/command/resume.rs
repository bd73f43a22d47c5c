//! `barline caption --resume`: captions of renders whose host ended before they were written.

use std::path::PathBuf;

use engine::{
    hub::{Hub, Thinker},
    session::{BounceSettings, Bounced, resume},
};
use serde::Serialize;

use crate::{
    args::{Caption, CaptionFormat, Common},
    output::{Fault, Report},
};

/// The renders on one tape.
#[derive(Serialize)]
struct Row {
    title: String,
    renders: Vec<Render>,
}

#[derive(Serialize)]
struct Render {
    paths: Vec<PathBuf>,
    captions: usize,
    failed_bars: usize,
}

/// Writes what was left: as the user has set it in the plugin, or to `--out` and in `--format`.
pub(crate) fn resume_captions(common: &Common, args: &Caption) -> anyhow::Result<u8> {
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
    let mut report = Report::array(common.json);
    let told = resume(&hub, &settings, &mut |resumed| {
        let file = resumed.path.display().to_string();
        let row = resumed.renders.map(|renders| Row {
            title: resumed.title,
            renders: renders.into_iter().filter_map(written).collect(),
        });
        report.result(&file, row.map_err(|why| Fault::new("captions", why)), text);
    });
    if let Err(why) = told {
        report.fail("renders", &Fault::new("folder", why));
    }
    Ok(report.finish())
}

fn written(bounced: Bounced) -> Option<Render> {
    match bounced {
        Bounced::Written { paths, captions, failed } => {
            Some(Render { paths, captions, failed_bars: failed })
        }
        Bounced::Waiting { .. } | Bounced::Failed(_) => None,
    }
}

fn text(row: &Row) -> String {
    let lines = row.renders.iter().flat_map(|render| {
        let captions = render.captions;
        render.paths.iter().map(move |path| format!("{}: {captions} captions\n", path.display()))
    });
    lines.collect()
}
