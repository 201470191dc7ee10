"""Profiles of one reader's interests and a day's papers -> one list, best first, and why."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from digest.model import Score
from digest.ranking import profiles, scores
from digest.ranking.recipes.per_interest import Learned
from digest.ranking.recipes.recipe import Known, Match, Recipe


def score_all(
    recipe: Recipe, readers: Sequence[Sequence[Learned]], day: scores.Day
) -> list[tuple[scores.Scored, ...]]:
    """What the day's papers are worth by each profile of each reader."""
    found = iter(recipe.score_all([one.profile for learned in readers for one in learned], day))
    return [tuple(next(found) for _ in learned) for learned in readers]


def rank(
    recipe: Recipe,
    learned: Sequence[Learned],
    day: scores.Day,
    among: Collection[int],
    *,
    scored: Sequence[scores.Scored] = (),
    match: Match | None = None,
) -> Iterator[Score]:
    """The papers best first, each once, as the profile sees it that likes it most, without reasons.

    Of several profiles the one with the highest percentile likes a paper most, since values of
    different profiles have different scales; equal ones go by value. `Score.interest` names it
    where something of that interest speaks for the paper. `scored` is what each profile makes of
    the day, where that is known already.
    """
    scored = scored or score_all(recipe, [learned], day)[0]
    if len(learned) == 1:
        return scores.rank(scored[0], day, among, match=match)
    return _merged(learned, day, among, scored, match)


def _merged(
    learned: Sequence[Learned],
    day: scores.Day,
    among: Collection[int],
    scored: Sequence[scores.Scored],
    match: Match | None,
) -> Iterator[Score]:
    seen: set[int] = set()
    nothing = day.trending[:, : day.competing].sum(axis=0)
    for ident, _, value in learned[0].profile.lifts:
        row = day.place(ident)
        if row is not None:
            nothing[row] += value
    lists = [
        _of_interest(one.name, mine, nothing, day, among, match)
        for one, mine in zip(learned, scored, strict=True)
    ]
    for score in heapq.merge(
        *lists, key=lambda score: (-score.percentile, -score.value, score.paper_id, score.interest)
    ):
        if score.paper_id not in seen:
            seen.add(score.paper_id)
            yield score


#: percentile below which a paper is no good candidate for the interest, whatever speaks for it
_GOOD = 50


def _of_interest(
    name: str,
    scored: scores.Scored,
    nothing: NDArray[np.float64],
    day: scores.Day,
    among: Collection[int],
    match: Match | None,
) -> Iterator[Score]:
    for score in scores.rank(scored, day, among, match=match):
        if score.percentile >= _GOOD and score.value - nothing[day.row(score.paper_id)] > 1e-5:
            yield structs.replace(score, interest=name)
        else:
            yield score


def bare(learned: Sequence[Learned]) -> tuple[Learned, ...]:
    """Without the rows that it was learned from, to be kept for long: it ranks as before, and
    explains less.
    """
    nothing = Known(
        interests=(),
        phrases=(),
        liked=profiles.NONE,
        disliked=profiles.NONE,
        examples=profiles.NONE,
    )
    return tuple(
        replace(one, profile=replace(one.profile, near=()), known=nothing) for one in learned
    )


def counted(learned: Sequence[Learned]) -> dict[str, Any]:
    """What the profiles together were made from, in the words of `Provenance`: the furthest step,
    and each thumb once.
    """
    each = [one.profile for one in learned]
    return {
        "model": next(
            (step for step in _STEPS if any(profile.step == step for profile in each)), each[0].step
        ),
        "thumbs_up": _distinct([one.known.liked.ids for one in learned])
        if len(each) > 1
        else each[0].thumbs_up,
        "thumbs_down": _distinct([one.known.disliked.ids for one in learned])
        if len(each) > 1
        else each[0].thumbs_down,
    }


_STEPS = ("thumbs", "examples", "keywords")


def _distinct(ids: Sequence[NDArray[np.int64]]) -> int:
    return len(np.unique(np.concatenate(ids)))


def explain(
    recipe: Recipe,
    learned: Sequence[Learned],
    day: scores.Day,
    chosen: Mapping[int, Score],
    *,
    scored: Sequence[scores.Scored] = (),
) -> dict[int, Score]:
    """The scores of chosen papers with their reasons, from the profile that ranked each, by id;
    interest and match stay as they are.
    """
    found: dict[int, Score] = {}
    for one, its in zip(learned, scored or score_all(recipe, [learned], day)[0], strict=True):
        mine = {ident: score for ident, score in chosen.items() if ident not in found}
        if len(learned) > 1:
            mine = {
                ident: score
                for ident, score in mine.items()
                if its.values[day.row(ident)] == score.value
            }
        for score in recipe.reasons(one.profile, day, its, mine) if mine else ():
            ranked = mine[score.paper_id]
            if len(learned) == 1 or (score.percentile, score.value) == (
                ranked.percentile,
                ranked.value,
            ):
                found[score.paper_id] = structs.replace(
                    score, interest=ranked.interest, match=ranked.match
                )
    return found
