"""Masked prediction on music that nobody has labelled: what lies under a mask is told from what is around it, as in HuBERT (Hsu et al., 2021)
and MERT (Li et al., arXiv 2306.00107), whose acoustic teacher here is the encoder that a schedule begins with, in clusters."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from features import normalise

CLUSTERS = 256
FRAMES_A_STATE = 8  # mel frames behind one hidden state
SPAN = 6  # states that one mask covers, about half a second
MASKED = 0.4  # of the states


class Teacher(nn.Module):
    """The states of an encoder as it is now, each as the number of its cluster."""

    def __init__(self, encoder, clips):
        """`clips` `[clips, n_mels, frames]` in decibels are what the clusters are made of (k-means): the same ones each time."""
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.encoder = copy.deepcopy(encoder).eval().requires_grad_(False)
        states = self.states(clips).flatten(0, 1)
        states = states[torch.randperm(len(states), generator=draw)[: 100 * CLUSTERS]]
        self.mean, self.scale = states.mean(0), states.std(0) + 1e-6
        states = (states - self.mean) / self.scale
        centres = states[torch.randperm(len(states), generator=draw)[:CLUSTERS]]
        for _ in range(15):
            nearest = torch.cdist(states, centres).argmin(1)
            sums = torch.zeros_like(centres).index_add_(0, nearest, states)
            counts = torch.bincount(nearest, minlength=CLUSTERS).unsqueeze(1)
            centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
        self.centres = centres

    @torch.no_grad()
    def states(self, db):
        return torch.cat([self.encoder(normalise(part)) for part in db.split(64)])

    def forward(self, db):
        """`[clips, states]`."""
        states = (self.states(db) - self.mean) / self.scale
        return torch.cdist(states, self.centres.expand(len(states), -1, -1)).argmin(-1)


def hide(db, rng):
    """Covers spans of every band with the clip's mean: decibels `[clips, n_mels, frames]`, and which states lie wholly under a mask."""
    clips, _, frames = db.shape
    states = frames // FRAMES_A_STATE
    hidden = torch.zeros(clips, states, dtype=torch.bool)
    for clip in range(clips):
        for start in rng.integers(0, max(states - SPAN, 1), max(round(MASKED * states / SPAN), 1)):
            hidden[clip, start : start + SPAN] = True
    covered = hidden.repeat_interleave(FRAMES_A_STATE, 1)
    covered = F.pad(covered, (0, frames - covered.shape[1]))
    return torch.where(covered.unsqueeze(1), db.mean((1, 2), keepdim=True), db), hidden


def loss_of(logits, clusters, hidden):
    """Cross entropy of the clusters under the masks; `[clips, states, clusters]`."""
    states = min(logits.shape[1], clusters.shape[1], hidden.shape[1])
    hidden = hidden[:, :states]
    return F.cross_entropy(logits[:, :states][hidden], clusters[:, :states][hidden])
