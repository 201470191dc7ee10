"""Scored papers -> one list, best first; and which are muted or pinned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from digest.model import Score
from digest.ranking.profiles import Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.parts import category_and_author_parts, keyword_rows
from digest.ranking.scores.values import Scored

#: standard deviation up to which all papers are worth the same
_NO_DEVIATION = 1e-9
#: papers that are ordered first, since few are ever asked for
_FIRST_CHUNK = 96

#: rows, values, percentiles and standard scores of some papers, best first
_Chunk = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


def rank(
    scored: Scored,
    day: Day,
    candidate_ids: Collection[int] | None = None,
    *,
    match: Callable[[NDArray[np.float64]], Sequence[int | None]] | None = None,
) -> Iterator[Score]:
    """Yield scores of competing papers without reasons, best first; ties by id.

    `Score.percentile` is the share of the recent papers, in whole per cent rounded down, that the
    reader would value less were they new today; of the competing ones where the day has no recent
    papers. Without thumbs, ties count as well. `Score.standard` is how many of their standard
    deviations the value lies above their mean, 0 where they do not differ.

    Args:
        candidate_ids: ids of the papers that compete for this reader; all of the day when left out.
        match: standard scores -> matches in per cent.
    """
    for rows, values, percentiles, standards in _order_in_chunks(scored, day, candidate_ids):
        matches = [None] * len(rows) if match is None else match(standards)
        for paper_id, value, percentile, standard, match_percent in zip(
            day.ids[rows].tolist(),
            values.tolist(),
            percentiles.tolist(),
            standards.tolist(),
            matches,
            strict=True,
        ):
            yield Score(
                paper_id=paper_id,
                value=value,
                percentile=percentile,
                standard=standard,
                rest=value,
                match=match_percent,
            )


def _order_in_chunks(
    scored: Scored, day: Day, candidate_ids: Collection[int] | None
) -> Iterator[_Chunk]:
    """Yield the papers best first, each chunk eight times as large as the one before."""
    rows = (
        np.arange(day.competing)
        if candidate_ids is None
        else day.find_competing_rows(candidate_ids)
    )
    values = scored.values[rows]
    size = _FIRST_CHUNK
    while len(rows):
        best = np.arange(len(rows))
        if len(rows) > 2 * size:
            # All that equal the last of them belong to the same chunk.
            lowest = np.partition(values, len(values) - size)[len(values) - size]
            best = np.flatnonzero(values >= lowest)
        chunk_rows, chunk_values = rows[best], values[best]
        order = np.lexsort((day.ids[chunk_rows], -chunk_values))
        chunk_rows, chunk_values = chunk_rows[order], chunk_values[order]
        percentiles, standards = _measure_chunk(scored, chunk_rows, chunk_values)
        yield chunk_rows, chunk_values, percentiles, standards
        rows, values, size = np.delete(rows, best), np.delete(values, best), size * 8


def _measure_chunk(
    scored: Scored, rows: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return percentiles and standard scores, shape (n,) each."""
    lower = np.searchsorted(scored.compared, values, side="left")
    percentiles = 100 * lower // max(len(scored.compared), 1)
    if scored.tied is not None:
        percentiles = np.maximum(percentiles, scored.tied[rows])
    if scored.deviation <= _NO_DEVIATION:
        return percentiles, np.zeros(len(values))
    return percentiles, (values - scored.mean) / scored.deviation


# ----------------------------------------------------------------------------------------------
# muted and pinned


def find_muted(profile: Profile, day: Day) -> frozenset[int]:
    """Return the ids of papers with a keyword, category or author written "-"."""
    rows = [named.rows for named in category_and_author_parts(profile, day) if named.part.value < 0]
    rows += [rows for keyword, rows in keyword_rows(profile, day) if keyword.bonus < 0]
    return _competing_ids(rows, day)


def find_pinned(profile: Profile, day: Day) -> frozenset[int]:
    """Return the ids of papers by a followed author or with a keyword written "+"."""
    rows = [
        named.rows
        for named in category_and_author_parts(profile, day)
        if named.part.kind == "author" and named.part.value > 0
    ]
    rows += [
        rows
        for keyword, rows in keyword_rows(profile, day)
        if keyword.phrase.pinned and keyword.bonus > 0
    ]
    return _competing_ids(rows, day)


def _competing_ids(row_arrays: Sequence[NDArray[np.int64]], day: Day) -> frozenset[int]:
    rows = np.concatenate([np.empty(0, dtype=np.int64), *row_arrays])
    return frozenset(day.ids[rows[rows < day.competing]].tolist())
