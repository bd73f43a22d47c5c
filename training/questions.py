"""Draws the questions that people type to Barline, kind by kind: from the grammar in `questions.txt`, and of those in
`written/`, which were written one by one.

A question of the grammar is a core (a direct question, an order, a telegram, ...), at times with a reason or a circumstance
around it. Either is then typed: with an opening, short forms, slips, with or without marks, and, as the engine does with
every question, without capitals.
"""

import random
import re
from functools import cache
from pathlib import Path

LIMIT = 22  # words
WRITTEN_SHARE = 0.5  # of a kind that has a grammar, too

# Each form of a core, its share, its sentence, and whether that asks.
SENTENCES = (
    ("ask", 9.0, "$ask", True),
    ("clause", 1.6, "$tell_ask $clause", True),
    ("clause", 1.6, "$tell_say $clause", False),
    ("noun", 1.5, "$give_ask $noun", True),
    ("noun", 1.5, "$give_say $noun", False),
    ("say", 2.5, "$say", False),
    ("terse", 1.3, "$terse", True),
)
CONTEXT = """$when, $core|$core $when|$core $when|{$story|$why|$why}$link $core|{$story|$why|$why}$link $core|
    $core$because {$story|$why|$why}|$core, {$why|$story}"""
GLUE = {
    "maybe_in": "||| $in",
    "bit": "|||a bit |a little |really |kind of |rather |quite |very |too |way too |so |slightly |a touch ",
    "link": ",| -|.|...| and| so|:|, so",
    "because": " because| cos|, because| since|,|.| -|,",
    "own": "is there {a|any} $one",
}
OPENING = """hey|hey|hi|ok so|ok so|so|so|hello|right,|um|quick question:|quick one:|yo|ok|okay,|well|alright,|sorry,|also|and|hmm|
    please|listen,|excuse me,|mate,|question:|hey there,|hi there,|dear barline,|hey barline,|barline,|now|er,|good morning,|oh and|
    wait,|hold on,|but|then|ok now|stupid question but|noob question:|just checking,|another question:|next question:|honestly,|
    first of all,|let's see,|one more thing:|sorry to bother you,|help,"""
ENDING = """ please| please| pls|, please| thanks| thx|, thanks| cheers| mate|, mate| ta| man| bro|, thank you| for me| then| again| now|
     exactly| actually| anyway"""
SHORT = {
    "you": "u", "are": "r", "your": "ur", "please": "pls", "thanks": "thx", "because": "cuz", "and": "&", "what's": "whats",
    "going to": "gonna", "want to": "wanna", "have to": "gotta", "kind of": "kinda", "give me": "gimme", "with": "w/", "to": "2",
    "for": "4", "something": "smth", "what": "wot", "about": "abt", "instruments": "instr", "isn't it": "innit", "people": "ppl",
    "reverb": "verb", "percussion": "perc", "vocal": "vox", "right": "rite", "the": "da", "okay": "k", "compression": "comp",
}  # fmt: skip
# The level of one instrument is another kind of question.
LEVELS = {"loudness", "too-loud", "too-quiet"}
WHOLES = "these | these stems | these loops | these two bars | these bars | the last few bars"
TOKEN = re.compile(r"[{}|]|\$\w+|[^{}|$]+")

# The alternatives of a text and their weights; each alternative is a list of strings, `$names` and nested alternatives.
Tree = tuple[list[list], list[float]]


