"""The rankings of many readers at once, of which only the best papers are worked out.

`ranking.rank` is the plain form, for one reader and all papers. A digest takes ten of them, so here
the chances of all papers are estimated in one go, and only those that may be among the best are
computed, for all readers together. Who takes more papers than these gets the others from `rank`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.model import Score
from digest.ranking import scores
from digest.ranking.calibration import (
    HIGHEST,
    LOWEST,
    PRIOR,
    Calibration,
    to_chances,
)
from digest.ranking.recipes.per_interest import TrainedProfile
from digest.ranking.recipes.ranking import (
    CHANCE_DECIMALS,
    EVIDENCE_DECIMALS,
    MIN_INTEREST_VALUE,
    Chosen,
    common_values,
    gather_evidence,
    rank,
    score_apart,
)
from digest.ranking.recipes.recipe import Recipe

#: papers of a reader that are worked out; a full digest and its exploration need 60
_BEST = 96
#: scores that are made at a time: a full digest needs ten, and a few more where some do not fit
_CHUNK = 12
#: what sets papers that fit, and those with a typed keyword in the title, above all others, whose
#: log odds are between -100 and 100
_FITTING, _TITLED = 1000.0, 500.0


class Request(NamedTuple):
    """A reader whose papers are to be ranked, with the arguments of `rank`."""

    trained: Sequence[TrainedProfile]
    candidate_ids: frozenset[int]
    line: float = 0.0
    mixed: bool = False
    #: which papers of the day the candidates are, shape (competing,); None = not known
    competes: NDArray[np.bool_] | None = None

    def find_competing(self, day: scores.Day) -> NDArray[np.bool_]:
        if self.competes is not None:
            return self.competes
        competes = np.zeros(day.competing, dtype=np.bool_)
        competes[day.find_competing_rows(self.candidate_ids)] = True
        return competes


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _BestPapers:
    """The best papers of some readers, best first, shape (readers, papers) each."""

    #: how many of them come before all others, shape (readers,)
    counts: list[int]
    rows: NDArray[np.int64]
    #: the number of the profile that gives each the highest chance
    profiles: NDArray[np.int64]
    values: NDArray[np.float64]
    standards: NDArray[np.float64]
    chances: NDArray[np.float64]
    #: rounded, shape (readers, papers, columns)
    evidence: NDArray[np.float64]
    titled: NDArray[np.bool_]
    #: whether the interest of the profile adds to the value
    named: NDArray[np.bool_]


class _Batch(NamedTuple):
    """What the rankings of a batch of readers have in common."""

    recipe: Recipe
    calibration: Calibration
    day: scores.Day
    #: by profile
    scored: Sequence[scores.Scored]
    typed_scored: Sequence[scores.Scored]
    best: _BestPapers | None


class Ranking:
    """The papers of one reader, best first; made as they are asked for."""

    def __init__(self, batch: _Batch, request: Request, number: int, first: int) -> None:
        self._batch, self._request = batch, request
        #: number of the reader, and of the reader's first profile
        self._number, self._first = number, first
        #: row and profile of the papers made here, by id
        self._places: dict[int, tuple[int, int]] = {}

    def __iter__(self) -> Iterator[Score]:
        best, count = self._batch.best, 0
        if best is not None:
            count = best.counts[self._number]
            for start in range(0, count, _CHUNK):
                yield from self._make_scores(best, slice(start, min(start + _CHUNK, count)))
        yield from islice(self._rank_plainly(), count, None)

    def choose(self, ranked: Sequence[Score]) -> Chosen:
        """Return some of these papers, to be explained."""
        trained = self._request.trained
        if all(score.paper_id in self._places for score in ranked):
            places = [self._places[score.paper_id] for score in ranked]
            rows, rankers = np.array(places, dtype=np.int64).reshape(-1, 2).T
            return Chosen(trained, ranked, rows, rankers)
        return Chosen.from_scored(trained, self._own(self._batch.scored), self._batch.day, ranked)

    def _make_scores(self, best: _BestPapers, span: slice) -> Iterator[Score]:
        number, day, trained = self._number, self._batch.day, self._request.trained
        rows, profiles = best.rows[number, span], best.profiles[number, span]
        values = best.values[number, span]
        columns = zip(
            rows.tolist(),
            profiles.tolist(),
            day.ids[rows].tolist(),
            values.tolist(),
            self._measure(values, profiles),
            best.standards[number, span].tolist(),
            best.chances[number, span].tolist(),
            best.evidence[number, span].tolist(),
            best.titled[number, span].tolist(),
            best.named[number, span].tolist(),
            strict=True,
        )
        for (
            row,
            profile,
            ident,
            value,
            percentile,
            standard,
            chance,
            known,
            has_title,
            named,
        ) in columns:
            ranker = profile - self._first
            self._places[ident] = row, ranker
            yield Score(
                paper_id=ident,
                value=value,
                percentile=percentile,
                standard=standard,
                rest=value,
                chance=chance,
                evidence=tuple(known),
                titled=has_title,
                interest=trained[ranker].name if named else "",
            )

    def _measure(self, values: NDArray[np.float64], profiles: NDArray[np.int64]) -> list[int]:
        """Return the percentile of each value among those of the recent papers."""
        percentiles = np.empty(len(values), dtype=np.int64)
        for profile in {*profiles.tolist()}:
            own = profiles == profile
            compared = self._batch.scored[profile].compared
            lower = np.sort(compared).searchsorted(values[own])
            percentiles[own] = 100 * lower // max(len(compared), 1)
        return percentiles.tolist()

    def _own(self, scored: Sequence[scores.Scored]) -> Sequence[scores.Scored]:
        """Return what the reader's profiles make of the day."""
        return scored[self._first : self._first + len(self._request.trained)]

    def _rank_plainly(self) -> Iterator[Score]:
        batch, request = self._batch, self._request
        scored = gather_evidence(
            request.trained, self._own(batch.scored), self._own(batch.typed_scored), batch.day
        )
        return rank(
            batch.recipe,
            request.trained,
            batch.day,
            request.candidate_ids,
            scored=scored,
            calibration=batch.calibration,
            line=request.line,
            mixed=request.mixed,
        )


