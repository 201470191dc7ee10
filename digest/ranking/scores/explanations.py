"""What a paper's value is made of: words, names and papers.

What the dense columns add is divided among a paper's words, since they come from these by a linear
map. An encoder's columns come from the whole text and are explained by the nearest liked paper.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import scipy.sparse as sp
from msgspec import structs
from numpy.typing import NDArray

from digest.model import Part, PartKind, Score
from digest.ranking.profiles import Keyword, Profile, Rated
from digest.ranking.rows import row_norms
from digest.ranking.scores.days import Day
from digest.ranking.scores.order import rank
from digest.ranking.scores.parts import (
    category_and_author_parts,
    co_like_parts,
    dense_weights,
    keyword_rows,
    phrase_dense_weights,
    phrase_words,
)
from digest.ranking.scores.sentences import trending_fact
from digest.ranking.scores.values import Scored, score_all

#: parts that a Score names; the others are summed in its `rest`
MAX_PARTS = 8
#: cosine below which no paper is named as the nearest
MIN_NEAREST_COSINE = 0.25
#: papers that are compared at once with the reader's liked ones
_BATCH_SIZE = 16

#: title, abstract -> column -> the word or pair as the paper writes it
WordsOf = Callable[[str, str], Mapping[int, str]]


def explain(
    profile: Profile,
    day: Day,
    *,
    words_of: WordsOf,
    candidate_ids: Collection[int] | None = None,
    max_parts: int = MAX_PARTS,
    scored: Scored | None = None,
) -> Iterator[Score]:
    """Yield scores as `rank`, with their parts, each when it is asked for.

    The strongest parts are named, and `Score.rest` is the sum of the others: parts and rest add up
    to the value, to 1e-6. `Score.match` is left to `calibration`.

    Args:
        words_of: names the columns of a paper.
        candidate_ids: ids of the papers that compete for this reader; all of the day when left out.
        max_parts: how many parts are named at most.
        scored: what the profile makes of the day, where it is known already.
    """
    ranked = rank(scored or score_all([profile], day)[0], day, candidate_ids)
    explainer = _Explainer(profile, day, words_of)
    while batch := list(islice(ranked, _BATCH_SIZE)):
        explainer.load([day.row_of(score.paper_id) for score in batch])
        for score in batch:
            row = day.row_of(score.paper_id)
            parts = explainer.strongest_parts(row, max_parts)
            yield structs.replace(
                score,
                parts=parts,
                rest=score.value - sum(part.value for part in parts),
                nearest=explainer.nearest_liked(row),
            )


class _Explainer:
    """Explains the values of papers for one profile, a batch of papers at a time."""

    def __init__(self, profile: Profile, day: Day, words_of: WordsOf) -> None:
        self._profile, self._day, self._words_of = profile, day, words_of
        self._named_parts = [*category_and_author_parts(profile, day), *co_like_parts(profile, day)]
        self._keyword_rows = keyword_rows(profile, day)
        self._dense_weights = dense_weights(profile, day, ())
        self._word_indices = day.word_indices(profile.vocabulary)[profile.indices]
        self._liked = [
            _LikedPapers(rated, day) for rated in profile.references if len(rated.paper_ids)
        ]
        #: of the loaded papers: index of a word in the day -> slot in `_slot_weights`, -1 = in
        #: none of them; the last entry is for the index -1
        self._slots = np.empty(0, np.int32)
        self._slot_weights = np.empty(0)
        self._nearest: dict[int, tuple[float, str]] = {}

    def load(self, rows: Sequence[int]) -> None:
        """Collect what is needed to explain these papers."""
        words = self._day.words
        spans = [slice(words.indptr[row], words.indptr[row + 1]) for row in rows]
        self._slots = np.full(len(self._day.vocabulary) + 1, -1, dtype=np.int32)
        for span in spans:
            self._slots[words.indices[span]] = 0
        occurring = np.flatnonzero(self._slots == 0)
        self._slots[occurring] = np.arange(len(occurring), dtype=np.int32)
        self._slot_weights = np.zeros(len(occurring))
        slots = self._slots[self._word_indices]
        self._slot_weights[slots[slots >= 0]] = self._profile.word_weights[slots >= 0]
        table = np.zeros((len(occurring), len(rows)), dtype=np.float32)
        for column, span in enumerate(spans):
            table[self._slots[words.indices[span]], column] = words.data[span]
        self._nearest = {}
        for liked in self._liked:
            for row, cosine, title in liked.find_nearest(rows, self._slots, table):
                if cosine > self._nearest.get(row, (-1.0, ""))[0]:
                    self._nearest[row] = cosine, title

    def strongest_parts(self, row: int, max_parts: int) -> tuple[Part, ...]:
        """Return the strongest parts of a paper's value, strongest first."""
        words = _paper_words(self._day, row, self._words_of)
        keyword_parts, weights, dense = self._split_off_keywords(row, words)
        values = words.data * weights
        own = words.contributions.shape[1]
        if len(words.known):
            values[words.known] += words.contributions @ dense[:own]
        parts = [*keyword_parts, *self._encoder_part(row, own, dense)]
        strongest = np.argsort(-np.abs(values), kind="stable")[:max_parts]
        parts += [
            Part(kind="word", name=words.names[entry], value=value)
            for entry, value in zip(strongest.tolist(), values[strongest].tolist(), strict=True)
            if words.names[entry]
        ]
        for part, rows, amounts in self._named_parts:
            parts.extend(
                Part(kind=part.kind, name=part.name, value=float(amount))
                for amount in amounts[rows == row]
            )
        parts += self._trending_parts(row)
        parts = [part for part in parts if part.value]
        parts.sort(key=lambda part: (-abs(part.value), part.kind, part.name))
        return tuple(parts[:max_parts])

    def _split_off_keywords(
        self, row: int, words: _PaperWords
    ) -> tuple[list[Part], NDArray[np.float64], NDArray[np.float32]]:
        """Return the parts of keywords, and the word and dense weights that remain.

        A keyword that the paper holds is one part with its words. The words of other keywords
        stand under their own names: to hold one word of a phrase is not to match it.
        """
        held = {id(keyword) for keyword, rows in self._keyword_rows if row in rows}
        weights = self._slot_weights[self._slots[words.indices]]
        dense = self._dense_weights
        parts = []
        for keyword in self._profile.keywords:
            if id(keyword) in held:
                value = _keyword_value(keyword, self._day, row) + keyword.bonus
                parts.append(Part(kind="keyword", name=keyword.phrase.text, value=value))
            elif keyword.weight:
                indices, values = phrase_words(keyword.phrase, self._day)
                weights = weights + keyword.weight * _look_up(
                    words.indices, indices, values.astype(np.float64)
                )
                dense = dense + np.float32(keyword.weight) * phrase_dense_weights(
                    keyword.phrase, self._day
                )
        return parts, weights, dense

    def _encoder_part(self, row: int, own: int, dense: NDArray[np.float32]) -> list[Part]:
        """Return what the encoder's columns add, named by the paper nearest in these."""
        if self._day.contributions is None:
            return []
        value = float(self._day.dense[row, own:] @ dense[own:])
        if value <= 0:
            return []
        candidates = [liked.find_nearest_encoded(row, own) for liked in self._liked]
        cosine, title = max(candidates, key=lambda best: best[0], default=(0.0, ""))
        if not _is_near(cosine, title):
            return []
        return [Part(kind="near", name=title, value=value)]

    def _trending_parts(self, row: int) -> list[Part]:
        kinds: tuple[PartKind, ...] = ("upvotes", "pick", "recency")
        paper = self._day.papers[row]
        return [
            Part(kind=kind, name=trending_fact(kind, paper), value=amount)
            for kind, amount in zip(kinds, self._day.trending[:, row].tolist(), strict=True)
            if amount
        ]

    def nearest_liked(self, row: int) -> tuple[str, float] | None:
        """Return title and cosine of the nearest liked paper; None where none is near."""
        cosine, title = self._nearest.get(row, (0.0, ""))
        return (title, min(cosine, 1.0)) if _is_near(cosine, title) else None


