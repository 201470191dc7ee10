"""The named parts of a score: keywords, categories, authors and co-likes.

Both the sum and its explanation are made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.model import Part
from digest.ranking.profiles import NEAR, Keyword, Profile
from digest.ranking.rows import Phrase, find_sorted
from digest.ranking.scores.days import Day
from digest.ranking.scores.names import (
    given_names_match,
    normalize_category,
    parse_author_name,
)

#: keywords with a context whose papers a day keeps, and phrases: those of a batch of readers
_KEPT_KEYWORDS = 1 << 12
_NO_ROWS = np.empty(0, np.int64)


class NamedPart(NamedTuple):
    """A category, an author or a co-liked paper, and what it adds to which papers."""

    part: Part
    #: rows of the day, shape (n,)
    rows: NDArray[np.int64]
    #: shape (n,)
    values: NDArray[np.float64]


def keyword_rows(profile: Profile, day: Day) -> list[tuple[Keyword, NDArray[np.int64]]]:
    """Return each keyword with a bonus, and the rows that hold it."""
    return [
        (keyword, rows_holding(keyword, profile, day))
        for keyword in profile.keywords
        if keyword.bonus
    ]


def find_unwanted_rows(profile: Profile, day: Day) -> NDArray[np.int64]:
    """Return the rows of all papers with something that the reader does not want, ascending."""
    rows = [
        rows_holding(keyword, profile, day) for keyword in profile.keywords if keyword.bonus < 0
    ]
    if any(value < 0 for _, value in (*profile.categories, *profile.authors)):
        rows += [
            named.rows for named in category_and_author_parts(profile, day) if named.part.value < 0
        ]
    return np.unique(np.concatenate(rows)) if rows else _NO_ROWS


def rows_holding(
    keyword: Keyword, profile: Profile, day: Day, *, in_title: bool = False
) -> NDArray[np.int64]:
    """Return the rows of the papers that hold a keyword, ascending.

    Of a keyword with a context only those that are near it, or in a category that the reader
    follows.
    """
    rows = day.rows_holding(keyword.phrase.spelling, in_title=in_title)
    context = keyword.context
    if context is None or not len(rows) or day.dense.shape[1] < len(context):
        return rows
    if in_title:
        return np.intersect1d(rows, rows_holding(keyword, profile, day), assume_unique=True)
    kept: tuple[Keyword, NDArray[np.int64]] | None = day.keyword_rows.get(id(keyword))
    if kept is None:
        if len(day.keyword_rows) >= _KEPT_KEYWORDS:
            day.keyword_rows.clear()
        fitting = rows[_are_near(context, rows, day) | _are_followed(profile, rows, day)]
        # The keyword is kept too, or another one could get its id.
        kept = day.keyword_rows[id(keyword)] = keyword, fitting
    return kept[1]


def _are_near(context: NDArray[np.float32], rows: NDArray[np.int64], day: Day) -> NDArray[np.bool_]:
    """Return which papers are near a context, shape (n,)."""
    dense = day.dense[rows, : len(context)].astype(np.float64)
    # A sum row by row: the same however many rows there are.
    products = (dense * context).sum(axis=1)
    lengths = np.sqrt((dense * dense).sum(axis=1))
    near: NDArray[np.bool_] = products >= NEAR * lengths
    return near


def _are_followed(profile: Profile, rows: NDArray[np.int64], day: Day) -> NDArray[np.bool_]:
    """Return which papers are in a followed category, shape (n,)."""
    entries = [
        day.categories[key][0]
        for name, value in profile.categories
        if value > 0 and (key := normalize_category(name)) in day.categories
    ]
    if not entries:
        return np.zeros(len(rows), dtype=np.bool_)
    return np.isin(rows, np.concatenate(entries))


def category_and_author_parts(profile: Profile, day: Day) -> Iterator[NamedPart]:
    """Yield a part for each category and author of the profile that occurs on the day."""
    for name, value in profile.categories:
        entry = day.categories.get(normalize_category(name))
        if entry is not None:
            rows, weights = entry
            # A muted category counts in full wherever it stands in a paper's list.
            values = value * weights if value > 0 else np.full(len(rows), value)
            yield NamedPart(Part(kind="category", name=name, value=value), rows, values)
    yield from _author_parts(profile, day)


def _author_parts(profile: Profile, day: Day) -> Iterator[NamedPart]:
    for name, value in profile.authors:
        last_name, given_names = parse_author_name(name)
        matching = sorted(
            {
                row
                for row, printed in day.authors.get(last_name, ())
                if given_names_match(given_names, printed)
            }
        )
        if matching:
            part = Part(kind="author", name=name, value=value)
            yield NamedPart(part, np.array(matching), np.full(len(matching), value))


def co_like_parts(profile: Profile, day: Day) -> Iterator[NamedPart]:
    """Yield a part for each boosted paper; it names the paper that both like."""
    for paper_id, liked_title, value in profile.co_like_boosts:
        row = day.find_row(paper_id)
        if row is not None:
            part = Part(kind="readers", name=liked_title, value=value)
            yield NamedPart(part, np.array([row]), np.array([value]))


def name_parts(profile: Profile, day: Day, rows: NDArray[np.int64]) -> Iterator[tuple[int, Part]]:
    """Yield each category, author and co-liked paper that adds to some papers.

    Args:
        rows: rows of these papers, each once.

    Yields:
        Which of the papers, and the part with what it adds there.
    """
    for name, value in profile.categories:
        entry = day.categories.get(normalize_category(name))
        if entry is not None:
            held, weights = entry
            found = find_sorted(held, rows)
            for place in np.flatnonzero(found >= 0).tolist():
                amount = value * float(weights[found[place]]) if value > 0 else value
                yield place, Part(kind="category", name=name, value=amount)
    if not profile.authors and not profile.co_like_boosts:
        return
    place_of = {row: place for place, row in enumerate(rows.tolist())}
    for part, part_rows, amounts in (*_author_parts(profile, day), *co_like_parts(profile, day)):
        for row, amount in zip(part_rows.tolist(), amounts.tolist(), strict=True):
            if row in place_of:
                yield place_of[row], Part(kind=part.kind, name=part.name, value=amount)


class _PhraseParts(NamedTuple):
    """A phrase in the columns of a day."""

    #: kept too, or another one could get its id
    phrase: Phrase
    #: its words that occur on the day, and their weights
    indices: NDArray[np.int32]
    weights: NDArray[np.float32]
    #: shape (dense columns,)
    dense: NDArray[np.float32]


def phrase_words(phrase: Phrase, day: Day) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the words of a phrase that occur on the day, and their weights."""
    parts = _find_phrase(phrase, day)
    return parts.indices, parts.weights


