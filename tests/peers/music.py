"""Barline's tempo, beats, key and chords beside librosa, aubio and essentia on music of known truth.

    python music.py --barline target/release/barline --data MIDI_DIR --soundfont FluidR3_GM.sf2 --work WORK \
        --songs pop909:451..910:9 --grooves 199..378:4 --factory SONGS --json out.json

Needs music_data.py beside it, the packages of requirements.txt and the commands `fluidsynth` and `aubio`
(Debian: fluidsynth, fluid-soundfont-gm, aubio-tools). MIDI_DIR holds pop909.tar.gz and groove_midi.tar.gz; SONGS is a
folder written by `factory songs`. Ranges are START..END[:STEP], the end excluded. Pop909 is counted by song number;
grooves by place in a list with the sessions of even place in it first, then those of odd place.

WORK/pop909 and WORK/groove get NAME.wav (44.1 kHz, stereo, 16 bit) and NAME.json, its truth. What a tool
answers is kept in WORK/answers/TOOL under the audio's hash (and the binary's, for barline), so a second
run asks only what is new. The same arguments give the same files and the same table.

Prints a block per data set, one row per tool. tempo1: within 4 %; tempo2: also at 2, 3, 1/2 or 1/3 of the
tempo; beat F and downbeat F: mir_eval.beat.f_measure after the first 5 s; key: mir_eval.key.weighted_score;
chord: mir_eval.chord's majmin overlap weighted by time; meter: beats per bar right. Behind each figure the
number of files it is the mean of; "-": the tool has no such answer. An answer withheld counts as wrong.
Then how far barline's confidences can be trusted: per bin of stated confidence the count (chords: seconds),
the mean stated and the share right.
"""

# ruff: noqa: E402 (the threads are capped before numpy is there)
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import hashlib
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import mir_eval
import numpy as np

from music_data import RATE, Json, harte, sets


def ask_librosa(path: Path) -> Json:
    import librosa

    samples, rate = librosa.load(path)
    tempo, frames = librosa.beat.beat_track(y=samples, sr=rate)
    return {"tempo": float(np.ravel(tempo)[0]), "beats": librosa.frames_to_time(frames, sr=rate).tolist()}


def ask_aubio(path: Path) -> Json:
    def say(what: str) -> str:
        return subprocess.run(["aubio", what, path], capture_output=True, text=True, check=True).stdout

    bpm = re.search(r"([\d.]+) bpm", say("tempo"))
    return {"tempo": float(bpm[1]) if bpm else None, "beats": [float(t) for t in say("beat").split()]}


def essentia_samples(path: Path) -> np.ndarray:
    import essentia
    import essentia.standard as es

    essentia.log.infoActive = essentia.log.warningActive = False
    return es.MonoLoader(filename=str(path), sampleRate=RATE)()


def essentia_key(samples: np.ndarray, profile: str) -> str:
    import essentia.standard as es

    tonic, mode, _ = es.KeyExtractor(profileType=profile)(samples)
    return f"{tonic} {mode}"


def ask_essentia(path: Path) -> Json:
    """Tempo and beats, key by the default profile (bgate), chords between the beats heard."""
    import essentia.standard as es

    samples = essentia_samples(path)
    tempo, beats, *_ = es.RhythmExtractor2013(method="multifeature")(samples)
    window, spectrum = es.Windowing(type="blackmanharris62"), es.Spectrum()
    band = {"minFrequency": 40, "maxFrequency": 5000}
    peaks = es.SpectralPeaks(magnitudeThreshold=1e-5, maxPeaks=10000, orderBy="frequency", **band)
    whitened = es.SpectralWhitening(maxFrequency=5000)  # as in TonalExtractor; without it chords are far worse
    hpcp = es.HPCP(size=36, harmonics=8, windowSize=0.5, weightType="cosine", bandPreset=False, **band)
    chroma = []
    for frame in es.FrameGenerator(samples, frameSize=4096, hopSize=2048, startFromZero=False):
        spectrum_now = spectrum(window(frame))
        frequencies, heights = peaks(spectrum_now)
        chroma.append(hpcp(frequencies, whitened(spectrum_now, frequencies, heights)))
    chroma = np.array(chroma, dtype=np.float32)
    labels, _ = es.ChordsDetectionBeats(hopSize=2048)(chroma, beats) if len(beats) > 2 else ([], None)
    chords = [[float(a), float(b), harte(c)] for a, b, c in zip(beats, beats[1:], labels, strict=False)]
    return {"tempo": float(tempo), "beats": beats.tolist(), "key": essentia_key(samples, "bgate"), "chords": chords}