def rank_all(
    recipe: Recipe, requests: Sequence[Request], day: scores.Day, calibration: Calibration = PRIOR
) -> list[Ranking]:
    """Rank the papers of each reader, in the order that `rank` gives them."""
    trained = [one for request in requests for one in request.trained]
    scored, typed_scored = score_apart(recipe, trained, day)
    starts = np.cumsum([0, *(len(request.trained) for request in requests)])
    best = None
    if recipe.ranks_by_chance and requests and day.competing:
        table = scores.make_evidence_table(
            [one.profile for one in trained],
            scored,
            [one.typed for one in trained],
            typed_scored,
            day,
        )
        best = _find_best(requests, starts, table, day, calibration)
    batch = _Batch(recipe, calibration, day, scored, typed_scored, best)
    return [
        Ranking(batch, request, number, first)
        for number, (request, first) in enumerate(zip(requests, starts.tolist(), strict=False))
    ]


def _find_best(
    requests: Sequence[Request],
    starts: NDArray[np.int64],
    table: scores.EvidenceTable,
    day: scores.Day,
    calibration: Calibration,
) -> _BestPapers:
    """Find the best papers of each reader; each is the same whoever the other readers are.

    Args:
        starts: where the profiles of each reader begin, shape (readers + 1,).
    """
    competes = np.stack([request.find_competing(day) for request in requests])
    lines = np.array([request.line for request in requests])[:, None]
    estimates, titled = table.estimate(calibration.weights), table.titled
    if len(estimates) > len(requests):
        estimates = np.maximum.reduceat(estimates, starts[:-1], axis=0)
        titled = np.logical_or.reduceat(titled, starts[:-1], axis=0)
    rows, bounds = _select(estimates, titled, competes, lines)
    profiles, evidence, chances = _find_rankers(table, starts, rows, calibration)
    values = table.values[profiles, rows]
    titled = np.take_along_axis(titled, rows, axis=1)
    keys = chances + np.where(chances >= lines, 2, titled)
    keys[~np.take_along_axis(competes, rows, axis=1)] = -1
    mixed = np.array([request.mixed for request in requests])[:, None]
    ties = np.where(mixed, scores.mix_ids(day.ids)[rows], day.ids[rows])
    order = np.lexsort((ties, -values, -keys), axis=-1)

    def sort(cells: NDArray[Any]) -> NDArray[Any]:
        return cells[np.arange(len(cells))[:, None], order]

    profiles, values, rows = sort(profiles), sort(values), sort(rows)
    return _BestPapers(
        counts=(sort(keys) > bounds).sum(axis=1).tolist(),
        rows=rows,
        profiles=profiles,
        values=values,
        standards=table.measure(values, profiles),
        chances=sort(chances),
        evidence=np.round(sort(evidence), EVIDENCE_DECIMALS),
        titled=sort(titled),
        named=_find_named(requests, values, rows, day),
    )


