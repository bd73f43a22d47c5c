//! What was recorded comes back, as far as it was written, and rubbish is refused in words.

use signal::Transport;

use super::*;

fn piece(frame: u64, level: f32) -> Item {
    let transport = Transport { playing: true, position: Some(7), ..Transport::default() };
    let mark = Mark { frame, lost_frames: 1, transport };
    Item::Piece(Piece::kept(mark, 3, 2, vec![level, -level, 0.25, 1.0]))
}

fn silence() -> Item {
    Item::Piece(Piece::kept(Mark::default(), 0, 2, vec![0.0; 4]))
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
    tape.record("Bass", GENERATION, &silence());
    tape.flush();
    assert_eq!(played(&folder.path().join("renders")), [], "silence begins no tape");
    let next = Generation { number: 4, ..GENERATION };
    let items = [piece(9, 0.5), silence(), Item::End, Item::Begin(next), piece(0, 0.1)];
    for item in &items {
        tape.record("Bass", GENERATION, item);
    }
    tape.flush();
    assert_eq!(tape.trouble(), None);
    assert_eq!(played(&folder.path().join("renders")), [], "it is being recorded");
    drop(tape);
    let mut expected = vec![Item::Begin(GENERATION)];
    expected.extend(items);
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
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let items = played(folder.path()).remove(0).1;
        assert!(items.len() < 3, "{length}");
    }
}

#[test]
fn rubbish_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.tape");
    let title = "{\"title\":\"a\"}\n";
    for (text, why) in [
        ("nonsense\n".to_owned(), "expected"),
        ("\"end\"\n".to_owned(), "title"),
        (format!("{title}{{\"begin\":{{\"number\":1,\"rate_hz\":0.0,\"channels\":2}}}}\n"), "0 Hz"),
        (
            format!(
                "{title}{{\"piece\":{{\"mark\":{},\"offset_frames\":0,\"channels\":0,\"samples\":2}}}}\n",
                serde_json::to_string(&Mark::default()).unwrap()
            ),
            "0 channels",
        ),
        ("a".repeat(5000), "too long"),
    ] {
        fs::write(&path, text).unwrap();
        let error = match Left::open(&path) {
            Ok(left) => left.unwrap().next().unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains(why), "{error}");
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
