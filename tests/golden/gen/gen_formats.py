"""Half a second of sine, 440 Hz left and 880 Hz right, -12 dBFS, 44.1 kHz, in the formats that no test can write itself: gen_formats.py OUT

Needs soundfile and PyAV (pip install soundfile av): libsndfile and FFmpeg encode."""

import sys
from pathlib import Path

import av
import numpy as np
import soundfile

RATE_HZ = 44100
TIME_S = np.arange(RATE_HZ // 2) / RATE_HZ
SOUND = 0.25 * np.stack([np.sin(2 * np.pi * hz * TIME_S) for hz in (440, 880)]).astype(np.float32)
SNDFILE = {"tone.aiff": "PCM_16", "tone.flac": "PCM_16", "tone.mp3": "MPEG_LAYER_III", "tone.ogg": "VORBIS"}
FFMPEG = {"tone.m4a": ("ipod", "aac", "fltp"), "tone.aac": ("adts", "aac", "fltp"), "alac.m4a": ("ipod", "alac", "s16p")}


def write_av(path, container, codec, sample_format):
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=RATE_HZ)
        stream.layout, stream.format = "stereo", sample_format
        resampler = av.AudioResampler(sample_format, "stereo", RATE_HZ, stream.codec_context.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(SOUND, "fltp", "stereo")
        frame.sample_rate, frame.pts = RATE_HZ, 0
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, subtype in SNDFILE.items():
        soundfile.write(out / name, SOUND.T, RATE_HZ, subtype=subtype)
    for name, settings in FFMPEG.items():
        write_av(out / name, *settings)
