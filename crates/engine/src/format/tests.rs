//! What other programs rely on: order, lengths, encodings, and that a parser reads back what was written.

mod random;

use midly::{MetaMessage, Smf, Timing, TrackEventKind};

use super::*;
use signal::Section;

use crate::timeline::Caption;

const LONG: &str = "Drums, bass, electric guitar and vocals; busy, bright and a little roomy, with the snare well up front and the \
                    cymbals spread wide over everything else. Loud, at -9.8 LUFS.";

fn timeline(spans: &[(f64, f64, &str)], duration_s: f64) -> Timeline {
    let captions = spans.iter().enumerate().map(|(i, &(start_s, end_s, text))| Caption {
        start_s,
        end_s,
        bar: Some(i as i64 + 1),
        text: text.to_owned(),
        labels: Vec::new(),
        confidence: 0.9,
        checked_numbers: 0,
        loudness_lufs: None,
    });
    Timeline {
        duration_s,
        tempo_bpm: Some(174.0),
        beats_per_bar: 4,
        captions: captions.collect(),
        segments: vec![Section { start_s: 0.0, end_s: duration_s, name: "A".into() }],
        ..Timeline::default()
    }
}

/// One caption of 2 s that late.
fn at(start_s: f64) -> Timeline {
    timeline(&[(start_s, start_s + 2.0, "Late.")], start_s + 2.0)
}

/// Bars of 0.9 s, a gap, a long section, odd characters, an overlap, an empty stretch, a sliver at the end.
fn nasty() -> Timeline {
    timeline(
        &[
            (0.0, 0.9, "Dr\u{fc}ms & <b>\u{266b}</b> --> \"quoted\", comma"),
            (0.9, 1.8, LONG),
            (1.8, 2.7, "Bass.\r\nTwo\tlines"),
            (5.0, 5.3, "Kick."),
            (7.0, 30.0, LONG),
            (29.0, 33.0, "Overlapping."),
            (33.0, 33.0, "Nothing."),
            (33.0, 36.5, &"x".repeat(100)),
            (36.5, 36.6, "Tail."),
        ],
        36.6,
    )
}

#[test]
fn cues_can_be_read() {
    let cues = cues(&nasty());
    assert!(cues.len() >= 6);
    assert_can_be_read(&cues, 36_600);
}

/// The rules of broadcasters, to the millisecond.
fn assert_can_be_read(cues: &[Cue], duration_ms: u64) {
    for cue in cues {
        let length_ms = cue.end_ms - cue.start_ms;
        let least_ms = 1000.min(duration_ms);
        assert!((least_ms..=7000).contains(&length_ms), "{cue:?}");
        assert!((1..=2).contains(&cue.lines.len()), "{cue:?}");
        assert!(cue.lines.iter().all(|line| (1..=42).contains(&line.chars().count())), "{cue:?}");
    }
    assert!(cues.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms), "{cues:?}");
    assert!(cues.last().is_none_or(|cue| cue.end_ms <= duration_ms), "{cues:?}");
}

#[test]
fn a_file_shorter_than_a_cue_has_one() {
    let cues = cues(&timeline(&[(0.0, 0.3, "Snare.")], 0.3));
    assert_eq!(cues, vec![Cue { start_ms: 0, end_ms: 300, lines: vec!["Snare.".into()] }]);
    assert!(super::cues(&timeline(&[], 3.0)).is_empty());
}

#[test]
fn a_text_that_does_not_fit_ends_in_an_ellipsis() {
    let cues = cues(&timeline(&[(0.0, 1.5, LONG)], 1.5));
    assert_eq!(cues.len(), 1);
    assert!(cues[0].lines[1].ends_with('\u{2026}'));
    let longer = super::cues(&timeline(&[(0.0, 6.0, LONG)], 6.0));
    let words: String =
        longer.iter().flat_map(|cue| cue.lines.clone()).collect::<Vec<_>>().join(" ");
    assert_eq!(words, LONG);
}

