//! A host that ends in the middle of a render has its captions afterwards.

mod random;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use models::Heard;
use signal::{Meter, Transport};

use super::*;
use crate::caption::Told;
use crate::error::EngineError;
use crate::hub::{About, DeviceChoice, Impression, Mind, Question, Window};
use crate::session::{Command, Leftover};

const RATE_HZ: f64 = 8000.0;
const BAR_FRAMES: usize = 16_000;

/// Says one thing after the other.
#[derive(Default)]
struct Namer(AtomicUsize);

/// What a cue holds as it is, with several sentences, and more than it holds.
const SAYS: [&str; 4] = [
    "Bass.",
    "Dr\u{fc}ms; sparse. Loud, at -9.8 LUFS.",
    "Drums and bass, loud and dense. Around 120 BPM. Electric guitar and vocals above them.",
    "\u{201c}Drums\u{201d}, \"bass\", electric guitar and vocals; busy, bright and roomy, with the snare well up front and all else \
     behind it.",
];

impl Mind for Namer {
    fn about(&self) -> About {
        About::default()
    }

    fn hear(&self, _: &Window, _: &AtomicBool) -> Result<Impression, EngineError> {
        let soft_tokens = models::Tensor::from_vec(vec![0.0_f32], (1, 1), &models::Device::Cpu);
        let text = SAYS[self.0.fetch_add(1, Ordering::Relaxed) % SAYS.len()];
        Ok(Impression {
            sound: Heard { soft_tokens: soft_tokens.unwrap(), windows: vec![], beside: vec![] },
            labels: vec![("bass".to_owned(), 0.9)],
            abstain_below: 0.5,
            told: Told { text: text.to_owned(), confidence: 0.9, ..Told::default() },
        })
    }

    fn answer(
        &self,
        _: &Question,
        _: &AtomicBool,
        _: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError> {
        Ok(Told::default())
    }

    fn sum_up(&self, question: &Question, _: &AtomicBool) -> Result<Told, EngineError> {
        let text = format!("{} sounds.", question.sounds.len());
        Ok(Told { text, confidence: 0.9, ..Told::default() })
    }
}

fn hub() -> Hub {
    let open = |_: DeviceChoice, _: &dyn Fn(f64)| -> Result<Box<dyn Mind>, EngineError> {
        Ok(Box::new(Namer::default()))
    };
    Hub::new(Box::new(open))
}

/// The transport at a quarter note of a song at 120 BPM.
fn playing(quarter: usize) -> Transport {
    Transport {
        playing: true,
        position: Some((quarter * BAR_FRAMES / 4) as i64),
        tempo_bpm: Some(120.0),
        meter: Meter::new(4, 4),
        position_quarters: Some(quarter as f64),
        ..Transport::default()
    }
}

/// Plays bars at 120 BPM to an armed instance that is polled and never closed: its host is killed.
fn die_rendering(tapes: &Path, bars: usize) {
    let controls = Controls::default();
    controls.arm.set(true);
    let (mut session, mut listener) = Session::pair(controls, None);
    listener.record_to(tapes.to_owned(), None);
    session.remote().entitle("Bass DI");
    let mut input = session.activate(1, RATE_HZ, false);
    let block = BAR_FRAMES / 4;
    for quarter in 0..4 * bars {
        let wave: Vec<f32> = (0..block).map(|i| 0.3 * (i as f32 * 0.3).sin()).collect();
        input.hear(&[wave], &playing(quarter));
        listener.poll();
    }
}

fn settings(folder: &Path) -> BounceSettings {
    BounceSettings {
        folder: Some(folder.to_owned()),
        pattern: "{track} {bars}".to_owned(),
        ..BounceSettings::default()
    }
}

fn resumed(tapes: &Path, settings: &BounceSettings) -> Vec<Resumed> {
    let mut all = Vec::new();
    let mut told = |news| match news {
        Resuming::Done(resumed) => all.push(resumed),
        Resuming::Going { left_s, .. } => assert!(left_s < 60, "{left_s} s of a few bars"),
    };
    resume_from(tapes, &hub(), settings, &mut told).unwrap();
    all
}

#[test]
fn a_render_whose_host_died_has_every_bar() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    die_rendering(tapes.path(), 3);
    let resumed = resumed(tapes.path(), &settings(out.path()));
    assert_eq!(resumed.len(), 1, "{resumed:?}");
    let [Bounced::Written { paths, captions: 3, failed: 0 }] = resumed[0].renders.as_slice() else {
        panic!("{resumed:?}");
    };
    assert_eq!(resumed[0].title, "Bass DI");
    let json = fs::read_to_string(&paths[0]).unwrap();
    let timeline: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(timeline["summary"], "3 sounds.");
    let spans: Vec<_> = timeline["captions"].as_array().unwrap().iter().collect();
    assert_eq!((spans[2]["start_s"].as_f64(), spans[2]["end_s"].as_f64()), (Some(4.0), Some(6.0)));
    assert!(paths[0].file_name().unwrap().to_str().unwrap().starts_with("Bass DI 1-3"));
    assert_eq!(fs::read_dir(tapes.path()).unwrap().count(), 0, "and the tape is gone");
}

