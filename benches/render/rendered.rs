//! A render of a song on some tracks, and the wait for its captions.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use benches::{forget_peak, peak, processor_time, resident};
use engine::hub::Hub;
use engine::session::{Arm, Bounced, Controls, Input, Remote, Session};

use crate::song::{self, RATE_HZ};

const BLOCK_FRAMES: usize = 1024;

/// Between two looks at a report.
const LOOK: Duration = Duration::from_millis(20);

/// What is rendered.
pub(crate) struct Render {
    pub(crate) tracks: usize,
    pub(crate) minutes: f64,
}

/// What it took, in seconds from the first block on and in bytes.
pub(crate) struct Rendered {
    pub(crate) captions: usize,
    pub(crate) rendered_s: f64,
    pub(crate) written_s: f64,
    pub(crate) processor_s: f64,
    pub(crate) peak: Option<u64>,
    pub(crate) growth: Option<u64>,
}

impl Render {
    /// Seconds of audio, on all tracks.
    pub(crate) fn audio_s(&self) -> f64 {
        60.0 * self.minutes * self.tracks as f64
    }

    fn blocks(&self) -> usize {
        (60.0 * self.minutes * f64::from(RATE_HZ)) as usize / BLOCK_FRAMES
    }
}

/// Renders, and waits until every track has its captions.
pub(crate) fn render(what: &Render) -> Result<Rendered> {
    let parts = song::parts();
    let before = resident();
    forget_peak();
    let mut sessions: Vec<Session> = (0..what.tracks).map(|_| session()).collect();
    let remotes: Vec<Remote> = sessions.iter().map(Session::remote).collect();
    let mut inputs: Vec<Input> =
        sessions.iter_mut().map(|session| session.activate(2, RATE_HZ.into(), true)).collect();
    let (start, cpu_start) = (Instant::now(), processor_time());
    for block in 0..what.blocks() {
        for (input, part) in inputs.iter_mut().zip(parts.iter().cycle()) {
            let at = block * BLOCK_FRAMES % (part[0].len() - BLOCK_FRAMES);
            let sides = [&part[0][at..at + BLOCK_FRAMES], &part[1][at..at + BLOCK_FRAMES]];
            input.hear(&sides, &song::transport(block * BLOCK_FRAMES, true));
        }
    }
    let rendered_s = start.elapsed().as_secs_f64();
    drop(inputs);
    let captions = remotes.iter().map(captions).sum::<Result<usize>>()?;
    let written_s = start.elapsed().as_secs_f64();
    let processor_s = (processor_time() - cpu_start).as_secs_f64();
    let growth = peak().zip(before).map(|(peak, before)| peak.saturating_sub(before));
    for remote in &remotes {
        let (dropped, trouble) = remote.look(|r| (r.dropped_frames, r.trouble.clone()));
        ensure!(dropped == 0 && trouble.is_none(), "{dropped} frames were lost: {trouble:?}");
    }
    Ok(Rendered { captions, rendered_s, written_s, processor_s, peak: peak(), growth })
}

/// An armed instance.
fn session() -> Session {
    let arm = std::sync::Arc::new(Arm::default());
    arm.set(true);
    Session::start(Controls { arm, ..Controls::default() }, Hub::of_process())
}

/// Waits for a track's captions: how many there are.
fn captions(remote: &Remote) -> Result<usize> {
    loop {
        match remote.look(|report| report.bounced.clone()) {
            Some(Bounced::Written { captions, failed: 0, .. }) => return Ok(captions),
            Some(Bounced::Waiting { .. }) | None => std::thread::sleep(LOOK),
            Some(other) => bail!("{other:?}"),
        }
    }
}
