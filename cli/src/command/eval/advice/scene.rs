//! A sound that faults are planted on: what is found of them, and whether the moves mend it.

use factory::{
    defect::{Defect, Kind, Target},
    rng::rng,
};
use signal::{Finding, Label};

use super::{remedy, tally::Tally};
use crate::command::eval::{measure::measure, questions::finding_of};

/// What a mixer reads of a list of findings.
const FIRST: usize = 3;

/// The amounts that are planted, by their place among a kind's: mild, clear and gross.
const AMOUNTS: [(&str, usize); 3] = [("mild", 2), ("clear", 4), ("gross", 5)];

/// A move's frequency is right within this many octaves.
const OCTAVES: f64 = 1.0 / 3.0;

pub(super) struct Scene<'a> {
    /// What the scores stand under.
    pub(super) set: &'static str,
    pub(super) label: Label,
    pub(super) seed: u64,
    pub(super) rate_hz: u32,
    /// Interleaved stereo.
    pub(super) sound: &'a [f32],
}

impl Scene<'_> {
    fn find(&self, samples: &[f32]) -> anyhow::Result<Vec<Finding>> {
        Ok(analysis::detect(&measure(samples, self.rate_hz, 2)?, Some(self.label)))
    }

    /// Findings that matter where nothing is wrong.
    pub(super) fn clean(&self, tally: &mut Tally) -> anyhow::Result<()> {
        tally.add_clean(self.set, &self.find(self.sound)?);
        Ok(())
    }

    /// The sound with a fault; none where it has nothing for the fault to act on.
    fn planted(&self, kind: Kind, amount_db: f64, sound: &[f32]) -> Option<(Defect, Vec<f32>)> {
        let stream = format!("advice-{kind:?}-{}", self.set);
        let defect = Defect::at(Target::Mix, kind, amount_db, &mut rng(self.seed, &stream));
        let mut samples = sound.to_vec();
        let noise = &mut rng(self.seed, &format!("{stream}-plant"));
        defect.plant_if_heard(&mut samples, self.rate_hz, noise).then_some((defect, samples))
    }

    /// One fault at each amount, alone.
    pub(super) fn plant_each(&self, kind: Kind, tally: &mut Tally) -> anyhow::Result<()> {
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
                tally.add_first(self.set, wanted, &found);
            }
            if let Some(finding) = first {
                judge_move(finding, &defect, tally);
                self.mend(finding, &found, &samples, tally)?;
            }
        }
        Ok(())
    }

    /// Two faults at once: both are to be among the first three.
    pub(super) fn plant_pair(&self, a: Kind, b: Kind, tally: &mut Tally) -> anyhow::Result<()> {
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
        if !remedy::apply(finding, &mut mended, self.rate_hz) {
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
