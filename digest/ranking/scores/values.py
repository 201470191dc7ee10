"""Profiles x a day -> what every paper is worth to each reader, and their order.

One sum, so the parts that `reasons` shows always add up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Part, PartKind, Score
from digest.ranking.profiles import Keyword, Profile
from digest.ranking.rows import Phrase, quantize
from digest.ranking.scores.days import Day, answers, name_of

#: standard deviation below which all papers are worth the same
_EQUAL = 1e-9
#: decimals of a value: what lies behind them is noise of the arithmetic, and must not order papers
_DECIMALS = 7
#: readers scored at once, about
_READERS = 128
#: papers that are ordered at once, the best first: few are ever looked at
_FIRST = 96


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scored:
    """What the papers of a day are worth to one reader."""

    #: shape (competing,); only the order means something
    values: NDArray[np.float64]
    #: the values that they are measured against, ascending, and their mean and standard deviation
    compared: NDArray[np.float64]
    mean: float
    deviation: float
    #: percentiles that the papers have at least, since those compared that tie with them count;
    #: None where nothing ties
    tied: NDArray[np.int64] | None = None


def scored(values: NDArray[np.float64], compared: NDArray[np.float64]) -> Scored:
    """Values of shape (competing,), measured against others of any number and order."""
    mean, deviation = (
        (float(compared.mean()), float(compared.std())) if len(compared) else (0.0, 0.0)
    )
    return Scored(values=values, compared=np.sort(compared), mean=mean, deviation=deviation)


def score(profile: Profile, day: Day) -> NDArray[np.float64]:
    """The value of every competing paper, shape (competing,); only the order means something.

    See `explain` for the parts.
    """
    found: NDArray[np.float64] = _values([profile], day)[0, : day.competing]
    return found


def score_all(profiles: Sequence[Profile], day: Day) -> list[Scored]:
    """What the day's papers are worth by each profile, measured against the recent papers, or
    against one another where the day has none.
    """
    found: list[Scored] = []
    # In equal parts: two readers that are left over cost as much as fifty.
    bounds = (
        np.linspace(0, len(profiles), max(round(len(profiles) / _READERS), 1) + 1)
        .astype(int)
        .tolist()
        if profiles
        else [0]
    )
    for start, end in pairwise(bounds):
        values = _values(profiles[start:end], day)
        competing, compared = (
            values[:, : day.competing],
            values[:, day.competing :] if values.shape[1] > day.competing else values,
        )
        # Sorted, summed and squared for all readers at once.
        ordered = np.sort(compared, axis=1)
        empty = not ordered.shape[1]
        means, deviations = (
            ([0.0] * len(values),) * 2
            if empty
            else (ordered.mean(axis=1).tolist(), ordered.std(axis=1).tolist())
        )
        found += [
            Scored(
                values=mine,
                compared=theirs,
                mean=mean,
                deviation=deviation,
                tied=None
                if len(profile.indices) or empty
                else _tied_percentiles(mine, against, day),
            )
            for profile, mine, theirs, against, mean, deviation in zip(
                profiles[start:end], competing, ordered, compared, means, deviations, strict=True
            )
        ]
    return found


def _tied_percentiles(
    values: NDArray[np.float64], compared: NDArray[np.float64], day: Day
) -> NDArray[np.int64]:
    """Percentiles that count the ties, shape (competing,); a higher value never has a lower one.

    To who named no more than a category all of its papers are worth the same, but for how new and
    how popular they are. So papers tie where what the reader said adds the same to them, and adds
    something at all.
    """
    trending = day.trending.sum(axis=0)
    nothing = trending[day.competing :] if len(compared) < len(trending) else trending
    said = np.round(values - trending[: day.competing], _DECIMALS - 1)
    others = np.sort(np.round(compared - nothing, _DECIMALS - 1))
    below = np.searchsorted(others, said, side="left")
    upto = np.searchsorted(others, said, side="right")
    found = np.where((said > 0) & (upto > below), 100 * upto // len(others), 0)
    order = np.lexsort((found, values))
    found[order] = np.maximum.accumulate(found[order])
    # Of equal values the last has the most.
    last = np.searchsorted(values[order], values, side="right") - 1
    lifted: NDArray[np.int64] = found[order][last]
    return lifted


def _values(profiles: Sequence[Profile], day: Day) -> NDArray[np.float64]:
    """Shape (profiles, all)."""
    values = _of_words(profiles, day).astype(np.float64)
    if day.meanings.shape[1]:
        values += day.meant(quantize(np.stack([meaning_of(profile, day) for profile in profiles])))
    values += day.trending.sum(axis=0)
    for row, profile in zip(values, profiles, strict=True):
        for keyword, rows in holding(profile, day):
            row[rows] += keyword.bonus
        for _, rows, amounts in (*named(profile, day), *lifted(profile, day)):
            row[rows] += amounts
    return np.round(values, _DECIMALS)


def _of_words(profiles: Sequence[Profile], day: Day) -> NDArray[np.float32]:
    """What the words add, shape (profiles, all)."""
    pieces = []
    for number, profile in enumerate(profiles):
        pieces.append(
            (number, day.places_of(profile.vocabulary)[profile.indices], profile.word_weights)
        )
        for keyword in profile.keywords:
            if keyword.weight:
                some, weights = words_of_phrase(keyword.phrase, day)
                pieces.append((number, some, np.float32(keyword.weight) * weights))
    places = np.concatenate([some for _, some, _ in pieces])
    weights = np.concatenate([each for _, _, each in pieces], dtype=np.float32)
    bounds = np.zeros(len(profiles) + 1, dtype=np.int64)
    for number, some, _ in pieces:
        bounds[number + 1] += len(some)
    bounds = bounds.cumsum()
    split = day.split()
    if split is None:
        there = np.flatnonzero(places >= 0)
        return _dense(
            day.words,
            len(day.columns),
            places[there],
            weights[there],
            np.searchsorted(there, bounds),
        )
    often, seldom = (
        np.flatnonzero(places.view(np.uint32) < split.frequent_count),
        np.flatnonzero(places >= split.frequent_count),
    )
    # Frequent words are in most profiles, so that a full table of them is worth its room; of the
    # others few meet.
    found = _dense(
        split.frequent,
        split.frequent_count,
        places[often],
        weights[often],
        np.searchsorted(often, bounds),
    )
    few = sp.csr_matrix(
        (
            weights[seldom],
            places[seldom] - np.int32(split.frequent_count),
            np.searchsorted(seldom, bounds),
        ),
        shape=(len(profiles), split.rare_transposed.shape[0]),
    )
    found += (few @ split.rare_transposed).toarray()
    return found


def _dense(
    words: sp.csr_matrix,
    number: int,
    places: NDArray[np.int32],
    weights: NDArray[np.float32],
    bounds: NDArray[np.int64],
) -> NDArray[np.float32]:
    """The product with a table of all words of all profiles, shape (profiles, papers).

    Those of a profile stand between two bounds.
    """
    readers = len(bounds) - 1
    table = np.zeros(number * readers, dtype=np.float32)
    np.add.at(
        table,
        places * readers + np.repeat(np.arange(readers, dtype=np.int32), np.diff(bounds)),
        weights,
    )
    found: NDArray[np.float32] = np.ascontiguousarray((words @ table.reshape(number, readers)).T)
    return found


def words_of_phrase(phrase: Phrase, day: Day) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The places of a phrase's words among those of the day, and their weights."""
    inside = phrase.columns < len(day.places)
    places = day.places[phrase.columns[inside]]
    return places[places >= 0], phrase.weights[inside][places >= 0]


