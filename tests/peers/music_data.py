"""Music of known truth for music.py: songs of pop909 and performances of groove, rendered from MIDI by fluidsynth,
and songs of Barline's own factory as they are."""

import argparse
import csv
import json
import random
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import mir_eval
import numpy as np
import pretty_midi
import soundfile

RATE = 44100
EXCERPT_S = 90.0
RENDER = "1"  # raise it when a render or a truth of the same name would change
Json = dict[str, object]

MELODIES = [73, 40, 65, 66, 80, 81, 53, 56, 71, 68, 52, 54, 11, 75]
BRIDGES = [48, 49, 50, 24, 25, 27, 4, 5, 46, 89, 90, 61]
PIANOS = [0, 0, 1, 2, 4, 5, 24, 25, 26, 16, 18, 6, 88]
BASSES = [32, 33, 34, 35, 38, 39]
KICK, SIDE, SNARE, CLAP, CLOSED, OPEN, RIDE, CRASH, SHAKER = 36, 37, 38, 39, 42, 46, 51, 49, 70
EIGHTHS = [x / 2 for x in range(16)]
# A bar's hits: drum, places in beats. Bars of fewer beats take the places that fit.
PATTERNS: dict[str, dict[int, list[float]]] = {
    "rock": {KICK: [0, 2, 2.5], SNARE: [1, 3], CLOSED: EIGHTHS},
    "four on the floor": {KICK: [0, 1, 2, 3], CLAP: [1, 3], OPEN: [0.5, 1.5, 2.5, 3.5]},
    "off-beat hats": {KICK: [0, 1.5, 2], SNARE: [1, 3], CLOSED: [0.5, 1.5, 2.5, 3.5]},
    "sixteenths": {KICK: [0, 1.75, 2], SNARE: [1, 3], CLOSED: [x / 4 for x in range(32)]},
    "syncopated": {KICK: [0, 0.75, 2.5], SNARE: [1, 3], RIDE: EIGHTHS},
    "side stick": {KICK: [0, 2], SIDE: [1, 3], SHAKER: EIGHTHS},
    "sparse": {KICK: [0, 2.5], SNARE: [1, 3]},
    "half-time": {KICK: [0, 1.5], SNARE: [2], CLOSED: EIGHTHS},
}
WALTZES: dict[str, dict[int, list[float]]] = {
    "waltz": {KICK: [0], SNARE: [1, 2], CLOSED: [0, 1, 2]},
    "slow rock": {KICK: [0], SIDE: [2], RIDE: [0, 0.5, 1, 1.5, 2, 2.5]},
}
# The drum module's own articulations, as the nearest General MIDI drum.
ROLAND_TO_GM = {22: 42, 26: 46, 58: 43, 40: 38}


