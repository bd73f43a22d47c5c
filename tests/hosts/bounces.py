"""Captions of renders in whole hosts: Ardour and pedalboard (VST3), clap-bounce (CLAP), as fast as they go and in real time, with
hosts that end right after the last block or before it, and with disks and folders that can't be written. Audio must pass bit for
bit, and every bar must have its caption where the song has the bar.

usage: bounces.py HOSTS BUNDLES BARLINE [--only NAME]     (`cargo xtask hosts HOSTS` calls it)
BARLINE is the command, which takes up what a host has left (`barline caption --resume`). Exit code 0, or 1 if something was found.
"""

import argparse
import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from daws import Song

# What a case needs instead of a program.
ROOT = "root"

ARM = "Arm captions"
ARM_INDEX = 2  # of the VST3's parameters


@dataclass
class User:
    """A home of its own, with the settings that somebody made in the window."""

    home: Path

    def __post_init__(self):
        self.out = self.home / "captions"
        self.choose(self.out)

    def choose(self, folder, pattern="{track} {bars}"):
        settings = {"folder": str(folder), "pattern": pattern, "formats": ["json", "srt", "midi"]}
        path = self.home / "config" / "barline" / "bounce.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))

    @property
    def variables(self):
        reports = self.home / "reports"
        reports.mkdir(exist_ok=True)
        places = {"XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "BARLINE_REPORT": "reports"}
        return {name: str(self.home / folder) for name, folder in places.items()}

    def open_to_all(self):
        """Whoever runs the host may write here, but for what is closed afterwards."""
        for folder in ("config", "data", "reports"):
            (self.home / folder).mkdir(exist_ok=True)
        for path in (self.home, *self.home.rglob("*")):
            path.chmod(0o777)

    def tapes(self):
        return list((self.home / "data").rglob("*.tape"))

    def reports(self):
        """What each instance that heard something said."""
        reports = [json.loads(path.read_text()) for path in (self.home / "reports").glob("*.json")]
        return [report for report in reports if report["heard_frames"]]


def wrong_captions(song, folder, slack_s, files=1):
    """Says what is wrong with the JSON files of a folder, each of the whole song, or nothing."""
    paths = sorted(folder.glob("*.json"))
    if len(paths) != files:
        return f"{len(paths)} of {files} files: {[path.name for path in paths]}"
    bar_s = song.bar_frames / song.rate_hz
    for path in paths:
        timeline = json.loads(path.read_text())
        captions = {caption["bar"]: caption for caption in timeline["captions"]}
        # A host may run up to the song's start: Ardour does, by some hundred samples.
        zero_s = timeline["project_start_s"]
        for number in range(1, int(song.seconds / bar_s) + 1):
            caption = captions.get(number)
            if caption is None:
                return f"{path.name}: bar {number} has no caption: {sorted(captions)}"
            for place, want in (("start_s", (number - 1) * bar_s), ("end_s", number * bar_s)):
                if abs(zero_s + caption[place] - want) > slack_s:
                    return f"{path.name}: bar {number}: {place} is {caption[place]} after {zero_s}, not {want}"
        cues = path.with_suffix(".srt").read_text().count(" --> ")
        # A last bar that is cut short may be too short to be read.
        if cues < int(song.seconds / bar_s):
            return f"{path.name}: {cues} cues for {len(captions)} captions"
    return None


def wrong_stretches(song, folder):
    """The same of a host without a transport: stretches without bars that cover the song."""
    paths = sorted(folder.glob("*.json"))
    if len(paths) != 1:
        return f"{len(paths)} files of one render: {[path.name for path in paths]}"
    timeline, end_s = json.loads(paths[0].read_text()), 0.0
    for caption in timeline["captions"]:
        if caption["bar"] is not None or abs(caption["start_s"] - end_s) > 1 / song.rate_hz:
            return f"after {end_s} comes {caption}"
        end_s = caption["end_s"]
    return None if abs(end_s - song.seconds) <= 1 / song.rate_hz else f"captions end at {end_s}"


@contextlib.contextmanager
def full_disk(folder):
    """A disk of 64 KiB in that folder, with nothing free; gives the file that fills it."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs", str(folder)], check=True)
    try:
        filler = folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        try:
            (folder / "more").write_bytes(bytes(4096))
            raise AssertionError("the disk is not full")
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
        (folder / "more").unlink(missing_ok=True)
        yield filler
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Bounces:
    """Runs the hosts, each with a user of its own."""

    def __init__(self, hosts, bundles, barline):
        self.hosts, self.barline = Path(hosts), barline
        self.clap, self.vst3 = Path(bundles) / "Barline.clap", Path(bundles) / "Barline.vst3"

    def clap_bounce(self, user, song, words, tracks=1, run_as=None):
        program = next((p for p in self.hosts.glob("**/release/clap-bounce") if p.is_file()), shutil.which("clap-bounce"))
        wav = user.home / "in.wav"
        song.write(wav)
        call = [program, self.clap, wav, user.home / "out.wav", "--passthrough", "--bpm", song.bpm, "--sig", song.sig, "--name", "Track 1"]
        for track in range(2, tracks + 1):
            call += ["--track", f"{wav}:{user.home / f'out{track}.wav'}:Track {track}"]
        call += ["--at", f"0 param {ARM}=1", *words]
        env = os.environ | user.variables
        done = subprocess.run([str(word) for word in call], env=env, capture_output=True, text=True, timeout=500, user=run_as)
        return f"exit {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}" if done.returncode else None

    def resume(self, user):
        """Takes up what is left."""
        env = os.environ | user.variables
        done = subprocess.run([self.barline, "caption", "--resume"], env=env, capture_output=True, text=True, timeout=500)
        return f"--resume: exit {done.returncode}: {done.stderr[-300:]}" if done.returncode else None

    def waited(self, user, song, words, tracks=1):
        """A host that stays open until everything is written."""
        wrong = self.clap_bounce(user, song, [*words, "--tail", 1, "--at", f"{song.seconds + 0.5} sleep 25000"], tracks)
        wrong = wrong or wrong_captions(song, user.out, 1 / song.rate_hz, tracks)
        return wrong or (f"tapes are left: {user.tapes()}" if user.tapes() else None)

    def killed(self, user, song, words=(), tracks=1):
        """A host whose process ends right after the last block."""
        wrong = self.clap_bounce(user, song, words, tracks)
        # A short song may have been written in the second that an instance's end waits.
        if wrong or not (user.tapes() or wrong_captions(song, user.out, 1 / song.rate_hz, tracks) is None):
            return wrong or "nothing was kept"
        wrong = self.resume(user) or wrong_captions(song, user.out, 1 / song.rate_hz, tracks)
        return wrong or (f"tapes are left: {user.tapes()}" if user.tapes() else None)

    def killed_within(self, user, song, at_s):
        """A host that dies in the middle of a render: what it had played is there."""
        wrong = self.clap_bounce(user, song, ["--at", f"{at_s} sh kill -9 $PPID"])
        if not wrong or not wrong.startswith("exit -9"):
            return f"it was not killed: {wrong}"
        # A fast host dies with a full ring, whose eight seconds nobody has emptied, and a block.
        played = Song(song.rate_hz, song.bpm, song.meter, at_s - 9.0)
        return self.resume(user) or wrong_captions(played, user.out, 1 / song.rate_hz)

    def pedalboard(self, user, song, wait_s):
        """A JUCE host that has no transport at all."""
        wav = user.home / "in.wav"
        song.write(wav)
        call = [sys.executable, Path(__file__).parent / "pedalboard_render.py", self.vst3, wav, wait_s]
        env = os.environ | user.variables
        done = subprocess.run([str(word) for word in call], env=env, capture_output=True, text=True, timeout=500)
        if done.returncode:
            return f"exit {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
        wrong = self.resume(user) if user.tapes() else None
        return wrong or wrong_stretches(song, user.out)

    def ardour(self, user, song):
        """An export; Ardour's process ends with it."""
        wav = user.home / "in.wav"
        song.write(wav)
        words = [sys.executable, self.hosts / "ardour_bounce.py", "Barline", wav, user.home / "out.wav", "--vst3", self.vst3, "--jemalloc"]
        words += ["--bpm", song.bpm, "--sig", song.sig, "--param", f"{ARM_INDEX}=1"]
        for name, value in user.variables.items():
            words += ["--env", f"{name}={value}"]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=500)
        if done.returncode:
            return f"exit {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
        wrong = self.resume(user) if user.tapes() else None
        return wrong or wrong_captions(song, user.out, song.tick_frames / song.rate_hz)

    def unwritable(self, user, song):
        """A folder that can't be made: the audio passes, and the window says why there are no captions."""
        file = user.home / "file"
        file.write_text("")
        user.choose(file / "captions")
        return self.refused(user, song, "file")

    def refused(self, user, song, word, run_as=None):
        """A host that passes the audio, and an instance that says with this word why there are no captions."""
        wrong = self.clap_bounce(user, song, ["--tail", 1, "--at", f"{song.seconds + 0.5} sleep 20000"], run_as=run_as)
        said = [report["bounced"] or {} for report in user.reports()]
        told = any(word in bounced.get("failed", "") for bounced in said)
        return wrong or (None if told else f"not told: {said}") or (None if user.tapes() else "nothing was kept")

    def full(self, user, song):
        """A full disk: no half of a file is left, and once there is room the captions are written."""
        with full_disk(user.out) as filler:
            wrong = self.refused(user, song, "No space left")
            left = sorted(path.name for path in user.out.iterdir())
            wrong = wrong or (f"left: {left}" if left != ["filler"] else None)
            filler.unlink()
            return wrong or self.resume(user) or wrong_captions(song, user.out, 1 / song.rate_hz)

    def full_for_tapes(self, user, song):
        """No room for what is kept until the captions are written: that is told, and they are written all the same."""
        with full_disk(user.home / "data"):
            wrong = self.waited(user, song, [])
            told = any("No space left" in (report["not_kept"] or "") for report in user.reports())
            return wrong or (None if told else "not told")

    def forbidden(self, user, song):
        """A folder of somebody else's."""
        user.out.mkdir()
        user.open_to_all()
        user.out.chmod(0o555)
        # To whom everything is allowed nothing can be forbidden.
        run_as = "nobody" if os.geteuid() == 0 else None
        return self.refused(user, song, "ermission denied", run_as)

    def read_only(self, user, song):
        """A file of that name that is not to be written stays as it is."""
        user.out.mkdir()
        user.choose(user.out, "{track}")
        mine = user.out / "Track 1.json"
        mine.write_text("mine")
        mine.chmod(0o444)
        wrong = self.clap_bounce(user, song, ["--tail", 1, "--at", f"{song.seconds + 0.5} sleep 20000"])
        if wrong or mine.read_text() != "mine":
            return wrong or "it was overwritten"
        # Its own got another number; beside the others it can be checked as ever.
        (user.out / "Track 1 2.json").replace(mine)
        return wrong_captions(song, user.out, 1 / song.rate_hz)


