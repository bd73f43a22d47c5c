//! Random timelines, with tempi that change, gaps, slivers, long texts and projects that begin anywhere: the rules hold for all of
//! them, and every format gives its times back.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use signal::Meter;

use super::*;
use crate::timeline::Mark;

const TIMELINES: u64 = 500;

/// A sentence that has a line of its own, one that needs two, and one that no cue can hold.
const SENTENCES: [&str; 5] = [
    "Bass.",
    "Drums and b\u{e4}ss; sparse.",
    "\u{30c9}\u{30e9}\u{30e0} and strings, loud, at -9.8 LUFS.",
    "Electric guitar, drums and vocals; busy, bright and a little roomy.",
    "Drums, bass, electric guitar and vocals; busy, bright and roomy, with the snare well up front and everything else behind \
     it, as far as one can tell from here.",
];

fn random_timeline(seed: u64) -> Timeline {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut at_s = if random.random_bool(0.5) { 0.0 } else { random.random_range(0.0..3.0) };
    let (mut bpm, mut spans, mut marks) = (random.random_range(20.0..400.0), vec![], vec![]);
    for _ in 0..random.random_range(1..60) {
        if random.random_bool(0.3) {
            bpm = random.random_range(20.0..400.0);
        }
        marks.push(Mark { start_s: at_s, bpm, meter: Meter::new(4, 4).unwrap() });
        let mut end_s = at_s + 240.0 / bpm;
        match random.random_range(0..8) {
            // Nothing was said of a bar, a bar was left at once, a section is far longer than a cue may stand.
            0 => marks.truncate(marks.len() - 1),
            1 => end_s = at_s + random.random_range(0.0..0.2),
            2 => end_s = at_s + random.random_range(7.0..40.0),
            _ => {}
        }
        let sentences = random.random_range(1..5);
        let text: Vec<_> = (0..sentences).map(|_| SENTENCES[random.random_range(0..5)]).collect();
        if random.random_bool(0.8) {
            spans.push((at_s, end_s, text.join(" ")));
        }
        at_s = end_s;
    }
    let spans: Vec<_> = spans.iter().map(|(from, to, text)| (*from, *to, text.as_str())).collect();
    let place_s = random.random_range(-1.0..500.0);
    Timeline {
        project_start_s: random.random_bool(0.8).then_some(place_s),
        tempo_bpm: None,
        tempo_map: Mark::changes(marks.into_iter()),
        ..timeline(&spans, at_s)
    }
}

/// Start, end and words.
type Said<'a> = (f64, f64, &'a str);

/// Both zeros: captions as they lie in the render, and where they lie in the project as far as that has room for them.
fn zeros(timeline: &Timeline) -> (Vec<Said<'_>>, Vec<Said<'_>>) {
    let by_s = timeline.project_start_s.unwrap_or(0.0);
    let render = timeline.captions.iter().map(|c| (c.start_s, c.end_s, c.text.as_str()));
    let project = render.clone().map(|(from, to, text)| ((from + by_s).max(0.0), to + by_s, text));
    (render.collect(), project.filter(|(from, to, _)| to - from >= 0.002).collect())
}

#[test]
fn cues_of_random_timelines_can_be_read() {
    for seed in 0..TIMELINES {
        let timeline = random_timeline(seed);
        let cues = cues(&timeline);
        assert_can_be_read(&cues, millis(timeline.duration_s));
        for cue in &cues {
            check_sentences(cue, seed);
        }
        check_plain_captions(&timeline, &cues, seed);
    }
}

/// A sentence is in pieces only where it is longer than a cue.
fn check_sentences(cue: &Cue, seed: u64) {
    let text = cue.lines.join(" ");
    let whole = |part: &str| SENTENCES.contains(&part);
    let long = |part: &str| SENTENCES[4].contains(part.trim_end_matches('\u{2026}'));
    let mut parts = text.split_inclusive(". ").map(str::trim);
    assert!(parts.all(|part| whole(part) || long(part)), "seed {seed}: {cue:?}");
}

