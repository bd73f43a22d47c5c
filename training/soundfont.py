"""Renders moments of songs through SoundFonts into shards as `factory scenes` writes them: stems at their levels in the mix.

    python soundfont.py --midi MIDI --rooms IR --soundfont FONT [FONT...] --out work/clips/train-f0 --songs 0..60

Chords and beats are a song's of POP909 (MIDI/pop909.tar.gz, songs 1 to 450), moved and stretched; drums are a performance of
Groove MIDI (its training split). Every part that is played on the chords is drawn here: no melody of a song is used. A song's
number decides everything. Needs libfluidsynth and pyfluidsynth.
"""

import argparse
import csv
import json
import random
import tarfile
from dataclasses import dataclass
from pathlib import Path

import fluidsynth
import mido
import numpy as np
import soundfile

from features import RATE_HZ

SCENE_S, SCENES, LENGTH_S, LEAD_S = 4.0, 5, 26.0, 1.5
SONGS = 450  # later ones are what `barline eval mixes` hears
SILENT = 10 ** (-50 / 20)  # RMS
ONSET_S = 0.045  # closer ones are one

# General MIDI programs, from 0, and how a producer would call them.
PROGRAMS = {
    "piano": [0, 1, 2, 3], "electric-piano": [4, 5], "organ": [16, 17, 18, 19, 20], "acoustic-guitar": [24, 25],
    "electric-guitar": [26, 27, 28, 29, 30], "bass": [32, 33, 34, 35, 36, 37, 38, 39], "strings": [40, 41, 42, 43, 44, 45, 48, 49],
    "brass": [56, 57, 58, 59, 60, 61], "woodwinds": [64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 79],
    "mallets": [8, 9, 11, 12, 13, 14], "vocals": [52, 53], "synth-lead": [80, 81, 84, 87], "synth-pad": [50, 51, 88, 89, 90, 91, 93, 94, 95],
}  # fmt: skip
DISTORTED = {29: 0.6, 30: 0.9}
# Where each plays, as MIDI pitches, and what it does.
RANGES = {
    "piano": (45, 84), "electric-piano": (45, 80), "organ": (45, 80), "acoustic-guitar": (43, 76), "electric-guitar": (43, 79),
    "bass": (28, 48), "strings": (48, 86), "brass": (48, 79), "woodwinds": (55, 88), "mallets": (60, 93), "vocals": (50, 79),
    "synth-lead": (55, 88), "synth-pad": (45, 79),
}  # fmt: skip
CHORDAL = ["piano", "piano", "electric-piano", "organ", "acoustic-guitar", "electric-guitar", "strings", "synth-pad", "mallets", "vocals", "brass"]
LEADING = ["woodwinds", "brass", "strings", "vocals", "synth-lead", "mallets", "electric-guitar", "piano", "acoustic-guitar", "woodwinds", "synth-lead", "electric-piano", "organ"]
HELD = {"strings", "synth-pad", "organ", "vocals", "brass"}
PERCUSSION = [54, 56, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 75, 76, 77, 80, 81]
# Places of a bar in beats where a chord is struck.
RHYTHMS = [[0], [0, 2], [0, 1, 2, 3], [0, 1.5, 3], [0, 1.5, 2.5], [x / 2 for x in range(8)], [1, 3], [0.5, 1.5, 2.5, 3.5], [0, 0.75, 1.5, 2.5, 3]]
# The drum module's own articulations, as the nearest General MIDI drum.
ROLAND_TO_GM = {22: 42, 26: 46, 58: 43, 40: 38}
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass
class Note:
    start_s: float
    end_s: float
    pitch: int
    velocity: int


@dataclass
class Chord:
    start_s: float
    end_s: float
    root: int
    minor: bool

    def pitches(self):
        return [self.root % 12, (self.root + (3 if self.minor else 4)) % 12, (self.root + 7) % 12]


@dataclass
class Part:
    label: str
    program: int
    drums: bool
    notes: list
    level_db: float


