//! `barline ask`.

use std::collections::BTreeMap;

use engine::{Answer, Decoding};
use models::Sampling;
use serde::Serialize;

use crate::{
    args::{Ask, Common},
    output::{Report, wants_json},
    session::Session,
};

/// The file's object.
#[derive(Serialize)]
struct Row {
    question: String,
    answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    notes: BTreeMap<String, String>,
}

/// Asks a question about a file.
pub(crate) fn ask(common: &Common, args: &Ask) -> anyhow::Result<u8> {
    let mut report = Report::single(wants_json(common, args.plain));
    let session = Session::new(common)?;
    let result = session.file(&args.file, true, |context, source| {
        // The default model was trained to be taken at its likeliest word; published ones sample, as MusiLingo's qa.py.
        let greedy = args.greedy || context.model.is_some_and(engine::knows_slots);
        let sampling = if greedy { Sampling::greedy() } else { Sampling::musilingo(0) };
        let decoding = Decoding { sampling, max_tokens: args.max_tokens as usize };
        let asked = engine::ask(context, source, &args.ask, &decoding)?;
        let raw = args.raw.then_some(asked.raw);
        Ok(Row { question: args.ask.clone(), answer: asked.answer, raw, notes: asked.notes })
    });
    report.result(&args.file, result, |row| {
        format!("{}\n", row.raw.as_ref().unwrap_or(&row.answer.text))
    });
    Ok(report.finish())
}
