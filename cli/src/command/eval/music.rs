//! `barline eval music`: who is named in finished music of which it is known who plays in the whole piece, though not when
//! (training/bank/music.py keeps such pieces apart).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::Context as _;
use engine::{Narration, Per};
use serde::Deserialize;
use signal::Label;

use super::{Naming, Row, mixes::WINDOW_S};
use crate::{
    args::{Common, EvalMusic},
    command::table::table,
    decode::Decoded,
    output::{Fault, wants_json},
    session::Session,
};

/// The list of pieces in their folder.
const LIST: &str = "players.jsonl";

/// A piece, and who plays in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    /// Beside the list.
    file: String,
    /// Play somewhere in it.
    players: BTreeSet<Label>,
    /// May play in it: naming them is neither right nor wrong.
    unsure: BTreeSet<Label>,
}

/// Scores the names in captions and summaries of every piece in a folder.
pub(crate) fn eval_music(common: &Common, args: &EvalMusic) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let pieces = read(&args.pieces)?;
    let session = Session::new(common)?;
    let mut captions: BTreeMap<Label, (usize, usize)> = BTreeMap::new();
    let mut summaries = Naming::default();
    let done = session.with_model(|context, _| -> Result<(), Fault> {
        let narration = Narration { per: Per::Seconds(WINDOW_S), ..Narration::default() };
        for (index, piece) in pieces.iter().enumerate() {
            session.step(index, pieces.len(), &piece.file);
            let mut source = Decoded::open(&args.pieces.join(&piece.file).to_string_lossy())?;
            let told = engine::narrate(context, &mut source, &narration)?;
            for label in told.captions.iter().flat_map(|caption| piece.counted(&caption.text)) {
                let (said, right) = captions.entry(label).or_default();
                *said += 1;
                *right += usize::from(piece.players.contains(&label));
            }
            if !piece.players.is_empty() {
                summaries.push(&piece.counted(&told.summary), &piece.players);
            }
        }
        session.step(pieces.len(), pieces.len(), "");
        Ok(())
    });
    done?;
    let mut rows = rows(&captions);
    rows.push(summaries.row("summaries", "instruments named"));
    table(json, &rows)?;
    Ok(0)
}

fn read(folder: &Path) -> anyhow::Result<Vec<Piece>> {
    let path = folder.join(LIST);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let piece = |(index, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("{}:{}", path.display(), index + 1))
    };
    text.lines().enumerate().map(piece).collect()
}

impl Piece {
    /// Who is named in a text and is right or wrong there.
    fn counted(&self, text: &str) -> Vec<Label> {
        let mut named = engine::mix_instruments(text);
        named.retain(|label| !self.unsure.contains(label));
        named
    }
}

/// How often each name in the captions is right, and all of them.
fn rows(captions: &BTreeMap<Label, (usize, usize)>) -> Vec<Row> {
    let row = |item: &str, said: usize, right: usize| {
        let precision = (said > 0).then(|| right as f64 / said as f64);
        Row { precision, ..Row::new("captions", item, said) }
    };
    let mut rows: Vec<Row> =
        captions.iter().map(|(label, (said, right))| row(label.name(), *said, *right)).collect();
    let total = |of: fn(&(usize, usize)) -> usize| captions.values().map(of).sum();
    rows.push(row("names", total(|(said, _)| *said), total(|(_, right)| *right)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_play_counts_neither_way() {
        let piece = Piece {
            file: String::new(),
            players: BTreeSet::from([Label::Piano]),
            unsure: BTreeSet::from([Label::Strings]),
        };
        let named = piece.counted("Bass, piano and strings: dark.");
        assert_eq!(named, [Label::Bass, Label::Piano]);
    }

    #[test]
    fn names_are_counted_by_label_and_together() {
        let rows = rows(&BTreeMap::from([(Label::Bass, (3, 0)), (Label::Piano, (5, 5))]));
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].precision, rows[1].precision), (Some(0.0), Some(1.0)));
        assert_eq!((rows[2].item.as_str(), rows[2].precision), ("names", Some(0.625)));
    }
}
