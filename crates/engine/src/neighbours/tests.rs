//! Boards on which several sessions meet: in one process, in two maps of a file, with the dead and with rubbish.

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::SystemTime;

use signal::{BandLevels, BarKey, Label};

use super::*;

fn board() -> &'static Board {
    Box::leak(Box::new(Board::own("a test".to_owned())))
}

fn board_in(folder: &Path) -> &'static Board {
    Box::leak(Box::new(Board::in_folder(folder).unwrap()))
}

fn title(name: &str, label: Label) -> Title {
    Title { name: name.to_owned(), label: Some(label) }
}

fn bar(number: usize, level_db: f32) -> BarSheet {
    BarSheet {
        key: BarKey::from_quarters(4.0 * number as f64),
        start_s: Some(2.0 * number as f64),
        length_s: 2.0,
        heard_at: SystemTime::UNIX_EPOCH + Duration::from_secs(2 * number as u64),
        levels: BandLevels { steps_db: vec![[level_db; BandLevels::BANDS]; 20] },
    }
}

/// Sessions whose clock a test turns.
struct Room {
    start: Instant,
    seconds: f64,
}

impl Room {
    fn new() -> Self {
        Self { start: Instant::now(), seconds: 0.0 }
    }

    /// Lets so much time pass, in which these sessions poll.
    fn pass(&mut self, seconds: f64, sessions: &mut [(&mut Neighbours, Title)]) {
        let steps = (seconds / 0.25).ceil() as usize;
        for _ in 0..steps {
            self.seconds += seconds / steps as f64;
            let now = self.start + Duration::from_secs_f64(self.seconds);
            for (session, title) in sessions.iter_mut().filter(|(session, _)| session.is_due(now)) {
                session.keep(title, now);
            }
        }
    }
}

/// Two sessions meet, show each other a bar, and part.
fn meet(first: &'static Board, second: &'static Board) {
    let (mut bass, mut pad) = (Neighbours::on(first), Neighbours::on(second));
    let mut room = Room::new();
    let (low, high) = (title("Bass", Label::Bass), title("Pad", Label::SynthPad));
    room.pass(2.0, &mut [(&mut bass, low.clone())]);
    assert_eq!(bass.count(), 0, "nobody else");
    assert_eq!(bass.beside(&bar(3, -20.0)), []);
    room.pass(2.0, &mut [(&mut bass, low.clone()), (&mut pad, high.clone())]);
    assert_eq!((bass.count(), pad.count()), (1, 1));
    for number in 0..2 * BARS {
        pad.show(&bar(number, -30.0));
    }
    let heard = bass.beside(&bar(2 * BARS - 1, -20.0));
    assert_eq!(heard, [Neighbour { title: high.clone(), bar: bar(2 * BARS - 1, -30.0) }]);
    assert_eq!(bass.beside(&bar(1, -20.0)), [], "too long ago");
    assert_eq!(pad.beside(&bar(2, -20.0)), [], "nobody else has shown it");
    drop(pad);
    room.pass(1.0, &mut [(&mut bass, low)]);
    assert_eq!(bass.count(), 0);
}

#[test]
fn sessions_of_one_process_meet() {
    let board = board();
    meet(board, board);
    assert_eq!(Neighbours::on(board).apart(), Some("a test"));
}

