"""Word vectors from papers alone: a title has to find its abstract among a batch of others, and one
half of a paper the other half.

In-batch contrastive loss (van den Oord, Li and Vinyals, "Representation learning with contrastive
predictive coding", 2018, eq. 4, both ways) over sums of word vectors, descended with one step size
a word (Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011). At last each word is drawn
towards the papers that hold it, once, so that words which keep the same company come to lie
together even where they are too rare to learn from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.table import DIMENSIONS, Table
from digest.ranking.rows import COLUMNS, WORDS

#: fewer papers teach nothing
FEWEST = 50
TEMPERATURE = 0.1
#: the share of batches that match titles with abstracts; the others match halves
TITLES = 0.5
#: a batch, the step size, and how many papers are looked at in all: from nothing, and going on from
#: a table
BATCH, RATE, LOOKS = 1024, 0.05, 450_000
BATCH_ON, RATE_ON, LOOKS_ON = 512, 0.02, 200_000
#: words in fewer papers have no vector, nor have those in more than a fifth of all papers
RARE, RARE_ON, COMMON = 3, 2, 0.2
#: how far a word is drawn towards its papers at last, in lengths of its own vector
DRAWN = 1.0
#: papers with whose weight the table that training goes on from counts among the new ones
PRIOR = 500

#: papers that are drawn to at once; more cost memory
_AT_ONCE = 8192

Progress = Callable[[int, int], None]


def train(
    titles: sp.csr_matrix,
    abstracts: sp.csr_matrix,
    *,
    start: Table | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Table:
    """Word vectors from the counts of titles and abstracts, each of shape (papers, COLUMNS).

    Goes on from `start` where it is given: its words keep their numbers until papers move them. The
    same input and seed give the same table on one machine. `progress` is called with the steps done
    and in all. Raises ValueError for fewer than FEWEST papers.
    """
    number = titles.shape[0]
    if abstracts.shape != titles.shape or number < FEWEST:
        raise ValueError(
            f"word vectors need at least {FEWEST} papers, each with a row of title and of "
            f"abstract; got {number}"
        )
    start = start if start is not None and len(start.columns) else None
    seen = np.bincount((titles + abstracts).tocsr().indices, minlength=COLUMNS)[:WORDS]
    columns, places = _vocabulary(seen, number, start)
    rng = np.random.default_rng(seed)
    numbers, known, papers = _first(columns, seen, number, start, rng)
    rarity = np.log((1 + papers) / (1 + known)).astype(np.float32)
    left, right = _weighed(titles, places, rarity), _weighed(abstracts, places, rarity)
    without = np.flatnonzero(np.diff(right.indptr) == 0)
    if len(without):  # a paper without an abstract is halved by its title
        right = _rows_from(right, left, without)
    looks, batch, rate = (LOOKS, BATCH, RATE) if start is None else (LOOKS_ON, BATCH_ON, RATE_ON)
    batch = min(batch, number)
    epochs = int(np.clip(round(looks / number), 2, 30 if start is None else 10))
    steps, done = epochs * (number // batch), 0
    moved = np.full(len(columns), 1e-8, dtype=np.float32)
    few = len(without) > number / 2
    for _ in range(epochs):
        order = rng.permutation(number)
        for begin in range(0, number - batch + 1, batch):
            rows = order[begin : begin + batch]
            titled = not few and rng.random() < TITLES
            pair = (left[rows], right[rows]) if titled else _halves(right[rows], rng)
            _step(numbers, moved, *pair, rate * (1 - 0.9 * done / steps))
            done += 1
            if progress:
                progress(done, steps)
    _draw(numbers, _weighed((titles + abstracts).tocsr(), places, rarity))
    return Table(
        columns=columns,
        seen=_counted(columns, seen, start),
        papers=number + (start.papers if start else 0),
        numbers=numbers,
    ).rounded()


def _vocabulary(
    seen: NDArray[np.int64], papers: int, start: Table | None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The columns that get a vector, ascending, and for each column of the features its place among
    them, -1 = none.
    """
    known = (seen >= (RARE if start is None else RARE_ON)) & (seen <= max(COMMON * papers, RARE))
    if start is not None:
        known[start.columns] = True
    columns = np.flatnonzero(known).astype(np.int32)
    places = np.full(COLUMNS, -1, dtype=np.int32)
    places[columns] = np.arange(len(columns))
    return columns, places


def _first(
    columns: NDArray[np.int32],
    seen: NDArray[np.int64],
    papers: int,
    start: Table | None,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float64], float]:
    """The numbers to begin with, in how many papers each word counts as seen, and of how many."""
    numbers = rng.standard_normal((len(columns), DIMENSIONS)).astype(np.float32)
    numbers *= 0.1 / np.sqrt(DIMENSIONS)
    known = seen[columns].astype(np.float64)
    if start is None:
        return numbers, known, papers
    places = np.searchsorted(columns, start.columns)
    length = float(np.linalg.norm(start.numbers, axis=1).mean())
    # a new word says little until papers have moved it: a tenth of the length of a known one
    numbers *= length
    numbers[places] = start.numbers
    known[places] += PRIOR * start.seen / start.papers
    return numbers, known, papers + PRIOR


