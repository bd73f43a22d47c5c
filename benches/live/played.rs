//! Sessions that play in real time, and a screen that looks at them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::processor_time;
use engine::hub::Hub;
use engine::session::{Controls, Input, Remote, Session, Words};

use crate::song::{self, BAR_S, RATE_HZ};

const BLOCK_FRAMES: usize = 480;
/// Length of a block.
pub(crate) const BLOCK: Duration = Duration::from_millis(10);

/// The editor draws this often while something moves.
const FRAME: Duration = Duration::from_millis(50);

/// The last bar's words may come this late.
const PATIENCE: Duration = Duration::from_secs(3);

/// What came of it.
pub(crate) struct Played {
    /// For each instance and bar the time from the bar's end to its words; nothing where there are none.
    pub(crate) bars: Vec<Vec<Option<Duration>>>,
    /// Bars that gave way to newer ones.
    pub(crate) skipped: u64,
    /// Processor time of the whole process per second that it played, the players' own included.
    pub(crate) busy_cores: f64,
    /// Median of what the audio thread's part takes, per instance.
    pub(crate) hear_ns: f64,
}

/// Plays so many bars in so many sessions, block by block when they are due, and looks at the screen in between.
pub(crate) fn play(hub: &Hub, instances: usize, bars: usize) -> Played {
    let parts = stems();
    let mut sessions: Vec<Session> =
        (0..instances).map(|_| Session::start(Controls::default(), hub)).collect();
    let inputs = sessions.iter_mut().map(|session| session.activate(2, RATE_HZ.into(), false));
    let mut inputs: Vec<Input> = inputs.collect();
    let mut screen = Screen::new(sessions.iter().map(Session::remote).collect(), bars);
    let (start, cpu_start) = (Instant::now(), processor_time());
    // A little more than the last bar, so that it ends.
    let blocks = (bars as f64 * BAR_S / BLOCK.as_secs_f64()) as u32 + 2;
    let mut times_ns = Vec::with_capacity(blocks as usize);
    for block in 0..blocks {
        std::thread::sleep((BLOCK * block).saturating_sub(start.elapsed()));
        times_ns.push(hear(&mut inputs, &parts, block as usize) / instances as f64);
        screen.look(start);
    }
    let busy_cores = (processor_time() - cpu_start).as_secs_f64() / start.elapsed().as_secs_f64();
    let end = Instant::now();
    while end.elapsed() < PATIENCE {
        std::thread::sleep(BLOCK);
        screen.look(start);
    }
    times_ns.sort_by(f64::total_cmp);
    let hear_ns = times_ns[times_ns.len() / 2];
    Played { skipped: screen.skipped(), bars: screen.seen, busy_cores, hear_ns }
}

/// A block for every instance, as one audio thread brings it. Returns what that took in ns.
pub(crate) fn hear(inputs: &mut [Input], parts: &[[Vec<f32>; 2]], block: usize) -> f64 {
    let transport = song::transport(block * BLOCK_FRAMES, false);
    let called = Instant::now();
    for (input, part) in inputs.iter_mut().zip(parts.iter().cycle()) {
        let at = block * BLOCK_FRAMES % (part[0].len() - BLOCK_FRAMES);
        let sides = [&part[0][at..at + BLOCK_FRAMES], &part[1][at..at + BLOCK_FRAMES]];
        input.hear(black_box(&sides), &transport);
    }
    called.elapsed().as_secs_f64() * 1e9
}

/// What the instances play: no instance plays the mix.
pub(crate) fn stems() -> Vec<[Vec<f32>; 2]> {
    song::parts().split_off(1)
}

/// Editors of all instances.
struct Screen {
    remotes: Vec<Remote>,
    looked_at: Option<Instant>,
    /// For each instance and bar, when its words were first seen after its end.
    seen: Vec<Vec<Option<Duration>>>,
}

impl Screen {
    fn new(remotes: Vec<Remote>, bars: usize) -> Self {
        Self { seen: vec![vec![None; bars]; remotes.len()], remotes, looked_at: None }
    }

    /// Draws a picture, if one is due.
    fn look(&mut self, start: Instant) {
        if self.looked_at.is_some_and(|at| at.elapsed() < FRAME) {
            return;
        }
        self.looked_at = Some(Instant::now());
        for (remote, seen) in self.remotes.iter().zip(&mut self.seen) {
            let now = start.elapsed();
            remote.look(|report| {
                for (index, (bar, seen)) in report.bars.iter().zip(seen).enumerate() {
                    let end = Duration::from_secs_f64((index + 1) as f64 * BAR_S);
                    if matches!(bar.words, Words::Said { .. }) && seen.is_none() {
                        *seen = Some(now.saturating_sub(end));
                    }
                }
            });
        }
    }

    fn skipped(&self) -> u64 {
        let skipped = |remote: &Remote| remote.look(|report| report.skipped_passages);
        self.remotes.iter().map(skipped).sum()
    }
}
