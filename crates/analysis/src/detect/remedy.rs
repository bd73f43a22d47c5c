//! What an equaliser's move does to the third-octave levels, foretold, so that a finding can suggest just as much as it takes
//! to silence it.

use signal::Measurements;

/// Moves come in steps of this many dB.
const STEP_DB: f64 = 0.5;

/// A filter with a gain, as analogue equalisers have it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Peak,
    HighShelf,
}

/// The least gain, in half decibels up to `most_db` (negative: a cut), that leaves nothing of what `excess` measures; `most_db`
/// where even that leaves some.
pub(super) fn least_gain(
    m: &Measurements,
    shape: Shape,
    freq_hz: f64,
    q: f64,
    most_db: f64,
    excess: impl Fn(&Measurements) -> Option<f64>,
) -> f64 {
    let steps = (most_db.abs() / STEP_DB).round() as usize;
    let gain_db = |step: usize| (step as f64 * STEP_DB).copysign(most_db);
    let silent = |gain_db: &f64| excess(&after(m, shape, freq_hz, q, *gain_db)).is_none();
    (1..=steps).map(gain_db).find(silent).unwrap_or(most_db)
}

/// The measurements with their bands as the filter leaves them.
pub(super) fn after(
    m: &Measurements,
    shape: Shape,
    freq_hz: f64,
    q: f64,
    gain_db: f64,
) -> Measurements {
    let mut after = m.clone();
    for band in &mut after.bands {
        let centre_hz = (band.lo_hz.max(1.0) * band.hi_hz).sqrt();
        band.level_db += response_db(shape, centre_hz / freq_hz, q, gain_db);
    }
    after
}

/// Gain in dB at `ratio` times the filter's frequency: the analogue prototypes of Robert Bristow-Johnson's Audio EQ
/// Cookbook at `s = j ratio`.
fn response_db(shape: Shape, ratio: f64, q: f64, gain_db: f64) -> f64 {
    let a = 10f64.powf(gain_db / 40.0);
    let square = |re: f64, im: f64| re * re + im * im;
    let r2 = ratio * ratio;
    let power = match shape {
        Shape::Peak => square(1.0 - r2, ratio * a / q) / square(1.0 - r2, ratio / (a * q)),
        Shape::HighShelf => {
            let slope = ratio * a.sqrt() / q;
            a * a * square(1.0 - a * r2, slope) / square(a - r2, slope)
        }
    };
    10.0 * power.log10()
}

#[cfg(test)]
mod tests {
    use signal::Band;

    use super::*;

    #[test]
    fn filters_have_their_gain_where_they_are_and_none_elsewhere() {
        let check = |shape, ratio, expected: f64| {
            let db = response_db(shape, ratio, 1.0, -6.0);
            assert!((db - expected).abs() < 0.1, "{shape:?} {ratio}: {db}");
        };
        check(Shape::Peak, 1.0, -6.0);
        check(Shape::Peak, 0.01, 0.0);
        check(Shape::Peak, 100.0, 0.0);
        check(Shape::HighShelf, 1.0, -3.0);
        check(Shape::HighShelf, 0.01, 0.0);
        check(Shape::HighShelf, 100.0, -6.0);
    }

    #[test]
    fn the_least_gain_silences_and_half_a_decibel_less_does_not() {
        let band = Band { lo_hz: 891.0, hi_hz: 1122.0, level_db: -10.0 };
        let m = Measurements { bands: vec![band], ..Measurements::default() };
        let over = |m: &Measurements| (m.bands[0].level_db > -14.2).then_some(1.0);
        assert_eq!(least_gain(&m, Shape::Peak, 1000.0, 1.0, -9.0, over), -4.5);
        assert_eq!(least_gain(&m, Shape::Peak, 1000.0, 1.0, -3.0, over), -3.0, "as far as it may");
    }
}
