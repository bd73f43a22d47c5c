//! The command line's grammar. Wrong usage ends with exit code 2, which clap does by itself.

use std::path::PathBuf;

use analysis::Target;
use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::{Per, format::Format};
use models::DeviceChoice;
use signal::{Label, Meter};

mod file_name;

pub(crate) use file_name::FileName;

/// Hears music and says what it hears.
#[derive(Debug, Parser)]
#[command(name = "barline", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// Model folder (default: the embedded model)
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Where the model computes: auto, cpu, cuda or metal
    #[arg(long, global = true, default_value = "auto", value_parser = device)]
    pub(crate) device: DeviceChoice,
    /// Worker threads (default: one per core); results don't depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print JSON; the same as --format json
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Text or JSON, for the commands that write nothing else.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plain {
    /// Output format
    #[arg(long, value_enum)]
    pub(crate) format: Option<PlainFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CaptionFormat {
    Text,
    Json,
    Vtt,
    Srt,
    Lrc,
    Csv,
    Labels,
    Midi,
}

impl CaptionFormat {
    /// The writer of the format, where it has one.
    pub(crate) fn writer(self) -> Option<Format> {
        match self {
            Self::Text => None,
            Self::Json => Some(Format::Json),
            Self::Vtt => Some(Format::Vtt),
            Self::Srt => Some(Format::Srt),
            Self::Lrc => Some(Format::Lrc),
            Self::Csv => Some(Format::Csv),
            Self::Labels => Some(Format::Labels),
            Self::Midi => Some(Format::Midi),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure loudness, peaks, dynamics, stereo, tempo, key and spectrum
    Measure(Measure),
    /// Say what is heard, bar by bar
    Caption(Caption),
    /// Name what a file is: kick, bass, vocals, ...
    Label(LabelArgs),
    /// Say what to change, with the measurement behind every word
    Advise(Advise),
    /// Write the encoder's hidden states and the soft tokens
    Embed(Embed),
    /// Write the captions of a WAV file into a copy of it, as cue points, with its loudness
    EmbedCaptions(EmbedCaptions),
    /// Ask the model a question about a file
    Ask(Ask),
    /// List, verify or fetch models
    Models(Models),
    /// Score the model on music whose truth is known
    Eval(Eval),
    /// Time encoder, adapter, prefill and decoding
    Bench(Bench),
}

#[derive(Args, Debug)]
pub(crate) struct Measure {
    /// Audio files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<FileName>,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct Caption {
    /// Audio files; - is standard input
    #[arg(required_unless_present = "resume", value_name = "FILE")]
    pub(crate) files: Vec<FileName>,
    /// Instead of files, caption the renders whose host ended before their captions were written; to the folder that was
    /// chosen in the plugin, or to --out
    #[arg(long, conflicts_with_all = ["files", "per", "bpm", "meter"])]
    pub(crate) resume: bool,
    /// What gets a caption: bar, segment, or a number of seconds
    #[arg(long, default_value = "bar", value_parser = per)]
    pub(crate) per: Per,
    /// Output format
    #[arg(long, value_enum)]
    pub(crate) format: Option<CaptionFormat>,
    /// Write one file for each input into this folder, over files of the same name; with --resume never over one
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) grid: Grid,
}

#[derive(Args, Debug)]
pub(crate) struct EmbedCaptions {
    /// A WAV file
    #[arg(value_name = "FILE")]
    pub(crate) file: FileName,
    /// The copy to write; a file of this name is never overwritten
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// What `barline caption --json` printed of the file (default: it is heard now)
    #[arg(long, value_name = "FILE")]
    pub(crate) captions: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

/// The tempo, where the user knows it.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// Tempo in quarter notes a minute; bar 1 begins with the file then
    #[arg(long, value_name = "BPM", value_parser = bpm)]
    pub(crate) bpm: Option<f64>,
    /// Meter, such as 3/4 or 7/8; otherwise as heard. Without --bpm the beats that are heard are its quarter notes, unless its
    /// bars are as long as those that are heard
    #[arg(long, value_parser = meter)]
    pub(crate) meter: Option<Meter>,
}

#[derive(Args, Debug)]
pub(crate) struct LabelArgs {
    /// Audio files and folders of audio files
    #[arg(required_unless_present = "undo", value_name = "PATH")]
    pub(crate) paths: Vec<FileName>,
    /// Preview names made of the labels
    #[arg(long)]
    pub(crate) rename: bool,
    /// With --rename: rename the files, and write an undo file
    #[arg(long, requires = "rename")]
    pub(crate) yes: bool,
    /// Take back the renaming that an undo file states
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "rename"])]
    pub(crate) undo: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct Advise {
    /// Audio files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<FileName>,
    /// Only this bar
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"], allow_negative_numbers = true)]
    pub(crate) bar: Option<i64>,
    /// Only from this second on
    #[arg(long, value_name = "S", requires = "to", value_parser = seconds)]
    pub(crate) from: Option<f64>,
    /// Only up to this second
    #[arg(long, value_name = "S", requires = "from", value_parser = seconds)]
    pub(crate) to: Option<f64>,
    #[command(flatten)]
    pub(crate) grid: Grid,
    /// What the file is (default: as heard)
    #[arg(long, value_parser = label)]
    pub(crate) label: Option<Label>,
    /// The song's other stems, aligned with the file: what do they mask?
    #[arg(long, value_name = "DIR")]
    pub(crate) stems: Option<PathBuf>,
    /// A finished record to compare the tone with, or a folder of them: their mean at equal loudness
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) reference: Option<PathBuf>,
    /// What the song is made for: none, ebu-r128, streaming, club or film-dialogue
    #[arg(long, value_name = "NAME", default_value = "none", value_parser = target)]
    pub(crate) target: Target,
    /// A question
    #[arg(long, value_name = "TEXT")]
    pub(crate) ask: Option<String>,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct Embed {
    /// Audio file; - is standard input
    pub(crate) file: FileName,
    /// Which hidden states to write: a number, mean or all
    #[arg(long, default_value = "all", value_parser = layer)]
    pub(crate) layer: Layer,
    /// The file to write
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

/// Which hidden states `embed` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    One(usize),
    Mean,
    All,
}

