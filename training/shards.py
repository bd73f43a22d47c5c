"""Reads the clips that `factory clips` renders: raw f16 samples beside one JSON truth a line."""

import json
from pathlib import Path

import numpy as np
import torch

from features import mel_db

LABELS = (
    "kick snare hi-hat cymbals toms percussion drums bass electric-guitar acoustic-guitar piano electric-piano organ "
    "synth-lead synth-pad strings brass woodwinds mallets vocals speech fx full-mix"
).split()
INSTRUMENTS = LABELS[:-1]
DESCRIPTORS = ["brightness", "warmth", "space", "dirt", "density"]
KIT = {"kick", "snare", "hi-hat", "cymbals", "toms"}


def truths(path):
    """The truth objects of one shard."""
    return [json.loads(line) for line in Path(path).with_suffix(".jsonl").read_text().splitlines()]


def samples(path, count):
    """`[count, samples]` in f16, memory-mapped."""
    return np.memmap(path, dtype="<f2", mode="r").reshape(count, -1)


def mels(path, truth, chunk=256):
    """Decibels of every clip, `[clips, n_mels, frames]` in f16; kept in a file beside the shard."""
    cache = Path(path).with_suffix(".mel.npy")
    if cache.exists():
        return np.load(cache, mmap_mode="r")
    wave = samples(path, len(truth))
    parts = [
        mel_db(torch.from_numpy(wave[i : i + chunk].astype(np.float32))).half().numpy()
        for i in range(0, len(truth), chunk)
    ]
    out = np.concatenate(parts)
    np.save(cache, out)
    return out


def targets(truth):
    """Label index (-1: none), instruments 0/1, which of them count, descriptors."""
    label = LABELS.index(truth["label"]) if truth["label"] in LABELS else -1
    present, counts = np.zeros(len(INSTRUMENTS), np.float32), np.ones(len(INSTRUMENTS), np.float32)
    for name in truth["instruments"]:
        present[INSTRUMENTS.index(name)] = 1.0
        if name in KIT or name == "drums":  # a lone kick is neither wrong nor right as "drums"
            for other in (*KIT, "drums"):
                counts[INSTRUMENTS.index(other)] = 0.0 if other != name else 1.0
    words = np.array([truth["descriptors"][d] for d in DESCRIPTORS], np.float32)
    return label, present, counts, words


class Pool:
    """Every shard below a folder; `refresh` takes in what the factory has rendered since."""

    def __init__(self, folder, names="train-*.f16"):
        self.folder, self.names, self.seen = Path(folder), names, set()
        self.mels, self.truths, self.targets, self.stems = [], [], [], []
        self.refresh()

    def refresh(self):
        for path in sorted(self.folder.glob(self.names)):
            ready = path.with_suffix(".done").exists()
            if path in self.seen or not ready:
                continue
            self.seen.add(path)
            truth = truths(path)
            self.mels.extend(mels(path, truth))
            self.truths.extend(truth)
            self.targets.extend(targets(t) for t in truth)
        self.stems = [i for i, t in enumerate(self.truths) if t["kind"] == "stem"]

    def __len__(self):
        return len(self.mels)

    def mixes(self, count, frames, start, rng):
        """Mixes of 2 to 7 single stems at random levels, made in the power domain: decibels and targets as `batch`'s.

        An instrument counts as playing where it is audible: at most 20 dB below the mix, as the factory has it.
        """
        out, rows = [], []
        for _ in range(count):
            index = rng.choice(self.stems, rng.integers(2, 8))
            parts = np.stack([np.asarray(self.mels[i][:, start : start + frames], np.float32) for i in index])
            parts += (rng.normal(0, 5, len(index)) - parts.max(axis=(1, 2))).reshape(-1, 1, 1)
            power = np.exp(parts * 0.230259)
            total = power.sum(0)
            share = power.sum(axis=(1, 2)) / total.sum()
            there = {"drums" if n in KIT else n for i, s in zip(index, share) if s > 0.01 for n in self.truths[i]["instruments"]}
            out.append(np.log(total) / 0.230259)
            words = sum(s * self.targets[i][3] for i, s in zip(index, share))
            truth = {"label": "full-mix" if len(there) > 2 else None, "instruments": list(there), "descriptors": dict(zip(DESCRIPTORS, words))}
            rows.append(targets(truth))
        columns = (torch.from_numpy(np.stack(c)) for c in zip(*rows))
        return torch.from_numpy(np.stack(out)), *columns

    def batch(self, index, frames=None, start=None):
        """`[batch, n_mels, frames]` decibels and the stacked targets."""
        db = torch.from_numpy(np.stack([np.asarray(self.mels[i], np.float32) for i in index]))
        if frames is not None:
            db = db[:, :, start : start + frames]
        columns = zip(*(self.targets[i] for i in index))
        label, present, counts, words = (torch.from_numpy(np.stack(c)) for c in columns)
        return db, label, present, counts, words
