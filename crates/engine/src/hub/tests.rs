//! The hub with minds that are slow, that break, and that never return.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::{caption::Told, slots::Facts};

/// A mind that does what the window's first sample says, once the gate lets it.
struct Puppet {
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    /// Work that may be done.
    passes: AtomicU64,
    opened: AtomicU64,
    order: parking_lot::Mutex<Vec<String>>,
}

const PANIC: f32 = -1.0;
const FOR_EVER: f32 = -2.0;

impl Gate {
    /// Waits for leave; whether it came before a cancel.
    fn wait(&self, cancel: &AtomicBool) -> bool {
        loop {
            if cancel.load(Ordering::Relaxed) {
                return false;
            }
            let taken = self
                .passes
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |passes| passes.checked_sub(1));
            if taken.is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn let_through(&self, passes: u64) {
        self.passes.fetch_add(passes, Ordering::Relaxed);
    }
}

impl Mind for Puppet {
    fn about(&self) -> About {
        About { model: "puppet".to_owned(), ..About::default() }
    }

    fn hear(&self, window: &Window, cancel: &AtomicBool) -> Result<Impression, EngineError> {
        let first = window.samples[0];
        match first {
            PANIC => panic!("planted"),
            FOR_EVER => loop {
                std::thread::sleep(Duration::from_millis(20));
            },
            _ => {}
        }
        if !self.gate.wait(cancel) {
            return Err(EngineError::Cancelled);
        }
        self.gate.order.lock().push(first.to_string());
        let soft_tokens = models::Tensor::from_vec(vec![0.0_f32], (1, 1), &models::Device::Cpu);
        let soft_tokens = soft_tokens.expect("a tensor of one");
        Ok(Impression {
            sound: models::Heard { soft_tokens, windows: vec![], beside: vec![] },
            labels: vec![("bass".to_owned(), 0.9)],
            abstain_below: 0.5,
            told: Told { text: first.to_string(), confidence: 1.0, ..Told::default() },
        })
    }

    fn answer(
        &self,
        question: &Question,
        cancel: &AtomicBool,
        say: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError> {
        let text = question.text.clone().unwrap_or_default();
        say(&text);
        if !self.gate.wait(cancel) {
            return Err(EngineError::Cancelled);
        }
        self.gate.order.lock().push(text.clone());
        Ok(Told { text, ..Told::default() })
    }
}

fn puppet_hub() -> (Hub, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let shared = Arc::clone(&gate);
    let hub = Hub::new(Box::new(move |_, _| {
        shared.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Puppet { gate: Arc::clone(&shared) }))
    }));
    (hub, gate)
}

fn within<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn next(seat: &Seat) -> Reply {
    within("a reply", || seat.replies().next())
}

fn caption(reply: Reply) -> (u64, Result<String, String>) {
    match reply {
        Reply::Heard(id, heard) => (id, heard.map(|impression| impression.told.text)),
        other => panic!("{other:?}"),
    }
}

fn ask(text: &str) -> Question {
    Question { sounds: vec![], facts: Facts::default(), text: Some(text.to_owned()) }
}

fn window(first: f32) -> Window {
    Window { samples: vec![first], passage: 0.0..1.0, facts: Facts::default(), before: vec![] }
}

/// Waits until the thread has one piece of work in hand.
fn busy(hub: &Hub) {
    within("work in hand", || hub.status().busy);
}

#[test]
fn the_newest_passage_wins_and_what_it_replaces_is_told() {
    let (hub, gate) = puppet_hub();
    assert_eq!((hub.status().state, gate.opened.load(Ordering::Relaxed)), (State::Asleep, 0));
    let seat = hub.join();
    assert_eq!(seat.hear(1, window(1.0)), None);
    busy(&hub);
    assert!(!seat.is_free());
    assert_eq!(seat.hear(2, window(2.0)), None);
    assert_eq!(seat.hear(3, window(3.0)), Some(2));
    gate.let_through(2);
    assert_eq!(caption(next(&seat)), (1, Ok("1".to_owned())));
    assert_eq!(caption(next(&seat)), (3, Ok("3".to_owned())));
    assert!(seat.is_free());
    assert_eq!(gate.opened.load(Ordering::Relaxed), 1);
    drop(seat);
    within("sleep", || (hub.status().state == State::Asleep).then_some(()));
}

#[test]
fn instances_take_turns_and_questions_go_first() {
    let (hub, gate) = puppet_hub();
    let seats = [hub.join(), hub.join(), hub.join()];
    seats[0].hear(1, window(0.0));
    busy(&hub);
    // The first brings more all the time, and yet the others come before it.
    seats[0].hear(2, window(0.5));
    seats[2].hear(1, window(2.0));
    seats[1].hear(1, window(1.0));
    seats[1].ask(7, ask("why?"));
    gate.let_through(5);
    within("everything", || (gate.order.lock().len() == 5).then_some(()));
    assert_eq!(*gate.order.lock(), ["0", "why?", "1", "2", "0.5"]);
}

#[test]
fn an_answer_streams_and_can_be_stopped() {
    let (hub, _) = puppet_hub();
    let seat = hub.join();
    seat.ask(1, ask("long?"));
    seat.ask(2, ask("never begun?"));
    assert!(matches!(next(&seat), Reply::Said(1, text) if text == "long?"));
    seat.stop(2);
    assert!(matches!(next(&seat), Reply::Answered(2, Err(why)) if why == "stopped"));
    seat.stop(1);
    assert!(matches!(next(&seat), Reply::Answered(1, Err(why)) if why == "stopped"));
}

