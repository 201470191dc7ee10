"""The papers that readers rated, read once for all batches of a round.

Readers rate the papers of the same weeks, so most papers of a batch are there already. Their rows
are kept in chunks that never change: each reaches a worker once, and a batch names the rows that it
needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Paper
from digest.ranking.profiles import RatedRows

#: papers that are kept from batch to batch; about 5 KB each
_MOST_PAPERS = 30_000
#: papers from which rows become a chunk; before, they travel with each batch that needs them
_CHUNK = 500


@dataclass(frozen=True, slots=True, eq=False)
class RowsChunk:
    """Feature rows of some papers."""

    rows: sp.csr_matrix


class ShelfRows(RatedRows):
    """The rated papers of a batch, put together from chunks where their rows are needed.

    Pickled without the chunks; `lend` them before use.

    Args:
        picks: the rows of each chunk that the batch needs.
        loose: rows that are in no chunk.
        order: of all these rows, as the batch has them.
    """

    def __init__(
        self, picks: Sequence[NDArray[np.int64]], loose: sp.csr_matrix, order: NDArray[np.int64]
    ) -> None:
        self._picks, self._loose, self._order = picks, loose, order
        self._made: sp.csr_matrix | None = None
        #: one for each of the picks
        self.chunks: tuple[RowsChunk, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return ShelfRows, (self._picks, self._loose, self._order)

    def lend(self, chunks: Sequence[RowsChunk]) -> None:
        """Give the chunks, in the order of the picks."""
        self.chunks = tuple(chunks)

    @property
    def rows(self) -> sp.csr_matrix:
        if self._made is None:
            parts = [chunk.rows[rows] for chunk, rows in zip(self.chunks, self._picks, strict=True)]
            if self._loose.shape[0] or not parts:
                parts.append(self._loose)
            self._made = sp.vstack(parts, format="csr")[self._order]
        return self._made


class RatedShelf:
    """Rated papers and their feature rows."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.papers: dict[int, Paper] = {}
        #: id of a paper -> the number of its chunk, and its row there
        self._places: dict[int, tuple[int, int]] = {}
        self._chunks: list[RowsChunk] = []
        #: rows that will be the next chunk
        self._loose = sp.csr_matrix((0, 0))

    def find_missing(self, paper_ids: Collection[int]) -> list[int]:
        """Return the ids of the papers that are to be added; a full shelf is cleared first."""
        missing = [ident for ident in paper_ids if ident not in self.papers]
        if len(self.papers) + len(missing) <= _MOST_PAPERS:
            return missing
        self._clear()
        return list(paper_ids)

    def add(self, papers: Mapping[int, Paper], rows: sp.csr_matrix) -> None:
        """Add papers with their feature rows, in the same order."""
        first = self._loose.shape[0]
        self._loose = sp.vstack((self._loose, rows), format="csr") if first else rows
        number = len(self._chunks)
        self._places |= {ident: (number, first + row) for row, ident in enumerate(papers)}
        self.papers |= papers
        if self._loose.shape[0] >= _CHUNK:
            self._chunks.append(RowsChunk(self._loose))
            self._loose = self._loose[:0]

    def take(
        self, paper_ids: Collection[int], others: sp.csr_matrix | None = None
    ) -> tuple[ShelfRows, dict[int, int]]:
        """Return the rows of some papers, and which row is whose.

        They are by id in ascending order, so no sum depends on who came before.

        Args:
            others: rows that follow those of the papers, and that are not kept.
        """
        idents = sorted(paper_ids)
        places = np.array([self._places[ident] for ident in idents], dtype=np.int64).reshape(-1, 2)
        numbers, rows = places[:, 0], places[:, 1]
        needed = [number for number in np.unique(numbers).tolist() if number < len(self._chunks)]
        is_loose = numbers == len(self._chunks)
        by_chunk = np.concatenate(
            [*(np.flatnonzero(numbers == number) for number in needed), np.flatnonzero(is_loose)]
        )
        loose, more = self._loose[rows[is_loose]], 0
        if others is not None and (more := others.shape[0]):
            loose = sp.vstack((loose, others), format="csr") if loose.shape[0] else others
        order = np.empty(len(idents) + more, dtype=np.int64)
        order[by_chunk] = np.arange(len(idents))
        order[len(idents) :] = np.arange(len(idents), len(order))
        taken = ShelfRows([rows[numbers == number] for number in needed], loose, order)
        taken.lend([self._chunks[number] for number in needed])
        return taken, {ident: row for row, ident in enumerate(idents)}
