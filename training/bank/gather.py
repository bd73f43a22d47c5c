"""Build a bank of recorded notes and hits from permissively licensed sample repositories.

`sources.toml`, beside this file, says which files of which repository to take, what they
are and how their names tell the pitch. Each repository is a git directory or a clone
`MIRRORS/owner+name`; it is read at the commit that the table names. A package that has no
repository is an unpacked directory of that name. The output is

    OUT/notes/<family>/<source>__<name>.flac   mono, 24 kHz, 16 bit
    OUT/LICENSES/<source>.txt                  licence and readme as the source gives them
    OUT/manifest.csv                           one row per file

    gather.py --mirrors DIR --out DIR [--only SOURCE ...] [--check]

`--check` also measures the pitch of some notes of every instrument and reports those whose
names are octaves off: such a table entry needs an `octave`.
"""

import argparse
import csv
import io
import math
import posixpath
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from sound import RATE, heard_pitch, overdriven, plausible, resample, trim, wavetable_note

QUIETEST_PEAK = 10 ** (-44 / 20)
COLUMNS = ["path", "family", "sub", "midi_pitch", "velocity", "source", "licence", "attribution",
           "url", "dur_s", "peak", "rms_dbfs", "kind"]
# Longest file in seconds, where the table gives none.
SECONDS = {"kick": 1.5, "snare": 1.5, "hi-hat": 2.0, "toms": 2.5, "cymbals": 4.0, "percussion": 3.0,
           "drum-loop": 8.0, "speech": 6.0, "fx-noise": 5.0, "synth-pad": 6.0}
DYNAMICS = {"ppp": 16, "pp": 32, "p": 48, "mp": 64, "mf": 80, "m": 72, "f": 104, "ff": 120}
STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
ALTERED = {"": 0, "#": 1, "s": 1, "is": 1, "b": -1}


