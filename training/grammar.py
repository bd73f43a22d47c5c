"""Writes what Barline says about a clip: captions, summaries, answers and advice, from the clip's truth and its facts.

Numbers are slots (`<tempo>`, `<lufs>`, ...) which the program fills from measurements; the model never spells one. A
sentence uses only slots whose fact is named in the prompt, so a model that learned this grammar does the same.
"""

from dataclasses import dataclass, field

SLOTS = ["<tempo>", "<key>", "<lufs>", "<peak>", "<crest>", "<range>", "<corr>", "<bal>"]
SLOTS += [f"<{kind}{i}>" for i in (1, 2) for kind in "fgv"]
FACTS = [slot.strip("<>") for slot in SLOTS[:8]]
LEVELS = ["quiet", "moderate", "loud"]

# Rhythm section first, then harmony, then lead: the order in which a mixer reads a session.
ORDER = (
    "drums kick snare hi-hat toms cymbals percussion bass electric-guitar acoustic-guitar piano electric-piano organ "
    "synth-pad strings brass woodwinds mallets synth-lead vocals speech fx"
).split()
PLAIN = {"fx": "effects", "hi-hat": "hi-hat"}

# What is wrong, and what to try, with the slots that the kind of finding has.
FINDINGS = {
    "boomy": ("it is boomy around <f{i}>", "try <g{i}> there"),
    "muddy": ("it is muddy around <f{i}>", "try <g{i}> there"),
    "boxy": ("it is boxy around <f{i}>", "try <g{i}> there"),
    "harsh": ("it is harsh around <f{i}>", "try <g{i}> there"),
    "sibilant": ("the sibilance is strong around <f{i}>", "try a de-esser there, <g{i}>"),
    "dull": ("the top end is dull", "try <g{i}> from <f{i}> up"),
    "thin": ("the low end is thin", "try <g{i}> around <f{i}>"),
    "resonance": ("it rings at <f{i}>", "try a narrow cut of <g{i}>"),
    "hum": ("there is hum at <f{i}>", "try a notch there"),
    "noise": ("there is noise in the gaps, at <v{i}>", "try an expander"),
    "clipping": ("it clips", "turn it down before the converter or plugin that clips"),
    "true-peak-over": ("the true peak is over, at <v{i}>", "try <g{i}> of gain"),
    "dc-offset": ("it carries a DC offset of <v{i}>", "try a high-pass at <f{i}>"),
    "channel-imbalance": ("it leans to one side by <v{i}>", "try balancing it by <g{i}>"),
    "phase-inverted": ("left and right are out of phase, at <v{i}>", "try inverting one side"),
    "narrow": ("it is narrow, with a correlation of <v{i}>", "some width may help"),
    "wide-low-end": ("the low end is wide", "try mono below <f{i}>"),
    "overcompressed": ("it is squashed, with a crest factor of <v{i}>", "try easing the compression"),
    "too-loud": ("it is too loud, at <v{i}>", "try <g{i}> of gain"),
    "too-quiet": ("it is too quiet, at <v{i}>", "try <g{i}> of gain"),
    "masking": ("it is masked around <f{i}>", "try <g{i}> there on the less important track"),
}

ASKS = {
    "instruments": [
        "what do you hear?", "what instruments are playing?", "which instruments are there?", "what is playing?",
        "who plays here?", "name the instruments", "list the instruments", "what's in this bar?", "what is this?",
        "what kind of sound is this?", "which stems are in this?", "what instruments can you hear in this mix?",
    ],
    "loudest": [
        "what is the loudest instrument?", "which instrument leads?", "what stands out?", "what is up front?",
        "who is in front?", "what dominates the mix?", "which part is loudest?",
    ],
    "tempo": ["what is the tempo?", "how fast is it?", "what bpm is this?", "tempo?", "bpm?", "how many bpm?", "what speed is the song?"],
    "key": ["what key is it in?", "what is the key?", "key?", "which key is this?", "is it in major or minor?", "what scale is this?"],
    "level": [
        "how loud is it?", "what is the loudness?", "what level is this?", "lufs?", "is it loud?", "is it too quiet?",
        "what is the true peak?", "where does it peak?", "how loud is this bar?",
    ],
    "dynamics": ["how dynamic is it?", "is it compressed?", "what is the crest factor?", "is it squashed?", "how much dynamic range is there?"],
    "stereo": ["how wide is it?", "is it mono compatible?", "what is the correlation?", "is the phase ok?", "is the stereo image good?"],
    "tone": [
        "how does it sound?", "what is the tone like?", "is it bright?", "is it dark?", "is it warm?", "describe the sound",
        "how is the tonal balance?", "is it gritty?", "is it distorted?",
    ],
    "space": ["is it dry?", "how much reverb is there?", "is there reverb?", "is it roomy?", "how wet is it?"],
    "density": ["is it busy?", "how dense is it?", "is it sparse?", "how many notes are there?"],
    "advice": [
        "what would you change?", "what would you change in this bar?", "any problems?", "what is wrong with it?", "how can I improve it?",
        "what should I fix first?", "any advice?", "is there anything wrong?", "how do I make it better?", "is it muddy?", "is it boomy?",
        "is it harsh?", "does it need eq?",
    ],
    "other": [
        "who wrote this song?", "who is the artist?", "what is the weather?", "what year is it from?", "tell me a joke",
        "what are the lyrics about?", "will it be a hit?", "what plugin should I buy?", "who are you?", "what is the capital of France?",
        "which microphone was used?", "what genre will sell best?",
    ],
}
PRESENCE = [
    "is there {a}?", "do you hear {a}?", "can you hear {a}?", "does it have {a}?", "is {a} playing?", "any {a}?", "are there {a}?", "is there any {a} in this?",
]


