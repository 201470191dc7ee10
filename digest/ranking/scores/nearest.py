"""Find the liked or example paper that is nearest to a paper of the day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.profiles import Rated
from digest.ranking.rows import row_norms
from digest.ranking.scores.days import Day

#: cosine below which no paper is named as the nearest
MIN_NEAREST_COSINE = 0.2


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
        blocks = rated.rated_rows.blocks
        self._words = blocks.words[rated.row_indices]
        self._dense = blocks.dense[rated.row_indices]
        self._word_indices = day.word_indices(blocks.vocabulary)[self._words.indices]
        self._norms = row_norms(self._words, self._dense)

    def find_nearest(
        self, rows: Sequence[int], slots: NDArray[np.int32], table: NDArray[np.float32]
    ) -> Iterator[tuple[int, Nearest]]:
        """Yield each row with its nearest liked paper.

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

    def find_nearest_encoded(self, row: int, own: int) -> Nearest:
        """Return the paper nearest in the encoder's columns.

        Args:
            own: how many dense columns come before them.
        """
        liked, paper = self._dense[:, own:], self._day.dense[row, own:]
        norms = np.linalg.norm(liked, axis=1) * np.linalg.norm(paper)
        ((_, nearest),) = self._best([row], (liked @ paper)[:, None], norms[:, None])
        return nearest

    def _best(
        self, rows: Sequence[int], products: NDArray[Any], norms: NDArray[Any]
    ) -> Iterator[tuple[int, Nearest]]:
        cosines = products / np.where(norms > 0, norms, 1)
        # A paper is not near itself, and a free text has no title to name.
        cosines[(self._ids[:, None] == self._day.ids[rows]) | (self._ids[:, None] == 0)] = -1
        for row, column, best in zip(rows, cosines.T, cosines.argmax(axis=0).tolist(), strict=True):
            yield (
                row,
                Nearest(
                    cosine=float(column[best]),
                    title=self._titles[best],
                    is_example=int(self._ids[best]) in self._example_ids,
                    word_indices=self._word_indices[
                        self._words.indptr[best] : self._words.indptr[best + 1]
                    ],
                ),
            )