#[test]
fn sentences_stay_whole_where_they_fit() {
    let text =
        "Drums and bass, loud and dense. Around 120 BPM. Electric guitar and vocals above them.";
    let cues = cues(&timeline(&[(0.0, 4.0, text)], 4.0));
    let lines: Vec<_> = cues.iter().map(|cue| cue.lines.join("/")).collect();
    let expected = [
        "Drums and bass, loud and dense. Around 120/BPM.",
        "Electric guitar and vocals above them.",
    ];
    assert_eq!(lines, expected);
    // No time for both: whole ones go, without a mark.
    let hurried = super::cues(&timeline(&[(0.0, 1.5, text)], 1.5));
    assert_eq!(hurried[0].lines.join("/"), expected[0]);
}

#[test]
fn what_is_too_short_stands_into_gaps_or_goes_with_its_neighbour() {
    let shown = |spans: &[(f64, f64, &str)]| -> Vec<(u64, u64, String)> {
        let cues = cues(&timeline(spans, 10.0));
        cues.into_iter().map(|cue| (cue.start_ms, cue.end_ms, cue.lines.concat())).collect()
    };
    let cue = |start_ms, end_ms, text: &str| (start_ms, end_ms, text.to_owned());
    assert_eq!(
        shown(&[(1.0, 1.2, "A."), (3.0, 5.0, "B.")]),
        [cue(1000, 2000, "A."), cue(3000, 5000, "B.")]
    );
    assert_eq!(shown(&[(1.0, 1.2, "A."), (1.5, 5.0, "B.")]), [cue(1000, 5000, "B.")]);
    assert_eq!(
        shown(&[(1.0, 3.0, "A."), (9.7, 9.8, "B.")]),
        [cue(1000, 3000, "A."), cue(9000, 10_000, "B.")]
    );
    assert_eq!(shown(&[(4.0, 9.5, "A."), (9.7, 9.8, "B.")]), [cue(4000, 10_000, "A.")]);
}

/// `hh:mm:ss.mmm` or `hh:mm:ss,mmm` in milliseconds.
fn parse_time(text: &str) -> u64 {
    let parts: Vec<u64> = text.split([':', '.', ',']).map(|part| part.parse().unwrap()).collect();
    let [h, m, s, ms] = parts[..] else { panic!("{text}") };
    ((h * 60 + m) * 60 + s) * 1000 + ms
}

/// Header lines, then blocks between blank lines, each with a time line: start, end and lines of text.
fn parse_blocks(text: &str) -> Vec<(u64, u64, String)> {
    let blocks = text.split("\n\n").filter_map(|block| {
        let (before, after) = block.split_once(" --> ")?;
        let start = before.lines().last()?;
        let (end, words) = after.split_once('\n')?;
        Some((parse_time(start), parse_time(end), words.trim_end().to_owned()))
    });
    blocks.collect()
}

#[test]
fn vtt_and_srt_round_trip() {
    let timeline = nasty();
    let cues = cues(&timeline);
    for format in [Format::Vtt, Format::Srt] {
        let text = String::from_utf8(format.write(&timeline, "song")).unwrap();
        assert!(!text.starts_with('\u{feff}') && !text.starts_with('\n'));
        let parsed = parse_blocks(&text);
        assert_eq!(parsed.len(), cues.len(), "{text}");
        for (got, cue) in parsed.iter().zip(&cues) {
            assert_eq!((got.0, got.1), (cue.start_ms, cue.end_ms));
            let words = got.2.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            assert_eq!(words, cue.lines.join("\n"));
        }
    }
    assert!(Format::Vtt.write(&timeline, "").starts_with(b"WEBVTT\n\n00:00:00.000 --> "));
    assert!(Format::Srt.write(&timeline, "").starts_with(b"1\n00:00:00,000 --> "));
}

#[test]
fn lrc_lines_are_in_order() {
    let text = String::from_utf8(
        Format::Lrc.write(&timeline(&[(0.0, 2.0, "A"), (3.0, 65.5, "B")], 65.5), "t]x"),
    )
    .unwrap();
    assert_eq!(
        text,
        "[ti:t)x]\n[length:01:06]\n[00:00.00]A\n[00:02.00]\n[00:03.00]B\n[01:05.50]\n"
    );
}

