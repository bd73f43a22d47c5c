"""What the bank does with samples: resampling, trimming, pitch, amplifier, wavetables."""

import io
import math

import numpy as np
import soundfile

RATE = 24_000
FADE = 0.05


def resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """To the bank's rate by the spectrum, with a soft edge below the lower half rate."""
    if rate == RATE:
        return samples
    up, down = RATE // math.gcd(RATE, rate), rate // math.gcd(RATE, rate)
    blocks = (len(samples) + 4096) // down + 1  # with silence, so that no ringing wraps around
    spectrum = np.fft.rfft(samples, blocks * down)
    bins = min(blocks * up, blocks * down) // 2 + 1
    edge = bins // 20
    spectrum[bins - edge:bins] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, edge))
    out = np.zeros(blocks * up // 2 + 1, complex)
    out[:bins] = spectrum[:bins]
    return np.fft.irfft(out, blocks * up)[: len(samples) * up // down] * up / down


def trim(samples: np.ndarray, seconds: float) -> np.ndarray:
    """Without leading and trailing silence, cut to a length, faded out."""
    peak = np.abs(samples).max()
    loud = np.flatnonzero(np.abs(samples) > max(peak * 10 ** (-42 / 20), 1e-4))
    start = max(0, loud[0] - RATE // 200)
    heard = np.flatnonzero(np.abs(samples) > peak * 1e-3)[-1] + RATE // 10
    out = samples[start:min(heard, start + int(seconds * RATE))].copy()
    fade = min(int(FADE * RATE), len(out) // 4)
    out[len(out) - fade:] *= np.linspace(1, 0, fade)
    return out


def measured_pitch(samples: np.ndarray) -> float | None:
    """The fundamental of a steady note as a MIDI number, by the YIN difference function."""
    window, longest = 4096, RATE // 25
    start = min(RATE // 4, max(0, len(samples) - window - longest))
    part = samples[start:start + window + longest]
    if len(part) < window + longest:
        return None
    spectrum = np.fft.rfft(part, 16384)
    head = np.fft.rfft(part[:window], 16384)
    cross = np.fft.irfft(spectrum * head.conj())[:longest]
    power = np.concatenate([[0], np.cumsum(part ** 2)])
    difference = power[window] + power[window:window + longest] - power[:longest] - 2 * cross
    means = np.cumsum(difference[1:]) / np.arange(1, longest)
    normal = difference[1:] / np.maximum(means, 1e-12)
    below = np.flatnonzero(normal < 0.15)
    if not len(below):
        return None
    lag = below[0]
    while lag + 1 < len(normal) and normal[lag + 1] < normal[lag]:
        lag += 1
    before, here, after = normal[max(lag - 1, 0)], normal[lag], normal[min(lag + 1, longest - 2)]
    bend = before - 2 * here + after
    exact = lag + 1 + (0.5 * (before - after) / bend if bend > 0 else 0.0)
    return 69 + 12 * math.log2(RATE / exact / 440)


def heard_pitch(samples: np.ndarray) -> float | None:
    """The measured pitch where several moments of a note agree on it."""
    starts = range(0, len(samples) // 2, RATE // 8)
    found = [p for p in (measured_pitch(samples[start:]) for start in starts[:8]) if p is not None]
    if len(found) < 2:
        return None
    middle = float(np.median(found))
    return middle if np.mean(np.abs(np.array(found) - middle) < 0.4) >= 0.75 else None


def overdriven(samples: np.ndarray, drive: float) -> np.ndarray:
    """A clean guitar through a model of an amplifier and its speaker."""
    count = len(samples)
    spectrum = np.fft.rfft(samples / np.abs(samples).max())
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    wide = np.fft.irfft(spectrum * hertz / (hertz + 300), 4 * count) * 4
    shaped = np.tanh(drive * wide + 0.2) * (1 - 0.1 * np.tanh(wide))
    speaker = (hertz / (hertz + 90)) ** 2 / (1 + (hertz / 3800) ** 4)
    out = np.fft.irfft(np.fft.rfft(shaped)[: len(hertz)] * speaker / 4, count)
    return trim(out * 0.5 / np.abs(out).max(), count / RATE)


def wavetable_note(data: bytes, pitch: int, seconds: float, attack: float) -> np.ndarray:
    """A note that sweeps through a table of single cycles of 256 samples."""
    cycles, _ = soundfile.read(io.BytesIO(data))
    step = 440 * 2 ** ((pitch - 69) / 12) / RATE
    spectra = np.fft.rfft(cycles[: len(cycles) // 256 * 256].reshape(-1, 256))
    spectra[:, 0] = spectra[:, int(0.5 / step) + 1:] = 0
    smooth = np.fft.irfft(spectra, 2048) * 8
    time = np.arange(int(seconds * RATE))
    place = np.linspace(0, (len(smooth) - 1) * 0.99, len(time))
    frame, phase = place.astype(int), (time * step % 1 * 2048).astype(int)
    later = smooth[np.minimum(frame + 1, len(smooth) - 1), phase]
    swept = smooth[frame, phase] + (place - frame) * (later - smooth[frame, phase])
    out = swept * np.minimum(time / (attack * RATE), 1) * np.minimum((len(time) - time) / 6000, 1)
    return out * 0.3 / max(np.abs(out).max(), 1e-6)


def plausible(family: str, samples: np.ndarray) -> bool:
    """Whether the spectrum, where a family has a clear one, agrees with the label."""
    if len(samples) < RATE // 25:
        return False
    magnitude = np.abs(np.fft.rfft(samples))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    power = magnitude ** 2
    lowest = {"kick": (200, 0.45), "toms": (500, 0.5), "bass-acoustic": (500, 0.5),
              "bass-electric": (500, 0.5), "bass-synth": (500, 0.5)}
    if family in lowest:
        edge, share = lowest[family]
        return bool(power[hertz < edge].sum() >= share * power.sum())
    centroid = (hertz * magnitude).sum() / magnitude.sum()
    return bool(centroid >= {"hi-hat": 4000, "cymbals": 3000}.get(family, 0))
