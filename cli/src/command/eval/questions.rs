//! `barline eval questions`: answers to questions that people wrote who had not seen what the model was trained on, about
//! songs, stems and planted faults whose truth the factory knows.

mod judge;
mod stage;

use std::path::Path;

use engine::{Conversation, Decoding};
use serde::Deserialize;
use signal::{FindingKind, Label};

use super::{Shares, read_lines};
use crate::{
    args::{Common, EvalQuestions},
    command::table::table,
    output::{print, wants_json},
    session::Session,
};
use judge::right;
use stage::Stage;
pub(super) use stage::{finding_of, plant};

/// Words in a row that training never draws from these questions; shorter ones anybody may have written.
const RUN: usize = 5;
const LONG: &str = "total, of five words and more";
const SHORT: &str = "total, of fewer words";

/// What a question is about: what the truth of its answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum About {
    Instruments,
    Presence,
    Loudest,
    Tempo,
    Key,
    Meter,
    Chords,
    Loudness,
    Peak,
    Dynamics,
    Stereo,
    Length,
    Brightness,
    Warmth,
    Space,
    Dirt,
    Density,
    Faults,
    Fault,
    Where,
    Sections,
    Unknowable,
}

impl About {
    /// Asked of one stem, whose colour the factory knows, and not of a mix.
    fn is_colour(self) -> bool {
        matches!(self, Self::Brightness | Self::Warmth | Self::Space | Self::Dirt | Self::Density)
    }
}

/// One line of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    question: String,
    about: About,
    instrument: Option<Label>,
    fault: Option<FindingKind>,
}

/// Asks every question and scores the answers.
pub(crate) fn eval_questions(common: &Common, args: &EvalQuestions) -> anyhow::Result<u8> {
    let json = wants_json(common, args.plain);
    let questions = read(&args.file)?;
    let session = Session::new(common)?;
    let mut shares = Shares::default();
    let done = session.with_model(|context, _| {
        let mut stage = Stage::new(args.seeds.clone());
        for (done, number) in stage.order(&questions).into_iter().enumerate() {
            let question = &questions[number];
            session.step(done, questions.len(), &question.question);
            let mut scene = stage.set(context, number, question)?;
            let (decoding, mut conversation) = (Decoding::default(), Conversation::default());
            let asked = scene.hearing.ask(
                context,
                &mut scene.source,
                &question.question,
                &decoding,
                &mut conversation,
            )?;
            let (answer, raw) = (asked.answer.text, asked.raw);
            let passed = right(question, &scene.truth, &answer);
            let about = format!("{:?}", question.about).to_lowercase();
            let long = question.question.split_whitespace().count() >= RUN;
            let kinds = [about.as_str(), "total", if long { LONG } else { SHORT }];
            kinds.into_iter().for_each(|kind| shares.add(kind, passed));
            if args.wrong && !passed {
                let asked = &question.question;
                let truth = &scene.truth;
                print(format!("{about}: {asked:?} -> {answer:?}, {raw:?}, {truth}\n").as_bytes());
            }
        }
        session.step(questions.len(), questions.len(), "");
        Ok(())
    });
    done?;
    table(json, &shares.rows("questions"))?;
    Ok(0)
}

/// The questions of a file, each with what it asks for.
fn read(path: &Path) -> anyhow::Result<Vec<Question>> {
    let questions: Vec<Question> = read_lines(path)?;
    for question in &questions {
        let complete = match question.about {
            About::Presence | About::Where => question.instrument.is_some(),
            About::Fault => question.fault.is_some(),
            _ => true,
        };
        let (path, question) = (path.display(), &question.question);
        anyhow::ensure!(complete, "{path}: {question:?}: no instrument or fault");
    }
    Ok(questions)
}
