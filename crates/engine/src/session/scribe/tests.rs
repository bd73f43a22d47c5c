//! Sessions with a mind: who gets words, who is skipped, and that a broken mind costs nothing but words.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use signal::{FindingKind, Meter, Transport};

use super::super::{Activity, Bell, Command, Controls, Input, Listener, Session};
use super::*;
use crate::caption::Told;
use crate::error::EngineError;
use crate::hub::{About, DeviceChoice, Mind, Question};

const RATE_HZ: f64 = 8_000.0;
/// A bar of 4/4 at 120 BPM.
const BAR_FRAMES: usize = 16_000;

/// Names what it is told to name, after a while; asked to `fill` a text, it says that with its slots filled, and asked for `company`,
/// how much it has heard beside the passage.
struct Parrot {
    takes: Duration,
    panics: bool,
}

impl Mind for Parrot {
    fn about(&self) -> About {
        About::default()
    }

    fn hear(&self, window: &Window, _: &AtomicBool) -> Result<Impression, EngineError> {
        assert!(!self.panics, "planted");
        assert!((0.0..1.0).contains(&window.passage.start), "{:?}", window.passage);
        std::thread::sleep(self.takes);
        let soft_tokens = models::Tensor::from_vec(vec![0.0_f32], (1, 1), &models::Device::Cpu);
        Ok(Impression {
            sound: Heard {
                soft_tokens: soft_tokens.unwrap(),
                windows: vec![vec![]],
                beside: vec![],
            },
            labels: vec![("bass".to_owned(), 0.9), ("kick".to_owned(), 0.1)],
            abstain_below: 0.5,
            told: Told { text: "Bass.".to_owned(), confidence: 0.9, ..Told::default() },
        })
    }

    fn answer(
        &self,
        question: &Question,
        _: &AtomicBool,
        say: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError> {
        let fill = question.text.as_deref().and_then(|text| text.strip_prefix("fill "));
        if let Some((template, _)) = fill.and_then(|text| text.split_once('|')) {
            let text = question.facts.fill(template).text;
            return Ok(Told { text, answer: template.to_owned(), ..Told::default() });
        }
        if question.text.as_deref() == Some("company") {
            let text = question.sounds[0].beside.len().to_string();
            return Ok(Told { text, ..Told::default() });
        }
        say("One.");
        say("Two.");
        let text = format!("One. Two. {}", question.text.as_deref().unwrap_or("Advice."));
        Ok(Told { text, ..Told::default() })
    }
}

/// A session whose song runs at 120 BPM.
struct Desk {
    session: Session,
    listener: Listener,
    input: Input,
    frame: usize,
    /// The clock on the wall, which the tests turn.
    now: Instant,
}

impl Desk {
    fn new(takes: Duration, panics: bool) -> Self {
        Self::with(takes, panics, Arc::default())
    }

    fn with(takes: Duration, panics: bool, bell: Arc<Bell>) -> Self {
        let open = move |_: DeviceChoice, _: &dyn Fn(f64)| -> Result<Box<dyn Mind>, EngineError> {
            Ok(Box::new(Parrot { takes, panics }))
        };
        let hub = Hub::new(Box::new(open));
        let (mut session, listener) =
            Session::pair(Controls { bell, ..Controls::default() }, Some(&hub));
        let input = session.activate(1, RATE_HZ, false);
        Self { session, listener, input, frame: 0, now: Instant::now() }
    }

    /// Listens after so much time.
    fn listen_after(&mut self, wall_s: f64) {
        self.now += Duration::from_secs_f64(wall_s);
        self.listener.poll_at(self.now);
    }

    /// Plays quarters of a bar at a level.
    fn play(&mut self, quarters: usize, level: f32) {
        self.play_as(quarters, |i| level * (i as f32 * 0.3).sin());
    }

    fn play_as(&mut self, quarters: usize, wave: impl Fn(usize) -> f32) {
        for _ in 0..quarters {
            let frames = BAR_FRAMES / 4;
            let block: Vec<f32> = (0..frames).map(&wave).collect();
            let position_quarters = (self.frame / frames) as f64;
            let transport = Transport {
                playing: true,
                position: Some(self.frame as i64),
                tempo_bpm: Some(120.0),
                meter: Meter::new(4, 4),
                position_quarters: Some(position_quarters),
                bar_start_quarters: Some((position_quarters / 4.0).floor() * 4.0),
                ..Transport::default()
            };
            self.input.hear(&[block], &transport);
            self.frame += frames;
        }
    }

