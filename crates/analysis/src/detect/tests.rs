//! Every rule finds what is planted here by hand, and ordinary material has no findings.

use signal::{
    Action, Band, BandLevels, Finding, FindingKind as Kind, Label, Measurements, Severity,
};

use super::{balance::KINDS, detect};
use crate::Meter;
use crate::testing::{RATE_HZ, hit, interleave, mix_in, noise, note, samples, sine, spread};

/// Findings of a sketch, but those of its tonal balance: sines and noise are no instrument's. [`mix`] has one to judge.
fn findings_of(interleaved: &[f32], channels: usize, label: Option<Label>) -> Vec<Finding> {
    let mut meter = Meter::without_music(RATE_HZ, channels).unwrap();
    meter.push(interleaved).unwrap();
    let mut findings = detect(&meter.finish(), label);
    for finding in &findings {
        check_finding(finding);
    }
    findings.retain(|finding| !KINDS.contains(&finding.kind));
    findings
}

/// What holds for every finding: evidence, a sane confidence, and no number in the text without backing.
fn check_finding(finding: &Finding) {
    assert!(!finding.evidence.is_empty());
    assert!((0.0..=1.0).contains(&finding.confidence));
    assert!(finding.text.ends_with('.'));
    if let Some(mv) = finding.mv
        && matches!(mv.action, Action::Cut | Action::Notch | Action::DeEss)
    {
        assert!(mv.gain_db.unwrap() < 0.0);
    }
    let mut backed: Vec<f64> = finding.evidence.iter().map(|evidence| evidence.value).collect();
    backed.extend(finding.band_hz.into_iter().flatten());
    backed.extend(finding.mv.into_iter().flat_map(|mv| [mv.freq_hz, mv.gain_db]).flatten());
    for number in numbers(&finding.text) {
        let near = |value: &f64| (value.abs() - number).abs() <= 0.051;
        assert!(backed.iter().any(near), "{number} of \"{}\" is not in {backed:?}", finding.text);
    }
}

fn numbers(text: &str) -> Vec<f64> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.filter_map(|word| word.trim_end_matches('.').parse().ok()).collect()
}

fn kinds(findings: &[Finding]) -> Vec<Kind> {
    findings.iter().map(|finding| finding.kind).collect()
}

/// Chords, a bass and a drum pattern in stereo at an ordinary level.
fn song(seconds: f64) -> (Vec<f32>, Vec<f32>) {
    let (mut left, mut right) =
        (noise(1, -85.0, samples(seconds)), noise(2, -85.0, samples(seconds)));
    for eighth in 0..(seconds * 4.0) as usize {
        let at_s = eighth as f64 / 4.0;
        let root = [45.0, 41.0, 48.0, 43.0][eighth / 8 % 4];
        let drum = match eighth % 8 {
            0 | 5 => hit(eighth as u64, 0.5, 0.15),
            2 | 6 => hit(eighth as u64, 0.15, 0.7),
            _ => hit(eighth as u64, 0.0, 0.3),
        };
        let chord = note(root + 12.0 + [0.0, 3.0, 7.0][eighth % 3], -17.0, 0.6);
        for (track, gain) in [(&mut left, 1.0), (&mut right, 0.6)] {
            mix_in(track, at_s, &drum);
            mix_in(track, at_s, &chord.iter().map(|x| x * gain).collect::<Vec<_>>());
            if eighth % 4 == 0 {
                mix_in(track, at_s, &note(root - 12.0, -14.0, 0.9));
            }
        }
        let answer = note(root + 24.0 + [7.0, 3.0, 12.0][eighth % 3], -20.0, 0.4);
        mix_in(&mut right, at_s, &answer);
    }
    (left, right)
}

fn mapped(channel: &[f32], each: impl Fn(f32) -> f32) -> Vec<f32> {
    channel.iter().map(|&x| each(x)).collect()
}

/// Findings of the song after something was done to its channels.
fn after(change: impl Fn(Vec<f32>, Vec<f32>) -> (Vec<f32>, Vec<f32>)) -> Vec<Finding> {
    let (left, right) = song(8.0);
    let (left, right) = change(left, right);
    findings_of(&interleave(&left, &right), 2, Some(Label::FullMix))
}

