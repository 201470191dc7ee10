"""The papers that readers rated, read once for all batches of a round."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import scipy.sparse as sp

from digest.model import Paper
from digest.ranking.profiles import RatedRows

#: papers that are kept from batch to batch; about 5 KB each
_MOST_PAPERS = 30_000


class RatedShelf:
    """Rated papers and their feature rows.

    Readers rate the papers of the same weeks, so most papers of a batch are there already.
    """

    def __init__(self) -> None:
        self.papers: Mapping[int, Paper] = {}
        #: a row for each paper, by id in ascending order: so no sum depends on who came before
        self.rows = sp.csr_matrix((0, 0))
        #: id of a paper -> its row
        self.row_of: Mapping[int, int] = {}

    def find_missing(self, paper_ids: Collection[int]) -> list[int]:
        """Return the ids of the papers that are to be added; a full shelf is cleared first."""
        missing = [ident for ident in paper_ids if ident not in self.papers]
        if len(self.papers) + len(missing) <= _MOST_PAPERS:
            return missing
        self.papers = {}
        return list(paper_ids)

    def add(self, papers: Mapping[int, Paper], rows: sp.csr_matrix) -> None:
        """Add papers with their feature rows, in the same order."""
        if self.papers:
            rows = sp.vstack((self.rows, rows), format="csr")
        all_papers = {**self.papers, **papers}
        order = np.argsort(np.fromiter(all_papers, dtype=np.int64, count=len(all_papers)))
        idents = list(all_papers)
        self.papers = {idents[place]: all_papers[idents[place]] for place in order.tolist()}
        self.rows = rows[order]
        self.row_of = {paper.id: row for row, paper in enumerate(self.papers.values())}

    def take(self, paper_ids: Collection[int]) -> tuple[RatedRows, dict[int, int]]:
        """Return the rows of some papers, by id in ascending order, and which row is whose.

        A batch of readers takes its own: what other batches rated is not sent to a worker.
        """
        idents = sorted(paper_ids)
        rows = RatedRows(self.rows[[self.row_of[ident] for ident in idents]])
        return rows, {ident: row for row, ident in enumerate(idents)}
