//! `barline eval followups`: answers to follow-ups on findings ("why?", "do it gentler", "is that all?") that people wrote who
//! had not seen what the model was trained on. The findings are real ones, of faults planted in songs.

mod backing;

use std::collections::BTreeMap;

use engine::{Context, Conversation, Decoding, Hearing, Samples};
use factory::{defect::Kind, song::Song};
use serde::Deserialize;
use signal::{Finding, FindingKind, Label, Measurements};

use super::{
    Shares,
    questions::{finding_of, plant},
    read_lines,
    words::{named_faults, numbers},
};
use crate::{
    args::{Common, EvalFollowups},
    command::table::table,
    output::{Fault, print, wants_json},
    session::Session,
};

const RATE_HZ: u32 = 44_100;

/// Findings that are talked of at a time.
const TOLD: usize = 3;

/// What a gentler and a stronger move are to the first.
const GENTLER: f64 = 0.5;
const STRONGER: f64 = 1.5;

/// Numbers are right within this much.
const ROUNDING: f64 = 0.06;

/// What a follow-up wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum About {
    Why,
    Gentler,
    Stronger,
    Meant,
    How,
    Effect,
    First,
    Rest,
    Culprit,
    Compare,
    Where,
    Skip,
    Unknowable,
}

/// One line of the file. A finding is referred to by its fault, by its place from 1 (-1: the last), or not at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Followup {
    question: String,
    about: About,
    fault: Option<FindingKind>,
    nth: Option<i64>,
    #[serde(default, rename = "instruments")]
    _instruments: Vec<Label>,
    bar: Option<i64>,
}

/// Asks every follow-up and scores the answers.
pub(crate) fn eval_followups(common: &Common, args: &EvalFollowups) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let followups: Vec<Followup> = read_lines(&args.file)?;
    let session = Session::new(common)?;
    let mut shares = Shares::default();
    let done = session.with_model(|context, _| {
        let (pool, mix) = findings_of_songs(context, args.seeds.clone())?;
        let mut source = Samples::new(RATE_HZ, 2, mix.clone());
        let hearing = Hearing::of_file(context, &mut source)?;
        for (number, followup) in followups.iter().enumerate() {
            session.step(number, followups.len(), &followup.question);
            let mut score = |item: &str, passed: bool| shares.add(item, passed);
            let Some(told) = tell(&pool, followup, number) else {
                score("not asked: nothing found of that kind", false);
                score("total", false);
                continue;
            };
            let (decoding, mut conversation) = (Decoding::default(), Conversation::of_findings());
            let hearing = hearing.clone().with_findings(&told);
            let text = &followup.question;
            let asked = hearing.ask(context, &mut source, text, &decoding, &mut conversation)?;
            let answer = asked.answer.text;
            let passed = right(followup, &told, hearing.bars(), &answer);
            let backed = unbacked(followup, &answer, &told, &hearing, &mix).is_empty();
            score(&format!("{:?}", followup.about).to_lowercase(), passed);
            score("total", passed);
            score("every number is backed", backed);
            if let Some(meant) = meant(followup, &told) {
                score("right finding addressed", named_faults(&answer).first() == Some(&meant));
            }
            if args.wrong && !(passed && backed) {
                let kinds: Vec<&str> = told.iter().map(|finding| finding.kind.name()).collect();
                let line =
                    format!("{:?} -> {answer:?}, of {}\n", followup.question, kinds.join(" "));
                print(format!("{:?}: {line}", followup.about).as_bytes());
            }
        }
        session.step(followups.len(), followups.len(), "");
        Ok(())
    });
    done?;
    table(json, &shares.rows("follow-ups"))?;
    Ok(0)
}

/// A finding of each kind that a planted fault leads to in one of the songs, and the first song's mix.
fn findings_of_songs(
    context: &Context<'_>,
    seeds: std::ops::Range<u64>,
) -> Result<(BTreeMap<FindingKind, Finding>, Vec<f32>), Fault> {
    let (mut pool, mut first) = (BTreeMap::new(), Vec::new());
    for seed in seeds {
        let rendered = Song::compose(seed).render(RATE_HZ, &factory::voice::procedural);
        let stems = rendered.stems.iter().map(|stem| (Some(stem.label), &stem.samples));
        for (label, samples) in std::iter::once((None, &rendered.mix)).chain(stems) {
            for kind in Kind::ALL {
                let wanted = finding_of(kind);
                if pool.contains_key(&wanted) {
                    continue;
                }
                let mut samples = samples.clone();
                if !plant(kind, &mut samples, seed) {
                    continue;
                }
                let measured = engine::measure(context, &mut Samples::new(RATE_HZ, 2, samples))?;
                let found = analysis::detect(&measured, label);
                pool.extend(found.into_iter().find(|f| f.kind == wanted).map(|f| (wanted, f)));
            }
        }
        if first.is_empty() {
            first = rendered.mix;
        }
    }
    Ok((pool, first))
}

/// What was told before the follow-up, in the order of its importance; none where the fault in question was never found.
fn tell(
    pool: &BTreeMap<FindingKind, Finding>,
    followup: &Followup,
    number: usize,
) -> Option<Vec<Finding>> {
    let mut told: Vec<Finding> = Vec::new();
    if let Some(kind) = followup.fault {
        told.push(pool.get(&kind)?.clone());
    }
    let least = followup.nth.map_or(1, |nth| usize::try_from(nth).unwrap_or(2)).min(TOLD);
    let count = least + number % (TOLD - least + 1);
    // Others, from another place on each time.
    for other in pool.values().cycle().skip(number * 7 % pool.len().max(1)).take(pool.len()) {
        if told.len() < count && told.iter().all(|finding| finding.kind != other.kind) {
            told.push(other.clone());
        }
    }
    Finding::sort(&mut told);
    Some(told)
}

