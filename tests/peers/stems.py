"""Songs of pop909 as stems, for `barline eval mixes`: instruments drawn by the song's number, rendered from MIDI.

    python stems.py --data MIDI_DIR --soundfont SOUNDFONT --work WORK --songs 451..910:9 --out SONGS

Needs music_data.py beside it, the packages of requirements.txt and the command `fluidsynth`. MIDI_DIR holds pop909.tar.gz.
SONGS gets a folder a song with a file a stem, named after its label, of up to 40 s; the mix is their sum, its peak at -1 dBFS.
"""

import argparse
import random
import tempfile
from pathlib import Path

import numpy as np
import pretty_midi
import soundfile

from music_data import BASSES, RATE, bars_of, bass_track, clip, drum_track, excerpt, places, play, unpacked

SECONDS = 40.0
# General MIDI programs of Barline's labels; those whose name another label would claim as well are left out.
PROGRAMS = {
    "piano": [0, 1, 2], "electric-piano": [4, 5], "organ": [16, 17, 18, 19], "acoustic-guitar": [24, 25],
    "electric-guitar": [26, 27, 29, 30], "bass": BASSES, "strings": [40, 41, 42, 48, 49], "brass": [56, 57, 60, 61],
    "woodwinds": [65, 66, 68, 71, 73], "mallets": [9, 11, 12, 13], "vocals": [52, 53], "synth-lead": [80, 81],
    "synth-pad": [88, 89, 90, 91, 95],
}  # fmt: skip
MELODIES = ["woodwinds", "brass", "strings", "vocals", "synth-lead", "mallets", "electric-guitar"]
BRIDGES = ["strings", "acoustic-guitar", "electric-guitar", "synth-pad", "electric-piano", "organ"]
PIANOS = ["piano", "piano", "electric-piano", "acoustic-guitar", "electric-guitar", "organ"]


def parts(folder: Path, number: int) -> list[tuple[str, pretty_midi.Instrument]]:
    """The song's three tracks, drums and bass, each with its label."""
    song = folder / f"{number:03d}"
    midi = pretty_midi.PrettyMIDI(str(song / f"{song.name}.mid"))
    rows = np.loadtxt(song / "beat_midi.txt")
    chords = [line.split() for line in (song / "chord_midi.txt").open()]
    start = float(bars_of(rows)[0][8])
    rows = rows[(rows[:, 0] >= start - 0.01) & (rows[:, 0] < start + SECONDS)]
    rows[:, 0] -= rows[0, 0]
    cut = excerpt(midi, start, start + SECONDS)
    rng = random.Random(f"stems {number}")
    labelled = []
    for track, labels in zip(cut.instruments, (MELODIES, BRIDGES, PIANOS), strict=True):
        label = rng.choice([label for label in labels if label not in dict(labelled)])
        track.program = rng.choice(PROGRAMS[label])
        labelled.append((label, track))
    if rng.random() < 0.6:
        labelled.append(("drums", drum_track(bars_of(rows)[0], rows[:, 0], rng)[1]))
    if rng.random() < 0.6:
        whole = [[float(a), float(b), c] for a, b, c in chords]
        labelled.append(("bass", bass_track(clip(whole, start, start + SECONDS), rows[:, 0], rng)))
    for _, track in labelled:
        track.control_changes.insert(0, pretty_midi.ControlChange(7, rng.randint(75, 115), 0.0))
    return [(label, track) for label, track in labelled if track.notes]


def render(labelled: list[tuple[str, pretty_midi.Instrument]], soundfont: Path, out: Path) -> None:
    """Each track alone, all at the gain that their sum allows."""
    stems = []
    for _, track in labelled:
        alone = pretty_midi.PrettyMIDI(resolution=960)
        alone.instruments.append(track)
        stems.append(play(alone, soundfont, SECONDS))
    length = max(len(stem) for stem in stems)
    stems = [np.pad(stem, ((0, length - len(stem)), (0, 0))) for stem in stems]
    gain = 10 ** (-1 / 20) / max(float(np.abs(sum(stems)).max()), 1e-9)
    out.mkdir(parents=True)
    for (label, _), stem in zip(labelled, stems, strict=True):
        soundfile.write(out / f"{label}.flac", np.clip(stem * gain, -1, 1), RATE)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "soundfont", "work", "out"):
        args.add_argument(f"--{name}", type=Path, required=True)
    args.add_argument("--songs", required=True, help="START..END[:STEP], by song number")
    a = args.parse_args()
    folder = unpacked(a.data, "pop909.tar.gz", "pop909", a.work)
    for number in places(a.songs):
        out = a.out / f"{number:03d}"
        if not out.exists():
            with tempfile.TemporaryDirectory(dir=a.work) as made:
                render(parts(folder, number), a.soundfont, Path(made) / "song")
                a.out.mkdir(parents=True, exist_ok=True)
                (Path(made) / "song").rename(out)


if __name__ == "__main__":
    main()
