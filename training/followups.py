"""Writes what Barline answers to a follow-up on its findings ("why?", "do it gentler", "is that all?").

A follow-up refers to a finding by its fault, by its place, or not at all; then the finding that was spoken of last is meant
(`last` in the facts), else the first. What is said of it are slots: the program words them from its measurements.
"""

# What a finding is called.
NOUNS = {
    "boomy": "the boomy low end", "muddy": "the mud", "boxy": "the boxy mids", "harsh": "the harsh upper mids",
    "sibilant": "the sibilance", "dull": "the dull top end", "thin": "the thin low end", "resonance": "the resonance",
    "hum": "the hum", "noise": "the noise", "clipping": "the clipping", "true-peak-over": "the true peak",
    "dc-offset": "the DC offset", "channel-imbalance": "the lean to one side", "phase-inverted": "the inverted phase",
    "narrow": "the narrow image", "wide-low-end": "the wide low end", "overcompressed": "the squashed dynamics",
    "too-loud": "the high level", "too-quiet": "the low level", "masking": "the masking",
}  # fmt: skip

# Kinds of follow-ups on one finding, with the answer and the slot in it.
ON_ONE = {
    "why": "{noun}: <why{i}>.",
    "gentler": "For {noun}: <less{i}>.",
    "stronger": "For {noun}: <more{i}>.",
    "how": "For {noun}: <how{i}>.",
    "effect": "As for {noun}: <effect{i}>.",
    "holds": "{noun}: <bars{i}>.",
    "meant": "If {noun} is meant, leave it; you can dismiss the finding.",
    "skip": "You can dismiss {noun}, and I won't bring it up on this track.",
}

# How often each kind is asked where there are findings.
KINDS = {
    "why": 14, "gentler": 8, "stronger": 6, "how": 12, "effect": 8, "holds": 6, "meant": 10, "skip": 6, "first": 6,
    "rest": 5, "culprit": 8, "compare": 6,
}  # fmt: skip

SLOTS = [f"<{name}{i}>" for name in ("why", "less", "more", "how", "effect", "bars") for i in (1, 2, 3)]
PLACES = ["1", "2", "3", "last"]
NO_CULPRIT = "I can't tell from this which track it is; put Barline on each of them."


def draw_reference(kind, facts, rng):
    """What a follow-up refers to: nothing, a fault (mostly one that was found), or a place."""
    if kind not in ON_ONE or rng.random() < 0.45:
        return None
    if rng.random() < 0.35:
        return rng.choice(PLACES)
    found = [kind for kind in facts.findings if kind != "masking"]
    return rng.choice(found if found and rng.random() < 0.75 else [kind for kind in NOUNS if kind != "masking"])


def finding(facts, reference):
    """The number of the finding that is meant, from 1; none where there is no such finding."""
    count = len(facts.findings)
    if reference is None:
        return min(facts.last or 1, count)
    if reference == "last":
        return count
    number = int(reference) if reference in PLACES else facts.findings.index(reference) + 1 if reference in facts.findings else 0
    return number if number <= count else 0


def answer(kind, facts, reference, sentence):
    """The answer; `sentence` words the finding of a number together with its move."""
    if kind == "compare":
        return "Beside the other bar: <other>." if "other" in facts.have else "I have no other bar to compare with."
    if not facts.findings:
        return "Nothing stands out as a problem here."
    if kind == "first":
        return f"Begin with this: {sentence(1)}."
    if kind == "rest":
        later = [f"Then {sentence(i)}." for i in range(max(facts.last, 1) + 1, len(facts.findings) + 1)]
        return " ".join(later) or "That is all I find."
    if kind == "culprit":
        found = "masking" in facts.findings
        return f"The masking: <why{facts.findings.index('masking') + 1}>." if found else NO_CULPRIT
    number = finding(facts, reference)
    if not number:
        return "I have no such finding here."
    text = ON_ONE[kind].format(noun=NOUNS[facts.findings[number - 1]], i=number)
    return text[0].upper() + text[1:]