def meaning_of(
    profile: Profile, day: Day, keywords: Sequence[Keyword] | None = None
) -> NDArray[np.float32]:
    """Weights of the dense columns, with those of the keywords (all of the profile's when left
    out), shape (dense columns,).
    """
    dense = day.meanings.shape[1]
    weights = np.zeros(dense, np.float32)
    if len(profile.dense_weights) == dense:
        weights += profile.dense_weights.astype(np.float32)
    for keyword in profile.keywords if keywords is None else keywords:
        if keyword.weight:
            weights += np.float32(keyword.weight) * meaning_of_phrase(keyword.phrase, day)
    return weights


def meaning_of_phrase(phrase: Phrase, day: Day) -> NDArray[np.float32]:
    """Shape (dense columns,)."""
    found = np.zeros(day.meanings.shape[1], np.float32)
    behind = (phrase.columns >= len(day.places)) & (phrase.columns < len(day.places) + len(found))
    found[phrase.columns[behind] - len(day.places)] = phrase.weights[behind]
    return found


def holding(profile: Profile, day: Day) -> list[tuple[Keyword, NDArray[np.int64]]]:
    """The keywords with a bonus, each with the rows of the papers that hold the whole phrase in one
    of its spellings.
    """
    return [
        (keyword, day.holding(keyword.phrase.spellings))
        for keyword in profile.keywords
        if keyword.bonus
    ]


def named(
    profile: Profile, day: Day
) -> Iterator[tuple[Part, NDArray[np.int64], NDArray[np.float64]]]:
    """For each category and author of the profile that occurs: a part that names it, the rows, and
    what each gets.
    """
    for name, value in profile.categories:
        hits = day.categories.get(name.lower().removesuffix(".*").removesuffix("*").rstrip("."))
        if hits is not None:
            rows, shares = hits
            # What is unwanted is so in any place of the list.
            yield (
                Part(kind="category", name=name, value=value),
                rows,
                value * shares if value > 0 else np.full(len(rows), value),
            )
    for name, value in profile.authors:
        last, wanted = name_of(name)
        found = sorted(
            {row for row, given, _ in day.authors.get(last, ()) if answers(wanted, given)}
        )
        if found:
            yield (
                Part(kind="author", name=name, value=value),
                np.array(found),
                np.full(len(found), value),
            )


