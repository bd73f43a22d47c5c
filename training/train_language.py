"""Trains the tokenizer, the adapter and the language model on the frozen encoder's hidden states and the grammar's text.

python train_language.py --data work/clips --encoder work/encoder.pt --out work/language.pt --minutes 30
"""

import argparse
import hashlib
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional as F

import grammar
from batches import AFTER, BEFORE, END, batch_of, encode, make_tokenizer, questions_alone, varied
from encoder import CONFIG as ENCODER
from features import normalise
from lm import CHUNK_FRAMES, CONFIG, Talker, chunk_means
from shards import INSTRUMENTS, QUALITIES, Pool, as_batch
from train_encoder import Listener, begin as begin_listener

CHECK_S, CHECKED = 900, 100  # CPU seconds between checks; and captions in one
SURE, MAYBE = 0.5, 0.25  # odds of the instruments' head; the engine's come from the export, and the language model only copies


@dataclass
class Heard:
    """What the language model is given of one window or several, and what is there."""

    means: torch.Tensor  # [tokens, hidden], f16
    odds: np.ndarray  # [windows, instruments]
    qualities: np.ndarray  # [windows, qualities]
    truth: dict

    @property
    def windows(self):
        return len(self.odds)

    def sound(self):
        """What the listener makes of it. Those it is sure of come loudest first, and those that are not there last."""
        # Of several windows the two in which each is likeliest, as models::Model has it.
        odds = np.sort(self.odds, 0)[-2:].mean(0)
        level = {name: -i for i, name in enumerate(self.truth["instruments"])}
        sure = [name for name, p in zip(INSTRUMENTS, odds) if p >= SURE]
        maybe = [name for name, p in zip(INSTRUMENTS, odds) if MAYBE <= p < SURE]
        sure.sort(key=lambda name: (-level.get(name, -99), -odds[INSTRUMENTS.index(name)]))
        return grammar.sound(sure, maybe, dict(zip(QUALITIES, self.qualities.mean(0))))


def impression(listener, states):
    """Odds of the instruments and qualities from hidden states `[batch, frames, hidden]`."""
    out = listener.heads(states)
    return torch.sigmoid(out["instruments"]).numpy()[:, None], torch.sigmoid(out["descriptors"]).numpy()[:, None]


@torch.no_grad()
def hear(listener, db, truths):
    """A batch of decibels as the listener hears it; what is silent is left out."""
    states = listener.encoder(normalise(db))
    heard = zip(chunk_means(states).half(), *impression(listener, states), truths)
    return [Heard(means.clone(), *rest) for means, *rest in heard if rest[-1]["instruments"]]


@torch.no_grad()
def hear_parts(listener, db, truths, present, rng):
    """The same of mixes, but of each some neighbouring chunks alone, as the engine gives a bar out of what it heard.

    The listener hears the whole crop. `present` `[chunks, instruments]` says who plays in which whole chunk.
    """
    states, heard = listener.encoder(normalise(db)), []
    for one, truth, there in zip(states, truths, present):
        chunks = int(rng.integers(1, len(there) + 1))
        first = int(rng.integers(0, len(there) - chunks + 1))
        part = one[None, first * CHUNK_FRAMES : (first + chunks) * CHUNK_FRAMES]
        playing = {INSTRUMENTS[i] for i in there[first : first + chunks].any(0).nonzero()[0]}
        # In the order of the whole crop, loudest first.
        names = [name for name in truth["instruments"] if name in playing]
        if names:
            odds, qualities = impression(listener, part)
            heard.append(Heard(chunk_means(part)[0].half(), odds[0], qualities[0], truth | {"instruments": names}))
    return heard


def listen(listener, pool, singles, mixes, rng, batch=64):
    """Random crops of single clips and of mixes made on the spot."""
    heard = []
    for count, mixed in ((singles, False), (mixes, True)):
        for _ in range(0, count, batch):
            frames = int(rng.integers(200, 397))
            start = int(rng.integers(0, 396 - frames + 1))
            if mixed:
                made = [pool.random_mix(frames, start, rng) for _ in range(batch)]
                _, truths, present = zip(*made)
                heard += hear_parts(listener, as_batch(made)[0], truths, present, rng)
            else:
                index = rng.integers(0, len(pool), batch)
                heard += hear(listener, pool.batch(index, frames, start)[0], [pool.truths[i] for i in index])
    return heard


