//! In which bars an instrument plays: the model's head for instruments, bar by bar through a file, put into words.

use signal::Label;

use crate::{
    driver::{Context, hear},
    error::EngineError,
    source::AudioSource,
    timeline::Stretch,
    window::Cut,
};

/// More stretches than this are counted instead of listed.
const LISTED: usize = 6;

/// Where `instrument` plays among `stretches` of a file of `duration_s`, in words that follow "I hear it": e.g. `in bars 5-12 and
/// 17`. None where it plays nowhere.
///
/// # Errors
/// The file cannot be read, or the model has no head for instruments or fails.
pub(crate) fn whereabouts(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    stretches: &[Stretch],
    duration_s: f64,
    instrument: Label,
) -> Result<Option<String>, EngineError> {
    let model = context.model()?;
    let threshold = model.heads()?.instruments_threshold;
    let cuts: Vec<Cut> =
        stretches.iter().map(|stretch| Cut::to_hear(stretch.span.window(duration_s))).collect();
    let playing = hear(context, source, &cuts, "listening", |_, heard| {
        let heard = model.soft_tokens(&heard.window.unwrap_or_default())?;
        let odds = model.instruments(&heard)?;
        Ok(odds.iter().any(|(name, odds)| name == instrument.name() && *odds >= threshold))
    })?;
    Ok(in_words(stretches, &playing))
}

/// `in bar 3`, `in bars 1-4, 9 and 12-16`, `from 0:04 to 0:12`, `from start to end`.
fn in_words(stretches: &[Stretch], playing: &[bool]) -> Option<String> {
    let runs: Vec<&[Stretch]> = stretches
        .iter()
        .zip(playing)
        .collect::<Vec<_>>()
        .chunk_by(|a, b| a.1 == b.1)
        .scan(0, |at, run| {
            let start = *at;
            *at += run.len();
            Some((*run[0].1, &stretches[start..*at]))
        })
        .filter_map(|(plays, run)| plays.then_some(run))
        .collect();
    match runs.as_slice() {
        [] => return None,
        [run] if run.len() == stretches.len() => return Some("from start to end".to_owned()),
        _ => {}
    }
    let numbered: Option<Vec<(i64, i64)>> =
        runs.iter().map(|run| Some((run[0].bar?, run[run.len() - 1].bar?))).collect();
    if runs.len() > LISTED {
        let (some, all) = (playing.iter().filter(|plays| **plays).count(), playing.len());
        let unit = if numbered.is_some() { "bars" } else { "stretches" };
        return Some(format!("in {some} of {all} {unit}, on and off"));
    }
    Some(match numbered {
        Some(bars) => {
            let one = bars.len() == 1 && bars[0].0 == bars[0].1;
            let names = bars.iter().map(|&(first, last)| {
                if first == last { first.to_string() } else { format!("{first}-{last}") }
            });
            format!("in {} {}", if one { "bar" } else { "bars" }, listed(names.collect()))
        }
        None => listed(runs.iter().map(|run| times(run)).collect()),
    })
}

fn times(run: &[Stretch]) -> String {
    let clock = |s: f64| format!("{}:{:02}", s as u64 / 60, s as u64 % 60);
    format!("from {} to {}", clock(run[0].span.start_s), clock(run[run.len() - 1].span.end_s))
}

/// `a`, `a and b`, `a, b and c`.
fn listed(mut names: Vec<String>) -> String {
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Span;

    fn words(bars: bool, playing: &str) -> Option<String> {
        let playing: Vec<bool> = playing.chars().map(|c| c == 'x').collect();
        let stretches: Vec<Stretch> = (0..playing.len())
            .map(|i| Stretch {
                span: Span { start_s: 20.0 * i as f64, end_s: 20.0 * (i + 1) as f64 },
                bar: bars.then_some(i as i64 + 1),
            })
            .collect();
        in_words(&stretches, &playing)
    }

    #[test]
    fn runs_of_bars_are_listed() {
        assert_eq!(words(true, "...."), None);
        assert_eq!(words(true, "xxxx").as_deref(), Some("from start to end"));
        assert_eq!(words(true, "..x.").as_deref(), Some("in bar 3"));
        assert_eq!(words(true, "xx..x.xx").as_deref(), Some("in bars 1-2, 5 and 7-8"));
        assert_eq!(words(true, "x.x.x.x.x.x.x.").as_deref(), Some("in 7 of 14 bars, on and off"));
    }

    #[test]
    fn without_bars_there_are_times() {
        assert_eq!(
            words(false, ".xx...x").as_deref(),
            Some("from 0:20 to 1:00 and from 2:00 to 2:20")
        );
    }
}
