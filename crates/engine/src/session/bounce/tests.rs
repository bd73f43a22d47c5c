//! A pass becomes a timeline with both zeros, and is written once all of it has its words.

use signal::Meter;

use super::*;
use crate::session::{Controls, Session};

const RATE_HZ: f64 = 1000.0;

fn bar(number: i64, start_frame: u64, frames: u64, words: Words) -> HeardBar {
    HeardBar {
        id: number as u64,
        generation: 1,
        bar: Some(number),
        start_quarters: Some(4.0 * (number - 1) as f64),
        meter: Meter::new(4, 4),
        position: Some(start_frame as i64),
        start_frame,
        end_frame: start_frame + frames,
        start_s: start_frame as f64 / RATE_HZ,
        end_s: (start_frame + frames) as f64 / RATE_HZ,
        complete: true,
        loudness_lufs: Some(-20.0),
        true_peak_dbtp: None,
        signal_s: 1.0,
        note: None,
        words,
    }
}

/// Two bars at 120 and one at 60 BPM, half a second into the second activation's audio.
fn report(last: Words) -> (Report, HeardPass) {
    let said = |text: &str| Words::said(text.to_owned(), 0.9);
    let pass = HeardPass {
        generation: 1,
        start_frame: 500,
        end_frame: Some(8500),
        kind: "song",
        position: Some(60_000),
        rate_hz: RATE_HZ,
    };
    // The next activation has begun at another rate.
    let mut report = Report { rate_hz: 2.0 * RATE_HZ, generation: 1, ..Report::default() };
    report.bars.extend([
        bar(1, 0, 400, said("Before.")),
        bar(31, 500, 2000, said("Drums.")),
        bar(32, 2500, 2000, said("Bass.")),
        bar(33, 4500, 4000, last),
    ]);
    report.passes.push_back(pass.clone());
    (report, pass)
}

#[test]
fn a_pass_has_its_own_zero_and_the_projects() {
    let (report, pass) = report(Words::Skipped);
    let timeline = timeline(&pass, &report);
    let spans: Vec<_> = timeline.captions.iter().map(|c| (c.start_s, c.end_s, c.bar)).collect();
    assert_eq!(spans, [(0.0, 2.0, Some(31)), (2.0, 4.0, Some(32))]);
    assert_eq!((timeline.project_start_s, timeline.duration_s), (Some(60.0), 8.0));
    let tempi: Vec<_> = timeline.tempo_map.iter().map(|m| (m.start_s, m.bpm)).collect();
    assert_eq!((tempi, timeline.tempo_bpm), (vec![(0.0, 120.0), (4.0, 60.0)], None));
    let labels = String::from_utf8(Format::Labels.write(&timeline, "")).unwrap();
    assert!(labels.starts_with("60.000000\t62.000000\tDrums."), "{labels}");
    let srt = String::from_utf8(Format::Srt.write(&timeline, "")).unwrap();
    assert!(srt.contains("00:00:00,000 --> 00:00:02,000"), "{srt}");
}

#[test]
fn names_of_files_say_what_is_in_them() {
    let (report, pass) = report(Words::None);
    let day = "2026-02-03T23:59[UTC]".parse().unwrap();
    let names = Names::of(&pass, &report, "Lead vox", &day);
    let name = names.fill("{track}, {label}, {bars}");
    assert_eq!(name, "Lead vox, unlabelled, 31-33");
    assert_eq!(names.fill("{date}"), "2026-02-03");
}

#[test]
fn a_pass_waits_for_all_of_its_words() {
    let (session, _listener) = Session::pair(Controls::default(), None);
    let (waiting, pass) = report(Words::Waiting);
    *session.shared.report.lock() = waiting;
    let mut bouncing = Bouncing::default();
    let panics = || panic!("nothing is written yet");
    bouncing.serve(&session.shared, None, &panics, 7);
    assert_eq!(session.report().bounced, Some(Bounced::Waiting { bars: 0, left_s: 7 }));
    bouncing.serve(&session.shared, None, &panics, 0);
    assert_eq!(session.report().bounced, None);
    bouncing.ended(&pass, true);
    bouncing.serve(&session.shared, None, &panics, 2);
    assert_eq!(session.report().bounced, Some(Bounced::Waiting { bars: 1, left_s: 2 }));
    assert!(!bouncing.is_done());
}

