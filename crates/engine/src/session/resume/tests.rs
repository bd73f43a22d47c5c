//! A host that ends in the middle of a render has its captions afterwards.

use std::fs;
use std::sync::atomic::AtomicBool;

use models::Heard;
use signal::{Meter, Transport};

use super::*;
use crate::caption::Told;
use crate::error::EngineError;
use crate::hub::{About, DeviceChoice, Impression, Mind, Question, Window};

const RATE_HZ: f64 = 8000.0;
const BAR_FRAMES: usize = 16_000;

struct Namer;

impl Mind for Namer {
    fn about(&self) -> About {
        About::default()
    }

    fn hear(&self, _: &Window, _: &AtomicBool) -> Result<Impression, EngineError> {
        let soft_tokens = models::Tensor::from_vec(vec![0.0_f32], (1, 1), &models::Device::Cpu);
        Ok(Impression {
            sound: Heard { soft_tokens: soft_tokens.unwrap(), windows: vec![] },
            labels: vec![("bass".to_owned(), 0.9)],
            abstain_below: 0.5,
            told: Told { text: "Bass.".to_owned(), confidence: 0.9, ..Told::default() },
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
}

fn hub() -> Hub {
    let open = |_: DeviceChoice, _: &dyn Fn(f64)| -> Result<Box<dyn Mind>, EngineError> {
        Ok(Box::new(Namer))
    };
    Hub::new(Box::new(open))
}

/// Plays bars at 120 BPM to an armed instance that is polled and never closed: its host is killed.
fn die_rendering(tapes: &Path, bars: usize) {
    let controls = Controls::default();
    controls.arm.set(true);
    let (mut session, mut listener) = Session::pair(controls, None);
    listener.record_to(Some(tapes.to_owned()));
    session.remote().entitle("Bass DI");
    let mut input = session.activate(1, RATE_HZ, false);
    let block = BAR_FRAMES / 4;
    for quarter in 0..4 * bars {
        let wave: Vec<f32> = (0..block).map(|i| 0.3 * (i as f32 * 0.3).sin()).collect();
        let transport = Transport {
            playing: true,
            position: Some((quarter * block) as i64),
            tempo_bpm: Some(120.0),
            meter: Meter::new(4, 4),
            position_quarters: Some(quarter as f64),
            ..Transport::default()
        };
        input.hear(&[wave], &transport);
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
    resume_from(tapes, &hub(), settings, &mut |resumed| all.push(resumed)).unwrap();
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

#[test]
fn a_damaged_tape_gives_what_comes_before_and_is_not_written_twice() {
    let (tapes, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    die_rendering(tapes.path(), 2);
    let path = fs::read_dir(tapes.path()).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"{\"begin\":{\"number\":2,\"rate_hz\":-1.0,\"channels\":1}}\n");
    fs::write(&path, bytes).unwrap();
    let first = resumed(tapes.path(), &settings(out.path()));
    assert!(matches!(first[0].renders[..], [Bounced::Written { captions: 2, .. }]), "{first:?}");
    assert!(first[0].trouble.as_ref().unwrap().contains("-1 Hz"), "{first:?}");
    assert!(resumed(tapes.path(), &settings(out.path())).is_empty(), "it is gone");
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
    listener.record_to(Some(tapes.to_owned()));
    listener.bounce_with(settings.clone(), &[]);
    let mut input = session.activate(1, RATE_HZ, false);
    let transport = Transport {
        playing: true,
        position: Some(0),
        tempo_bpm: Some(120.0),
        meter: Meter::new(4, 4),
        position_quarters: Some(0.0),
        ..Transport::default()
    };
    input.hear(&[vec![0.3; BAR_FRAMES]], &transport);
    listener.poll();
    assert_eq!(fs::read_dir(tapes).unwrap().count(), 1);
    drop(input);
    while !listener.is_resting() {
        listener.poll();
        std::thread::sleep(PAUSE);
    }
    listener.poll();
}
