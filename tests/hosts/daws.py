"""Barline in whole hosts: Ardour (VST3), qtractor and clap-bounce (CLAP). Audio must pass bit for bit, and every bar must be
heard where the song has it.

usage: daws.py HOSTS BUNDLES [--only NAME]     (`cargo xtask hosts HOSTS` calls it)
HOSTS is the folder with ardour_bounce.py, qtractor_play.py and a built clap-bounce. What isn't installed is reported as such.
Exit code 0, or 1 if a host that ran found something.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TICKS_PER_QUARTER = 1920  # Ardour's resolution


@dataclass
class Song:
    """Noise on a grid of bars."""

    rate_hz: int = 48_000
    bpm: float = 120.0
    meter: tuple = (4, 4)
    seconds: float = 12.0

    @property
    def sig(self):
        return f"{self.meter[0]}/{self.meter[1]}"

    @property
    def quarters(self):
        """Length of a bar."""
        return self.meter[0] * 4 / self.meter[1]

    @property
    def bar_frames(self):
        return self.quarters * 60 * self.rate_hz / self.bpm

    @property
    def tick_frames(self):
        return 60 * self.rate_hz / (self.bpm * TICKS_PER_QUARTER)

    def write(self, path):
        noise = np.random.default_rng(1).integers(-9000, 9000, (int(self.seconds * self.rate_hz), 2), dtype="<i2")
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(self.rate_hz)
            file.writeframes(noise.tobytes())


def reports(folder):
    """What each instance of the last process heard; instances that heard nothing are a host's own."""
    found = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))]
    return [report for report in found if report["heard_frames"]]


def wrong_bars(song, report, seconds, slack_frames):
    """Says what is wrong with the bars of the pass over the song, or nothing."""
    if report["dropped_frames"] or report["trouble"] or report["gaps"]:
        return f"dropped {report['dropped_frames']}, gaps {report['gaps']}, trouble {report['trouble']}"
    heard = {}
    for bar in report["bars"]:
        if bar["bar"] is not None and bar["complete"]:
            heard.setdefault(bar["bar"], bar)
    whole = int(seconds * song.rate_hz / song.bar_frames)
    for number in range(1, whole + 1):
        bar = heard.get(number)
        if bar is None:
            return f"bar {number} of {whole} was not heard whole: {sorted(heard)}"
        if abs(bar["start_quarters"] - (number - 1) * song.quarters) > 1 / TICKS_PER_QUARTER:
            return f"bar {number} starts at {bar['start_quarters']} quarters"
        if bar["position"] is not None and abs(bar["position"] - (number - 1) * song.bar_frames) > slack_frames:
            return f"bar {number} starts at sample {bar['position']}, not {(number - 1) * song.bar_frames}"
    return None


