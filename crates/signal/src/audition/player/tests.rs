//! A player in time that is told: what passes untouched, what is heard, and when it ends.

use std::f64::consts::PI;
use std::time::Duration;

use super::super::{Switch, audition};
use super::*;

const RATE: f64 = 48_000.0;

/// Two sines, so that a move at one of them changes the balance; the right channel a little softer.
fn sound(seconds: f64) -> Vec<[f32; 2]> {
    let sine = |hz: f64, n: usize| (2.0 * PI * hz * n as f64 / RATE).sin();
    (0..(seconds * RATE) as usize)
        .map(|n| (0.2 * sine(300.0, n) + 0.1 * sine(3_000.0, n)) as f32)
        .map(|x| [x, 0.8 * x])
        .collect()
}

/// Plays a stereo sound in blocks of 64 frames, as fast as it sounds.
fn play(player: &mut Player, sound: &[[f32; 2]], before: impl FnMut(usize)) -> Vec<[f32; 2]> {
    play_at(1.0, player, sound, before)
}

/// The same so many times as fast.
fn play_at(
    speed: f64,
    player: &mut Player,
    sound: &[[f32; 2]],
    mut before: impl FnMut(usize),
) -> Vec<[f32; 2]> {
    let (mut out, start) = (Vec::new(), Instant::now());
    for (number, block) in sound.chunks(64).enumerate() {
        before(number * 64);
        let mut left: Vec<f32> = block.iter().map(|frame| frame[0]).collect();
        let mut right: Vec<f32> = block.iter().map(|frame| frame[1]).collect();
        let played = Duration::from_secs_f64(64.0 * number as f64 / RATE / speed);
        player.play(&mut [&mut left, &mut right], false, || start + played);
        out.extend(left.into_iter().zip(right).map(|(left, right)| [left, right]));
    }
    out
}

fn ready() -> (Switch, Player) {
    let (switch, mut player) = audition();
    player.prepare(2, RATE, false);
    (switch, player)
}

fn cut() -> Trial {
    Trial::new(Shape::Peak, 300.0, 1.0, -12.0)
}

/// Mean power of the left channel at a frequency, in dB.
fn level_db(sound: &[[f32; 2]], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, frame) in sound.iter().enumerate() {
        let angle = 2.0 * PI * hz * n as f64 / RATE;
        re += f64::from(frame[0]) * angle.cos();
        im += f64::from(frame[0]) * angle.sin();
    }
    10.0 * ((re * re + im * im) / (sound.len() as f64).powi(2)).log10()
}

/// K-weighted power of both channels, in dB.
fn loudness_db(sound: &[[f32; 2]]) -> f64 {
    let mut balance = Balance::new(48_000);
    for frame in sound {
        let mut dry = [0.0; CHANNELS];
        (dry[0], dry[1]) = (f64::from(frame[0]), f64::from(frame[1]));
        balance.gain(&dry, &dry, 2);
    }
    10.0 * balance.power[0].log10()
}

/// The largest second difference: a click's mark.
fn roughness(sound: &[[f32; 2]]) -> f32 {
    let bend = |w: &[[f32; 2]]| (w[0][0] - 2.0 * w[1][0] + w[2][0]).abs();
    sound.windows(3).map(bend).fold(0.0, f32::max)
}

#[test]
fn off_it_is_a_wire_before_and_after() {
    let ((switch, mut player), sound) = (ready(), sound(2.0));
    assert_eq!(play(&mut player, &sound, |_| {}), sound);
    switch.set(Some(cut()));
    let tried = play(&mut player, &sound, |_| {
        switch.look();
    });
    assert_ne!(tried, sound);
    switch.set(None);
    let after = play(&mut player, &sound, |_| {});
    let faded = (2.0 * FADE_S * RATE) as usize;
    assert_eq!(after[faded..], sound[faded..], "to the bit, as soon as it has faded out");
}

#[test]
fn a_move_is_heard_as_loud_as_the_sound_without_it_and_without_a_click() {
    let ((switch, mut player), sound) = (ready(), sound(3.0));
    let tried = play(&mut player, &sound, |at| match at {
        0 => switch.set(Some(cut())),
        96_000 => switch.set(Some(Trial::new(Shape::HighShelf, 2_000.0, 0.7, 6.0))),
        134_400 => switch.set(None),
        _ => {
            switch.look();
        }
    });
    let (before, during) = (&sound[48_000..90_000], &tried[48_000..90_000]);
    let change = |hz| level_db(during, hz) - level_db(before, hz);
    assert!((change(300.0) - change(3_000.0) + 12.0).abs() < 0.3, "{}", change(300.0));
    let louder = loudness_db(during) - loudness_db(before);
    assert!(louder.abs() < 0.3, "{louder} dB louder");
    // Louder treble bends more: by no more than its own gain, at any moment.
    let most = 10f32.powf(8.0 / 20.0) * roughness(&sound);
    assert!(roughness(&tried) < most, "{} of {most}", roughness(&tried));
}