#[test]
fn what_cannot_be_written_stays_on_the_tape() {
    let tapes = tempfile::tempdir().unwrap();
    die_rendering(tapes.path(), 2);
    let file = tempfile::NamedTempFile::new().unwrap();
    let failed = resumed(tapes.path(), &settings(file.path()));
    assert!(matches!(failed[0].renders[..], [Bounced::Failed(_)]), "{failed:?}");
    let out = tempfile::tempdir().unwrap();
    let written = resumed(tapes.path(), &settings(out.path()));
    assert!(matches!(written[0].renders[..], [Bounced::Written { .. }]), "{written:?}");
    assert!(resumed(tapes.path(), &settings(out.path())).is_empty());
}

#[test]
fn a_live_render_that_cannot_be_written_leaves_its_tape() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    render(tapes.path(), &settings(file.path()));
    let left = resumed(tapes.path(), &settings(out.path()));
    assert!(matches!(left[0].renders[..], [Bounced::Written { captions: 1, .. }]), "{left:?}");
}

/// The only file of a folder.
fn only(folder: &Path) -> PathBuf {
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let path = paths.next().unwrap();
    assert_eq!(paths.next(), None);
    path
}

#[test]
fn a_damaged_tape_gives_what_comes_before_and_is_set_aside() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    die_rendering(tapes.path(), 2);
    let path = only(tapes.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"{\"begin\":{\"number\":2,\"rate_hz\":-1.0,\"channels\":1}}\n");
    fs::write(&path, bytes).unwrap();
    // Where nothing can be written it is tried again.
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(
        resumed(tapes.path(), &settings(file.path()))[0].renders[..],
        [Bounced::Failed(_)]
    ));
    assert_eq!(only(tapes.path()), path);
    let first = resumed(tapes.path(), &settings(out.path()));
    assert!(matches!(first[0].renders[..], [Bounced::Written { captions: 2, .. }]), "{first:?}");
    let aside = path.with_added_extension("damaged");
    let trouble = first[0].trouble.as_ref().unwrap();
    assert!(trouble.contains("-1 Hz") && trouble.contains(&*aside.to_string_lossy()), "{trouble}");
    assert!(resumed(tapes.path(), &settings(out.path())).is_empty(), "it is not offered again");
    assert_eq!(only(tapes.path()), aside);
}

#[test]
fn a_tape_of_a_newer_version_is_kept_unread() {
    let out = tempfile::tempdir().unwrap();
    // Unknown from the first line on, and after the title, before any render.
    for head in ["", "{\"title\":\"Bass\"}\n"] {
        let tapes = tempfile::tempdir().unwrap();
        let (path, text) = (tapes.path().join("1.tape"), format!("{head}{{\"chapter\":1}}\n"));
        fs::write(&path, &text).unwrap();
        let told = resumed(tapes.path(), &settings(out.path()));
        assert!(told[0].trouble.as_ref().unwrap().contains("chapter"), "{told:?}");
        assert!(resumed(tapes.path(), &settings(out.path())).is_empty(), "it is not offered again");
        assert_eq!(fs::read_to_string(path.with_added_extension("damaged")).unwrap(), text);
    }
}

