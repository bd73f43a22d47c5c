"""Perform phrases with recorded voices and notes: what a bank of notes lacks is how one leads into the next.

Speech is sung: its pitch is replaced by a melody and its vowels are held, as in speech-to-singing synthesis (Saitou et al.,
WASPAA 2007). Notes of strings, winds and voices are played legato: one pitch contour with glides and vibrato, over sounds
that change from note to note. Both by the WORLD vocoder (Morise et al. 2016); so that the vocoder itself tells no label, speech
passes through it, too, as other speakers. The output is a bank as `gather.py` writes it, of whole phrases.

    perform.py --bank DIR [--bank DIR ...] --holdout ../holdout.toml --out DIR [--phrases 120]
"""

import argparse
import csv
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import pyworld
import soundfile
from gather import COLUMNS
from sound import RATE

FRAME_S = 0.005
LOWEST_HZ = 40.0
BINS = pyworld.get_cheaptrick_fft_size(RATE, LOWEST_HZ) // 2 + 1
SCALES = ([0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10], [0, 2, 4, 7, 9], [0, 3, 5, 7, 10])
SUSTAINED = {"strings": 0.09, "woodwind": 0.03, "brass": 0.03, "vocals": 0.08}  # longest usual glide in seconds
SHORT = ("pizz", "stacc", "short", "trem", "effect", "spicc", "detach", "percuss", "harp", "phrase", "synth")


@dataclass
class Sound:
    """A recording as WORLD has it: fundamental, log envelope and aperiodicity of each frame."""

    f0: np.ndarray
    envelope: np.ndarray
    breath: np.ndarray

    def __len__(self) -> int:
        return len(self.f0)


def analyse(samples: np.ndarray, pitch: float | None = None) -> Sound:
    """WORLD's three parts of a recording, with the pitch that its name tells where the tracker loses it."""
    samples = np.ascontiguousarray(samples, np.float64)
    f0, at = pyworld.dio(samples, RATE, f0_floor=LOWEST_HZ, f0_ceil=600.0 if pitch is None else 1_800.0, frame_period=1e3 * FRAME_S)
    f0 = pyworld.stonemask(samples, f0, at, RATE)
    if pitch is not None:
        known = hertz(pitch)
        f0 = np.where(np.abs(12 * np.log2(np.maximum(f0, 1.0) / known)) < 1.0, f0, known)
    envelope = pyworld.cheaptrick(samples, f0, at, RATE, f0_floor=LOWEST_HZ)
    return Sound(f0, np.log(envelope + 1e-16), pyworld.d4c(samples, f0, at, RATE, fft_size=2 * (BINS - 1)))


def hertz(pitch):
    """Of a MIDI number."""
    return 440.0 * 2.0 ** ((np.asarray(pitch) - 69.0) / 12.0)