def ask_essentia_tonal(path: Path) -> Json:
    """TonalExtractor's chords: ChordsDetection over 2 s, a label per 2048 samples."""
    import essentia.standard as es

    samples, hop = essentia_samples(path), 2048 / RATE
    return {"chords": [[i * hop, (i + 1) * hop, harte(c)] for i, c in enumerate(es.TonalExtractor()(samples)[4])]}


def ask_barline(binary: Path) -> Callable[[Path], Json]:
    def ask(path: Path) -> Json:
        run = subprocess.run([binary, "measure", "--json", path], capture_output=True, text=True, check=True)
        said = json.loads(run.stdout)
        said = said[0] if isinstance(said, list) else said
        names = {"tempo_bpm": "tempo", "beats_s": "beats", "downbeats_s": "downbeats", "meter": "meter", "key": "key"}
        answer = {new: said[old] for old, new in names.items() if old in said}
        answer |= {k: said.get(k) for k in ("tempo_confidence", "key_confidence")}
        if "chords" in said:
            spans = said["chords"] or []
            answer["chords"] = [[c["start_s"], c["end_s"], harte(c["name"]), c.get("confidence")] for c in spans]
        return answer

    return ask


def answers(tool: str, ask: Callable[[Path], Json], files: list[Path], work: Path, version: str) -> list[Json]:
    """What a tool says to each file, from WORK/answers where it was asked before."""
    folder = work / "answers" / re.sub(r"\W+", "-", tool)
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for path in files:
        kept = folder / (hashlib.sha256(path.read_bytes() + version.encode()).hexdigest()[:24] + ".json")
        if not kept.exists():
            kept.with_suffix(".part").write_text(json.dumps(ask(path)))
            kept.with_suffix(".part").replace(kept)
        said.append(json.loads(kept.read_text()))
    print(f"{tool}: {len(files)} files", file=sys.stderr, flush=True)
    return said


COLUMNS = ("tempo1", "tempo2", "beat F", "downbeat F", "meter", "key", "chord")


def close(tempo: float | None, truth: float, factors: Iterable[float]) -> float:
    return float(any(tempo and abs(tempo / (truth * f) - 1) <= 0.04 for f in factors))


def f_measure(truth: list[float], said: list[float] | None) -> float:
    trim = mir_eval.beat.trim_beats
    return float(mir_eval.beat.f_measure(trim(np.array(truth)), trim(np.array(said or []))))


def chord_spans(truth: list, said: list) -> list[tuple[float, float, float | None]]:
    """(seconds, right, stated confidence) wherever the truth is a major or minor chord or none; gaps say none."""
    end = truth[-1][1]
    own = [s for s in said if s[1] - s[0] > 1e-6]
    names = {str(i): s for i, s in enumerate(own)} | {"N": (0, 0, "N", None)}
    spans, ids = np.array([s[:2] for s in own]).reshape(-1, 2), [str(i) for i in range(len(own))]
    none = np.array([[truth[0][0], end]]), ["N"]
    filled = mir_eval.util.adjust_intervals(spans, ids, truth[0][0], end, "N", "N") if own else none
    asked = np.array([t[:2] for t in truth]), [t[2] for t in truth]
    merged, asked, given = mir_eval.util.merge_labeled_intervals(*asked, *filled)
    right = mir_eval.chord.majmin(asked, [names[g][2] for g in given])
    confidence = [names[g][3] if len(names[g]) > 3 else None for g in given]
    return [(float(b - a), float(r), c) for (a, b), r, c in zip(merged, right, confidence, strict=True) if r >= 0]


def score(truth: Json, said: Json) -> dict[str, float]:
    marks = {}
    if "tempo" in said:
        marks["tempo1"] = close(said["tempo"], truth["tempo_bpm"], [1])
        marks["tempo2"] = close(said["tempo"], truth["tempo_bpm"], [1, 2, 3, 1 / 2, 1 / 3])
    if "beats" in said:
        marks["beat F"] = f_measure(truth["beats_s"], said["beats"])
    if "downbeats" in said and truth["downbeats_s"]:
        marks["downbeat F"] = f_measure(truth["downbeats_s"], said["downbeats"])
    if "meter" in said and truth["meters"]:
        marks["meter"] = float(said["meter"] in truth["meters"])
    if "key" in said and truth["key"]:
        marks["key"] = mir_eval.key.weighted_score(truth["key"], said["key"]) if said["key"] else 0.0
    if "chords" in said and truth["chords"]:
        spans = chord_spans(truth["chords"], said["chords"])
        seconds = sum(s for s, _, _ in spans)
        if seconds > 0:
            marks["chord"] = sum(s * r for s, r, _ in spans) / seconds
    return marks