def _select(
    estimates: NDArray[np.float32],
    titled: NDArray[np.bool_],
    competes: NDArray[np.bool_],
    lines: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Select the papers that may be the best of each reader by estimated log odds.

    Returns:
        Their rows, shape (readers, papers), and above which key, see `rank`, a paper comes before
        all others, shape (readers, 1).
    """
    readers, competing = estimates.shape
    if competing <= _BEST:
        return np.tile(np.arange(competing), (readers, 1)), np.full((readers, 1), -1.0)
    with np.errstate(divide="ignore"):
        line_odds = np.log(lines) - np.log1p(-np.minimum(lines, 1.0))
    line_odds[lines <= LOWEST], line_odds[lines > HIGHEST] = -np.inf, np.inf
    estimates = np.where(competes, estimates, np.float32(-np.inf))
    raised = estimates + titled * np.float32(_TITLED)
    raised = np.where(estimates >= line_odds, estimates + np.float32(_FITTING), raised)
    rows = np.argpartition(raised, competing - _BEST, axis=1)[:, competing - _BEST :]
    rows.sort(axis=1)
    np.put_along_axis(estimates, rows, -np.inf, axis=1)
    highest = estimates.max(axis=1, keepdims=True).astype(np.float64)
    chances = np.round(to_chances(highest + scores.ESTIMATE_ERROR), CHANCE_DECIMALS)
    titled_left = (titled & (estimates > -np.inf)).any(axis=1, keepdims=True)
    bounds = chances + np.where(chances >= lines, 2, titled_left)
    bounds[highest == -np.inf] = -1
    return rows, bounds


def _find_rankers(
    table: scores.EvidenceTable,
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    calibration: Calibration,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Find the profile that gives each paper the highest chance, the first of equals.

    Returns:
        The profiles, the evidence by them, and the chances.
    """
    profiles = np.tile(starts[:-1, None], rows.shape[1])
    evidence = table.take(profiles, rows)
    chances = np.round(calibration.chances(evidence), CHANCE_DECIMALS)
    counts = np.diff(starts)
    for number in range(1, int(counts.max())):
        readers = np.flatnonzero(counts > number)
        others = np.tile(starts[readers, None] + number, rows.shape[1])
        other_evidence = table.take(others, rows[readers])
        other_chances = np.round(calibration.chances(other_evidence), CHANCE_DECIMALS)
        better = other_chances > chances[readers]
        profiles[readers] = np.where(better, others, profiles[readers])
        chances[readers] = np.where(better, other_chances, chances[readers])
        evidence[readers] = np.where(better[:, :, None], other_evidence, evidence[readers])
    return profiles, evidence, chances


def _find_named(
    requests: Sequence[Request],
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    day: scores.Day,
) -> NDArray[np.bool_]:
    """Tell of which papers the interest is named: where it adds to the value."""
    named = np.zeros(rows.shape, dtype=np.bool_)
    for number, request in enumerate(requests):
        if len(request.trained) > 1:
            common = common_values(request.trained, day)[rows[number]]
            named[number] = values[number] - common > MIN_INTEREST_VALUE
    return named
