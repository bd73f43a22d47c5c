"""Turns clips and the grammar's text into batches of token ids for `train_language.py`."""

import random
from dataclasses import dataclass

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

import grammar
from shards import DESCRIPTORS, INSTRUMENTS

SPECIAL = ["<pad>", "<s>", "</s>", "<audio>", "</audio>", "<answer>"]
BEFORE, AFTER, END = "<audio>", "</audio> {instruction}<answer>", "</s>"


def make_tokenizer(truths, path, size=2048, lines=60000):
    """Byte-level BPE over the grammar's own text; any other text falls back to bytes."""
    rng = random.Random(1)
    examples = (grammar.example(rng.choice(truths), rng) for _ in range(lines))
    text = [f"{example.instruction} {example.answer}" for example in examples]
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


@dataclass
class Batch:
    """Clips with equally many soft tokens and what is said of them; `topics` of those that are questions, at `topics_at`."""

    chunks: torch.Tensor  # [batch, tokens, encoder hidden]
    text: torch.Tensor  # [batch, length], ids
    mask: torch.Tensor  # [batch, length], 1 where the answer is
    topics: torch.Tensor  # [batch], -100 where there is none
    topics_at: torch.Tensor  # [batch], the place in `text` of the last token of the question


def batch_of(items, tokenizer, rng):
    """A batch with an instruction drawn for each clip."""
    rows = []
    for heard in items:
        example = grammar.example(heard.said, rng, captions=heard.windows == 1)
        prompt = encode(tokenizer, AFTER.format(instruction=example.instruction))
        rows.append((prompt, encode(tokenizer, example.answer + END), example.topic, asked_at(tokenizer, example)))
    return collate(torch.stack([heard.means for heard in items]).float(), rows)


def questions_alone(tokenizer, rng, count, hidden):
    """A batch of questions without a clip, an answer or facts."""
    rows = []
    for _ in range(count):
        example = None
        while example is None or example.topic is None:
            example = grammar.example(NOBODY, rng, captions=False)
        prompt = encode(tokenizer, AFTER.format(instruction=example.instruction))
        at = asked_at(tokenizer, example)
        rows.append((prompt[: at + 1], [], example.topic, at))
    return collate(torch.zeros(count, 0, hidden), rows)


# A clip for questions alone, where the answer is of no interest.
NOBODY = {
    "kind": "mix",
    "instruments": list(INSTRUMENTS),
    "levels_db": [0.0] * len(INSTRUMENTS),
    "descriptors": dict.fromkeys(DESCRIPTORS, 0.5),
}


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def asked_at(tokenizer, example):
    """Where a question's instruction has told all but its facts."""
    if example.topic is None:
        return 0
    question = example.instruction[: example.instruction.rindex(" facts:") + len(" facts:")]
    return len(encode(tokenizer, AFTER.partition("{")[0] + question)) - 1


def collate(chunks, rows):
    """Rows of prompt ids, answer ids, topic and its place, padded."""
    length = max(len(prompt) + len(said) for prompt, said, _, _ in rows)
    text = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros(len(rows), length)
    for row, (prompt, said, _, _) in enumerate(rows):
        text[row, : len(prompt) + len(said)] = torch.tensor(prompt + said)
        mask[row, len(prompt) : len(prompt) + len(said)] = 1.0
    topics = torch.tensor([-100 if topic is None else topic for _, _, topic, _ in rows])
    return Batch(chunks, text, mask, topics, torch.tensor([at for _, _, _, at in rows]))