def play(midi: pretty_midi.PrettyMIDI, soundfont: Path, seconds: float) -> np.ndarray:
    """`midi` as fluidsynth plays it, cut to `seconds`: [frames, 2]."""
    for track in midi.instruments:  # fluidsynth goes on for as long as a note is held
        off = [pretty_midi.ControlChange(number, 0, seconds + 0.1) for number in (64, 120)]
        track.control_changes = [c for c in track.control_changes if c.time < seconds] + off
    with tempfile.TemporaryDirectory() as folder:
        score, raw = Path(folder) / "score.mid", Path(folder) / "raw.wav"
        midi.write(str(score))
        command = ["fluidsynth", "-niq", "-g", "0.5", "-r", str(RATE), "-T", "wav", "-O", "float", "-F", raw]
        subprocess.run([*command, soundfont, score], check=True, capture_output=True, timeout=600)
        samples, _ = soundfile.read(raw, dtype="float32", always_2d=True)
    samples = samples[: round(seconds * RATE)]
    fade = np.linspace(1, 0, RATE // 20, dtype=np.float32)[:, None]
    samples[-len(fade) :] *= fade
    return samples


def sounding(midi: pretty_midi.PrettyMIDI, soundfont: Path, seconds: float, out: Path) -> None:
    """Renders `midi`, its peak at -1 dBFS."""
    samples = play(midi, soundfont, seconds)
    samples *= 10 ** (-1 / 20) / max(float(np.abs(samples).max()), 1e-9)
    soundfile.write(out, samples, RATE, subtype="PCM_16")


def excerpt(midi: pretty_midi.PrettyMIDI, start: float, end: float) -> pretty_midi.PrettyMIDI:
    """The notes that begin in [start, end), with their pedal, moved to begin at 0."""
    cut = pretty_midi.PrettyMIDI(resolution=960)
    for source in midi.instruments:
        track = pretty_midi.Instrument(source.program, source.is_drum, source.name)
        for note in source.notes:
            if start - 0.05 <= note.start < end:
                begin, until = max(note.start - start, 0.0), min(note.end, end) - start
                if until - begin > 0.02 or source.is_drum:
                    until = max(until, begin + 0.05)
                    track.notes.append(pretty_midi.Note(note.velocity, note.pitch, begin, until))
        pedal = [c for c in source.control_changes if c.number == 64 and start <= c.time < end]
        track.control_changes = [pretty_midi.ControlChange(64, c.value, c.time - start) for c in pedal]
        cut.instruments.append(track)
    return cut


def drum_track(downbeats: np.ndarray, beats: np.ndarray, rng: random.Random) -> tuple[str, pretty_midi.Instrument]:
    """One pattern over all bars, with a fill each eighth bar and hits up to 8 ms off."""
    track = pretty_midi.Instrument(0, is_drum=True, name="DRUMS")
    bars = np.searchsorted(beats, downbeats - 0.01)
    size = int(np.median(np.diff(bars)))
    slow = 60 / float(np.median(np.diff(beats))) < 90
    choice = WALTZES if size == 3 else {k: v for k, v in PATTERNS.items() if not (slow and k == "half-time")}
    name = rng.choice(sorted(choice))
    first = rng.choice([0, 0, 4])
    for bar, (a, b) in enumerate(zip(bars, bars[1:], strict=False)):
        if bar < first:
            continue
        hits = [(drum, place) for drum, places in choice[name].items() for place in places if place < b - a]
        if bar % 8 == 7:
            last = float(b - a - 1)
            hits = [h for h in hits if h[1] < last] + [(d, last + i / 4) for i, d in enumerate((SNARE, 48, 45, 43))]
        if bar % 8 == first % 8:
            hits.append((CRASH, 0.0))
        for drum, place in hits:
            time = float(np.interp(a + place, np.arange(len(beats)), beats)) + rng.uniform(-0.008, 0.008)
            velocity = (100 if drum in (KICK, SNARE, CLAP) else 78) + rng.randint(-12, 12)
            track.notes.append(pretty_midi.Note(velocity, drum, max(time, 0.0), max(time, 0.0) + 0.1))
    return name, track


def bass_track(chords: list, beats: np.ndarray, rng: random.Random) -> pretty_midi.Instrument:
    """The chords' bass notes: held, in quarters, in eighths or syncopated."""
    track = pretty_midi.Instrument(rng.choice(BASSES), name="BASS")
    style = rng.choice(["held", "quarters", "eighths", "syncopated"])
    for start, end, label in chords:
        root, _, bass = mir_eval.chord.encode(label)
        a, b = np.interp([start, end], beats, np.arange(len(beats)))
        if root < 0 or b - a < 0.2:
            continue
        step = {"held": b - a, "quarters": 1.0, "eighths": 0.5, "syncopated": 0.75}[style]
        places = [a + i * step for i in range(max(1, int((b - a) / step - 1e-6) + 1)) if a + i * step < b - 0.1]
        times = np.interp([*places, b], np.arange(len(beats)), beats)
        for time, until in zip(times, times[1:], strict=False):
            pitch = 28 + (root + bass - 28) % 12
            track.notes.append(pretty_midi.Note(rng.randint(80, 104), pitch, time, max(time + 0.05, until - 0.02)))
    return track


def harte(name: str) -> str:
    """A chord name such as `F#m` or `Ebmaj7` in the syntax of mir_eval; of one it doesn't know, the triad."""
    if name == "N" or ":" in name:
        return name
    root, rest = re.fullmatch(r"([A-G][b#]?)(.*)", name).groups()
    alike = {"m": "min", "m7": "min7", "m7b5": "hdim7", "mmaj7": "minmaj7", "m6": "min6", "6": "maj6"}
    triad = "min" if re.match("m(?!aj)", rest) else "maj"
    return f"{root}:{alike.get(rest, rest if rest in mir_eval.chord.QUALITIES and rest else triad)}"


def clip(chords: Iterable, start: float, end: float) -> list:
    return [[max(a, start) - start, min(b, end) - start, c] for a, b, c in chords if min(b, end) - max(a, start) > 1e-3]


def grid(onsets: np.ndarray, beats: np.ndarray) -> tuple[float, float, np.ndarray]:
    """How well notes sit on halves, quarters or thirds of the beats (0..1), how late (s), and their beat places."""
    places = np.interp(onsets, beats, np.arange(len(beats)), left=np.nan, right=np.nan)
    places = places[~np.isnan(places)]
    means = {k: complex(np.exp(2j * np.pi * k * places).mean()) for k in (2, 3, 4, 6)}
    best = max(means, key=lambda k: abs(means[k]))
    late = float(np.angle(means[best])) / (2 * np.pi * best) * float(np.median(np.diff(beats)))
    return abs(means[best]), late, places


def bars_of(rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Downbeats of a beat_midi.txt: its second flag marks pairs of pairs (4/4) or pairs of threes (3/4: the first)."""
    flag = 1 if np.median(np.diff(np.flatnonzero(rows[:, 1] > 0))) == 3 else 2
    places = np.flatnonzero(rows[:, flag] > 0)
    return rows[places, 0], int(np.median(np.diff(places)))


def misaligned(onsets: np.ndarray, rows: np.ndarray, chords: list, audio: np.ndarray) -> str | None:
    """Why an annotation can't be right, from the notes themselves; None if nothing speaks against it.

    The notes must sit on the beats' grid and no more than 25 ms beside it, rather on beats than between them; the
    beats must be even; more chords must change on annotated downbeats than on any other beat of the bar; and
    the beats heard in the recording must agree on three or four to the bar.
    """
    beats = rows[:, 0]
    score, late, places = grid(onsets, beats)
    if score < 0.6 or abs(late) > 0.025:
        return "grid"
    off = np.abs(places - np.round(places))
    if np.mean(off < 0.08) < np.mean(off > 0.42):
        return "half a beat off"
    gaps = np.diff(beats)
    if np.mean(np.abs(gaps / np.median(gaps) - 1) > 0.1) > 0.05:
        return "uneven beats"
    downbeats, size = bars_of(rows)
    changes = [b[0] for a, b in zip(chords, chords[1:], strict=False) if a[2] != b[2]]
    nearest = np.array([int(np.abs(beats - t).argmin()) for t in changes])
    bars = np.searchsorted(beats, downbeats - 0.01)
    into = nearest[nearest >= bars[0]] - bars[np.searchsorted(bars, nearest[nearest >= bars[0]], side="right") - 1]
    if Counter(into.tolist()).most_common(1)[0][0] != 0:
        return "bars"
    heard = np.median(np.diff(np.flatnonzero(audio[:, 1] == 1)))
    return "meter" if (heard == 3) != (size == 3) else None


def key_of(lines: list[list[str]], midi: pretty_midi.PrettyMIDI, start: float, end: float) -> tuple[str | None, str]:
    """The excerpt's one key, else why there is none. The keys were taken from the recordings, and some MIDI files are
    transposed: the key's scale must hold 90 % of the notes' time, and all but 2 % of what the best scale holds."""
    inside = {key for a, b, key in lines if min(float(b), end) - max(float(a), start) > 2}
    if len(inside) != 1:
        return None, "changes"
    tonic, mode = inside.pop().split(":")
    held = np.zeros(12)
    for note in (n for i in midi.instruments for n in i.notes):
        held[note.pitch % 12] += min(note.end - note.start, 1.0)
    scales = [sum(held[(root + step) % 12] for step in (0, 2, 4, 5, 7, 9, 11)) / held.sum() for root in range(12)]
    own = scales[(mir_eval.chord.pitch_class_to_semitone(tonic) + (3 if mode == "min" else 0)) % 12]
    if own < 0.9 or own < max(scales) - 0.02:
        return None, "not the notes' scale"
    return f"{tonic} {'major' if mode == 'maj' else 'minor'}", ""


def pop909(folder: Path, number: int, soundfont: Path, out: Path) -> Json:
    """Renders one song; the truth, or {"dropped": why}."""
    song = folder / f"{number:03d}"
    midi = pretty_midi.PrettyMIDI(str(song / f"{song.name}.mid"))
    rows, audio = np.loadtxt(song / "beat_midi.txt"), np.loadtxt(song / "beat_audio.txt")
    read = {name: [line.split() for line in (song / name).open()] for name in ("chord_midi.txt", "key_audio.txt")}
    onsets = np.array([n.start for i in midi.instruments for n in i.notes])
    # The song starts at the last annotated downbeat before its first note: some files begin with 15 s of nothing.
    downbeats, size = bars_of(rows)
    before = downbeats[downbeats <= onsets.min() + 0.05]
    start = float(before[-1]) if len(before) else max(0.0, float(onsets.min()) - 0.05)
    end = min(start + EXCERPT_S, max(n.end for i in midi.instruments for n in i.notes) + 1.0)
    rows = rows[(rows[:, 0] >= start - 0.01) & (rows[:, 0] < end)]
    whole = [[float(a), float(b), c] for a, b, c in read["chord_midi.txt"]]
    chords = clip(whole, start, end)
    rows[:, 0] = np.maximum(rows[:, 0] - start, 0.0)
    why = misaligned(onsets[(onsets > start - 0.05) & (onsets < end)] - start, rows, chords, audio)
    if why:
        return {"dropped": why}
    cut = excerpt(midi, start, end)
    key, no_key = key_of(read["key_audio.txt"], cut, start, end)
    beats, downbeats = rows[:, 0], bars_of(rows)[0]
    rng = random.Random(f"pop909 {number}")
    for track, programs in zip(cut.instruments, (MELODIES, BRIDGES, PIANOS), strict=True):
        track.program = rng.choice(programs)
    drums, bass = rng.random() < 0.5, rng.random() < 0.5
    pattern, drum = drum_track(downbeats, beats, rng)
    cut.instruments += [drum] * drums + [bass_track(chords, beats, rng)] * bass
    for track in cut.instruments:
        track.control_changes.insert(0, pretty_midi.ControlChange(7, rng.randint(75, 115), 0.0))
    sounding(cut, soundfont, end - start, out)
    return {
        "tempo_bpm": 60 / float(np.median(np.diff(beats))), "beats_s": beats.tolist(),
        "downbeats_s": downbeats.tolist(), "beats_per_bar": size,
        "meters": ["3/4", "6/8"] if size == 3 else [f"{size}/4"], "key": key, "no_key": no_key,
        "chords": chords, "drums": pattern if drums else None, "bass": bass,
        "programs": [t.program for t in cut.instruments], "start_s": start,
    }  # fmt: skip


def grooves(folder: Path) -> list[Json]:
    """Beats (no fills) of 20 s or more in quarters; sessions of even place first."""
    with (folder / "info.csv").open() as table:
        rows = [r for r in csv.DictReader(table) if r["beat_type"] == "beat" and float(r["duration"]) >= 20]
    rows = [r for r in rows if r["time_signature"].endswith("-4")]
    sessions = sorted({r["session"] for r in rows})
    order = sorted(rows, key=lambda r: (sessions.index(r["session"]) % 2, r["session"], int(r["id"].split("/")[-1])))
    even = sum(sessions.index(r["session"]) % 2 == 0 for r in order)
    print(f"grooves: 0..{even} of even sessions, {even}..{len(order)} of odd ones", file=sys.stderr)
    return order


def groove(folder: Path, row: Json, soundfont: Path, out: Path) -> Json:
    """Renders one performance. It was played to a metronome: beats at k * 60 / bpm from the file's start, bars too
    (checked: a performance whose kicks favour another beat of the bar has no downbeats to score)."""
    midi = pretty_midi.PrettyMIDI(str(folder / row["midi_filename"]))
    beat, size = 60 / float(row["bpm"]), int(row["time_signature"].split("-")[0])
    end = min(EXCERPT_S, max(n.end for n in midi.instruments[0].notes) + 1.0)
    cut = excerpt(midi, 0.0, end)
    notes = cut.instruments[0].notes
    beats = np.arange(0, end, beat)
    if grid(np.array([n.start for n in notes]), beats)[0] < 0.3:
        return {"dropped": "grid"}
    kicks = [n.start / beat for n in notes if n.pitch in (35, KICK)]
    kicked = Counter(round(k) % size for k in kicks if abs(k % 1 - 0.5) > 0.35)
    barred = bool(kicked) and kicked.most_common(1)[0][0] == 0
    for note in notes:
        note.pitch = ROLAND_TO_GM.get(note.pitch, note.pitch)
    cut.instruments[0].is_drum, cut.instruments[0].control_changes = True, []
    sounding(cut, soundfont, end, out)
    return {
        "tempo_bpm": float(row["bpm"]), "beats_s": beats.tolist(), "beats_per_bar": size, "key": None,
        "downbeats_s": beats[::size].tolist() if barred else None, "meters": [f"{size}/4"] if barred else None,
        "chords": [], "style": row["style"],
    }  # fmt: skip


def factory(song: Path) -> Json:
    """The truth of a song of Barline's own factory; x/8 is felt in dotted quarters."""
    truth = json.loads((song / "truth.json").read_text())
    count, unit = map(int, truth["meter"].split("/"))
    size = count // 3 if unit == 8 and count % 3 == 0 else count
    beats, chords = [], []
    for bar in truth["bars"]:
        begin, end, names = bar["start_s"], bar["end_s"], bar["chords"]
        beats += np.linspace(begin, end, size, endpoint=False).tolist()
        edges = np.linspace(begin, end, len(names) + 1)
        chords += [[float(a), float(b), harte(c)] for a, b, c in zip(edges, edges[1:], names, strict=False)]
    tempo = 60 / float(np.median(np.diff(beats)))
    return {
        "tempo_bpm": tempo, "beats_s": beats, "downbeats_s": [b["start_s"] for b in truth["bars"]],
        "beats_per_bar": size, "meters": [truth["meter"]], "key": truth["key"], "chords": chords,
    }  # fmt: skip


def places(text: str) -> range:
    start, end, step = re.fullmatch(r"(?:\w+:)?(\d+)\.\.(\d+)(?::(\d+))?", text).groups()
    return range(int(start), int(end), int(step or 1))


def unpacked(data: Path, archive: str, folder: str, work: Path) -> Path:
    target = work / "midi" / folder
    if not target.exists():
        with tarfile.open(data / archive) as tar:
            tar.extractall(work / "midi", filter="data")
    return target


def rendered(name: str, out: Path, make: Callable[[Path], Json]) -> Json:
    """The truth of WORK/.../NAME, which is made unless it is there."""
    out.mkdir(parents=True, exist_ok=True)
    truth, wav = out / f"{name}.json", out / f"{name}.wav"
    if not truth.exists() or json.loads(truth.read_text())["render"] != RENDER:
        truth.write_text(json.dumps(make(wav) | {"render": RENDER}))
    return json.loads(truth.read_text()) | {"wav": str(wav)}


def kept(title: str, truths: list[Json]) -> tuple[str, list[Path], list[Json]]:
    """The title says what was left out and why."""
    dropped = Counter(t["dropped"] for t in truths if "dropped" in t)
    stay = [t for t in truths if "dropped" not in t]
    keys = Counter(t["no_key"] for t in stay if t.get("no_key"))
    title += f": {len(stay)} of {len(truths)}"
    title += "".join(f"; misaligned by {why}: {n}" for why, n in sorted(dropped.items()))
    title += "".join(f"; without key ({why}): {n}" for why, n in sorted(keys.items()))
    return title, [Path(t["wav"]) for t in stay], stay


def sets(args: argparse.Namespace) -> list[tuple[str, list[Path], list[Json]]]:
    found = []
    if args.songs:
        midi = unpacked(args.data, "pop909.tar.gz", "pop909", args.work)
        out, font = args.work / "pop909", args.soundfont
        truths = [rendered(f"{n:03d}", out, lambda wav, n=n: pop909(midi, n, font, wav)) for n in places(args.songs)]
        found.append(kept(args.songs, truths))
    if args.grooves:
        midi = unpacked(args.data, "groove_midi.tar.gz", "groove", args.work)
        out, font, order = args.work / "groove", args.soundfont, grooves(midi)
        rows = [order[i] for i in places(args.grooves) if i < len(order)]
        truths = [rendered(r["id"].replace("/", "-"), out, lambda wav, r=r: groove(midi, r, font, wav)) for r in rows]
        found.append(kept(f"groove:{args.grooves}", truths))
    if args.factory:
        folders = sorted(p.parent for p in args.factory.glob("*/truth.json"))
        found.append(kept("factory", [factory(f) | {"wav": str(f / "mix.wav")} for f in folders]))
    return found
