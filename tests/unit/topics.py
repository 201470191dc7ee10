"""A corpus of sixty short papers on three topics that share no word."""

from __future__ import annotations

from datetime import date

from digest.model import Paper
from digest.ranking import features

WORDS = {
    "grasp": ["robot", "grasping", "tactile", "fingers", "slip", "gripper", "contact", "objects"],
    "climate": [
        "climate",
        "rainfall",
        "oceans",
        "glaciers",
        "satellite",
        "drought",
        "monsoon",
        "ice",
    ],
    "poetry": [
        "metre",
        "rhyme",
        "medieval",
        "poetry",
        "manuscripts",
        "monasteries",
        "verse",
        "scribes",
    ],
}


def make_paper(number: int, topic: str) -> Paper:
    vocabulary = WORDS[topic]
    words = [vocabulary[(number + step) % len(vocabulary)] for step in range(5)]
    return Paper(
        id=number,
        title=f"{words[0]} {words[1]} case{number}",
        abstract=" ".join(words),
        first_seen=date(2026, 5, 4),
    )


CORPUS = [make_paper(number, topic) for number, topic in enumerate([*WORDS] * 20, start=1)]
COUNTS = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in CORPUS])
FREQUENCIES = features.Frequencies().add(COUNTS)
ROWS = features.weigh(COUNTS, FREQUENCIES)


def places_of(topic: str, count: int, start: int = 0) -> list[int]:
    """Return the indices of some papers of a topic in the corpus."""
    return [number for number, name in enumerate([*WORDS] * 20) if name == topic][
        start : start + count
    ]
