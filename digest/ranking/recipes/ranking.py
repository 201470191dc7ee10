"""Profiles of one reader and a day's papers -> a ranked list with reasons."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from digest.model import Score
from digest.ranking import scores
from digest.ranking.profiles import TrainingData
from digest.ranking.recipes.per_interest import TrainedProfile
from digest.ranking.recipes.recipe import MatchFunction, Recipe

#: percentile from which a paper can be listed for an interest
MIN_PERCENTILE = 50
#: value that an interest has to add to a paper, beyond what is trending, to name it
MIN_INTEREST_VALUE = 1e-5
#: what a profile can be trained from, strongest evidence first
_STEPS = ("thumbs", "examples", "keywords")


def score_all(
    recipe: Recipe, readers: Sequence[Sequence[TrainedProfile]], day: scores.Day
) -> list[tuple[scores.Scored, ...]]:
    """Score the day's papers by each profile of each reader."""
    scored = iter(
        recipe.score_all([trained.profile for profiles in readers for trained in profiles], day)
    )
    return [tuple(next(scored) for _ in profiles) for profiles in readers]


def rank(
    recipe: Recipe,
    trained_profiles: Sequence[TrainedProfile],
    day: scores.Day,
    candidate_ids: Collection[int],
    *,
    scored: Sequence[scores.Scored] = (),
    match: MatchFunction | None = None,
) -> Iterator[Score]:
    """Rank the papers best first, by the profile that likes each most.

    Each paper is listed once, without reasons.

    The highest percentile decides, since profiles have different scales; ties go by value.
    `Score.interest` names the profile's interest if it adds to the value of the paper.

    Args:
        recipe: the recipe of the profiles.
        trained_profiles: the reader's profiles.
        day: the papers of the day.
        candidate_ids: ids of the papers that compete for this reader.
        scored: the day's scores by each profile, where they are known already.
        match: converts standard scores to match percentages.
    """
    scored = scored or score_all(recipe, [trained_profiles], day)[0]
    if len(trained_profiles) == 1:
        return scores.rank(scored[0], day, candidate_ids, match=match)
    return _merge_rankings(trained_profiles, day, candidate_ids, scored, match)


def _merge_rankings(
    trained_profiles: Sequence[TrainedProfile],
    day: scores.Day,
    candidate_ids: Collection[int],
    scored: Sequence[scores.Scored],
    match: MatchFunction | None,
) -> Iterator[Score]:
    """Merge the rankings by each profile.

    Each paper is yielded once, at its best place.
    """
    # Value of each paper that does not depend on the interest: from trends and from other readers'
    # likes. The first profile supplies the latter, since all profiles of a reader hold the same.
    common_values = day.trending[:, : day.competing].sum(axis=0)
    for paper_id, _, amount in trained_profiles[0].profile.co_like_boosts:
        row = day.find_row(paper_id)
        if row is not None:
            common_values[row] += amount
    rankings = [
        _name_interest(
            trained.name,
            common_values,
            scores.rank(profile_scores, day, candidate_ids, match=match),
            day,
        )
        for trained, profile_scores in zip(trained_profiles, scored, strict=True)
    ]
    ranked_ids: set[int] = set()
    for score in heapq.merge(
        *rankings,
        key=lambda score: (-score.percentile, -score.value, score.paper_id, score.interest),
    ):
        if score.paper_id not in ranked_ids:
            ranked_ids.add(score.paper_id)
            yield score


def _name_interest(
    name: str, common_values: NDArray[np.float64], ranking: Iterator[Score], day: scores.Day
) -> Iterator[Score]:
    """Yield a profile's ranking.

    Each score that the profile adds to names its interest.
    """
    for score in ranking:
        added = score.value - common_values[day.row_of(score.paper_id)]
        if score.percentile >= MIN_PERCENTILE and added > MIN_INTEREST_VALUE:
            yield structs.replace(score, interest=name)
        else:
            yield score


def drop_training_data(trained_profiles: Sequence[TrainedProfile]) -> tuple[TrainedProfile, ...]:
    """Drop the feature rows behind profiles, to keep them for long.

    They rank as before; their reasons name no nearest paper.
    """
    return tuple(
        replace(trained, profile=replace(trained.profile, references=()), data=TrainingData())
        for trained in trained_profiles
    )


def count_ratings(trained_profiles: Sequence[TrainedProfile]) -> dict[str, Any]:
    """Count what the profiles were trained from, each thumb once.

    The keys are those of `Provenance`.
    """
    profiles = [trained.profile for trained in trained_profiles]
    if len(profiles) == 1:
        (profile,) = profiles
        thumbs_up, thumbs_down = profile.thumbs_up, profile.thumbs_down
    else:
        thumbs_up = _count_distinct([trained.data.liked.paper_ids for trained in trained_profiles])
        thumbs_down = _count_distinct(
            [trained.data.disliked.paper_ids for trained in trained_profiles]
        )
    steps = {profile.step for profile in profiles}
    return {
        "model": next((step for step in _STEPS if step in steps), profiles[0].step),
        "thumbs_up": thumbs_up,
        "thumbs_down": thumbs_down,
    }


def _count_distinct(ids: Sequence[NDArray[np.int64]]) -> int:
    return len(np.unique(np.concatenate(ids)))


def explain(
    recipe: Recipe,
    trained_profiles: Sequence[TrainedProfile],
    day: scores.Day,
    chosen: Mapping[int, Score],
    *,
    scored: Sequence[scores.Scored] = (),
) -> dict[int, Score]:
    """Add reasons to the scores of chosen papers, by paper id.

    The reasons come from the profile that ranked each.

    Interest and match stay as they are.
    """
    explained: dict[int, Score] = {}
    scored = scored or score_all(recipe, [trained_profiles], day)[0]
    for trained, profile_scores in zip(trained_profiles, scored, strict=True):
        open_scores = {
            paper_id: score
            for paper_id, score in chosen.items()
            if paper_id not in explained
            and (
                len(trained_profiles) == 1
                or profile_scores.values[day.row_of(paper_id)] == score.value
            )
        }
        if not open_scores:
            continue
        for score in recipe.explain_scored(trained.profile, day, profile_scores, open_scores):
            ranked = open_scores[score.paper_id]
            same_rank = (score.percentile, score.value) == (ranked.percentile, ranked.value)
            if len(trained_profiles) == 1 or same_rank:
                explained[score.paper_id] = structs.replace(
                    score, interest=ranked.interest, match=ranked.match
                )
    return explained
