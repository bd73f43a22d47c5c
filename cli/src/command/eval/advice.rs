//! `barline eval advice`: faults planted alone and in pairs against what is found first, and whether the moves mend what was
//! found: each is applied and the detectors listen again. Planting, detecting and mending share no code.

mod remedy;

use std::{collections::BTreeMap, ops::Range};

use factory::{
    defect::{Defect, Kind, Target},
    rng::rng,
    song::Song,
};
use rayon::prelude::*;
use signal::{Finding, FindingKind, Label, Severity};

use super::{
    Row,
    measure::{excerpt, measure, suits},
    questions::finding_of,
};
use crate::{
    args::{Common, EvalSongs},
    command::table::table,
    output::wants_json,
    session::Session,
};

const RATE_HZ: u32 = 44_100;

/// What a mixer reads of a list of findings.
const FIRST: usize = 3;

/// The amounts that are planted, by their place among a kind's: mild, clear and gross.
const AMOUNTS: [(&str, usize); 3] = [("mild", 2), ("clear", 4), ("gross", 5)];

/// Kinds that are planted together at the clear amount: what mixes have at once.
const PAIRS: [(Kind, Kind); 6] = [
    (Kind::Boomy, Kind::Harsh),
    (Kind::Muddy, Kind::Dull),
    (Kind::Hum, Kind::Resonance),
    (Kind::DcOffset, Kind::Boxy),
    (Kind::Clipping, Kind::Muddy),
    (Kind::ChannelImbalance, Kind::Harsh),
];

/// A move's frequency is right within this many octaves.
const OCTAVES: f64 = 1.0 / 3.0;

/// Passed and asked, by what is asked.
#[derive(Clone, Debug, Default)]
struct Tally {
    scores: BTreeMap<(String, String), (usize, usize)>,
    /// What was found first where a kind was planted.
    confusions: BTreeMap<(FindingKind, String), usize>,
}

impl Tally {
    fn add(&mut self, set: &str, item: &str, passed: bool) {
        let score = self.scores.entry((set.to_owned(), item.to_owned())).or_default();
        *score = (score.0 + usize::from(passed), score.1 + 1);
    }

    fn and(mut self, other: Self) -> Self {
        for (key, (passed, count)) in other.scores {
            let score = self.scores.entry(key).or_default();
            *score = (score.0 + passed, score.1 + count);
        }
        for (key, count) in other.confusions {
            *self.confusions.entry(key).or_default() += count;
        }
        self
    }

    fn rows(self) -> Vec<Row> {
        let score = |((set, item), (passed, count)): ((String, String), (usize, usize))| Row {
            top1: Some(passed as f64 / count.max(1) as f64),
            ..Row::new(&set, &item, count)
        };
        let confusion = |((planted, first), count): ((FindingKind, String), usize)| Row {
            most_taken_for: Some(first),
            ..Row::new("clear fault, found first", planted.name(), count)
        };
        let rows = self.scores.into_iter().map(score);
        rows.chain(self.confusions.into_iter().map(confusion)).collect()
    }
}

/// A sound that faults are planted on.
struct Scene<'a> {
    set: &'static str,
    label: Label,
    seed: u64,
    sound: &'a [f32],
}

/// Scores findings and moves on songs.
pub(crate) fn eval_advice(common: &Common, args: &EvalSongs) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let session = Session::new(common)?;
    let tally = session.workers.run(|| of_songs(args.seeds.clone()))?;
    table(json, &tally.rows())?;
    Ok(0)
}

fn of_songs(seeds: Range<u64>) -> anyhow::Result<Tally> {
    let songs = seeds.into_par_iter().map(|seed| {
        let rendered = Song::compose(seed).render(RATE_HZ, &factory::voice::procedural);
        let mut tally = Tally::default();
        let mix = excerpt(&rendered.mix);
        let scene = Scene { set: "mixes", label: Label::FullMix, seed, sound: mix };
        scene.clean(&mut tally)?;
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            if kind != Kind::Sibilant {
                scene.plant_each(kind, &mut tally)?;
            }
            let fit: Vec<_> =
                rendered.stems.iter().filter(|stem| suits(kind, stem.label)).collect();
            if !fit.is_empty() {
                let stem = fit[(seed as usize + number) % fit.len()];
                let sound = excerpt(&stem.samples);
                let scene = Scene { set: "stems", label: stem.label, seed, sound };
                scene.plant_each(kind, &mut tally)?;
            }
        }
        for (a, b) in PAIRS {
            scene.plant_pair(a, b, &mut tally)?;
        }
        for stem in &rendered.stems {
            let sound = excerpt(&stem.samples);
            Scene { set: "stems", label: stem.label, seed, sound }.clean(&mut tally)?;
        }
        anyhow::Ok(tally)
    });
    songs.try_reduce(Tally::default, |a, b| Ok(a.and(b)))
}

