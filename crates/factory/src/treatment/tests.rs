//! Treatments over noise bursts and tones: always finite, never silent, and doing what the descriptors say.

use super::*;
use crate::rng::rng;

fn burst() -> Vec<f32> {
    let mut noise = Noise::new(&mut rng(7, "burst"));
    (0..48_000).map(|i| if i % 12_000 < 2_400 { 0.5 * noise.next() } else { 0.0 }).collect()
}

#[test]
fn every_treatment_is_finite_and_keeps_length_and_level() {
    let rooms = vec![vec![1.0, 0.5, 0.25], burst()[..9_600].to_vec()];
    for seed in 0..300 {
        let strength = [Strength::Stem, Strength::Part, Strength::Bus][seed as usize % 3];
        let treatment = Treatment::random(strength, rooms.len(), &mut rng(seed, "treatment"));
        let mut samples = burst();
        treatment.apply(&mut samples, &rooms);
        assert_eq!(samples.len(), 48_000);
        assert!(
            samples.iter().all(|x| x.is_finite() && x.abs() <= 0.5001),
            "seed {seed}: {treatment:?}"
        );
        assert!(rms(&samples) > 1e-3, "seed {seed} fell silent: {treatment:?}");
        assert!((0.0..=1.0).contains(&treatment.space) && (0.0..=1.0).contains(&treatment.dirt));
        let mut again = burst();
        treatment.apply(&mut again, &rooms);
        assert_eq!(samples, again, "seed {seed} is not deterministic");
    }
}

#[test]
fn convolution_with_an_impulse_delays_and_scales() {
    let mut response = vec![0.0; 50];
    response[20] = 0.5;
    let dry: Vec<f32> = burst()[..1000].to_vec();
    let wet = convolve::convolve(&dry, &response);
    assert_eq!(wet.len(), dry.len());
    for i in 20..1000 {
        assert!((wet[i] - 0.5 * dry[i - 20]).abs() < 1e-5);
    }
}

#[test]
fn a_compressor_flattens_and_a_hall_rings_on() {
    let mut samples = burst();
    samples[..12_000].iter_mut().for_each(|x| *x *= 0.1);
    let ratio = |s: &[f32]| rms(&s[12_000..24_000]) / rms(&s[..12_000]);
    let before = ratio(&samples);
    let squeeze =
        dynamics::Compressor { threshold_db: -30.0, ratio: 10.0, attack_s: 0.001, release_s: 0.1 };
    squeeze.run(&mut samples);
    assert!(ratio(&samples) < before * 0.5, "{} against {before}", ratio(&samples));

    let mut ringing = burst();
    let hall = Step::Hall { size: 0.8, t60_s: 2.0, damp_hz: 6000.0, wet: 1.0, delay_s: 0.02 };
    hall.apply(&mut ringing, &[]);
    assert!(rms(&ringing[4_800..9_600]) > 0.01, "the gap after the burst is filled");
}

#[test]
fn noise_comes_at_its_ratio() {
    for colour in [Colour::White, Colour::Pink, Colour::Hum] {
        let mut samples = burst();
        let before = samples.clone();
        Step::Noise { colour, ratio: 0.1, seed: 3 }.apply(&mut samples, &[]);
        let added: Vec<f32> = samples.iter().zip(&before).map(|(x, y)| x - y).collect();
        let ratio = rms(&added) / rms(&before);
        assert!((ratio - 0.1).abs() < 0.002, "{colour:?}: {ratio}");
    }
}