def frames_at(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows of `values` at fractional positions."""
    low = np.clip(at.astype(int), 0, len(values) - 2)
    share = np.clip(at - low, 0.0, 1.0)[:, None]
    return (1 - share) * values[low] + share * values[low + 1]


def smooth(values: np.ndarray, seconds: float) -> np.ndarray:
    """By a window of that length."""
    width = max(3, int(seconds / FRAME_S) | 1)
    window = np.hanning(width + 2)[1:-1]
    return np.convolve(np.pad(values, width // 2, mode="edge"), window / window.sum(), mode="valid")


def wander(length: int, seconds: float, rng) -> np.ndarray:
    """Noise of unit deviation that changes over so many seconds."""
    noise = smooth(rng.normal(size=length + 8), seconds)[:length]
    return noise / (noise.std() + 1e-9)


def melody(count: int, middle: float, reach: float, rng) -> np.ndarray:
    """MIDI numbers of a walk on a scale around a middle."""
    scale, root = SCALES[rng.integers(len(SCALES))], rng.integers(12)
    steps = np.array([12 * octave + root + step for octave in range(11) for step in scale])
    steps = steps[np.abs(steps - middle) <= reach]
    here, out = int(np.abs(steps - middle).argmin()), []
    for _ in range(count):
        out.append(steps[here])
        if rng.random() > 0.2:
            here = int(np.clip(here + rng.choice([-3, -2, -1, -1, 1, 1, 2, 4]), 0, len(steps) - 1))
    return np.array(out, float)


def contour(pitches: np.ndarray, spans: np.ndarray, glide_s: float, vibrato_cents: float, rng) -> np.ndarray:
    """Pitch of each frame as a MIDI number: glides, vibrato that sets in, and a little unsteadiness."""
    length = int(spans.sum())
    level = smooth(np.repeat(pitches, spans), glide_s)
    within = np.concatenate([np.arange(span) for span in spans]) * FRAME_S
    onset_s, rate_hz = rng.uniform(0.1, 0.4), rng.uniform(4.5, 6.8)
    depth = np.clip((within - onset_s) / 0.25, 0, 1) * vibrato_cents / 100
    phase = np.cumsum(2 * np.pi * FRAME_S * rate_hz * (1 + 0.06 * wander(length, 0.5, rng)))
    return level + smooth(depth, 0.06) * np.sin(phase) + rng.uniform(0.03, 0.15) * wander(length, 0.25, rng)


def warped(rows: np.ndarray, scale: float) -> np.ndarray:
    """Envelopes of a head `scale` times as small."""
    at = np.clip(np.arange(BINS) / scale, 0, BINS - 1.001)
    low, share = at.astype(int), at % 1.0
    return (1 - share) * rows[:, low] + share * rows[:, low + 1]


def coloured(envelope: np.ndarray, effort: np.ndarray, rng) -> np.ndarray:
    """A tilt of its own, more top end with more effort (in dB a frame), sometimes a singer's formant."""
    octaves = np.log2(np.maximum(np.arange(BINS), 1) * RATE / 2 / (BINS - 1) / 500.0).clip(-2, 4.5)
    tilt_db = rng.normal(0, 2.0) + 0.18 * effort
    ring_db = max(0.0, rng.normal(0, 6)) * np.exp(-0.5 * ((octaves - rng.uniform(2.4, 2.9)) / 0.25) ** 2)
    return envelope + (np.log(10) / 10) * (tilt_db[:, None] * octaves + ring_db + effort[:, None])


def sounded(f0: np.ndarray, envelope: np.ndarray, breath: np.ndarray) -> np.ndarray:
    """Samples, peak at -6 dBFS."""
    parts = (np.ascontiguousarray(part, np.float64) for part in (f0, np.exp(envelope), np.clip(breath, 1e-4, 1.0)))
    out = pyworld.synthesize(*parts, RATE, frame_period=1e3 * FRAME_S)
    return 0.5 * out / (np.abs(out).max() + 1e-9)


def syllables(sound: Sound) -> list[tuple[int, int, bool]]:
    """(first frame, end, voiced): voiced stretches of speech, long ones parted where they are quietest."""
    voiced = smooth((sound.f0 > 0).astype(float), 0.035) > 0.5
    edges = np.flatnonzero(np.diff(voiced.astype(int))) + 1
    bounds = [0, *edges.tolist(), len(sound)]
    energy = smooth(sound.envelope.max(1), 0.05)
    out = []
    for first, end in zip(bounds, bounds[1:]):
        if not voiced[first]:
            out.append((first, end, False))
            continue
        while end - first > 55:
            cut = first + 25 + int(energy[first + 25 : min(first + 55, end - 15)].argmin())
            out.append((first, cut, True))
            first = cut
        out.append((first, end, True))
    return out


def sing(sound: Sound, rng) -> np.ndarray | None:
    """A spoken sentence, sung."""
    parts = syllables(sound)
    sung = [part for part in parts if part[2]]
    voiced = sound.f0[sound.f0 > 0]
    if len(sung) < 3 or len(voiced) < 40:
        return None
    spoken = 69 + 12 * np.log2(np.median(voiced) / 440)
    notes = melody(len(sung), spoken + rng.uniform(-2, 10), rng.uniform(4, 9), rng)
    beat = 60 / rng.uniform(70, 150) / FRAME_S
    at, spans, pitches, carried, pitch = [], [], [], 0, 0
    for first, end, is_voiced in parts:
        if is_voiced:
            held = max(end - first, int(beat * rng.choice([0.25, 0.5, 0.5, 0.5, 1, 1, 1.5, 2])))
            edge = min(6, (end - first) // 3)
            middle = np.linspace(first + edge, end - edge, max(held - 2 * edge, 1), endpoint=False)
            at += [np.arange(first, first + edge), middle, np.arange(end - edge, end)]
            spans.append(carried + len(middle) + 2 * edge)
            pitches.append(notes[pitch])
            carried, pitch = 0, pitch + 1
        else:
            kept = min(end - first, int(rng.uniform(10, 36)))
            at.append(np.linspace(first, end - 1, kept))
            carried += kept
    if carried:
        spans[-1] += carried
    at = np.concatenate(at).astype(float)
    spans = np.array(spans)
    level = contour(np.array(pitches), spans, rng.uniform(0.04, 0.14), rng.uniform(0, 80), rng)
    own = sound.f0[np.clip(at.round().astype(int), 0, len(sound) - 1)]
    level += rng.uniform(0, 0.25) * np.where(own > 0, 12 * np.log2(np.maximum(own, 1) / np.median(voiced)), 0)
    f0 = np.where(own > 0, hertz(level), 0.0)
    envelope, breath = frames_at(sound.envelope, at), frames_at(sound.breath, at)
    loud = smooth(envelope.max(1), 0.08)
    top = np.quantile(loud, 0.9)
    lift = rng.uniform(0.2, 0.7) * np.clip(top - loud, 0, np.log(10) * 1.5) * (f0 > 0)  # sung vowels are more even than spoken ones
    envelope = warped(envelope + lift[:, None], rng.uniform(0.86, 1.22))
    effort = rng.uniform(1, 4) * wander(len(f0), 0.8, rng)
    return sounded(f0, coloured(envelope, effort, rng), breath ** rng.uniform(0.75, 1.5))


def choir(sound: Sound, rng) -> np.ndarray | None:
    """Two to five takes of one sentence, by other throats and a few of them at another height, nearly together."""
    take = sing(sound, rng)
    if take is None:
        return None
    sung, out = analyse(take), np.zeros(len(take) + RATE)
    for _ in range(rng.integers(2, 6)):
        stretch = 2 ** (rng.choice([0, 0, 0, 0, -12, 12, 7, 4]) / 12 if rng.random() < 0.3 else rng.normal(0, 0.12) / 12)
        at = np.clip(np.arange(len(sung)) + 5 * wander(len(sung), 0.5, rng), 0, len(sung) - 1)
        envelope = warped(frames_at(sung.envelope, at), rng.uniform(0.93, 1.08))
        voice = sounded(sung.f0[at.round().astype(int)] * stretch, envelope, frames_at(sung.breath, at))
        late = int(abs(rng.normal(0, 0.02)) * RATE)
        out[late : late + len(voice)] += voice[: len(out) - late] * rng.uniform(0.4, 1)
    return out[: len(take)]


def speak(sound: Sound, rng) -> np.ndarray:
    """The sentence as another speaker says it."""
    at = np.arange(0, len(sound) - 1, rng.uniform(0.8, 1.2))
    own = sound.f0[at.round().astype(int)]
    middle = np.median(own[own > 0]) if (own > 0).any() else 150.0
    f0 = np.where(own > 0, rng.uniform(0.75, 1.35) * middle * (np.maximum(own, 1) / middle) ** rng.uniform(0.4, 1.5), 0)
    envelope = warped(frames_at(sound.envelope, at), rng.uniform(0.88, 1.18))
    return sounded(f0, coloured(envelope, np.zeros(len(f0)), rng), frames_at(sound.breath, at))


def legato(notes: list[tuple[float, Sound]], family: str, rng) -> np.ndarray:
    """A line of eight seconds over recordings of one instrument, each note by one near it in pitch."""
    pitches = np.array([pitch for pitch, _ in notes])
    middle, beat = rng.choice(pitches), 60 / rng.uniform(60, 140) / FRAME_S
    spans = np.maximum((beat * rng.choice([0.5, 0.5, 1, 1, 1.5, 2, 3], 24)).astype(int), 30)
    spans = spans[: int(np.searchsorted(np.cumsum(spans), 8 / FRAME_S)) + 1]
    line = melody(len(spans), middle, rng.uniform(5, 10), rng)
    stray, tongued = rng.uniform(-3, 3), rng.uniform(0, 0.7)
    envelope, breath, dips = [], [], []
    for index, (pitch, span) in enumerate(zip(line, spans)):
        near = notes[int((np.abs(pitches - pitch - stray) + rng.uniform(0, 1.5, len(pitches))).argmin())][1]
        attack = index == 0 or rng.random() < tongued
        last = max(len(near) * 0.8, 60)
        start = 0 if attack else rng.uniform(35, min(60, last - 10))
        bounce = np.abs((start + np.arange(span) - 35) % (2 * (last - 35)) - (last - 35))
        at = np.where(start + np.arange(span) < last, start + np.arange(span), 35 + (last - 35 - bounce))
        envelope.append(frames_at(near.envelope, at))
        breath.append(frames_at(near.breath, at))
        dips.append(np.where((np.arange(span) > span - 8) & (rng.random() < tongued), -rng.uniform(3, 25), 0.0))
    envelope, breath = np.concatenate(envelope), np.concatenate(breath)
    for edge in np.cumsum(spans)[:-1]:  # from one sound into the next
        width = int(rng.uniform(3, 9))
        ramp = np.linspace(0, 1, 2 * width)[:, None]
        for part in (envelope, breath):
            part[edge - width : edge + width] = (1 - ramp) * part[edge - width] + ramp * part[edge + width - 1]
    vibrato = 0.0 if rng.random() < 0.4 else rng.uniform(5, 45 if family in ("strings", "vocals") else 20)
    level = contour(line, spans, rng.uniform(0.015, SUSTAINED[family]), vibrato, rng)
    effort = rng.uniform(1, 5) * wander(len(level), 1.2, rng) + smooth(np.concatenate(dips), 0.04)
    fade = np.concatenate([np.zeros(len(level) - 30), np.linspace(0, -40, 30)])
    return sounded(hertz(level), coloured(envelope, effort, rng) + (np.log(10) / 10) * fade[:, None], breath ** rng.uniform(0.8, 1.2))


def recordings(banks: list[Path], held: set[str]) -> dict[tuple[str, str], list[tuple[dict, Path]]]:
    """Rows and files of every (family, source) that may be trained on."""
    found = defaultdict(list)
    for bank in banks:
        with (bank / "manifest.csv").open() as file:
            for row in csv.DictReader(file):
                if row["source"] not in held:
                    found[row["family"], row["source"]].append((row, bank / row["path"]))
    return found


def heard(row: dict, path: Path) -> Sound:
    """A bank's file, analysed."""
    return analyse(soundfile.read(path)[0], float(row["midi_pitch"]) if row["midi_pitch"] else None)


def sung(row: dict, path: Path, number: int):
    """One sentence in one of four ways: (family, name, row, samples)."""
    rng = np.random.default_rng(number)
    sound = heard(row, path)
    way, times, family, name = WAYS[number % len(WAYS)]
    phrases = [way(sound, rng) for _ in range(times)]
    return [] if any(phrase is None for phrase in phrases) else [(family, name, row, np.concatenate(phrases))]


def played(rows: list[tuple[dict, Path]], count: int, number: int):
    """Lines of one instrument, as `sung` gives them."""
    rng = np.random.default_rng(number)
    picked = [rows[i] for i in sorted(rng.permutation(len(rows))[:24])]
    notes = [(float(row["midi_pitch"]), heard(row, path)) for row, path in picked]
    first = picked[0][0]
    return [(first["family"], "legato", first, legato(notes, first["family"], rng)) for _ in range(count)]


def jobs(found, phrases: int, seed: int):
    """Everything that is performed, as functions of this module with their arguments."""
    spoken = [item for (family, _), items in sorted(found.items()) if family == "speech" for item in items if float(item[0]["dur_s"]) > 1.5]
    rng = np.random.default_rng(seed)
    for number in range(len(WAYS) * phrases):
        yield sung, (*spoken[rng.integers(len(spoken))], 1_000_000 * seed + number)
    for (family, source), items in sorted(found.items()):
        takes = defaultdict(list)
        for row, path in items:
            if family in SUSTAINED and row["midi_pitch"] and float(row["dur_s"]) >= 0.8 and not any(word in row["sub"] for word in SHORT):
                takes[row["sub"]].append((row, path))
        for sub, rows in sorted(takes.items()):
            yield played, (rows, max(4, min(16, len(rows) // 2)), rng.integers(1 << 31))


WAYS = [(sing, 2, "vocals", "sung"), (sing, 2, "vocals", "sung_again"), (choir, 1, "vocals", "sung_together"), (speak, 1, "speech", "spoken")]


def run(job):
    """For the pool's workers."""
    return job[0](*job[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bank", type=Path, action="append", required=True)
    parser.add_argument("--holdout", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--phrases", type=int, default=120, help="of each way to sing or speak")
    parser.add_argument("--seed", type=int, default=0, help="another one, other performances")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    held = set(tomllib.loads(options.holdout.read_text())["bank"]["sources"])
    todo = list(jobs(recordings(options.bank, held), options.phrases, options.seed))
    rows = []
    with Pool(options.processes) as pool:
        for family, name, row, samples in (done for some in pool.imap(run, todo) for done in some):
            samples = samples[: 10 * RATE] / max(1e-9, np.abs(samples[: 10 * RATE]).max()) * 0.5
            path = f"notes/{family}/{name}__{len(rows):04}.flac"
            (options.out / "notes" / family).mkdir(parents=True, exist_ok=True)
            soundfile.write(options.out / path, samples, RATE, subtype="PCM_16")
            what = {"path": path, "family": family, "sub": f"phrase-{row['source']}", "source": name, "midi_pitch": "", "velocity": ""}
            size = {"dur_s": round(len(samples) / RATE, 3), "peak": 0.5, "rms_dbfs": round(10 * np.log10(np.mean(samples**2)), 2)}
            rows.append({**row, **what, **size, "kind": "processed"})
    with (options.out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