#[test]
fn sessions_meet_through_a_file_that_two_processes_map() {
    let folder = tempfile::tempdir().unwrap();
    meet(board_in(folder.path()), board_in(folder.path()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Says to a second process, which is this test once more, in which folder the first waits.
const MEETING: &str = "BARLINE_TEST_MEETING";

/// A process that is killed in the end, as hosts are.
struct Other(std::process::Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn sessions_of_two_processes_meet_until_one_is_killed() {
    const PATIENCE: Duration = Duration::from_secs(60);
    let start = Instant::now();
    if let Some(folder) = std::env::var_os(MEETING) {
        let mut session = Neighbours::on(board_in(folder.as_ref()));
        while start.elapsed() < PATIENCE {
            session.keep(&title("Pad", Label::SynthPad), Instant::now());
            session.show(&bar(5, -30.0));
            thread::sleep(Duration::from_millis(20));
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut session = Neighbours::on(board_in(folder.path()));
    let name = "neighbours::tests::sessions_of_two_processes_meet_until_one_is_killed";
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name]).env(MEETING, folder.path());
    let other = Other(command.stdout(std::process::Stdio::null()).spawn().unwrap());
    while session.beside(&bar(5, -20.0)).is_empty() && start.elapsed() < PATIENCE {
        session.keep(&title("Bass", Label::Bass), Instant::now());
        thread::sleep(Duration::from_millis(20));
    }
    let heard = session.beside(&bar(5, -20.0));
    let shown = Neighbour { title: title("Pad", Label::SynthPad), bar: bar(5, -30.0) };
    assert_eq!((heard, session.count()), (vec![shown], 1));
    drop(other);
    let now = Instant::now();
    for later in [0, 4, 8] {
        session.keep(&title("Bass", Label::Bass), now + Duration::from_secs(later));
    }
    assert_eq!((session.count(), session.beside(&bar(5, -20.0))), (0, vec![]));
}

#[test]
fn whoever_stops_is_gone_and_loses_the_place_in_the_end() {
    let board = board();
    let (mut alive, mut stopped) = (Neighbours::on(board), Neighbours::on(board));
    let mut room = Room::new();
    let (a, b) = (Title::default(), title("Pad", Label::SynthPad));
    room.pass(2.0, &mut [(&mut alive, a.clone()), (&mut stopped, b.clone())]);
    stopped.show(&bar(1, -30.0));
    assert_eq!(alive.beside(&bar(1, -20.0)).len(), 1);
    room.pass(4.0, &mut [(&mut alive, a.clone())]);
    assert_eq!((alive.count(), alive.beside(&bar(1, -20.0))), (0, vec![]));
    // The board is full, so another one has to wait until a place is sure to be abandoned.
    let order = Ordering::Relaxed;
    for place in 0..PLACES {
        let _ = board.owner(place).compare_exchange(0, 77, order, order);
    }
    let dead = stopped.place.unwrap();
    let mut late = Neighbours::on(board);
    room.pass(29.0, &mut [(&mut alive, a.clone()), (&mut late, a.clone())]);
    assert_eq!(late.place, None);
    late.show(&bar(1, -30.0));
    room.pass(4.0, &mut [(&mut alive, a.clone()), (&mut late, a.clone())]);
    assert_eq!((late.place, alive.count()), (Some(dead), 1));
    assert_eq!(alive.beside(&bar(1, -20.0)), [], "what the dead one showed is nobody's");
    // The sleeper wakes: it writes nowhere, and finds itself another place.
    stopped.show(&bar(2, -30.0));
    assert_eq!(alive.beside(&bar(2, -20.0)), []);
    room.pass(40.0, &mut [(&mut alive, a.clone()), (&mut late, a), (&mut stopped, b)]);
    assert!(stopped.own_place().is_some_and(|own| own != dead));
    assert_eq!(alive.count(), 2);
}

#[test]
fn a_board_full_of_rubbish_shows_nobody_and_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let board = board_in(folder.path());
    let path = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let size = std::fs::metadata(&path).unwrap().len();
    let mut rubbish = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::io::Write::write_all(&mut rubbish, &vec![0xff; usize::try_from(size).unwrap()]).unwrap();
    let mut session = Neighbours::on(board);
    let mut room = Room::new();
    room.pass(2.0, &mut [(&mut session, Title::default())]);
    assert_eq!((session.count(), session.beside(&bar(1, -20.0))), (0, vec![]));
    // Rubbish that moves looks alive, and still says nothing.
    for _ in 0..8 {
        for place in 0..PLACES {
            board.beat(place).fetch_add(3, Ordering::Relaxed);
        }
        room.pass(0.5, &mut [(&mut session, Title::default())]);
    }
    assert_eq!(session.count(), PLACES);
    assert_eq!(session.beside(&bar(1, -20.0)), []);
    assert!(Board::in_folder(folder.path()).is_err_and(|why| why.contains("not a board")));
}

#[test]
fn a_file_that_is_none_of_ours_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("instances-1"), "rubbish").unwrap();
    let why = Board::in_folder(folder.path()).unwrap_err();
    assert!(why.contains("instances-1") && why.contains("not a file of"), "{why}");
    let why = Board::in_folder(&folder.path().join("instances-1")).unwrap_err();
    assert!(why.contains("instances-1"), "{why}");
}

#[test]
fn sessions_on_many_threads_hear_each_other_and_no_mixtures() {
    const SESSIONS: usize = 4;
    const ENOUGH: usize = 500;
    let (board, content) = (board(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for index in 0..SESSIONS {
            let content = &content;
            scope.spawn(move || {
                let own = title(&index.to_string(), Label::ALL[index]);
                let mut session = Neighbours::on(board);
                let (mut heard, mut now) = (0, Instant::now());
                while content.load(Ordering::Relaxed) < SESSIONS {
                    now += BEAT;
                    session.keep(&own, now);
                    session.show(&bar(1, -(index as f32) - 10.0));
                    for other in session.beside(&bar(1, -20.0)) {
                        let first_db = other.bar.levels.steps_db[0][0];
                        let mut all = other.bar.levels.steps_db.iter().flatten();
                        assert!(all.all(|db| *db == first_db), "a mixture");
                        heard += 1;
                        content.fetch_add(usize::from(heard == ENOUGH), Ordering::Relaxed);
                    }
                }
            });
        }
    });
}
