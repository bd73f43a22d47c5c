"""Fits the tonal balance network of crates/analysis (detect/balance) and writes its weights as Rust.

    factory songs --seeds 500000..500110 --rate 44100 --out work/songs
    work/venv/bin/python train_tone.py --songs work/songs --clips work/clips/train-[fn]*.f16 work/clips/train-m[01].f16 \\
        --phrases work/clips/train-[rp]*.f16 --unseen work/clips/songs-0.f16 --out ../crates/analysis/src/detect/balance/weights.rs

What is read is sound without faults, as third-octave levels. Humps and shelves are added to the levels here, within the regions that
the detector names, of any width, depth and place, and sometimes taken back in part, as its moves do. Nothing is read of how the
factory plants faults; songs that have some are left out. The last half of the songs is not fitted on: where an amount is out of the
ordinary is read there, and in the unseen scenes.
"""

import argparse
import json
import struct
import textwrap
from pathlib import Path

import numpy as np
import torch

from shards import LABELS, samples, truths

KINDS = "boomy muddy boxy harsh sibilant dull thin".split()
# 25 Hz to 10 kHz: what recordings at 24 kHz have.
BANDS = 27
EDGES_HZ = 1000 * 10 ** ((np.arange(BANDS + 1) - 16.5) / 10)
CENTRES_HZ = 1000 * 10 ** ((np.arange(BANDS) - 16) / 10)
HUMPS = 5
FULL_MIX = LABELS.index("full-mix")
VOICES = [LABELS.index("vocals"), LABELS.index("speech")]
# Of each kind: where its middle or corner lies in Hz, its width in octaves, its amount in dB.
LOW_HZ = np.array([65, 190, 410, 2200, 5500, 1800, 180.0])
HIGH_HZ = np.array([170, 400, 850, 5000, 9000, 4500, 500.0])
NARROW = np.array([0.8, 0.8, 0.8, 0.7, 0.6, 1, 1])
WIDE = np.array([1.5, 1.5, 1.5, 1.5, 1.2, 1, 1])
MOST_DB = np.array([17, 17, 17, 17, 17, 36, 36.0])
SHELF_Q = 0.7071
# What changes less than this share of the power is not heard.
HEARD = 0.01
FLOOR_DB = -70.0
OUTPUT_DB = 10.0
FIRST, SECOND = 96, 48
SCALE = 256
SILENT = 1e-7
# Where an amount is minor, clear and severe at the least: a broad hump of 3 dB is heard in music (Toole and Olive 1988), what is
# missing later than what is added (Buecklein 1981), and expected amounts are about half of those that were planted.
LIMITS_DB = np.array([[1.5, 5, 8]] * HUMPS + [[2.5, 8, 15]] * 2)
# The shares of ordinary sounds that lie below the first two.
ORDINARY = (0.9, 0.97)
# Of each shard of recordings.
PHRASES = 600
SUITABLE = "acoustic-guitar drums electric-guitar piano speech vocals full-mix".split()


