"""Trains the encoder and its heads on shards of factory clips, for a given CPU time, resumably.

python train_encoder.py --data work/clips --out work/encoder.pt --minutes 60
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import masked
from encoder import CONFIG, Encoder, Heads
from features import normalise, warped
from lm import chunk_means
from shards import INSTRUMENTS, LABELS, QUALITIES, Pool, as_batch

FULL_MIX_WEIGHT = 0.1  # half of each batch are mixes, but most of what users label are stems
WARPED = 0.4  # of the clips sound as if from a smaller or larger instrument: few makers stand for many
WARP_SEMITONES = 3.0  # the widest of them
RECORDED = 0.7  # of the single clips: what users label was recorded, what the factory computes is cheap and plenty
MASKED_WEIGHT = 0.3  # of the loss of masked prediction
# Of a batch, beside it: voices of which it is known how they are played, what is no music, real music whose players are known, and any real music.
PLAYED, NOISES, MUSIC, REAL = 0.1, 0.04, 0.16, 0.1
CHECK_S = 900  # CPU seconds between checks
MEMORY = 0.999  # of the running mean of the weights, a step; neighbouring checks of the weights themselves lie far apart


class Listener(nn.Module):
    """Encoder, heads, and two linear heads that only training has: who plays in each chunk, so that the soft tokens say it, and what lies
    under a mask."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.heads = Heads(CONFIG["hidden_size"], len(LABELS), len(INSTRUMENTS), len(QUALITIES))
        self.chunk_instruments = nn.Linear(CONFIG["hidden_size"], len(INSTRUMENTS))
        self.clusters = nn.Linear(CONFIG["hidden_size"], masked.CLUSTERS)

    def forward(self, x):
        states = self.encoder(x)
        out = self.heads(states)
        out["chunk_instruments"] = self.chunk_instruments(chunk_means(states))
        out["clusters"] = self.clusters(states)
        return out


def begin(model, start):
    """Begins with the weights of a checkpoint, or of a model folder as `export.py` writes it, which lacks the heads of chunks and of masks.
    What a head has learnt to say since then begins anew."""
    if Path(start).is_dir():
        parts = (("encoder", "encoder/model.safetensors"), ("heads", "heads.safetensors"))
        known = {f"{part}.{name}": value.float() for part, path in parts for name, value in load_file(Path(start) / path).items()}
    else:
        known = torch.load(start, weights_only=False)["model"]
    weights = model.state_dict()
    for name, value in known.items():
        weights[name][tuple(slice(size) for size in value.shape)] = value
    model.load_state_dict(weights)


def augment(db, rng):
    """Other sizes, smooth random equalisation, a noise floor, masked bands and frames: `[batch, n_mels, frames]` in and out."""
    batch, mels, frames = db.shape
    semitones = rng.uniform(-WARP_SEMITONES, WARP_SEMITONES, batch) * (rng.random(batch) < WARPED)
    db = warped(db, torch.from_numpy(2.0 ** (semitones / 12)).float())
    axis = torch.linspace(0, 1, mels)
    curve = torch.zeros(batch, mels)
    for k in range(1, 5):
        phase = torch.from_numpy(rng.uniform(0, 2 * np.pi, (batch, 1))).float()
        gain = torch.from_numpy(rng.normal(0, 3.0 / k, (batch, 1))).float()
        curve += gain * torch.cos(np.pi * k * axis + phase)
    top = db.amax(dim=(1, 2), keepdim=True)
    floor = top - torch.from_numpy(rng.uniform(35, 110, (batch, 1, 1))).float()
    tilt = torch.from_numpy(rng.normal(0, 10, (batch, 1, 1))).float() * (axis - 0.5).view(1, -1, 1)
    noise = floor + tilt + torch.randn(batch, mels, frames) * 2.0
    db = db + curve.unsqueeze(-1)
    db = torch.where(torch.from_numpy(rng.random((batch, 1, 1)) < 0.3), torch.logaddexp(db * 0.2303, noise * 0.2303) / 0.2303, db)
    for i in np.flatnonzero(rng.random(batch) < 0.25):
        lo, width = rng.integers(0, mels - 12), rng.integers(2, 12)
        db[i, lo : lo + width] = db[i].mean()
        lo, width = rng.integers(0, frames - 40), rng.integers(5, 40)
        db[i, :, lo : lo + width] = db[i].min()
    return db


