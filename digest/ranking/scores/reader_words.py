"""What readers' profiles make of the words of some papers, before reasons are made of them.

Each number is a sum of what one reader has: the same alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.profiles import Keyword, Profile
from digest.ranking.rows import Phrase, find_sorted, join, ranges
from digest.ranking.scores.days import Day
from digest.ranking.scores.pairs import Pairs
from digest.ranking.scores.parts import (
    dense_weights,
    phrase_dense_weights,
    phrase_words,
    rows_holding,
)

#: resolution of weights of word vectors: their products with vectors of four bits a number, and
#: sums of these, have no error in double precision
_STEP = 2.0**-26


class HeldKeywords(NamedTuple):
    """Keywords that papers hold, each for one pair; reader by reader, in the order of keywords."""

    keywords: Sequence[Keyword]
    #: shape (held,)
    pairs: NDArray[np.int64]
    #: what each adds, without what thumbs have taught of its words, shape (held,)
    values: NDArray[np.float64]
    #: where their words stand among those of all pairs, and which keyword has each
    entries: NDArray[np.int64]
    owners: NDArray[np.int64]

    @property
    def is_muted(self) -> NDArray[np.bool_]:
        """Which of them the reader does not want, shape (held,)."""
        return np.array([keyword.phrase.muted for keyword in self.keywords], dtype=np.bool_)


class KeywordWeights(NamedTuple):
    """What keywords add to the papers of pairs."""

    held: HeldKeywords
    #: what keywords that a paper does not hold add to the weights of words, and where
    entries: NDArray[np.int64]
    amounts: NDArray[np.float64]
    #: to the weights of the dense columns, on word vectors; shape (pairs, dense columns)
    dense: NDArray[np.float64]


def weigh_keywords(pairs: Pairs) -> KeywordWeights:
    """Weigh the keywords of readers.

    What keywords add is divided between those that a paper holds and its words. The words of other
    keywords stand under their own names: to hold one word of a phrase is not to match it.
    """
    day = pairs.day
    keywords, owners, row_sets = _collect_keywords(pairs)
    phrases = _Phrases(keywords, day)
    weights = np.array([keyword.weight for keyword in keywords], dtype=np.float64)
    # Each keyword beside each paper of its reader.
    counts = np.diff(pairs.bounds)[owners]
    beside = ranges(pairs.bounds[owners], counts)
    numbers = np.repeat(np.arange(len(keywords)), counts)
    is_held = row_sets.hold(numbers, pairs.rows[beside])
    matters = is_held | (weights[numbers] != 0)
    beside, numbers, is_held = beside[matters], numbers[matters], is_held[matters]
    each, words, word_weights = phrases.words_of(numbers)
    found, entries, data = pairs.find_words(beside[each], words)
    each, amounts = each[found], (weights[numbers[each]] * word_weights)[found]
    on_held = is_held[each]
    held = numbers[is_held]
    held_owners = (np.cumsum(is_held) - 1)[each[on_held]]
    values = np.array([keyword.bonus for keyword in keywords], dtype=np.float64)[held]
    values += np.bincount(held_owners, (data * amounts)[on_held], minlength=len(held))
    values += weights[held] * np.einsum(
        "ij,ij->i",
        day.dense[pairs.rows[beside[is_held]]].astype(np.float64),
        phrases.dense[phrases.numbers[held]].astype(np.float64),
    )
    other = np.flatnonzero(~is_held)
    # By pair, and there in the order of the keywords.
    other = other[beside[other].argsort(kind="stable")]
    added = sp.csr_matrix(
        (
            weights[numbers[other]],
            phrases.numbers[numbers[other]],
            beside[other].searchsorted(np.arange(len(pairs.rows) + 1)),
        ),
        shape=(len(pairs.rows), len(phrases.dense)),
    )
    return KeywordWeights(
        held=HeldKeywords(
            keywords=[keywords[number] for number in held.tolist()],
            pairs=beside[is_held],
            values=values,
            entries=entries[on_held],
            owners=held_owners,
        ),
        entries=entries[~on_held],
        amounts=amounts[~on_held],
        dense=added @ phrases.on_vectors,
    )


class _RowSets:
    """Rows of papers that hold each keyword."""

    def __init__(
        self, sets: Sequence[NDArray[np.int64]], numbers: Sequence[int], width: int
    ) -> None:
        sizes = np.array([len(rows) for rows in sets], dtype=np.int64)
        owners = np.repeat(np.arange(len(sets)), sizes)
        self._keys = owners * width + join(sets, np.int64)
        self._numbers, self._width = np.array(numbers, dtype=np.int64), width

    def hold(self, keywords: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell whether the paper of each row holds the keyword."""
        return find_sorted(self._keys, self._numbers[keywords] * self._width + rows) >= 0


def _collect_keywords(pairs: Pairs) -> tuple[list[Keyword], NDArray[np.int64], _RowSets]:
    """Return the keywords of all readers, the reader of each, and the papers that hold it."""
    day = pairs.day
    keywords: list[Keyword] = []
    owners: list[int] = []
    numbers: list[int] = []
    sets: list[NDArray[np.int64]] = []
    # Readers with the same keyword share the array, most often.
    number_of: dict[int, int] = {}
    for reader, profile in enumerate(pairs.profiles):
        for keyword in profile.keywords:
            rows = rows_holding(keyword, profile, day)
            if not keyword.weight and not len(rows):
                continue
            number = number_of.setdefault(id(rows), len(sets))
            if number == len(sets):
                sets.append(rows)
            keywords.append(keyword)
            owners.append(reader)
            numbers.append(number)
    return (
        keywords,
        np.array(owners, dtype=np.int64),
        _RowSets(sets, numbers, len(day.ids)),
    )


