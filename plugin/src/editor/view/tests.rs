//! What is shown, from reports as sessions make them.

use engine::session::{Answer, Found, HeardBar, Leftover, Playing, Taste};
use engine::{Choice, hub::About};
use signal::{BarKey, Evidence, Finding, FindingKind, Label, Meter, Severity};

use super::*;

fn said(text: &str) -> Words {
    Words::Said { text: text.to_owned(), labels: Vec::new(), confidence: 0.5 }
}

/// A bar of two seconds, or a passage without one.
fn heard(id: u64, bar: Option<i64>, words: Words) -> HeardBar {
    let start_s = 2.0 * (id - 1) as f64;
    HeardBar {
        id,
        generation: 1,
        bar,
        start_quarters: bar.map(|bar| 4.0 * (bar - 1) as f64),
        meter: bar.and(Meter::new(4, 4)),
        position: None,
        start_frame: 0,
        end_frame: 1,
        start_s,
        end_s: start_s + 2.0,
        complete: true,
        loudness_lufs: Some(-14.04),
        true_peak_dbtp: Some(-1.0),
        signal_s: 2.0,
        note: None,
        words,
    }
}

fn notes(texts: &[Option<&str>]) -> Notes {
    let bars = texts.iter().enumerate().map(|(index, text)| {
        let start_s = 2 * index;
        let text = text.map_or(String::new(), |text| format!(r#","text":"{text}""#));
        format!(
            r#"{{"key":{},"number":{},"meter":[4,4],"loudness_lufs":-9.5,"span_s":[{start_s},{}]{text}}}"#,
            7680 * index,
            index + 1,
            start_s + 2
        )
    });
    let bars = bars.collect::<Vec<_>>().join(",");
    serde_json::from_str(&format!(r#"{{"version":1,"bars":[{bars}]}}"#)).unwrap()
}

fn view(report: &Report) -> View {
    View::of(report, &Notes::default(), &Choices::default(), &Reading::default(), None)
}

fn hub(state: State) -> Status {
    let about = About { model: "default".into(), device: "cpu".into(), fallback: None };
    Status { state, about: Some(about), instances: 3, waiting: 2, ..Status::default() }
}

#[test]
fn before_anything_is_heard_it_says_what_to_do() {
    let view = view(&Report { idle: true, ..Report::default() });
    assert!(view.now.text.starts_with("Press play"), "{}", view.now.text);
    assert_eq!(view.label.text, "nothing heard yet");
    assert!(view.figures.iter().take(5).all(|(_, value)| value == "—"), "{:?}", view.figures);
    assert_eq!((view.trouble, view.answer, view.lively), (None, None, false));
}

#[test]
fn the_newest_words_stand_on_top_with_their_own_bar() {
    let mut report = Report::default();
    report.bars.extend([
        heard(1, Some(7), said("Drums.")),
        heard(2, Some(8), said("Drums and bass.")),
        heard(3, Some(9), Words::Waiting),
    ]);
    report.playing = Some(Playing { key: BarKey::from_quarters(36.0), bar: Some(10) });
    let shown = view(&report).now;
    assert_eq!(shown.place, "Bar 8 (bar 10 plays)");
    assert_eq!(shown.text, "Drums and bass.");
    report.bars.clear();
    report.bars.push_back(heard(36, None, said("Silence.")));
    report.playing = None;
    assert_eq!(view(&report).now, Now { place: "1:10.0".into(), text: "Silence.".into() });
}

#[test]
fn the_song_is_listed_in_its_order_and_the_playhead_has_a_row() {
    let notes = notes(&[Some("Drums."), None, Some("Bass.")]);
    let mut report = Report::default();
    report.bars.push_back(heard(1, None, Words::Skipped));
    report.playing = Some(Playing { key: BarKey::from_quarters(8.0), bar: Some(3) });
    let view = View::of(&report, &notes, &Choices::default(), &Reading::default(), None);
    assert_eq!((view.rows, view.playing), ([3, 1], Some(2)));
    let rows = Listing::Song.rows(1..9, &report, &notes);
    let shown: Vec<_> = rows.iter().map(|row| (row.place.as_str(), row.text.as_str())).collect();
    assert_eq!(shown, [("Bar 2", "no caption"), ("Bar 3", "Bass.")]);
    assert_eq!((rows[1].loudness.as_str(), rows[1].said), ("-9.5 LUFS", true));
    assert!(
        rows[1].details.starts_with("0:04.0 to 0:06.0 in the song, 4/4"),
        "{}",
        rows[1].details
    );
    let free = Listing::Free.rows(0..9, &report, &notes);
    assert_eq!((free.len(), free[0].place.as_str(), free[0].said), (1, "0:00.0", false));
    assert!(free[0].text.contains("skipped"), "{}", free[0].text);
    assert!(Listing::Song.rows(7..9, &report, &notes).is_empty());
}

#[test]
fn a_bar_that_plays_for_the_first_time_has_a_row_in_its_place() {
    let notes = notes(&[Some("Drums."), Some("Bass.")]);
    let mut report = Report::default();
    for (quarters, place) in [(2.0, 1), (8.0, 2), (-4.0, 0)] {
        report.playing = Some(Playing { key: BarKey::from_quarters(quarters), bar: Some(30) });
        let view = View::of(&report, &notes, &Choices::default(), &Reading::default(), None);
        assert_eq!((view.rows, view.playing), ([3, 0], Some(place)));
        let rows = Listing::Song.rows(0..9, &report, &notes);
        assert_eq!(rows.len(), 3);
        assert_eq!(
            (rows[place].place.as_str(), rows[place].text.as_str()),
            ("Bar 30", "playing …")
        );
    }
}

#[test]
fn a_label_that_is_not_likely_enough_is_not_given() {
    let choice = Choice { label: Label::Bass, confidence: 0.3 };
    let mut named = Named { label: None, confidence: 0.3, alternatives: vec![choice] };
    let report = Report { label: Some(named.clone()), ..Report::default() };
    let shown = view(&report).label;
    assert_eq!((shown.text.as_str(), shown.confidence), ("not sure what this is", 0.0));
    assert_eq!(shown.alternatives, [("bass".to_owned(), 0.3)]);
    (named.label, named.confidence) = (Some(Label::Bass), 0.9);
    let report = Report { label: Some(named), ..Report::default() };
    assert_eq!(view(&report).label.confidence, 0.9);
}

#[test]
fn the_engine_says_how_it_stands_and_what_is_wrong() {
    let report = Report {
        rate_hz: 48_000.0,
        dropped_frames: 24_000,
        skipped_passages: 4,
        lag_s: Some(0.123),
        ..Report::default()
    };
    let of = |status: Status| {
        let (notes, choices) = (Notes::default(), Choices::default());
        View::of(&report, &notes, &choices, &Reading::default(), Some(&status))
    };
    let ready = of(hub(State::Ready));
    let expected = [
        "default on cpu",
        "instances 3, waiting 2",
        "0 of your instances seen",
        "lag 0.12 s",
        "skipped 4 bars",
        "dropped 0.5 s",
        "not listened to 0.0 s",
    ];
    assert_eq!(ready.status, expected);
    assert!(!ready.can_restart);
    let mut fallen = hub(State::Ready);
    fallen.about.as_mut().unwrap().fallback = Some("cuda: not compiled in".into());
    assert_eq!(of(fallen).status[1], "no GPU (cuda: not compiled in)");
    assert_eq!(of(hub(State::Loading(0.4))).status[0], "model loading: 40 %");
    let stopped = of(hub(State::Stopped("the model has crashed".into())));
    assert_eq!(stopped.trouble.as_deref(), Some("the model has crashed"));
    assert!(stopped.can_restart);
    let stuck = of(Status { silent: Some(STUCK), ..hub(State::Ready) });
    assert!(stuck.can_restart && stuck.trouble.unwrap().contains("not answered"));
}

#[test]
fn an_answer_shows_what_it_stands_on() {
    let evidence = Evidence {
        name: "true_peak_dbtp".into(),
        value: 0.84,
        unit: "dBTP".into(),
        standard: "ITU-R BS.1770".into(),
    };
    let finding = Finding {
        evidence: vec![evidence],
        text: "It is over.".into(),
        ..Finding::new(FindingKind::TruePeakOver, Severity::Clear, 1.0)
    };
    let mut answer = Answer {
        id: 1,
        bar: Some(5),
        extent: "bar 5, 2.0 s of signal".into(),
        length_s: 2.0,
        signal_s: 1.96,
        findings: vec![finding],
        text: "Turn it down.".into(),
        ..Answer::default()
    };
    let taste = Taste::default();
    let shown = taste.read(|choices| AnswerView::of(&answer, choices));
    assert_eq!(shown.title, "Advice — bar 5, 2.0 s of signal");
    assert_eq!(shown.findings.len(), 1);
    assert_eq!(
        shown.findings[0].text,
        "true-peak-over (clear): It is over. [true_peak_dbtp 0.8 dBTP (ITU-R BS.1770)]"
    );
    assert!(shown.writing);
    answer.state = AnswerState::Failed("stopped".into());
    let dismisses = shown.findings[0].dismisses.unwrap();
    taste.dismiss(dismisses);
    let shown = taste.read(|choices| AnswerView::of(&answer, choices));
    assert_eq!((shown.text.as_str(), shown.writing), ("Turn it down. [stopped]", false));
    assert_eq!(shown.findings, []);
    let report = Report { answers: [answer].into(), ..Report::default() };
    let shown = taste
        .read(|choices| View::of(&report, &Notes::default(), choices, &Reading::default(), None));
    assert_eq!(shown.dismissed, [dismisses]);
}

#[test]
fn an_export_says_where_it_went_or_why_not() {
    let shown = |exported| view(&Report { exported: Some(exported), ..Report::default() }).exported;
    let path = "Barline/Bass captions.vtt".into();
    assert_eq!(
        shown(Exported::Written { path, captions: 9 }).unwrap(),
        "9 captions written to Barline/Bass captions.vtt"
    );
    assert_eq!(shown(Exported::Failed("no room".into())).unwrap(), "not exported: no room");
}

#[test]
fn a_render_tells_how_much_of_it_is_still_to_be_done() {
    let told = |bounced| view(&Report { bounced: Some(bounced), ..Report::default() }).bounced;
    let listening = told(Bounced::Waiting { bars: 1, left_s: 83 }).unwrap();
    assert!(listening.contains("1:23 of it"), "{listening}");
    let writing = told(Bounced::Waiting { bars: 3, left_s: 0 }).unwrap();
    assert!(writing.contains("3 bars to go"), "{writing}");
}

#[test]
fn renders_of_hosts_that_ended_are_offered_unless_they_are_in_hand() {
    let of = |leftover| view(&Report { leftover, ..Report::default() });
    assert_eq!(of(Leftover::default()).leftover, None);
    let two = of(Leftover { waiting: 2, ..Leftover::default() });
    assert!(two.left_renders == 2 && two.leftover.unwrap().starts_with("2 renders"));
    let bounced = Some(Bounced::Waiting { bars: 0, left_s: 60 });
    let working = of(Leftover { waiting: 1, working: true, bounced });
    assert!(working.left_renders == 0 && working.leftover.unwrap().contains("1:00 of it"));
}

#[test]
fn other_instances_are_counted_and_none_is_no_trouble() {
    let shown = view(&Report::default());
    assert!(shown.status.contains(&"0 of your instances seen".to_owned()), "{:?}", shown.status);
    assert_eq!(shown.trouble, None);
    let shown = view(&Report { neighbours: 3, alone: Some("full".into()), ..Report::default() });
    let line = "3 of your instances seen (of other programs none: full)".to_owned();
    assert!(shown.status.contains(&line), "{:?}", shown.status);
}

#[test]
fn a_bar_in_which_nothing_is_found_says_so() {
    let found = Found { extent: "bar 5, 2.0 s of signal".into(), ..Found::default() };
    let shown = view(&Report { found: Some(found), ..Report::default() }).found.unwrap();
    assert_eq!(shown.title, "bar 5, 2.0 s of signal: nothing found");
}
