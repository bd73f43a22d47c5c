"""Caption files read by other people's parsers: every format must give back the times and words of the JSON beside it, from the
render's start or the project's, whichever is the format's zero.

usage: read_back.py FOLDER BARLINE SCHEMA     (`cargo xtask test` calls it, on the renders of a random test; needs requirements.txt)
FOLDER holds folders of renders, each a JSON with its siblings. BARLINE is the command, which embeds captions in WAV files.
Exit code 0, or 1 with a line for everything that differs.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import jsonschema
import mido
import pylrc
import pysubs2
from wavinfo import WavInfoReader

RATE_HZ = 8000
LINE, LINES, LEAST_MS, MOST_MS = 42, 2, 1000, 7000
# A file for every so many renders is made as WAV: each is measured, which takes a while.
EVERY = 6


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def near(got, want, by, what):
    check(len(got) == len(want), f"{what}: {len(got)} for {len(want)}")
    for one, other in zip(got, want):
        times = all(abs(a - b) <= by for a, b in zip(one[:-1], other[:-1]))
        check(times and one[-1] == other[-1], f"{what}: {one} for {other}")


def in_project(timeline):
    """Start, end and words of the captions with the project's start as zero, as far as they lie behind it."""
    zero_s = timeline["project_start_s"] or 0.0
    spans = [(max(c["start_s"] + zero_s, 0.0), c["end_s"] + zero_s, c["text"]) for c in timeline["captions"]]
    # Slivers that formats with milliseconds could not tell from nothing are left out.
    return [span for span in spans if span[1] - span[0] >= 0.002]


def subtitles(timeline, path):
    """Both are the same cues, which can be read; a caption that needs nothing, beside none that does, is one of them."""
    cues = {}
    for extension in ("srt", "vtt"):
        events = pysubs2.load(str(path.with_suffix(f".{extension}"))).events
        cues[extension] = [(e.start, e.end, tuple(e.plaintext.split("\n"))) for e in events]
    check(cues["srt"] == cues["vtt"], "SRT and VTT differ")
    end_ms = 0
    for start, end, lines in cues["srt"]:
        check(start >= end_ms, f"{start} ms: it overlaps")
        check(LEAST_MS <= end - start <= MOST_MS or len(cues["srt"]) == 1, f"{start} ms: {end - start} ms on screen")
        check(len(lines) <= LINES and all(0 < len(line) <= LINE for line in lines), f"{start} ms: {lines}")
        end_ms = end
    check(end_ms <= 1000 * timeline["duration_s"] + 1, f"{end_ms} ms: behind the end")
    captions = timeline["captions"]
    # The JSON's times are rounded to milliseconds there; Python rounds halves otherwise.
    found = {(start + a, end + b, lines) for start, end, lines in cues["srt"] for a in (-1, 0, 1) for b in (-1, 0, 1)}
    plain = [1.01 < c["end_s"] - c["start_s"] < 6.99 and len(c["text"]) <= LINE for c in captions]
    for index, caption in enumerate(captions):
        if all(plain[max(index - 1, 0) : index + 2]):
            cue = (round(1000 * caption["start_s"]), round(1000 * caption["end_s"]), (caption["text"],))
            check(cue in found, f"no cue is {cue}")


def lyrics(timeline, path):
    """LRC counts hundredths of a second from the render's start."""
    lines = pylrc.parse(path.with_suffix(".lrc").read_text())
    said = [(line.time, line.text) for line in lines if line.text]
    near(said, [(c["start_s"], c["text"]) for c in timeline["captions"]], 0.0051, "LRC")


def seconds(clock):
    parts = [float(part) for part in clock.split(":")]
    return sum(part * 60**place for place, part in enumerate(reversed(parts)))