#[track_caller]
fn check_only(findings: &[Finding], kind: Kind) {
    assert_eq!(kinds(findings), [kind], "{findings:#?}");
}

#[test]
fn an_ordinary_mix_and_stems_have_no_findings() {
    assert_eq!(after(|left, right| (left, right)), []);
    let (left, _) = song(8.0);
    assert_eq!(findings_of(&left, 1, None), []);
    let mut chords = vec![0.0; samples(8.0)];
    let mut bass = chords.clone();
    let mut drums = chords.clone();
    for beat in 0..16 {
        let at_s = f64::from(beat) * 0.5;
        mix_in(&mut chords, at_s, &note(57.0 + f64::from(beat * 5 % 12), -12.0, 0.7));
        mix_in(&mut bass, at_s, &note(33.0 + f64::from(beat * 5 % 12), -10.0, 0.5));
        mix_in(&mut drums, at_s, &hit(beat as u64, f64::from(1 - beat % 2), 1.0));
    }
    for (stem, label) in [(chords, Label::Piano), (bass, Label::Bass), (drums, Label::Drums)] {
        assert_eq!(findings_of(&stem, 1, Some(label)), [], "{label}");
        assert_eq!(findings_of(&stem, 1, None), [], "{label} without its label");
        assert_eq!(findings_of(&spread(&stem, 2), 2, Some(label)), [], "{label} on two channels");
    }
}

#[test]
fn silence_and_too_little_are_answers() {
    check_only(&findings_of(&[], 2, None), Kind::Silence);
    check_only(&findings_of(&vec![0.0; 96_000], 2, None), Kind::Silence);
    check_only(&findings_of(&noise(1, -90.0, 96_000), 1, None), Kind::Silence);
    check_only(&findings_of(&sine(440.0, -10.0, 0.1), 1, None), Kind::TooLittle);
    check_only(&detect(&Measurements::default(), None), Kind::Silence);
}

#[test]
fn level_faults_are_found() {
    let cut = |x: f32| (x * 1.5).clamp(-0.5, 0.5);
    check_only(&after(|l, r| (mapped(&l, cut), mapped(&r, cut))), Kind::Clipping);
    let (left, right) = song(8.0);
    let peak = left.iter().chain(&right).fold(0.0f32, |peak, x| peak.max(x.abs()));
    let hot = |x: f32| x / peak * 0.98;
    check_only(&after(|l, r| (mapped(&l, hot), mapped(&r, hot))), Kind::TruePeakOver);
    let shift = |x: f32| x + 0.03;
    check_only(&after(|l, r| (mapped(&l, shift), mapped(&r, shift))), Kind::DcOffset);
    let quiet = |x: f32| x * 0.03;
    check_only(&after(|l, r| (mapped(&l, quiet), mapped(&r, quiet))), Kind::TooQuiet);
    let faint = |x: f32| x * 0.003;
    check_only(&after(|l, r| (mapped(&l, faint), mapped(&r, faint))), Kind::TooQuiet);
    let loud = |x: f32| (x * 12.0).tanh();
    let found = kinds(&after(|l, r| (mapped(&l, loud), mapped(&r, loud))));
    assert_eq!(found[0], Kind::TooLoud, "{found:?}");
    assert!(!found.contains(&Kind::TruePeakOver), "the same gain takes the peak down: {found:?}");
    assert!(found.contains(&Kind::Overcompressed), "{found:?}");
}