def score(folder, number, rng):
    """Beats and chords of an excerpt of a song, stretched to another tempo and moved to another key."""
    song = folder / f"{number:03d}"
    rows = np.loadtxt(song / "beat_midi.txt")
    stretch, shift = rng.uniform(0.75, 1.3), rng.randrange(12)
    starts = rows[rows[:, 2] > 0.5, 0]
    first = rng.choice(list(starts[2 : max(3, int(len(starts) * 0.6))]))
    beats = (rows[rows[:, 0] >= first - 0.01, 0] - first) * stretch
    chords = []
    for line in (song / "chord_midi.txt").read_text().splitlines():
        start, end, name = line.split()
        if name != "N" and (float(end) - first) * stretch > 0:
            tonic = name.split(":")[0]
            root = STEPS[tonic[0]] + tonic.count("#") - tonic.count("b") + shift
            minor = name.split(":")[1].startswith(("min", "dim", "hdim"))
            chords.append(Chord(max((float(start) - first) * stretch, 0.0), (float(end) - first) * stretch, root, minor))
    return beats[beats < LENGTH_S], [chord for chord in chords if chord.start_s < LENGTH_S]


def chord_at(chords, time_s):
    return next((chord for chord in chords if chord.start_s - 0.02 <= time_s < chord.end_s), None)


def at(beats, place):
    """The time of a place in beats."""
    return float(np.interp(place, np.arange(len(beats)), beats))


def voiced(chord, low, high, count, rng):
    """Some of a chord's notes, close together somewhere in a range."""
    tones = [p for p in range(low, high + 1) if p % 12 in chord.pitches()]
    if len(tones) <= count:
        return tones
    first = rng.randrange(len(tones) - count + 1)
    return tones[first : first + count]


def chordal(label, beats, chords, rng):
    """Chords, struck, strummed, held or broken."""
    low, high = RANGES[label]
    middle = rng.randint(low, max(low, high - 16))
    low, high = middle, min(high, middle + 19)
    rhythm, broken = rng.choice(RHYTHMS), label not in HELD and rng.random() < 0.4
    held, strum = label in HELD and rng.random() < 0.7, 0.012 * ("guitar" in label) * rng.random() * 2
    length, count, notes = rng.choice([0.25, 0.45, 0.9]), rng.choice([3, 3, 4]), []
    if held:
        for chord in chords:
            loud = rng.randint(55, 100)
            notes += [Note(chord.start_s, chord.end_s, p, loud) for p in voiced(chord, low, high, count, rng)]
        return notes
    grid = rng.choice([0.5, 0.5, 0.25, 1.0])
    for bar in range(0, len(beats) - 1, 4):
        places = [i * grid for i in range(int(4 / grid))] if broken else rhythm
        tones, previous = [], None
        for i, place in enumerate(places):
            if bar + place >= len(beats) - 1:
                break
            start = at(beats, bar + place)
            chord = chord_at(chords, start)
            if chord is None:
                continue
            if chord is not previous or not tones:
                tones, previous = voiced(chord, low, high, count, rng), chord
            step = (beats[1] - beats[0]) * (grid if broken else 1.0)
            loud = rng.randint(60, 112)
            chosen = [tones[(i * 2 if rng.random() < 0.1 else i) % len(tones)]] if broken and tones else tones
            for k, pitch in enumerate(chosen):
                begin = start + strum * k + rng.uniform(-0.006, 0.006)
                notes.append(Note(begin, begin + step * length * (2.0 if broken else 1.0) + 0.03, pitch, loud))
    return notes


