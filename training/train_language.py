"""Trains the tokenizer, the adapter and the language model on the frozen encoder's hidden states and the grammar's text.

python train_language.py --data work/clips --encoder work/encoder.pt --out work/language.pt --minutes 30
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from torch.nn import functional as F

import grammar
from encoder import CONFIG as ENCODER
from features import normalise
from lm import CONFIG, Talker, chunk_means
from shards import Pool
from train_encoder import Listener

SPECIAL = ["<pad>", "<s>", "</s>", "<audio>", "</audio>", "<answer>"]
BEFORE, AFTER, END = "<audio>", "</audio> {instruction}<answer>", "</s>"


def make_tokenizer(truths, path, size=1024, lines=40000):
    """Byte-level BPE over the grammar's own text; any other text falls back to bytes."""
    rng = random.Random(1)
    text = [" ".join(grammar.example(rng.choice(truths), rng)) for _ in range(lines)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    added = SPECIAL + grammar.SLOTS
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[AddedToken(t, normalized=False, special=t in SPECIAL) for t in added],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.save(str(path))
    return tokenizer


@torch.no_grad()
def listen(listener, pool, crops, rng):
    """Chunk means of `crops` random crops of every clip: a list of `[tokens, hidden]` in f16, with the clip's index."""
    heard = []
    listener.eval()
    for _ in range(crops):
        for i in range(0, len(pool), 128):
            index = range(i, min(i + 128, len(pool)))
            frames = int(rng.integers(200, 397))
            start = int(rng.integers(0, 396 - frames + 1))
            db = pool.batch(index, frames, start)[0]
            means = chunk_means(listener.encoder(normalise(db))).half()
            heard.extend(zip(means, index))
    return heard


def batch_of(items, pool, tokenizer, rng):
    """Chunk means, text ids and which of them are the answer's, for clips with equally many soft tokens."""
    ids, starts = [], []
    for _, clip in items:
        instruction, answer = grammar.example(pool.truths[clip], rng)
        prompt = tokenizer.encode(AFTER.format(instruction=instruction), add_special_tokens=False).ids
        said = tokenizer.encode(answer + END, add_special_tokens=False).ids
        ids.append(prompt + said)
        starts.append(len(prompt))
    length = max(map(len, ids))
    text = torch.zeros(len(ids), length, dtype=torch.long)
    mask = torch.zeros(len(ids), length)
    for row, (one, start) in enumerate(zip(ids, starts)):
        text[row, : len(one)] = torch.tensor(one)
        mask[row, start : len(one)] = 1.0
    return torch.stack([m for m, _ in items]).float(), text, mask


@torch.no_grad()
def greedy(talker, tokenizer, chunks, instruction, limit=60):
    """The answer's text for one clip's chunk means `[tokens, hidden]`."""
    before = torch.tensor([[1, *tokenizer.encode(BEFORE, add_special_tokens=False).ids]])
    ids = tokenizer.encode(AFTER.format(instruction=instruction), add_special_tokens=False).ids
    said = []
    for _ in range(limit):
        x = talker.embeds(before, chunks.float().unsqueeze(0), torch.tensor([ids + said]))
        token = talker.lm(x)[0, -1].argmax().item()
        if token == tokenizer.token_to_id(END):
            break
        said.append(token)
    return tokenizer.decode(said, skip_special_tokens=False)


def named(text):
    """Labels that a caption names, longest first so that an electric piano is no piano."""
    text, found = text.lower(), set()
    for name in sorted(grammar.ORDER, key=lambda n: -len(n)):
        word = grammar.plain(name)
        if word in text:
            found.add(name)
            text = text.replace(word, " ")
    return found


def caption_scores(talker, tokenizer, heard, pool, count=150):
    """Precision and recall of the instruments named in greedy captions of mixes."""
    mixes = [(m, i) for m, i in heard if pool.truths[i]["kind"] == "mix"][:count]
    tp = fp = fn = 0
    rng = random.Random(3)
    for means, clip in mixes:
        said = named(greedy(talker, tokenizer, means, f"caption. facts: {grammar.draw_facts(rng)}"))
        true = set(pool.truths[clip]["instruments"])
        tp, fp, fn = tp + len(said & true), fp + len(said - true), fn + len(true - said)
    return tp / max(tp + fp, 1), tp / max(tp + fn, 1)


def main():
    args = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "encoder", "out"):
        args.add_argument(f"--{name}", required=True)
    args.add_argument("--minutes", type=float, required=True)
    args.add_argument("--batch", type=int, default=64)
    args.add_argument("--rate", type=float, default=2e-3)
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--crops", type=int, default=2)
    a = args.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng, words = np.random.default_rng(0), random.Random(0)

    pool, check = Pool(a.data), Pool(a.data, "eval-*.f16")
    tokenizer = make_tokenizer(pool.truths, Path(a.out).with_suffix(".tokenizer.json"))
    listener = Listener()
    listener.load_state_dict(torch.load(a.encoder, weights_only=False)["model"])
    started = time.time()
    heard, unheard = listen(listener, pool, a.crops, rng), listen(listener, check, 1, rng)
    by_length = {}
    for item in heard:
        by_length.setdefault(item[0].shape[0], []).append(item)
    weights = [len(v) for v in by_length.values()]
    print(f"{len(heard)} crops heard in {time.time() - started:.0f} s, vocabulary {tokenizer.get_vocab_size()}", flush=True)

    config = CONFIG | {"vocab_size": tokenizer.get_vocab_size()}
    talker = Talker(config, ENCODER["hidden_size"])
    optimizer = torch.optim.AdamW(talker.parameters(), lr=a.rate, weight_decay=0.02, betas=(0.9, 0.98))
    spent, step, losses = 0.0, 0, []
    if Path(a.out).exists():
        saved = torch.load(a.out, weights_only=False)
        talker.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        spent, step = saved["spent"], saved["step"]
    before = torch.tensor([[1, *tokenizer.encode(BEFORE, add_special_tokens=False).ids]])
    print(f"{sum(p.numel() for p in talker.parameters()) / 1e6:.2f} M parameters", flush=True)

    last, next_check = time.process_time(), spent + 300
    while spent < a.minutes * 60:
        progress = spent / (a.minutes * 60)
        rate = a.rate * min(1.0, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        items = words.choices(words.choices(list(by_length.values()), weights)[0], k=a.batch)
        chunks, text, mask = batch_of(items, pool, tokenizer, words)
        x = talker.embeds(before, chunks, text)
        skip = before.shape[1] + chunks.shape[1]
        logits = talker.lm(x)[:, skip - 1 : -1]
        loss = F.cross_entropy(logits.transpose(1, 2), text, reduction="none")
        loss = (loss * mask).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(talker.parameters(), 1.0)
        optimizer.step()
        step += 1
        losses.append(loss.item())
        now = time.process_time()
        spent, last = spent + now - last, now
        if step % 100 == 0:
            print(f"step {step} {spent / 60:.1f} min, loss {np.mean(losses):.4f}", flush=True)
            losses = []
        if spent > next_check or spent >= a.minutes * 60:
            talker.eval()
            precision, recall = caption_scores(talker, tokenizer, unheard, check)
            print(f"  captions of unseen mixes: precision {precision:.2f} recall {recall:.2f}", flush=True)
            for means, clip in words.sample(unheard, 4):
                facts = grammar.draw_facts(words)
                print(f"    {greedy(talker, tokenizer, means, f'caption. facts: {facts}')}  <-  {grammar.caption(check.truths[clip], facts)}")
            talker.train()
            torch.save({"model": talker.state_dict(), "optimizer": optimizer.state_dict(), "spent": spent, "step": step, "config": config}, a.out)
            last = time.process_time()
            next_check = spent + 300


if __name__ == "__main__":
    main()