LABEL_WEIGHTS = torch.ones(len(LABELS))
LABEL_WEIGHTS[LABELS.index("full-mix")] = FULL_MIX_WEIGHT


def presence_loss(logits, present, counts):
    """Binary cross entropy of the instruments that count."""
    return (F.binary_cross_entropy_with_logits(logits, present, reduction="none") * counts).sum() / counts.sum()


def loss_of(out, label, present, counts, words, chunk_present, chunk_counts):
    """Cross entropy of labels, of instruments in the clip and in each chunk, squared error of words."""
    known = label >= 0
    one = F.cross_entropy(out["label"][known], label[known], weight=LABEL_WEIGHTS, label_smoothing=0.05)
    many = presence_loss(out["instruments"], present, counts)
    seconds = min(out["chunk_instruments"].shape[1], chunk_present.shape[1])
    chunked = presence_loss(out["chunk_instruments"][:, :seconds], chunk_present[:, :seconds], chunk_counts[:, :seconds])
    rated = ~words.isnan()
    said = F.mse_loss(torch.sigmoid(out["descriptors"])[rated], words[rated])
    nothing = (present.sum(1) == 0) & (counts > 0).all(1)  # no label is likelier than another where nothing plays
    one = one - F.log_softmax(out["label"], 1)[nothing].mean(1).sum() / len(label)
    return one + 6.0 * many + 6.0 * chunked + 2.0 * said, (one.item(), many.item(), chunked.item(), said.item())


