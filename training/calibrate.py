"""What the heads' odds are worth: fitted on recordings and songs that were never trained on, for `export.py`."""

import numpy as np
import torch
from torch.nn import functional as F

from features import normalise
from shards import as_batch, glued

TRUSTED = 0.9  # of the labels said with more than 0.8 are right
SAID = 0.85  # of the names in a mix that are given as sure, this many are to be right
DOUBT = 0.85  # who may be there is named from this share of the sure odds on, where it is as likely as not
HOLD = 3.0  # how strongly an instrument's calibration is held to none: as if so many scenes had said so


@torch.no_grad()
def outputs(listener, pool):
    """The label head's outputs and the labels of every clip of a pool."""
    rows = []
    for i in range(0, len(pool), 100):
        db, label = pool.batch(range(i, min(i + 100, len(pool))))[:2]
        rows.append((listener(normalise(db))["label"], label))
    return [torch.cat(column) for column in zip(*rows)]


@torch.no_grad()
def scenes_heard(listener, pool, guests, rng):
    """Logits of the instruments, whether each is there, and that all of it counts, of every whole scene of a pool of songs: as it is, and with
    a recording that never met it, of a pool of single voices, a singer one time in five."""
    rows = []
    for scene in pool.scenes:
        wave, truth, present = pool.whole_mix(scene)
        guest, voice = guests.guest(wave, pool.mels[0].shape[1], 0, rng, singing=0.2)
        company = truth | {"instruments": list({*truth["instruments"], guests.truths[guest]["label"]})}
        db, _, there = as_batch([(wave, truth, present), (glued(wave + voice, rng), company, present)])[:3]
        rows.append((listener(normalise(db))["instruments"], there > 0, torch.ones_like(there)))
    return [torch.cat(column).double() for column in zip(*rows)]


@torch.no_grad()
def music_heard(listener, pool):
    """The same of every window of real music whose players are known, and what of it counts."""
    rows = []
    for i in range(0, len(pool.music), 100):
        db, _, there, counts = pool.batch(pool.music[i : i + 100])[:4]
        rows.append((listener(normalise(db))["instruments"], there > 0, counts))
    return [torch.cat(column).double() for column in zip(*rows)]


def platt(logits, present, counts):
    """Scale and offset of each instrument's logit that make its odds what they say (Platt, 1999), `[2, instruments]`. One threshold for all
    then leaves the most names at a given precision."""
    fitted = torch.stack([torch.ones(logits.shape[1]), torch.zeros(logits.shape[1])]).double().requires_grad_()
    optimizer = torch.optim.LBFGS([fitted], max_iter=200)

    def loss():
        optimizer.zero_grad()
        scale, offset = fitted
        wrong = F.binary_cross_entropy_with_logits(logits * scale + offset, present, counts, reduction="sum")
        total = wrong + HOLD * (4 * (scale - 1) ** 2 + offset**2).sum()
        total.backward()
        return total

    optimizer.step(loss)
    return fitted.detach()


def label_limits(listener, heldout):
    """The label head's temperature: the likeliest, or as much above it as it takes that 9 in 10 labels said with more than 0.8 are
    right; and its abstain threshold, which leaves 2 in 3 labels right. Both on recordings never trained on."""
    logits, labels = outputs(listener, heldout)
    logits, labels = logits[labels >= 0], labels[labels >= 0]
    grid = torch.linspace(0.5, 3.0, 251)
    losses = torch.stack([F.cross_entropy(logits / t, labels) for t in grid])

    def said(t):
        best, guess = torch.softmax(logits / t, -1).max(-1)
        return best, (guess == labels).float()

    def trusted(t):
        best, right = said(t)
        return right[best > 0.8].mean() >= TRUSTED

    temperature = next((t.item() for t in grid[losses.argmin() :] if trusted(t)), grid[losses.argmin()].item())
    best, right = said(temperature)
    abstain = next((t for t in np.arange(0.1, 0.9, 0.01) if right[best >= t].mean() >= 2 / 3), 0.9)
    print(f"temperature {temperature:.2f}, likeliest {grid[losses.argmin()]:.2f}, over 0.8: {(best > 0.8).float().mean():.2f}")
    print(f"abstain below {abstain:.2f}: {(best < abstain).float().mean():.2f} of held-out clips")
    return temperature, abstain


def instrument_limits(listener, pools, guests, music):
    """Calibrates the instruments' head, in place, on scenes of songs and on real music that were never trained on; then from what odds on an
    instrument is named, and from what odds on it may be there."""
    rng = np.random.default_rng(0)
    heard = [scenes_heard(listener, pool, guests, rng) for pool in pools for _ in range(2)]
    heard.append(music_heard(listener, music))
    logits, present, counts = (torch.cat(column) for column in zip(*heard))
    present *= counts
    scale, offset = platt(logits, present, counts)
    last = listener.heads.instruments[-1]
    with torch.no_grad():
        last.weight *= scale[:, None].float()
        last.bias.copy_(last.bias * scale.float() + offset.float())
    odds = torch.sigmoid(logits * scale + offset)
    sure = next(t for t in np.arange(0.3, 0.9, 0.01) if present[odds >= t].sum() >= SAID * counts[odds >= t].sum())
    for name, rows in (("all", slice(None)), ("real music", slice(-len(heard[-1][0]), None))):
        said, there = counts[rows] * (odds[rows] >= sure), present[rows]
        print(f"{name}, instruments at {sure:.2f}: precision {(said * there).sum() / said.sum():.2f}, recall {(said * there).sum() / there.sum():.2f}")
    return sure, DOUBT * sure