/// A caption that needs nothing, beside none that does, is a cue as it is.
fn check_plain_captions(timeline: &Timeline, cues: &[Cue], seed: u64) {
    let plain = |c: &Caption| {
        let length_s = c.end_s - c.start_s;
        (1.01..6.99).contains(&length_s) && c.text.chars().count() <= 42
    };
    for triple in timeline.captions.windows(3) {
        if !triple.iter().all(plain) {
            continue;
        }
        let caption = &triple[1];
        let expected = Cue {
            start_ms: millis(caption.start_s),
            end_ms: millis(caption.end_s),
            lines: vec![caption.text.clone()],
        };
        assert!(cues.contains(&expected), "seed {seed}: {expected:?} in {cues:?}");
    }
}

#[test]
fn every_format_gives_random_times_back() {
    for seed in 0..TIMELINES {
        let timeline = random_timeline(seed);
        let text = |format: Format| String::from_utf8(format.write(&timeline, "song")).unwrap();
        let cues = cues(&timeline);
        for format in [Format::Srt, Format::Vtt] {
            let times = parse_blocks(&text(format)).into_iter().map(|(from, to, _)| (from, to));
            assert!(times.eq(cues.iter().map(|c| (c.start_ms, c.end_ms))), "{format:?}, {seed}");
        }
        let (render, project) = zeros(&timeline);
        check_lrc(&text(Format::Lrc), &render, seed);
        let rows: Vec<_> = text(Format::Csv).lines().skip(1).map(parse_csv).collect();
        let labels = text(Format::Labels);
        let labels: Vec<Vec<&str>> =
            labels.lines().map(|line| line.split('\t').collect()).collect();
        let markers = parse_markers(&Format::Midi.write(&timeline, "song"));
        let counts = [rows.len(), labels.len(), markers.len()];
        assert_eq!(counts, [project.len(); 3], "seed {seed}");
        for (index, (from, to, words)) in project.iter().enumerate() {
            let (row, label, marker) = (&rows[index], &labels[index], &markers[index]);
            let row_ms = |field: usize| parse_time(&format!("0:{}", row[field]));
            assert_eq!((row_ms(2), row_ms(3)), (millis(*from), millis(*to)), "seed {seed}");
            assert!((label[0].parse::<f64>().unwrap() - from).abs() < 1e-6, "seed {seed}");
            assert!((label[1].parse::<f64>().unwrap() - to).abs() < 1e-6, "seed {seed}");
            // A tick at the slowest tempo is 3 ms, and a marker stands on one.
            assert!((marker.0 - from).abs() < 0.0016, "seed {seed}: {marker:?} at {from}");
            assert_eq!([&row[1], label[2], &marker.1], [*words; 3], "seed {seed}");
        }
        let json: Timeline = serde_json::from_str(&text(Format::Json)).unwrap();
        let (same, _) = zeros(&json);
        let near = |a: &Said<'_>, b: &Said<'_>| {
            (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9 && a.2 == b.2
        };
        assert!(same.len() == render.len() && same.iter().zip(&render).all(|(a, b)| near(a, b)));
        assert_eq!(json.tempo_map.len(), timeline.tempo_map.len(), "seed {seed}");
    }
}

/// The lines with words are the captions, and a line without comes only where nothing is said.
fn check_lrc(text: &str, captions: &[Said<'_>], seed: u64) {
    let lines = text.lines().skip(2).map(|line| {
        let (time, words) = line[1..].split_once(']').unwrap();
        let (minutes, seconds) = time.split_once(':').unwrap();
        (60.0 * minutes.parse::<f64>().unwrap() + seconds.parse::<f64>().unwrap(), words)
    });
    let lines: Vec<_> = lines.collect();
    assert!(lines.is_sorted_by(|a, b| a.0 <= b.0), "seed {seed}: {text}");
    let said: Vec<_> = lines.iter().filter(|line| !line.1.is_empty()).collect();
    assert_eq!(said.len(), captions.len(), "seed {seed}");
    for (line, (from, _, words)) in said.into_iter().zip(captions) {
        assert!((line.0 - from).abs() < 0.0051 && line.1 == *words, "seed {seed}: {line:?}");
    }
}
