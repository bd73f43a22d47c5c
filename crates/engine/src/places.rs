//! Stretches of a file in words.

use crate::{slots::clock, timeline::Stretch};

/// More runs of stretches than this are counted instead of listed.
const LISTED: usize = 6;

/// Those stretches of a whole file that are marked: as [`in_words`], or `from start to end`.
pub(crate) fn in_file(stretches: &[Stretch], marked: &[bool]) -> Option<String> {
    let all = !marked.is_empty() && marked.iter().all(|is_marked| *is_marked);
    if all { Some("from start to end".to_owned()) } else { in_words(stretches, marked) }
}

/// Those of the stretches that are marked: `in bar 3`, `in bars 1-4, 9 and 12-16`, `from 0:04 to 0:12`. None where none is.
pub(crate) fn in_words(stretches: &[Stretch], marked: &[bool]) -> Option<String> {
    let runs: Vec<&[Stretch]> = stretches
        .iter()
        .zip(marked)
        .collect::<Vec<_>>()
        .chunk_by(|a, b| a.1 == b.1 && follows(a.0, b.0))
        .scan(0, |at, run| {
            let start = *at;
            *at += run.len();
            Some((*run[0].1, &stretches[start..*at]))
        })
        .filter_map(|(is_marked, run)| is_marked.then_some(run))
        .collect();
    if runs.is_empty() {
        return None;
    }
    let numbered: Option<Vec<(i64, i64)>> =
        runs.iter().map(|run| Some((run[0].bar?, run[run.len() - 1].bar?))).collect();
    if runs.len() > LISTED {
        let (some, all) = (marked.iter().filter(|is_marked| **is_marked).count(), marked.len());
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

/// Whether nothing lies between two stretches, as does between bars of which others were not heard.
fn follows(a: &Stretch, b: &Stretch) -> bool {
    a.bar.zip(b.bar).is_none_or(|(a, b)| b == a + 1)
}

fn times(run: &[Stretch]) -> String {
    format!("from {} to {}", clock(run[0].span.start_s), clock(run[run.len() - 1].span.end_s))
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(mut names: Vec<String>) -> String {
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Span;

    fn words(bars: bool, marked: &str) -> Option<String> {
        let marked: Vec<bool> = marked.chars().map(|c| c == 'x').collect();
        let stretches: Vec<Stretch> = (0..marked.len())
            .map(|i| Stretch {
                span: Span { start_s: 20.0 * i as f64, end_s: 20.0 * (i + 1) as f64 },
                bar: bars.then_some(i as i64 + 1),
            })
            .collect();
        in_file(&stretches, &marked)
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
    fn bars_that_were_not_heard_lie_between_runs() {
        let stretches = [1, 2, 10, 11].map(Stretch::of_bar);
        assert_eq!(in_words(&stretches, &[true; 4]).as_deref(), Some("in bars 1-2 and 10-11"));
        assert_eq!(in_words(&stretches[..1], &[true]).as_deref(), Some("in bar 1"));
    }

    #[test]
    fn without_bars_there_are_times() {
        assert_eq!(
            words(false, ".xx...x").as_deref(),
            Some("from 0:20 to 1:00 and from 2:00 to 2:20")
        );
    }
}