def leading(label, beats, chords, rng):
    """A line: steps and leaps over the chords, with rests; where the chord changes mostly one of its notes."""
    low, high = RANGES[label]
    pitch, notes, place = rng.randint(low + 5, high - 5), [], 0.0
    busy, tied = rng.choice([[1, 1, 2], [0.5, 0.5, 1], [0.5, 0.25, 0.25, 1], [2, 4, 3, 1]]), rng.choice([0.4, 0.85, 0.98])
    while place < len(beats) - 2:
        duration = rng.choice(busy)
        start, end = at(beats, place), at(beats, min(place + duration * tied, len(beats) - 1))
        place += duration
        chord = chord_at(chords, start)
        if chord is None or rng.random() < 0.18:
            place += rng.choice([0, 0.5, 1, 2])
            continue
        pitch += rng.choice([-5, -4, -3, -2, -2, -1, 1, 2, 2, 3, 4, 5, 7])
        scale = {(chord.root + s) % 12 for s in ((0, 2, 3, 5, 7, 8, 10) if chord.minor else (0, 2, 4, 5, 7, 9, 11))}
        wanted = set(chord.pitches()) if rng.random() < 0.6 else scale
        pitch = min(max(pitch, low), high)
        pitch = min((p for p in range(low, high + 1) if p % 12 in wanted), key=lambda p: abs(p - pitch))
        notes.append(Note(start + rng.uniform(-0.01, 0.01), max(end, start + 0.06), pitch, rng.randint(62, 118)))
    return notes


def bass(beats, chords, rng):
    """Roots, fifths and passing notes."""
    notes, style = [], rng.choice([[0], [0, 2], [0, 1, 2, 3], [x / 2 for x in range(8)], [0, 1.5, 2], [0, 0.75, 2, 2.75]])
    tied, drop = rng.choice([0.5, 0.9]), rng.choice([28, 31, 33])
    for bar in range(0, len(beats) - 1, 4):
        for i, place in enumerate(style):
            if bar + place >= len(beats) - 1:
                break
            start = at(beats, bar + place)
            chord = chord_at(chords, start)
            if chord is None:
                continue
            step = (style[i + 1] if i + 1 < len(style) else 4) - place
            tone = chord.root + rng.choices([0, 7, 12, 10 if chord.minor else 9], [8, 2, 1, 1])[0]
            pitch = drop + (tone - drop) % 12
            notes.append(Note(start, at(beats, min(bar + place + step * tied, len(beats) - 1)), pitch, rng.randint(70, 115)))
    return notes


def drums(folder, performances, beats, rng):
    """A performance of Groove MIDI, at this song's tempo."""
    row = rng.choice(performances)
    ticks, time, notes = mido.MidiFile(folder / row["midi_filename"]), 0.0, []
    beat_s = float(np.median(np.diff(beats)))
    scale = beat_s * float(row["bpm"]) / 60
    while not 0.7 < scale < 1.5:  # half or double time
        scale *= 0.5 if scale > 1 else 2.0
    for message in ticks:
        time += message.time * scale
        if message.type == "note_on" and message.velocity > 0:
            notes.append(Note(time, time + 0.1, ROLAND_TO_GM.get(message.note, message.note), message.velocity))
    length = max(note.start_s for note in notes) + beat_s if notes else 1.0
    copies = range(int(LENGTH_S / length) + 1)
    return [Note(n.start_s + k * length, n.end_s + k * length, n.pitch, n.velocity) for k in copies for n in notes if n.start_s + k * length < LENGTH_S]


def percussion(beats, rng):
    """One to three hand instruments in patterns of sixteenths."""
    notes = []
    for pitch in rng.sample(PERCUSSION, rng.randint(1, 3)):
        pattern = [place / 4 for place in range(16) if rng.random() < rng.choice([0.2, 0.4, 0.7])]
        for bar in range(0, len(beats) - 1, 4):
            for place in pattern:
                if bar + place < len(beats) - 1:
                    start = at(beats, bar + place) + rng.uniform(-0.008, 0.008)
                    notes.append(Note(start, start + 0.12, pitch, rng.randint(50, 115)))
    return notes