/// The finding that a follow-up means; none where it means no single one.
fn meant(followup: &Followup, told: &[Finding]) -> Option<FindingKind> {
    let place = match followup.about {
        About::Rest | About::Culprit | About::Compare | About::Unknowable => return None,
        _ => match followup.nth {
            Some(nth) => usize::try_from(nth).map_or(told.len(), |nth| nth).saturating_sub(1),
            None => 0,
        },
    };
    followup.fault.or_else(|| Some(told.get(place)?.kind))
}

/// Whether the answer is what was asked for, of the finding that was meant.
fn right(followup: &Followup, told: &[Finding], bars: usize, answer: &str) -> bool {
    let text = answer.to_lowercase();
    let addressed = named_faults(&text);
    let kind = meant(followup, told);
    let finding = told.iter().find(|finding| Some(finding.kind) == kind);
    if kind.is_some() && addressed.first() != kind.as_ref() {
        return false;
    }
    let says =
        |value: f64| numbers(&text).iter().any(|n| (n.abs() - value.abs()).abs() <= ROUNDING);
    let any_of = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let amount = |factor: f64| match finding.and_then(|f| f.mv?.gain_db) {
        Some(gain_db) if kind != Some(FindingKind::Clipping) => says(gain_db * factor),
        _ => text.contains("no amount"),
    };
    match followup.about {
        About::Why => finding
            .is_some_and(|f| f.evidence.iter().any(|e| says(e.value) || says(e.value / 1000.0))),
        About::Gentler => amount(GENTLER),
        About::Stronger => amount(STRONGER),
        About::How => any_of(&MOVES),
        About::First => text.contains("begin"),
        About::Effect => any_of(&EFFECTS),
        About::Where => any_of(&["bar", "start to end", "over the whole"]) && !any_of(&MOVES),
        About::Meant => text.contains("meant"),
        About::Skip => text.contains("dismiss") && !text.contains("meant"),
        About::Rest => match told {
            [_] => text.contains("that is all"),
            _ => addressed.first() == Some(&told[1].kind),
        },
        About::Culprit => text.contains("can't tell") && text.contains("track"),
        About::Compare => match followup.bar {
            Some(bar) if (1..=bars as i64).contains(&bar) => text.contains(&format!("bar {bar} ")),
            // The song begins with the bar that is asked of.
            _ => text.contains("none to compare"),
        },
        About::Unknowable => text.contains("can't tell"),
    }
}

/// Words of moves, and of what they do: no answer of another kind has them.
const MOVES: [&str; 13] = [
    " cut of",
    "boost of",
    "shelf of",
    "notch of",
    "high-pass",
    "mono below",
    "de-esser",
    "of gain",
    "expander",
    "panned apart",
    "side down by",
    "polarity",
    "less level before",
];
const EFFECTS: [&str; 14] = [
    "comes down",
    "come down",
    "comes up",
    "comes to",
    " goes",
    "stand further",
    "add up",
    "are level",
    "differ more",
    "keeps its weight",
    "stay round",
    "is heard there",
    "less far",
    "gaps",
];

/// Numbers of an answer that are neither measured nor part of a move, rounding allowed; the bars of a song number themselves.
fn unbacked(
    followup: &Followup,
    answer: &str,
    told: &[Finding],
    hearing: &Hearing,
    mix: &[f32],
) -> Vec<f64> {
    // Differences between bars are measured where they are said.
    if followup.about == About::Compare {
        return Vec::new();
    }
    let in_bars = followup.about == About::Where;
    let bars = (0..=hearing.bars()).filter(|_| in_bars).map(|bar| bar as f64);
    let mut known: Vec<f64> = bars.chain(figures(hearing.measured())).collect();
    known.extend(backing::known(&followup.question, answer, hearing, mix));
    for finding in told {
        known.extend(finding.band_hz.into_iter().flatten());
        known.extend(numbers(&finding.text));
        for evidence in &finding.evidence {
            known.push(evidence.value);
            if let Some(mv) = finding.mv {
                known.extend(mv.gain_db.map(|gain_db| evidence.value + gain_db));
            }
        }
        if let Some(mv) = finding.mv {
            known.extend([mv.freq_hz, mv.q].into_iter().flatten());
            let gains = mv.gain_db.into_iter();
            known.extend(gains.flat_map(|gain_db| [1.0, GENTLER, STRONGER].map(|x| x * gain_db)));
        }
    }
    let backed = |n: f64| {
        known.iter().any(|k| {
            (n.abs() - k.abs()).abs() <= ROUNDING
                || (n.abs() - k.abs() / 1000.0).abs() <= ROUNDING
                || (k.abs() >= 100.0 && (n.abs() - k.abs()).abs() <= 0.51)
        })
    };
    numbers(answer).into_iter().filter(|n| !backed(*n)).collect()
}

/// The single figures of a measurement: levels, correlation, tempo, length and so on, not its spectrum.
fn figures(measured: &Measurements) -> Vec<f64> {
    let fields = serde_json::to_value(measured).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten();
    fields.filter_map(|(_, value)| value.as_f64()).collect()
}
