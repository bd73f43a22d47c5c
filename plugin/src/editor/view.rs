//! What the editor shows, as plain data: made from a session's report, tested without a window, drawn by any toolkit.

mod advice;
mod row;

use analysis::{Reading, Target};
use engine::hub::{STUCK, State, Status};
use engine::session::{
    AnswerState, Bounced, Choices, Dismissed, Exported, Leftover, Named, Notes, Report, Words,
};

pub use advice::{AnswerView, FindingView, FoundView};
pub use row::{Listing, Row, Spot};

/// Everything on the screen but the timeline's rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The caption of the newest passage that has one.
    pub now: Now,
    /// What the track is.
    pub label: LabelView,
    /// Name and value of the meters, in the order of the screen.
    pub figures: Vec<(&'static str, String)>,
    /// Middle of each third octave in Hz, and its level in dBFS.
    pub bands: Vec<(f64, f64)>,
    /// Correlation of left and right.
    pub correlation: Option<f64>,
    /// What the meters find in the passage that was heard last.
    pub found: Option<FoundView>,
    /// The newest answer.
    pub answer: Option<AnswerView>,
    /// What was dismissed on this track.
    pub dismissed: Vec<Dismissed>,
    /// What the song is made for.
    pub target: Target,
    /// The engine, a line each.
    pub status: Vec<String>,
    /// What is wrong, if anything.
    pub trouble: Option<String>,
    /// Whether a restart of the engine is offered.
    pub can_restart: bool,
    /// What became of the last export.
    pub exported: Option<String>,
    /// What became of the last render that captions were armed for.
    pub bounced: Option<String>,
    /// Renders of hosts that ended before their captions were written, how many there are, and what became of the last one.
    pub leftover: Option<String>,
    /// How many of them can be taken up now.
    pub left_renders: usize,
    /// Rows of the timeline: bars of the song, and passages without a transport.
    pub rows: [usize; 2],
    /// The row of the bar that plays.
    pub playing: Option<usize>,
    /// Whether anything moves, so that the picture is worth being drawn often.
    pub lively: bool,
}

/// The caption of now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Now {
    /// `Bar 12`, or a time where there are no bars, and the bar that plays where it is another.
    pub place: String,
    /// The words.
    pub text: String,
}

/// The label of the track.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelView {
    /// The label, or that there is none.
    pub text: String,
    /// How likely it is, 0 to 1.
    pub confidence: f64,
    /// The next likely ones.
    pub alternatives: Vec<(String, f64)>,
}

impl View {
    /// What a report, the notes of the song, the meters and the hub come to.
    pub fn of(
        report: &Report,
        notes: &Notes,
        choices: &Choices,
        reading: &Reading,
        hub: Option<&Status>,
    ) -> Self {
        let passes = report.passes.back().is_some_and(|pass| pass.end_frame.is_none());
        let writing = report.answers.back().is_some_and(|a| a.state == AnswerState::Writing);
        Self {
            now: now(report),
            label: report.label.as_ref().map_or_else(LabelView::unknown, LabelView::of),
            figures: figures(reading),
            bands: reading
                .bands
                .iter()
                .map(|band| ((band.lo_hz * band.hi_hz).sqrt(), band.level_db))
                .collect(),
            correlation: reading.correlation,
            found: report.found.as_ref().map(|found| FoundView::of(found, choices)),
            answer: report.answers.back().map(|answer| AnswerView::of(answer, choices)),
            dismissed: choices.dismissed().to_vec(),
            target: choices.target,
            status: status(report, hub),
            trouble: trouble(report, hub),
            can_restart: hub.is_some_and(can_restart),
            exported: report.exported.as_ref().map(exported),
            bounced: report.bounced.as_ref().map(bounced),
            leftover: leftover(&report.leftover),
            left_renders: if report.leftover.working { 0 } else { report.leftover.waiting },
            rows: Listing::ALL.map(|listing| listing.count(report, notes)),
            playing: report.playing.map(|playing| notes.count_before(playing.key)),
            lively: passes || writing || hub.is_some_and(|hub| hub.busy.is_some()),
        }
    }
}

impl LabelView {
    fn unknown() -> Self {
        Self { text: "nothing heard yet".to_owned(), ..Self::default() }
    }

    fn of(named: &Named) -> Self {
        let text = named.label.map_or("not sure what this is", |label| label.name()).to_owned();
        let confidence = named.label.map_or(0.0, |_| named.confidence);
        let alternatives = named.alternatives.iter().map(|choice| {
            let name = choice.label.name().to_owned();
            (name, choice.confidence)
        });
        Self { text, confidence, alternatives: alternatives.take(3).collect() }
    }
}

