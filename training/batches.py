"""Turns clips and the grammar's text into batches of token ids for `train_language.py`."""

import random
from dataclasses import dataclass

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

import grammar
from shards import INSTRUMENTS

SPECIAL = ["<pad>", "<s>", "</s>", "<audio>", "</audio>", "<answer>"]
SPLIT = 0.1  # of the merges of a prompt's words are left out in training (BPE dropout, Provilkov et al., ACL 2020): words are not known by heart
BEFORE, AFTER, END = "<audio>", "</audio> {instruction}<answer>", "</s>"


def make_tokenizer(sounds, path, size=2048, lines=60000):
    """Byte-level BPE over the grammar's own text; any other text falls back to bytes."""
    rng = random.Random(1)
    text = [" ".join(grammar.example(rng.choice(sounds), rng)) for _ in range(lines)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    added = SPECIAL + grammar.SLOTS + grammar.TOPIC_TOKENS
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[AddedToken(t, normalized=False, special=t in SPECIAL) for t in added],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.save(str(path))
    return tokenizer


def varied(path):
    """The tokenizer of a file, which splits words otherwise each time."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.model.dropout = SPLIT
    return tokenizer


@dataclass
class Batch:
    """Clips with equally many soft tokens and what is said of them."""

    chunks: torch.Tensor  # [batch, tokens, encoder hidden]
    text: torch.Tensor  # [batch, length], ids
    mask: torch.Tensor  # [batch, length], 1 where the answer is


def batch_of(items, tokenizer, prompts, rng):
    """A batch with an instruction drawn for each clip; `prompts` is the tokenizer of what is not learned to be said."""
    rows = []
    for heard in items:
        instruction, said = grammar.example(heard.sound(), rng, captions=heard.windows == 1)
        rows.append((encode(prompts, AFTER.format(instruction=instruction)), encode(tokenizer, said + END)))
    return collate(torch.stack([heard.means for heard in items]).float(), rows)


def questions_alone(tokenizer, prompts, rng, count, hidden):
    """A batch of questions without a clip: what they are about is all that is to be said."""
    rows = []
    for _ in range(count):
        kind, thing, facts = grammar.draw_topic(EVERYBODY, grammar.draw_facts(rng), rng)
        question = grammar.draw_question(kind, rng, thing)
        instruction = AFTER.format(instruction=f"ask: {question} facts: {facts}")
        rows.append((encode(prompts, instruction), encode(tokenizer, grammar.topic(kind, thing))))
    return collate(torch.zeros(count, 0, hidden), rows)


# Every instrument may be asked for.
EVERYBODY = grammar.Sound(list(INSTRUMENTS))


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def collate(chunks, rows):
    """Rows of prompt ids and answer ids, padded."""
    length = max(len(prompt) + len(said) for prompt, said in rows)
    text = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros(len(rows), length)
    for row, (prompt, said) in enumerate(rows):
        text[row, : len(prompt) + len(said)] = torch.tensor(prompt + said)
        mask[row, len(prompt) : len(prompt) + len(said)] = 1.0
    return Batch(chunks, text, mask)
