//! `barline eval mixes`: instruments heard in mixes of stems from elsewhere, e.g. MIDI files through a SoundFont that training
//! has not met (tests/peers/stems.py renders such).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use engine::{AudioSource as _, Context, Cut, Narration, Per, Samples};
use signal::Label;

use super::{Naming, Row, songs::audible_of};
use crate::{
    args::{Common, EvalMixes},
    command::table::table,
    decode::{Decoded, audio_files},
    output::{Fault, wants_json},
    session::Session,
};

/// Seconds that are judged at a time: what the heads were trained on.
pub(super) const WINDOW_S: f64 = 4.0;

/// A song's stems, in stereo.
struct Song {
    rate_hz: u32,
    stems: Vec<(Label, Vec<f32>)>,
    /// Their sum.
    mix: Vec<f32>,
}

/// The head's answer for one instrument in one window, and whether it plays there.
type Odds = (f32, bool);

/// Those of every window, by instrument.
#[derive(Debug, Default)]
struct Heard {
    /// As captions hear: a window among those around it.
    among: BTreeMap<Label, Vec<Odds>>,
    /// Each window for itself.
    alone: BTreeMap<Label, Vec<Odds>>,
}

/// Scores the instruments of every song in a folder.
pub(crate) fn eval_mixes(common: &Common, args: &EvalMixes) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let folders = folders(&args.songs)?;
    let session = Session::new(common)?;
    let (mut heard, mut naming) = (Heard::default(), Naming::default());
    let done = session.with_model(|context, _| {
        for (index, folder) in folders.iter().enumerate() {
            session.step(index, folders.len(), &folder.display().to_string());
            let song = open(folder)?;
            score_windows(context, &song, &mut heard)?;
            score_captions(context, &song, &mut naming)?;
        }
        session.step(folders.len(), folders.len(), "");
        Ok(())
    });
    done?;
    let mut lines = rows(&heard.among);
    let alone = rows(&heard.alone).pop();
    lines.extend(alone.map(|mean| Row { item: "mean, each window alone".to_owned(), ..mean }));
    lines.push(naming.row("captions", "instruments named"));
    table(json, &lines)?;
    Ok(0)
}

fn folders(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.sort();
    anyhow::ensure!(!folders.is_empty(), "{}: no folders of stems", dir.display());
    Ok(folders)
}

/// The stems of a folder, each named after its label (`piano.flac`, `strings-2.wav`), and their sum.
fn open(folder: &Path) -> Result<Song, Fault> {
    let (mut rate_hz, mut stems, mut mix) = (None, Vec::new(), Vec::new());
    let paths = audio_files(folder)
        .map_err(|e| Fault::new("songs", format!("{}: {e}", folder.display())))?;
    for path in paths {
        let fault = |message: &str| Fault::new("songs", format!("{}: {message}", path.display()));
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        let label = Label::from_name(name).ok_or_else(|| fault("not named after a label"))?;
        let mut source = Decoded::open(&path.to_string_lossy())?;
        if source.channels() != 2 || *rate_hz.get_or_insert(source.rate_hz()) != source.rate_hz() {
            return Err(fault("not in stereo, or not at the rate of the other stems"));
        }
        let (mut samples, mut block) = (Vec::new(), Vec::new());
        while source.next_block(&mut block).map_err(|e| fault(&e.to_string()))? {
            samples.extend_from_slice(&block);
        }
        mix.resize(mix.len().max(samples.len()), 0.0);
        mix.iter_mut().zip(&samples).for_each(|(sum, x)| *sum += x);
        stems.push((label, samples));
    }
    let rate_hz =
        rate_hz.ok_or_else(|| Fault::new("songs", format!("{}: no stems", folder.display())))?;
    Ok(Song { rate_hz, stems, mix })
}

impl Song {
    fn audible(&self, start_s: f64, end_s: f64) -> BTreeSet<Label> {
        let stems = self.stems.iter().map(|(label, samples)| (*label, samples.as_slice()));
        audible_of(self.rate_hz, &self.mix, stems, start_s, end_s)
    }
}

