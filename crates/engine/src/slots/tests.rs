//! Slots are filled by measured values only; other numbers are withheld.

use signal::{Action, Evidence, Move, Severity};

use super::*;

fn measured() -> Measurements {
    Measurements {
        channels: 2,
        tempo_bpm: Some(119.96),
        tempo_confidence: Some(0.9),
        key: Some("A minor".into()),
        key_confidence: Some(0.7),
        loudness_lufs: Some(-14.23),
        true_peak_dbtp: Some(-0.84),
        crest_db: Some(12.3),
        correlation: Some(-0.001),
        balance_db: Some(1.2),
        ..Measurements::default()
    }
}

fn finding(kind: FindingKind, freq_hz: Option<f64>, gain_db: Option<f64>) -> Finding {
    Finding {
        band_hz: Some([200.0, 400.0]),
        evidence: vec![Evidence::new("level_db", 4.25, "dB", "")],
        mv: Some(Move { action: Action::Cut, freq_hz, q: Some(1.0), gain_db }),
        ..Finding::new(kind, Severity::Clear, 0.8)
    }
}

fn facts() -> Facts {
    let song = measured();
    let findings = [
        finding(FindingKind::Silence, None, None),
        finding(FindingKind::Muddy, Some(283.0), Some(-3.0)),
    ];
    Facts::new(&song, &song, song.loudness_lufs, &findings)
}

#[test]
fn words_name_what_is_known_in_the_trained_order() {
    assert_eq!(facts().words(), "tempo key lufs moderate 1:muddy");
    let mono = Measurements { channels: 1, loudness_lufs: Some(-40.0), ..measured() };
    let unsure = Measurements { tempo_confidence: Some(0.1), ..measured() };
    assert_eq!(Facts::new(&unsure, &mono, None, &[]).words(), "key quiet none");
    assert_eq!(Facts::default().words(), "none");
}

#[test]
fn what_is_doubtful_is_said_with_a_doubt() {
    let unsure = Measurements { tempo_confidence: Some(0.5), ..measured() };
    let facts = Facts::new(&unsure, &unsure, None, &[]);
    assert!(facts.words().starts_with("tempo? key "));
    assert_eq!(facts.fill("Perhaps about <tempo>, but I am not sure.").checked_numbers, 1);
    assert_eq!(facts.fill("Around <tempo>, in <key>.").withheld, 1);
}

#[test]
fn chords_and_parts_are_listed_in_order() {
    let chord = |start_s: f64, name: &str, confidence| ChordSpan {
        start_s,
        end_s: start_s + if name == "F" { 0.1 } else { 2.0 },
        name: name.to_owned(),
        confidence,
    };
    let part = |start_s, name: &str| Section { start_s, end_s: 0.0, name: name.to_owned() };
    let song = Measurements {
        duration_s: 83.6,
        meter: Some("3/4".into()),
        meter_confidence: Some(0.9),
        chords: vec![chord(0.0, "Am", 0.9), chord(2.0, "F", 0.9), chord(4.0, "C", 0.5)],
        sections: vec![part(0.0, "A"), part(61.7, "B")],
        ..Measurements::default()
    };
    let facts = Facts::new(&song, &song, None, &[]);
    let text = facts.fill("<meter>: <chords>. <length>. <parts>.").text;
    assert_eq!(text, "3/4: Am, C. 1:24 minutes. A from 0:00, B from 1:02.");
    let unsure = Measurements { chords: vec![chord(0.0, "Am", 0.5)], ..Measurements::default() };
    assert_eq!(Facts::new(&unsure, &unsure, None, &[]).value("chords"), None);
}

#[test]
fn level_words_change_at_their_edges() {
    for (lufs, word) in
        [(-30.1, "quiet"), (-30.0, "moderate"), (-14.0, "moderate"), (-13.9, "loud")]
    {
        assert_eq!(level_word(lufs), word, "{lufs}");
    }
}

#[test]
fn slots_are_filled_with_measured_values() {
    let filled = facts().fill("Drums at <tempo> in <key>. Try <how1>. <lufs>, <peak>.");
    assert_eq!(
        filled.text,
        "Drums at 120 BPM in A minor. Try a cut of 3.0 dB at 283 Hz, Q 1.0. -14.2 LUFS, -0.8 dBTP."
    );
    assert_eq!((filled.checked_numbers, filled.withheld), (5, 0));
    let course = facts().with("course", Some("it rises".to_owned()));
    assert_eq!(course.fill("<course>. Here <course>.").text, "It rises. Here it rises.");
}

#[test]
fn sentences_without_a_measurement_are_withheld() {
    let check = |text: &str, shown: &str, withheld: usize| {
        let filled = facts().fill(text);
        assert_eq!((filled.text.as_str(), filled.withheld), (shown, withheld), "{text}");
    };
    check("Bass. Cut 3 dB at 300 Hz. Drums.", "Bass. Drums.", 1);
    check("Cut <how2>.", "", 1);
    check("It spans <range>. Piano!", "Piano!", 1);
    check("An <unknown> thing", "", 1);
    check("A broken <tempo", "", 1);
    check("Half \u{bd} loud. Fine", "Fine", 1);
    check("<tempo>\nat 5 LUFS\nbass", "120 BPM bass", 1);
    check("", "", 0);
}

#[test]
fn frequencies_read_as_engineers_write_them() {
    for (hz, text) in [
        (50.0, "50 Hz"),
        (320.4, "320 Hz"),
        (999.4, "999 Hz"),
        (999.6, "1.0 kHz"),
        (3200.0, "3.2 kHz"),
    ] {
        assert_eq!(frequency(hz), text);
    }
}

#[test]
fn the_talk_is_about_the_finding_that_was_spoken_of() {
    let song = measured();
    let findings = [FindingKind::Hum, FindingKind::Muddy].map(|kind| finding(kind, None, None));
    let facts = Facts::new(&song, &song, None, &findings);
    let (mut talk, hum, muddy) = (Conversation::default(), FindingKind::Hum, FindingKind::Muddy);
    let mut after = |answer: &str| {
        talk.go_on(&facts, answer);
        (talk.about(), facts.clone().after(talk).words())
    };
    let is = |(about, words): (Option<FindingKind>, String), kind, ending: &str| {
        assert_eq!(about, kind, "{words}");
        assert!(words.ends_with(ending), "{words}");
    };
    is(after("In <key>."), None, "1:hum 2:muddy");
    is(after("The mud: <why2>."), Some(muddy), "1:hum 2:muddy last:2");
    is(after("It holds <bars1>."), Some(hum), "last:1");
    is(after("In <key>."), Some(hum), "last:1");
    is(after("One: <why1>. Two: <why2>."), None, "1:hum 2:muddy told");
    is(after("If the mud is meant, leave it."), Some(muddy), "last:2");
    let of_others = Facts::new(&song, &song, None, &findings[..1]);
    assert!(of_others.after(talk).words().ends_with("1:hum told"), "it is not found here");
}
