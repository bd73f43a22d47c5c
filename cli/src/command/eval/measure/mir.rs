//! Scores of music information retrieval, as `mir_eval` 0.8 and MIREX define them.

/// Beats are right within this.
const BEAT_S: f64 = 0.07;

/// Beats before this don't count.
const TRIMMED_S: f64 = 5.0;

/// Boundaries of sections are right within this.
const BOUNDARY_S: f64 = 3.0;

/// A tempo is right within this share (MIREX accuracy 1).
const TEMPO: f64 = 0.04;

/// Whether a tempo is right (accuracy 1), and whether it is right but for two or three times as fast or slow (accuracy 2).
pub(super) fn tempo(truth_bpm: f64, found_bpm: Option<f64>) -> (bool, bool) {
    let near = |factor: f64| {
        found_bpm
            .is_some_and(|found| (found - truth_bpm * factor).abs() <= TEMPO * truth_bpm * factor)
    };
    (near(1.0), [1.0, 2.0, 3.0, 0.5, 1.0 / 3.0].into_iter().any(near))
}

/// F-measure of beats within 70 ms; the first five seconds don't count (`mir_eval.beat.f_measure`).
pub(super) fn beats(truth_s: &[f64], found_s: &[f64]) -> f64 {
    let trim =
        |beats: &[f64]| beats.iter().copied().filter(|t| *t >= TRIMMED_S).collect::<Vec<_>>();
    matched(&trim(truth_s), &trim(found_s), BEAT_S)
}

/// F-measure of inner boundaries within 3 s (`mir_eval.segment.detection`, trimmed): the starts of all sections but the first.
pub(super) fn boundaries(truth_s: &[f64], found_s: &[f64]) -> f64 {
    matched(truth_s, found_s, BOUNDARY_S)
}

/// F-measure of times in order: as many pairs as can be made of times that lie within `reach_s`, each time once.
fn matched(truth_s: &[f64], found_s: &[f64], reach_s: f64) -> f64 {
    if truth_s.is_empty() || found_s.is_empty() {
        return 0.0;
    }
    // Both in order: taking the earliest partner each time makes the most pairs.
    let (mut pairs, mut next) = (0, 0);
    for truth in truth_s {
        while next < found_s.len() && found_s[next] < truth - reach_s {
            next += 1;
        }
        if next < found_s.len() && found_s[next] <= truth + reach_s {
            pairs += 1;
            next += 1;
        }
    }
    2.0 * f64::from(pairs) / (truth_s.len() + found_s.len()) as f64
}

/// A key: pitch class of the tonic, and whether it is minor.
pub(super) type Key = (usize, bool);

/// The key of a name such as `Eb major`.
pub(super) fn key(name: &str) -> Option<Key> {
    let (tonic, mode) = name.split_once(' ')?;
    let letter = "C D EF G A B".find(tonic.chars().next()?)?;
    let shift = match &tonic[1..] {
        "" => 0,
        "#" => 1,
        "b" => 11,
        _ => return None,
    };
    Some(((letter + shift) % 12, mode == "minor"))
}

/// Weighted score of a key: the same 1, a fifth above the truth 0.5, relative 0.3, parallel 0.2 (`mir_eval.key`, which
/// counts the fifth above alone).
pub(super) fn key_score(truth: Key, found: Option<Key>) -> f64 {
    let Some(found) = found else { return 0.0 };
    let ((tonic, minor), same_mode) = (truth, truth.1 == found.1);
    let relative = if minor { tonic + 3 } else { tonic + 9 };
    match found.0 {
        same if same == tonic && same_mode => 1.0,
        fifth if fifth == (tonic + 7) % 12 && same_mode => 0.5,
        other if other == relative % 12 && !same_mode => 0.3,
        same if same == tonic => 0.2,
        _ => 0.0,
    }
}

/// A triad: pitch class of the root, and whether it is minor.
pub(super) type Triad = (usize, bool);

