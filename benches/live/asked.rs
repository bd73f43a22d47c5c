//! A session that plays in real time and is asked for advice at every bar's end: how soon the findings are there, and the first
//! words of the answer.

use std::time::{Duration, Instant};

use engine::hub::Hub;
use engine::session::{Command, Controls, Remote, Session};

use crate::played::{BLOCK, hear, stems};
use crate::song::{BAR_S, RATE_HZ};

/// Between two looks; the editor, which draws every 50 ms, adds to what is seen up to one of its pictures.
const LOOK: Duration = Duration::from_millis(1);

/// What came of it, from the end of each bar on.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) findings: Vec<Duration>,
    /// To the first sentence of the answer that was asked for once the findings were there.
    pub(crate) words: Vec<Duration>,
    /// Bars whose answer did not begin before the next bar's end.
    pub(crate) late: usize,
}

/// Where the bar that ended last stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Heard,
    Found,
    Answered,
}

/// Plays so many bars with one session, and asks at the end of each but the first `warm_up`.
pub(crate) fn ask(hub: &Hub, warm_up: usize, bars: usize) -> Asked {
    let parts = stems();
    let mut session = Session::start(Controls::default(), hub);
    let mut inputs = [session.activate(2, RATE_HZ.into(), false)];
    let remote = session.remote();
    let (start, mut asked, mut stage) = (Instant::now(), Asked::default(), Stage::Answered);
    let blocks_a_bar = (BAR_S / BLOCK.as_secs_f64()).round() as u32;
    // One bar more, in which the last answer comes.
    for block in 0..blocks_a_bar * (bars as u32 + 1) {
        let bar = block / blocks_a_bar;
        let counts = bar as usize > warm_up;
        let ended = start + BLOCK * (bar * blocks_a_bar);
        while start.elapsed() < BLOCK * block {
            std::thread::sleep(LOOK);
            stage = look(&remote, bar.into(), ended, stage, counts, &mut asked);
        }
        if block % blocks_a_bar == 0 && bar > 0 {
            asked.late +=
                usize::from(counts && bar as usize > warm_up + 1 && stage != Stage::Answered);
            stage = Stage::Heard;
        }
        hear(&mut inputs, &parts, block as usize);
    }
    asked
}

/// Looks whether the next stage of the bar that ended last has come; the report numbers bars from 1.
fn look(
    remote: &Remote,
    bar: u64,
    ended: Instant,
    stage: Stage,
    counts: bool,
    asked: &mut Asked,
) -> Stage {
    let came = match stage {
        Stage::Heard => remote.look(|r| r.found.as_ref().is_some_and(|found| found.id == bar)),
        Stage::Found => remote.look(|r| r.answers.back().is_some_and(|a| !a.text.is_empty())),
        Stage::Answered => false,
    };
    match stage {
        Stage::Heard if came => {
            if counts {
                asked.findings.push(ended.elapsed());
            }
            remote.send(Command::Ask(None));
            // Until the session has taken the question, the last answer is the one before.
            let before = remote.look(|r| r.answers.back().map_or(0, |answer| answer.id));
            while remote.look(|r| r.answers.back().map_or(0, |a| a.id)) == before
                && ended.elapsed() < Duration::from_secs_f64(BAR_S)
            {
                std::thread::yield_now();
            }
            Stage::Found
        }
        Stage::Found if came => {
            if counts {
                asked.words.push(ended.elapsed());
            }
            Stage::Answered
        }
        stage => stage,
    }
}
