"""Scored papers -> one list, best first; and which are muted or pinned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from digest.model import Score
from digest.ranking.profiles import Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.parts import (
    category_and_author_parts,
    find_unwanted_rows,
    rows_holding,
)
from digest.ranking.scores.values import Scored, standardize

#: papers that are ordered first, since few are ever asked for
_FIRST_CHUNK = 32
#: ids are mixed by a multiplication modulo a prime
_MIX, _PRIME = 7919, 1_000_003


def rank(scored: Scored, day: Day, candidate_ids: Collection[int] | None = None) -> Iterator[Score]:
    """Yield scores of competing papers without reasons, by value, best first; ties by id.

    `Score.percentile` is the share of the recent papers, in whole per cent rounded down, that the
    reader would value less were they new today; of the competing ones where the day has no recent
    papers. `Score.standard` is how many of their standard deviations the value lies above their
    mean, 0 where they do not differ.

    Args:
        candidate_ids: ids of the papers that compete for this reader; all of the day when left out.
    """
    for rows in order_rows(scored.values, scored.values, day, candidate_ids):
        yield from make_scores(scored, day, rows)


def order_rows(
    keys: NDArray[np.float64],
    values: NDArray[np.float64],
    day: Day,
    candidate_ids: Collection[int] | None = None,
    *,
    mixed: bool = False,
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of competing papers best first, each chunk eight times the one before.

    Args:
        keys: what decides, the higher the better, shape (competing,).
        values: what decides where keys are equal, shape (competing,); then the id does.
        mixed: equal papers come in an order that has nothing to do with their ids, the same always.
        candidate_ids: ids of the papers that compete for this reader; all of the day when left out.
    """
    rows = (
        np.arange(day.competing)
        if candidate_ids is None
        else day.find_competing_rows(candidate_ids)
    )
    ties = mix_ids(day.ids) if mixed else day.ids
    keys = keys[rows]
    size = _FIRST_CHUNK
    while len(rows):
        best = np.arange(len(rows))
        if len(rows) > 2 * size:
            # All that equal the last of them belong to the same chunk.
            lowest = np.partition(keys, len(keys) - size)[len(keys) - size]
            best = np.flatnonzero(keys >= lowest)
        chunk = rows[best]
        yield chunk[np.lexsort((ties[chunk], -values[chunk], -keys[best]))]
        rows, keys, size = np.delete(rows, best), np.delete(keys, best), size * 8


def mix_ids(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return numbers whose order has nothing to do with that of the ids, the same always."""
    return ids * _MIX % _PRIME


def make_scores(scored: Scored, day: Day, rows: NDArray[np.int64]) -> list[Score]:
    """Return the scores of papers by row, in this order."""
    return [
        Score(paper_id=paper_id, value=value, percentile=percentile, standard=standard, rest=value)
        for paper_id, value, percentile, standard in measure_rows(scored, day, rows)
    ]


def measure_rows(
    scored: Scored, day: Day, rows: NDArray[np.int64]
) -> Iterator[tuple[int, float, int, float]]:
    """Yield the id, value, percentile and standard score of papers by row, in this order."""
    values = scored.values[rows]
    lower = np.searchsorted(np.sort(scored.compared), values, side="left")
    percentiles = 100 * lower // max(len(scored.compared), 1)
    standards = standardize(values, scored.mean, scored.deviation)
    return zip(
        day.ids[rows].tolist(),
        values.tolist(),
        percentiles.tolist(),
        standards.tolist(),
        strict=True,
    )


# ----------------------------------------------------------------------------------------------
# muted, followed and pinned


def find_muted(profile: Profile, day: Day) -> frozenset[int]:
    """Return the ids of papers with a keyword, category or author written "-"."""
    return _competing_ids([find_unwanted_rows(profile, day)], day)


def find_followed(profile: Profile, day: Day) -> frozenset[int]:
    """Return the ids of papers in a followed category."""
    rows = [
        named.rows
        for named in category_and_author_parts(profile, day)
        if named.part.kind == "category" and named.part.value > 0
    ]
    return _competing_ids(rows, day)


def find_pinned(profile: Profile, day: Day) -> frozenset[int]:
    """Return the ids of papers by a followed author or with a keyword written "+"."""
    rows = [
        rows_holding(keyword, profile, day)
        for keyword in profile.keywords
        if keyword.phrase.pinned and keyword.bonus > 0
    ]
    if profile.authors:
        rows += [
            named.rows
            for named in category_and_author_parts(profile, day)
            if named.part.kind == "author" and named.part.value > 0
        ]
    return _competing_ids(rows, day)


def _competing_ids(row_arrays: Sequence[NDArray[np.int64]], day: Day) -> frozenset[int]:
    if not any(map(len, row_arrays)):
        return frozenset()
    rows = np.concatenate(row_arrays)
    return frozenset(day.ids[rows[rows < day.competing]].tolist())