#[test]
fn stereo_faults_are_found() {
    check_only(&after(|l, r| (mapped(&l, |x| x * 0.5), r)), Kind::ChannelImbalance);
    let dead = after(|l, r| (l, mapped(&r, |x| x * 1e-4)));
    check_only(&dead, Kind::ChannelImbalance);
    assert!(dead[0].text.starts_with("The right channel is silent"), "{}", dead[0].text);
    check_only(&after(|l, _| (l.clone(), mapped(&l, |x| -x))), Kind::PhaseInverted);
    let mono = after(|l, _| (l.clone(), l));
    check_only(&mono, Kind::Narrow);
    assert_eq!(mono[0].severity, Severity::Clear);
    let nearly = |(l, r): (&f32, &f32)| 0.5 * (l + r) + 0.06 * (l - r);
    let nearly_mono = after(|l, r| {
        let side: Vec<f32> = l.iter().zip(&r).map(nearly).collect();
        (side, r.iter().zip(&l).map(nearly).collect())
    });
    check_only(&nearly_mono, Kind::Narrow);
    assert_eq!(nearly_mono[0].severity, Severity::Minor);
    let low = |seed: f64| -> Vec<f32> {
        let tones = [41.0, 55.0, 73.0].map(|hz| sine(hz + seed, -20.0, 8.0));
        (0..samples(8.0)).map(|i| tones.iter().map(|tone| tone[i]).sum()).collect()
    };
    let add = |channel: Vec<f32>, other: Vec<f32>| {
        channel.iter().zip(other).map(|(x, y)| x * 0.5 + y).collect()
    };
    check_only(&after(|l, r| (add(l, low(0.0)), add(r, low(1.7)))), Kind::WideLowEnd);
}

#[test]
fn hum_and_hiss_are_found() {
    let mut track = vec![0.0; samples(8.0)];
    for beat in 0..8 {
        mix_in(&mut track, f64::from(beat), &note(60.0 + f64::from(beat * 5 % 12), -10.0, 0.7));
    }
    assert_eq!(findings_of(&track, 1, Some(Label::ElectricGuitar)), []);
    let mut humming = track.clone();
    for (hz, db) in [(50.0, -46.0), (100.0, -50.0), (150.0, -52.0)] {
        mix_in(&mut humming, 0.0, &sine(hz, db, 8.0));
    }
    let found = findings_of(&humming, 1, Some(Label::ElectricGuitar));
    check_only(&found, Kind::Hum);
    assert_eq!(found[0].mv.unwrap().freq_hz, Some(50.0));
    let mut hissing = track;
    mix_in(&mut hissing, 0.0, &noise(3, -50.0, samples(8.0)));
    for label in [Label::ElectricGuitar, Label::Cymbals] {
        check_only(&findings_of(&hissing, 1, Some(label)), Kind::Noise);
    }
}

#[test]
fn noise_that_decays_or_is_the_sound_is_no_hiss() {
    let mut hats = vec![0.0; samples(8.0)];
    for hit in 0..32 {
        let burst = noise(hit, -12.0, samples(0.24));
        let ring = |(i, x): (usize, &f32)| x * (-(i as f32) / samples(0.05) as f32).exp();
        let burst: Vec<f32> = burst.iter().enumerate().map(ring).collect();
        mix_in(&mut hats, 0.25 * hit as f64, &burst);
    }
    let rain = noise(5, -20.0, samples(8.0));
    for (sound, label) in [(hats, Label::HiHat), (rain, Label::Fx)] {
        let found = kinds(&findings_of(&sound, 1, Some(label)));
        assert!(!found.contains(&Kind::Noise), "{label:?}: {found:?}");
    }
}

#[test]
fn a_drum_that_is_tuned_to_the_mains_is_no_hum() {
    let mut drum = sine(50.0, -12.0, 8.0);
    mix_in(&mut drum, 0.0, &sine(150.0, -40.0, 8.0));
    let found = kinds(&findings_of(&drum, 1, Some(Label::Drums)));
    assert!(!found.contains(&Kind::Hum), "{found:?}");
}

/// A slice of ordinary figures with the average spectrum of a full mix, changed by `gain_db(hz)`.
fn mix(gain_db: impl Fn(f64) -> f64) -> Measurements {
    const LEVELS_DB: [f64; 30] = [
        -42.0, -40.0, -35.0, -26.0, -22.0, -22.0, -23.0, -20.0, -17.0, -16.0, -14.0, -12.0, -12.0,
        -12.0, -12.0, -13.0, -14.0, -16.0, -18.0, -19.0, -21.0, -23.0, -26.0, -28.0, -32.0, -35.0,
        -40.0, -44.0, -48.0, -54.0,
    ];
    let band = |(number, level_db): (usize, f64)| {
        let [lo_hz, hi_hz] = BandLevels::edges_hz(number);
        Band { lo_hz, hi_hz, level_db: level_db + gain_db(BandLevels::centre_hz(number)) }
    };
    Measurements {
        sample_rate_hz: 48_000,
        channels: 1,
        duration_s: 8.0,
        signal_s: 8.0,
        sample_peak_dbfs: Some(-6.0),
        crest_db: Some(14.0),
        bands: LEVELS_DB.into_iter().enumerate().map(band).collect(),
        ..Measurements::default()
    }
}

