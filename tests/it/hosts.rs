//! The built CLAP in a host by somebody else (clack): the wire, the layouts, and what a project brings back.
//!
//! `cargo xtask test` names the bundle in BARLINE_CLAP; without it the library is built first.

mod capture;
mod clap;

use clap::{Instance, Memory};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

const RATES_HZ: [f64; 4] = [44_100.0, 48_000.0, 96_000.0, 192_000.0];
const MAX_FRAMES: usize = 1024;

/// Samples of any bit pattern: infinities, denormals and NaN pass a wire too.
fn noise(rng: &mut Pcg64Mcg, channels: usize, frames: usize) -> Vec<Vec<f32>> {
    (0..channels).map(|_| (0..frames).map(|_| f32::from_bits(rng.next_u32())).collect()).collect()
}

/// Sends random blocks through an active instance and compares every bit.
fn assert_wire(instance: &mut Instance, channels: usize, rate_hz: f64, memory: Memory, seed: u64) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let sizes: Vec<usize> = [1, MAX_FRAMES]
        .into_iter()
        .chain((0..60).map(|_| rng.random_range(1..=MAX_FRAMES)))
        .collect();
    let blocks: Vec<_> = sizes.iter().map(|&frames| noise(&mut rng, channels, frames)).collect();
    let heard = instance.process(rate_hz, MAX_FRAMES, &blocks, &[], memory);
    for (index, (sent, got)) in blocks.iter().zip(&heard).enumerate() {
        for (channel, (sent, got)) in sent.iter().zip(got).enumerate() {
            let same = sent.iter().map(|x| x.to_bits()).eq(got.iter().map(|x| x.to_bits()));
            assert!(
                same,
                "block {index} of {} frames, channel {channel}, {rate_hz} Hz, {memory:?}",
                sent.len()
            );
        }
    }
    assert_eq!(heard.len(), blocks.len());
}

#[test]
fn the_wire_is_exact_at_every_rate_and_block_size() {
    let mut instance = Instance::new();
    for (index, rate_hz) in RATES_HZ.into_iter().enumerate() {
        for memory in [Memory::Apart, Memory::InPlace] {
            assert_wire(&mut instance, 2, rate_hz, memory, 1 + index as u64);
        }
    }
}

#[test]
fn the_wire_is_exact_in_mono() {
    let mut instance = Instance::new();
    assert_eq!(instance.layouts(), [2, 1, 6, 8, 5, 7].map(|count| (count, count)));
    instance.select_layout(1);
    assert_wire(&mut instance, 1, 48_000.0, Memory::Apart, 11);
    assert_wire(&mut instance, 1, 48_000.0, Memory::InPlace, 12);
}

#[test]
fn the_wire_is_exact_in_surround() {
    let mut instance = Instance::new();
    for (index, channels) in [(2, 6), (3, 8)] {
        instance.select_layout(index);
        assert_wire(&mut instance, channels, 48_000.0, Memory::Apart, 13);
    }
}

#[test]
fn the_wire_has_no_latency() {
    assert_eq!(Instance::new().latency(), 0);
}

#[test]
fn identity_and_parameters_are_those_of_saved_projects() {
    let mut instance = Instance::new();
    assert_eq!(clap::descriptors(), [("audio.barline.barline".to_owned(), "Barline".to_owned())]);
    let params = instance.params();
    let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
    for (name, value) in [("Listen", 1.0), ("Ask", 0.0), ("Arm captions", 0.0)] {
        let param = params.iter().find(|param| param.name == name);
        assert_eq!(param.map(|param| param.value), Some(value), "{name} among {names:?}");
    }
}

#[test]
fn a_state_brings_back_all_but_the_question() {
    let mut instance = Instance::new();
    let silence = [vec![vec![0.0; 64]; 2]];
    instance.process(
        48_000.0,
        64,
        &silence,
        &[("Listen", 0.0), ("Ask", 1.0), ("Arm captions", 1.0)],
        Memory::Apart,
    );
    assert_eq!(instance.values(), [("Listen", 0.0), ("Ask", 1.0), ("Arm captions", 1.0)]);
    let saved = instance.save();

    let mut other = Instance::new();
    other.load(&saved).expect("the plugin's own state");
    assert_eq!(other.values(), [("Listen", 0.0), ("Ask", 0.0), ("Arm captions", 1.0)]);
    let again = other.save();
    let mut third = Instance::new();
    third.load(&again).expect("the plugin's own state");
    assert_eq!(third.values(), other.values());
    assert_eq!(third.save(), again, "a state that was loaded is saved as it was");
}

#[test]
fn a_broken_state_changes_nothing_and_the_wire_still_runs() {
    let mut instance = Instance::new();
    let good = instance.save();
    let mut rng = Pcg64Mcg::seed_from_u64(21);
    let random: Vec<u8> = (0..300).map(|_| rng.random()).collect();
    for broken in [&[][..], &random, &good[..good.len() / 2], &[0; 64]] {
        assert!(instance.load(broken).is_err(), "{} bytes of rubbish were taken", broken.len());
    }
    assert_eq!(instance.values(), [("Listen", 1.0), ("Ask", 0.0), ("Arm captions", 0.0)]);
    assert_wire(&mut instance, 2, 44_100.0, Memory::Apart, 22);
}

#[test]
fn many_instances_in_one_process_do_not_disturb_each_other() {
    let mut instances: Vec<Instance> = (0..8).map(|_| Instance::new()).collect();
    for (index, instance) in instances.iter_mut().enumerate() {
        assert_wire(instance, 2, 48_000.0, Memory::InPlace, 31 + index as u64);
    }
}
