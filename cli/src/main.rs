//! The `barline` command: decodes files, runs the engine on them and prints what it hears.

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command, EvalWhat};

mod args;
mod command;
mod decode;
mod output;
mod session;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let common = &cli.common;
    let result = match &cli.command {
        Command::Measure(args) => command::measure(common, args),
        Command::Caption(args) => command::caption(common, args),
        Command::Label(args) => command::label(common, args),
        Command::Advise(args) => command::advise(common, args),
        Command::Embed(args) => command::embed(common, args),
        Command::EmbedCaptions(args) => command::embed_captions(common, args),
        Command::Ask(args) => command::ask(common, args),
        Command::Models(args) => command::models(common, args),
        Command::Eval(args) => match &args.what {
            EvalWhat::Factory(songs) => command::eval_factory(common, songs),
            EvalWhat::Bank(bank) => command::eval_bank(common, bank),
            EvalWhat::Advice(advice) => command::eval_advice(common, advice),
            EvalWhat::Followups(followups) => command::eval_followups(common, followups),
            EvalWhat::Mixes(mixes) => command::eval_mixes(common, mixes),
            EvalWhat::Music(music) => command::eval_music(common, music),
            EvalWhat::Questions(questions) => command::eval_questions(common, questions),
            EvalWhat::Measure(what) => command::eval_measure(common, what),
            EvalWhat::Swap(songs) => command::eval_swap(common, songs),
        },
        Command::Bench(args) => command::bench(common, args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::warn(&format!("error: {}", output::causes(&error)));
            ExitCode::FAILURE
        }
    }
}