def regions(timeline, path):
    """REAPER's list, and Audacity's, from the project's start."""
    rows = list(csv.DictReader(path.with_suffix(".csv").open(newline="")))
    regions = [(seconds(row["Start"]), seconds(row["End"]), row["Name"]) for row in rows]
    near(regions, in_project(timeline), 0.00051, "CSV")
    labels = csv.reader(path.with_suffix(".txt").open(newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    labels = [(float(start), float(end), name) for start, end, name in labels]
    near(labels, in_project(timeline), 0.0000011, "labels")


def markers(timeline, path):
    """MIDI: markers on ticks, by the file's own tempo map; that map is the render's."""
    midi = mido.MidiFile(path.with_suffix(".mid"), charset="utf-8")
    check(len(midi.tracks) == 1, "one track")
    at_s, tempo, found, tempi = 0.0, 500_000, [], []
    for event in midi.tracks[0]:
        at_s += mido.tick2second(event.time, midi.ticks_per_beat, tempo)
        if event.type == "set_tempo":
            tempo = event.tempo
            tempi.append((at_s, mido.tempo2bpm(tempo)))
        elif event.type == "marker":
            found.append((at_s, event.text))
    wanted = in_project(timeline)
    # A tick of a slow song, and the roundings of the tempi before it.
    near(found, [(start, text) for start, _, text in wanted], 0.0016, "MIDI")
    zero_s = timeline["project_start_s"] or 0.0
    for mark in timeline["tempo_map"][1:]:
        close = [bpm for at, bpm in tempi if abs(at - zero_s - mark["start_s"]) < 0.0016]
        check(any(abs(bpm - mark["bpm"]) < 0.01 for bpm in close), f"MIDI: tempo at {mark}: {tempi}")


def broadcast_wave(timeline, path, barline, folder):
    """Cue points, regions and labels to the sample, loudness, and the sound as it was."""
    plain, copy = folder / "plain.wav", folder / "copy.wav"
    copy.unlink(missing_ok=True)
    frames = random.Random(1).randbytes(2 * round(timeline["duration_s"] * RATE_HZ))
    with wave.open(str(plain), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(frames)
    call = [barline, "embed-captions", plain, "--captions", path, "--out", copy]
    done = subprocess.run([str(word) for word in call], capture_output=True, text=True)
    check(done.returncode == 0, f"embed-captions: {done.stderr}")
    with wave.open(str(copy)) as file:
        check(file.readframes(file.getnframes()) == frames, "WAV: the sound differs")
    info = WavInfoReader(str(copy), info_encoding="utf-8")
    got = [(at, info.cues.range(name), info.cues.label_and_note(name)[0]) for name, at in info.cues.each_cue()]
    spans = [(c["start_s"] * RATE_HZ, c["end_s"] * RATE_HZ, c["text"]) for c in timeline["captions"]]
    near(got, [(start, end - start, text) for start, end, text in spans], 1.0, "WAV cues")
    measured = subprocess.run([str(barline), "measure", "--json", str(plain)], capture_output=True, text=True)
    measured = json.loads(measured.stdout)[0]
    names = {"loudness_value": "integrated_lufs", "max_true_peak": "true_peak_dbtp", "max_momentary_loudness": "momentary_max_lufs"}
    for theirs, ours in names.items():
        level = getattr(info.bext, theirs)
        # An instrument's figure, or the field's sign for none.
        wanted = measured[ours] if measured[ours] is not None else 327.67
        check(abs(level - wanted) < 0.0051, f"bext: {theirs} {level} for {measured[ours]}")


def main():
    folder, barline, schema = map(Path, sys.argv[1:])
    schema = json.loads(schema.read_text())
    paths = sorted(folder.rglob("*.json"))
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for index, path in enumerate(paths):
            try:
                timeline = json.loads(path.read_text())
                jsonschema.validate(timeline, schema)
                for reader in (subtitles, lyrics, regions, markers):
                    reader(timeline, path)
                if index % EVERY == 0:
                    broadcast_wave(timeline, path, barline, Path(scratch))
            except (AssertionError, ValueError, LookupError, OSError, jsonschema.ValidationError) as error:
                failed += 1
                print(f"{path}: {error}")
    print(f"{len(paths)} renders read back by pysubs2, mido, pylrc, wavinfo and jsonschema; {failed} differ")
    return failed > 0 or not paths


if __name__ == "__main__":
    sys.exit(main())
