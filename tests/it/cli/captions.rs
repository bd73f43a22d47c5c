//! `barline caption` and `embed-captions`: shapes, files, bars of a stated meter, and whose captions they are.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    array, assert_object,
    fixture::{Folder, float_wav, song},
    run::barline,
};

#[test]
fn captions_have_their_shape_and_do_not_depend_on_threads() {
    let folder = Folder::new();
    song(&folder.path("a.wav"), 44_100, 9.0);
    let name = folder.name("a.wav");
    let one = barline(["caption", "--json", "--threads", "1", &name]);
    assert_eq!(one.code, 0, "{}", one.stderr);
    for threads in ["1", "3"] {
        assert_eq!(one.stdout, barline(["caption", "--json", "--threads", threads, &name]).stdout);
    }
    let row = &array(&one)[0];
    assert_object(row, &["duration_s", "summary", "captions", "segments"]);
    let captions = row["captions"].as_array().unwrap();
    assert!(!captions.is_empty());
    let mut end_s = 0.0;
    for caption in captions {
        for field in ["start_s", "end_s", "bar", "text", "labels", "confidence"] {
            assert!(caption.as_object().unwrap().contains_key(field), "{caption}");
        }
        assert!((caption["start_s"].as_f64().unwrap() - end_s).abs() < 1e-6, "{caption}");
        end_s = caption["end_s"].as_f64().unwrap();
        assert!(!caption["text"].as_str().unwrap().is_empty());
    }
    assert!((end_s - 9.0).abs() < 1e-3);
}