@dataclass
class Facts:
    """What the prompt may name: available measurements, the level word, up to two finding kinds."""

    have: list = field(default_factory=list)
    level: str = "moderate"
    findings: list = field(default_factory=list)

    def __str__(self):
        found = [f"{i}:{kind}" for i, kind in enumerate(self.findings, 1)] or ["none"]
        level = [self.level] if "lufs" in self.have else []
        return " ".join([*self.have, *level, *found])


def draw_facts(rng):
    """Random facts, so that the model learns to obey the prompt and not a habit."""
    have = [f for f in FACTS if rng.random() < (0.75 if f in ("tempo", "key", "lufs", "peak") else 0.6)]
    kinds = list(FINDINGS)
    count = rng.choices([0, 1, 2], [5, 3, 2])[0]
    return Facts(have, rng.choices(LEVELS, [2, 5, 3])[0], rng.sample(kinds, count))


def plain(name):
    """The words for an instrument's label."""
    return PLAIN.get(name, name.replace("-", " "))


def ordered(instruments):
    """Labels in session order."""
    return sorted(instruments, key=ORDER.index)


def join(words):
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def tone(truth):
    """Words for brightness, warmth and dirt, most telling first; the limits leave about half of all clips without one."""
    d = truth["descriptors"]
    words = []
    if d["brightness"] > 0.8:
        words.append("bright")
    elif d["brightness"] < 0.45:
        words.append("dark")
    if d["warmth"] > 0.8 and "bright" not in words:
        words.append("warm")
    if d["dirt"] > 0.4:
        words.append("gritty")
    return words


def space(truth):
    """`roomy`, `dry` or nothing."""
    amount = truth["descriptors"]["space"]
    return ["roomy"] if amount > 0.35 else ["dry"] if amount < 0.03 else []


def density(truth):
    """`busy`, `sparse` or nothing; several parts together are busier than one."""
    amount = truth["descriptors"]["density"]
    sparse, busy = (0.2, 0.68) if len(truth["instruments"]) == 1 else (0.65, 0.95)
    return "busy" if amount > busy else "sparse" if amount < sparse else ""


def capital(text):
    """First letter upper case."""
    return text[:1].upper() + text[1:]


def level_sentence(facts):
    """A bar's level is worth a word only where it is unusual."""
    if "lufs" not in facts.have or facts.level == "moderate":
        return ""
    return f" {capital(facts.level)}, at <lufs>."


def caption(truth, facts):
    """One line about what plays and how it sounds."""
    names = [plain(name) for name in ordered(truth["instruments"])]
    words = tone(truth) + space(truth)
    how = ", ".join(words)
    busy = density(truth)
    if len(names) == 1:
        text = f"{busy} {names[0]}".strip() + (f": {how}" if how else "")
    elif len(names) == 2:
        text = f"{busy} {join(names)}".strip() + (f": {how}" if how else "")
    else:
        text = f"{join(names)}" + (f"; {', '.join(filter(None, [busy, how]))}" if busy or how else "")
    return capital(text) + "." + level_sentence(facts)