#[test]
fn bands_that_stand_out_are_found_and_the_move_silences_them() {
    let cases = [
        (Kind::Boomy, 115.0, 16.0),
        (Kind::Muddy, 283.0, 14.0),
        (Kind::Boxy, 600.0, 14.0),
        (Kind::Harsh, 3_300.0, 14.0),
    ];
    for (kind, centre_hz, gain_db) in cases {
        let hill = |hz: f64| gain_db * (-((hz / centre_hz).log2() / 0.7).powi(2)).exp();
        let found = detect(&mix(hill), Some(Label::FullMix));
        assert_eq!(found[0].kind, kind, "{found:?}");
        assert!(found[1..].iter().all(|other| other.severity == Severity::Minor), "{found:?}");
        check_finding(&found[0]);
        assert!(found[0].severity >= Severity::Clear, "{found:?}");
        let mv = found[0].mv.unwrap();
        let off = (mv.freq_hz.unwrap() / centre_hz).log2().abs();
        assert!(off < 1.0 / 3.0, "{kind} at {mv:?}");
        let cut = |hz: f64| mv.gain_db.unwrap() * (-((hz / centre_hz).log2() / 0.7).powi(2)).exp();
        let after = detect(&mix(|hz| hill(hz) + cut(hz)), Some(Label::FullMix));
        assert!(after.iter().all(|left| left.severity < found[0].severity), "{after:?}");
        assert_eq!(detect(&mix(|hz| 0.2 * hill(hz)), Some(Label::FullMix)), [], "a fifth of it");
        assert_eq!(detect(&mix(hill), None), [], "what is it of?");
    }
}

#[test]
fn a_ringing_kit_is_found_at_its_frequency() {
    let mut drums = vec![0.0; samples(8.0)];
    for eighth in 0..32 {
        let low = f64::from(u8::from(eighth % 4 == 0));
        mix_in(&mut drums, f64::from(eighth) * 0.25, &hit(eighth as u64, 0.3 * low, 0.7));
    }
    assert_eq!(findings_of(&drums, 1, Some(Label::Drums)), []);
    let rung = crate::meter::tests::ring(&drums, 1_500.0, 20.0, 20.0);
    let rung: Vec<f32> = rung.iter().map(|x| x * 0.3).collect();
    let found = findings_of(&rung, 1, Some(Label::Drums));
    check_only(&found, Kind::Resonance);
    let freq_hz = found[0].mv.unwrap().freq_hz.unwrap();
    assert!((freq_hz / 1_500.0 - 1.0).abs() < 0.03, "{freq_hz}");
}

#[test]
fn missing_ends_are_found() {
    let full_mix = Some(Label::FullMix);
    assert_eq!(detect(&mix(|_| 0.0), full_mix), []);
    check_only(&detect(&mix(|hz| if hz > 3_000.0 { -20.0 } else { 0.0 }), full_mix), Kind::Dull);
    let found = detect(&mix(|hz| if hz < 320.0 { -20.0 } else { 0.0 }), full_mix);
    assert_eq!(found.iter().max_by_key(|finding| finding.severity).unwrap().kind, Kind::Thin);
    found.iter().for_each(check_finding);
}

#[test]
fn sharp_s_sounds_are_those_of_voices() {
    let hissy = Measurements { sibilance_db: Some(9.0), ..mix(|_| 0.0) };
    let kinds = |label| kinds(&detect(&hissy, Some(label)));
    assert!(kinds(Label::Vocals).contains(&Kind::Sibilant));
    assert!(!kinds(Label::FullMix).contains(&Kind::Sibilant));
}

#[test]
fn graver_matters_come_first() {
    let found = after(|l, r| {
        let change = |x: f32| x * 0.3 + 0.05;
        (mapped(&l, change), mapped(&r, |x| 0.3 * change(x)))
    });
    let priorities: Vec<u8> = found.iter().map(|finding| finding.kind.priority()).collect();
    assert!(priorities.is_sorted(), "{found:?}");
    assert!(found.len() >= 2, "{found:?}");
}
