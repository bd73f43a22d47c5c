"""Writes what the language model says about a clip: captions and summaries, from what the listener makes of it and its facts;
and of a question, what it is about.

Numbers are slots (`<tempo>`, `<lufs>`, ...) which the program fills from measurements; the model never spells one. A
sentence uses only slots whose fact is named in the prompt, so a model that learned this grammar does the same.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import followups
import questions

FACTS = ["tempo", "key", "lufs"]
SLOTS = [f"<{fact}>" for fact in FACTS]
LEVELS = ["quiet", "moderate", "loud"]
DOUBTFUL = ["tempo", "key"]  # have a confidence
HEARS, SOUNDS = "<hears>", "<sounds>"

# Rhythm section first, then harmony, then lead: the order in which a mixer reads a session.
ORDER = (
    "drums kick snare hi-hat toms cymbals percussion bass electric-guitar acoustic-guitar piano electric-piano organ "
    "synth-pad strings brass woodwinds mallets synth-lead vocals speech fx"
).split()
PLAIN = {"fx": "effects", "hi-hat": "hi-hat"}

# What can be found, of which prompts tell.
FINDINGS = (
    "boomy muddy boxy harsh sibilant dull thin resonance hum noise clipping true-peak-over dc-offset channel-imbalance phase-inverted "
    "narrow wide-low-end overcompressed too-loud too-quiet masking"
).split()

# How often each kind of question is asked; those about instruments are the most various, and follow-ups many.
KINDS = {
    "instruments": 10, "presence": 16, "loudest": 5, "tempo": 5, "key": 5, "meter": 3, "chords": 3, "loudness": 5, "peak": 3,
    "dynamics": 4, "stereo": 4, "length": 2, "brightness": 5, "warmth": 3, "space": 5, "dirt": 4, "density": 3, "faults": 8,
    "fault": 9, "where": 4, "sections": 3, "unknowable": 12, "part": 9, "frequency": 3, "course": 5, "extremes": 4, "file": 3, "playing": 12,
}
FOLLOWUP_SHARE = 0.35

# Faults of one track.
FAULTS = [kind for kind in FINDINGS if kind != "masking"]  # which takes a second track, but is asked of one, too
THINGS_OF = {"presence": ORDER, "where": ORDER, "part": ORDER, "fault": [*FAULTS, *["masking"] * 12]}  # which is asked most
# An answer begins with what the question was understood to be about, which is not shown. Mostly the program words the rest, from
# findings, measurements and the listener's heads; what it leaves to the language model follows.
SAY = "<say>"
TOLD = {"followup": 0.85, "question": 0.2, "unknowable": 0.5}  # how often a question is asked after findings were told
TOPIC_TOKENS = [f"<about:{kind}>" for kind in [*KINDS, *followups.KINDS]]
TOPIC_TOKENS += [f"<of:{thing}>" for thing in [*ORDER, *FINDINGS, *followups.PLACES]] + [SAY, HEARS, "<maybe>", SOUNDS]
CANT_TELL = "I can't tell from this"
NOBODY, NOBODY_SHARE = "no instrument that I can hear", 0.02  # so rarely is nobody heard in training, where somebody always plays

# What an examination asks is not learnt: a question that has five words in a row with one of these is drawn again.
EXAMINATIONS = Path(__file__).parent.parent / "tests/questions"
RUN = 5


@dataclass
class Facts:
    """What the prompt may name: available measurements, the level word, up to three finding kinds, whether they were told, and the
    one spoken of last.

    A measurement in `doubt` is there, but likely wrong: `tempo?`.
    """

    have: list = field(default_factory=list)
    level: str = "moderate"
    findings: list = field(default_factory=list)
    told: bool = False
    last: int = 0
    doubt: list = field(default_factory=list)

    def __str__(self):
        found = [f"{i}:{kind}" for i, kind in enumerate(self.findings, 1)] or ["none"]
        level = [self.level] if "lufs" in self.have else []
        have = [fact + "?" * (fact in self.doubt) for fact in self.have]
        talk = [f"last:{self.last}"] if self.last else ["told"] if self.told else []
        return " ".join([*have, *level, *found, *talk])


def draw_facts(rng, counts=(5, 3, 2, 1), told=TOLD["question"]):
    """Random facts, so that the model learns to obey the prompt and not a habit; `counts` are the weights of 0 to 3 findings, `told`
    how often they were told before."""
    have = [fact for fact in FACTS if rng.random() < 0.75]
    count = rng.choices([0, 1, 2, 3], counts)[0]
    was_told = rng.random() < told
    last = rng.randint(1, count) if was_told and count and rng.random() < 0.4 else 0
    doubt = [fact for fact in DOUBTFUL if fact in have and rng.random() < 0.3]
    return Facts(have, rng.choices(LEVELS, [2, 5, 3])[0], rng.sample(FINDINGS, count), was_told, last, doubt)


@dataclass
class Sound:
    """What the listener makes of a sound: the instruments it is sure of, loudest first, those it is not, and words for the rest.

    All but the order is in the prompt, so that the words say what was heard and nothing else; who is loudest the language
    model hears itself.
    """

    sure: list
    maybe: list = field(default_factory=list)
    tone: list = field(default_factory=list)
    space: str = ""
    density: str = ""
    nobody: bool = False  # everybody is most unlikely: noise, hum, a tone

    def __str__(self):
        if self.nobody:
            return f"{HEARS}{SOUNDS} nobody"
        text = HEARS + "".join(f"<of:{name}>" for name in ordered(self.sure))
        text += "<maybe>" + "".join(f"<of:{name}>" for name in ordered(self.maybe)) if self.maybe else ""
        return text + SOUNDS + "".join(f" {word}" for word in [*self.tone, self.space, self.density] if word)


def sound(sure, maybe, descriptors):
    """The same, from descriptors; the limits leave about half of all clips without a word for the tone."""
    d = descriptors
    tone = [word for word, said in (("bright", d["brightness"] > 0.8), ("dark", d["brightness"] < 0.45)) if said]
    if d["warmth"] > 0.8 and "bright" not in tone:
        tone.append("warm")
    if d["dirt"] > 0.4:
        tone.append("gritty")
    space = "roomy" if d["space"] > 0.35 else "dry" if d["space"] < 0.03 else ""
    # Several parts together are busier than one.
    low, high = (0.2, 0.68) if len(sure) == 1 else (0.65, 0.95)
    density = "busy" if d["density"] > high else "sparse" if d["density"] < low else ""
    return Sound(sure, maybe, tone, space, density)


def plain(name):
    """The words for an instrument's label."""
    return PLAIN.get(name, name.replace("-", " "))