/// RFC 4180, as far as one line goes.
fn parse_csv(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                fields.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

#[test]
fn reaper_csv_round_trips() {
    let timeline = nasty();
    let text = String::from_utf8(Format::Csv.write(&timeline, "")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("#,Name,Start,End,Length"));
    let rows: Vec<_> = lines.map(parse_csv).collect();
    let captions = timeline.in_project().captions;
    assert_eq!((rows.len(), timeline.captions.len()), (captions.len(), captions.len() + 1));
    for (index, (row, caption)) in rows.iter().zip(&captions).enumerate() {
        assert_eq!((row.len(), row[0].clone()), (5, format!("R{}", index + 1)));
        assert_eq!(row[1], one_line(&caption.text));
        let time = |text: &str| parse_time(&format!("0:{text}"));
        assert_eq!(time(&row[3]) - time(&row[2]), time(&row[4]));
        assert_eq!(time(&row[2]), millis(caption.start_s));
    }
    let hours = at(3725.25);
    assert!(String::from_utf8(Format::Csv.write(&hours, "")).unwrap().contains(",1:02:05.250,"));
}

#[test]
fn audacity_labels_round_trip() {
    let timeline = nasty();
    let text = String::from_utf8(Format::Labels.write(&timeline, "")).unwrap();
    let captions = timeline.in_project().captions;
    assert_eq!(text.lines().count(), captions.len());
    for (line, caption) in text.lines().zip(&captions) {
        let fields: Vec<_> = line.split('\t').collect();
        assert_eq!(fields.len(), 3);
        assert!((fields[0].parse::<f64>().unwrap() - caption.start_s).abs() < 1e-6);
        assert!((fields[1].parse::<f64>().unwrap() - caption.end_s).abs() < 1e-6);
        assert_eq!(fields[2], one_line(&caption.text));
    }
}

/// Seconds and texts of the markers, by the file's own tempo map.
fn parse_markers(bytes: &[u8]) -> Vec<(f64, String)> {
    let smf = Smf::parse(bytes).unwrap();
    let Timing::Metrical(ppq) = smf.header.timing else { panic!("{:?}", smf.header) };
    let (mut seconds, mut micros) = (0.0, 500_000);
    let mut markers = Vec::new();
    for event in &smf.tracks[0] {
        let quarters = f64::from(event.delta.as_int()) / f64::from(ppq.as_int());
        seconds += quarters * f64::from(micros) / 1e6;
        match event.kind {
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => micros = tempo.as_int(),
            TrackEventKind::Meta(MetaMessage::Marker(text)) => {
                markers.push((seconds, std::str::from_utf8(text).unwrap().to_owned()));
            }
            _ => {}
        }
    }
    markers
}

#[test]
fn midi_markers_stand_at_their_times() {
    let timeline = nasty();
    let markers = parse_markers(&Format::Midi.write(&timeline, "S\u{f6}ng"));
    let captions = timeline.in_project().captions;
    assert_eq!(markers.len(), captions.len());
    // The captions overlap by design of the test, so compare in order of time.
    let mut expected: Vec<_> = captions.iter().map(|c| (c.start_s, one_line(&c.text))).collect();
    expected.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (got, expected) in markers.iter().zip(&expected) {
        assert!((got.0 - expected.0).abs() < 0.001, "{got:?} {expected:?}");
        assert_eq!(got.1, expected.1);
    }
}

#[test]
fn midi_crosses_any_length() {
    // 300 hours are more ticks than one event can cross.
    let bytes = Format::Midi.write(&at(1_080_000.0), "");
    let smf = Smf::parse(&bytes).unwrap();
    let ticks: u64 = smf.tracks[0].iter().map(|event| u64::from(event.delta.as_int())).sum();
    assert!(ticks > 1 << 28);
}

#[test]
fn the_published_schema_names_every_field() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/captions.schema.json")).unwrap();
    let json = Format::Json.write(&nasty(), "song.wav");
    let object: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let same = |schema: &serde_json::Value, object: &serde_json::Value| {
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(keys(&schema["properties"]), keys(object));
        assert_eq!(schema["required"].as_array().unwrap().len(), keys(object).len());
    };
    same(&schema, &object);
    for list in ["captions", "segments"] {
        same(&schema["properties"][list]["items"], &object[list][0]);
    }
}