def phrase_dense_weights(phrase: Phrase, day: Day) -> NDArray[np.float32]:
    """Return the dense weights of a phrase, shape (dense columns,)."""
    return _find_phrase(phrase, day).dense


def _find_phrase(phrase: Phrase, day: Day) -> _PhraseParts:
    """Look a phrase up in the columns of a day; many readers typed the same ones."""
    kept: _PhraseParts | None = day.phrases.get(id(phrase))
    if kept is None:
        first, width = len(day.word_index), day.dense.shape[1]
        start, end = phrase.columns.searchsorted((first, first + width)).tolist()
        indices = day.word_index[phrase.columns[:start]]
        occurs = indices >= 0
        dense = np.zeros(width, np.float32)
        dense[phrase.columns[start:end] - first] = phrase.weights[start:end]
        if len(day.phrases) >= _KEPT_KEYWORDS:
            day.phrases.clear()
        kept = _PhraseParts(phrase, indices[occurs], phrase.weights[:start][occurs], dense)
        day.phrases[id(phrase)] = kept
    return kept


def dense_weights(
    profile: Profile, day: Day, keywords: Sequence[Keyword] | None = None
) -> NDArray[np.float32]:
    """Return the dense weights of a profile with its keywords, shape (dense columns,).

    Args:
        keywords: the keywords to count; all of the profile's when left out.
    """
    width = day.dense.shape[1]
    weights = np.zeros(width, np.float32)
    if len(profile.dense_weights) == width:
        weights += profile.dense_weights.astype(np.float32)
    for keyword in profile.keywords if keywords is None else keywords:
        if keyword.weight:
            weights += np.float32(keyword.weight) * phrase_dense_weights(keyword.phrase, day)
    return weights