def _is_near(cosine: float, title: str) -> bool:
    return cosine >= MIN_NEAREST_COSINE and bool(title)


# ----------------------------------------------------------------------------------------------
# the words of a paper


@dataclass(frozen=True, slots=True, eq=False)
class _PaperWords:
    """The words of one paper; the same for every reader."""

    #: indices in the day's vocabulary and weights, shape (n,)
    indices: NDArray[np.int32]
    data: NDArray[np.float64]
    #: which of them have a word vector, shape (m,)
    known: NDArray[np.int64]
    #: what these contribute to the dense columns, without an encoder's, shape (m, dense columns)
    contributions: NDArray[np.float32]
    #: the words as the paper writes them; "" where it has no name for a column
    names: tuple[str, ...]


def _paper_words(day: Day, row: int, words_of: WordsOf) -> _PaperWords:
    key = (row, words_of)
    cached: _PaperWords | None = day.explained.get(key)
    if cached is None:
        paper = day.papers[row]
        span = slice(day.words.indptr[row], day.words.indptr[row + 1])
        indices = day.words.indices[span]
        columns = day.vocabulary[indices]
        names = words_of(paper.title, paper.abstract)
        known, per_word = np.empty(0, np.int64), np.empty((0, 0), np.float32)
        if day.contributions is not None:
            contributions = day.contributions(paper.title, paper.abstract)
            known, is_found = _find_positions(columns, contributions.columns)
            per_word = contributions.per_word[is_found]
        cached = day.explained[key] = _PaperWords(
            indices=indices,
            data=day.words.data[span].astype(np.float64),
            known=known,
            contributions=per_word,
            names=tuple(names.get(column, "") for column in columns.tolist()),
        )
    return cached


