"""Reads the clips that `factory clips`, `factory scenes`, `bank/noises.py` and `bank/music.py` write: raw f16 samples beside one JSON
truth a line."""

import json
import os
from pathlib import Path

import numpy as np
import torch

from features import BAND_HZ, LOG_MEL, RATE_HZ, mel_db

LABELS = (
    "kick snare hi-hat cymbals toms percussion drums bass electric-guitar acoustic-guitar piano electric-piano organ "
    "synth-lead synth-pad strings brass woodwinds mallets vocals speech fx full-mix"
).split()
INSTRUMENTS = LABELS[:-1]
DESCRIPTORS = ["brightness", "warmth", "space", "dirt", "density"]
PLAYING = ["chords", "strummed", "short", "held"]  # how one voice is played
QUALITIES = DESCRIPTORS + PLAYING
KIT = {"kick", "snare", "hi-hat", "cymbals", "toms"}
FRAMES_A_CHUNK = 96  # mel frames behind one soft token
AUDIBLE = 0.01  # of the mix's power: 20 dB below it, as the factory has it
DB = float(np.log(10) / 10)
TAIL = int(1.5 * RATE_HZ)  # of a hall, in samples
SILENCE = 1e-12  # power, so that nothing divides by zero
GUEST = 0.35  # of the scenes that a recording joins which never met them: songs through SoundFonts have few makers and no words
SINGING = 0.4  # of the guests sing, for most songs are sung
PERFORMED = 0.5  # of the recordings that join others are performances, where anybody's is known: what else is recorded was mostly played from notes
SCENES, ENSEMBLES = 0.6, 0.15  # of the mixes made on the spot are songs, and orchestras, chamber music and choirs; the rest never met
# Who sits in an ensemble, how often: mostly one to three sorts, each several times.
PLAYERS = {"strings": 4, "woodwinds": 3, "brass": 2.5, "vocals": 1.5, "piano": 1.5, "percussion": 1, "mallets": 0.7, "organ": 0.5, "acoustic-guitar": 0.5}


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
    part = cache.with_suffix(f".{os.getpid()}.npy")
    np.save(part, out)
    part.rename(cache)
    return np.load(cache, mmap_mode="r")


def targets(truth):
    """Label index (-1: none), instruments 0/1, which of them count, qualities (NaN: nobody knows)."""
    label = LABELS.index(truth["label"]) if truth["label"] in LABELS else -1
    present, counts = np.zeros(len(INSTRUMENTS), np.float32), np.ones(len(INSTRUMENTS), np.float32)
    for name in truth["instruments"]:
        present[INSTRUMENTS.index(name)] = 1.0
        if name in KIT or name == "drums":  # a lone kick is neither wrong nor right as "drums"
            for other in (*KIT, "drums"):
                counts[INSTRUMENTS.index(other)] = 0.0 if other != name else 1.0
    for name in truth.get("unsure", ()):
        counts[INSTRUMENTS.index(name)] = 0.0
    rated = (truth["descriptors"] or {}) | (truth.get("playing") or {})
    words = np.array([rated.get(name) for name in QUALITIES], np.float32)
    return label, present, counts, words


def by_chunk(power, length):
    """Sums over each soft token's stretch of `length` values: `[..., values]` -> `[..., chunks]`."""
    whole = power.shape[-1] // length * length
    return power[..., :whole].reshape(*power.shape[:-1], -1, length).sum(-1)