fn score_windows(context: &Context<'_>, song: &Song, scored: &mut Heard) -> Result<(), Fault> {
    let model = context.model()?;
    let whole = (song.mix.len() as f64 / 2.0 / f64::from(song.rate_hz) / WINDOW_S).floor();
    if whole < 1.0 {
        return Ok(());
    }
    let windows = engine::steps(WINDOW_S, whole * WINDOW_S);
    let cuts: Vec<Cut> = windows.iter().map(|window| Cut::to_hear(window.span)).collect();
    let mut mix = Samples::new(song.rate_hz, 2, song.mix.clone());
    let heard = engine::hear(context, &mut mix, &cuts, "listening", |_, heard| {
        Ok(Some(model.soft_tokens(&heard.window.unwrap_or_default())?))
    })?;
    for (index, window) in windows.iter().enumerate() {
        let there = song.audible(window.span.start_s, window.span.end_s);
        // In silence there is nothing to rank.
        let Some(alone) = heard[index].as_ref().filter(|_| !there.is_empty()) else { continue };
        rank(&model.instruments(alone)?, &there, &mut scored.alone);
        if let Some(among) = engine::among(&windows, &heard, index) {
            rank(&model.instruments(&among)?, &there, &mut scored.among);
        }
    }
    Ok(())
}

fn rank(heard: &[(String, f32)], there: &BTreeSet<Label>, odds: &mut BTreeMap<Label, Vec<Odds>>) {
    for (name, likely) in heard {
        if let Some(label) = Label::from_name(name) {
            odds.entry(label).or_default().push((*likely, there.contains(&label)));
        }
    }
}

fn score_captions(context: &Context<'_>, song: &Song, naming: &mut Naming) -> Result<(), Fault> {
    let mut mix = Samples::new(song.rate_hz, 2, song.mix.clone());
    let narration = Narration { per: Per::Seconds(WINDOW_S), ..Narration::default() };
    for caption in engine::narrate(context, &mut mix, &narration)?.captions {
        let there = song.audible(caption.start_s, caption.end_s);
        if !there.is_empty() {
            naming.push(&engine::mix_instruments(&caption.text), &there);
        }
    }
    Ok(())
}

/// Average precision by instrument, of those that play somewhere, and their mean.
fn rows(odds: &BTreeMap<Label, Vec<Odds>>) -> Vec<Row> {
    let set = "average precision";
    let mut rows = Vec::new();
    for (label, odds) in odds {
        let count = odds.iter().filter(|(_, there)| *there).count();
        if count > 0 {
            let precision = Some(average_precision(odds));
            rows.push(Row { precision, ..Row::new(set, label.name(), count) });
        }
    }
    let mean = rows.iter().filter_map(|row| row.precision).sum::<f64>() / rows.len().max(1) as f64;
    let windows = odds.values().map(Vec::len).max().unwrap_or(0);
    let precision = (!rows.is_empty()).then_some(mean);
    rows.push(Row { precision, ..Row::new(set, "mean", windows) });
    rows
}

/// The mean, over the windows with the instrument, of the precision at their place in the ranking.
fn average_precision(odds: &[Odds]) -> f64 {
    let mut ranked = odds.to_vec();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut sum) = (0, 0.0);
    for (place, (_, there)) in ranked.into_iter().enumerate() {
        if there {
            right += 1;
            sum += f64::from(right) / (place + 1) as f64;
        }
    }
    sum / f64::from(right.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_is_that_of_the_textbook() {
        let ranked = [(0.9, true), (0.8, false), (0.7, true), (0.1, false)];
        assert!((average_precision(&ranked) - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!(average_precision(&[(0.9, false), (0.8, true)]), 0.5);
    }

    #[test]
    fn what_plays_nowhere_is_not_in_the_mean() {
        let odds = BTreeMap::from([
            (Label::Bass, vec![(0.9, true), (0.2, false)]),
            (Label::Organ, vec![(0.9, false), (0.2, false)]),
        ]);
        let rows = rows(&odds);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1].item.as_str(), rows[1].precision), ("mean", Some(1.0)));
    }
}