class Hosts:
    """Runs the hosts, each with a folder of its own."""

    def __init__(self, hosts, bundles):
        self.hosts, self.clap, self.vst3 = Path(hosts), Path(bundles) / "Barline.clap", Path(bundles) / "Barline.vst3"

    def run(self, words, folder, environment=True):
        folder.mkdir(exist_ok=True)
        env = dict(os.environ, BARLINE_REPORT=str(folder)) if environment else None
        return subprocess.run([str(word) for word in words], env=env, capture_output=True, text=True, timeout=500)

    def ardour(self, work, song, play=0):
        """An export, or the rolling transport."""
        wav, out, folder = work / "in.wav", work / "out.wav", work / "reports"
        song.write(wav)
        folder.mkdir()
        words = [sys.executable, self.hosts / "ardour_bounce.py", "Barline", wav, out, "--vst3", self.vst3]
        words += ["--bpm", song.bpm, "--sig", song.sig, "--env", f"BARLINE_REPORT={folder}"]
        words += ["--play", play] if play else ["--jemalloc"]
        done = self.run(words, folder)
        if done.returncode:
            return f"exit {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
        # Rolling, it starts and ends in its own time: the first seconds are sure.
        seconds = play - 2 if play else song.seconds
        return self.any_right(song, folder, seconds, song.tick_frames + 1)

    def qtractor(self, work, song):
        wav, folder = work / "in.wav", work / "reports"
        song.write(wav)
        words = [sys.executable, self.hosts / "qtractor_play.py", self.clap, wav, work / "out.wav"]
        words += ["--bpm", song.bpm, "--beats", song.meter[0], "--divisor", {4: 2, 8: 3}[song.meter[1]]]
        done = self.run(words, folder)
        if done.returncode:
            return f"exit {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
        return self.any_right(song, folder, song.seconds - 3, song.tick_frames + 1)

    def bounce(self, work, song, words=(), instances=1):
        """clap-bounce: exact transport, as fast as it goes."""
        program = next((p for p in self.hosts.glob("**/release/clap-bounce") if p.is_file()), shutil.which("clap-bounce"))
        wav, folder = work / "in.wav", work / "reports"
        song.write(wav)
        call = [program, self.clap, wav, work / "out.wav", "--passthrough", "--bpm", song.bpm, "--sig", song.sig, *words]
        for track in range(1, instances):
            call += ["--track", f"{wav}:{work / f'out{track}.wav'}"]
        done = self.run(call, folder)
        if done.returncode:
            return f"exit {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
        heard = reports(folder)
        if len(heard) != instances:
            return f"{len(heard)} of {instances} instances have reported"
        wrong = [wrong_bars(song, report, song.seconds, 1) for report in heard]
        return next(filter(None, wrong), None)

    def state(self, work, song):
        """A state that is saved, loaded and saved again is the same to the byte."""
        first, second = work / "first.state", work / "second.state"
        wrong = self.bounce(work, song, ["--save", first, "--at", f"{song.seconds - 0.1} sleep 1500"])
        program = next(self.hosts.glob("**/release/clap-bounce"), None) or shutil.which("clap-bounce")
        again = [program, self.clap, work / "in.wav", work / "out.wav", "--stopped", "--length", 0.1]
        done = self.run([*again, "--state", first, "--save", second], work / "again")
        if wrong or done.returncode:
            return wrong or f"exit {done.returncode}: {done.stdout[-300:]}"
        if b'\\"key\\"' not in first.read_bytes():
            return "the state holds no bar"
        return None if first.read_bytes() == second.read_bytes() else "the bytes differ"

    @staticmethod
    def any_right(song, folder, seconds, slack_frames):
        """Hosts make instances of their own, for a look: one of all must have heard the song."""
        wrong = [wrong_bars(song, report, seconds, slack_frames) for report in reports(folder)]
        return None if None in wrong else "; ".join(wrong) or "no instance has heard anything"


def cases(hosts):
    """Name, what must be installed, and the check."""
    for rate_hz, bpm, meter in ((44_100, 120.0, (4, 4)), (48_000, 97.5, (3, 4)), (96_000, 132.0, (7, 8))):
        song = Song(rate_hz, bpm, meter)
        yield f"Ardour export, {rate_hz} Hz, {bpm} BPM, {song.sig}", "ardour7-export", lambda work, song=song: hosts.ardour(work, song)
    yield "Ardour rolling", "ardour7-lua", lambda work: hosts.ardour(work, Song(), play=9)
    yield "qtractor", "qtractor", lambda work: hosts.qtractor(work, Song())
    yield "clap-bounce, in place, odd blocks", None, lambda work: hosts.bounce(work, Song(bpm=97.3), ["--in-place", "--block", "1,63,64,511,4096", "--max", 4096])
    yield "clap-bounce, hammered", None, lambda work: hosts.bounce(work, Song(meter=(7, 8)), ["--hammer"])
    yield "clap-bounce, real time", None, lambda work: hosts.bounce(work, Song(seconds=6), ["--mode", "realtime", "--pace", "--hammer"])
    yield "clap-bounce, 16 instances", None, lambda work: hosts.bounce(work, Song(), instances=16)
    # Rendered faster than meters measure: the spool goes to the disk, and needs time after the render.
    late = ["--tail", 1, "--at", "60.5 sleep 30000"]
    yield "clap-bounce, a minute at 192 kHz", None, lambda work: hosts.bounce(work, Song(rate_hz=192_000, seconds=60), late)
    yield "clap-bounce, state", None, lambda work: hosts.state(work, Song())


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("hosts")
    args.add_argument("bundles")
    args.add_argument("--only", default="")
    a = args.parse_args()
    failed = False
    for name, program, check in cases(Hosts(a.hosts, a.bundles)):
        if not name.startswith(a.only):
            continue
        if program and not shutil.which(program) and not Path("/usr/bin", program).exists():
            print(f"{name}: not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory() as work:
            wrong = check(Path(work))
        print(f"{name}: {wrong or 'right'}", flush=True)
        failed |= bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main())
