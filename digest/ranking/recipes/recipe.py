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
FindReasons = Callable[[Sequence[scores.Request], scores.Day], list[list[scores.Reasons]]]


def _find_linear_reasons(
    requests: Sequence[scores.Request], day: scores.Day
) -> list[list[scores.Reasons]]:
    return scores.find_reasons(requests, day, words_of=features.words_of)


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
    #: finds the reasons for some papers by profile
    find_reasons: FindReasons = field(default=_find_linear_reasons)
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
        ranked = list(scores.rank(self.score_all([profile], day)[0], day, candidate_ids))
        request = scores.Request(profile, [day.row_of(score.paper_id) for score in ranked])
        (reasons,) = self.find_reasons([request], day)
        for score, own in zip(ranked, reasons, strict=True):
            yield own.add_to(score)