/// The share of the time with a major or minor triad in which that one is found (`mir_eval.chord`, `majmin`): spans are
/// start, end and triad; stretches whose true chord is neither don't count.
pub(super) fn chords(truth: &[(f64, f64, Option<Triad>)], found: &[(f64, f64, Triad)]) -> f64 {
    let (mut right_s, mut all_s) = (0.0, 0.0);
    for &(start_s, end_s, triad) in truth {
        let Some(triad) = triad else { continue };
        all_s += end_s - start_s;
        let same = found.iter().filter(|span| span.2 == triad);
        right_s += same.map(|span| (span.1.min(end_s) - span.0.max(start_s)).max(0.0)).sum::<f64>();
    }
    if all_s > 0.0 { right_s / all_s } else { 0.0 }
}

/// The triad of a name such as `Ebm`.
pub(super) fn triad(name: &str) -> Option<Triad> {
    match name.strip_suffix('m') {
        Some(root) => Some((key(&format!("{root} minor"))?.0, true)),
        None => Some((key(&format!("{name} major"))?.0, false)),
    }
}

/// Answers by how sure they were said to be: for each fifth from 0 to 1 how many, how sure on average, and the share that
/// was right.
pub(super) fn reliability(answers: &[(f64, bool)]) -> Vec<(usize, f64, f64)> {
    let bin = |sure: f64| ((sure * 5.0) as usize).min(4);
    (0..5)
        .map(|index| {
            let of_bin: Vec<_> = answers.iter().filter(|answer| bin(answer.0) == index).collect();
            let mean = |sum: f64| sum / of_bin.len().max(1) as f64;
            let sure = mean(of_bin.iter().map(|answer| answer.0).sum());
            let right = mean(of_bin.iter().filter(|answer| answer.1).count() as f64);
            (of_bin.len(), sure, right)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tempo_is_right_within_four_per_cent() {
        assert_eq!(tempo(100.0, Some(103.9)), (true, true));
        assert_eq!(tempo(100.0, Some(104.1)), (false, false));
        assert_eq!(tempo(100.0, Some(201.0)), (false, true));
        assert_eq!(tempo(100.0, None), (false, false));
    }

    #[test]
    fn beats_pair_once_and_the_start_does_not_count() {
        let truth: Vec<f64> = (0..20).map(|i| f64::from(i) * 0.5).collect();
        assert_eq!(beats(&truth, &truth), 1.0);
        let late: Vec<f64> = truth.iter().map(|t| t + 0.069).collect();
        assert_eq!(beats(&truth, &late), 1.0);
        let halves: Vec<f64> = truth.iter().copied().step_by(2).collect();
        assert!((beats(&truth, &halves) - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(beats(&truth, &truth[..10]), 0.0, "all before five seconds");
        let twice = [6.0, 6.01];
        assert!((beats(&[6.0], &twice) - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn keys_are_weighted_as_mir_eval_does() {
        assert_eq!((key("Eb major"), key("F# minor")), (Some((3, false)), Some((6, true))));
        assert_eq!((key("H major"), key("")), (None, None));
        let c = (0, false);
        let score = |name: &str| key_score(c, key(name));
        assert_eq!([score("C major"), score("G major"), score("F major")], [1.0, 0.5, 0.0]);
        assert_eq!([score("A minor"), score("C minor"), score("D minor")], [0.3, 0.2, 0.0]);
        assert_eq!(key_score((9, true), key("C major")), 0.3);
    }

    #[test]
    fn chords_overlap_and_others_than_major_and_minor_do_not_count() {
        assert_eq!((triad("Ebm"), triad("F#")), (Some((3, true)), Some((6, false))));
        let truth = [(0.0, 2.0, triad("C")), (2.0, 4.0, None), (4.0, 6.0, triad("Am"))];
        let c = |start_s, end_s| (start_s, end_s, (0, false));
        assert_eq!(chords(&truth, &[c(0.0, 3.0)]), 0.5);
        assert_eq!(chords(&truth, &[c(1.0, 2.0), (4.0, 9.0, (9, true))]), 0.75);
        assert_eq!(chords(&truth, &[]), 0.0);
    }

    #[test]
    fn answers_are_sorted_by_how_sure_they_were() {
        let bins = reliability(&[(0.85, true), (0.95, false), (0.1, false), (1.0, true)]);
        assert_eq!((bins[0].0, bins[0].2), (1, 0.0));
        assert_eq!(bins[4].0, 3);
        assert!((bins[4].2 - 2.0 / 3.0).abs() < 1e-9);
    }
}