def _counted(
    columns: NDArray[np.int32], seen: NDArray[np.int64], start: Table | None
) -> NDArray[np.uint32]:
    counted = seen[columns].astype(np.uint32)
    if start is not None:
        counted[np.searchsorted(columns, start.columns)] += start.seen
    return counted


def _weighed(
    counts: sp.csr_matrix, places: NDArray[np.int32], rarity: NDArray[np.float32]
) -> sp.csr_matrix:
    """(1 + ln tf) * rarity of the words that have a vector, shape (papers, words)."""
    found = places[counts.indices]
    keep = found >= 0
    starts = np.concatenate(([0], np.cumsum(keep)))[counts.indptr].astype(np.int32)
    data = (1 + np.log(counts.data[keep])).astype(np.float32) * rarity[found[keep]]
    return sp.csr_matrix((data, found[keep], starts), shape=(counts.shape[0], len(rarity)))


def _rows_from(
    rows: sp.csr_matrix, others: sp.csr_matrix, which: NDArray[np.int64]
) -> sp.csr_matrix:
    place = np.arange(rows.shape[0])
    place[which] = rows.shape[0] + np.arange(len(which))
    return sp.vstack((rows, others[which]), format="csr")[place]


def _halves(rows: sp.csr_matrix, rng: np.random.Generator) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Each word of a paper goes to one of two halves."""
    first = rng.random(len(rows.data)) < 0.5
    parts = []
    for keep in (first, ~first):
        starts = np.concatenate(([0], np.cumsum(keep)))[rows.indptr].astype(np.int32)
        parts.append(sp.csr_matrix((rows.data[keep], rows.indices[keep], starts), shape=rows.shape))
    return parts[0], parts[1]


def _step(
    numbers: NDArray[np.float32],
    moved: NDArray[np.float32],
    left: sp.csr_matrix,
    right: sp.csr_matrix,
    rate: float,
) -> None:
    """One batch: the gradient of the loss for the words that occur, and a step against it."""
    both = np.flatnonzero((np.diff(left.indptr) > 0) & (np.diff(right.indptr) > 0))
    if len(both) < 2:
        return
    left, right = left[both], right[both]
    words, places = np.unique(np.concatenate((left.indices, right.indices)), return_inverse=True)
    places = places.astype(np.int32)
    shape = (len(both), len(words))
    left = sp.csr_matrix((left.data, places[: left.nnz], left.indptr), shape=shape)
    right = sp.csr_matrix((right.data, places[left.nnz :], right.indptr), shape=shape)
    current = numbers[words]
    one, one_length = _unit(left @ current)
    two, two_length = _unit(right @ current)
    likeness = one @ two.T
    likeness /= TEMPERATURE
    # The mean of both ways' softmax, less one where a paper meets itself, is the gradient of the
    # loss by the likenesses.
    by_row = np.exp(likeness - likeness.max(axis=1, keepdims=True))
    by_row /= by_row.sum(axis=1, keepdims=True)
    by_column = np.exp(likeness - likeness.max(axis=0, keepdims=True))
    by_column /= by_column.sum(axis=0, keepdims=True)
    wrong = (by_row + by_column) / 2
    wrong[np.diag_indices(len(wrong))] -= 1
    wrong /= TEMPERATURE * len(wrong)
    gradient = left.T @ _through(wrong @ two, one, one_length) + right.T @ _through(
        wrong.T @ one, two, two_length
    )
    moved[words] += (gradient**2).mean(axis=1)
    numbers[words] = current - rate * gradient / np.sqrt(moved[words])[:, None]


def _draw(numbers: NDArray[np.float32], papers: sp.csr_matrix) -> None:
    """Turn each word, in place, towards the sum of the papers that hold it; it keeps its length.

    `papers` has the shape (papers, words).
    """
    towards = np.zeros_like(numbers)
    for begin in range(0, papers.shape[0], _AT_ONCE):
        some = papers[begin : begin + _AT_ONCE]
        towards += some.T @ _unit(some @ numbers)[0]
    lengths = np.linalg.norm(numbers, axis=1, keepdims=True)
    numbers += DRAWN * lengths * _unit(towards)[0]
    numbers *= lengths / np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1e-6)


def _unit(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6
    return rows / lengths, lengths


def _through(
    gradient: NDArray[np.float32], unit: NDArray[np.float32], lengths: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The gradient before a row was scaled to length 1."""
    moved: NDArray[np.float32] = (
        gradient - (gradient * unit).sum(axis=1, keepdims=True) * unit
    ) / lengths
    return moved
