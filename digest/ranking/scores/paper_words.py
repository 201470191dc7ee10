"""The words of papers of a day, as reasons are made of them; the same for every reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.ranking import features
from digest.ranking.rows import find_sorted, ranges
from digest.ranking.scores.days import Day
from digest.ranking.scores.topics import PaperPhrases, place_phrases

#: title, abstract -> column -> the word or pair as the paper writes it
WordsOf = Callable[[str, str], Mapping[int, str]]
#: papers whose words are put together at once
_BATCH_SIZE = 256


@dataclass(frozen=True, slots=True, eq=False)
class PaperWords:
    """The words of one paper."""

    row: int
    #: indices in the day's vocabulary and weights, shape (words,)
    indices: NDArray[np.int32]
    data: NDArray[np.float64]
    #: positions of the words by ascending index, shape (words,)
    order: NDArray[np.int64]
    #: which of them have a word vector, shape (m,)
    known: NDArray[np.int64]
    #: their rows in the table of word vectors, and their shares of the dense columns, shape (m,)
    vector_rows: NDArray[np.int32]
    shares: NDArray[np.float32]
    phrases: PaperPhrases

    #: position of a word -> the word as the paper writes it; "" where it has no name
    named: _NamedPlaces


class _NamedPlaces(dict[int, str]):
    """Position of a word -> its name; filled as names are asked for."""

    def __init__(self, columns: NDArray[np.int32], names: Mapping[int, str]) -> None:
        super().__init__()
        self._columns, self._names = columns, names

    def __missing__(self, place: int) -> str:
        self[place] = name = self._names.get(int(self._columns[place]), "")
        return name


class Places(NamedTuple):
    """Where each word of some papers stands among the words of its paper."""

    #: number of the paper times the number of words of the day, and the word; ascending
    keys: NDArray[np.int64]
    #: position of each among all words of these papers, paper by paper
    entries: NDArray[np.int64]
    #: number of words of the day
    width: int

    def find(self, papers: NDArray[np.int64], words: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return where words stand, -1 = not in the paper.

        Args:
            papers: the number of each word's paper.
            words: indices in the vocabulary of the day; -1 stands in no paper.
        """
        places = find_sorted(self.keys, papers * self.width + words)
        found = np.full(len(words), -1, dtype=np.int64)
        is_there = (places >= 0) & (words >= 0)
        found[is_there] = self.entries[places[is_there]]
        return found


def words_of_papers(day: Day, rows: Sequence[int], words_of: WordsOf) -> list[PaperWords]:
    """Return the words of some papers; kept with the day."""
    explained = day.explained
    missing = [row for row in dict.fromkeys(rows) if (row, words_of) not in explained]
    for start in range(0, len(missing), _BATCH_SIZE):
        for paper in _read_words(day, missing[start : start + _BATCH_SIZE], words_of):
            explained[paper.row, words_of] = paper
    return [explained[row, words_of] for row in rows]


def _read_words(day: Day, rows: Sequence[int], words_of: WordsOf) -> list[PaperWords]:
    chosen = np.array(rows)
    starts = day.words.indptr[chosen].astype(np.int64)
    sizes = day.words.indptr[chosen + 1] - starts
    entries = ranges(starts, sizes)
    indices = day.words.indices[entries]
    data = day.words.data[entries].astype(np.float64)
    owners = np.repeat(np.arange(len(rows)), sizes)
    bounds = np.concatenate(([0], sizes.cumsum()))
    keys = owners * len(day.vocabulary) + indices
    order = keys.argsort()
    places = Places(keys[order], order, len(day.vocabulary))
    known, vector_rows, shares, known_bounds = _find_known(day, chosen, places)
    papers = [day.papers[row] for row in rows]
    phrases = place_phrases(
        features.find_noun_phrases([(paper.title, paper.abstract) for paper in papers]),
        find_places=lambda numbers, columns: places.find(numbers, day.word_index[columns]),
        bounds=bounds,
        paper_shares=day.paper_shares()[indices],
    )
    columns = day.vocabulary[indices]
    words = []
    for number, (row, paper) in enumerate(zip(rows, papers, strict=True)):
        first = bounds[number]
        own = slice(first, bounds[number + 1])
        own_known = slice(known_bounds[number], known_bounds[number + 1])
        words.append(
            PaperWords(
                row=row,
                indices=indices[own],
                data=data[own],
                order=order[own] - first,
                known=known[own_known] - first,
                vector_rows=vector_rows[own_known],
                shares=shares[own_known],
                named=_NamedPlaces(columns[own], words_of(paper.title, paper.abstract)),
                phrases=phrases[number],
            )
        )
    return words


def _find_known(
    day: Day, rows: NDArray[np.int64], places: Places
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Find the words of papers that have a word vector.

    Returns:
        Where each stands, its row in the table, its share, and where those of each paper begin,
        shape (papers + 1,).
    """
    if day.contributions is None:
        none = np.empty(0, np.int64)
        empty = none.astype(np.int32), none.astype(np.float32)
        return none, *empty, np.zeros(len(rows) + 1, np.int64)
    table, all_shares = day.contributions.table, day.contributions.shares
    starts = all_shares.indptr[rows].astype(np.int64)
    sizes = all_shares.indptr[rows + 1] - starts
    entries = ranges(starts, sizes)
    vector_rows, shares = all_shares.indices[entries], all_shares.data[entries]
    owners = np.repeat(np.arange(len(rows)), sizes)
    known = places.find(owners, day.word_index[table.columns[vector_rows]])
    is_found = known >= 0
    bounds = owners[is_found].searchsorted(np.arange(len(rows) + 1))
    return known[is_found], vector_rows[is_found], shares[is_found], bounds
