//! EBU Tech 3341 and 3342, the synthetic cases. `barline eval measure` prints them at every rate and through the command.

use factory::ebu::{Case, Reading, cases};

use super::measure_at;

/// Whether every reading of a case is in the standard's tolerance.
fn check(case: &Case, rate_hz: u32) {
    let measured = measure_at(rate_hz, &case.render(rate_hz), case.channels());
    for expected in &case.expected {
        let read = expected.reading.of(&measured);
        assert!(expected.allows(read), "{} at {rate_hz} Hz: {read:?}, not {expected:?}", case.name);
    }
}

#[test]
fn all_cases_at_the_rate_of_the_standard() {
    cases().iter().for_each(|case| check(case, 48_000));
}

#[test]
fn the_short_ones_at_other_rates() {
    let short =
        |case: &&Case| case.expected[0].reading == Reading::TruePeak || case.name == "3341-1";
    for case in cases().iter().filter(short) {
        [44_100, 96_000, 192_000, 69_313].into_iter().for_each(|rate_hz| check(case, rate_hz));
    }
}
