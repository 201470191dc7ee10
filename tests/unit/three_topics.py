"""Thirty papers of three topics, half of them recent, and training data."""

from __future__ import annotations

from datetime import date

from digest.model import Interest, Paper
from digest.ranking import features, scores
from digest.ranking.profiles import Background, Rated, TrainingData
from digest.ranking.recipes import RECIPES

ROBOTS, GALAXIES, VERSE = range(3)
TOPICS = (
    "robot gripper grasping tactile",
    "galaxy redshift survey dust",
    "verse metre rhyme poetry",
)
PAPERS = [
    Paper(
        id=n + 1,
        title=f"Case {n} of {TOPICS[n % 3]}",
        abstract=f"About {TOPICS[n % 3]} once more",
        first_seen=date(2026, 6, 1 + n % 5),
    )
    for n in range(30)
]
COUNTS = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in PAPERS])
FREQUENCIES = features.Frequencies().add(COUNTS)
ROWS = features.weigh(COUNTS, FREQUENCIES)
BACKGROUND = Background.from_papers(PAPERS[15:], ROWS[15:])
DAY = scores.make_day(PAPERS[:15], ROWS[:15], PAPERS[15:], ROWS[15:])
#: ids of the papers that compete
ALL = frozenset(range(1, 16))


def rate(*indices: int) -> Rated:
    return Rated.from_papers([PAPERS[index] for index in indices], ROWS[list(indices)])


def training_data(
    liked: tuple[int, ...] = (), disliked: tuple[int, ...] = (), keywords: tuple[str, ...] = ()
) -> TrainingData:
    """Make the training data of a reader who rated the papers at these indices."""
    return TrainingData(
        interests=(Interest(keywords=keywords),),
        phrases=features.parse_keywords(keywords, FREQUENCIES),
        liked=rate(*liked),
        disliked=rate(*disliked),
    )


def topics_by_rank(name: str, data: TrainingData) -> list[int]:
    """Return the topics of the competing papers, best first, by this recipe."""
    recipe = RECIPES[name]
    profile = recipe.train(data, BACKGROUND)
    return [(score.paper_id - 1) % 3 for score in recipe.explain(profile, DAY, ALL)]
