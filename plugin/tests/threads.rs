//! The threads of a process with sixteen instances: ours by name, ordinary by class, and asleep when nothing plays. What the
//! system tells of threads is read from /proc, so this is checked on Linux.

#![cfg(target_os = "linux")]

#[path = "support/deck.rs"]
mod deck;
#[path = "support/host.rs"]
mod host;

use std::collections::BTreeMap;
use std::fs;

use deck::Deck;
use plugin::Barline;

const INSTANCES: usize = 16;

/// Wake-ups of an instance without work, in a second.
const WAKE_UPS: f64 = 4.0;

/// A thread of this process, as the system sees it.
#[derive(Clone, Debug)]
struct Seen {
    name: String,
    /// 0 is ordinary, 3 is for batches; 1 and 2 are real time.
    class: u32,
    real_time_priority: u32,
    wake_ups: u64,
}

/// All threads but those of the test itself.
fn threads() -> BTreeMap<u32, Seen> {
    let tasks = fs::read_dir("/proc/self/task").expect("the system's list of threads");
    let ids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
    let all = ids.filter_map(|id| Some((id, seen(id)?)));
    all.filter(|(id, seen)| *id != std::process::id() && seen.name.starts_with("barline")).collect()
}

/// How many there are that aren't ours; the tests' own are.
fn strangers() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("the system's list of threads");
    tasks.count() - threads().len()
}

/// Nothing, where the thread has ended meanwhile. Fields as proc(5) counts them.
fn seen(id: u32) -> Option<Seen> {
    let folder = format!("/proc/self/task/{id}");
    let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
    let status = fs::read_to_string(format!("{folder}/status")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    // The first after the name is field 3; priority is field 40 and class field 41.
    let field = |number: usize| tail.split_whitespace().nth(number - 3)?.parse().ok();
    let wake_ups = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    Some(Seen {
        name: head.split_once('(')?.1.to_owned(),
        class: field(41)?,
        real_time_priority: field(40)?,
        wake_ups: wake_ups.trim().parse().ok()?,
    })
}

#[test]
fn sixteen_instances_have_a_thread_each_and_one_for_all() {
    let alone = strangers();
    let mut decks: Vec<Deck> = (0..INSTANCES).map(|_| Deck::new(Barline::default())).collect();
    let captioned = |deck: &Deck| {
        deck.barline.remote().is_some_and(|remote| remote.look(|report| report.lag_s.is_some()))
    };
    // Words are made meanwhile, so that whatever the model would start has started.
    for _ in 0..10_000 {
        for deck in &mut decks {
            deck.block(true);
        }
        std::thread::sleep(deck::BLOCK);
        if decks.iter().all(captioned) {
            break;
        }
    }
    assert!(decks.iter().all(captioned), "no words");
    let threads = threads();
    let names = |head: &str| threads.values().filter(|seen| seen.name.starts_with(head)).count();
    assert_eq!((names("barline-ear-"), names("barline-hub")), (INSTANCES, 1), "{threads:?}");
    assert_eq!(threads.len(), INSTANCES + 1, "{threads:?}");
    assert_eq!(strangers(), alone, "threads that nobody knows");
    for seen in threads.values() {
        assert!(matches!(seen.class, 0 | 3) && seen.real_time_priority == 0, "{seen:?}");
    }
}

#[test]
fn instances_that_hear_nothing_hardly_wake_up() {
    let mut decks: Vec<Deck> = (0..INSTANCES).map(|_| Deck::new(Barline::default())).collect();
    let mut stand = |seconds: f64| {
        for _ in 0..(seconds * 100.0) as usize {
            for deck in &mut decks {
                deck.block(false);
            }
            std::thread::sleep(deck::BLOCK);
        }
    };
    // They look for a second whether there is more.
    stand(2.0);
    let start = std::time::Instant::now();
    let before = threads();
    stand(4.0);
    let after = threads();
    let passed_s = start.elapsed().as_secs_f64();
    assert_eq!(
        before.len(),
        INSTANCES,
        "the model's thread starts with the first work: {before:?}"
    );
    for (id, seen) in &before {
        let times = after[id].wake_ups - seen.wake_ups;
        let most = WAKE_UPS * passed_s + 2.0;
        assert!(times as f64 <= most, "{times} wake-ups of {} in {passed_s:.1} s", seen.name);
    }
}