def _find_positions(
    numbers: NDArray[np.int32], queries: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the positions of the queries among numbers, and which occur."""
    if not len(numbers):
        return np.empty(0, np.int64), np.zeros(len(queries), np.bool_)
    order = np.argsort(numbers)
    places = np.minimum(np.searchsorted(numbers, queries, sorter=order), len(numbers) - 1)
    occurs = numbers[order[places]] == queries
    return order[places[occurs]], occurs


def _look_up(
    queries: NDArray[np.int32], indices: NDArray[np.int32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weight of each queried index, 0 where it has none."""
    values = np.zeros(len(queries))
    positions, occurs = _find_positions(queries, indices)
    values[positions] = weights[occurs]
    return values


def _keyword_value(keyword: Keyword, day: Day, row: int) -> float:
    """Return what the words and the dense columns of a keyword add to a paper."""
    if not keyword.weight:
        return 0.0
    indices, weights = phrase_words(keyword.phrase, day)
    words = float(day.word_vector(row)[indices] @ weights)
    dense = float(day.dense[row] @ phrase_dense_weights(keyword.phrase, day))
    return keyword.weight * (words + dense)


# ----------------------------------------------------------------------------------------------
# the nearest liked paper


class _LikedPapers:
    """Papers that a reader liked or gave as examples, to compare with a day's."""

    def __init__(self, rated: Rated, day: Day) -> None:
        self._day, self._ids, self._titles = day, rated.paper_ids, rated.titles
        blocks = rated.rated_rows.blocks
        self._words = blocks.words[rated.row_indices]
        self._dense = blocks.dense[rated.row_indices]
        self._word_indices = day.word_indices(blocks.vocabulary)[self._words.indices]
        self._norms = row_norms(self._words, self._dense)

    def find_nearest(
        self, rows: Sequence[int], slots: NDArray[np.int32], table: NDArray[np.float32]
    ) -> Iterator[tuple[int, float, str]]:
        """Yield each row with cosine and title of its nearest liked paper.

        Args:
            rows: rows of the day.
            slots: index of a word in the day -> row of `table`, -1 = none.
            table: the words of these rows, shape (slots, rows).
        """
        word_slots = slots[self._word_indices]
        is_shared = word_slots >= 0
        indptr = np.concatenate(([0], np.cumsum(is_shared)))[self._words.indptr]
        shared = sp.csr_matrix(
            (self._words.data[is_shared], word_slots[is_shared], indptr),
            shape=(len(self._ids), len(table)),
        )
        products = shared @ table
        if self._dense.shape[1] == self._day.dense.shape[1]:
            products = products + self._dense @ self._day.dense[rows].T
        yield from self._best(rows, products, np.outer(self._norms, self._day.norms[rows]))

    def find_nearest_encoded(self, row: int, own: int) -> tuple[float, str]:
        """Return cosine and title of the paper nearest in the encoder's columns.

        Args:
            own: how many dense columns come before them.
        """
        liked, paper = self._dense[:, own:], self._day.dense[row, own:]
        norms = np.linalg.norm(liked, axis=1) * np.linalg.norm(paper)
        ((_, cosine, title),) = self._best([row], (liked @ paper)[:, None], norms[:, None])
        return cosine, title

    def _best(
        self, rows: Sequence[int], products: NDArray[Any], norms: NDArray[Any]
    ) -> Iterator[tuple[int, float, str]]:
        cosines = products / np.where(norms > 0, norms, 1)
        # A paper is not near itself, and a free text has no title to name.
        cosines[(self._ids[:, None] == self._day.ids[rows]) | (self._ids[:, None] == 0)] = -1
        for row, column, best in zip(rows, cosines.T, cosines.argmax(axis=0).tolist(), strict=True):
            yield row, float(column[best]), self._titles[best]
