//! The offline driver from end to end, with the embedded model.

use std::f32::consts::TAU;

use super::*;
use crate::{
    Company, Labelled, Narration, Part, Per, Request, SILENCE, Samples, Span, Timeline, advise,
    label, narrate, open_model,
};

const RATE_HZ: u32 = 24_000;

/// Runs `work` with a number of threads.
fn with<T>(threads: usize, model: Option<&Model>, work: impl FnOnce(&Context<'_>) -> T) -> T {
    let workers = Workers::new(Some(threads)).unwrap();
    let cancel = AtomicBool::new(false);
    work(&Context { workers: &workers, model, progress: &|_, _, _| {}, cancel: &cancel })
}

fn model() -> Model {
    open_model(None, models::DeviceChoice::Cpu, &|_| ()).expect("model-assets/ is whole").model
}

/// A kick on every beat at 120 BPM, an off-beat hiss and a bass note that changes with the bar, in stereo.
fn song(seconds: u32) -> Samples {
    let mut state = 7u32;
    let mut out = Vec::new();
    for i in 0..seconds * RATE_HZ {
        let t = i as f32 / RATE_HZ as f32;
        let (beat, bar) = (t % 0.5, (t / 2.0) as u32);
        let kick =
            (TAU * (50.0 * beat + 2.0 * (1.0 - (-beat * 30.0).exp()))).sin() * (-beat * 12.0).exp();
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = state as f32 / u32::MAX as f32 - 0.5;
        let hat = white * (-((t + 0.25) % 0.5) * 40.0).exp();
        let bass = (TAU * 55.0 * [1.0, 1.0, 1.335, 1.498][bar as usize % 4] * t).sin();
        out.extend([0.5 * kick + 0.2 * hat + 0.2 * bass, 0.5 * kick + 0.1 * hat + 0.2 * bass]);
    }
    Samples::new(RATE_HZ, 2, out)
}

fn told(threads: usize, model: &Model, per: Per, bpm: Option<f64>) -> Timeline {
    let narration = Narration { per, bpm, ..Narration::default() };
    with(threads, Some(model), |context| narrate(context, &mut song(16), &narration).unwrap())
}

#[test]
fn captions_cover_the_file_bar_by_bar() {
    let model = model();
    let timeline = told(2, &model, Per::Bar, Some(120.0));
    assert_eq!(timeline.captions.len(), 8);
    for (index, caption) in timeline.captions.iter().enumerate() {
        assert_eq!(caption.bar, Some(index as i64 + 1));
        assert!((caption.start_s - 2.0 * index as f64).abs() < 1e-6, "{caption:?}");
        assert!((caption.end_s - caption.start_s - 2.0).abs() < 1e-6, "{caption:?}");
        assert!(!caption.text.is_empty() && caption.loudness_lufs.is_some());
    }
    assert!(!timeline.summary.is_empty());
    assert_eq!(timeline.segments.last().map(|s| s.end_s), Some(16.0));
}

#[test]
fn captions_are_the_same_for_any_number_of_threads() {
    let model = model();
    let one = told(1, &model, Per::Seconds(2.5), None);
    assert_eq!(one, told(3, &model, Per::Seconds(2.5), None));
    assert_eq!(one, told(1, &model, Per::Seconds(2.5), None));
    assert!(one.captions.iter().all(|caption| caption.bar.is_none()));
}

#[test]
fn silence_is_called_silence() {
    let model = model();
    let silent = || Samples::new(RATE_HZ, 1, vec![0.0; 5 * RATE_HZ as usize]);
    with(1, Some(&model), |context| {
        let timeline = narrate(context, &mut silent(), &Narration::default()).unwrap();
        assert_eq!(timeline.summary, SILENCE);
        assert!(
            timeline
                .captions
                .iter()
                .all(|c| c.text == SILENCE && c.labels.is_empty() && c.confidence == 0.0)
        );
        let Labelled { label: named, abstained, notes, .. } =
            label(context, &mut silent()).unwrap();
        assert_eq!((named, abstained, notes["label"].as_str()), (None, true, "silence"));
        let advice =
            advise(context, &mut silent(), &Request::default(), Company::default()).unwrap();
        assert!(advice.findings.iter().any(|f| f.kind == signal::FindingKind::Silence));
        assert_eq!(advice.answer.unwrap().text, SILENCE);
    });
}

#[test]
fn advice_states_what_it_heard() {
    let model = model();
    let request = Request { part: Part::Bar(2), bpm: Some(120.0), ..Request::default() };
    let advice = with(2, Some(&model), |context| {
        advise(context, &mut song(8), &request, Company::default()).unwrap()
    });
    assert_eq!((advice.scope.start_s, advice.scope.end_s, advice.scope.bar), (2.0, 4.0, Some(2)));
    assert!(advice.scope.signal_s > 1.5);
    let beyond = Request { part: Part::Bar(9), ..request };
    let error = with(1, Some(&model), |c| advise(c, &mut song(8), &beyond, Company::default()))
        .unwrap_err();
    assert_eq!(
        (error.field().as_str(), error.message().as_str()),
        ("bar", "the file has bars 1 to 4, not 9")
    );
}

#[test]
fn what_cannot_be_measured_names_its_field() {
    let check = |samples: Vec<f32>, word: &str| {
        let error = with(1, None, |context| {
            measure(context, &mut Samples::new(RATE_HZ, 1, samples.clone()))
        })
        .unwrap_err();
        assert_eq!(error.field(), "samples");
        assert!(error.message().contains(word), "{error}");
        let error = with(1, None, |context| scan(context, &mut Samples::new(RATE_HZ, 1, samples)))
            .unwrap_err();
        assert_eq!(error.field(), "samples");
    };
    check(vec![], "no audio");
    check(vec![0.0, f32::NAN, 0.0], "frame 1");
    check(vec![f32::INFINITY], "frame 0");
}

#[test]
fn a_cancelled_job_ends() {
    let workers = Workers::new(Some(1)).unwrap();
    let cancel = AtomicBool::new(true);
    let context =
        Context { workers: &workers, model: None, progress: &|_, _, _| {}, cancel: &cancel };
    assert!(matches!(measure(&context, &mut song(2)), Err(EngineError::Cancelled)));
}

#[test]
fn work_comes_back_in_the_order_of_the_cuts() {
    let spans = [(3.0, 4.0), (0.0, 1.0), (0.5, 3.5), (9.0, 10.0)];
    let cuts =
        spans.map(|(start_s, end_s)| Cut { measure: None, window: Some(Span { start_s, end_s }) });
    let lengths = with(2, None, |context| {
        hear(context, &mut song(4), &cuts, "", |index, heard| {
            Ok((index, heard.window.unwrap().len()))
        })
        .unwrap()
    });
    assert_eq!(lengths, [(0, 24_000), (1, 24_000), (2, 72_000), (3, 0)]);
}
