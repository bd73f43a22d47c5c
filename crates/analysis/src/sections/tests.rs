//! Sections of a song in parts, and of what has none.

use super::*;
use crate::music::MusicTracker;
use crate::testing::{RATE_HZ, hit, mix_in, note, random_blocks, samples};

/// A boundary may be this far off.
const BOUNDARY_S: f64 = 1.6;

/// Parts of 16 s: quiet chords (false) or chords an octave up with drums (true).
fn song(parts: &[bool]) -> Vec<f32> {
    let mut track = vec![0.0; samples(16.0) * parts.len()];
    for (part, &busy) in parts.iter().enumerate() {
        for beat in 0..32 {
            let at_s = part as f64 * 16.0 + f64::from(beat) * 0.5;
            let root = if busy { 64.0 } else { 48.0 };
            mix_in(
                &mut track,
                at_s,
                &note(root + [0.0, 4.0, 7.0, 12.0][beat as usize % 4], -18.0, 0.5),
            );
            if busy {
                mix_in(&mut track, at_s, &hit(beat as u64, 1.0, 1.0));
            }
        }
    }
    track
}

fn sections(mono: &[f32]) -> Vec<Section> {
    let mut tracker = MusicTracker::new(RATE_HZ);
    tracker.push(mono);
    tracker.finish().sections
}

#[test]
fn parts_are_told_apart_and_their_return_is_known() {
    let found = sections(&song(&[false, true, false]));
    let names: Vec<&str> = found.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, ["A", "B", "A"]);
    for (section, start_s) in found.iter().zip([0.0, 16.0, 32.0]) {
        assert!((section.start_s - start_s).abs() < BOUNDARY_S, "{section:?}");
    }
    assert_eq!(found[2].end_s, 48.0);
}

#[test]
fn an_even_song_is_one_section() {
    for seconds in [0.001, 3.0] {
        assert_eq!(sections(&vec![0.1; samples(seconds)]).len(), 1);
    }
    let found = sections(&song(&[true, true, true]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(sections(&[]).is_empty());
}

#[test]
fn any_block_split_gives_the_same_sections() {
    let track = song(&[true, false]);
    let mut tracker = MusicTracker::new(RATE_HZ);
    random_blocks(9, &track, 1, |block| tracker.push(block));
    assert_eq!(tracker.finish().sections, sections(&track));
}

#[test]
fn boundaries_snap_to_downbeats_within_reach() {
    let section = |start_s, end_s| Section { start_s, end_s, name: "A".to_owned() };
    let mut found = vec![section(0.0, 7.8), section(7.8, 15.0), section(15.0, 20.0)];
    snap(&mut found, &[0.0, 2.0, 8.0, 18.0]);
    assert_eq!((found[0].end_s, found[1].start_s), (8.0, 8.0));
    assert_eq!((found[1].end_s, found[2].start_s), (15.0, 15.0));
}
