"""Draws follow-ups on findings ("why?", "do it gentler", "is that all?"): what is wanted, and of which finding.

A follow-up refers to a finding by its fault, by its place, or not at all; then the finding that was spoken of last is meant
(`last` in the facts), else the first.
"""

# Kinds on one finding.
ON_ONE = {"why", "gentler", "stronger", "how", "effect", "holds", "meant", "skip"}

# How often each kind is asked where there are findings.
KINDS = {
    "why": 14, "gentler": 8, "stronger": 6, "how": 12, "effect": 8, "holds": 6, "meant": 10, "skip": 6, "first": 6,
    "rest": 5, "culprit": 8, "compare": 6,
}  # fmt: skip

PLACES = ["1", "2", "3", "last"]


def draw_reference(kind, facts, faults, rng):
    """What a follow-up refers to: nothing, one of the `faults` (mostly one that was found), or a place."""
    if kind not in ON_ONE or rng.random() < 0.45:
        return None
    if rng.random() < 0.35:
        return rng.choice(PLACES)
    found = [kind for kind in facts.findings if kind in faults]
    return rng.choice(found if found and rng.random() < 0.75 else faults)
