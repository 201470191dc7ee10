"""Recipes: ways to train profiles, to score a day and to give reasons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digest.model import Score
from digest.ranking import features, profiles, scores

TrainAll = Callable[[Sequence[profiles.TrainingData], profiles.Background], list[profiles.Profile]]
ScoreAll = Callable[[Sequence[profiles.Profile], scores.Day], list[scores.Scored]]
ExplainScored = Callable[
    [profiles.Profile, scores.Day, scores.Scored, Collection[int]], Iterator[Score]
]


def _explain_linear(
    profile: profiles.Profile,
    day: scores.Day,
    scored: scores.Scored,
    candidate_ids: Collection[int],
) -> Iterator[Score]:
    return scores.explain(
        profile, day, words_of=features.words_of, candidate_ids=candidate_ids, scored=scored
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One way to rank: how to train profiles, and how to score a day's papers."""

    name: str
    #: a few words for tables
    about: str
    #: trains the profiles of many readers, in order
    train_all: TrainAll
    #: scores the competing papers of a day by each profile
    score_all: ScoreAll = field(default=scores.score_all)
    #: yields the scores of some papers with their reasons, best first
    explain_scored: ExplainScored = field(default=_explain_linear)
    #: whether each interest, or each taste found in the thumbs, gets a profile of its own
    per_interest: bool = False
    #: whether the chance of a thumb up decides the order of papers; their values do if not
    ranks_by_chance: bool = False

    def train(
        self, data: profiles.TrainingData, background: profiles.Background
    ) -> profiles.Profile:
        """Train one profile of one reader, all interests together."""
        return self.train_all([data], background)[0]

    def score(self, profile: profiles.Profile, day: scores.Day) -> NDArray[np.float64]:
        """Score every competing paper, shape (competing,); only the order has a meaning."""
        return self.score_all([profile], day)[0].values

    def explain(
        self, profile: profiles.Profile, day: scores.Day, candidate_ids: Collection[int]
    ) -> Iterator[Score]:
        """Yield scores with their reasons, best first, of the papers with these ids."""
        return self.explain_scored(profile, day, self.score_all([profile], day)[0], candidate_ids)
