"""Renders a WAV through the built VST3 in pedalboard with captions armed, as fast as it goes, and ends at once or after a while.

usage: pedalboard_render.py Barline.vst3 IN.wav WAIT_S     (bounces.py calls it; needs requirements.txt)
Exit code 0, or 1 with a line if a sample differs.
"""

import sys
import time

import numpy as np
import pedalboard
from pedalboard.io import AudioFile


def main():
    vst3, path, wait_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with AudioFile(path) as file:
        rate_hz, sent = file.samplerate, file.read(file.frames)
    plugin = pedalboard.load_plugin(vst3)
    plugin.arm_captions = True
    got = plugin.process(sent, rate_hz, buffer_size=512, reset=False)
    if not np.array_equal(got.view(np.uint32), sent.view(np.uint32)):
        print("the audio differs")
        return 1
    if wait_s:
        plugin.reset()  # deactivates it, and the render is over
        time.sleep(wait_s)
    return 0


sys.exit(main())