def listen_to_songs(listener, pool):
    """Every whole scene, song by song."""
    songs = []
    for scenes in filter(None, pool.songs):
        made = [pool.whole_mix(scene) for scene in scenes]
        songs.append(hear(listener, as_batch(made)[0], [truth for _, truth, _ in made]))
    return songs


def loudest_first(truths):
    """Instruments of several truths by their mean power."""
    power = {}
    for truth in truths:
        for name, level_db in zip(truth["instruments"], truth["levels_db"]):
            power[name] = power.get(name, 0.0) + 10 ** (level_db / 10)
    return sorted(power, key=power.get, reverse=True)


def joined(windows):
    """Several windows of one song as the engine gives them for questions about the whole."""
    everyone = loudest_first([heard.truth for heard in windows])
    columns = (np.concatenate(column) for column in zip(*((heard.odds, heard.qualities) for heard in windows)))
    return Heard(torch.cat([heard.means for heard in windows]), *columns, {"kind": "mix", "instruments": everyone})


def join_songs(songs, count, rng):
    """`count` random draws of two to eight windows of a song, in time order or not: the model can't tell."""
    songs = [song for song in songs if len(song) > 1]
    draws = [rng.sample(song, rng.randint(2, min(8, len(song)))) for song in rng.choices(songs, k=count)]
    return [joined(windows) for windows in draws]


def loss_of(talker, before, batch):
    """Mean cross entropy of the answers' tokens."""
    states = talker.lm.states(talker.embeds(before, batch.chunks, batch.text))
    skip = before.shape[1] + batch.chunks.shape[1]
    said = batch.mask > 0
    return F.cross_entropy(talker.lm.logits(states[:, skip - 1 : -1][said]), batch.text[said])


@torch.no_grad()
def greedy(talker, tokenizer, chunks, instruction, limit=60):
    """What is written for one clip's chunk means `[tokens, hidden]`."""
    before = torch.tensor([[1, *encode(tokenizer, BEFORE)]])
    ids = encode(tokenizer, AFTER.format(instruction=instruction))
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


def caption_scores(talker, tokenizer, heard):
    """Mean precision and recall of the instruments named in greedy captions, against all that are there."""
    rng, scores = random.Random(3), []
    for one in rng.sample(heard, min(CHECKED, len(heard))):
        said = named(greedy(talker, tokenizer, one.means, f"caption. facts: {grammar.draw_facts(rng)}{one.sound()}"))
        right = len(said & set(one.truth["instruments"]))
        scores.append((right / max(len(said), 1), right / len(one.truth["instruments"])))
    return np.mean(scores, 0)


CHECK = grammar.EXAMINATIONS / "listening-check.jsonl"


@torch.no_grad()
def question_scores(talker, tokenizer, heard):
    """The share of questions by people who have not seen the grammar that are understood, and some that are not."""
    rng, right, missed = random.Random(4), 0, []
    lines = [json.loads(line) for line in CHECK.open()]
    for line in lines:
        one, facts = rng.choice(heard), grammar.draw_facts(rng)
        about = grammar.topic(line["about"], line.get("instrument") or line.get("fault"))
        said = greedy(talker, tokenizer, one.means, f"ask: {line['question'].lower()} facts: {facts}{one.sound()}")
        if said.startswith(about):
            right += 1
        else:
            missed.append(f"{about}: {line['question']} -> {said}")
    return right / len(lines), rng.sample(missed, min(12, len(missed)))


def begin(talker, tokenizer, start):
    """Begins with the weights of a checkpoint that has the same tokenizer, or of a model folder as `export.py` writes it: tokens of
    the same text keep their embedding."""
    start, known = Path(start), tokenizer.get_vocab()
    if start.is_file():
        talker.load_state_dict(torch.load(start, weights_only=False)["model"])
        return
    weights = {name: value.float() for name, value in load_file(start / "lm/model.safetensors").items()}
    old, embeddings = weights["model.embed_tokens.weight"], talker.lm.model.embed_tokens.weight.detach().clone()
    for token, place in Tokenizer.from_file(str(start / "lm/tokenizer.json")).get_vocab().items():
        if token in known:
            embeddings[known[token]] = old[place]
    talker.lm.load_state_dict(weights | {"model.embed_tokens.weight": embeddings})
    adapter = load_file(start / "adapter.safetensors")
    talker.llama_proj.load_state_dict({name.removeprefix("llama_proj."): value.float() for name, value in adapter.items()})


