//! One bar beside another, and the bars in which a fault is found: what follow-ups on advice are answered with.

use signal::{Finding, FindingKind, Label, Measurements};

use crate::{places::in_words, timeline::Stretch};

/// Differences below these are none that anybody hears, in LU and dB.
const LOUDER_LU: f64 = 1.0;
const TONE_DB: f64 = 2.0;
const CREST_DB: f64 = 2.0;

/// Regions of the spectrum, as engineers name them.
const REGIONS: [(&str, f64, f64); 4] = [
    ("low end", 30.0, 150.0),
    ("low mids", 150.0, 600.0),
    ("upper mids", 1500.0, 5000.0),
    ("top end", 6000.0, 16_000.0),
];

/// Numbers as people write them beside "bar".
const CARDINALS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];
const ORDINALS: [&str; 13] = [
    "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    "tenth", "eleventh", "twelfth",
];
/// A number alone after one of these is a bar's.
const BESIDE: [&str; 7] = ["against", "like", "than", "to", "versus", "vs", "with"];

/// The number of the bar that a comparison names: as [`bar_named`], or alone, as in "compare it with 12".
pub(crate) fn bar_in(question: &str) -> Option<i64> {
    let words = words(question);
    let mut pairs = words.iter().zip(words.iter().skip(1));
    let alone = || {
        pairs.find_map(|(beside, word)| {
            BESIDE.contains(&beside.as_str()).then(|| word.parse().ok())?
        })
    };
    bar_named(question).or_else(alone)
}

/// The number of the bar that a question names: "bar 12", "the first bar".
pub(crate) fn bar_named(question: &str) -> Option<i64> {
    let words = words(question);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let place = |names: &[&str], word: &str| {
        names.iter().position(|name| *name == word).and_then(|at| i64::try_from(at).ok())
    };
    let number = |word: &str| word.parse().ok().or_else(|| place(&CARDINALS, word));
    let nth = |word: &str| {
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
        place(&ORDINALS, word).or_else(|| digits.parse().ok().filter(|_| digits != word))
    };
    let pairs = || words.iter().zip(words.iter().skip(1));
    let after_bar =
        pairs().find_map(|(bar, word)| ["bar", "measure"].contains(bar).then(|| number(word))?);
    let before_bar =
        pairs().find_map(|(word, bar)| ["bar", "measure"].contains(bar).then(|| nth(word))?);
    after_bar.or(before_bar)
}

fn words(question: &str) -> Vec<String> {
    let lower = question.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '-');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Where it is loudest and where quietest, as it follows "it is loudest": e.g. `in bar 12, at -9.1 LUFS, and quietest in bar 3, at
/// -18.0 LUFS`. None where there are no two stretches to compare.
pub(crate) fn extremes<'a>(
    stretches: &[Stretch],
    measured: impl Iterator<Item = &'a Measurements>,
) -> Option<String> {
    let known = stretches.iter().zip(measured);
    let levels: Vec<(&Stretch, f64)> =
        known.filter_map(|(stretch, m)| Some((stretch, m.loudness_lufs?))).collect();
    let loudest = levels.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let quietest = levels.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let place = |(stretch, lufs): &(&Stretch, f64)| {
        Some(format!("{}, at {lufs:.1} LUFS", in_words(std::slice::from_ref(*stretch), &[true])?))
    };
    let (loudest, quietest) = (place(loudest)?, place(quietest)?);
    (levels.len() > 1).then(|| format!("{loudest}, and quietest {quietest}"))
}

/// What sets the bar `other` apart from `own`, as it follows a colon: e.g. `bar 12 is 2.1 LU louder, has 3.0 dB more low end`.
pub(crate) fn differences(name: &str, own: &Measurements, other: &Measurements) -> Option<String> {
    // Not gated, as the levels of the regions aren't.
    let (own_lufs, other_lufs) = own.loudness_lufs.zip(other.loudness_lufs)?;
    let mut words = Vec::new();
    let louder = other_lufs - own_lufs;
    if louder.abs() >= LOUDER_LU {
        let way = if louder > 0.0 { "louder" } else { "quieter" };
        words.push(format!("is {:.1} LU {way}", louder.abs()));
    }
    for (region, lo_hz, hi_hz) in REGIONS {
        let levels = own.level_between(lo_hz, hi_hz).zip(other.level_between(lo_hz, hi_hz));
        let Some((own_db, other_db)) = levels else { continue };
        // At equal loudness.
        let more = (other_db - other_lufs) - (own_db - own_lufs);
        if more.abs() >= TONE_DB {
            let way = if more > 0.0 { "more" } else { "less" };
            words.push(format!("has {:.1} dB {way} {region}", more.abs()));
        }
    }
    if let Some((own_db, other_db)) = own.crest_db.zip(other.crest_db)
        && (other_db - own_db).abs() >= CREST_DB
    {
        let way = if other_db > own_db { "more" } else { "less" };
        words.push(format!(
            "has {:.1} dB {way} between peaks and average",
            (other_db - own_db).abs()
        ));
    }
    if words.is_empty() {
        words.push("measures much the same".to_owned());
    }
    Some(format!("{name} {}", words.join(", ")))
}