def read_tables(path: Path) -> dict[str, dict[str, str]]:
    """The grammar's tables: the shared words, the instruments, the faults and the kinds."""
    tables: dict[str, dict[str, str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            name, text = line.split()
            table = tables.setdefault(name, {})
            table[text] = ""
        else:
            table[text] += (" " if not table[text] or line.startswith(" " * 8) else "|") + line.strip()
    return tables


TABLES = read_tables(Path(__file__).with_suffix(".txt"))
INSTRUMENTS = tuple(name for name, table in TABLES.items() if "one" in table)
FAULTS = tuple(name for name, table in TABLES.items() if "adj" in table)


def read_written(folder: Path) -> dict[str, list[tuple[str, str | None]]]:
    """Questions by kind, each with what it is about: an instrument, a fault, or the place of a finding."""
    written: dict[str, list[tuple[str, str | None]]] = {}
    for line in (line for path in sorted(folder.glob("*.txt")) for line in path.read_text(encoding="utf-8").splitlines()):
        if line.startswith(" "):
            questions.append((line.strip(), thing))
        elif line:
            kind, _, thing = line.partition(" ")
            questions, thing = written.setdefault(kind, []), thing or None
    return written


WRITTEN = read_written(Path(__file__).with_name("written"))


@cache
def parse(text: str) -> Tree:
    """The tree of a text; an alternative that holds many others is drawn more often than one that says a single thing."""
    levels = [([[]], [0])]
    for token in TOKEN.findall(text):
        choices, sizes = levels[-1]
        if token == "{":
            levels.append(([[]], [0]))
        elif token == "|":
            choices.append([])
            sizes.append(0)
        elif token == "}":
            levels.pop()
            levels[-1][0][-1].append((choices, weights(sizes)))
            levels[-1][1][-1] += len(choices) + sum(sizes)
        else:
            choices[-1].append(token)
            sizes[-1] += 3 * token.startswith("$")
    if len(levels) != 1:
        raise ValueError(f"a brace is not closed: {text[:60]}")
    choices, sizes = levels[0]
    return choices, weights(sizes)


def weights(sizes: list[int]) -> list[float]:
    """The weights of alternatives that hold so many others."""
    return [(1 + size) ** 0.6 for size in sizes]


def expand(tree: Tree, words: dict[str, str], rng: random.Random) -> str:
    """One text of a tree."""
    text = ""
    for part in rng.choices(*tree)[0]:
        if isinstance(part, tuple):
            text += expand(part, words, rng)
        elif part.startswith("$"):
            text += expand(parse(words[part[1:]]), words, rng)
        else:
            text += part
    return text


def tidy(text: str) -> str:
    """Spaces and articles as they should be."""
    text = re.sub(r" (?=[,.:?!]|'(?:s|re)\b)", "", " ".join(text.split()))
    text = re.sub(r"\b(any|no|some|the|much|first|last|next) (?:an?|the|some|any) ", r"\1 ", text)
    text = re.sub(r"\b(?:any|free of) (?=too |not enough|a lack|missing)", "", text)
    return re.sub(r"\b(a|A) (?=(?!uk|us|uni|eu|one\b|once)[aeiouAEIO]|8|SM|SSL|MPC|LA-|MD|RE|fm |sfx|fx|mp3)", r"\1n ", text)


def draw(kind: str, rng: random.Random, thing: str | None = None) -> str:
    """One question; `thing` is what it is about, where the kind leaves that open."""
    written = [question for question, about in WRITTEN.get(kind, []) if about == thing]
    has_grammar = kind in TABLES and (thing is None or thing in TABLES)
    if written and (not has_grammar or rng.random() < WRITTEN_SHARE):
        question = rng.choice(written)
        return typed(question.rstrip("?."), "?" in question, rng)
    return draw_from_grammar(kind, rng, thing)


def draw_from_grammar(kind: str, rng: random.Random, thing: str | None) -> str:
    """One question of the grammar."""
    words = TABLES["words"] | GLUE | (TABLES[thing] if thing else {}) | TABLES[kind]
    if {kind, thing} & LEVELS:
        words |= {"this": words["whole"], "these": WHOLES}
    forms = [sentence for sentence in SENTENCES if sentence[0] in TABLES[kind]]
    while True:
        form, _, core, asks = rng.choices(forms, [share for _, share, _, _ in forms])[0]
        context = CONTEXT if rng.random() < (0.1 if form == "terse" else 0.3) else "$core"
        text = typed(tidy(expand(parse(context), words | {"core": core}, rng)).rstrip("?."), asks, rng)
        if len(text.split()) <= LIMIT:
            return text


def typed(text: str, asks: bool, rng: random.Random) -> str:
    """The same text as a person types it."""
    if rng.random() < 0.13:
        text = tidy(f"{expand(parse(OPENING), {}, rng)} {text}")
    if rng.random() < 0.08:
        text = tidy(text + expand(parse(ENDING), {}, rng))
    if rng.random() < 0.06:
        for word in rng.sample(list(SHORT), 12):
            text = re.sub(rf"\b{word}(?![\w'])", SHORT[word], text)
    if rng.random() < 0.3:
        text = text.replace("'", "")
    if rng.random() < 0.08:
        text = misspelt(text, rng)
    if rng.random() < (0.6 if asks else 0.3):
        text += rng.choices(["?", "??", "!", "."], [28, 2, 1, 1] if asks else [2, 0, 2, 24])[0]
    return text.lower()


def misspelt(text: str, rng: random.Random) -> str:
    """A letter swapped with the next, doubled or dropped, inside a word."""
    places = [match.start() for match in re.finditer(r"(?<=[a-z])[a-z](?=[a-z])", text)]
    if not places:
        return text
    at = rng.choice(places)
    slip = rng.choice([text[at + 1] + text[at], text[at] * 2 + text[at + 1], text[at + 1]])
    return text[:at] + slip + text[at + 2 :]
