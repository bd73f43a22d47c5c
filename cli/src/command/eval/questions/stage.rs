//! What each question is asked about: a song's mix, one of its stems, or either with a fault planted on it.

use std::{collections::BTreeSet, fmt, ops::Range, rc::Rc};

use engine::{Context, Hearing, Samples};
use factory::{
    defect::{Defect, Kind, Target},
    rng::rng,
    song::{Rendered, Song},
    truth::{Descriptors, Truth as SongTruth},
};
use signal::{FindingKind, Label, Measurements};

use super::{About, Question};
use crate::{command::eval::songs::audible, output::Fault};

const RATE_HZ: u32 = 44_100;

/// Faults that a song is given where a question asks what is wrong: ones that nobody would call taste.
const GROSS: [Kind; 5] =
    [Kind::Hum, Kind::Clipping, Kind::DcOffset, Kind::PhaseInverted, Kind::Dull];

/// What is asked about, heard.
pub(super) struct Scene {
    pub(super) hearing: Rc<Hearing>,
    pub(super) source: Samples,
    pub(super) truth: Truth,
}

/// What is known about it.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) song: SongTruth,
    /// At most 20 dB below the mix over the whole song.
    pub(super) audible: BTreeSet<Label>,
    /// Instruments of the ensemble, heard or not.
    pub(super) ensemble: BTreeSet<Label>,
    /// With their power in the mix, loudest first.
    pub(super) by_power: Vec<(Label, f64)>,
    /// Of the stem that is asked about.
    pub(super) descriptors: Option<Descriptors>,
    pub(super) planted: Option<FindingKind>,
    pub(super) measured: Measurements,
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.by_power.iter().map(|(label, _)| label.name()).collect();
        write!(f, "song {}: {}", self.song.seed, names.join(" "))?;
        if let Some(planted) = self.planted {
            write!(f, ", {planted} planted")?;
        }
        if let Some(descriptors) = self.descriptors {
            write!(f, ", {descriptors:?}")?;
        }
        Ok(())
    }
}

/// The songs, composed once. One song at a time is rendered and its mix heard, so questions come song by song.
pub(super) struct Stage {
    songs: Vec<Song>,
    open: Option<Open>,
}

/// The song that is asked about.
struct Open {
    index: usize,
    rendered: Rendered,
    truth: Truth,
    /// Its mix, without a fault.
    hearing: Rc<Hearing>,
}

impl Stage {
    pub(super) fn new(seeds: Range<u64>) -> Self {
        Self { songs: seeds.map(Song::compose).collect(), open: None }
    }

    /// The numbers of the questions in the order of their songs.
    pub(super) fn order(&self, questions: &[Question]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..questions.len()).collect();
        order.sort_by_key(|&number| self.choose(number, &questions[number]));
        order
    }

    /// Sets the scene of a question. Half of the questions for an instrument or a fault get one that has it.
    pub(super) fn set(
        &mut self,
        context: &Context<'_>,
        number: usize,
        question: &Question,
    ) -> Result<Scene, Fault> {
        let index = self.choose(number, question);
        let open = match self.open.take().filter(|open| open.index == index) {
            Some(open) => open,
            None => self.open_song(context, index)?,
        };
        let open = self.open.insert(open);
        let mut truth = open.truth.clone();
        let planted = match question.about {
            About::Fault if has(number) => question.fault,
            About::Faults if has(number) => Some(finding_of(GROSS[number / 2 % GROSS.len()])),
            _ => None,
        };
        if question.about.is_colour() {
            let stem = (number / self.songs.len().max(1)) % open.rendered.stems.len();
            truth.descriptors = Some(truth.song.stems[stem].descriptors);
            return Scene::of(context, open.rendered.stems[stem].samples.clone(), truth);
        }
        let mut mix = open.rendered.mix.clone();
        if let Some(kind) = planted.and_then(planter) {
            truth.planted = planted.filter(|_| plant(kind, &mut mix, truth.song.seed));
            return Scene::of(context, mix, truth);
        }
        let source = Samples::new(RATE_HZ, 2, mix);
        Ok(Scene { hearing: Rc::clone(&open.hearing), source, truth })
    }

    fn open_song(&self, context: &Context<'_>, index: usize) -> Result<Open, Fault> {
        let song = &self.songs[index];
        let rendered = song.render(RATE_HZ, &factory::voice::procedural);
        let mut mix = Samples::new(RATE_HZ, 2, rendered.mix.clone());
        let measured = engine::measure(context, &mut mix)?;
        let known = song.truth(&rendered);
        let truth = Truth {
            audible: audible(&rendered, 0.0, known.duration_s),
            ensemble: song.parts.iter().flat_map(|p| [p.label, p.label.in_mix()]).collect(),
            by_power: by_power(&rendered),
            song: known,
            descriptors: None,
            planted: None,
            measured,
        };
        let hearing = Rc::new(Hearing::of_file(context, &mut mix)?);
        Ok(Open { index, rendered, truth, hearing })
    }

    /// The next song, or the next that has (or has not) the instrument in question.
    fn choose(&self, number: usize, question: &Question) -> usize {
        let count = self.songs.len().max(1);
        let fits = |index: &usize| match (question.about, question.instrument) {
            (About::Presence | About::Where, Some(label)) => {
                let parts = &self.songs[*index].parts;
                parts.iter().any(|part| part.label.in_mix() == label.in_mix()) == has(number)
            }
            _ => true,
        };
        let mut order = (0..count).map(|step| (number + step) % count);
        order.find(fits).unwrap_or(number % count)
    }
}

impl Scene {
    fn of(context: &Context<'_>, samples: Vec<f32>, truth: Truth) -> Result<Self, Fault> {
        let mut source = Samples::new(RATE_HZ, 2, samples);
        let hearing = Rc::new(Hearing::of_file(context, &mut source)?);
        Ok(Self { hearing, source, truth })
    }
}

/// Whether what question number so many asks for is to be there.
fn has(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn by_power(rendered: &Rendered) -> Vec<(Label, f64)> {
    let power = |samples: &[f32]| samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let mut all: Vec<(Label, f64)> = Vec::new();
    for stem in &rendered.stems {
        let label = stem.label.in_mix();
        let power: f64 = power(&stem.samples);
        match all.iter_mut().find(|(known, _)| *known == label) {
            Some((_, sum)) => *sum += power,
            None => all.push((label, power)),
        }
    }
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

/// The finding that a planted fault should lead to, and the fault that leads to a finding: they share their names.
pub(crate) fn finding_of(kind: Kind) -> FindingKind {
    let same = |found: &&FindingKind| planter(**found) == Some(kind);
    FindingKind::ALL.iter().find(same).copied().unwrap_or(FindingKind::TooLittle)
}

fn planter(finding: FindingKind) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| format!("{kind:?}") == format!("{finding:?}"))
}

/// Plants the grossest amount of a fault; false where the sound has nothing for it to act on.
pub(crate) fn plant(kind: Kind, samples: &mut Vec<f32>, seed: u64) -> bool {
    let mut rng = rng(seed, "questions");
    let Some(&amount_db) = kind.amounts_db().last() else { return false };
    let defect = Defect::at(Target::Mix, kind, amount_db, &mut rng);
    defect.plant_if_heard(samples, RATE_HZ, &mut rng)
}