def lifted(
    profile: Profile, day: Day
) -> Iterator[tuple[Part, NDArray[np.int64], NDArray[np.float64]]]:
    """For each competing paper that other readers' likes lift: a part that names what they and this
    reader like.
    """
    for ident, title, value in profile.co_like_boosts:
        row = day.place(ident)
        if row is not None:
            yield Part(kind="readers", name=title, value=value), np.array([row]), np.array([value])


# ----------------------------------------------------------------------------------------------
# best first


def rank(
    scored: Scored,
    day: Day,
    among: Collection[int] | None = None,
    *,
    match: Callable[[NDArray[np.float64]], Sequence[int | None]] | None = None,
) -> Iterator[Score]:
    """Scores of the competing papers without reasons, best first; ties by paper id.

    `among` are the ids that compete for this reader (None: all of the day). `match` tells what
    standard scores stand for.

    `percentile` is the share of the recent papers, in whole per cent rounded down, that this reader
    would value less were they new today; of the competing ones where the day has no recent papers.
    Without thumbs, those that tie count as well. `standard` is how many of their standard
    deviations the value lies above their mean, 0 where they do not differ.
    """
    for rows, values, percentiles, standards in _ordered(scored, day, among):
        matches = [None] * len(rows) if match is None else match(standards)
        for ident, value, percentile, standard, number in zip(
            day.ids[rows].tolist(),
            values.tolist(),
            percentiles.tolist(),
            standards.tolist(),
            matches,
            strict=True,
        ):
            yield Score(
                paper_id=ident,
                value=value,
                percentile=percentile,
                standard=standard,
                rest=value,
                match=number,
            )


_Chunk = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


def _ordered(scored: Scored, day: Day, among: Collection[int] | None) -> Iterator[_Chunk]:
    """Rows, values, percentiles and standard scores, best first, a few at a time."""
    rows = np.arange(day.competing) if among is None else day.rows_of(among)
    values = scored.values[rows]
    size = _FIRST
    while len(rows):
        best = np.arange(len(rows))
        if len(rows) > 2 * size:
            # With all that equal the last of them, so that ties are not torn apart.
            best = np.flatnonzero(
                values >= np.partition(values, len(values) - size)[len(values) - size]
            )
        chosen, worth = rows[best], values[best]
        order = np.lexsort((day.ids[chosen], -worth))
        chosen, worth = chosen[order], worth[order]
        yield chosen, worth, *_standing(scored, chosen, worth)
        rows, values, size = np.delete(rows, best), np.delete(values, best), size * 8


def _standing(
    scored: Scored, rows: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Percentiles and standard scores."""
    percentiles = (
        100 * np.searchsorted(scored.compared, values, side="left") // max(len(scored.compared), 1)
    )
    if scored.tied is not None:
        percentiles = np.maximum(percentiles, scored.tied[rows])
    alike = scored.deviation <= _EQUAL
    return percentiles, np.zeros(len(values)) if alike else (
        values - scored.mean
    ) / scored.deviation


# ----------------------------------------------------------------------------------------------
# what is asked for or against by name


def muted(profile: Profile, day: Day) -> frozenset[int]:
    """Ids of the competing papers that hold a keyword, category or author which the reader wrote
    with a "-".
    """
    return _told(profile, day, lambda part, value: value < 0)


def pinned(profile: Profile, day: Day) -> frozenset[int]:
    """Ids of the competing papers by a followed author, or that hold a keyword which the reader
    wrote with a "+".
    """
    return _told(profile, day, lambda part, value: value > 0 and part != "category")


def _told(profile: Profile, day: Day, wanted: Callable[[PartKind, float], bool]) -> frozenset[int]:
    found = [rows for part, rows, _ in named(profile, day) if wanted(part.kind, part.value)]
    found += [
        rows
        for keyword, rows in holding(profile, day)
        if (keyword.phrase.pinned or keyword.bonus < 0) and wanted("keyword", keyword.bonus)
    ]
    rows = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    return frozenset(day.ids[rows[rows < day.competing]].tolist())


def cosines(day: Day, some: Sequence[int], others: Sequence[int]) -> NDArray[np.float64]:
    """Cosines of competing papers to others, by their ids, shape (len(some), len(others)); 0 for
    papers that do not compete.
    """
    rows, columns = day.places_at(some), day.places_at(others)
    if some and None not in rows and None not in columns:
        return day.cosines(rows, columns).astype(np.float64)  # type: ignore[arg-type]
    known = [
        [number for number, row in enumerate(side) if row is not None] for side in (rows, columns)
    ]
    found = np.zeros((len(some), len(others)))
    if all(known):
        found[np.ix_(*known)] = day.cosines(
            *([row for row in side if row is not None] for side in (rows, columns))
        )
    return found
