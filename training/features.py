"""The log-mel front end of the default encoder, equal to crates/models' (tests/golden/default holds the two together).

Frames of n_fft samples every hop without padding, periodic Hann, power spectrum, Slaney mel filters with Slaney norm,
decibels clipped top_db below the window's maximum, the window's mean subtracted, divided by scale_db.
"""

import math

import torch

LOG_MEL = {"n_fft": 1024, "hop": 240, "n_mels": 96, "f_min": 30.0, "f_max": 12000.0, "top_db": 80.0, "scale_db": 20.0}
RATE_HZ = 24000
SHORTEST = 29  # frames; what the encoder's convolutions need for one frame of theirs


def _hz_to_mel(hz):
    """Slaney's Auditory Toolbox scale: linear below 1 kHz, logarithmic above."""
    return hz / (200.0 / 3) if hz < 1000.0 else 15.0 + 27.0 * math.log(hz / 1000.0) / math.log(6.4)


def _mel_to_hz(mel):
    return mel * (200.0 / 3) if mel < 15.0 else 1000.0 * math.exp(math.log(6.4) / 27.0 * (mel - 15.0))


def mel_filters(n_fft, rate_hz, n_mels, f_min, f_max):
    """Triangles of unit area per hertz: `[n_fft / 2 + 1, n_mels]`."""
    lo, hi = _hz_to_mel(f_min), _hz_to_mel(f_max)
    edges = [_mel_to_hz(lo + (hi - lo) * i / (n_mels + 1)) for i in range(n_mels + 2)]
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * rate_hz / n_fft
    filters = torch.zeros(n_fft // 2 + 1, n_mels, dtype=torch.float64)
    for i in range(n_mels):
        left, centre, right = edges[i : i + 3]
        up, down = (bins - left) / (centre - left), (right - bins) / (right - centre)
        filters[:, i] = torch.minimum(up, down).clamp(min=0.0) * 2.0 / (right - left)
    return filters.float()


def _centres():
    """Of the bands, in mels and in hertz."""
    lo, hi = _hz_to_mel(LOG_MEL["f_min"]), _hz_to_mel(LOG_MEL["f_max"])
    step = (hi - lo) / (LOG_MEL["n_mels"] + 1)
    return lo + step, step, [_mel_to_hz(lo + step * (i + 1)) for i in range(LOG_MEL["n_mels"])]


_FILTERS = mel_filters(LOG_MEL["n_fft"], RATE_HZ, LOG_MEL["n_mels"], LOG_MEL["f_min"], LOG_MEL["f_max"])
BAND_HZ = 1.0 / _FILTERS.amax(0).numpy()  # width of each band: what its power per hertz stands for
_WINDOW = torch.hann_window(LOG_MEL["n_fft"], periodic=True)


def mel_db(samples):
    """`[batch, samples]` at 24 kHz -> decibels `[batch, n_mels, frames]`, before any normalisation."""
    shortest = LOG_MEL["n_fft"] + (SHORTEST - 1) * LOG_MEL["hop"]
    if samples.shape[-1] < shortest:
        samples = torch.nn.functional.pad(samples, (0, shortest - samples.shape[-1]))
    frames = samples.unfold(-1, LOG_MEL["n_fft"], LOG_MEL["hop"]) * _WINDOW
    spectrum = torch.fft.rfft(frames)
    power = spectrum.real.square() + spectrum.imag.square()
    return (10.0 * torch.log10((power @ _FILTERS).clamp(min=1e-10))).transpose(-1, -2)


def normalise(db):
    """Decibels `[batch, n_mels, frames]` -> the encoder's input of the same shape, independent of the clip's level."""
    top = db.amax(dim=(-1, -2), keepdim=True)
    db = torch.maximum(db, top - LOG_MEL["top_db"])
    return (db - db.mean(dim=(-1, -2), keepdim=True)) / LOG_MEL["scale_db"]


def log_mel(samples):
    """`[batch, samples]` -> `[batch, n_mels, frames]`."""
    return normalise(mel_db(samples))


def warped(db, scale):
    """Decibels with every frequency `scale` (`[batch]`) times as high: `[batch, n_mels, frames]` in and out."""
    first, step, centres_hz = _centres()
    from_hz = torch.tensor(centres_hz) / scale.unsqueeze(-1)
    mel = torch.where(from_hz < 1000.0, from_hz / (200.0 / 3), 15.0 + 27.0 / math.log(6.4) * torch.log(from_hz.clamp(min=1.0) / 1000.0))
    at = ((mel - first) / step).clamp(0, LOG_MEL["n_mels"] - 1.001)
    below = at.floor().long().unsqueeze(-1).expand(-1, -1, db.shape[-1])
    share = (at - at.floor()).unsqueeze(-1)
    return (1 - share) * db.gather(1, below) + share * db.gather(1, below + 1)