#[derive(Args, Debug)]
pub(crate) struct Ask {
    /// Audio file; - is standard input
    pub(crate) file: FileName,
    /// The question
    #[arg(long, value_name = "TEXT")]
    pub(crate) ask: String,
    /// Always take the likeliest token
    #[arg(long)]
    pub(crate) greedy: bool,
    /// Tokens at the most
    #[arg(long, value_name = "N", default_value = "300", value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub(crate) max_tokens: u32,
    /// The model's text before number check and post-processing
    #[arg(long)]
    pub(crate) raw: bool,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct Models {
    #[command(subcommand)]
    pub(crate) what: ModelsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsWhat {
    /// The embedded model, and the one named by --model
    List(Plain),
    /// Load a model and check every tensor
    Verify(Plain),
    /// Where to get a published model; nothing is downloaded
    Fetch {
        /// The model's name, e.g. m-a-p/MERT-v1-95M
        name: String,
        #[command(flatten)]
        plain: Plain,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Eval {
    #[command(subcommand)]
    pub(crate) what: EvalWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalWhat {
    /// Stem labels and captions of songs that the factory renders
    Factory(EvalSongs),
    /// Labels of phrases made of recorded notes from held-out sources
    Bank(EvalBank),
    /// The meters against EBU Tech 3341 and 3342; tempo, beats, key and planted faults of songs that the factory renders
    Measure(EvalMeasure),
    /// Findings of planted faults, alone and in pairs, and whether their moves mend them
    Advice(EvalAdvice),
    /// Answers to follow-ups on findings, by people who had not seen what the model was trained on
    Followups(EvalFollowups),
    /// Instruments in mixes of stems, a folder a song, each stem a file named after its label
    Mixes(EvalMixes),
    /// Names in captions of finished music whose players are known of the whole piece
    Music(EvalMusic),
    /// Answers to questions by people who had not seen what the model was trained on
    Questions(EvalQuestions),
    /// How much of a caption comes from the sound: the same with soft tokens swapped between songs
    Swap(EvalSongs),
}

#[derive(Args, Debug)]
pub(crate) struct EvalSongs {
    /// Seeds of the songs, the last one excluded; those from 1000000 on are for evaluation (training/holdout.toml)
    #[arg(long, value_name = "A..B", default_value = "1000000..1000010", value_parser = seeds)]
    pub(crate) seeds: std::ops::Range<u64>,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct EvalAdvice {
    /// Seeds of the songs, the last one excluded; those from 1000000 on are for evaluation (training/holdout.toml)
    #[arg(long, value_name = "A..B", default_value = "1000000..1000010", value_parser = seeds)]
    pub(crate) seeds: std::ops::Range<u64>,
    /// Folder of recorded notes, with manifest.csv: faults are planted on phrases of held-out sources, too
    #[arg(long, value_name = "DIR")]
    pub(crate) bank: Option<PathBuf>,
    /// The list of held-out sources
    #[arg(long, value_name = "FILE", default_value = "training/holdout.toml")]
    pub(crate) holdout: PathBuf,
    /// Phrases of each family and source
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) per_group: usize,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct EvalMeasure {
    /// Seeds of the songs, the last one excluded; those from 1000000 on are for evaluation (training/holdout.toml)
    #[arg(long, value_name = "A..B", default_value = "1000000..1000050", value_parser = seeds)]
    pub(crate) seeds: std::ops::Range<u64>,
    /// Seeds of the songs that faults are planted in, which take a minute each
    #[arg(long, value_name = "A..B", default_value = "1000000..1000005", value_parser = seeds)]
    pub(crate) fault_seeds: std::ops::Range<u64>,
    /// Leave the standards' signals out, which take minutes
    #[arg(long)]
    pub(crate) no_standard: bool,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct EvalQuestions {
    /// The questions, an object a line: question, about, instrument, fault
    #[arg(long, value_name = "FILE", default_value = "tests/questions/listening.jsonl")]
    pub(crate) file: PathBuf,
    /// Seeds of the songs that are asked about, the last one excluded
    #[arg(long, value_name = "A..B", default_value = "1000000..1000050", value_parser = seeds)]
    pub(crate) seeds: std::ops::Range<u64>,
    /// Print each question whose answer is wrong
    #[arg(long)]
    pub(crate) wrong: bool,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct EvalFollowups {
    /// The follow-ups, an object a line: question, about, fault, nth, instruments, bar
    #[arg(long, value_name = "FILE", default_value = "tests/questions/followups.jsonl")]
    pub(crate) file: PathBuf,
    /// Seeds of the songs that faults are planted in, the last one excluded
    #[arg(long, value_name = "A..B", default_value = "1000000..1000006", value_parser = seeds)]
    pub(crate) seeds: std::ops::Range<u64>,
    /// Print each follow-up whose answer is wrong
    #[arg(long)]
    pub(crate) wrong: bool,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct EvalMixes {
    /// The folder of songs
    #[arg(long, value_name = "DIR")]
    pub(crate) songs: PathBuf,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct EvalMusic {
    /// The folder of pieces, with players.jsonl: file, players, unsure
    #[arg(long, value_name = "DIR")]
    pub(crate) pieces: PathBuf,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct EvalBank {
    /// Folder of the recorded notes, with manifest.csv
    #[arg(long, value_name = "DIR")]
    pub(crate) bank: PathBuf,
    /// The list of held-out sources
    #[arg(long, value_name = "FILE", default_value = "training/holdout.toml")]
    pub(crate) holdout: PathBuf,
    /// Phrases of each family and source
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) per_group: usize,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// Seconds of audio to hear, 4 at least
    #[arg(long, default_value = "30", value_parser = bench_seconds)]
    pub(crate) seconds: f64,
    #[command(flatten)]
    pub(crate) plain: Plain,
}

fn device(text: &str) -> Result<DeviceChoice, String> {
    text.parse().map_err(|_| "expected auto, cpu, cuda or metal".to_owned())
}

fn positive(text: &str, max: f64) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value > 0.0 && value <= max {
        Ok(value)
    } else {
        Err(format!("expected a number above 0 and up to {max}"))
    }
}

fn per(text: &str) -> Result<Per, String> {
    match text {
        "bar" => Ok(Per::Bar),
        "segment" => Ok(Per::Segment),
        seconds => positive(seconds, 3600.0)
            .and_then(|s| if s >= 0.1 { Ok(Per::Seconds(s)) } else { Err(String::new()) })
            .map_err(|_| "expected bar, segment, or seconds from 0.1 to 3600".to_owned()),
    }
}

fn bpm(text: &str) -> Result<f64, String> {
    positive(text, 1000.0)
        .and_then(|bpm| if bpm >= 10.0 { Ok(bpm) } else { Err("expected 10 to 1000".to_owned()) })
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=1e7).contains(&value) => Ok(value),
        _ => Err("expected seconds, 0 or more".to_owned()),
    }
}

/// A window of the model's at least, and no more than fits into memory.
fn bench_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (4.0..=3600.0).contains(&value) => Ok(value),
        _ => Err("expected 4 to 3600 seconds".to_owned()),
    }
}

/// Any meter with bars of a quarter note at least, and beats that somebody can count.
fn meter(text: &str) -> Result<Meter, String> {
    let parts = text.split_once('/').and_then(|(beats, unit)| {
        Meter::new(beats.parse().ok().filter(|beats| *beats <= 32)?, unit.parse().ok()?)
    });
    parts
        .filter(|meter| meter.quarters() >= 1.0)
        .ok_or_else(|| "expected a meter such as 4/4, 6/8 or 7/8".to_owned())
}

fn label(text: &str) -> Result<Label, String> {
    Label::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Label::ALL.iter().map(|label| label.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn target(text: &str) -> Result<Target, String> {
    Target::from_name(text)
        .ok_or_else(|| format!("expected one of {}", Target::ALL.map(Target::name).join(", ")))
}

fn layer(text: &str) -> Result<Layer, String> {
    match text {
        "mean" => Ok(Layer::Mean),
        "all" => Ok(Layer::All),
        number => {
            number.parse().map(Layer::One).map_err(|_| "expected a number, mean or all".to_owned())
        }
    }
}

fn seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let parts = text.split_once("..").and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    match parts {
        Some((first, end)) if first < end => Ok(first..end),
        _ => Err("expected two numbers, such as 1000000..1000010".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn meters_are_those_of_scores() {
        for (text, parts) in [("4/4", (4, 4)), ("6/8", (6, 8)), ("2/2", (2, 2)), ("7/8", (7, 8))] {
            assert_eq!(meter(text).ok(), Meter::new(parts.0, parts.1), "{text}");
        }
        for text in ["0/4", "33/4", "4/3", "1/8", "four", "4", "-3/4", "4/-4", "99999999999/4"] {
            assert!(meter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pieces_are_bars_segments_or_seconds() {
        assert_eq!(per("bar"), Ok(Per::Bar));
        assert_eq!(per("2.5"), Ok(Per::Seconds(2.5)));
        assert!(
            per("0").is_err() && per("nan").is_err() && per("-1").is_err() && per("beat").is_err()
        );
    }
}
