"""What one reader's profile makes of the words of some papers, before reasons are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.model import Part
from digest.ranking.profiles import Keyword, Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.nearest import LikedPapers, Nearest
from digest.ranking.scores.paper_words import PaperWords, look_up
from digest.ranking.scores.parts import (
    category_and_author_parts,
    co_like_parts,
    dense_weights,
    phrase_dense_weights,
    phrase_words,
    rows_holding,
)
from digest.ranking.scores.values import DECIMALS


class HeldKeyword(NamedTuple):
    """A keyword that a paper holds, and what it adds."""

    keyword: Keyword
    #: its words, as indices in the day's vocabulary
    word_indices: NDArray[np.int32]
    value: float


class ReaderPaper(NamedTuple):
    """What a profile makes of one paper."""

    #: weights of its words, of the dimensions of word vectors, and of an encoder's columns, without
    #: those of the keywords it holds
    weights: NDArray[np.float64]
    vector_weights: NDArray[np.float32]
    encoder_weights: NDArray[np.float32]
    keywords: list[HeldKeyword]
    #: of categories, authors and co-likes
    named_parts: list[Part]
    #: the liked or example paper that is nearest
    nearest: Nearest | None
    liked: Sequence[LikedPapers]


def weigh_words(
    profile: Profile,
    day: Day,
    rows: Sequence[int],
    papers: Sequence[PaperWords],
    table: NDArray[np.float64],
) -> list[ReaderPaper]:
    """Weigh the words of some papers for one reader.

    What keywords add is divided between those that a paper holds and its words. The words of other
    keywords stand under their own names: to hold one word of a phrase is not to match it.

    Args:
        rows: rows of the day, one for each paper; at least one.
        table: as of `look_up`.
    """
    indices = np.concatenate([paper.indices for paper in papers])
    sizes = [len(paper.indices) for paper in papers]
    bounds = [0, *np.cumsum(sizes).tolist()]
    weights = look_up(
        day.word_indices(profile.vocabulary)[profile.indices],
        profile.word_weights,
        indices,
        table,
    )
    dense = np.tile(_put_on_vectors(dense_weights(profile, day, ()), day), (len(rows), 1))
    held: list[list[HeldKeyword]] = [[] for _ in rows]
    for keyword in profile.keywords:
        is_held = _are_among(rows, rows_holding(keyword, profile, day))
        if not keyword.weight and not is_held.any():
            continue
        word_indices, word_weights = phrase_words(keyword.phrase, day)
        own_weights = own_dense = None
        if keyword.weight:
            own_weights = keyword.weight * look_up(word_indices, word_weights, indices, table)
            own_dense = np.float32(keyword.weight) * phrase_dense_weights(keyword.phrase, day)
            weights += own_weights * np.repeat(~is_held, sizes)
            dense[~is_held] += _put_on_vectors(own_dense, day)
        for number in np.flatnonzero(is_held).tolist():
            value = keyword.bonus
            if own_weights is not None:
                span = slice(bounds[number], bounds[number + 1])
                value += float(papers[number].data @ own_weights[span])
                value += float(day.dense[rows[number]] @ own_dense)
            held[number].append(HeldKeyword(keyword, word_indices, value))
    named = _named_parts(profile, day, rows)
    liked = [
        LikedPapers(rated, day, profile.example_ids)
        for rated in profile.references
        if len(rated.paper_ids)
    ]
    nearest = _find_nearest(liked, rows, papers, table)
    own = 0 if day.contributions is None else len(day.contributions.whitening)
    return [
        ReaderPaper(
            weights=weights[bounds[n] : bounds[n + 1]],
            vector_weights=dense[n, :own],
            encoder_weights=dense[n, own:],
            keywords=held[n],
            named_parts=named[n],
            nearest=nearest[n],
            liked=liked,
        )
        for n in range(len(rows))
    ]


def _are_among(
    rows: Sequence[int] | NDArray[np.int64], ascending: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which rows are among others, which are ascending."""
    if not len(ascending):
        return np.zeros(len(rows), np.bool_)
    places = np.minimum(ascending.searchsorted(rows), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[places] == rows
    return found


def _put_on_vectors(weights: NDArray[np.float32], day: Day) -> NDArray[np.float32]:
    """Return weights of the dense columns as weights of word vectors; an encoder's stay."""
    if day.contributions is None:
        return weights
    whitening = day.contributions.whitening
    own = len(whitening)
    return np.concatenate((whitening @ weights[:own], weights[own:]))


def _named_parts(profile: Profile, day: Day, rows: Sequence[int]) -> list[list[Part]]:
    parts: list[list[Part]] = [[] for _ in rows]
    numbers = {row: number for number, row in enumerate(rows)}
    for part, part_rows, amounts in (
        *category_and_author_parts(profile, day),
        *co_like_parts(profile, day),
    ):
        for place in np.flatnonzero(np.isin(part_rows, rows)).tolist():
            parts[numbers[int(part_rows[place])]].append(
                Part(kind=part.kind, name=part.name, value=round(float(amounts[place]), DECIMALS))
            )
    return parts


def _find_nearest(
    liked: Sequence[LikedPapers],
    rows: Sequence[int],
    papers: Sequence[PaperWords],
    table: NDArray[np.float64],
) -> list[Nearest | None]:
    """Return the nearest of all liked and example papers for each row."""
    best: list[Nearest | None] = [None] * len(rows)
    for each in liked:
        for number, nearest in enumerate(each.find_nearest(rows, papers, table)):
            known = best[number]
            if known is None or nearest.cosine > known.cosine:
                best[number] = nearest
    return best
