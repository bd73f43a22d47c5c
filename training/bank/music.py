"""Cuts music and stems that others have recorded, and whose players are known of the whole piece, into shards that `shards.py` reads.

    music.py --mirrors MIRRORS --listener ../work/encoder.pt --out ../work/clips --apart ../work/unheard

`music.csv` names the pieces, their licences and their players: who plays for sure, and who may. A piece says who is never there, but
not who plays when: of several players a window has those that a listener which was trained before finds likely enough, and the others
are neither right nor wrong in it. What soundfile can't read, ffmpeg must. Every tenth piece is kept apart, half of them to calibrate on (`valid-music-0`), half for `barline eval music`.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
from features import RATE_HZ, log_mel  # noqa: E402
from gather import Tree  # noqa: E402
from shards import INSTRUMENTS  # noqa: E402
from sound import resample  # noqa: E402
from train_encoder import Listener, begin  # noqa: E402

LENGTH = 4 * RATE_HZ
WINDOWS = 32  # of a piece at the most
ALONE = 2  # so few players are taken to play all the time
LIKELY = 0.3  # odds from which one of more players is taken to play
SILENT = 1e-3
APART, JUDGED = 10, 20  # one piece in so many is never trained on, and not calibrated on either


def read(content, name):
    """Samples `[frames, channels]` and their rate in Hz; raises what soundfile does where neither can read them."""
    try:
        return soundfile.read(io.BytesIO(content), always_2d=True)
    except soundfile.LibsndfileError:
        with tempfile.TemporaryDirectory() as folder:
            packed, plain = Path(folder, Path(name).name), Path(folder, "plain.wav")
            packed.write_bytes(content)
            subprocess.run(["ffmpeg", "-v", "error", "-i", packed, plain], check=False)
            if not plain.exists():
                raise
            return soundfile.read(plain, always_2d=True)


def windows(sound, rng):
    """Some windows of a piece that are not silent, each from another place: `[windows, samples]`."""
    whole = sound[: len(sound) // LENGTH * LENGTH].reshape(-1, LENGTH)
    sounding = np.flatnonzero(np.sqrt((whole**2).mean(1)) > SILENT)
    return whole[sorted(rng.permutation(sounding)[:WINDOWS])]


def players(piece):
    """Who plays in a piece, and who may."""
    sure = piece["players"].split()
    return sure, set(INSTRUMENTS) - set(sure) if piece["unsure"] == "any" else set(piece["unsure"].split())


def keep_apart(folder, number, piece, samples, rate):
    """Writes a piece of which somebody is known not to play, for `barline eval music`."""
    sure, unsure = players(piece)
    if len(sure) + len(unsure) < len(INSTRUMENTS):
        name = f"{number:03}.flac"
        soundfile.write(folder / name, samples, rate)
        with (folder / "players.jsonl").open("a") as listed:
            listed.write(json.dumps({"file": name, "players": sure, "unsure": sorted(unsure)}) + "\n")


def truth(piece, odds):
    """What is known of a window, whose instruments a listener finds so likely."""
    sure, unsure = players(piece)
    plays = [name for name in sure if len(sure) + len(unsure) <= ALONE or odds[INSTRUMENTS.index(name)] >= LIKELY]
    known = not unsure and len(plays) == len(sure)
    label = None if not known or len(sure) == 2 else sure[0] if len(sure) == 1 else "full-mix"
    return {
        "kind": "music", "label": label, "instruments": plays, "unsure": sorted(unsure | set(sure) - set(plays)), "levels_db": [0.0] * len(plays),
        "source": piece["artist"], "piece": piece["title"], "scene": None, "descriptors": None, "tempo_bpm": None,
    }  # fmt: skip


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("mirrors", "listener", "out", "apart"):
        args.add_argument(f"--{name}", required=True, type=Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    listener = Listener().eval()
    begin(listener, a.listener)
    pieces = list(csv.DictReader(Path(__file__).with_suffix(".csv").open()))
    shards = {name: ((a.out / f"{name}.f16").open("wb"), (a.out / f"{name}.jsonl").open("w")) for name in ("music-0", "valid-music-0")}
    trees = {}
    a.apart.mkdir(exist_ok=True)
    (a.apart / "players.jsonl").write_text("")
    for number, piece in enumerate(pieces):
        where = (piece["repo"], piece["commit"])
        if where not in trees:
            trees[where] = Tree(a.mirrors / piece["repo"].replace("/", "+"), piece["commit"])
        try:
            samples, rate = read(trees[where].read(piece["path"]), piece["path"])
        except (soundfile.LibsndfileError, OSError) as fault:
            print(f"{piece['repo']} {piece['path']}: {fault}", file=sys.stderr)
            continue
        if number % JUDGED == JUDGED - 1:
            keep_apart(a.apart, number, piece, samples, rate)
            continue
        sounds, truths = shards["valid-music-0" if number % APART == APART - 1 else "music-0"]
        cut = windows(resample(samples.mean(1), rate), np.random.default_rng(number))
        cut = (cut / np.maximum(np.abs(cut).max(1, keepdims=True), 1.0)).astype("<f2")
        with torch.no_grad():
            heard = listener(log_mel(torch.from_numpy(cut.astype(np.float32))))["instruments"] if len(cut) else []
        sounds.write(cut.tobytes())
        truths.writelines(json.dumps(truth(piece, torch.sigmoid(odds).numpy())) + "\n" for odds in heard)
        print(f"{piece['title']}: {len(cut)}", flush=True)
    for name in shards:
        (a.out / f"{name}.done").touch()


if __name__ == "__main__":
    main()
