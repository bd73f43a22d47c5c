//! Stretches pool as their frames do, parts and joins keep what they are made of.

use super::*;

const WIDTH: usize = 2;

/// Frames that no two parts share: `[frames, 2]`.
fn frames(count: usize) -> Vec<f32> {
    (0..count * WIDTH).map(|i| ((i * i) as f32 * 0.37).sin() + 5.0).collect()
}

/// A window of soft tokens 0, 1, 2... over stretches of three frames.
fn heard(frames: &[f32]) -> Heard {
    let window: Window = frames.chunks(3 * WIDTH).map(|f| Moments::of(f, WIDTH)).collect();
    let tokens: Vec<f32> = (0..window.len()).map(|i| i as f32).collect();
    let rows = (tokens.len(), 1);
    Heard {
        soft_tokens: Tensor::from_vec(tokens, rows, &Device::Cpu).unwrap(),
        windows: vec![window],
        beside: Vec::new(),
    }
}

fn tokens(heard: &Heard) -> Vec<f32> {
    heard.soft_tokens.flatten_all().unwrap().to_vec1().unwrap()
}

fn close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} {b:?}");
}

#[test]
fn stretches_pool_as_their_frames_do() {
    let frames = frames(10);
    let pooled: Vec<Vec<f32>> = heard(&frames).pooled().collect();
    let whole = Moments::of(&frames, WIDTH);
    let deviation: Vec<f32> = whole.variance.iter().map(|v| v.sqrt()).collect();
    close(&pooled[0], &[whole.mean, deviation].concat());
    let column: Vec<f32> = frames.iter().step_by(WIDTH).copied().collect();
    let mean = column.iter().sum::<f32>() / 10.0;
    let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 10.0;
    close(&[pooled[0][0], pooled[0][WIDTH]], &[mean, variance.sqrt()]);
}

#[test]
fn a_part_has_the_stretches_whose_middle_lies_in_it() {
    // Stretches of 3, 3, 3 and 1 frames: their middles lie at 0.15, 0.45, 0.75 and 0.95.
    let whole = heard(&frames(10));
    let part = |share| tokens(&whole.part(share).unwrap());
    assert_eq!(part(0.0..1.0), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(part(0.4..0.8), [1.0, 2.0]);
    assert_eq!(part(0.48..0.6), [1.0], "none lies in it: the one around its own middle");
    assert_eq!(part(1.0..1.0), [3.0]);
    let part = whole.part(0.4..0.8).unwrap();
    let alone = heard(&frames(10)[3 * WIDTH..9 * WIDTH]);
    close(&part.pooled().next().unwrap(), &alone.pooled().next().unwrap());
}

#[test]
fn joined_windows_stay_apart() {
    let (one, other) = (heard(&frames(6)), heard(&frames(10)[6..]));
    let joined = Heard::join(&[&one, &other]).unwrap();
    assert_eq!(joined.windows.len(), 2);
    assert_eq!(tokens(&joined).len(), 2 + other.windows[0].len());
    close(&joined.pooled().nth(1).unwrap(), &other.pooled().next().unwrap());
    assert_eq!(tokens(&joined.part(0.0..0.1).unwrap()).len(), tokens(&joined).len());
}

#[test]
fn company_goes_with_what_it_was_heard_beside() {
    let (one, other) = (heard(&frames(6)), heard(&frames(10)[6..]));
    let among = one.clone().among([&other, &other]);
    assert_eq!((among.windows.len(), among.beside.len()), (1, 2));
    assert_eq!(among.part(0.0..0.5).unwrap().beside.len(), 2);
    let joined = Heard::join(&[&among, &other]).unwrap();
    assert_eq!((joined.windows.len(), joined.beside.len()), (2, 2));
    assert_eq!(tokens(&among), tokens(&one), "what it says of itself is its own");
}

#[test]
fn windows_of_two_models_are_not_joined() {
    let narrow = Heard { windows: vec![vec![Moments::of(&[1.0], 1)]], ..heard(&frames(3)) };
    assert!(Heard::join(&[&heard(&frames(3)), &narrow]).is_err());
    assert!(Heard::join(&[]).is_err());
}