def main():
    args = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "encoder", "out"):
        args.add_argument(f"--{name}", required=True)
    args.add_argument("--minutes", type=float, required=True)
    args.add_argument("--batch", type=int, default=64)
    args.add_argument("--understanding", type=float, default=0.3, help="first part of the time, spent on questions alone")
    args.add_argument("--rate", type=float, default=2e-3)
    args.add_argument("--threads", type=int, default=1, help="more wait for each other where the machine has other work")
    args.add_argument("--singles", type=int, default=16000)
    args.add_argument("--mixes", type=int, default=24000)
    args.add_argument("--start", help="a checkpoint or a model folder whose weights a new schedule begins with")
    a = args.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng, words = np.random.default_rng(0), random.Random(0)

    pool, check = Pool(a.data, "train-*.f16"), Pool(a.data, "songs-*.f16")
    listener = Listener()
    begin_listener(listener, a.encoder)
    started = time.time()
    listener.eval()
    # Kept beside the checkpoint, under the encoder's hash, so that a restart goes on at once.
    kept = Path(a.out).with_suffix(f".{hashlib.sha256(Path(a.encoder).read_bytes()).hexdigest()[:12]}.heard.pt")
    if kept.exists():
        heard = torch.load(kept, weights_only=False)
    else:
        heard = listen(listener, pool, a.singles, a.mixes, rng)
        heard += join_songs(listen_to_songs(listener, pool), a.mixes // 2, words)
        torch.save(heard, kept)
    vocabulary = Path(a.out).with_suffix(".tokenizer.json")
    if vocabulary.exists():
        tokenizer = Tokenizer.from_file(str(vocabulary))
    else:
        tokenizer = make_tokenizer([one.sound() for one in heard[:: max(1, len(heard) // 5000)]], vocabulary)
    prompts = varied(vocabulary)
    songs = listen_to_songs(listener, check)
    unheard, whole = [window for song in songs for window in song], [joined(song) for song in songs]
    by_length = {}
    for item in heard:
        by_length.setdefault(item.means.shape[0], []).append(item)
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
    elif a.start:
        begin(talker, tokenizer, a.start)
    before = torch.tensor([[1, *encode(tokenizer, BEFORE)]])
    print(f"{sum(p.numel() for p in talker.parameters()) / 1e6:.2f} M parameters", flush=True)

    last, next_check = time.process_time(), spent + CHECK_S
    while spent < a.minutes * 60:
        progress = spent / (a.minutes * 60)
        rate = a.rate * min(1.0, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        if progress < a.understanding:
            batch = questions_alone(tokenizer, prompts, words, 2 * a.batch, ENCODER["hidden_size"])
        else:
            items = words.choices(words.choices(list(by_length.values()), weights)[0], k=a.batch)
            batch = batch_of(items, tokenizer, prompts, words)
        loss = loss_of(talker, before, batch)
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
            precision, recall = caption_scores(talker, tokenizer, unheard)
            print(f"  captions of unseen songs: precision {precision:.2f} recall {recall:.2f}", flush=True)
            share, missed = question_scores(talker, tokenizer, unheard)
            print(f"  questions understood: {share:.2f}", *missed, sep="\n    ", flush=True)
            for task, text, some in (("caption", grammar.caption, unheard), ("summarise", grammar.summary, whole)):
                for one in words.sample(some, 3):
                    facts = grammar.draw_facts(words)
                    said = greedy(talker, tokenizer, one.means, f"{task}. facts: {facts}{one.sound()}")
                    print(f"    {said}  <-  {text(one.sound(), facts)} {one.truth['instruments']}")
            talker.train()
            state = {"model": talker.state_dict(), "optimizer": optimizer.state_dict(), "config": config}
            torch.save(state | {"spent": spent, "step": step}, a.out)
            last = time.process_time()
            next_check = spent + CHECK_S


if __name__ == "__main__":
    main()
