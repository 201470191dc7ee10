"""Find the liked or example papers that are nearest to papers of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.profiles import Profile, Rated, RatedRows
from digest.ranking.rows import quantize, ranges, reduce_ranges, row_norms
from digest.ranking.scores.days import Day
from digest.ranking.scores.pairs import Chunk

#: cosine below which no paper is named as the nearest
MIN_NEAREST_COSINE = 0.2
#: share of what a paper's words add that those shared with the nearest paper add, if it is named
MIN_SHARED_LIFT = 0.3
#: papers from which a shelf is one of many readers, and how many of these a day keeps
_LARGE_SHELF, _KEPT_SHELVES = 64, 2
#: readers whose papers are compared at once
_TOGETHER = 64


class Nearest(NamedTuple):
    """The paper of a reader that is nearest to one of the day."""

    cosine: float
    title: str
    #: given as an example, not liked
    is_example: bool

    @property
    def is_near(self) -> bool:
        return self.cosine >= MIN_NEAREST_COSINE and bool(self.title)


class ReaderWords(NamedTuple):
    """Papers of the day that one reader is told the reasons for, and their words."""

    profile: Profile
    #: the number of the first pair
    first: int
    rows: NDArray[np.int64]
    #: where the words of each begin, shape (papers + 1,)
    bounds: NDArray[np.int64]
    #: indices in the vocabulary of the day and weights, shape (words,)
    words: NDArray[np.int32]
    data: NDArray[np.float64]
    #: what each adds, 0 where it takes away
    lifts: NDArray[np.float64]


def find_nearest(chunk: Chunk, values: NDArray[np.float64], day: Day) -> list[Nearest | None]:
    """Return the nearest liked or example paper of each pair, where what they share lifts it.

    Args:
        values: what each word of the pairs adds.
    """
    found: list[Nearest | None] = [None] * len(chunk.papers)
    lifts = np.maximum(values, 0)
    readers = [
        ReaderWords(
            profile=profile,
            first=first,
            rows=chunk.rows[first:end],
            bounds=chunk.starts[first : end + 1] - start,
            words=chunk.words[start:stop],
            data=chunk.data[start:stop],
            lifts=lifts[start:stop],
        )
        for profile, (first, end), (start, stop) in zip(
            chunk.profiles,
            pairwise(chunk.pair_bounds.tolist()),
            pairwise(chunk.bounds.tolist()),
            strict=True,
        )
        if _references(profile)
    ]
    table = np.zeros(len(day.vocabulary) + 1, dtype=np.int32)
    for start in range(0, len(readers), _TOGETHER):
        compared = _Compared(readers[start : start + _TOGETHER], day, table)
        for pair, nearest in compared.find_lifting():
            found[pair] = nearest
    return found


def find_nearest_encoded(profile: Profile, day: Day, row: int, own: int) -> Nearest | None:
    """Return the liked or example paper that is nearest in an encoder's columns.

    None where there is no such paper.

    Args:
        own: how many dense columns come before them.
    """
    paper = day.dense[row, own:]
    best: Nearest | None = None
    for rated in _references(profile):
        liked = rated.rated_rows.blocks.dense[rated.row_indices, own:]
        norms = np.linalg.norm(liked, axis=1) * np.linalg.norm(paper)
        cosines = liked @ paper / np.where(norms > 0, norms, 1)
        # A paper is not near itself, and a free text has no title to name.
        cosines[(rated.paper_ids == day.ids[row]) | (rated.paper_ids == 0)] = -1
        number = int(cosines.argmax())
        if best is None or cosines[number] > best.cosine:
            paper_id = int(rated.paper_ids[number])
            best = Nearest(
                float(cosines[number]), rated.titles[number], paper_id in profile.example_ids
            )
    return best


def _references(profile: Profile) -> list[Rated]:
    """Return the papers that can be named: a free text, of id 0, has no title."""
    return [rated for rated in profile.references if rated.paper_ids.any()]


class _Compared:
    """The papers of some readers beside those that they liked or gave as examples."""

    def __init__(self, readers: Sequence[ReaderWords], day: Day, table: NDArray[np.int32]) -> None:
        self._readers, self._day = readers, day
        self._rated = [_references(reader.profile) for reader in readers]
        flat = [rated for own in self._rated for rated in own]
        shelf, shelf_starts = _join_shelves([rated.rated_rows for rated in flat], day)
        liked = np.concatenate(
            [start + rated.row_indices for start, rated in zip(shelf_starts, flat, strict=True)]
        )
        self._ids = np.concatenate([rated.paper_ids for rated in flat])
        counts = [sum(len(rated.paper_ids) for rated in own) for own in self._rated]
        #: where the liked papers of each reader begin, shape (readers + 1,)
        self._bounds = np.cumsum([0, *counts])
        #: numbers of papers are columns, as many as one reader has at most
        self._width = max(len(reader.rows) for reader in readers)
        starts = shelf.bounds[liked]
        sizes = shelf.bounds[liked + 1] - starts
        entries = ranges(starts, sizes)
        word_bounds = np.concatenate(([0], sizes.cumsum()))
        self._slots, liked_slots = _number_words(
            readers, shelf.indices[entries], word_bounds[self._bounds].tolist(), table
        )
        is_shared = liked_slots > 0
        shared_bounds = np.concatenate(([0], is_shared.cumsum()))[word_bounds]
        self._shared = sp.csr_matrix(
            (shelf.data[entries[is_shared]], liked_slots[is_shared], shared_bounds),
            shape=(len(liked), len(self._slots) + 1),
        )
        paper_sizes = np.concatenate([np.diff(reader.bounds) for reader in readers])
        columns = np.concatenate([np.arange(len(reader.rows)) for reader in readers])
        #: the number of each word's paper among those of its reader
        self._columns = np.repeat(columns, paper_sizes)
        self._starts = np.concatenate(([0], paper_sizes.cumsum()))
        self._cosines = self._compare(shelf, liked)

    def _compare(self, shelf: _Shelf, liked: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return cosines, shape (liked papers, columns); -1 where no paper is to be named."""
        by_slot = np.zeros((len(self._slots) + 1, self._width), dtype=np.float32)
        by_slot[self._slots, self._columns] = np.concatenate(
            [reader.data for reader in self._readers]
        )
        products = (self._shared @ by_slot).astype(np.float64)
        norms = np.ones(products.shape)
        is_named = np.zeros(products.shape, dtype=np.bool_)
        dense = shelf.dense[liked].astype(np.float64)
        for number, reader in enumerate(self._readers):
            own = slice(self._bounds[number], self._bounds[number + 1])
            count = len(reader.rows)
            # Fixed-point numbers, so that no sum depends on its order.
            products[own, :count] += dense[own] @ self._day.dense[reader.rows].astype(np.float64).T
            norms[own, :count] = self._day.norms[reader.rows]
            is_named[own, :count] = self._ids[own, None] != self._day.ids[reader.rows]
        norms *= shelf.norms[liked][:, None]
        # A paper is not near itself, and a free text has no title to name.
        is_named &= self._ids[:, None] != 0
        return np.where(is_named, products / np.where(norms > 0, norms, 1), -1)

    def find_lifting(self) -> Iterator[tuple[int, Nearest]]:
        """Yield pairs with the nearest paper."""
        firsts = self._bounds[:-1]
        best = np.maximum.reduceat(self._cosines, firsts, axis=0)
        liked, columns = np.nonzero(self._cosines == np.repeat(best, np.diff(self._bounds), axis=0))
        owners = self._bounds.searchsorted(liked, side="right") - 1
        nearest = np.zeros(best.shape, dtype=np.int64)
        # The first of equally near ones is written last.
        nearest[owners[::-1], columns[::-1]] = liked[::-1]
        near_readers, near_papers = np.nonzero(best >= MIN_NEAREST_COSINE)
        near_liked = nearest[near_readers, near_papers]
        lifts = self._lift(near_readers, near_papers, near_liked)
        cosines = best[near_readers, near_papers]
        for reader, paper, number, cosine in zip(
            near_readers[lifts].tolist(),
            near_papers[lifts].tolist(),
            near_liked[lifts].tolist(),
            cosines[lifts].tolist(),
            strict=True,
        ):
            one = self._name(reader, number, cosine)
            if one.is_near:
                yield self._readers[reader].first + paper, one

    def _name(self, reader: int, liked: int, cosine: float) -> Nearest:
        place = liked - int(self._bounds[reader])
        for rated in self._rated[reader]:
            if place < len(rated.titles):
                break
            place -= len(rated.titles)
        is_example = int(self._ids[liked]) in self._readers[reader].profile.example_ids
        return Nearest(cosine, rated.titles[place], is_example)

    def _lift(
        self, readers: NDArray[np.int64], papers: NDArray[np.int64], liked: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tell for each pair whether what it shares with a liked paper lifts it."""
        first_pairs = np.cumsum([0, *(len(reader.rows) for reader in self._readers)])
        pairs = first_pairs[readers] + papers
        liked_sizes = self._shared.indptr[liked + 1] - self._shared.indptr[liked]
        is_shared = np.zeros((len(self._slots) + 1, self._width), dtype=np.bool_)
        shared = ranges(self._shared.indptr[liked].astype(np.int64), liked_sizes)
        is_shared[self._shared.indices[shared], np.repeat(papers, liked_sizes)] = True
        starts, sizes = self._starts[pairs], np.diff(self._starts)[pairs]
        entries = ranges(starts, sizes)
        bounds = np.concatenate(([0], sizes.cumsum()))
        lifts = np.concatenate([reader.lifts for reader in self._readers])[entries]
        own = is_shared[self._slots[entries], self._columns[entries]]
        shared_sums = reduce_ranges(np.add, lifts * own, bounds, 0.0)
        sums = reduce_ranges(np.add, lifts, bounds, 0.0)
        lifting: NDArray[np.bool_] = (shared_sums > 0) & (shared_sums >= MIN_SHARED_LIFT * sums)
        return lifting


def _number_words(
    readers: Sequence[ReaderWords],
    liked_words: NDArray[np.int32],
    bounds: Sequence[int],
    table: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Number the words of each reader's papers from 1, each word of a reader once.

    Args:
        liked_words: of liked papers, as indices in the vocabulary of the day, reader by reader.
        bounds: where those of each reader begin, one more than readers.
        table: zeros, shape (words of the day + 1,); they are zeros again afterwards.

    Returns:
        The numbers of the words of all papers, and those of liked words, 0 = in no paper.
    """
    sizes = [len(reader.words) for reader in readers]
    numbers = np.arange(1, sum(sizes) + 1, dtype=np.int32)
    liked_numbers = np.empty(len(liked_words), dtype=np.int32)
    start = 0
    for place, reader in enumerate(readers):
        own = slice(start, start + sizes[place])
        liked = slice(bounds[place], bounds[place + 1])
        table[reader.words] = numbers[own]
        numbers[own] = table[reader.words]
        liked_numbers[liked] = table[liked_words[liked]]
        table[reader.words] = 0
        start = own.stop
    return numbers, liked_numbers


class _Shelf(NamedTuple):
    """The words of rated papers, as indices in the vocabulary of a day."""

    #: without words that no paper of the day has; shape (entries,)
    indices: NDArray[np.int32]
    data: NDArray[np.float32]
    #: where the entries of each rated paper begin, shape (papers + 1,)
    bounds: NDArray[np.int64]
    #: the dense block in fixed-point numbers, shape (papers, dense columns of the day); zeros where
    #: the papers have other columns
    dense: NDArray[np.float32]
    #: shape (papers,)
    norms: NDArray[np.float64]


def _join_shelves(rated_rows: Sequence[RatedRows], day: Day) -> tuple[_Shelf, list[int]]:
    """Put rated papers on a day together; return also where those of each begin."""
    shelves: dict[int, _Shelf] = {}
    starts: dict[int, int] = {}
    number = 0
    for rows in rated_rows:
        if id(rows) not in shelves:
            shelves[id(rows)] = shelf = _put_on_day(rows, day)
            starts[id(rows)] = number
            number += len(shelf.norms)
    all_starts = [starts[id(rows)] for rows in rated_rows]
    if len(shelves) == 1:
        return next(iter(shelves.values())), all_starts
    columns: Any = zip(*shelves.values(), strict=True)
    indices, data, bounds, dense, norms = columns
    sizes = np.concatenate([np.diff(own) for own in bounds])
    joined = _Shelf(
        indices=np.concatenate(indices),
        data=np.concatenate(data),
        bounds=np.concatenate(([0], sizes.cumsum())),
        dense=np.concatenate(dense),
        norms=np.concatenate(norms),
    )
    return joined, all_starts


def _put_on_day(rated_rows: RatedRows, day: Day) -> _Shelf:
    """Look the words of rated papers up; those of a batch of readers are kept with the day."""
    kept: tuple[RatedRows, _Shelf] | None = day.shelves.get(id(rated_rows))
    if kept is not None:
        return kept[1]
    blocks = rated_rows.blocks
    dense = quantize(blocks.dense).astype(np.float32)
    if dense.shape[1] != day.dense.shape[1]:
        dense = np.zeros((len(dense), day.dense.shape[1]), dtype=np.float32)
    indices = day.word_indices(blocks.vocabulary)[blocks.words.indices]
    is_known = indices >= 0
    shelf = _Shelf(
        indices=indices[is_known],
        data=blocks.words.data[is_known],
        bounds=np.concatenate(([0], is_known.cumsum()))[blocks.words.indptr],
        dense=dense,
        norms=row_norms(blocks.words, blocks.dense),
    )
    if len(blocks.dense) >= _LARGE_SHELF:
        if len(day.shelves) >= _KEPT_SHELVES:
            day.shelves.clear()
        # The rows are kept too, or others could get their id.
        day.shelves[id(rated_rows)] = rated_rows, shelf
    return shelf