#[test]
fn it_ends_by_itself_when_nobody_looks() {
    let ((switch, mut player), sound) = (ready(), sound(4.0));
    switch.set(Some(cut()));
    let tried = play(&mut player, &sound, |_| {});
    assert_ne!(tried[24_000..48_000], sound[24_000..48_000]);
    let end = ((UNSEEN_S + 0.1) * RATE) as usize;
    assert_eq!(tried[end..], sound[end..]);
    assert_eq!(switch.look(), None, "and the switch knows");
}

#[test]
fn nothing_is_tried_in_a_render_or_a_bypass_or_after_a_new_start() {
    let ((switch, mut player), sound) = (ready(), sound(0.5));
    switch.set(Some(cut()));
    player.prepare(2, RATE, false);
    assert_eq!(play(&mut player, &sound, |_| {}), sound, "a stream begins without");
    player.prepare(1, RATE, false);
    switch.set(Some(Trial::new(Shape::InvertRight, 1.0, 1.0, 0.0)));
    let mut mono: Vec<f32> = sound.iter().map(|frame| frame[0]).collect();
    let same = mono.clone();
    player.play(&mut [&mut mono], false, Instant::now);
    assert_eq!(mono, same, "there is no right side");
    switch.set(Some(cut()));
    player.play(&mut [&mut mono], true, Instant::now);
    assert_eq!(mono, same, "bypassed");
    assert_eq!(switch.look(), None, "and it stays off after");
}

#[test]
fn it_ends_in_a_render_that_nobody_told_of() {
    let ((switch, mut player), sound) = (ready(), sound(2.0));
    switch.set(Some(cut()));
    let tried = play_at(3.0, &mut player, &sound, |_| {
        switch.look();
    });
    let end = (1.5 * AHEAD_S * RATE + 2.0 * FADE_S * RATE) as usize;
    assert_eq!(tried[end..], sound[end..]);
    assert_eq!(switch.look(), None);
}

#[test]
fn what_the_host_says_of_a_render_is_a_hint() {
    let ((switch, mut player), sound) = (ready(), sound(2.0));
    player.prepare(2, RATE, true);
    switch.set(Some(cut()));
    let look = |_| {
        switch.look();
    };
    assert_ne!(
        play(&mut player, &sound, look)[24_000..48_000],
        sound[24_000..48_000],
        "it is played"
    );
    player.prepare(2, RATE, true);
    switch.set(Some(cut()));
    let tried = play_at(3.0, &mut player, &sound, look);
    let end = (1.5 * RENDER_AHEAD_S * RATE + 2.0 * FADE_S * RATE) as usize;
    assert_eq!(tried[end..], sound[end..], "it is rendered");
    assert_eq!(switch.look(), None);
}

#[test]
fn rubbish_passes_and_leaves_nothing_behind() {
    let ((switch, mut player), mut sound) = (ready(), sound(1.0));
    switch.set(Some(cut()));
    sound[20_000] = [f32::NAN, f32::INFINITY];
    let tried = play(&mut player, &sound, |_| {});
    let broken = tried.iter().filter(|frame| !frame[0].is_finite()).count();
    assert_eq!(broken, 1, "the one that came in");
    assert_ne!(tried[40_000..], sound[40_000..], "and it goes on");
}

#[test]
fn sides_are_changed_as_they_should() {
    let check = |trial: Trial, expected: fn([f32; 2]) -> [f32; 2]| {
        let ((switch, mut player), sound) = (ready(), sound(1.0));
        switch.set(Some(trial));
        let tried = play(&mut player, &sound, |_| {});
        let (mut difference, mut power) = (0.0, 0.0);
        for (tried, dry) in tried.iter().zip(&sound).skip(24_000) {
            let wet = expected(*dry);
            let scale = f32::hypot(dry[0], dry[1]) / f32::hypot(wet[0], wet[1]).max(1e-9);
            difference += f64::from(tried[0] - scale * wet[0]).powi(2);
            difference += f64::from(tried[1] - scale * wet[1]).powi(2);
            power += f64::from(dry[0]).powi(2) + f64::from(dry[1]).powi(2);
        }
        assert!(difference < 1e-4 * power, "{trial}: {}", difference / power);
    };
    check(Trial::new(Shape::InvertRight, 1.0, 1.0, 0.0), |[l, r]| [l, -r]);
    check(Trial::new(Shape::Left, 1.0, 1.0, -6.0), |[l, r]| [0.501_187 * l, r]);
    check(Trial::new(Shape::MonoBelow, 20_000.0, 0.7, 0.0), |[l, r]| [(l + r) / 2.0; 2]);
}
