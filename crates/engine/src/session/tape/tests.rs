//! What was recorded comes back, as far as it was written, and rubbish is refused in words.

use std::path::Path;

use jiff::Zoned;
use signal::Transport;

use super::*;
use crate::session::spool::Piece;

/// Two frames from `frame` on.
fn piece(frame: u64, level: f32) -> Item {
    let transport = Transport { playing: true, position: Some(7), ..Transport::default() };
    let mark = Mark { frame, lost_frames: 0, transport };
    Item::Piece(Piece::kept(mark, 0, 2, vec![level, -level, 0.25, 1.0]))
}

fn silence(frame: u64) -> Item {
    let mark = Mark { frame, ..Mark::default() };
    Item::Piece(Piece::kept(mark, 0, 2, vec![0.0; 4]))
}

const GENERATION: Generation = Generation { number: 3, rate_hz: 48_000.0, channels: 2 };

fn played(folder: &Path) -> Vec<(String, Vec<Item>)> {
    let paths = Left::all(folder).unwrap();
    paths
        .iter()
        .filter_map(|path| {
            let mut left = Left::open(path).unwrap()?;
            let items = std::iter::from_fn(|| left.next().unwrap()).collect();
            Some((left.title, items))
        })
        .collect()
}

#[test]
fn what_was_recorded_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut tape = Tape::new(folder.path().join("renders"), 1);
    tape.record("Bass", GENERATION, &silence(0));
    tape.flush();
    assert_eq!(played(&folder.path().join("renders")), [], "silence begins no tape");
    let next = Generation { number: 4, rate_hz: 44_100.0, ..GENERATION };
    tape.record("Bass", GENERATION, &piece(9, 0.5));
    tape.record("Bass", GENERATION, &silence(11));
    // Nobody has told the tape that a generation ended and another began.
    tape.record("Bass", next, &piece(0, 0.1));
    tape.written((3, 13));
    tape.flush();
    assert_eq!(tape.trouble(), None);
    let left = || Left::count(&folder.path().join("renders")).unwrap();
    assert_eq!(played(&folder.path().join("renders")), [], "it is being recorded");
    assert_eq!(left(), 0);
    drop(tape);
    assert_eq!(left(), 1);
    let (begin, begin_next) = (Item::Begin(GENERATION), Item::Begin(next));
    let expected = vec![begin, piece(9, 0.5), silence(11), Item::End, begin_next, piece(0, 0.1)];
    let path = Left::all(&folder.path().join("renders")).unwrap().remove(0);
    let tape = Left::open(&path).unwrap().unwrap();
    assert_eq!((tape.written.as_slice(), left()), (&[(3, 13)][..], 0), "it is being played");
    assert!(tape.began().is_some_and(|began| began.duration_until(&Zoned::now()).as_secs() < 600));
    drop(tape);
    assert_eq!(played(&folder.path().join("renders")), [("Bass".to_owned(), expected)]);
}

#[test]
fn an_erased_tape_is_gone_and_the_next_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut tape = Tape::new(folder.path().to_owned(), 1);
    tape.record("a", GENERATION, &piece(0, 0.5));
    tape.erase();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    tape.record("b", GENERATION, &piece(0, 0.5));
    drop(tape);
    assert_eq!(played(folder.path())[0].0, "b");
}

#[test]
fn a_tape_that_breaks_off_is_played_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut tape = Tape::new(folder.path().to_owned(), 1);
    tape.record("a", GENERATION, &piece(0, 0.5));
    tape.record("a", GENERATION, &piece(2, 0.5));
    drop(tape);
    let path = Left::all(folder.path()).unwrap().remove(0);
    let whole = fs::read(&path).unwrap();
    let all = played(folder.path()).remove(0).1;
    assert_eq!(all, [Item::Begin(GENERATION), piece(0, 0.5), piece(2, 0.5)]);
    let mut counts = Vec::new();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let items = played(folder.path()).remove(0).1;
        assert_eq!(items, all[..items.len()], "{length}");
        counts.push(items.len());
    }
    assert!(counts.is_sorted() && counts.contains(&1) && counts.last() == Some(&2));
}