def reliability(truths: list[Json], said: list[Json]) -> list[dict[str, float | str]]:
    """Per task and bin of 0.2: how often (chords: seconds), mean stated confidence, share right."""
    stated = {"tempo": [], "key": [], "chord": []}
    for truth, answer in zip(truths, said, strict=True):
        marks = score(truth, answer)
        if answer.get("tempo_confidence") is not None and answer.get("tempo"):
            stated["tempo"].append((1.0, marks["tempo1"], answer["tempo_confidence"]))
        if answer.get("key_confidence") is not None and "key" in marks:
            stated["key"].append((1.0, float(marks["key"] == 1.0), answer["key_confidence"]))
        if "chord" in marks:
            stated["chord"] += [s for s in chord_spans(truth["chords"], answer["chords"]) if s[2] is not None]
    rows = []
    for task, spans in stated.items():
        for low in range(5):
            inside = [s for s in spans if min(int(s[2] * 5 + 1e-9), 4) == low]
            weight = sum(s[0] for s in inside)
            if weight:
                mean, right = (sum(s[0] * s[i] for s in inside) / weight for i in (2, 1))
                name = f"{low / 5:.1f}..{(low + 1) / 5:.1f}"
                rows.append({"task": task, "bin": name, "n": weight, "stated": mean, "right": right})
    return rows


def block(title: str, truths: list[Json], said: dict[str, list[Json]]) -> Json:
    """Prints one data set's table and barline's reliability."""
    print(f"\n{title}\n{'tool':<22}" + "".join(f"{c:>16}" for c in COLUMNS))
    table = {}
    for tool, given in said.items():
        marks = [score(t, g) for t, g in zip(truths, given, strict=True)]
        lists = {c: [m[c] for m in marks if c in m] for c in COLUMNS}
        table[tool] = {c: {"mean": float(np.mean(v)), "n": len(v)} for c, v in lists.items() if v}
        cells = [f"{np.mean(lists[c]):.3f} ({len(lists[c])})" if lists[c] else "-" for c in COLUMNS]
        print(f"{tool:<22}" + "".join(f"{c:>16}" for c in cells))
    rows = reliability(truths, said["barline"])
    print(f"{'barline says':<22}{'confidence':>16}{'n or s':>16}{'mean stated':>16}{'share right':>16}")
    for r in rows:
        print(f"{r['task']:<22}{r['bin']:>16}{r['n']:>16.0f}{r['stated']:>16.3f}{r['right']:>16.3f}")
    return {"title": title, "scores": table, "reliability": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("barline", "data", "soundfont", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--songs", help="pop909:START..END[:STEP]")
    parser.add_argument("--grooves", help="START..END[:STEP]")
    parser.add_argument("--factory", type=Path)
    parser.add_argument("--json", type=Path, help="the same figures, for machines")
    parser.add_argument("--render-only", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    found = sets(args)
    if args.render_only:
        print(*(title for title, _, _ in found), sep="\n")
        return
    binary = hashlib.sha256(args.barline.read_bytes()).hexdigest()
    tools = {
        "barline": (ask_barline(args.barline), binary),
        "librosa": (ask_librosa, ""),
        "aubio": (ask_aubio, ""),
        "essentia": (ask_essentia, "whitened"),
        "essentia, edma": (lambda path: {"key": essentia_key(essentia_samples(path), "edma")}, ""),
        "essentia, temperley": (lambda path: {"key": essentia_key(essentia_samples(path), "temperley")}, ""),
        "essentia, TonalExtr.": (ask_essentia_tonal, ""),
    }
    blocks = []
    for title, files, truths in found:
        said = {tool: answers(tool, ask, files, args.work, version) for tool, (ask, version) in tools.items()}
        blocks.append(block(title, truths, said))
    if args.json:
        args.json.write_text(json.dumps(blocks, indent=1))


if __name__ == "__main__":
    main()
