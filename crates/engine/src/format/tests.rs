//! What other programs rely on: order, lengths, encodings, and that a parser reads back what was written.

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
    for cue in &cues {
        let length_s = cue.end_s - cue.start_s;
        assert!((1.0 - 1e-9..=7.0 + 1e-9).contains(&length_s), "{cue:?}");
        assert!((1..=2).contains(&cue.lines.len()), "{cue:?}");
        assert!(cue.lines.iter().all(|line| (1..=42).contains(&line.chars().count())), "{cue:?}");
    }
    assert!(cues.windows(2).all(|pair| pair[0].end_s <= pair[1].start_s + 1e-9), "{cues:?}");
    assert!(cues[0].start_s >= 0.0 && cues.last().unwrap().end_s <= 36.6);
}

#[test]
fn a_file_shorter_than_a_cue_has_one() {
    let cues = cues(&timeline(&[(0.0, 0.3, "Snare.")], 0.3));
    assert_eq!(cues, vec![Cue { start_s: 0.0, end_s: 0.3, lines: vec!["Snare.".into()] }]);
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
            assert!(
                got.0.abs_diff(millis(cue.start_s)) == 0
                    && got.1 == millis(cue.end_s)
                    && got.0 < got.1
            );
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
    assert_eq!(rows.len(), timeline.captions.len());
    for (index, (row, caption)) in rows.iter().zip(&timeline.captions).enumerate() {
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
    assert_eq!(text.lines().count(), timeline.captions.len());
    for (line, caption) in text.lines().zip(&timeline.captions) {
        let fields: Vec<_> = line.split('\t').collect();
        assert_eq!(fields.len(), 3);
        assert!((fields[0].parse::<f64>().unwrap() - caption.start_s).abs() < 1e-6);
        assert!((fields[1].parse::<f64>().unwrap() - caption.end_s).abs() < 1e-6);
        assert_eq!(fields[2], one_line(&caption.text));
    }
}

#[test]
fn midi_markers_stand_at_their_times() {
    let timeline = nasty();
    let bytes = Format::Midi.write(&timeline, "S\u{f6}ng");
    let smf = Smf::parse(&bytes).unwrap();
    let Timing::Metrical(ppq) = smf.header.timing else { panic!("{:?}", smf.header) };
    let (mut ticks, mut micros) = (0u64, 0u32);
    let mut markers = Vec::new();
    for event in &smf.tracks[0] {
        ticks += u64::from(event.delta.as_int());
        let seconds = ticks as f64 / f64::from(ppq.as_int()) * f64::from(micros) / 1e6;
        match event.kind {
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => micros = tempo.as_int(),
            TrackEventKind::Meta(MetaMessage::Marker(text)) => {
                markers.push((seconds, std::str::from_utf8(text).unwrap().to_owned()));
            }
            _ => {}
        }
    }
    assert_eq!(markers.len(), timeline.captions.len());
    // The captions overlap by design of the test, so compare in order of time.
    let mut expected: Vec<_> =
        timeline.captions.iter().map(|c| (c.start_s, one_line(&c.text))).collect();
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
