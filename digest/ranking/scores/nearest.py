"""Find the liked or example paper that is nearest to a paper of the day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.profiles import Rated, RatedRows
from digest.ranking.rows import row_norms
from digest.ranking.scores.days import Day
from digest.ranking.scores.paper_words import PaperWords, look_up

#: cosine below which no paper is named as the nearest
MIN_NEAREST_COSINE = 0.2
#: papers from which a shelf is one of many readers, and how many of these a day keeps
_LARGE_SHELF, _KEPT_SHELVES = 64, 2


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The paper of a reader that is nearest to one of the day."""

    cosine: float
    title: str
    #: given as an example, not liked
    is_example: bool
    #: its words, as indices in the day's vocabulary
    word_indices: NDArray[np.int32]

    @property
    def is_near(self) -> bool:
        return self.cosine >= MIN_NEAREST_COSINE and bool(self.title)


class LikedPapers:
    """Papers that a reader liked or gave as examples, to compare with a day's."""

    def __init__(self, rated: Rated, day: Day, example_ids: Collection[int]) -> None:
        self._day, self._ids, self._titles = day, rated.paper_ids, rated.titles
        self._example_ids = example_ids
        self._shelf = _put_on_day(rated.rated_rows, day)
        self._rows = rated.row_indices
        self._dense = rated.rated_rows.blocks.dense[rated.row_indices]
        self._norms = self._shelf.norms[rated.row_indices]

    def find_nearest(
        self, rows: Sequence[int], papers: Sequence[PaperWords], table: NDArray[np.float64]
    ) -> list[Nearest]:
        """Return the nearest liked paper of each paper.

        Args:
            rows: rows of the day, one for each paper.
            table: as of `look_up`.
        """
        shelf, bounds = self._shelf, self._shelf.bounds
        spans = [slice(bounds[row], bounds[row + 1]) for row in self._rows.tolist()]
        liked_words = np.concatenate([shelf.indices[span] for span in spans])
        liked_data = np.concatenate([shelf.data[span] for span in spans])
        # Each word of the papers gets a slot of its own; 0 = in none of them.
        words = np.concatenate([paper.indices for paper in papers])
        slots = look_up(
            words, np.arange(1, len(words) + 1), np.concatenate((words, liked_words)), table
        ).astype(np.int32)
        paper_slots, liked_slots = slots[: len(words)], slots[len(words) :]
        owners = np.repeat(np.arange(len(rows)), [len(paper.indices) for paper in papers])
        by_slot = np.zeros((len(words) + 1, len(rows)), dtype=np.float32)
        by_slot[paper_slots, owners] = np.concatenate([paper.data for paper in papers])
        is_shared = liked_slots > 0
        ends = np.cumsum([span.stop - span.start for span in spans])
        shared = sp.csr_matrix(
            (
                liked_data[is_shared],
                liked_slots[is_shared],
                np.concatenate(([0], np.cumsum(is_shared)))[np.concatenate(([0], ends))],
            ),
            shape=(len(spans), len(by_slot)),
        )
        products = shared @ by_slot
        if self._dense.shape[1] == self._day.dense.shape[1]:
            products = products + self._dense @ self._day.dense[rows].T
        return self._best(rows, products, np.outer(self._norms, self._day.norms[rows]))

    def find_nearest_encoded(self, row: int, own: int) -> Nearest:
        """Return the paper nearest in the encoder's columns.

        Args:
            own: how many dense columns come before them.
        """
        liked, paper = self._dense[:, own:], self._day.dense[row, own:]
        norms = np.linalg.norm(liked, axis=1) * np.linalg.norm(paper)
        (nearest,) = self._best([row], (liked @ paper)[:, None], norms[:, None])
        return nearest

    def _best(
        self, rows: Sequence[int], products: NDArray[Any], norms: NDArray[Any]
    ) -> list[Nearest]:
        cosines = products / np.where(norms > 0, norms, 1)
        # A paper is not near itself, and a free text has no title to name.
        cosines[(self._ids[:, None] == self._day.ids[rows]) | (self._ids[:, None] == 0)] = -1
        best = cosines.argmax(axis=0)
        bounds = self._shelf.bounds
        return [
            Nearest(
                cosine=cosine,
                title=self._titles[number],
                is_example=paper_id in self._example_ids,
                word_indices=self._shelf.indices[bounds[row] : bounds[row + 1]],
            )
            for number, cosine, paper_id, row in zip(
                best.tolist(),
                cosines[best, np.arange(len(rows))].tolist(),
                self._ids[best].tolist(),
                self._rows[best].tolist(),
                strict=True,
            )
        ]


class _Shelf(NamedTuple):
    """The words of rated papers, as indices in the vocabulary of a day."""

    #: -1 = no paper of the day has the word; shape (entries,)
    indices: NDArray[np.int32]
    data: NDArray[np.float32]
    #: where the entries of each rated paper begin, shape (papers + 1,)
    bounds: NDArray[np.int32]
    #: shape (papers,)
    norms: NDArray[np.float64]


def _put_on_day(rated_rows: RatedRows, day: Day) -> _Shelf:
    """Look the words of rated papers up; those of a batch of readers are kept with the day."""
    kept: tuple[RatedRows, _Shelf] | None = day.shelves.get(id(rated_rows))
    if kept is not None:
        return kept[1]
    blocks = rated_rows.blocks
    shelf = _Shelf(
        indices=day.word_indices(blocks.vocabulary)[blocks.words.indices],
        data=blocks.words.data,
        bounds=blocks.words.indptr,
        norms=row_norms(blocks.words, blocks.dense),
    )
    if len(blocks.dense) >= _LARGE_SHELF:
        if len(day.shelves) >= _KEPT_SHELVES:
            day.shelves.clear()
        # The rows are kept too, or others could get their id.
        day.shelves[id(rated_rows)] = rated_rows, shelf
    return shelf