    /// Plays quarters of a bar that a converter has clipped.
    fn play_clipped(&mut self, quarters: usize) {
        self.play_as(quarters, |i| (3.0 * (i as f32 * 0.05).sin()).clamp(-1.0, 1.0));
    }

    /// Listens until nothing is left to do and every passage has its words.
    fn settle(&mut self) {
        let start = Instant::now();
        loop {
            let activity = self.listener.poll_at(self.now);
            let report = self.session.report();
            let waits = report.bars.iter().any(|bar| bar.words == Words::Waiting);
            let writes = report.answers.iter().any(|answer| answer.state == AnswerState::Writing);
            if activity == Activity::Idle && !waits && !writes {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{report:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn words(&self) -> Vec<Words> {
        self.session.report().bars.into_iter().map(|bar| bar.words).collect()
    }
}

fn said(words: &Words) -> &str {
    match words {
        Words::Said { text, .. } => text,
        other => panic!("{other:?}"),
    }
}

/// Renders so many quarters a look, 18 bars in all, in no time; with a mind that is slower than the meters.
fn render(quarters: usize) {
    let mut desk = Desk::new(Duration::from_millis(60), false);
    for _ in 0..18 * 4 / quarters {
        desk.play(quarters, 0.3);
        desk.listen_after(0.01);
    }
    desk.play(1, 0.3);
    desk.settle();
    let words = desk.words();
    assert_eq!(words.len(), 18);
    assert!(words.iter().all(|words| said(words) == "Bass."), "{words:?}");
    let report = desk.session.report();
    assert_eq!((report.skipped_passages, report.dropped_frames), (0, 0));
    let label = report.label.unwrap();
    assert_eq!((label.label, label.alternatives.len()), (Some(signal::Label::Bass), 1));
}

#[test]
fn a_render_gets_words_for_every_bar_however_often_the_listener_looks() {
    // Half a bar, and three bars in one piece.
    render(2);
    render(12);
}

#[test]
fn in_real_time_the_newest_bar_wins_and_the_rest_is_counted() {
    let mut desk = Desk::new(Duration::from_millis(200), false);
    // The model takes longer than the test needs for a bar, and the clock says that half a second has passed.
    for _ in 0..4 * 8 + 1 {
        desk.play(1, 0.3);
        desk.listen_after(0.5);
    }
    desk.settle();
    let words = desk.words();
    assert_eq!(words.len(), 8);
    let skipped = words.iter().filter(|words| **words == Words::Skipped).count() as u64;
    assert!(skipped > 0, "{words:?}");
    assert_eq!(desk.session.report().skipped_passages, skipped);
    assert_eq!(said(&words[7]), "Bass.", "the newest is never skipped");
}

#[test]
fn what_was_heard_shortly_before_a_passage_counts_and_what_lies_elsewhere_does_not() {
    let mut desk = Desk::new(Duration::ZERO, false);
    let mut company_after = |bars: usize| {
        for _ in 0..4 * bars + 1 {
            desk.play(1, 0.3);
            desk.listen_after(0.5);
            desk.settle();
        }
        desk.session.remote().send(Command::Ask(Some("company".to_owned())));
        desk.settle();
        desk.frame = desk.frame.next_multiple_of(BAR_FRAMES) + 40 * BAR_FRAMES;
        desk.session.report().answers.back().unwrap().text.clone()
    };
    // Five bars of two seconds are within ten; the jump before the second round begins another place.
    assert_eq!(company_after(8), "5");
    assert_eq!(company_after(3), "2");
}

#[test]
fn playing_after_a_render_is_real_time_again() {
    let mut desk = Desk::new(Duration::from_millis(200), false);
    desk.play(4 * 3, 0.3);
    desk.listen_after(0.01);
    desk.settle();
    desk.listen_after(10.0);
    for _ in 0..4 * 8 + 1 {
        desk.play(1, 0.3);
        desk.listen_after(0.5);
    }
    desk.settle();
    assert!(desk.words()[..3].iter().all(|words| said(words) == "Bass."));
    assert!(desk.session.report().skipped_passages > 0);
}

#[test]
fn silence_needs_no_mind() {
    let mut desk = Desk::new(Duration::ZERO, true);
    desk.play(4 * 2 + 1, 0.0);
    desk.settle();
    assert!(desk.words().iter().all(|words| said(words) == crate::SILENCE));
}

#[test]
fn a_broken_mind_costs_words_and_nothing_else() {
    let mut desk = Desk::new(Duration::ZERO, true);
    desk.play(4 * 3 + 1, 0.3);
    desk.settle();
    let report = desk.session.report();
    assert_eq!((report.bars.len(), report.dropped_frames), (3, 0));
    for bar in &report.bars {
        assert!(matches!(bar.words, Words::Failed { .. } | Words::Skipped), "{:?}", bar.words);
        assert!(bar.loudness_lufs.is_some());
    }
    assert!(report.bars.iter().any(|bar| matches!(bar.words, Words::Failed { .. })));
}

#[test]
fn an_answer_stands_on_the_bar_that_was_heard_last() {
    let mut desk = Desk::new(Duration::ZERO, false);
    let remote = desk.session.remote();
    remote.send(Command::Ask(Some("what is it?".to_owned())));
    desk.settle();
    desk.play(4 * 2 + 1, 0.3);
    desk.settle();
    remote.send(Command::Ask(Some("and now?".to_owned())));
    desk.settle();
    remote.send(Command::Ask(None));
    desk.settle();
    let answers = desk.session.report().answers;
    let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(texts, [TOO_LITTLE, "One. Two. and now?", "One. Two. Advice."]);
    assert_eq!((answers[1].bar, answers[1].state.clone()), (Some(2), AnswerState::Done));
    assert!((answers[1].length_s - 2.0).abs() < 1e-9 && answers[1].signal_s > 1.9);
    let extents: Vec<&str> = answers.iter().map(|answer| answer.extent.as_str()).collect();
    assert_eq!(extents, ["", "bar 2, 2.0 s of signal", "bar 2, 2.0 s of signal"]);
}

#[test]
fn a_bar_of_silence_is_answered_as_such_and_not_by_the_bar_before() {
    let mut desk = Desk::new(Duration::ZERO, false);
    desk.play(4 * 2, 0.3);
    desk.settle();
    desk.play(4 * 2 + 1, 0.0);
    desk.settle();
    desk.session.remote().send(Command::Ask(None));
    desk.settle();
    let answer = desk.session.report().answers.pop_back().unwrap();
    assert_eq!((answer.text.as_str(), answer.extent.as_str()), (crate::SILENCE, "bar 4, silence"));
    assert_eq!(answer.findings[0].kind, FindingKind::Silence);
}

#[test]
fn what_is_found_is_there_without_a_model_and_stays_away_once_dismissed() {
    let mut desk = Desk::new(Duration::ZERO, true);
    desk.play_clipped(4);
    desk.play(1, 0.1);
    desk.settle();
    let found = desk.session.report().found.unwrap();
    assert_eq!((found.id, found.extent.as_str()), (1, "bar 1, 2.0 s of signal"));
    assert_eq!(found.findings[0].kind, FindingKind::Clipping, "{found:?}");
    let clipping = Dismissed::of(&found.findings[0]).unwrap();
    desk.session.remote().taste().dismiss(clipping);
    desk.play_clipped(4);
    desk.settle();
    let found = desk.session.report().found.unwrap();
    assert_eq!(found.id, 2);
    assert!(found.findings.iter().all(|f| f.kind != FindingKind::Clipping), "{found:?}");
}

#[test]
fn a_target_judges_the_song_as_far_as_it_was_heard() {
    let mut desk = Desk::new(Duration::ZERO, false);
    desk.session.remote().taste().aim(analysis::Target::EbuR128);
    let loud = |desk: &Desk| {
        let findings = desk.session.report().found.unwrap().findings;
        findings.into_iter().find(|finding| finding.kind == FindingKind::TooLoud)
    };
    desk.play(4 * 2 + 1, 0.3);
    desk.settle();
    assert_eq!(loud(&desk), None, "four seconds are no programme");
    desk.play(4 * 6, 0.3);
    desk.settle();
    let finding = loud(&desk).unwrap();
    assert!(finding.text.contains("the target of -23.0 LUFS"), "{}", finding.text);
}

#[test]
fn two_instances_that_hide_each_other_say_so_until_it_is_dismissed() {
    let [first, second] = Neighbours::together();
    let (mut quiet, mut loud) =
        (Desk::new(Duration::ZERO, false), Desk::new(Duration::ZERO, false));
    quiet.listener.join(first);
    loud.listener.join(second);
    loud.session.remote().entitle("Pad");
    for _ in 0..4 * 2 + 1 {
        quiet.play(1, 0.003);
        loud.play(1, 0.3);
        quiet.listen_after(0.5);
        loud.listen_after(0.5);
    }
    quiet.settle();
    loud.settle();
    // Its label has come since it last said what it is.
    loud.listen_after(1.0);
    assert_eq!((quiet.session.report().neighbours, loud.session.report().neighbours), (1, 1));
    let remote = quiet.session.remote();
    let ask = |quiet: &mut Desk, question: Option<&str>| {
        remote.send(Command::Ask(question.map(str::to_owned)));
        quiet.settle();
        quiet.session.report().answers.pop_back().unwrap()
    };
    let masking =
        ask(&mut quiet, None).findings.into_iter().find(|f| f.kind == FindingKind::Masking);
    let text = masking.unwrap().text;
    assert!(text.starts_with("Pad (bass) hides this track (bass) from "), "{text}");
    assert!(text.contains("Hz in bar 2: there it lies "), "{text}");
    let listed = |quiet: &Desk| {
        let found = quiet.session.report().found.unwrap();
        found.findings.iter().filter(|finding| finding.kind == FindingKind::Masking).count()
    };
    assert_eq!(listed(&quiet), 0, "nobody looks");
    let play_watched = |quiet: &mut Desk, loud: &mut Desk| {
        for _ in 0..4 {
            quiet.session.remote().watch();
            quiet.play(1, 0.003);
            loud.play(1, 0.3);
            quiet.listen_after(0.5);
            loud.listen_after(0.5);
        }
    };
    play_watched(&mut quiet, &mut loud);
    quiet.listen_after(0.5);
    assert_eq!(listed(&quiet), 1);
    let template = "You can dismiss the masking, and I won't bring it up on this track.";
    let answer = ask(&mut quiet, Some(&format!("fill {template}|not again")));
    assert_eq!(answer.text, "I have dismissed the masking, and I won't bring it up on this track.");
    assert!(ask(&mut quiet, None).findings.iter().all(|f| f.kind != FindingKind::Masking));
    assert_eq!(remote.choices().dismissed().len(), 1);
    play_watched(&mut quiet, &mut loud);
    quiet.listen_after(0.5);
    assert_eq!(listed(&quiet), 0, "dismissed");
}

#[test]
fn follow_ups_know_the_other_bars_and_what_was_spoken_of() {
    let mut desk = Desk::new(Duration::ZERO, false);
    let remote = desk.session.remote();
    // Clipped at the converter's ceiling from bar 2 on, and louder.
    desk.play(4, 0.1);
    for _ in 0..2 {
        desk.play_clipped(4);
    }
    desk.play(1, 0.1);
    desk.settle();
    for question in [
        "fill Beside it: <other>. | bar 1",
        "fill The clipping: <bars1>.| where?",
        "fill The clipping: <why1>.| why?",
        "fill Beside it: <other>.| and bar 99?",
    ] {
        remote.send(Command::Ask(Some(question.to_owned())));
        desk.settle();
    }
    let answers = desk.session.report().answers;
    let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert!(
        texts[0].starts_with("Beside it: bar 1 is ") && texts[0].contains("LU quieter"),
        "{texts:?}"
    );
    assert_eq!(texts[1], "The clipping: in bars 2-3.");
    assert_eq!(answers[0].findings[0].kind, FindingKind::Clipping, "{:?}", answers[0].findings);
    assert!(
        texts[2]
            .starts_with("The clipping: the wave is cut flat 256 times at its 0.0 dBFS ceiling"),
        "{texts:?}"
    );
    assert_eq!(texts[3], "Beside it: bar 99 is none that I remember.");
}

#[test]
fn the_notes_of_the_song_have_the_words_and_the_bar_that_plays_is_known() {
    let mut desk = Desk::new(Duration::ZERO, false);
    desk.play(4 * 2 + 1, 0.3);
    desk.settle();
    let remote = desk.session.remote();
    let spans_s: Vec<_> = remote.recall(|notes| {
        assert!(notes.bars().all(|bar| said(&bar.words) == "Bass."));
        notes.bars().filter_map(|bar| bar.span_s).collect()
    });
    assert_eq!(spans_s, [(0.0, 2.0), (2.0, 4.0)]);
    let report = desk.session.report();
    assert_eq!(report.playing.map(|playing| playing.bar), Some(Some(3)));
    assert!(report.lag_s.is_some_and(|lag_s| lag_s < 60.0));
}

#[test]
fn the_parameter_that_asks_gets_advice_once() {
    let bell = Arc::new(Bell::default());
    let mut desk = Desk::with(Duration::ZERO, false, Arc::clone(&bell));
    desk.play(4 * 2 + 1, 0.3);
    desk.settle();
    bell.hold(true);
    desk.settle();
    desk.settle();
    let answers = desk.session.report().answers;
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].question.as_deref(), answers[0].bar), (None, Some(2)));
}