#[test]
fn rubbish_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.tape");
    let begin = |rate_hz: f64| {
        let generation = Generation { rate_hz, ..GENERATION };
        format!(
            "{{\"title\":\"a\"}}\n{{\"begin\":{}}}\n",
            serde_json::to_string(&generation).unwrap()
        )
    };
    let piece =
        |frame: u64, lost_frames: u64, offset_frames: u64, channels: usize, samples: usize| {
            let mark = Mark { frame, lost_frames, ..Mark::default() };
            let line = Line::Piece { mark, offset_frames, channels, samples };
            format!("{}\n", serde_json::to_string(&line).unwrap())
        };
    let after = |line: String| begin(48_000.0) + &line;
    for (text, why) in [
        ("nonsense\n".to_owned(), "expected"),
        ("\"end\"\n".to_owned(), "title"),
        (begin(0.0), "0 Hz"),
        (after(piece(0, 0, 0, 0, 2)), "0 channels"),
        (after(piece(0, 0, 0, 1, 2)), "1 channels"),
        (after(piece(0, 0, 0, 2, 3)), "3 samples"),
        (after(piece(0, 0, 0, 2, usize::MAX - 1)), "samples of 2"),
        (after(piece(0, 0, 1 << 53, 2, 2)), "frames after"),
        (after(piece(1, 2, 0, 2, 2)), "frames after"),
        (after(piece(9, 0, 0, 2, 0) + &piece(0, 0, 0, 2, 0)), "frame 0"),
        (after(piece(0, 0, 0, 2, 0) + &piece(1 << 40, 0, 0, 2, 0)), "frame 1099511627776"),
        ("a".repeat(5000), "too long"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = match Left::open(&path) {
            Ok(left) => {
                let mut left = left.unwrap();
                std::iter::from_fn(|| left.next().transpose()).find_map(Result::err)
            }
            Err(error) => Some(error),
        };
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(why), "{why}: {error:?} of {text}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut tape = Tape::new(file.path().join("renders"), 1);
    tape.record("a", GENERATION, &piece(0, 0.5));
    let trouble = tape.trouble().unwrap().to_owned();
    assert!(trouble.starts_with("no copy is kept of what is rendered"), "{trouble}");
    tape.record("a", GENERATION, &piece(0, 0.5));
    assert_eq!(tape.trouble(), Some(trouble.as_str()));
}

#[test]
fn what_was_not_recorded_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let mut tape = Tape::new(folder.path().to_owned(), 1);
    let transport = Transport { playing: true, position: Some(7), ..Transport::default() };
    let mark = Mark { frame: 0, lost_frames: 0, transport };
    let at = |offset_frames| Item::Piece(Piece::kept(mark, offset_frames, 2, vec![0.5; 4]));
    // One run, in the middle of which nothing was recorded.
    [0, 2, 90, 92].into_iter().for_each(|frame| tape.record("a", GENERATION, &at(frame)));
    drop(tape);
    let items = played(folder.path()).remove(0).1;
    let chunks = items.iter().filter_map(|item| match item {
        Item::Piece(piece) => Some(piece.chunk()),
        _ => None,
    });
    let places: Vec<_> =
        chunks.map(|c| (c.frame(), c.mark.lost_frames, c.mark.transport.position)).collect();
    let (before, after) = ((0, Some(7)), (86, Some(97)));
    let place = |frame, (lost_frames, position)| (frame, lost_frames, position);
    assert_eq!(places, [place(0, before), place(2, before), place(90, after), place(92, after)]);
}

#[test]
fn all_tapes_together_have_a_limit_that_holds_while_they_grow() {
    let folder = tempfile::tempdir().unwrap();
    let mut tape = Tape::new(folder.path().to_owned(), 1);
    tape.limits = Limits { most: 100_000, most_all: 10_000, step: 1_000 };
    tape.record("a", GENERATION, &piece(0, 0.5));
    assert_eq!(tape.trouble(), None);
    // Another instance records meanwhile, or has left what can't be read.
    fs::write(folder.path().join("2.tape.damaged"), vec![0; 10_001]).unwrap();
    for frame in 1..20 {
        tape.record("a", GENERATION, &piece(2 * frame, 0.5));
    }
    let trouble = tape.trouble().unwrap();
    assert!(
        trouble.contains("renders take") && tape.open.as_ref().unwrap().bytes < 2_000,
        "{trouble}"
    );
}
