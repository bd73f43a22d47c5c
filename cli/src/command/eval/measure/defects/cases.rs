//! The cases of one song: faults of every kind and amount on its mix and its stems, and the same sounds without faults.

use analysis::AnalysisError;
use factory::defect::{Defect, Kind, Target};
use factory::rng::{Draw as _, rng};
use factory::song::Song;
use factory::treatment::{Strength, Treatment};
use signal::{Label, Measurements};

use super::super::measure;

/// As most files have it.
const RATE_HZ: u32 = 44_100;
/// Treatments work at this rate.
const TREATED_HZ: u32 = 24_000;
/// Length of what faults are planted on: the stretch where the sound is loudest.
const EXCERPT_S: usize = 10;
/// Treatments dirtier than this clip and hiss on purpose.
const CLEAN_DIRT: f64 = 0.2;

/// What a case sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    Mixes,
    Stems,
    /// Stems as a producer treats them, mono.
    Treated,
}

/// A measured sound.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) set: Set,
    pub(super) label: Label,
    /// The fault and the place of its amount among the kind's, or nothing: the sound is clean.
    pub(super) planted: Option<(Defect, usize)>,
    pub(super) measured: Measurements,
}

/// Measures all cases of a seed's song.
pub(super) fn of_song(seed: u64) -> Result<Vec<Case>, AnalysisError> {
    let song = Song::compose(seed);
    let rendered = song.render(RATE_HZ, &factory::voice::procedural);
    let mut cases = Vec::new();
    let mut clean = |set, label, samples: &[f32], rate_hz, channels| {
        let measured = measure(samples, rate_hz, channels)?;
        cases.push(Case { set, label, planted: None, measured });
        Ok(())
    };
    clean(Set::Mixes, Label::FullMix, &rendered.mix, RATE_HZ, 2)?;
    for stem in &rendered.stems {
        clean(Set::Stems, stem.label, &stem.samples, RATE_HZ, 2)?;
    }
    for (label, samples) in treated(&song) {
        clean(Set::Treated, label, &samples, TREATED_HZ, 1)?;
    }
    let mix = excerpt(&rendered.mix, RATE_HZ);
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        if kind != Kind::Sibilant {
            cases.extend(planted(seed, kind, Set::Mixes, Label::FullMix, mix)?);
        }
        // A stem for each kind, another one with each seed.
        let fit: Vec<_> = rendered.stems.iter().filter(|stem| suits(kind, stem.label)).collect();
        if !fit.is_empty() {
            let stem = fit[(seed as usize + number) % fit.len()];
            cases.extend(planted(
                seed,
                kind,
                Set::Stems,
                stem.label,
                excerpt(&stem.samples, RATE_HZ),
            )?);
        }
    }
    Ok(cases)
}

/// Every amount of a fault at one place; none where the sound has nothing for the worst of them to act on.
fn planted(
    seed: u64,
    kind: Kind,
    set: Set,
    label: Label,
    sound: &[f32],
) -> Result<Vec<Case>, AnalysisError> {
    let stream = format!("eval-{kind:?}-{set:?}");
    let amounts = kind.amounts_db();
    let place = |amount| Defect::at(Target::Mix, kind, amount, &mut rng(seed, &stream));
    let noise = || rng(seed, &format!("{stream}-plant"));
    let worst = place(amounts[amounts.len() - 1]);
    let mut cases = Vec::new();
    if !worst.plant_if_heard(&mut sound.to_vec(), RATE_HZ, &mut noise()) {
        return Ok(cases);
    }
    for (index, &amount) in amounts.iter().enumerate() {
        let defect = place(amount);
        let mut samples = sound.to_vec();
        defect.plant(&mut samples, RATE_HZ, &mut noise());
        let measured = measure(&samples, RATE_HZ, 2)?;
        cases.push(Case { set, label, planted: Some((defect, index)), measured });
    }
    Ok(cases)
}

/// Whether a fault on a stem of that label is one: width and loudness belong to mixes, and a lone instrument has only
/// the register that it has.
pub(crate) fn suits(kind: Kind, label: Label) -> bool {
    use Label::{AcousticGuitar, Drums, ElectricGuitar, Piano, Speech, Vocals};
    match kind {
        Kind::Resonance
        | Kind::Hum
        | Kind::Noise
        | Kind::Clipping
        | Kind::DcOffset
        | Kind::PhaseInverted => true,
        Kind::Sibilant => matches!(label, Vocals | Speech),
        Kind::Boomy | Kind::Muddy | Kind::Boxy | Kind::Harsh | Kind::Dull | Kind::Thin => {
            matches!(label, AcousticGuitar | Drums | ElectricGuitar | Piano | Speech | Vocals)
        }
        _ => false,
    }
}

/// The stretch of interleaved stereo with the most power, on a grid of a second.
pub(crate) fn excerpt(samples: &[f32], rate_hz: u32) -> &[f32] {
    let second = 2 * rate_hz as usize;
    let powers: Vec<f64> = (samples.chunks(second))
        .map(|chunk| chunk.iter().map(|&x| f64::from(x) * f64::from(x)).sum())
        .collect();
    let loudest = (powers.windows(EXCERPT_S).map(|window| window.iter().sum::<f64>()).enumerate())
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let from = loudest.map_or(0, |(start, _)| start * second);
    &samples[from..samples.len().min(from + EXCERPT_S * second)]
}

/// The song's stems as a producer's effects leave them.
fn treated(song: &Song) -> Vec<(Label, Vec<f32>)> {
    let stems = song.render(TREATED_HZ, &factory::voice::procedural).stems;
    let parts = song.parts.iter().zip(stems);
    let treated = parts.filter_map(|(part, stem)| {
        let mut rng = rng(part.patch, "eval-treated");
        let treatment = Treatment::random(Strength::Part, 0, &mut rng);
        let mut mono: Vec<f32> =
            stem.samples.chunks_exact(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
        treatment.apply(&mut mono, &[]);
        // Stems come at any level.
        let gain = 10f32.powf(-rng.range(0.0, 18.0) as f32 / 20.0);
        mono.iter_mut().for_each(|x| *x *= gain);
        (treatment.dirt <= CLEAN_DIRT).then_some((stem.label, mono))
    });
    treated.collect()
}