def levels_db(wave, rate_hz):
    """Third-octave levels [bands] of one sound, [samples] or [samples, channels]: mean power of Hann-windowed frames."""
    size = 8192 if rate_hz < 32_000 else 16_384
    frames = np.lib.stride_tricks.sliding_window_view(wave, size, axis=0)[:: size // 2]
    spectrum = np.fft.rfft(frames * np.hanning(size), axis=-1)
    power = (np.abs(spectrum) ** 2).reshape(-1, size // 2 + 1).mean(0) / (size * size * 0.375 / 2)
    below = np.concatenate([[0], np.cumsum(power)])
    edges = np.clip(EDGES_HZ / (rate_hz / size) + 0.5, 0, len(power))
    return 10 * np.log10(np.maximum(np.diff(np.interp(edges, np.arange(len(below)), below)), 1e-14))


def stems(paths, chosen):
    """Truth and samples of single stems that sound, of the rows that `chosen` picks out of each shard's truths."""
    for path in paths:
        truth = truths(path)
        wave = samples(path, len(truth))
        for row in chosen(truth):
            sound = wave[row].astype(np.float32)
            if truth[row]["kind"] == "stem" and truth[row]["label"] and np.mean(sound**2) > SILENT:
                yield truth[row], sound


def of_shards(paths):
    """Levels, label, song and moment of the stems of `factory scenes` and soundfont.py."""
    sounds = stems(paths, lambda truth: [row for row, clip in enumerate(truth) if clip["scene"]])
    where = lambda clip: (LABELS.index(clip["label"]), clip["scene"]["song"], clip["scene"]["number"])
    return [(levels_db(sound, 24_000), *where(clip)) for clip, sound in sounds]


def of_phrases(paths, rng):
    """The same of some recordings alone."""
    sounds = stems(paths, lambda truth: rng.choice(len(truth), min(PHRASES, len(truth)), replace=False))
    return [(levels_db(sound, 24_000), LABELS.index(clip["label"]), number, 0) for number, (clip, sound) in enumerate(sounds)]


def of_songs(folder, rng):
    """The same of what `factory songs` writes, without the sounds that have a fault: the loudest ten seconds and a short stretch."""
    out = []
    for truth_path in sorted(Path(folder).glob("song-*/truth.json")):
        truth = json.loads(truth_path.read_text())
        on = [defect["on"] for defect in truth["defects"]]
        spoilt = {place["stem"] for place in on if place != "mix"}
        sounds = [(stem["file"], stem["label"], n in spoilt) for n, stem in enumerate(truth["stems"])]
        for file, label, faulty in [*sounds, ("mix.wav", "full-mix", bool(on))]:
            if faulty:
                continue
            wave, rate_hz = read_wav(truth_path.parent / file)
            seconds = [np.sum(wave[i : i + rate_hz] ** 2) for i in range(0, len(wave), rate_hz)]
            loudest = int(np.argmax(np.convolve(seconds, np.ones(10), "valid"))) * rate_hz
            length = int(rng.uniform(1.5, 5) * rate_hz)
            start = int(rng.integers(0, len(wave) - length))
            for number, part in enumerate([wave[loudest : loudest + 10 * rate_hz], wave[start : start + length]]):
                if np.mean(part**2) > SILENT:
                    out.append((levels_db(part, rate_hz), LABELS.index(label), truth["seed"], -1 - number))
    return out


def read_wav(path):
    """Samples [frames, channels] of a WAV file of 24 bits, and its rate."""
    data, at = Path(path).read_bytes(), 12
    while at < len(data):
        name, size = struct.unpack("<4sI", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            _, channels, rate_hz = struct.unpack("<HHI", body[:8])
        elif name == b"data":
            low, middle, high = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int32).T
            whole = (low << 8 | middle << 16 | high << 24) >> 8
            return (whole / 2.0**23).astype(np.float32).reshape(-1, channels), rate_hz
        at += 8 + size + size % 2
    raise ValueError(f"{path}: no samples")


def response_db(shelf, gain_db, freq_hz, q):
    """Bells (shelf 0), high (1) and low (2) shelves at the bands' middles, [n, bands] (R. Bristow-Johnson's prototypes)."""
    a = 10 ** (gain_db / 40)[:, None]
    r = CENTRES_HZ[None] / freq_hz[:, None]
    r2, q = r * r, q[:, None]
    bell = ((1 - r2) ** 2 + (r * a / q) ** 2) / ((1 - r2) ** 2 + (r / (a * q)) ** 2)
    s = r * np.sqrt(a) / q
    high = a * a * ((1 - a * r2) ** 2 + s * s) / ((a - r2) ** 2 + s * s)
    low = a * a * ((a - r2) ** 2 + s * s) / ((1 - a * r2) ** 2 + s * s)
    return 10 * np.log10(np.select([shelf[:, None] == 0, shelf[:, None] == 1], [bell, high], low))


def power(levels):
    return 10 ** (levels / 10)


def plant(levels, labels, kinds, rng, amount_db=None):
    """One fault on each: levels, amounts (0 where it would not be heard) and middles in Hz."""
    n = len(kinds)
    freq_hz = np.exp(rng.uniform(np.log(LOW_HZ[kinds]), np.log(HIGH_HZ[kinds])))
    width = rng.uniform(NARROW[kinds], WIDE[kinds])
    hump = kinds < HUMPS
    q = np.where(hump, 1 / (2 ** (width / 2) - 2 ** (-width / 2)), SHELF_Q)
    gain = rng.uniform(2, MOST_DB[kinds], n) if amount_db is None else amount_db[kinds]
    response = response_db(np.where(hump, 0, kinds - 4), np.where(hump, gain, -gain), freq_hz, q)
    p = power(levels)
    heard = (p * (10 ** (response / 20) - 1) ** 2).sum(1) > HEARD * p.sum(1)
    heard &= (kinds != KINDS.index("sibilant")) | np.isin(labels, VOICES)
    return np.where(heard[:, None], levels + response, levels), np.where(heard, gain, 0), freq_hz


def mixes(levels, rest, count, rng):
    """Mixes of the stems of one moment, at other levels."""
    out = []
    labels, moments = rest[:, 0], rest[:, 1] * 1000 + rest[:, 2]
    order = np.argsort(moments, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(moments[order])) + 1)
    groups = [rows[labels[rows] != FULL_MIX] for rows in groups]
    groups = [rows for rows in groups if len(rows) >= 3]
    while len(out) < count:
        rows = groups[rng.integers(len(groups))]
        rows = rows[rng.random(len(rows)) < 0.85]
        if len(rows) >= 3:
            total = power(levels[rows] + rng.uniform(-4, 4, len(rows))[:, None]).sum(0)
            out.append(10 * np.log10(total + 1e-14))
    return np.array(out)


def batch(levels, labels, shares, size, rng):
    """Levels, labels, amounts [n, kinds] and middles in octaves over 1 kHz [n, humps] (NaN where there is none)."""
    rows = rng.choice(len(levels), size, p=shares)
    x, label = levels[rows].copy(), labels[rows]
    # No two rooms and microphones are the same.
    x += rng.normal(0, 0.3, size)[:, None] * np.log2(CENTRES_HZ / 1000) + rng.normal(0, 0.5, x.shape)
    amounts = np.zeros((size, len(KINDS)), np.float32)
    middles = np.full((size, HUMPS), np.nan, np.float32)
    # None in a fifth, one, two or three in the others.
    draw = rng.random(size)
    for least in (0.2, 0.5, 0.8):
        chosen = draw > least
        kinds = rng.integers(0, len(KINDS), size)
        after, gain, freq_hz = plant(x, label, kinds, rng)
        take = chosen & (gain > 0) & (amounts[np.arange(size), kinds] == 0)
        x[take] = after[take]
        # A move takes some of it back.
        mend = take & (kinds < HUMPS) & (rng.random(size) < 0.3)
        back = np.where(mend, gain * rng.random(size), 0)
        near = freq_hz * 2 ** rng.uniform(-0.2, 0.2, size)
        x[mend] += response_db(np.zeros(size), -back, near, np.ones(size))[mend]
        amounts[np.flatnonzero(take), kinds[take]] = (gain - back)[take]
        hump = take & (kinds < HUMPS)
        middles[np.flatnonzero(hump), kinds[hump]] = np.log2(freq_hz[hump] / 1000)
    return x, label, amounts, middles


def against_whole(levels):
    return np.maximum(levels - 10 * np.log10(power(levels).sum(1))[:, None], FLOOR_DB)


class Balance(torch.nn.Module):
    def __init__(self, levels):
        super().__init__()
        against = against_whole(levels)
        self.mean, self.spread = against.mean(0).round(2), against.std(0).round(2) + 0.01
        self.first = torch.nn.Linear(BANDS + len(LABELS), FIRST)
        self.second = torch.nn.Linear(FIRST, SECOND)
        self.out = torch.nn.Linear(SECOND, len(KINDS) + HUMPS)

    def forward(self, levels, labels):
        x = (against_whole(levels) - self.mean) / self.spread
        x = np.concatenate([x, np.eye(len(LABELS))[labels]], 1)
        x = torch.relu(self.first(torch.tensor(x, dtype=torch.float32)))
        return self.out(torch.relu(self.second(x)))

    @torch.no_grad()
    def hear(self, levels, labels):
        """Amounts in dB [n, kinds] and middles in Hz [n, humps]."""
        y = self(levels, labels).numpy()
        return y[:, : len(KINDS)] * OUTPUT_DB, 1000 * 2.0 ** y[:, len(KINDS) :]


def fit(levels, labels, shares, steps, seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Balance(batch(levels, labels, shares, 4000, rng)[0])
    optimiser = torch.optim.AdamW(net.parameters(), 4e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for step in range(steps):
        x, label, amounts, middles = batch(levels, labels, shares, 256, rng)
        y = net(x, label)
        loss = ((y[:, : len(KINDS)] - torch.tensor(amounts) / OUTPUT_DB) ** 2).mean()
        there = ~np.isnan(middles)
        off = y[:, len(KINDS) :][torch.tensor(there)] - torch.tensor(middles[there])
        loss = loss + 0.05 * (off**2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 1000 == 0:
            print(f"step {step}: {loss.item():.4f}", flush=True)
    return net


def likelihoods(net, levels, labels, rng):
    """Offset and slope of the log-odds that an amount is a fault, of each kind: clean sounds against faults of any amount, two to one."""
    clean, _ = net.hear(levels, labels)
    out = []
    for kind in range(len(KINDS)):
        after, gain, _ = plant(levels, labels, np.full(len(levels), kind), rng)
        faulty = net.hear(after[gain > 0], labels[gain > 0])[0][:, kind]
        if len(faulty) < 8:
            out.append([-3.0, 0.5])
            continue
        x = np.concatenate([clean[:, kind], faulty])
        y = np.concatenate([np.zeros(len(clean)), np.ones(len(faulty))])
        weight = np.where(y == 1, 0.5 * len(clean) / len(faulty), 1.0)
        w = np.zeros(2)
        inputs = np.stack([np.ones_like(x), x], 1)
        for _ in range(50):
            p = 1 / (1 + np.exp(-inputs @ w))
            slope = inputs.T @ (weight * (y - p)) - 1e-3 * w
            w += np.linalg.solve((inputs * (weight * p * (1 - p))[:, None]).T @ inputs + 1e-3 * np.eye(2), slope)
        out.append(w.round(3).tolist())
    return out


def limits_db(net, levels, labels):
    """Of mixes and of stems, of each kind, where an amount is minor, clear and severe [2, kinds, 3]."""
    amounts, _ = net.hear(levels, labels)
    out = []
    for part in (labels == FULL_MIX, labels != FULL_MIX):
        minor, clear = np.maximum(np.quantile(amounts[part], ORDINARY, axis=0), LIMITS_DB[:, :2].T)
        severe = np.maximum(LIMITS_DB[:, 2], clear + LIMITS_DB[:, 2] - LIMITS_DB[:, 1])
        out.append(np.stack([minor, clear, severe], 1))
    return np.array(out).round(1)


def quantise(net):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_((parameter * SCALE).round().clamp(-32768, 32767) / SCALE)


def rust(name, values, of):
    """A constant of any rank."""

    def text(v):
        return "[" + ", ".join(text(x) for x in v) + "]" if isinstance(v, list) else repr(v)

    shape = of
    for size in reversed(np.shape(values)):
        shape = f"[{shape}; {size}]"
    lines = textwrap.wrap(f"pub(super) const {name}: {shape} = {text(values)};", 128, subsequent_indent="    ")
    return "#[rustfmt::skip]\n" + "\n".join(lines) + "\n"


# Sibilance is not exported: hardly any voice here has enough up there for a fault to be heard, so its amounts stay at nothing.
EXPORTED = [n for n, kind in enumerate(KINDS) if kind != "sibilant"]
EXPORTED_HUMPS = [n for n in EXPORTED if n < HUMPS]


def export(net, odds, limits, example, path):
    whole = lambda tensor: (tensor.detach().numpy() * SCALE).round().astype(int).tolist()
    levels, label = example
    first = net.first.weight
    outputs = EXPORTED + [len(KINDS) + n for n in EXPORTED_HUMPS]
    amounts, middles = net.hear(levels[None], np.array([label]))
    amounts, middles, odds = amounts[0, EXPORTED], middles[0, EXPORTED_HUMPS], [odds[n] for n in EXPORTED]
    with open(path, "w", encoding="utf-8") as file:
        file.write("//! Figures of the tonal balance network, written by `training/train_tone.py`; EXPERIMENTS.md there has its scores.\n\n")
        for name, size in [("FIRST", FIRST), ("SECOND", SECOND), ("OUTPUTS", len(outputs))]:
            file.write(f"pub(super) const {name}: usize = {size};\n")
        file.write("/// Weights are whole numbers of this part.\n")
        file.write(f"pub(super) const SCALE: f64 = {SCALE}.0;\n")
        file.write("/// What bands against the whole are on average, and how far they lie from it, in dB.\n")
        file.write(rust("MEAN_DB", net.mean.tolist(), "f64") + rust("SPREAD_DB", net.spread.round(2).tolist(), "f64"))
        file.write(rust("LEVELS", whole(first[:, :BANDS]), "i16") + rust("LABELS", whole(first[:, BANDS:].T), "i16"))
        file.write(rust("FIRST_BIAS", whole(net.first.bias), "i16"))
        file.write(rust("WEIGHTS", whole(net.second.weight), "i16") + rust("SECOND_BIAS", whole(net.second.bias), "i16"))
        file.write(rust("OUT", whole(net.out.weight[outputs]), "i16") + rust("OUT_BIAS", whole(net.out.bias[outputs]), "i16"))
        file.write("/// Log-odds that an amount is a fault: at 0 dB, and per dB.\n" + rust("LIKELIHOODS", odds, "f64"))
        file.write("/// Where an amount is minor, clear and severe, in dB: of mixes, and of anything else.\n" + rust("LIMITS_DB", limits[:, EXPORTED].tolist(), "f64"))
        file.write("\n/// A spectrum of that label, and what the script makes of it.\n#[cfg(test)]\n")
        file.write(f"pub(super) const CHECK_LABEL: usize = {label};\n#[cfg(test)]\n")
        file.write(rust("CHECK_DB", levels.round(2).tolist(), "f64") + "#[cfg(test)]\n")
        file.write(rust("CHECK_AMOUNTS_DB", amounts.round(3).astype(float).tolist(), "f64") + "#[cfg(test)]\n")
        file.write(rust("CHECK_MIDDLES_HZ", middles.round(2).astype(float).tolist(), "f64"))


def table(net, levels, labels, limits, rng):
    """What is found on songs that the fit has not seen: alarms a clean sound, and faults at the clear amount."""
    amounts, _ = net.hear(levels, labels)
    suits = np.isin(labels, [LABELS.index(x) for x in SUITABLE])
    for name, part in [("mixes", labels == FULL_MIX), ("stems", labels != FULL_MIX)]:
        if not part.any():
            continue
        own = limits[int(name != "mixes")]
        over = [f"{(amounts[part] > own[:, n])[:, EXPORTED].sum(1).mean():.2f}" for n in range(3)]
        print(f"{name}: alarms on each of {part.sum()}, minor, clear, severe or above: {', '.join(over)}")
        x, label = levels[part & suits], labels[part & suits]
        for kind, limit in enumerate(own[:, 0]):
            after, gain, freq_hz = plant(x, label, np.full(len(x), kind), rng, np.where(np.arange(7) < HUMPS, 12.0, 24.0))
            heard = gain > 0
            if not heard.any():
                continue
            y, middle = net.hear(after[heard], label[heard])
            found = (y[:, kind] > limit) & ((y > y[:, kind : kind + 1]).sum(1) < 3)
            quartiles = np.percentile(y[:, kind], [10, 50, 90]).round(1)
            line = f"{name}: {KINDS[kind]}: {found.mean():.2f} of {len(y)}, amounts {quartiles}"
            if kind < HUMPS and found.any():
                off = np.abs(np.log2(middle[found, kind] / freq_hz[heard][found]))
                line += f", in place {np.mean(off <= 1 / 3):.2f}"
            print(line)


def stack(sounds):
    """Levels [n, bands], and label, song and moment [n, 3]."""
    return np.array([sound[0] for sound in sounds]), np.array([sound[1:] for sound in sounds])


def train(songs, clips, phrases, unseen, steps, seed, out):
    rng = np.random.default_rng(seed)
    last = songs[1][:, 1] >= np.median(np.unique(songs[1][:, 1]))
    ordinary, songs = (songs[0][last], songs[1][last, 0]), [part[~last] for part in songs]
    (song_levels, song_rest), (clip_levels, clip_rest) = songs, clips
    unheard = phrases[1][:, 1] % 4 == 0
    (ordinary_phrases, ordinary_labels), (phrase_levels, phrase_rest) = ([part[rows] for part in phrases] for rows in (unheard, ~unheard))
    song_mixes, clip_mixes = mixes(*songs, 1500, rng), mixes(*clips, 8000, rng)
    x = np.concatenate([song_levels, song_mixes, clip_levels, clip_mixes, phrase_levels])
    mixed = [np.full(len(part), FULL_MIX) for part in (song_mixes, clip_mixes)]
    label = np.concatenate([song_rest[:, 0], mixed[0], clip_rest[:, 0], mixed[1], phrase_rest[:, 0]])
    # Half are of voices whose truth is sure, the others, which were treated, are more natural.
    shares = [np.full(len(part), share / len(part)) for part, share in
              ((song_levels, 0.28), (song_mixes, 0.16), (clip_levels, 0.21), (clip_mixes, 0.135), (phrase_levels, 0.215))]  # fmt: skip
    net = fit(x, label, np.concatenate(shares), steps, seed)
    quantise(net)
    levels, rest = unseen
    more = mixes(levels, rest, 150, rng)
    scenes, label = np.concatenate([levels, more]), np.concatenate([rest[:, 0], np.full(len(more), FULL_MIX)])
    odds = likelihoods(net, *ordinary, rng)
    limits = limits_db(net, np.concatenate([ordinary[0], scenes]), np.concatenate([ordinary[1], label]))
    table(net, scenes, label, limits, rng)
    table(net, ordinary_phrases, ordinary_labels[:, 0], limits, rng)
    if out:
        export(net, odds, limits, (levels[0].round(2), rest[0, 0]), out)
    return net


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--songs", required=True)
    parser.add_argument("--clips", nargs="+", required=True)
    parser.add_argument("--phrases", nargs="+", required=True)
    parser.add_argument("--unseen", nargs="+", required=True)
    parser.add_argument("--out")
    parser.add_argument("--steps", type=int, default=16_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    songs = stack(of_songs(args.songs, np.random.default_rng(args.seed)))
    phrases = stack(of_phrases(args.phrases, np.random.default_rng(args.seed)))
    train(songs, stack(of_shards(args.clips)), phrases, stack(of_shards(args.unseen)), args.steps, args.seed, args.out)


if __name__ == "__main__":
    main()
