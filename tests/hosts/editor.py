"""Barline's window in a host that plays a song: it follows the music, costs what it says, and leaves nothing behind.

usage: editor.py HOSTS BUNDLES SONG.wav BPM     (`cargo xtask hosts HOSTS` calls it)
HOSTS is the folder with a built clap-bounce. Needs Linux, Xvfb and ImageMagick. Exit code 0, or 1 where something is wrong.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SCREEN = (1000, 640)
# The window is 900 x 560: where its caption, its list and its meters are.
PLACES = {"caption": (40, 75, 0, 660), "list": (120, 520, 0, 660), "meters": (90, 430, 665, 900)}
OPENINGS = 50
# Hosts that quit at once, with their windows open.
QUITTERS = 6
# What the window library loses of the keyboard's map at each opening (49 KB by heaptrack), and the allocator's rounding.
KB_PER_OPENING = 150


class Screen:
    """An X server of our own."""

    def __enter__(self):
        self.read, write = os.pipe()
        size = f"{SCREEN[0]}x{SCREEN[1]}x24"
        words = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"]
        self.server = subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        number = os.read(self.read, 16).decode().strip()
        self.environment = dict(os.environ, DISPLAY=f":{number}", LIBGL_ALWAYS_SOFTWARE="1")
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()
        os.close(self.read)

    def look(self):
        """The whole screen, [row][column][red, green, blue]."""
        words = ["import", "-window", "root", "-depth", "8", "rgb:-"]
        pixels = subprocess.run(words, env=self.environment, capture_output=True, check=True).stdout
        return np.frombuffer(pixels, np.uint8).reshape(SCREEN[1], SCREEN[0], 3)


class Host:
    """clap-bounce, playing the song in real time."""

    def __init__(self, screen, program, bundle, song, bpm, out, seconds, more=()):
        words = [program, bundle, song, out, "--pace", "--mode", "realtime", "--passthrough"]
        words += ["--bpm", bpm, "--length", seconds, *more]
        self.process = subprocess.Popen(
            [str(word) for word in words], env=screen.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.said = []
        self.reader = threading.Thread(target=lambda: self.said.append(self.process.stdout.read()))
        self.reader.start()

    def memory_kb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def processor_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def busy_cores(self):
        """Over five seconds."""
        before, processor_s = time.time(), self.processor_s()
        time.sleep(5)
        return (self.processor_s() - processor_s) / (time.time() - before)

    def end(self):
        """What is wrong with the audio and the calls, if anything."""
        code = self.process.wait(120)
        self.reader.join()
        said = "".join(self.said)
        right = code == 0 and '"differing_samples": 0' in said and '"calls_on_wrong_thread": 0' in said
        return None if right else f"exit {code}: {said[-300:]}"


def follows(screen, start):
    """The caption, the list and the meters change while the song goes on."""
    host = start(26, ["--gui"])
    looks = []
    for _ in range(3):
        time.sleep(6)
        looks.append(screen.look())
    print(f"the window open and playing: {host.busy_cores():.2f} cores, drawn without a graphics card", flush=True)
    wrong = host.end()
    for name, (top, bottom, left, right) in PLACES.items():
        places = [look[top:bottom, left:right] for look in looks]
        if any(np.array_equal(a, b) for a, b in zip(places, places[1:])):
            wrong = wrong or f"the {name} stand still"
    return wrong


def closed(screen, start):
    """What playing costs without a window."""
    host = start(12, [])
    time.sleep(4)
    print(f"the window closed and playing: {host.busy_cores():.2f} cores", flush=True)
    return host.end()


def reopens(screen, start):
    """Fifty windows one after the other cost no memory: against the same stretch without, for hosts grow as they play."""
    first_s, each_s = 3, 0.8
    actions = []
    for number in range(OPENINGS):
        at = first_s + number * each_s
        actions += ["--at", f"{at:.2f} gui open", "--at", f"{at + each_s / 2:.2f} gui close"]
    seconds = first_s + OPENINGS * each_s + 4
    # The first windows load the graphics driver.
    warm_s, end_s = first_s + 10 * each_s, seconds - 2
    grown = []
    for more in (actions, []):
        host = start(seconds, [*more, "--stopped"])
        time.sleep(warm_s)
        before = host.memory_kb()
        time.sleep(end_s - warm_s)
        grown.append(host.memory_kb() - before)
        wrong = host.end()
        if wrong:
            return wrong
    each = (grown[0] - grown[1]) / (OPENINGS - 10)
    print(f"{OPENINGS} windows: {each:.0f} KB each", flush=True)
    return f"more than {KB_PER_OPENING} KB a window" if each > KB_PER_OPENING else None


def quits(screen, start):
    """Hosts that go down with their windows open go down in order: no thread of a window outlives it."""
    hosts = [start(4, ["--gui"], number) for number in range(QUITTERS)]
    return next(filter(None, [host.end() for host in hosts]), None)


def main():
    hosts, bundles, song, bpm = sys.argv[1:]
    program = next(Path(hosts).glob("**/release/clap-bounce"))
    failed = False
    with Screen() as screen, tempfile.TemporaryDirectory() as work:

        def start(seconds, more, number=0):
            out = Path(work, f"out{number}.wav")
            return Host(screen, program, Path(bundles, "Barline.clap"), song, bpm, out, seconds, more)

        for check in (follows, closed, reopens, quits):
            wrong = check(screen, start)
            print(f"the window {check.__name__}: {wrong or 'right'}", flush=True)
            failed |= bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main())
