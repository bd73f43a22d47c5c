//! Order and content, whatever lies in memory and whatever on the disk.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use super::*;

fn piece(number: usize, samples: usize) -> Item {
    let mark = Mark { frame: number as u64, ..Mark::default() };
    let samples = (0..samples).map(|at| (number * 1000 + at) as f32).collect();
    Item::Piece(Piece { mark, offset_frames: 0, channels: 1, samples })
}

#[test]
fn what_goes_in_comes_out_in_order() {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    for _ in 0..50 {
        let mut spool = Spool::with_limits(100, 1 << 20, None);
        let (mut pushed, mut popped) = (0, 0);
        while popped < 200 {
            if pushed < 200 && random.random_bool(0.6) {
                let item = if pushed % 7 == 0 { Item::End } else { piece(pushed, pushed % 50) };
                spool.push(item);
                pushed += 1;
            } else if let Some(item) = spool.pop().unwrap() {
                let expected = if popped % 7 == 0 { Item::End } else { piece(popped, popped % 50) };
                assert_eq!(item, expected);
                popped += 1;
            } else {
                assert_eq!(pushed, popped);
            }
        }
        assert!(spool.is_empty() && spool.trouble().is_none());
    }
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let mut spool = Spool::with_limits(10, 100, None);
    for number in 0..10 {
        spool.push(piece(number, 10));
        assert_eq!(spool.trouble().is_some(), number >= 3, "after piece {number}");
    }
    for number in 0..10 {
        assert_eq!(spool.pop().unwrap(), Some(piece(number, 10)));
    }
    assert_eq!(spool.pop().unwrap(), None);
    assert_eq!(spool.trouble(), None, "an empty spool is as good as new");
}

#[test]
fn the_file_lies_in_the_folder_that_was_named_and_elsewhere_where_that_takes_none() {
    let (folder, file) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    let renders = folder.path().join("renders");
    for (wanted, lies_in) in
        [(&renders, renders.clone()), (&file.path().join("no"), std::env::temp_dir())]
    {
        let mut spool = Spool::with_limits(0, 100, Some(wanted.clone()));
        for number in 0..3 {
            spool.push(piece(number, 10));
        }
        let trouble = spool.trouble().unwrap().to_owned();
        assert!(trouble.contains(&format!("in {} are", lies_in.display())), "{trouble}");
        spool.spoil();
        let why = spool.pop().unwrap_err();
        assert!(why.contains(&format!("in {} can't be read", lies_in.display())), "{why}");
    }
    assert!(renders.is_dir());
}