def summary(truth, facts):
    """The song in two sentences: who plays, then tempo, key and loudness where they are known."""
    names = [plain(name) for name in ordered(truth["instruments"])]
    words = tone(truth) + space(truth)
    text = f"{capital(join(names))}{', ' + ' and '.join(words) + ' overall' if words else ''}."
    known = [part for fact, part in (("tempo", "around <tempo>"), ("key", "in <key>"), ("lufs", "at <lufs>")) if fact in facts.have]
    return text + (f" {capital(', '.join(known))}." if known else "")


def advice(facts):
    """One sentence a finding, the first first; a plain all-clear where there is none."""
    if not facts.findings:
        return "Nothing stands out as a problem here."
    texts = []
    for i, kind in enumerate(facts.findings, 1):
        what, move = (part.format(i=i) for part in FINDINGS[kind])
        texts.append(capital(f"{'' if i == 1 else 'then '}{what}; {move}."))
    return " ".join(texts)


def _known(facts, slots, otherwise):
    parts = [text for fact, text in slots if fact in facts.have]
    return capital(", ".join(parts)) + "." if parts else otherwise


def answer(kind, truth, facts):
    """The answer to a question of that kind."""
    names = [plain(name) for name in ordered(truth["instruments"])]
    if kind == "instruments":
        return f"I hear {join(names)}."
    if kind == "loudest":
        return f"The {plain(truth['instruments'][0])}."
    if kind == "tempo":
        return _known(facts, [("tempo", "about <tempo>")], "I could not measure a steady tempo here.")
    if kind == "key":
        return _known(facts, [("key", "it measures as <key>")], "I could not measure a clear key here.")
    if kind == "level":
        return _known(facts, [("lufs", "<lufs>"), ("peak", "peaking at <peak>")], "There is too little signal to measure its level.")
    if kind == "dynamics":
        slots = [("crest", "the crest factor is <crest>"), ("range", "the loudness range is <range>")]
        return _known(facts, slots, "There is too little signal to measure its dynamics.")
    if kind == "stereo":
        slots = [("corr", "the correlation is <corr>"), ("bal", "the balance is <bal>")]
        return _known(facts, slots, "There is no stereo image to measure here.")
    if kind == "tone":
        words = tone(truth)
        return f"It sounds {' and '.join(words)}." if words else "It sounds balanced, neither bright nor dark."
    if kind == "space":
        words = space(truth)
        return f"It sounds {words[0]}." if words else "There is a little space around it."
    if kind == "density":
        return f"It is {density(truth) or 'moderately busy'}."
    if kind == "advice":
        return advice(facts)
    return "I can only speak of what I hear and measure here."


def presence(name, truth):
    """The answer to whether one instrument plays."""
    kit = {"kick", "snare", "hi-hat", "toms", "cymbals", "drums"}
    there = set(truth["instruments"])
    heard = join([plain(n) for n in ordered(there)])
    if name in there or (name in kit and "drums" in there) or (name == "drums" and there & kit):
        return f"Yes, I hear {plain(name)}."
    return f"No {plain(name)} that I can hear; I hear {heard}."


def example(truth, rng, captions=True):
    """One instruction and its answer, as the engine words the instruction. Captions are of single windows."""
    facts = draw_facts(rng)
    task = rng.choices(["caption", "summarise", "advise", "ask", "presence"], [10 * captions, 2, 1, 4, 2])[0]
    if task == "caption":
        return f"caption. facts: {facts}", caption(truth, facts)
    if task == "summarise":
        return f"summarise. facts: {facts}", summary(truth, facts)
    if task == "advise":
        return f"advise. facts: {facts}", advice(facts)
    if task == "ask":
        kind = rng.choice(list(ASKS))
        question, text = rng.choice(ASKS[kind]), answer(kind, truth, facts)
    else:
        there = [n for n in truth["instruments"]]
        name = rng.choice(there) if rng.random() < 0.5 else rng.choice(ORDER)
        article = rng.choice(["a ", "an ", "", "the ", "any "])
        question = rng.choice(PRESENCE).format(a=article + plain(name)).replace("any any", "any")
        text = presence(name, truth)
    return f"ask: {misspell(question, rng)} facts: {facts}", text


def misspell(question, rng):
    """The same question as people type it."""
    if rng.random() < 0.3:
        question = question.rstrip("?")
    if rng.random() < 0.3:
        question = capital(question)
    if rng.random() < 0.1:
        i = rng.randrange(len(question))
        question = question[:i] + question[i + 1 :]
    if rng.random() < 0.15:
        question = rng.choice(["please ", "hey, ", "ok, ", "so "]) + question
    return question