/// In which of these measurements a fault of that kind is found.
pub(crate) fn holds<'a>(
    kind: FindingKind,
    measured: impl Iterator<Item = &'a Measurements>,
    label: Option<Label>,
) -> Vec<bool> {
    let is = |finding: &Finding| finding.kind == kind;
    measured.map(|m| analysis::detect(m, label).iter().any(is)).collect()
}

/// The stretch before the one that begins at `start_s`, or the one with that number.
pub(crate) fn other_of(stretches: &[Stretch], start_s: f64, bar: Option<i64>) -> Option<Stretch> {
    match bar {
        Some(bar) => stretches.iter().find(|stretch| stretch.bar == Some(bar)).copied(),
        None => {
            stretches.iter().rev().find(|stretch| stretch.span.end_s <= start_s + 0.01).copied()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Span;

    #[test]
    fn a_bar_is_read_off_the_question() {
        assert_eq!(bar_in("compare it with bar 12, please"), Some(12));
        assert_eq!(bar_in("Bar 3?"), Some(3));
        assert_eq!(bar_in("versus the very first bar"), Some(1));
        assert_eq!(bar_in("and the 16th bar"), Some(16));
        assert_eq!(bar_in("is bar seven any better"), Some(7));
        assert_eq!(bar_in("put this next to 16"), Some(16));
        assert_eq!(bar_in("is it -14 LUFS in this bar"), None);
        assert_eq!(bar_in("which bars"), None);
        assert_eq!((bar_named("louder than 12?"), bar_in("louder than 12?")), (None, Some(12)));
    }

    #[test]
    fn the_loudest_and_the_quietest_are_named_with_their_levels() {
        let stretches: Vec<Stretch> = (3..6).map(Stretch::of_bar).collect();
        let of = |lufs: &[Option<f64>]| {
            let measured = |lufs: &Option<f64>| Measurements {
                loudness_lufs: *lufs,
                ..Measurements::default()
            };
            let measured: Vec<Measurements> = lufs.iter().map(measured).collect();
            extremes(&stretches, measured.iter())
        };
        let words = "in bar 5, at -9.0 LUFS, and quietest in bar 3, at -20.0 LUFS";
        assert_eq!(of(&[Some(-20.0), None, Some(-9.0)]).as_deref(), Some(words));
        assert_eq!(of(&[Some(-20.0), None, None]), None);
    }

    #[test]
    fn what_differs_is_named_at_equal_loudness() {
        let measured = |lufs: f64, low_db: f64| Measurements {
            loudness_lufs: Some(lufs),
            crest_db: Some(12.0),
            bands: vec![
                signal::Band { lo_hz: 20.0, hi_hz: 150.0, level_db: lufs + low_db },
                signal::Band { lo_hz: 150.0, hi_hz: 20_000.0, level_db: lufs },
            ],
            ..Measurements::default()
        };
        let own = measured(-20.0, 0.0);
        let check = |other: &Measurements, words: &str| {
            assert_eq!(differences("bar 4", &own, other).as_deref(), Some(words));
        };
        check(&measured(-20.2, 0.5), "bar 4 measures much the same");
        check(&measured(-17.0, 0.0), "bar 4 is 3.0 LU louder");
        check(&measured(-22.0, 4.0), "bar 4 is 2.0 LU quieter, has 4.0 dB more low end");
        assert_eq!(differences("bar 4", &own, &Measurements::default()), None, "silence");
    }

    #[test]
    fn without_a_number_the_bar_before_is_meant() {
        let bar = |number: i64| Stretch {
            span: Span { start_s: 2.0 * (number - 1) as f64, end_s: 2.0 * number as f64 },
            bar: Some(number),
        };
        let bars = [bar(1), bar(2), bar(3)];
        assert_eq!(other_of(&bars, 4.0, None), Some(bar(2)));
        assert_eq!(other_of(&bars, 4.0, Some(1)), Some(bar(1)));
        assert_eq!(other_of(&bars, 4.0, Some(9)), None);
        assert_eq!(other_of(&bars, 0.0, None), None);
    }
}