class Tree:
    """The files of a repository at one commit, or of a plain directory."""

    def __init__(self, root: Path, commit: str) -> None:
        self.root, self.commit = root, commit
        for git in (root, root / ".git", root / "repo", root / "repo/.git"):
            if (git / "HEAD").is_file():
                self.git: Path | None = git
                listed = self._run("ls-tree", "-r", "-z", "--name-only", commit)
                self.names = sorted(listed.decode().rstrip("\0").split("\0"))
                return
        self.git = None
        self.names = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())

    def _run(self, *arguments: str) -> bytes:
        command = ["git", "--git-dir", str(self.git), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def read(self, name: str) -> bytes:
        """A file's content: nothing where the copy of the repository lacks a large file."""
        if self.git is None:
            return (self.root / name).read_bytes()
        try:
            return self._run("cat-file", "blob", f"{self.commit}:{name}")
        except subprocess.CalledProcessError:
            return b""


@dataclass
class Clip:
    """A file to take, with what its name says about it."""

    name: str
    sub: str
    pitch: int | None
    velocity: int | None


def note_number(text: str) -> int | None:
    """The MIDI number of a number, or of a note name with an octave, where C4 is 60."""
    if text.isdigit():
        return int(text)
    found = re.fullmatch(r"([a-g])(#|s|is|b|)(-?\d)", text.lower())
    if found is None:
        return None
    step, altered, octave = found.groups()
    return STEPS[step] + ALTERED[altered] + 12 * (int(octave) + 1)


def sfz_pitches(tree: Tree, pattern: str) -> dict[str, int]:
    """Sample name to key centre, from the SFZ mappings whose names match."""
    pitches: dict[str, int] = {}
    for name in (n for n in tree.names if re.fullmatch(pattern, n)):
        text = re.sub(r"//.*", "", tree.read(name).decode("utf-8", "replace"))
        folder, inherited = "", {}
        for header, body in re.findall(r"<(\w+)>([^<]*)", text):
            pairs = re.findall(r"(\w+)=(.*?)(?=\s+\w+=|\s*$)", body, re.MULTILINE)
            codes = {key: value.strip() for key, value in pairs}
            folder = codes.get("default_path", folder)
            if header in ("global", "master", "group"):
                inherited = codes
            elif header == "region":
                codes = inherited | codes
                key = note_number(codes.get("pitch_keycenter", codes.get("key", "")))
                if key is not None and "sample" in codes:
                    path = (folder + codes["sample"]).replace("\\", "/")
                    where = posixpath.join(posixpath.dirname(name), path)
                    pitches[posixpath.normpath(where)] = key
    return pitches


def velocity(groups: dict[str, str | None], layers: int) -> int | None:
    """A dynamics mark or a layer's number, as a MIDI velocity."""
    if (layer := groups.get("layer")) is not None:
        return min(127, max(1, round(127 * int(layer) / layers)))
    return DYNAMICS.get((groups.get("dyn") or "").lower())


def clips(tree: Tree, take: dict) -> list[Clip]:
    """The clips that one entry of the table asks for, spread over pitch and loudness."""
    mapped = sfz_pitches(tree, take["sfz"]) if "sfz" in take else {}
    chosen = []
    for name in tree.names:
        if (found := re.fullmatch(take["files"], name)) is None:
            continue
        groups = found.groupdict()
        pitch = mapped.get(name) if "sfz" in take else note_number(groups.get("note") or "")
        if pitch is None and ("sfz" in take or "note" in groups):
            continue
        if pitch is not None:
            pitch += 12 * take.get("octave", 0)
            if not take.get("low", 0) <= pitch <= take.get("high", 127):
                continue
        known = {key: (value or "").lower().replace(" ", "-") for key, value in groups.items()}
        loudness = velocity(groups, take.get("layers", 4))
        chosen.append(Clip(name, take["sub"].format_map(known), pitch, loudness))
    chosen.sort(key=lambda clip: (clip.sub, clip.pitch or 0, clip.velocity or 0, clip.name))
    limit = take.get("limit", 60)
    if len(chosen) <= limit:
        return chosen
    return [chosen[i] for i in np.linspace(0, len(chosen) - 1, limit).round().astype(int)]


def load(data: bytes, seconds: float, true_rate: int | None) -> np.ndarray | None:
    """Decode, mix to mono and prepare; nothing where the audio is too quiet or clipped."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            decoded = file.read(int((seconds + 5) * file.samplerate), always_2d=True)
            rate = true_rate or file.samplerate
    except soundfile.LibsndfileError:
        return None
    mono = decoded.mean(axis=1)
    if len(mono) < rate // 50 or np.mean(np.abs(mono) > 0.999) > 0.01:
        return None
    samples = resample(mono, rate)
    peak = np.abs(samples).max()
    if peak < QUIETEST_PEAK:
        return None
    if peak > 0.999:
        samples *= 0.999 / peak
    samples = trim(samples, seconds)
    return samples if np.abs(samples).max() >= QUIETEST_PEAK else None


def entries(table: list[dict], mirrors: Path, out: Path) -> Iterator[tuple[dict, np.ndarray]]:
    """Write every file of the table; yield its manifest row and its samples."""
    written: set[int] = set()
    for source in table:
        tree = Tree(mirrors / source["repo"].replace("/", "+"), source.get("commit", "HEAD"))
        name = source["source"]
        terms = [tree.read(t).decode("utf-8", "replace") for t in source.get("terms", ["LICENSE"])]
        heading = f"{source['repo']} at {source.get('commit', 'release ' + source.get('version', ''))}"
        (out / "LICENSES").mkdir(parents=True, exist_ok=True)
        text = "\n\n".join([heading, f"{source['licence']}: {source['attribution']}",
                            source.get("statement", ""), *terms])
        (out / "LICENSES" / f"{name}.txt").write_text(text)
        for take in source["take"]:
            family = take["family"]
            seconds = take.get("seconds", SECONDS.get(family, 4.0))
            (out / "notes" / family).mkdir(parents=True, exist_ok=True)
            for number, clip in enumerate(clips(tree, take)):
                data = tree.read(clip.name)
                if "attack" in take:
                    low, high = take["range"]
                    clip.pitch = low + 7 * number % (high - low + 1)
                    samples = wavetable_note(data, clip.pitch, seconds, take["attack"])
                else:
                    samples = load(data, seconds, take.get("rate"))
                if samples is None or not plausible(family, samples):
                    continue
                if (digest := hash(samples.tobytes())) in written:
                    continue
                written.add(digest)
                if "drive" in take:
                    samples = overdriven(samples, take["drive"])
                if take.get("measured"):
                    heard = heard_pitch(samples)
                    if heard is None or abs(heard - round(heard)) > 0.4:
                        continue
                    clip.pitch = round(heard)
                stem = "_".join(Path(clip.name).with_suffix("").parts[-take.get("parts", 1):])
                stem = re.sub(r"[^a-z0-9#]+", "_", stem.lower()).strip("_")
                path = f"notes/{family}/{name}__{stem}.flac"
                soundfile.write(out / path, samples, RATE, subtype="PCM_16")
                rms = 10 * math.log10(max(np.mean(samples ** 2), 1e-12))
                yield {
                    "path": path, "family": family, "sub": clip.sub, "source": name,
                    "midi_pitch": "" if clip.pitch is None else clip.pitch,
                    "velocity": "" if clip.velocity is None else clip.velocity,
                    "licence": source["licence"], "attribution": source["attribution"],
                    "url": source.get("url", source["repo"]), "kind": source.get("kind", "real"),
                    "dur_s": round(len(samples) / RATE, 3),
                    "peak": round(float(np.abs(samples).max()), 4), "rms_dbfs": round(rms, 2),
                }, samples


def report_pitches(errors: dict[tuple[str, str, str], list[float]]) -> None:
    """Print, for every pitched instrument, how far its names are from what was measured."""
    for (source, family, sub), found in sorted(errors.items()):
        middle = np.median(found)
        flag = "  CHECK" if abs(middle) > 0.7 else ""
        print(f"{source:28} {family:24} {sub:32} {middle:+6.2f} of {len(found)}{flag}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mirrors", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="sources to build")
    parser.add_argument("--check", action="store_true", help="measure the notes' pitch")
    options = parser.parse_args()
    table = tomllib.loads(Path(__file__).with_name("sources.toml").read_text())["source"]
    table = [s for s in table if not options.only or s["source"] in options.only]
    rows: dict[str, dict] = {}
    errors: dict[tuple[str, str, str], list[float]] = {}
    for row, samples in entries(table, options.mirrors, options.out):
        if row["path"] in rows:
            raise SystemExit(f"two files would be {row['path']}: give its entry more `parts`")
        rows[row["path"]] = row
        if options.check and row["midi_pitch"] != "":
            if (pitch := heard_pitch(samples)) is not None:
                instrument = (row["source"], row["family"], row["sub"])
                errors.setdefault(instrument, []).append(pitch - row["midi_pitch"])
    with (options.out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[path] for path in sorted(rows))
    report_pitches(errors)
    print(f"{len(rows)} files of {len({row['source'] for row in rows.values()})} sources")


if __name__ == "__main__":
    main()
