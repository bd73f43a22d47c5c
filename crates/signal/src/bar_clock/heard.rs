//! The bars heard since the song's start: what a bar's number follows from, and where bars start when the host's word
//! for it can't be taken.

use std::collections::BTreeMap;

/// Most bars kept: nine hours of 4/4 at 120 BPM. Of what lies beyond, jumps lose the number.
const MAX_BARS: usize = 1 << 14;

/// Numbered bars by their start, all in ticks.
#[derive(Clone, Debug, Default)]
pub(super) struct HeardBars {
    bars: BTreeMap<i64, HeardBar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeardBar {
    number: i64,
    length: i64,
}

impl HeardBars {
    /// Where the bar around `place` starts: on the grid of the last bar heard before it, as long as the meter is still
    /// that bar's; else on the grid from the song's start.
    pub(super) fn start_of_bar(&self, place: i64, length: i64) -> i64 {
        let origin = match self.bars.range(..=place).next_back() {
            Some((&start, bar)) if bar.length == length => start,
            _ => 0,
        };
        origin + (place - origin).div_euclid(length) * length
    }

    /// The number of the bar that starts here, where it is known: from having heard it, or the bar before it. `claimed`
    /// says that the host named this start; a derived start counts only on a grid that was heard.
    pub(super) fn number(&self, start: i64, length: i64, claimed: bool) -> Option<i64> {
        if start == 0 {
            return Some(1);
        }
        if let Some(bar) = self.bars.get(&start) {
            return Some(bar.number);
        }
        if start < 0 {
            return (start % length == 0).then(|| 1 + start / length);
        }
        let (&before, bar) = self.bars.range(..start).next_back()?;
        let adjoins = before + bar.length == start && (claimed || bar.length == length);
        adjoins.then_some(bar.number + 1)
    }

    /// Keeps a bar. Where the song is not what was heard before, all that was heard after this bar is forgotten.
    pub(super) fn keep(&mut self, start: i64, length: i64, number: i64) {
        let bar = HeardBar { number, length };
        if let Some((&before, last)) = self.bars.range_mut(..start).next_back()
            && before + last.length > start
        {
            last.length = start - before; // cut short by a new meter
        }
        let known = self.bars.get(&start);
        let inside = self.bars.range(start + 1..start + length).next().is_some();
        if inside || known.is_some_and(|known| *known != bar) {
            self.bars.split_off(&start);
        }
        if self.bars.len() < MAX_BARS {
            self.bars.insert(start, bar);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3/4 and 4/4 in ticks.
    const THREE: i64 = 5760;
    const FOUR: i64 = 7680;

    #[test]
    fn numbers_follow_from_the_start() {
        let mut heard = HeardBars::default();
        assert_eq!(heard.number(0, FOUR, false), Some(1));
        assert_eq!(heard.number(-FOUR, FOUR, false), Some(0));
        assert_eq!(heard.number(-FOUR + 1, FOUR, false), None);
        assert_eq!(heard.number(FOUR, FOUR, true), None, "the first bar was not heard");
        heard.keep(0, THREE, 1);
        heard.keep(THREE, THREE, 2);
        assert_eq!(heard.number(2 * THREE, THREE, false), Some(3));
        assert_eq!(heard.number(2 * THREE, FOUR, true), Some(3));
        assert_eq!(heard.number(2 * THREE, FOUR, false), None, "the grid changes, maybe not here");
        assert_eq!(heard.number(3 * THREE, THREE, true), None);
    }

    #[test]
    fn starts_lie_on_the_grid_last_heard() {
        let mut heard = HeardBars::default();
        assert_eq!(heard.start_of_bar(2 * FOUR + 5, FOUR), 2 * FOUR);
        assert_eq!(heard.start_of_bar(-1, FOUR), -FOUR);
        heard.keep(0, THREE, 1);
        heard.keep(THREE, FOUR, 2);
        assert_eq!(heard.start_of_bar(THREE + 3 * FOUR + 1, FOUR), THREE + 3 * FOUR);
        assert_eq!(heard.start_of_bar(1, THREE), 0);
        assert_eq!(heard.start_of_bar(THREE + 3 * FOUR + 1, THREE), 5 * THREE);
    }

    #[test]
    fn an_edited_song_forgets_what_followed() {
        let mut heard = HeardBars::default();
        for bar in 0..4 {
            heard.keep(bar * FOUR, FOUR, bar + 1);
        }
        heard.keep(FOUR, THREE, 2);
        assert_eq!(heard.number(2 * FOUR, FOUR, true), None);
        assert_eq!(heard.number(FOUR + THREE, FOUR, true), Some(3));
    }
}