@torch.no_grad()
def evaluate(model, pool, limit=1000):
    """Top-1 of stems, and precision and recall of instruments in mixes, on clips not trained on."""
    model.eval()
    batches = [pool.batch(range(i, min(i + 100, len(pool), limit)))[:3] for i in range(0, min(len(pool), limit), 100)]
    finished = [[t["kind"] == "mix" for t in pool.truths[i : i + 100]] for i in range(0, min(len(pool), limit), 100)]
    whole = [pool.whole_mix(scene) for scene in pool.scenes]
    batches += [as_batch(whole[i : i + 100])[:3] for i in range(0, len(whole), 100)]
    finished += [[True] * len(whole[i : i + 100]) for i in range(0, len(whole), 100)]
    per, tp, fp, fn = {}, 0, 0, 0
    for (db, label, present), mixes in zip(batches, finished):
        out, mixes = model(normalise(db)), torch.tensor(mixes)
        known = (label >= 0) & ~mixes
        hit = out["label"].argmax(1) == label
        for l, h in zip(label[known].tolist(), hit[known].tolist()):
            n, k = per.get(LABELS[l], (0, 0))
            per[LABELS[l]] = (n + 1, k + h)
        said, true = out["instruments"][mixes] > 0, present[mixes] > 0
        tp, fp, fn = tp + (said & true).sum().item(), fp + (said & ~true).sum().item(), fn + (~said & true).sum().item()
    model.train()
    top1 = sum(k for _, k in per.values()) / max(sum(n for n, _ in per.values()), 1)
    table = {name: round(k / n, 2) for name, (n, k) in sorted(per.items())}
    return top1, tp / max(tp + fp, 1), tp / max(tp + fn, 1), table


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--data", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--minutes", type=float, required=True)
    args.add_argument("--batch", type=int, default=64)
    args.add_argument("--rate", type=float, default=1.5e-3)
    args.add_argument("--threads", type=int, default=1, help="more wait for each other where the machine has other work")
    args.add_argument("--seed", type=int, default=0)
    args.add_argument("--start", help="a checkpoint, or a model folder, whose weights a new schedule begins with")
    a = args.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)

    pool = Pool(a.data, "train-*.f16", "music-*.f16")
    checks = {name: Pool(a.data, f"{name}-*.f16") for name in ("heldout", "eval", "songs")}
    model = Listener()
    optimizer = torch.optim.AdamW(model.parameters(), lr=a.rate, weight_decay=0.02, betas=(0.9, 0.98))
    spent, step = 0.0, 0
    first, teacher = Listener(), None
    if a.start:
        begin(first, a.start)
    if Path(a.out).exists():
        saved = torch.load(a.out, weights_only=False)
        model.load_state_dict(saved["last"])
        optimizer.load_state_dict(saved["optimizer"])
        spent, step = saved["spent"], saved["step"]
    elif a.start:
        model.load_state_dict(first.state_dict())
    mean = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(MEMORY))
    if spent:
        mean.module.load_state_dict(saved["model"])
        mean.n_averaged.fill_(step)
    print(f"{len(pool)} clips, {len(pool.recorded)} of recordings, {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters", flush=True)

    last, seen_loss = time.process_time(), []
    next_check = spent + CHECK_S
    while spent < a.minutes * 60:
        progress = spent / (a.minutes * 60)
        rate = a.rate * min(1.0, (step + 1) / 300) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        frames = 160 + int(236 * rng.random() ** 2)
        start = int(rng.integers(0, 396 - frames + 1))
        half = a.batch // 2
        shares = ((pool.played, PLAYED), (pool.noises, NOISES), (pool.music, MUSIC))
        beside = [i for clips, share in shares for i in pool.some(clips, round(share * a.batch), rng)]
        known = pool.batch(pool.singles(a.batch - half, RECORDED, rng) + beside, frames, start)
        mixed = pool.mixes(half, frames, start, rng)
        db, *aims = (torch.cat(pair) for pair in zip(known, mixed))
        inputs, guess = augment(db, rng), None
        if real := pool.some(pool.real, round(REAL * a.batch), rng):
            teacher = teacher or masked.Teacher(first.encoder, torch.from_numpy(pool.cut(pool.real[::3], 396, 0)))
            plain = torch.from_numpy(pool.cut(real, frames, start))
            guess = teacher(plain)
            covered, hidden = masked.hide(augment(plain, rng), rng)
            inputs = torch.cat([inputs, covered])
        out = model(normalise(inputs))
        loss, parts = loss_of({name: rows[: len(db)] for name, rows in out.items()}, *aims)
        if guess is not None:
            under = masked.loss_of(out["clusters"][len(db) :], guess, hidden)
            loss, parts = loss + MASKED_WEIGHT * under, (*parts, under.item())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        mean.update_parameters(model)
        step += 1
        seen_loss.append(parts)
        now = time.process_time()
        spent, last = spent + now - last, now
        if step % 100 == 0:
            print(f"step {step} {spent / 60:.1f} min, label/instruments/by chunk/words/masked {np.mean(seen_loss, 0).round(3)}", flush=True)
            seen_loss = []
        if spent > next_check or spent >= a.minutes * 60:
            for name, check in checks.items():
                if len(check):
                    top1, precision, recall, table = evaluate(mean.module, check)
                    print(f"  {name}: top-1 {top1:.3f}, mix precision {precision:.2f} recall {recall:.2f} {json.dumps(table)}", flush=True)
            torch.save({"model": mean.module.state_dict(), "last": model.state_dict(), "optimizer": optimizer.state_dict(), "spent": spent, "step": step}, a.out)
            pool.refresh()
            seen_loss = []
            last = time.process_time()
            next_check = spent + CHECK_S


if __name__ == "__main__":
    main()
