//! Cuts hold exactly the frames they name, for any block size.

use super::*;

#[test]
fn windows_are_widened_and_narrowed_around_the_middle() {
    let check = |span: (f64, f64), duration_s, expected: (f64, f64)| {
        let window = Span { start_s: span.0, end_s: span.1 }.window(duration_s);
        assert!((window.start_s - expected.0).abs() < 1e-9, "{window:?}");
        assert!((window.end_s - expected.1).abs() < 1e-9, "{window:?}");
    };
    check((10.0, 12.0), 60.0, (9.0, 13.0));
    check((0.0, 2.0), 60.0, (0.0, 4.0));
    check((58.0, 60.0), 60.0, (56.0, 60.0));
    check((10.0, 14.0), 60.0, (10.0, 14.0));
    check((10.0, 30.0), 60.0, (17.0, 23.0));
    check((0.0, 0.5), 0.5, (0.0, 0.5));
}

/// Runs a ramp at the model's rate through a cutter and returns the windows by cut.
fn windows(cuts: &[Cut], frames: usize, block: usize) -> Vec<Vec<f32>> {
    let ramp: Vec<f32> = (0..frames).map(|i| i as f32).collect();
    let mut cutter = Cutter::new(MODEL_RATE_HZ, 1, cuts);
    let mut ready = Vec::new();
    for chunk in ramp.chunks(block) {
        cutter.push(chunk, &mut ready).unwrap();
    }
    cutter.finish(&mut ready).unwrap();
    ready.sort_by_key(|slice| slice.index);
    ready.into_iter().map(|slice| slice.window.unwrap()).collect()
}

#[test]
fn cuts_hold_their_frames_for_any_block_size() {
    let span = |start_s, end_s| Span { start_s, end_s };
    let cuts: Vec<Cut> = [span(0.5, 1.0), span(0.0, 0.25), span(0.75, 1.5), span(1.75, 9.0)]
        .map(|window| Cut { measure: None, window: Some(window) })
        .into();
    for block in [1000, 4096, 48_000] {
        let got = windows(&cuts, 48_000, block);
        assert_eq!(got.len(), 4);
        for (window, expected) in
            got.iter().zip([12_000..24_000, 0..6000, 18_000..36_000, 42_000..48_000])
        {
            assert_eq!(window.len(), expected.len(), "block {block}");
            assert_eq!(window.first().copied(), Some(expected.start as f32));
            assert_eq!(window.last().copied(), Some(expected.end as f32 - 1.0));
        }
    }
}

#[test]
fn a_cut_beyond_the_end_comes_out_empty() {
    let beyond = Span { start_s: 5.0, end_s: 6.0 };
    let got = windows(&[Cut { measure: None, window: Some(beyond) }], 24_000, 4096);
    assert_eq!(got, vec![Vec::<f32>::new()]);
}

#[test]
fn the_model_rate_is_left_alone() {
    let samples: Vec<f32> = (0..100).map(|i| (i as f32 * 0.1).sin()).collect();
    assert_eq!(to_model_rate(&samples, 1, MODEL_RATE_HZ).unwrap(), samples);
    let halved = to_model_rate(&[0.25; 96_000], 2, 48_000).unwrap();
    assert_eq!(halved.len(), 24_000);
    assert!((halved[12_000] - 0.25).abs() < 1e-3);
}