#[test]
fn a_model_that_panics_is_told_and_begins_anew_on_request() {
    let (hub, gate) = puppet_hub();
    let (seat, other) = (hub.join(), hub.join());
    seat.hear(1, window(PANIC));
    let (id, heard) = caption(next(&seat));
    assert_eq!(id, 1);
    assert!(heard.unwrap_err().contains("crashed"));
    within("the end", || matches!(hub.status().state, State::Stopped(_)).then_some(()));
    other.hear(5, window(5.0));
    assert!(caption(next(&other)).1.is_err(), "refused at once, so that no render waits");
    assert!(other.is_free());
    hub.restart();
    gate.let_through(1);
    other.hear(6, window(6.0));
    assert_eq!(caption(next(&other)), (6, Ok("6".to_owned())));
}

#[test]
fn a_model_that_never_returns_is_left_behind() {
    let (hub, gate) = puppet_hub();
    let seat = hub.join();
    seat.hear(1, window(FOR_EVER));
    busy(&hub);
    let long = |status: Status| status.silent > Some(Duration::from_millis(5));
    within("silence", || long(hub.status()).then_some(()));
    seat.hear(2, window(2.0));
    hub.restart();
    let (id, heard) = caption(next(&seat));
    assert_eq!((id, heard.is_err()), (1, true));
    gate.let_through(1);
    assert_eq!(caption(next(&seat)), (2, Ok("2".to_owned())));
    within("rest", || hub.status().silent.is_none().then_some(()));
    assert_eq!(gate.opened.load(Ordering::Relaxed), 2);
}

#[test]
fn a_model_that_does_not_load_says_why() {
    let hub = Hub::new(Box::new(|_, _| Err(EngineError::request("model", "it is not there"))));
    let seat = hub.join();
    seat.hear(1, window(1.0));
    let why = caption(next(&seat)).1.unwrap_err();
    assert!(why.contains("it is not there"), "{why}");
    let panics = Hub::new(Box::new(|_, _| panic!("planted")));
    let seat = panics.join();
    seat.ask(1, ask("anybody?"));
    assert!(matches!(next(&seat), Reply::Answered(1, Err(_))));
}

#[test]
fn a_session_that_goes_takes_its_work_back() {
    let (hub, gate) = puppet_hub();
    let (seat, other) = (hub.join(), hub.join());
    seat.hear(1, window(1.0));
    busy(&hub);
    seat.hear(2, window(2.0));
    seat.ask(3, ask("gone?"));
    drop(seat);
    gate.let_through(1);
    other.hear(1, window(9.0));
    assert_eq!(caption(next(&other)), (1, Ok("9".to_owned())));
    assert_eq!(*gate.order.lock(), ["9"]);
}

#[test]
fn another_device_is_used_from_the_next_piece_of_work_on() {
    let devices = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let (gate, opened) = (Arc::new(Gate::default()), Arc::clone(&devices));
    let shared = Arc::clone(&gate);
    let hub = Hub::new(Box::new(move |device, progress| {
        progress(0.5);
        opened.lock().push(device);
        Ok(Box::new(Puppet { gate: Arc::clone(&shared) }))
    }));
    hub.compute_on(DeviceChoice::Cpu);
    assert_eq!(hub.status().state, State::Asleep, "a choice loads nothing");
    gate.let_through(2);
    let seat = hub.join();
    seat.hear(1, window(1.0));
    assert!(caption(next(&seat)).1.is_ok());
    hub.compute_on(DeviceChoice::Cpu);
    hub.compute_on(DeviceChoice::Auto);
    seat.hear(2, window(2.0));
    assert!(caption(next(&seat)).1.is_ok());
    assert_eq!(*devices.lock(), [DeviceChoice::Cpu, DeviceChoice::Auto]);
    assert_eq!(hub.status().device, DeviceChoice::Auto);
}

#[test]
fn where_no_thread_starts_all_that_waits_is_refused() {
    let unused = || Box::new(|_: DeviceChoice, _: &dyn Fn(f64)| Err(EngineError::Cancelled));
    let hub = |starts: u64| {
        let begun = AtomicU64::new(0);
        let start = move |_: Arc<Desk>, _: u64| match begun.fetch_add(1, Ordering::Relaxed) {
            // A thread that never gets to run.
            number if number < starts => Ok(()),
            _ => Err(std::io::Error::other("planted")),
        };
        Hub { desk: Arc::new(Desk::with(unused(), Box::new(start))) }
    };
    let none = hub(0);
    let seat = none.join();
    seat.hear(1, window(1.0));
    let why = caption(next(&seat)).1.unwrap_err();
    assert!(why.contains("planted") && seat.is_free(), "{why}");
    let one = hub(1);
    let seat = one.join();
    seat.hear(1, window(1.0));
    seat.ask(2, ask("why?"));
    one.restart();
    assert!(caption(next(&seat)).1.unwrap_err().contains("planted"));
    assert!(matches!(next(&seat), Reply::Answered(2, Err(why)) if why.contains("planted")));
    assert!(seat.is_free() && matches!(one.status().state, State::Stopped(_)));
}
