//! `cargo bench -p benches --bench live`: how soon a bar's words are on the screen, with one instance and with sixteen; and how
//! soon its findings are there, and the first words of an answer that is asked for while it plays (`-- asked` for that alone).
//!
//! Every instance plays a part of a song that the factory composed, bars of two seconds, in real time and all in step, which
//! is the worst case: all bars end at once. A screen looks at each session as often as the editor does. What the audio
//! thread's part takes is printed beside the same with a hub whose model is missing, in the same run.

#![expect(clippy::print_stdout, reason = "the table")]

mod asked;
mod played;
#[path = "../song.rs"]
mod song;

use std::time::Duration;

use anyhow::{Result, bail};
use asked::{Asked, ask};
use engine::EngineError;
use engine::hub::Hub;
use played::{Played, play};
use song::BAR_S;

const INSTANCES: [usize; 3] = [1, 4, 16];

/// Bars that are played, and those at the start that don't count: the model loads.
const BARS: usize = 24;
const WARM_UP: usize = 4;

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "asked") {
        return asking(&ask(Hub::of_process(), WARM_UP, BARS));
    }
    println!(
        "bars of {} s in real time, {BARS} of them; from a bar's end to its words on the screen",
        BAR_S
    );
    println!(
        "{:>9} {:>10} {:>10} {:>10} {:>9} {:>9} {:>12} {:>16}",
        "instances",
        "median ms",
        "worst ms",
        "with words",
        "skipped",
        "longest",
        "busy cores",
        "hear() ns, ratio"
    );
    for instances in INSTANCES {
        let without = Hub::new(Box::new(|_, _| Err(EngineError::request("model", "none here"))));
        let idle = play(&without, instances, WARM_UP);
        let with = play(Hub::of_process(), instances, BARS);
        row(instances, &with, &idle)?;
    }
    println!("longest: bars in a row without words, in the instance that is worst off");
    asking(&ask(Hub::of_process(), WARM_UP, BARS))
}

/// Prints how soon findings and answers come, in ms and as parts of a bar.
fn asking(asked: &Asked) -> Result<()> {
    println!(
        "one instance that plays and is asked for advice at every bar's end; from that end on"
    );
    println!("{:>22} {:>10} {:>8} {:>10} {:>8}", "", "median ms", "of bar", "worst ms", "of bar");
    for (name, times) in [("findings", &asked.findings), ("first words", &asked.words)] {
        let mut times: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        times.sort_by(f64::total_cmp);
        let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) else {
            bail!("no {name}");
        };
        let columns = [1e3 * median, median / BAR_S, 1e3 * worst, worst / BAR_S];
        let [median_ms, median, worst_ms, worst] = columns;
        println!("{name:>22} {median_ms:>10.0} {median:>8.3} {worst_ms:>10.0} {worst:>8.3}");
    }
    println!("answers that had not begun at the next bar's end: {}", asked.late);
    Ok(())
}

fn row(instances: usize, with: &Played, idle: &Played) -> Result<()> {
    let counted = with.bars.iter().flat_map(|bars| bars.iter().skip(WARM_UP));
    let mut delays: Vec<Duration> = counted.clone().filter_map(|bar| *bar).collect();
    delays.sort();
    let (Some(median), Some(worst)) = (delays.get(delays.len() / 2), delays.last()) else {
        bail!("no bar got words");
    };
    let all = counted.count();
    let milliseconds = |time: &Duration| 1e3 * time.as_secs_f64();
    println!(
        "{instances:>9} {:>10.0} {:>10.0} {:>9.0}% {:>9} {:>9} {:>12.2} {:>8.0}, {:>6.2}",
        milliseconds(median),
        milliseconds(worst),
        100.0 * delays.len() as f64 / all as f64,
        with.skipped,
        with.bars.iter().map(|bars| longest_silence(&bars[WARM_UP..])).max().unwrap_or(0),
        with.busy_cores,
        with.hear_ns,
        with.hear_ns / idle.hear_ns
    );
    Ok(())
}

/// Bars in a row without words.
fn longest_silence(bars: &[Option<Duration>]) -> usize {
    bars.split(Option::is_some).map(<[_]>::len).max().unwrap_or(0)
}
