//! Grids that somebody gives.

use super::*;

#[test]
fn a_given_grid_is_exact() {
    let rhythm = Rhythm::from_grid(120.0, 3, 0.75, 4.0);
    assert_eq!(rhythm.beats_s, [0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75]);
    assert_eq!(rhythm.downbeats_s, [0.75, 2.25, 3.75]);
    for bpm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e12] {
        assert_eq!(Rhythm::from_grid(bpm, 4, 0.0, 4.0), Rhythm::default());
    }
}