class _Phrases:
    """The phrases of keywords, each once."""

    def __init__(self, keywords: Sequence[Keyword], day: Day) -> None:
        phrases: dict[int, Phrase] = {id(one.phrase): one.phrase for one in keywords}
        number_of = {ident: number for number, ident in enumerate(phrases)}
        #: the phrase of each keyword
        self.numbers = np.array([number_of[id(one.phrase)] for one in keywords], dtype=np.int64)
        found = [phrase_words(phrase, day) for phrase in phrases.values()]
        self._words = join([words for words, _ in found], np.int32)
        self._weights = join([weights for _, weights in found], np.float32).astype(np.float64)
        self._sizes = np.array([len(words) for words, _ in found], dtype=np.int64)
        #: weights of the dense columns, shape (phrases, columns)
        width = day.dense.shape[1]
        dense = [phrase_dense_weights(phrase, day) for phrase in phrases.values()]
        self.dense = np.array(dense, dtype=np.float32).reshape(len(phrases), width)
        #: the same on word vectors, of phrases with a weight
        self.on_vectors = np.zeros((len(phrases), width))
        weighed = {number_of[id(one.phrase)] for one in keywords if one.weight}
        for number in weighed:
            self.on_vectors[number] = _put_on_vectors(self.dense[number], day)

    def words_of(
        self, keywords: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Return the words of keywords: which of these each belongs to, its index and weight."""
        numbers = self.numbers[keywords]
        sizes = self._sizes[numbers]
        words = ranges((self._sizes.cumsum() - self._sizes)[numbers], sizes)
        each = np.repeat(np.arange(len(keywords)), sizes)
        return each, self._words[words], self._weights[words]


def _put_on_vectors(weights: NDArray[np.float32], day: Day) -> NDArray[np.float32]:
    """Return weights of the dense columns as weights of word vectors; an encoder's stay."""
    if day.contributions is None or not weights.any():
        return weights
    whitening = day.contributions.whitening
    own = len(whitening)
    return np.concatenate((whitening @ weights[:own], weights[own:]))


def weigh_dense(pairs: Pairs, keywords: KeywordWeights) -> NDArray[np.float64]:
    """Return the weights of word vectors and of an encoder's columns, without held keywords.

    Shape (pairs, dense columns), in fixed-point numbers.
    """
    own = [_put_on_vectors(dense_weights(one, pairs.day, ()), pairs.day) for one in pairs.profiles]
    weights = np.array(own, dtype=np.float64).reshape(len(own), pairs.day.dense.shape[1])
    fixed: NDArray[np.float64] = weights[pairs.readers]
    fixed += keywords.dense
    fixed /= _STEP
    np.rint(fixed, out=fixed)
    fixed *= _STEP
    return fixed


def add_vectors(
    pairs: Pairs, dense: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what the word vectors of known words add.

    Args:
        dense: as `weigh_dense` returns them.

    Returns:
        The amounts pair by pair, and where those of each begin, shape (pairs + 1,).
    """
    sizes = np.array([len(paper.known) for paper in pairs.papers], dtype=np.int64)
    bounds = np.concatenate(([0], sizes[pairs.numbers].cumsum()))
    amounts = np.empty(bounds[-1])
    if pairs.day.contributions is None:
        return amounts, bounds
    vectors = pairs.day.contributions.table.vectors
    weights = dense[:, : vectors.shape[1]]
    order = pairs.numbers.argsort(kind="stable")
    ends = pairs.numbers[order].searchsorted(np.arange(len(pairs.papers) + 1))
    buffer = np.empty((sizes.max(initial=0), vectors.shape[1]))
    for number, paper in enumerate(pairs.papers):
        own = order[ends[number] : ends[number + 1]]
        known = buffer[: sizes[number]]
        known[:] = vectors[paper.vector_rows]
        # Exact, so that no sum depends on the other readers.
        amounts[bounds[own, None] + np.arange(len(known))] = (weights[own] @ known.T) * paper.shares
    return amounts, bounds


def weigh_words(
    profiles: Sequence[Profile],
    day: Day,
    words: NDArray[np.int32],
    bounds: NDArray[np.int64],
    table: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the weights that profiles give to words, 0 where they give none; shape of `words`.

    Args:
        words: indices in the vocabulary of the day, reader by reader.
        bounds: where those of each reader begin, shape (readers + 1,).
        table: zeros, shape (words of the day + 1,); they are zeros again afterwards.
    """
    weights = np.empty(len(words))
    for profile, start, end in zip(
        profiles, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True
    ):
        if not len(profile.indices):
            weights[start:end] = 0
            continue
        # -1 stands for a word of no paper, which the last place is for.
        keys = day.word_indices(profile.vocabulary)[profile.indices]
        table[keys] = profile.word_weights
        weights[start:end] = table[words[start:end]]
        table[keys] = 0
    return weights