#[test]
fn caption_files_are_written_beside_each_other() {
    let folder = Folder::new();
    fs::create_dir(folder.path("b")).unwrap();
    song(&folder.path("a.wav"), 24_000, 3.0);
    fs::copy(folder.path("a.wav"), folder.path("b/a.wav")).unwrap();
    let (one, two, out) = (folder.name("a.wav"), folder.name("b/a.wav"), folder.name("out"));
    for (format, file, start) in [
        ("vtt", "a.vtt", "WEBVTT\n"),
        ("srt", "a.srt", "1\n00:00:00,000"),
        ("lrc", "a.lrc", "[ti:a]"),
        ("csv", "a.csv", "#,Name,Start,End,Length\nR1,"),
        ("labels", "a.txt", "0.000000\t"),
        ("midi", "a.mid", "MThd"),
        ("json", "a.json", "{"),
    ] {
        let ran =
            barline(["caption", "--per", "1.5", "--format", format, "--out", &out, &one, &two]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let bytes = fs::read(Path::new(&out).join(file)).unwrap();
        assert!(
            bytes.starts_with(start.as_bytes()),
            "{format}: {}",
            String::from_utf8_lossy(&bytes)
        );
        let second = file.replace("a.", "a-2.");
        assert_eq!(bytes.len() > 10, fs::read(Path::new(&out).join(second)).unwrap().len() > 10);
    }
    let ran = barline(["caption", "--format", "vtt", &one]);
    assert!(ran.stdout.starts_with("WEBVTT\n\n"), "{}", ran.stdout);
}

#[test]
fn what_is_null_says_why() {
    let folder = Folder::new();
    float_wav(&folder.path("silent.wav"), 24_000, &[0.0; 96_000]);
    let row = &array(&barline(["caption", "--json", &folder.name("silent.wav")]))[0];
    for field in ["project_start_s", "tempo_bpm"] {
        assert!(row[field].is_null() && row["notes"][field].is_string(), "{field}: {row}");
    }
    for field in ["bar", "loudness_lufs"] {
        assert!(row["captions"][0][field].is_null(), "{row}");
        let reason = row["notes"][field].as_str().unwrap();
        assert!(reason.starts_with("of 1 of 1 captions: "), "{field}: {reason}");
    }
    assert!(row["notes"]["beats_per_bar"].as_str().unwrap().starts_with("assumed"), "{row}");
    let text = barline(["caption", &folder.name("silent.wav")]).stdout;
    assert!(!text.contains("project"), "reasons for what is not shown: {text}");
}

/// FF 58 04 numerator, power of two of the denominator: the time signature of a MIDI file.
fn signature(midi: &[u8]) -> (u8, u8) {
    let at = midi.windows(3).position(|bytes| bytes == [0xff, 0x58, 0x04]).unwrap();
    (midi[at + 3], midi[at + 4])
}

/// FF 51 03 and microseconds a quarter note: the tempo of a MIDI file.
fn quarter_us(midi: &[u8]) -> u32 {
    let at = midi.windows(3).position(|bytes| bytes == [0xff, 0x51, 0x03]).unwrap();
    midi[at + 3..at + 6].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

#[test]
fn a_stated_meter_is_that_of_the_bars_and_of_the_midi_file() {
    let folder = Folder::new();
    song(&folder.path("a.wav"), 24_000, 7.0);
    let (file, out) = (folder.name("a.wav"), folder.name("out"));
    // Half a second a quarter note.
    for (meter, parts, bar_s) in
        [("6/8", (6, 8), 1.5), ("7/8", (7, 8), 1.75), ("3/4", (3, 4), 1.5), ("2/2", (2, 2), 2.0)]
    {
        let stated = ["--bpm", "120", "--meter", meter, file.as_str()];
        let row = &array(&barline(["caption", "--json"].iter().chain(&stated)))[0];
        for (index, caption) in row["captions"].as_array().unwrap().iter().enumerate() {
            assert_eq!(caption["bar"], index + 1, "{meter}");
            let start_s = caption["start_s"].as_f64().unwrap();
            assert!((start_s - index as f64 * bar_s).abs() < 1e-6, "{meter}: {caption}");
        }
        assert_eq!(row["beats_per_bar"], parts.0, "{meter}");
        assert_eq!(row["tempo_bpm"], 120.0, "{meter}");
        let ran = barline(["caption", "--format", "midi", "--out", &out].iter().chain(&stated));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let midi = fs::read(Path::new(&out).join("a.mid")).unwrap();
        let (numerator, power) = signature(&midi);
        assert_eq!((numerator, 1 << power), parts, "{meter}");
        assert_eq!(quarter_us(&midi), 500_000, "{meter}");
        let advice = barline(["advise", "--json", "--bar", "2"].iter().chain(&stated));
        let scope = &array(&advice)[0]["scope"];
        assert!((scope["start_s"].as_f64().unwrap() - bar_s).abs() < 1e-6, "{meter}: {scope}");
    }
}

#[test]
fn captions_of_another_file_are_not_embedded() {
    let folder = Folder::new();
    song(&folder.path("mine.wav"), 24_000, 3.0);
    fs::copy(folder.path("mine.wav"), folder.path("other.wav")).unwrap();
    let mine = folder.name("mine.wav");
    let object = |name: &str| {
        let ran = barline(["caption", "--json", "--per", "1", &folder.name(name)]);
        array(&ran).remove(0)
    };
    let (own, others) = (object("mine.wav"), object("other.wav"));
    let embed = |captions: &Value, out: &str| {
        fs::write(folder.path("captions.json"), captions.to_string()).unwrap();
        let (captions, out) = (folder.name("captions.json"), folder.name(out));
        barline(["embed-captions", &mine, "--captions", &captions, "--out", &out, "--json"])
    };
    for (index, wrong) in
        [others.clone(), Value::from(vec![others.clone()])].into_iter().enumerate()
    {
        let ran = embed(&wrong, "copy.wav");
        assert_eq!(ran.code, 1, "{index}: {}", ran.stdout);
        let row: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(row["error"]["field"], "captions");
        let message = row["error"]["message"].as_str().unwrap();
        assert!(message.contains("captions.json: file: its captions are of"), "{message}");
        assert!(message.contains("other.wav, not of"), "{message}");
        assert!(!folder.path("copy.wav").exists());
    }
    for (index, right) in
        [own.clone(), Value::from(vec![own.clone()]), Value::from(vec![others, own])]
            .into_iter()
            .enumerate()
    {
        let ran = embed(&right, &format!("copy-{index}.wav"));
        assert_eq!(ran.code, 0, "{index}: {}", ran.stdout);
        assert_object(&serde_json::from_str(&ran.stdout).unwrap(), &["out", "captions"]);
    }
}