def cases(bounces):
    """Name, what must be installed, and the check."""
    song = Song(bpm=97.3)
    yield "clap-bounce offline", None, lambda user: bounces.waited(user, song, [])
    yield "clap-bounce in real time", None, lambda user: bounces.waited(user, Song(seconds=8), ["--mode", "realtime", "--pace"])
    yield "clap-bounce, ends after the last block", None, lambda user: bounces.killed(user, Song(bpm=97.3, seconds=60))
    yield "clap-bounce, 16 tracks, ends after the last block", None, lambda user: bounces.killed(user, Song(seconds=20), tracks=16)
    yield "clap-bounce, killed in the middle", None, lambda user: bounces.killed_within(user, Song(seconds=60), 30)
    yield "pedalboard", None, lambda user: bounces.pedalboard(user, song, 20)
    yield "pedalboard, ends after the last block", None, lambda user: bounces.pedalboard(user, Song(seconds=64), 0)
    yield "clap-bounce, no folder", None, lambda user: bounces.unwritable(user, Song(seconds=4))
    yield "clap-bounce, no permission", None, lambda user: bounces.forbidden(user, Song(seconds=4))
    yield "clap-bounce, a read-only file", None, lambda user: bounces.read_only(user, Song(seconds=4))
    yield "clap-bounce, a full disk", ROOT, lambda user: bounces.full(user, Song(seconds=4))
    yield "clap-bounce, no room to keep what is played", ROOT, lambda user: bounces.full_for_tapes(user, Song(seconds=4))
    yield "Ardour export of 3 minutes", "ardour7-export", lambda user: bounces.ardour(user, Song(seconds=180.0))


def main():
    args = argparse.ArgumentParser(description=__doc__)
    for name in ("hosts", "bundles", "barline"):
        args.add_argument(name)
    args.add_argument("--only", default="")
    a = args.parse_args()
    failed = False
    for name, program, check in cases(Bounces(a.hosts, a.bundles, a.barline)):
        if not name.startswith(a.only):
            continue
        if program == ROOT:
            if os.geteuid() != 0:
                print(f"{name}: needs root, for a disk of its own", flush=True)
                continue
        elif program and not shutil.which(program) and not Path("/usr/bin", program).exists():
            print(f"{name}: not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory() as home:
            wrong = check(User(Path(home)))
        print(f"{name}: {wrong or 'right'}", flush=True)
        failed |= bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main())