#[test]
fn a_render_that_was_written_leaves_no_tape() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    render(tapes.path(), &settings(out.path()));
    assert_eq!(fs::read_dir(tapes.path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 3);
}

/// Renders a bar with an armed instance that goes as instances should.
fn render(tapes: &Path, settings: &BounceSettings) {
    let controls = Controls::default();
    controls.arm.set(true);
    let (mut session, mut listener) = Session::pair(controls, Some(&hub()));
    listener.record_to(tapes.to_owned(), None);
    listener.bounce_with(settings.clone(), None, &[]);
    let mut input = session.activate(1, RATE_HZ, false);
    input.hear(&[vec![0.3; BAR_FRAMES]], &playing(0));
    listener.poll();
    assert_eq!(fs::read_dir(tapes).unwrap().count(), 1);
    drop(input);
    while !listener.is_resting() {
        listener.poll();
        std::thread::sleep(PAUSE);
    }
    listener.poll();
}

/// A mind that never returns, once it has been given something.
struct Stone;

impl Mind for Stone {
    fn about(&self) -> About {
        About::default()
    }

    fn hear(&self, _: &Window, _: &AtomicBool) -> Result<Impression, EngineError> {
        loop {
            std::thread::park();
        }
    }

    fn answer(
        &self,
        _: &Question,
        _: &AtomicBool,
        _: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError> {
        Ok(Told::default())
    }
}

#[test]
fn a_model_that_hangs_leaves_the_tape_of_an_instance_that_is_gone() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let open = |_: DeviceChoice, _: &dyn Fn(f64)| -> Result<Box<dyn Mind>, EngineError> {
        Ok(Box::new(Stone))
    };
    let (stone, controls) = (Hub::new(Box::new(open)), Controls::default());
    controls.arm.set(true);
    let (mut session, mut listener) = Session::pair(controls, Some(&stone));
    listener.record_to(tapes.path().to_owned(), None);
    listener.bounce_with(settings(out.path()), None, &[]);
    listener.lose_patience_after(Duration::from_millis(20));
    let mut input = session.activate(1, RATE_HZ, false);
    input.hear(&[vec![0.3; BAR_FRAMES]], &playing(0));
    drop(input);
    // While somebody can restart the engine, it waits and says for what.
    for _ in 0..20 {
        assert_ne!(listener.poll(), Activity::Closed);
        std::thread::sleep(PAUSE);
    }
    assert_eq!(session.report().bounced, Some(Bounced::Waiting { bars: 1, left_s: 0 }));
    drop(session);
    while listener.poll() != Activity::Closed {
        std::thread::sleep(PAUSE);
    }
    let report = listener.report();
    assert_eq!(report.trouble.as_deref(), Some(GIVEN_UP));
    drop(listener);
    let written = resumed(tapes.path(), &settings(out.path()));
    assert!(
        matches!(written[0].renders[..], [Bounced::Written { captions: 1, .. }]),
        "{written:?}"
    );
}

#[test]
fn an_open_window_is_told_what_waits_and_has_it_written() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    die_rendering(tapes.path(), 2);
    die_rendering(tapes.path(), 1);
    let (session, mut listener) = Session::pair(Controls::default(), None);
    listener.record_to(tapes.path().to_owned(), Some(hub()));
    listener.bounce_with(settings(out.path()), None, &[]);
    listener.poll();
    assert_eq!(session.report().leftover, Leftover::default(), "nobody looks");
    let remote = session.remote();
    remote.watch();
    listener.poll();
    assert_eq!(session.report().leftover.waiting, 2);
    remote.send(Command::TakeUp);
    listener.poll();
    while session.report().leftover.working {
        std::thread::sleep(PAUSE);
    }
    let done = session.report().leftover.bounced;
    assert!(matches!(done, Some(Bounced::Written { captions: 1, .. })), "{done:?}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2 * 3);
    assert_eq!(fs::read_dir(tapes.path()).unwrap().count(), 0);
}
