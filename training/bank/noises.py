"""Renders what is no music, as shards that `shards.py` reads: hiss, hum and rooms, in which nothing plays, and weather, crowds, steps and
engines, which mixers call effects.

    noises.py --out ../work/clips/train-q0 [--count 2048] [--seed 0]
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfilt
from sound import RATE

SECONDS = 4.0
LENGTH = int(SECONDS * RATE)


def coloured(rng, slope_db):
    """Gaussian noise that falls by so many decibels an octave, of unit power."""
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    hertz = np.maximum(np.fft.rfftfreq(LENGTH, 1 / RATE), 20.0)
    sound = np.fft.irfft(spectrum * (hertz / 1000.0) ** (-slope_db / 6.02), LENGTH)
    return unit(sound)


def unit(sound):
    return sound / np.sqrt((sound**2).mean() + 1e-12)


def band(sound, low_hz, high_hz, order=2):
    return sosfilt(butter(order, [low_hz, min(high_hz, 0.49 * RATE)], "band", fs=RATE, output="sos"), sound)


def swell(rng, points, depth):
    """A slow random envelope between `1 - depth` and 1."""
    return 1 - depth + depth * np.interp(np.arange(LENGTH), np.linspace(0, LENGTH, points), rng.random(points))


def scattered(rng, count, low_s, high_s):
    """Short bursts of noise that decay, anywhere: drops, claps, crackle."""
    sound = np.zeros(LENGTH)
    for start in rng.integers(0, LENGTH, count):
        length = min(int(rng.uniform(low_s, high_s) * RATE), LENGTH - start)
        sound[start : start + length] += rng.standard_normal(length) * np.exp(-np.arange(length) / (0.2 * length + 1)) * rng.random()
    return sound


def hiss(rng):
    return coloured(rng, rng.uniform(-1, 8))


def room(rng):
    """Air and machines far away: dark noise, sometimes with a tone of the mains in it."""
    return band(coloured(rng, rng.uniform(3, 8)), rng.uniform(20, 60), rng.uniform(800, 10_000)) + (rng.random() < 0.3) * 0.3 * hum(rng)


def hum(rng):
    """The mains and its harmonics, steady."""
    base, at = rng.choice([50.0, 60.0, 100.0, 120.0]), np.arange(LENGTH) / RATE
    odd, fall = rng.random() < 0.6, rng.uniform(0.3, 1.6)
    parts = [n for n in range(1, int(rng.integers(3, 40))) if not odd or n % 2 or n == 2]
    sound = sum(rng.uniform(0.3, 1) * n**-fall * np.sin(2 * np.pi * base * n * at + rng.uniform(0, 6.3)) for n in parts)
    return unit(sound) + rng.uniform(0, 0.2) * coloured(rng, rng.uniform(0, 6))


def rain(rng):
    low = rng.uniform(500, 2500)
    return band(scattered(rng, int(rng.uniform(1500, 8000)), 0.001, 0.02), low, rng.uniform(2, 5) * low) + rng.uniform(0.002, 0.05) * coloured(rng, 3)


def wind(rng):
    low = rng.uniform(60, 400)
    return band(coloured(rng, rng.uniform(0, 5)), low, low * rng.uniform(2, 8)) * swell(rng, int(rng.integers(4, 20)), rng.uniform(0.4, 1))


def applause(rng):
    low = rng.uniform(300, 900)
    return band(scattered(rng, int(10 ** rng.uniform(1.5, 3.2)), 0.008, 0.06), low, rng.uniform(2500, 8000), 1) * swell(rng, 6, 0.4)


def steps(rng):
    """Feet, or keys of a computer: no two alike, never quite in time."""
    sound, at, gap = np.zeros(LENGTH), 0.0, rng.uniform(0.12, 0.8)
    low = rng.uniform(80, 1500)
    while at < SECONDS - 0.2:
        start, length = int(at * RATE), int(rng.uniform(0.03, 0.2) * RATE)
        length = min(length, LENGTH - start)
        sound[start : start + length] += rng.standard_normal(length) * np.exp(-np.arange(length) / (0.2 * length)) * rng.uniform(0.4, 1)
        at += gap * rng.uniform(0.7, 1.4)
    return band(sound, low, low * rng.uniform(3, 10), 1) + rng.uniform(0, 0.02) * coloured(rng, 4)


def engine(rng):
    """Something that turns, at a speed that wanders, and its noise."""
    speed = np.cumsum(rng.uniform(15, 120) * swell(rng, 6, rng.uniform(0, 0.5))) / RATE
    sound = sum(n ** -rng.uniform(0.3, 1.2) * np.sin(2 * np.pi * n * speed + rng.uniform(0, 6.3)) for n in range(1, 40))
    return unit(sound) + rng.uniform(0.2, 1.5) * coloured(rng, rng.uniform(2, 7))


NOTHING, EFFECTS = (hiss, room, hum), (rain, wind, applause, steps, engine)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--out", required=True)
    args.add_argument("--count", type=int, default=2048)
    args.add_argument("--seed", type=int, default=0)
    a = args.parse_args()
    rng, out = np.random.default_rng(a.seed), Path(a.out)
    with out.with_suffix(".f16").open("wb") as sounds, out.with_suffix(".jsonl").open("w") as truths:
        for number in range(a.count):
            effects = number % 2 == 1
            kinds = EFFECTS if effects else NOTHING
            sound = unit(kinds[rng.integers(len(kinds))](rng)) * 10 ** (rng.uniform(-45, -16) / 20)
            sounds.write(np.clip(sound, -1, 1).astype("<f2").tobytes())
            names = ["fx"] if effects else []
            truth = {
                "kind": "noise", "label": names[0] if names else None, "instruments": names, "levels_db": [0.0] * len(names),
                "source": "noises", "scene": None, "descriptors": None, "tempo_bpm": None,
            }  # fmt: skip
            truths.write(json.dumps(truth) + "\n")
    out.with_suffix(".done").touch()


if __name__ == "__main__":
    main()
