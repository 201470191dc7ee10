"""Papers that readers are told the reasons for: pairs of a reader and a paper, as arrays.

A reader with many papers counts as several readers with some of them, so tables stay small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from digest.ranking.profiles import Profile
from digest.ranking.rows import join
from digest.ranking.scores.days import Day
from digest.ranking.scores.paper_words import PaperWords, Places, WordsOf, words_of_papers

#: papers of one reader that are worked on together
_MOST_PAPERS = 32
#: pairs that are worked on together, about
_CHUNK = 2048


class Request(NamedTuple):
    """Papers whose reasons are asked for, as one profile sees them."""

    profile: Profile
    #: rows of competing papers
    rows: Sequence[int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Pairs of a reader and a paper, reader by reader; the words of the papers pair by pair."""

    day: Day
    #: shape (readers,)
    profiles: Sequence[Profile]
    #: where the pairs of each reader begin, shape (readers + 1,)
    bounds: NDArray[np.int64]
    #: the papers, each once, and which of them is that of each pair, shape (pairs,)
    papers: Sequence[PaperWords]
    numbers: NDArray[np.int64]

    @classmethod
    def from_requests(cls, requests: Sequence[Request], day: Day, words_of: WordsOf) -> Self:
        pieces = [
            Request(profile, rows[start : start + _MOST_PAPERS])
            for profile, rows in requests
            for start in range(0, len(rows), _MOST_PAPERS)
        ]
        rows = [row for piece in pieces for row in piece.rows]
        distinct = {row: number for number, row in enumerate(dict.fromkeys(rows))}
        return cls(
            day=day,
            profiles=[piece.profile for piece in pieces],
            bounds=np.cumsum([0, *(len(piece.rows) for piece in pieces)]),
            papers=words_of_papers(day, list(distinct), words_of),
            numbers=np.array([distinct[row] for row in rows], dtype=np.int64),
        )

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The row of each paper in the day, shape (pairs,)."""
        rows = np.array([paper.row for paper in self.papers], dtype=np.int64)
        return rows[self.numbers]

    @cached_property
    def readers(self) -> NDArray[np.int64]:
        """The number of each pair's reader, shape (pairs,)."""
        return np.repeat(np.arange(len(self.profiles)), np.diff(self.bounds))

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many words each paper has, shape (papers,)."""
        return np.array([len(paper.indices) for paper in self.papers], dtype=np.int64)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the words of each pair begin, shape (pairs + 1,)."""
        return np.concatenate(([0], self.sizes[self.numbers].cumsum()))

    def find_words(
        self, pairs: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Find words in the papers of pairs.

        Args:
            pairs: the pair of each word.
            words: indices in the vocabulary of the day.

        Returns:
            Which of the words were found, where each stands among the words of all pairs, and its
            weight in the paper.
        """
        places, firsts, data = self._places
        numbers = self.numbers[pairs]
        places_found = places.find(numbers, words)
        found = np.flatnonzero(places_found >= 0)
        places_found = places_found[found]
        entries = self.starts[pairs[found]] + places_found - firsts[numbers[found]]
        return found, entries, data[places_found]

    @cached_property
    def _places(self) -> tuple[Places, NDArray[np.int64], NDArray[np.float64]]:
        """Where words stand in the papers, where each paper begins, and the words' weights."""
        width = len(self.day.vocabulary)
        firsts = self.sizes.cumsum() - self.sizes
        papers = np.repeat(np.arange(len(self.papers)), self.sizes)
        order = join([paper.order for paper in self.papers], np.int64) + firsts[papers]
        words = join([paper.indices for paper in self.papers], np.int32)
        data = join([paper.data for paper in self.papers], np.float64)
        return Places(papers * width + words[order], order, width), firsts, data

    def chunks(self) -> Iterator[slice]:
        """Yield readers that are worked on together, all in order."""
        start = 0
        while start < len(self.profiles):
            end = int(self.bounds.searchsorted(self.bounds[start] + _CHUNK, side="right")) - 1
            end = max(end, start + 1)
            yield slice(start, end)
            start = end


class Chunk:
    """Some readers' pairs, and the words of these."""

    def __init__(self, pairs: Pairs, readers: slice) -> None:
        self.profiles = pairs.profiles[readers]
        #: the first pair, and the first of those behind them
        self.first, self.end = pairs.bounds[[readers.start, readers.stop]].tolist()
        self.papers = [pairs.papers[n] for n in pairs.numbers[self.first : self.end].tolist()]
        self.rows = pairs.rows[self.first : self.end]
        #: where their words stand among those of all pairs
        self.first_word, self.end_word = pairs.starts[[self.first, self.end]].tolist()
        #: where the words of each pair begin, shape (pairs + 1,), and those of each reader, shape
        #: (readers + 1,)
        self.starts = pairs.starts[self.first : self.end + 1] - self.first_word
        self.bounds = self.starts[pairs.bounds[readers.start : readers.stop + 1] - self.first]
        #: where the pairs of each reader begin, shape (readers + 1,)
        self.pair_bounds = pairs.bounds[readers.start : readers.stop + 1] - self.first
        #: indices in the vocabulary of the day and weights, shape (words,)
        self.words = join([paper.indices for paper in self.papers], np.int32)
        self.data = join([paper.data for paper in self.papers], np.float64)

    def has_words(self, entries: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which of some places among the words of all pairs are here."""
        here: NDArray[np.int64] = np.flatnonzero(
            (entries >= self.first_word) & (entries < self.end_word)
        )
        return here
