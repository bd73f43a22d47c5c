//! Models that are slow, that break, that never return: the audio passes, the editor says what happened, a restart helps, and
//! the instance goes away when it is told to.

#[path = "support/deck.rs"]
mod deck;
#[path = "support/host.rs"]
mod host;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use deck::Deck;
use engine::hub::{About, Hub, Impression, Mind, Question, State, Window};
use engine::session::{AnswerState, Command, Remote, Words};
use engine::{EngineError, Told};
use models::{Device, Heard, Tensor};
use plugin::Barline;
use plugin::editor::View;

/// What the model does with the next window or question.
#[derive(Clone, Debug, Default)]
struct Mood(Arc<AtomicU8>);

const WELL: u8 = 0;
const SLOW: u8 = 1;
const PANICS: u8 = 2;
const NEVER_RETURNS: u8 = 3;

struct Moody(Mood);

impl Mood {
    fn set(&self, mood: u8) {
        self.0.store(mood, Ordering::Relaxed);
    }

    /// Works, in this mood; whether it was called off.
    fn work(&self, cancel: &AtomicBool) -> Result<Told, EngineError> {
        match self.0.load(Ordering::Relaxed) {
            PANICS => panic!("planted"),
            NEVER_RETURNS => loop {
                std::thread::sleep(Duration::from_millis(50));
            },
            SLOW => {
                while !cancel.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(EngineError::Cancelled)
            }
            _ => Ok(Told { text: "Noise.".to_owned(), confidence: 0.9, ..Told::default() }),
        }
    }
}

impl Mind for Moody {
    fn about(&self) -> About {
        About { model: "moody".to_owned(), device: "cpu".to_owned(), fallback: None }
    }

    fn hear(&self, _: &Window, cancel: &AtomicBool) -> Result<Impression, EngineError> {
        let told = self.0.work(cancel)?;
        let soft_tokens = Tensor::from_vec(vec![0.0_f32], (1, 1), &Device::Cpu);
        let soft_tokens = soft_tokens.expect("a tensor of one");
        let sound = Heard { soft_tokens, windows: vec![], beside: vec![] };
        Ok(Impression { sound, labels: vec![], abstain_below: 1.0, told })
    }

    fn answer(
        &self,
        _: &Question,
        cancel: &AtomicBool,
        say: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError> {
        say("Well.");
        self.0.work(cancel)
    }
}

fn hub() -> (Hub, Mood) {
    let mood = Mood::default();
    let minds = mood.clone();
    (Hub::new(Box::new(move |_, _| Ok(Box::new(Moody(minds.clone()))))), mood)
}

/// Plays no faster than real time, for a render waits for its words, until `done`.
fn play_until(deck: &mut Deck, what: &str, mut done: impl FnMut() -> bool) -> Vec<Duration> {
    let (start, mut times) = (Instant::now(), Vec::new());
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come");
        times.push(deck.block(true));
        std::thread::sleep(deck::BLOCK);
    }
    times
}

fn view(remote: &Remote) -> View {
    let (reading, hub, choices) = (remote.reading(), remote.hub(), remote.choices());
    remote.recall(|notes| {
        remote.look(|report| View::of(report, notes, &choices, &reading, hub.as_ref()))
    })
}

fn captions(remote: &Remote) -> usize {
    let said = |words: &Words| matches!(words, Words::Said { .. });
    remote.look(|report| report.bars.iter().filter(|bar| said(&bar.words)).count())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Plays well, then in this mood until the trouble shows, then restarts: words come again, and audio passed all along.
fn survives(mood: u8, shows: impl Fn(&View) -> bool) {
    let (hub, minds) = hub();
    let mut deck = Deck::new(Barline::with_hub(&hub));
    let remote = deck.barline.remote().expect("a session");
    let well = play_until(&mut deck, "the first caption", || captions(&remote) > 0);
    minds.set(mood);
    let ill = play_until(&mut deck, "the trouble", || shows(&view(&remote)));
    let (well, ill) = (median(well), median(ill));
    assert!(ill < 20 * well, "process() took {well:?} and then {ill:?}");

    minds.set(WELL);
    let before = captions(&remote);
    remote.restart();
    play_until(&mut deck, "words after the restart", || captions(&remote) > before);
    let shown = view(&remote);
    assert_eq!((shown.trouble, shown.can_restart), (None, false));

    minds.set(mood);
    play_until(&mut deck, "work again", || {
        hub.status().busy.is_some() || matches!(hub.status().state, State::Stopped(_))
    });
    let gone = Instant::now();
    drop(deck);
    assert!(gone.elapsed() < Duration::from_secs(30), "the host waits for the instance");
}

#[test]
fn a_model_that_panics() {
    survives(PANICS, |view| {
        view.can_restart && view.trouble.as_ref().is_some_and(|why| why.contains("crashed"))
    });
}

#[test]
fn a_model_that_never_returns() {
    // That it is stuck shows after seconds that a test need not wait for; that bars are skipped shows at once.
    survives(NEVER_RETURNS, |view| view.status.iter().any(|line| line.starts_with("skipped 2")));
}

#[test]
fn a_model_that_is_slow() {
    survives(SLOW, |view| view.status.iter().any(|line| line.starts_with("skipped 2")));
}

#[test]
fn an_answer_that_is_stopped_midway_says_so_and_the_next_one_comes() {
    let (hub, minds) = hub();
    let mut deck = Deck::new(Barline::with_hub(&hub));
    let remote = deck.barline.remote().expect("a session");
    play_until(&mut deck, "the first caption", || captions(&remote) > 0);
    minds.set(SLOW);
    remote.send(Command::Ask(Some("is it loud?".to_owned())));
    let last = |remote: &Remote| remote.look(|report| report.answers.back().cloned());
    play_until(&mut deck, "the first sentence", || {
        last(&remote).is_some_and(|answer| answer.text == "Well.")
    });
    remote.send(Command::Stop);
    play_until(&mut deck, "the end", || {
        last(&remote).is_some_and(|answer| answer.state != AnswerState::Writing)
    });
    let shown = view(&remote).answer.expect("an answer");
    assert_eq!((shown.text.as_str(), shown.writing), ("Well. [stopped]", false));
    minds.set(WELL);
    // A caption may still be at work in the old mood.
    remote.restart();
    remote.send(Command::Ask(None));
    play_until(&mut deck, "advice", || {
        last(&remote).is_some_and(|answer| answer.id == 2 && answer.state == AnswerState::Done)
    });
    assert_eq!(view(&remote).answer.expect("advice").text, "Noise.");
}