thread_local! {
    static FOLDER: std::cell::RefCell<Option<PathBuf>> = const { std::cell::RefCell::new(None) };
}

fn settings() -> Result<BounceSettings, String> {
    let folder = FOLDER.with_borrow(Clone::clone);
    Ok(BounceSettings { folder, pattern: "{track} {bars}".to_owned(), ..Default::default() })
}

#[test]
fn a_pass_is_written_once_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    FOLDER.set(Some(folder.path().join("new")));
    let (session, _listener) = Session::pair(Controls::default(), None);
    session.remote().entitle("Bass/DI");
    let (report, pass) = report(Words::None);
    *session.shared.report.lock() = report;
    let mut bouncing = Bouncing::default();
    for _ in 0..2 {
        bouncing.ended(&pass, false);
        bouncing.serve(&session.shared, None, &settings, 0);
        bouncing.serve(&session.shared, None, &settings, 0);
    }
    let mut names: Vec<String> = fs::read_dir(folder.path().join("new"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "Bass DI 31-33 2.json",
        "Bass DI 31-33 2.mid",
        "Bass DI 31-33 2.srt",
        "Bass DI 31-33.json",
        "Bass DI 31-33.mid",
        "Bass DI 31-33.srt",
    ];
    assert_eq!(names, expected);
    let written = session.report().bounced;
    assert!(
        matches!(&written, Some(Bounced::Written { paths, captions: 2, failed: 0 }) if paths.len() == 3)
    );
}

#[test]
fn what_cannot_be_written_is_said_and_goes() {
    let file = tempfile::NamedTempFile::new().unwrap();
    FOLDER.set(Some(file.path().to_owned()));
    let (session, _listener) = Session::pair(Controls::default(), None);
    let (report, pass) = report(Words::None);
    *session.shared.report.lock() = report;
    let mut bouncing = Bouncing::default();
    bouncing.ended(&pass, false);
    bouncing.serve(&session.shared, None, &settings, 0);
    assert!(matches!(session.report().bounced, Some(Bounced::Failed(_))));
    FOLDER.set(None);
    bouncing.ended(&pass, false);
    bouncing.serve(&session.shared, None, &settings, 0);
    let why = Bounced::Failed("no folder is chosen for captions of renders".to_owned());
    assert_eq!((session.report().bounced, bouncing.is_done()), (Some(why), true));
}

#[test]
fn a_model_that_fails_at_everything_is_said_so() {
    let (session, _listener) = Session::pair(Controls::default(), None);
    let (mut report, pass) = report(Words::None);
    for bar in &mut report.bars {
        bar.words = Words::Failed { why: "broken".to_owned() };
    }
    report.bounced = Some(Bounced::Waiting { bars: 3, left_s: 0 });
    *session.shared.report.lock() = report;
    let mut bouncing = Bouncing::default();
    bouncing.ended(&pass, false);
    bouncing.serve(&session.shared, None, &settings, 0);
    let why = Bounced::Failed("the model failed at 3 bars".to_owned());
    assert_eq!(session.report().bounced, Some(why));
}

#[test]
fn what_sounds_while_a_transport_stands_is_no_render() {
    let (_, pass) = report(Words::None);
    let mut bouncing = Bouncing::default();
    let free = HeardPass { kind: "free", ..pass };
    bouncing.ended(&free, false);
    assert!(bouncing.is_done());
    bouncing.ended(&free, true);
    assert!(!bouncing.is_done(), "but of a host without a transport");
}

#[test]
fn settings_are_plain_json() {
    let settings = BounceSettings { folder: Some("/renders".into()), ..BounceSettings::default() };
    let json = serde_json::to_string(&settings).unwrap();
    assert!(json.contains(r#""formats":["json","srt","midi"]"#), "{json}");
    assert_eq!(serde_json::from_str::<BounceSettings>(&json).unwrap(), settings);
    assert!(serde_json::from_str::<BounceSettings>("{\"folder\":1}").is_err());
}
