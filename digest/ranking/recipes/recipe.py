"""What a recipe is, and what it may know of a reader."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digest.model import Interest, Score
from digest.ranking import features, profiles, scores
from digest.ranking.rows import Phrase


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Known:
    """All that a recipe may know of a reader."""

    interests: tuple[Interest, ...]
    phrases: tuple[Phrase, ...]
    liked: profiles.Rated
    disliked: profiles.Rated
    examples: profiles.Rated
    #: of a reader with several interests: what each of them says, without thumbs
    apart: tuple[Known, ...] = ()
    #: listed and left without a thumb where another paper of the digest got one: no dislikes, and
    #: what they count beside those
    ignored: profiles.Rated = profiles.NONE
    ignored_weight: float = 0.0
    #: what other readers' likes add: (paper id, title of a paper that they and this reader like,
    #: what it adds)
    lifts: tuple[tuple[int, str, float], ...] = ()
    #: paper id -> the interest in whose place of a digest it was listed
    came: Mapping[int, str] = field(default_factory=dict)
    #: paper id -> interest -> what its categories and authors there are worth
    named: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


LearnAll = Callable[[Sequence[Known], profiles.Background], list[profiles.Profile]]
ScoreAll = Callable[[Sequence[profiles.Profile], scores.Day], list[scores.Scored]]
Reasons = Callable[[profiles.Profile, scores.Day, scores.Scored, Collection[int]], Iterator[Score]]
#: standard scores -> the matches that they stand for
Match = Callable[[NDArray[np.float64]], Sequence[int | None]]


def _reasons(
    profile: profiles.Profile, day: scores.Day, scored: scores.Scored, among: Collection[int]
) -> Iterator[Score]:
    return scores.explain(profile, day, words_of=features.words_of, among=among, scored=scored)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One way to rank: what it learns of readers, and how it scores with that."""

    name: str
    #: in a few words, for tables
    about: str
    learn_all: LearnAll
    score_all: ScoreAll = field(default=scores.score_all)
    #: scores with their reasons, best first, of the papers whose ids are given
    reasons: Reasons = field(default=_reasons)
    #: whether a reader's interests, or the tastes in their thumbs, are learned each on its own
    apart: bool = False

    def learn(self, known: Known, background: profiles.Background) -> profiles.Profile:
        """What it learns of one reader, all interests together."""
        return self.learn_all([known], background)[0]

    def score(self, profile: profiles.Profile, day: scores.Day) -> NDArray[np.float64]:
        """The value of every competing paper of a day, shape (competing,); only the order means
        something.
        """
        return self.score_all([profile], day)[0].values

    def explain(
        self, profile: profiles.Profile, day: scores.Day, among: Collection[int]
    ) -> Iterator[Score]:
        """Scores with their reasons, best first, of the papers whose ids are given."""
        return self.reasons(profile, day, self.score_all([profile], day)[0], among)