fn now(report: &Report) -> Now {
    let said = report.bars.iter().rev().find_map(|bar| match &bar.words {
        Words::Said { text, .. } => Some((bar, text.clone())),
        _ => None,
    });
    let Some((bar, text)) = said else {
        let text = if report.bars.is_empty() {
            "Press play: the first words come after the first bar."
        } else {
            "No words yet."
        };
        return Now { place: String::new(), text: text.to_owned() };
    };
    let place = row::place(bar.bar, bar.is_free(), bar.start_s);
    let playing = report.playing.and_then(|playing| playing.bar);
    let place = match playing.filter(|playing| Some(*playing) != bar.bar) {
        Some(playing) => format!("{place} (bar {playing} plays)"),
        None => place,
    };
    Now { place, text }
}

fn level(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "—".to_owned(), |value| format!("{value:.1} {unit}"))
}

fn figures(reading: &Reading) -> Vec<(&'static str, String)> {
    let seconds = reading.measured_s as u64;
    vec![
        ("Momentary", level(reading.momentary_lufs, "LUFS")),
        ("Short-term", level(reading.short_term_lufs, "LUFS")),
        ("Integrated", level(reading.integrated_lufs, "LUFS")),
        ("Range", level(reading.range_lu, "LU")),
        ("True peak max", level(reading.true_peak_dbtp, "dBTP")),
        ("Measured", format!("{}:{:02}", seconds / 60, seconds % 60)),
    ]
}

fn can_restart(hub: &Status) -> bool {
    matches!(hub.state, State::Stopped(_)) || hub.silent >= Some(STUCK)
}

fn status(report: &Report, hub: Option<&Status>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(hub) = hub {
        lines.push(match (&hub.state, &hub.about) {
            (State::Asleep, _) => "model loads with the first bar".to_owned(),
            (State::Loading(share), _) => format!("model loading: {:.0} %", 100.0 * share),
            (State::Ready, Some(about)) => format!("{} on {}", about.model, about.device),
            (State::Ready, None) => "model ready".to_owned(),
            (State::Stopped(_), _) => "model stopped".to_owned(),
        });
        let fallback = hub.about.as_ref().and_then(|about| about.fallback.as_ref());
        lines.extend(fallback.map(|why| format!("no GPU ({why})")));
        lines.push(format!("instances {}, waiting {}", hub.instances, hub.waiting));
    }
    let apart = report.alone.as_ref().map(|why| format!(" (of other programs none: {why})"));
    lines.push(format!(
        "{} of your instances seen{}",
        report.neighbours,
        apart.unwrap_or_default()
    ));
    lines.extend(report.lag_s.map(|lag_s| format!("lag {lag_s:.2} s")));
    let rate_hz = report.rate_hz.max(1.0);
    let seconds = |frames: u64| frames as f64 / rate_hz;
    lines.push(format!("skipped {} bars", report.skipped_passages));
    lines.push(format!("dropped {:.1} s", seconds(report.dropped_frames)));
    lines.push(format!("not listened to {:.1} s", seconds(report.skipped_frames)));
    lines
}

fn trouble(report: &Report, hub: Option<&Status>) -> Option<String> {
    let stopped = hub.and_then(|hub| match &hub.state {
        State::Stopped(why) => Some(why.clone()),
        _ if can_restart(hub) => {
            Some(format!("the model has not answered for {} s", STUCK.as_secs()))
        }
        _ => None,
    });
    report.trouble.clone().or(stopped).or_else(|| report.not_kept.clone())
}

fn exported(exported: &Exported) -> String {
    match exported {
        Exported::Written { path, captions } => {
            format!("{captions} captions written to {}", path.display())
        }
        Exported::Failed(why) => format!("not exported: {why}"),
    }
}

fn leftover(leftover: &Leftover) -> Option<String> {
    let count = match leftover.waiting {
        0 => None,
        1 => Some("a render whose host ended waits for its captions".to_owned()),
        more => Some(format!("{more} renders whose host ended wait for their captions")),
    };
    let parts = count.into_iter().chain(leftover.bounced.as_ref().map(bounced));
    Some(parts.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
}

fn bounced(bounced: &Bounced) -> String {
    match bounced {
        Bounced::Waiting { bars, left_s: 0 } => {
            format!("captions of the render: {bars} bars to go")
        }
        Bounced::Waiting { left_s, .. } => {
            let (minutes, seconds) = (left_s / 60, left_s % 60);
            format!("captions of the render: {minutes}:{seconds:02} of it still to be heard")
        }
        Bounced::Written { paths, captions, failed } => {
            let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
            let more = match paths.len() {
                0 | 1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            let holes = match failed {
                0 => String::new(),
                failed => format!("; the model failed at {failed} bars"),
            };
            format!("{captions} captions of the render written to {first}{more}{holes}")
        }
        Bounced::Failed(why) => format!("captions of the render not written: {why}"),
    }
}

#[cfg(test)]
mod tests;