def ordered(instruments):
    """Labels in session order."""
    return sorted(instruments, key=ORDER.index)


def join(words):
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def capital(text):
    """First letter upper case."""
    return text[:1].upper() + text[1:]


def level_sentence(facts):
    """A bar's level is worth a word only where it is unusual."""
    if "lufs" not in facts.have or facts.level == "moderate":
        return ""
    return f" {capital(facts.level)}, at <lufs>."


def names_of(heard):
    """Who plays, as far as the listener can tell."""
    if heard.sure:
        return join([plain(name) for name in ordered(heard.sure)])
    if heard.nobody:
        return NOBODY
    if heard.maybe:
        return f"perhaps {join([plain(name) for name in ordered(heard.maybe)])}"
    return "hard to tell what plays"


def caption(heard, facts):
    """One line about what plays and how it sounds."""
    names, how = names_of(heard), ", ".join(filter(None, [*heard.tone, heard.space]))
    if not heard.sure or len(heard.sure) > 2:
        rest = ", ".join(filter(None, [heard.density, how]))
        text = names + (f"; {rest}" if rest else "")
    else:
        text = f"{heard.density} {names}".strip() + (f": {how}" if how else "")
    return capital(text) + "." + level_sentence(facts)


def summary(heard, facts):
    """The song in two sentences: who plays, then tempo, key and loudness where they are known."""
    words = [*heard.tone, *filter(None, [heard.space])]
    text = f"{capital(names_of(heard))}{', ' + ' and '.join(words) + ' overall' if words else ''}."
    slots = (("tempo", "around <tempo>"), ("key", "in <key>"), ("lufs", "at <lufs>"))
    known = [part for fact, part in slots if fact in facts.have and fact not in facts.doubt]
    return text + (f" {capital(', '.join(known))}." if known else "")


def answer(kind, heard):
    """What the language model says to a question of that kind; nothing where the program does."""
    if kind == "loudest":
        return f"The {plain(heard.sure[0])}." if heard.sure else f"{CANT_TELL}; {names_of(heard)}."
    return ""


def runs(question):
    """Every run of five words, whatever their case and punctuation."""
    words = re.findall(r"[a-z0-9]+", question.lower().replace("'", ""))
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


EXAMINED = {run for path in EXAMINATIONS.glob("*.jsonl") for line in path.open() for run in runs(json.loads(line)["question"])}


def draw_question(kind, rng, thing):
    """A question that shares no run of five words with an examination."""
    question = questions.draw(kind, rng, thing)
    return draw_question(kind, rng, thing) if runs(question) & EXAMINED else question


def example(heard, rng, captions=True):
    """A random instruction for a sound, as the engine words it, and what the model is to write. Captions are of single windows."""
    heard = Sound([], nobody=True) if rng.random() < NOBODY_SHARE else heard
    facts = draw_facts(rng)
    task = rng.choices(["caption", "summarise", "ask"], [10 * captions, 2, 12])[0]
    if task == "caption":
        return f"caption. facts: {facts}{heard}", caption(heard, facts)
    if task == "summarise":
        return f"summarise. facts: {facts}{heard}", summary(heard, facts)
    kind, thing, facts = draw_topic(heard, facts, rng)
    question = draw_question(kind, rng, thing)
    return f"ask: {question} facts: {facts}{heard}", topic(kind, thing) + answer(kind, heard)


def draw_topic(heard, facts, rng):
    """What a question is about, and the facts that it is asked with."""
    if rng.random() < FOLLOWUP_SHARE:
        kind = rng.choices(list(followups.KINDS), followups.KINDS.values())[0]
        facts = draw_facts(rng, counts=(1, 3, 4, 4), told=TOLD["followup"])
        return kind, followups.draw_reference(kind, facts, FAULTS, rng), facts
    kind = rng.choices(list(KINDS), KINDS.values())[0]
    if kind == "unknowable":  # nothing in the prompt answers it, so it is asked after anything
        facts = draw_facts(rng, counts=(1, 1, 1, 1), told=TOLD[kind])
    return kind, draw_thing(kind, heard, facts, rng), facts


def topic(kind, thing):
    """The beginning of an answer: what the question is about."""
    return f"<about:{kind}>" + (f"<of:{thing}>" if thing else "") + SAY


def draw_thing(kind, heard, facts, rng):
    """What a question of that kind is about; half of them about what is there."""
    known = [*heard.sure, *heard.maybe]
    there = {"presence": known, "where": known, "part": known, "fault": facts.findings}
    if kind not in there:
        return None
    return rng.choice(there[kind] if there[kind] and rng.random() < 0.5 else THINGS_OF[kind])
