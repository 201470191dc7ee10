"""The words of one paper of a day, as reasons are made of them; the same for every reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.model import Paper
from digest.ranking.scores.days import Day
from digest.ranking.scores.topics import PaperPhrases

#: title, abstract -> column -> the word or pair as the paper writes it
WordsOf = Callable[[str, str], Mapping[int, str]]


@dataclass(frozen=True, eq=False)
class PaperWords:
    """The words of one paper."""

    #: indices in the day's vocabulary and weights, shape (words,)
    indices: NDArray[np.int32]
    data: NDArray[np.float64]
    #: which of them have a word vector, shape (m,)
    known: NDArray[np.int64]
    #: their rows in the table of word vectors, and their shares of the dense columns, shape (m,)
    vector_rows: NDArray[np.int32]
    shares: NDArray[np.float32]
    #: feature column of each word -> the word as the paper writes it
    columns: NDArray[np.int32]
    names: Mapping[int, str]
    paper: Paper
    #: in which share of the papers each word occurs, shape (words,)
    paper_shares: NDArray[np.float64]

    @cached_property
    def phrases(self) -> PaperPhrases:
        return PaperPhrases.from_paper(self.paper, self.columns, self.paper_shares)

    @cached_property
    def places(self) -> Mapping[int, int]:
        """Index in the day's vocabulary -> position among the paper's words."""
        return {index: place for place, index in enumerate(self.indices.tolist())}

    def places_of(self, indices: NDArray[np.int32]) -> list[int]:
        """Return the positions of those of some words that the paper has."""
        places = self.places
        return [places[index] for index in indices.tolist() if index in places]

    def name(self, place: int) -> str:
        """Return a word as the paper writes it; "" where it has no name for the column."""
        return self.names.get(int(self.columns[place]), "")


def words_of_paper(day: Day, row: int, words_of: WordsOf) -> PaperWords:
    """Return the words of a paper; kept with the day."""
    key = (row, words_of)
    cached: PaperWords | None = day.explained.get(key)
    if cached is None:
        paper = day.papers[row]
        span = slice(day.words.indptr[row], day.words.indptr[row + 1])
        indices = day.words.indices[span]
        columns = day.vocabulary[indices]
        known, vector_rows = np.empty(0, np.int64), np.empty(0, np.int32)
        shares = np.empty(0, np.float32)
        if day.contributions is not None:
            vector_rows, shares = day.contributions.words_of(row)
            known, is_found = _find_positions(columns, day.contributions.table.columns[vector_rows])
            vector_rows, shares = vector_rows[is_found], shares[is_found]
        cached = day.explained[key] = PaperWords(
            indices=indices,
            data=day.words.data[span].astype(np.float64),
            known=known,
            vector_rows=vector_rows,
            shares=shares,
            columns=columns,
            names=words_of(paper.title, paper.abstract),
            paper=paper,
            paper_shares=day.paper_shares()[indices],
        )
    return cached


def look_up(
    keys: NDArray[np.int32],
    values: NDArray[Any],
    indices: NDArray[np.int32],
    table: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the value of each index, 0 where it is no key; keys of -1 are passed over.

    Args:
        keys, indices: words, as indices in the vocabulary of a day.
        values: shape of `keys`; of a key that stands twice, one of its values counts.
        table: zeros, shape (words of the day + 1,); they are zeros again afterwards.
    """
    table[keys] = values
    table[-1] = 0
    found: NDArray[np.float64] = table[indices]
    table[keys] = 0
    return found


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