impl Scene<'_> {
    fn find(&self, samples: &[f32]) -> anyhow::Result<Vec<Finding>> {
        Ok(analysis::detect(&measure(samples, RATE_HZ, 2)?, Some(self.label)))
    }

    /// Findings that matter where nothing is wrong.
    fn clean(&self, tally: &mut Tally) -> anyhow::Result<()> {
        let found = self.find(self.sound)?;
        let none = found.iter().all(|finding| finding.severity < Severity::Clear);
        tally.add(&format!("clean {}", self.set), "nothing clear or above", none);
        Ok(())
    }

    /// The sound with a fault; none where it has nothing for the fault to act on.
    fn planted(&self, kind: Kind, amount_db: f64, sound: &[f32]) -> Option<(Defect, Vec<f32>)> {
        let stream = format!("advice-{kind:?}-{}", self.set);
        let defect = Defect::at(Target::Mix, kind, amount_db, &mut rng(self.seed, &stream));
        let mut samples = sound.to_vec();
        let noise = &mut rng(self.seed, &format!("{stream}-plant"));
        defect.plant_if_heard(&mut samples, RATE_HZ, noise).then_some((defect, samples))
    }

    /// One fault at each amount, alone.
    fn plant_each(&self, kind: Kind, tally: &mut Tally) -> anyhow::Result<()> {
        let amounts = kind.amounts_db();
        for (name, index) in AMOUNTS {
            let amount_db = amounts[index.min(amounts.len() - 1)];
            let Some((defect, samples)) = self.planted(kind, amount_db, self.sound) else {
                continue;
            };
            let found = self.find(&samples)?;
            let wanted = finding_of(kind);
            let first = found.iter().take(FIRST).find(|finding| finding.kind == wanted);
            let set = format!("{name} fault on {}", self.set);
            tally.add(&set, wanted.name(), first.is_some());
            tally.add(&set, "total: among the first three", first.is_some());
            if name == "clear" {
                let named = found.first().map_or("nothing", |finding| finding.kind.name());
                *tally.confusions.entry((wanted, named.to_owned())).or_default() += 1;
            }
            if let Some(finding) = first {
                judge_move(finding, &defect, tally);
                self.mend(finding, &found, &samples, tally)?;
            }
        }
        Ok(())
    }

    /// Two faults at once: both are to be among the first three.
    fn plant_pair(&self, a: Kind, b: Kind, tally: &mut Tally) -> anyhow::Result<()> {
        let amount_db = |kind: Kind| kind.amounts_db()[AMOUNTS[1].1];
        let Some((_, samples)) = self.planted(b, amount_db(b), self.sound) else { return Ok(()) };
        let Some((_, samples)) = self.planted(a, amount_db(a), &samples) else { return Ok(()) };
        let found = self.find(&samples)?;
        for kind in [a, b].map(finding_of) {
            let passed = found.iter().take(FIRST).any(|finding| finding.kind == kind);
            let item = format!("{} of {} and {}", kind, finding_of(a), finding_of(b));
            tally.add("clear pairs on mixes", &item, passed);
            tally.add("clear pairs on mixes", "total", passed);
        }
        Ok(())
    }

    /// Makes the move and listens again.
    fn mend(
        &self,
        finding: &Finding,
        found: &[Finding],
        samples: &[f32],
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let mut mended = samples.to_vec();
        if !remedy::apply(finding, &mut mended, RATE_HZ) {
            return Ok(());
        }
        let after = self.find(&mended)?;
        let left = after.iter().find(|other| other.kind == finding.kind);
        let falls = left.is_none_or(|left| left.severity < finding.severity);
        let new = |other: &&Finding| {
            other.severity >= finding.severity && found.iter().all(|known| known.kind != other.kind)
        };
        let new = after.iter().find(new);
        let set = format!("moves on {}", self.set);
        tally.add(&set, &format!("{} falls or goes", finding.kind), falls);
        tally.add(&set, "total: falls or goes", falls);
        tally.add(&set, "total: and nothing as bad is new", falls && new.is_none());
        Ok(())
    }
}

/// Whether a move goes the right way, at the right place.
fn judge_move(finding: &Finding, defect: &Defect, tally: &mut Tally) {
    let Some(mv) = finding.mv else { return };
    if let Some(gain_db) = mv.gain_db {
        let raises = matches!(defect.kind, Kind::Dull | Kind::Thin | Kind::TooQuiet);
        tally.add("moves", "right direction", (gain_db > 0.0) == raises);
    }
    let centre_hz = match (defect.kind, defect.band_hz) {
        // A shelf reaches to the end of the spectrum.
        (Kind::Dull | Kind::Thin | Kind::WideLowEnd, _) | (_, None) => return,
        (Kind::Hum, Some([lo, _])) => lo,
        (_, Some([lo, hi])) => (lo * hi).sqrt(),
    };
    let near = mv.freq_hz.is_some_and(|hz| (hz / centre_hz).log2().abs() <= OCTAVES);
    tally.add("moves", "within a third of an octave", near);
    tally.add("moves", &format!("{} within a third of an octave", finding.kind), near);
}
