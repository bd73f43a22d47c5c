"""The built VST3 in pedalboard, a JUCE host by somebody else: output equals input, bit for bit, and all of it is heard.

usage: pedalboard_host.py Barline.vst3     (`cargo xtask test` calls it; needs requirements.txt)
Exit code 0, or 1 with a line for everything that differs.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pedalboard

RATES_HZ = (44_100, 48_000, 96_000, 192_000)
BLOCKS = (16, 63, 64, 480, 511, 512, 1000, 1024, 4096, 8191)
# Uneven pieces of one stream. Never one or two frames: pedalboard reads such a small array as channels-last.
PIECES = (7, 777, 64, 5000, 3, 1024, 511)


def difference(got, sent):
    """Says what differs, or nothing."""
    if got.shape != sent.shape:
        return f"shape {got.shape} for {sent.shape}"
    differing = np.flatnonzero((got.view(np.uint32) != sent.view(np.uint32)).any(axis=0))
    return f"{differing.size} frames differ, the first is {differing[0]}" if differing.size else None


def blocks(plugin, rng):
    """Whole signals at every rate, block size and channel count."""
    for rate_hz in RATES_HZ:
        for block in BLOCKS:
            for channels in (2, 1):
                sent = rng.standard_normal((channels, max(2000, 5 * block // 2)), dtype=np.float32)
                got = plugin.process(sent, rate_hz, buffer_size=block, reset=True)
                yield f"{rate_hz} Hz, blocks of {block}, {channels} channels", difference(got, sent)


def stream(plugin, rng):
    """One signal in uneven pieces."""
    sent = rng.standard_normal((2, 48_000), dtype=np.float32)
    got, at, turn = [], 0, 0
    while at < sent.shape[1]:
        length = PIECES[turn % len(PIECES)]
        if sent.shape[1] - at - length < 3:
            length = sent.shape[1] - at
        got.append(plugin.process(sent[:, at : at + length], 48_000, buffer_size=512, reset=False))
        at, turn = at + length, turn + 1
    yield "uneven pieces", difference(np.concatenate(got, axis=1), sent)


def state(path):
    """Parameters come back from a saved state, the question does not."""
    plugin = pedalboard.load_plugin(path)
    plugin.listen, plugin.ask, plugin.arm_captions = False, True, True
    plugin.process(np.zeros((2, 4800), np.float32), 48_000)  # a VST3 host sends parameters with the audio
    other = pedalboard.load_plugin(path)
    other.raw_state = plugin.raw_state
    got = (bool(other.listen), bool(other.ask), bool(other.arm_captions))
    yield "state", None if got == (False, False, True) else f"listen, ask, arm_captions came back as {got}"


def report_of(path, use):
    """What the instance that `use` is called with says it heard, once it has worked through all of it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BARLINE_REPORT"] = folder
        plugin = pedalboard.load_plugin(path)  # and a throw-away one before it
        frames = use(plugin)
        for _ in range(2000):
            reports = [json.loads(file.read_text()) for file in Path(folder).glob("*.json")]
            for report in reports:
                if report["idle"] and report["heard_frames"] + report["dropped_frames"] >= frames:
                    return report
            time.sleep(0.01)
    raise SystemExit(f"no instance has heard {frames} frames: {reports}")


def capture(path, rng):
    """pedalboard never plays: everything is heard in stretches without bars, from the render's start."""
    for rate_hz, block in ((44_100, 511), (48_000, 64), (96_000, 1000), (192_000, 8191)):
        sent = rng.uniform(-0.5, 0.5, (2, 10 * rate_hz)).astype(np.float32)

        def use(plugin):
            got = plugin.process(sent, rate_hz, buffer_size=block, reset=False)
            return sent.shape[1] if difference(got, sent) is None else 0

        report = report_of(path, use)
        # Earlier generations are pedalboard's own: it sends noise through a plugin while it loads it.
        bars = [bar for bar in report["bars"] if bar["generation"] == report["generation"]]
        told = [(bar["bar"], round(bar["start_s"], 3), bar["start_frame"]) for bar in bars]
        expected = [(None, start_s, start_s * rate_hz) for start_s in (0, 4)]
        right = told == expected and report["dropped_frames"] == 0 and not report["gaps"]
        yield f"capture at {rate_hz} Hz", None if right else f"{told}, {report['gaps']}"


def main():
    path = sys.argv[1]
    rng = np.random.default_rng(1)
    plugin = pedalboard.load_plugin(path)
    results = [*blocks(plugin, rng), *stream(plugin, rng), *state(path), *capture(path, rng)]
    failed = [f"{name}: {why}" for name, why in results if why]
    print("\n".join(failed) or f"pedalboard {pedalboard.__version__}: {len(results)} checks, bit for bit")
    return bool(failed)


sys.exit(main())