class Pool:
    """Every shard below a folder; `refresh` takes in what the factory has rendered since."""

    def __init__(self, folder, *names):
        self.folder, self.names, self.seen = Path(folder), names, set()
        self.mels, self.waves, self.truths, self.targets = [], [], [], []
        self.stems, self.recorded, self.scenes, self.songs = [], [], [], []
        self.played, self.noises, self.real, self.music = [], [], [], []  # real: all finished music; music: of which something is known
        self.guests, self.soloists = {}, {}  # recordings by label: all, and performances among them
        self.refresh()

    def refresh(self):
        for path in sorted(p for name in self.names for p in self.folder.glob(name)):
            if path in self.seen or not path.with_suffix(".done").exists():
                continue
            self.seen.add(path)
            truth = truths(path)
            first, scenes = len(self.mels), {}
            self.mels.extend(mels(path, truth))
            self.waves.extend(samples(path, len(truth)))
            self.truths.extend(truth)
            self.targets.extend(targets(t) for t in truth)
            for i, t in enumerate(truth, first):
                if t["kind"] == "stem" and t["label"]:
                    self.stems.append(i)
                    if t["source"] != "procedural" and not t["scene"]:
                        self.recorded.append(i)
                        if t["label"] not in KIT:
                            self.guests.setdefault(t["label"], []).append(i)
                if t.get("playing"):
                    self.played.append(i)
                if t["kind"] == "noise":
                    self.noises.append(i)
                if t["kind"] == "music":
                    self.real.append(i)
                    if t["label"] in INSTRUMENTS and t["label"] not in KIT:
                        self.soloists.setdefault(t["label"], []).append(i)
                    if len(t["unsure"]) < len(INSTRUMENTS):
                        self.music.append(i)
                if t["scene"]:
                    scenes.setdefault(t["scene"]["song"], {}).setdefault(t["scene"]["number"], []).append(i)
            songs = [[stems for stems in song.values() if len(stems) > 1] for song in scenes.values()]
            self.songs.extend(songs)
            self.scenes.extend(scene for song in songs for scene in song)

    def __len__(self):
        return len(self.mels)

    def singles(self, count, recorded, rng):
        """Some clips, a share of them stems of recordings alone."""
        pools = (self.recorded, range(len(self))) if self.recorded else (range(len(self)),) * 2
        return [pool[rng.integers(len(pool))] for pool in (pools[int(rng.random() >= recorded)] for _ in range(count))]

    @staticmethod
    def some(index, count, rng):
        """`count` of some clips, or none where there are none."""
        return [index[rng.integers(len(index))] for _ in range(count)] if index else []

    def cut(self, index, frames, start):
        """Decibels of some clips, `[clips, n_mels, frames]`."""
        return np.stack([np.asarray(self.mels[i][:, start : start + frames], np.float32) for i in index])

    def stretch(self, index, frames, start):
        """The samples behind `frames` mel frames from the frame `start` on, `[clips, samples]`."""
        first, length = start * LOG_MEL["hop"], LOG_MEL["n_fft"] + (frames - 1) * LOG_MEL["hop"]
        return np.stack([self.waves[i][first : first + length] for i in index]).astype(np.float32)

    def mix(self, index, parts):
        """Sums stems `[stems, samples]`: the mix, its truth, instruments of each chunk.

        An instrument counts as playing where it is audible. The truth's levels are relative to the mix.
        """
        covered = parts.shape[-1] - LOG_MEL["n_fft"] + LOG_MEL["hop"]  # a hop for each mel frame
        power = by_chunk(parts[:, :covered] ** 2, FRAMES_A_CHUNK * LOG_MEL["hop"]) + SILENCE
        share = power.sum(-1) / power.sum()
        merged = {}
        sounding = ["drums" if self.truths[i]["label"] in KIT else self.truths[i]["label"] for i in index]
        for name, s in zip(sounding, share):
            merged[name] = merged.get(name, 0.0) + s * (s > AUDIBLE)
        levels = sorted(((10 * np.log10(s), name) for name, s in merged.items() if s > 0), reverse=True)
        names = [name for _, name in levels]
        present = np.zeros((power.shape[-1], len(INSTRUMENTS)), np.float32)
        for name, heard in zip(sounding, power / power.sum(0) > AUDIBLE):
            present[heard, INSTRUMENTS.index(name)] = 1.0
        words = sum(s * self.targets[i][3] for i, s in zip(index, share))
        truth = {
            "kind": "mix",
            "label": "full-mix" if len(names) > 2 else None,
            "instruments": names,
            "levels_db": [float(level) for level, _ in levels],
            "descriptors": dict(zip(DESCRIPTORS, map(float, words))),
        }
        return parts.sum(0), truth, present

    def whole_mix(self, scene):
        """A scene as the song has it."""
        return self.mix(scene, self.stretch(scene, self.mels[0].shape[1], 0))

    def random_mix(self, frames, start, rng):
        """A scene with other levels, without some of its stems, often with a guest; an ensemble; or stems that never met."""
        sort = rng.random()
        if self.guests and sort > 1 - ENSEMBLES:
            return self.ensemble(frames, start, rng)
        if self.scenes and sort < SCENES:
            index = self.scenes[rng.integers(len(self.scenes))]
            kept = [i for i in index if rng.random() < 0.85]
            index = kept if len(kept) > 1 else index
            parts = self.stretch(index, frames, start)
            level_db = rng.normal(0, 3, len(index))
            if self.guests and rng.random() < GUEST:
                guest, voice = self.guest(parts.sum(0), frames, start, rng)
                index, parts, level_db = [*index, guest], np.vstack([parts, voice]), np.append(level_db, 0.0)
        else:
            index = [pool[rng.integers(len(pool))] for pool in (self.stems, self.recorded or self.stems) for _ in range(rng.integers(1, 5))]
            parts = self.stretch(index, frames, start)
            level_db = rng.normal(0, 5, len(index)) - 10 * np.log10((parts**2).mean(-1) + SILENCE)
        wave, truth, present = self.mix(index, parts * (10 ** (level_db / 20)).astype(np.float32)[:, None])
        return glued(wave, rng), truth, present

    def ensemble(self, frames, start, rng):
        """Recordings of one to four sorts of players, each several times, in one hall."""
        sorts = [name for name in PLAYERS if name in self.guests]
        odds = np.array([PLAYERS[name] for name in sorts])
        drawn = rng.choice(sorts, min(int(rng.integers(1, 5)), len(sorts)), replace=False, p=odds / odds.sum())
        index = [self.recording(name, rng) for name in drawn for _ in range(int(rng.integers(1 + (len(drawn) == 1), 5)))]
        parts = self.stretch(index, frames, start)
        level_db = rng.normal(0, 4, len(index)) - 10 * np.log10((parts**2).mean(-1) + SILENCE)
        wave, truth, present = self.mix(index, parts * (10 ** (level_db / 20)).astype(np.float32)[:, None])
        if len(truth["instruments"]) == 1:  # a section, a choir
            truth["label"] = truth["instruments"][0]
        return in_hall(wave, rng), truth, present

    def recording(self, label, rng):
        """The index of a recording of a label that joins others."""
        performed = self.soloists.get(label, []) if rng.random() < PERFORMED else []
        return self.some(performed or self.guests[label], 1, rng)[0]

    def guest(self, band, frames, start, rng, singing=SINGING):
        """A recording that joins a band `[samples]`, every label alike but for those that sing: its index and samples, at a level beside it."""
        sings = "vocals" in self.guests and rng.random() < singing
        label = "vocals" if sings else list(self.guests)[rng.integers(len(self.guests))]
        guest = self.recording(label, rng)
        voice = self.stretch([guest], frames, start)[0]
        above_db = rng.normal(-1 if sings else -5, 4)
        return guest, voice / np.sqrt((voice**2).mean() + 1e-8) * np.sqrt((band**2).mean() + SILENCE) * 10 ** (above_db / 20)

    def batch(self, index, frames=None, start=0):
        """`[batch, n_mels, frames]` decibels and the stacked targets of single clips."""
        db = self.cut(index, frames or self.mels[0].shape[1], start)
        return torch.from_numpy(db), *stack(self.targets[i] for i in index), *self.chunks(index, db)

    def chunks(self, index, db):
        """Instruments of each chunk `[batch, chunks, instruments]` and which count: those of a stem, not of a finished mix."""
        power = by_chunk((np.exp(db * DB) * BAND_HZ[:, None]).sum(-2), FRAMES_A_CHUNK)
        sounds = power > 1e-3 * power.max(-1, keepdims=True)
        present = np.stack([self.targets[i][1] for i in index])[:, None] * sounds[..., None]
        counts = np.stack([self.targets[i][2] * (self.truths[i]["kind"] in ("stem", "noise")) for i in index])[:, None]
        return torch.from_numpy(present.astype(np.float32)), torch.from_numpy(np.repeat(counts, db.shape[-1] // FRAMES_A_CHUNK, 1))

    def mixes(self, count, frames, start, rng):
        """What `batch` gives, for mixes made on the spot."""
        made = [self.random_mix(frames, start, rng) for _ in range(count)]
        return as_batch(made)


def glued(wave, rng):
    """One mix in four squashed as loud masters are: a soft ceiling, up to 15 dB into it."""
    if rng.random() >= 0.25:
        return wave
    ceiling = max(float(np.abs(wave).max()), SILENCE) * 10 ** (-rng.uniform(2, 15) / 20)
    return (ceiling * np.tanh(wave / ceiling)).astype(np.float32)


def in_hall(wave, rng):
    """A mix in a hall of 0.5 to 3 s (60 dB), from close by to far away; two times in three."""
    if rng.random() < 1 / 3:
        return wave
    at = torch.arange(TAIL) / RATE_HZ
    tail = torch.from_numpy(rng.standard_normal(TAIL, np.float32)) * torch.exp(-6.9 * at / rng.uniform(0.5, 3.0)) * (at > rng.uniform(0.0, 0.04))
    length = len(wave) + TAIL
    soft = torch.exp(-torch.fft.rfftfreq(length, 1 / RATE_HZ) / rng.uniform(2_000, 12_000))  # air and walls take the top
    wet = torch.fft.irfft(torch.fft.rfft(torch.from_numpy(wave), length) * torch.fft.rfft(tail, length) * soft, length)[: len(wave)].numpy()
    share = rng.uniform(0.1, 1.5) * np.sqrt((wave**2).mean() / ((wet**2).mean() + SILENCE))
    return (wave + share * wet).astype(np.float32)


def as_batch(made):
    """Mixes as `Pool.mix` gives them, heard and stacked as `Pool.batch` has them."""
    waves, truth, present = zip(*made)
    rows = [targets(t) for t in truth]
    counts = np.stack([row[2] for row in rows])[:, None]
    present = torch.from_numpy(np.stack(present))
    return mel_db(torch.from_numpy(np.stack(waves))), *stack(rows), present, torch.from_numpy(np.repeat(counts, present.shape[1], 1))


def stack(rows):
    """Columns of `targets`, as tensors."""
    return [torch.from_numpy(np.stack(column)) for column in zip(*rows)]