def arrange(midi, performances, number):
    """The parts of a song; its number decides everything."""
    rng = random.Random(f"soundfont {number}")
    beats, chords = score(midi / "pop909", rng.randint(1, SONGS), rng)
    if len(beats) < 12 or not chords:
        return [], rng
    parts = []
    if rng.random() < 0.75:
        kit = rng.choice([0, 0, 8, 16, 24, 25, 32, 40])
        parts.append(Part("drums", kit, True, drums(midi / "groove", performances, beats, rng), rng.gauss(0, 3)))
    if rng.random() < 0.75:
        parts.append(Part("bass", rng.choice(PROGRAMS["bass"]), False, bass(beats, chords, rng), rng.gauss(-2, 3)))
    labels = []
    for pool, counts in ((CHORDAL, [0, 1, 1, 2, 2, 3]), (LEADING, [0, 1, 1, 1, 2])):
        for _ in range(rng.choice(counts)):
            label = rng.choice([name for name in pool if name not in labels])
            labels.append(label)
            play = chordal if pool is CHORDAL else leading
            parts.append(Part(label, rng.choice(PROGRAMS[label]), False, play(label, beats, chords, rng), rng.gauss(-4 if pool is CHORDAL else -2, 3.5)))
    if rng.random() < 0.2 or not parts:
        parts.append(Part("percussion", 0, True, percussion(beats, rng), rng.gauss(-7, 3)))
    return [part for part in parts if part.notes], rng


class Player:
    """SoundFonts in a synthesiser, dry, in mono at the clips' rate."""

    def __init__(self, fonts):
        self.synth = fluidsynth.Synth(gain=0.6, samplerate=float(RATE_HZ))
        self.synth.setting("synth.reverb.active", 0)
        self.synth.setting("synth.chorus.active", 0)
        self.fonts = [self.synth.sfload(str(font)) for font in fonts]

    def play(self, part, font):
        channel, events = (9 if part.drums else 0), []
        for note in part.notes:
            events += [(max(note.start_s, 0.0), 1, note), (max(note.end_s, 0.02), 0, note)]
        self.synth.system_reset()
        self.synth.program_select(channel, font, 128 if part.drums else 0, part.program)
        out, done = [], 0
        for time_s, on, note in sorted(events, key=lambda event: (event[0], event[1])):
            until = min(round(time_s * RATE_HZ), round(LENGTH_S * RATE_HZ))
            if until > done:
                out.append(self.synth.get_samples(until - done).reshape(-1, 2))
                done = until
            if on:
                self.synth.noteon(channel, note.pitch, note.velocity)
            else:
                self.synth.noteoff(channel, note.pitch)
        out.append(self.synth.get_samples(max(round(LENGTH_S * RATE_HZ) - done, 1)).reshape(-1, 2))
        return np.concatenate(out).astype(np.float32).mean(1)[: round(LENGTH_S * RATE_HZ)] / 32768


def treated(samples, rooms, rng):
    """Tone, drive and a room, as a producer gives them; with the measures of space and dirt that the factory has for them."""
    spectrum, space, dirt = np.fft.rfft(samples), 0.0, 0.0
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE_HZ), 20.0) / 20.0) / 9.2
    curve_db = sum(rng.gauss(0, 3.0 / k) * np.cos(np.pi * k * octaves + rng.uniform(0, np.pi)) for k in (1, 2, 3, 4))
    samples = np.fft.irfft(spectrum * 10 ** (curve_db / 20), len(samples)).astype(np.float32)
    samples /= max(float(np.abs(samples).max()), 1e-9)
    if rng.random() < 0.15:
        gain_db = rng.uniform(3, 20)
        dirt = min(gain_db / 30, 1.0)
        samples = np.tanh(samples * 10 ** (gain_db / 20))
    if rng.random() < 0.6:
        room, wet_db = rng.choice(rooms), rng.uniform(-28, 0)
        size = 1 << (len(samples) + len(room)).bit_length()
        wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)[: len(samples)]
        scale = np.sqrt(np.mean(samples**2) / max(float(np.mean(wet**2)), 1e-12)) * 10 ** (wet_db / 20)
        samples = samples + scale * wet
        space = min((wet_db + 32) / 34, 1.0) * (0.35 + 0.65 * 0.6)
    return samples.astype(np.float32), space, dirt


def descriptors(samples, space, dirt, onsets_per_s):
    """As factory's clip/describe.rs measures them."""
    frames = samples[: len(samples) // 1024 * 1024].reshape(-1, 1024) * np.hanning(1025)[:-1]
    power, hz = (np.abs(np.fft.rfft(frames)) ** 2).sum(0)[1:], np.arange(1, 513) * RATE_HZ / 1024
    between = lambda x, low, high: float(np.clip(np.log(max(x, 1e-9) / low) / np.log(high / low), 0, 1))  # noqa: E731
    weight = np.sqrt(power)
    warm = power[(hz >= 120) & (hz <= 400)].sum() / max(power.sum(), 1e-12)
    return {
        "brightness": between(float((weight * hz).sum() / max(weight.sum(), 1e-12)), 200.0, 6000.0),
        "warmth": float(min(warm / 0.9, 1.0)), "space": space, "dirt": dirt, "density": between(onsets_per_s, 0.5, 8.0),
    }  # fmt: skip


def distinct(times_s):
    """How many onsets remain when those of one chord are one."""
    count, last = 0, -1.0
    for time_s in sorted(times_s):
        if time_s - last >= ONSET_S:
            count += 1
        last = time_s
    return count


def scenes(number, parts, player, rooms, rng):
    """The stems of a few moments of a song, with their truths."""
    tracks = []
    for part in parts:
        samples = player.play(part, rng.choice(player.fonts))
        if np.sqrt(np.mean(samples**2)) < 1e-5:
            continue
        samples, space, dirt = treated(samples, rooms, rng)
        samples *= 10 ** ((part.level_db - 24) / 20) / np.sqrt(np.mean(samples**2))
        tracks.append((part, samples, space, max(dirt, DISTORTED.get(part.program, 0.0) * (part.label == "electric-guitar"))))
    for scene in range(SCENES):
        first_s = LEAD_S + (LENGTH_S - LEAD_S - SCENE_S) * (scene + rng.random()) / SCENES
        first, length = round(first_s * RATE_HZ), round(SCENE_S * RATE_HZ)
        loudest = max((float(np.abs(samples[first : first + length]).max()) for _, samples, _, _ in tracks), default=0.0)
        gain = min(1.0, 0.9 / max(loudest, 1e-9))
        for part, samples, space, dirt in tracks:
            cut = samples[first : first + length] * gain
            if np.sqrt(np.mean(cut**2)) < SILENT:
                continue
            onsets = distinct(n.start_s for n in part.notes if first_s <= n.start_s < first_s + SCENE_S) / SCENE_S
            yield cut, {
                "kind": "stem", "label": part.label, "instruments": [part.label], "levels_db": [0.0], "source": "soundfont",
                "scene": {"song": 10_000_000 + number, "number": scene},
                "descriptors": descriptors(cut, space, dirt, onsets), "tempo_bpm": None,
            }  # fmt: skip


def unpacked(midi):
    """The MIDI collections, unpacked into the working folder."""
    work = Path(__file__).parent / "work/midi"
    for name in ("pop909", "groove_midi"):
        if not (work / name.removesuffix("_midi")).exists():
            with tarfile.open(midi / f"{name}.tar.gz") as archive:
                archive.extractall(work, filter="data")
    return work


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--midi", type=Path, required=True)
    args.add_argument("--rooms", type=Path, required=True)
    args.add_argument("--soundfont", type=Path, nargs="+", required=True)
    args.add_argument("--out", type=Path, required=True, help="path without extension")
    args.add_argument("--songs", required=True, help="FIRST..END")
    a = args.parse_args()
    first, end = map(int, a.songs.split(".."))
    midi, player = unpacked(a.midi), Player(a.soundfont)
    performances = [row for row in csv.DictReader((midi / "groove/info.csv").open()) if row["split"] == "train" and row["beat_type"] == "beat"]
    rooms = [soundfile.read(path, dtype="float32")[0] for path in sorted(a.rooms.glob("*.flac"))]
    with a.out.with_suffix(".f16").open("wb") as waves, a.out.with_suffix(".jsonl").open("w") as truths:
        for number in range(first, end):
            parts, rng = arrange(midi, performances, number)
            for samples, truth in scenes(number, parts, player, rooms, rng):
                waves.write(samples.astype("<f2").tobytes())
                truths.write(json.dumps(truth) + "\n")
    a.out.with_suffix(".done").touch()


if __name__ == "__main__":
    main()
