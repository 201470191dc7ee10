"""Word vectors trained from papers alone, by contrastive learning.

A title has to find its abstract among a batch of others, and one half of a paper the other half:
the in-batch contrastive loss (van den Oord, Li and Vinyals, "Representation learning with
contrastive predictive coding", 2018, eq. 4, in both directions) over sums of word vectors,
minimised by AdaGrad with one step size a word (Duchi, Hazan and Singer, "Adaptive subgradient
methods", 2011). At the end each word is pulled once towards the papers that hold it, so that words
which occur together lie together even where they are too rare to learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.table import DIMENSIONS, Table
from digest.ranking.rows import COLUMNS, WORDS

#: papers that training needs at least
MIN_TRAINING_PAPERS = 50
TEMPERATURE = 0.1
#: share of batches that match titles with abstracts; the others match halves of abstracts
TITLE_BATCHES = 0.5
#: words in more than this share of the papers have no vector
TOO_COMMON = 0.2
#: how far a word is pulled towards its papers at the end, in lengths of its own vector
PULL = 1.0
#: weight, in papers, of the document frequencies of the table that training continues from
PRIOR_PAPERS = 500

#: papers that words are pulled towards at once; more need more memory
_PULL_BATCH = 8192


class _Schedule(NamedTuple):
    batch_size: int
    learning_rate: float
    #: papers shown in all, repeated ones included
    examples: int
    max_epochs: int
    #: words in fewer papers have no vector
    min_documents: int


_FROM_SCRATCH = _Schedule(1024, 0.05, 450_000, 30, 3)
_CONTINUED = _Schedule(512, 0.02, 200_000, 10, 2)

Progress = Callable[[int, int], None]


def train(
    titles: sp.csr_matrix,
    abstracts: sp.csr_matrix,
    *,
    start: Table | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Table:
    """Train word vectors; equal input and seed give the same table on one machine.

    Args:
        titles: word counts of the papers' titles, shape (papers, COLUMNS).
        abstracts: those of their abstracts.
        start: a table to continue from; its words keep their vectors until papers move them.
        progress: called with the number of steps done and of all.

    Raises:
        ValueError: there are fewer than MIN_TRAINING_PAPERS papers.
    """
    number = titles.shape[0]
    if abstracts.shape != titles.shape or number < MIN_TRAINING_PAPERS:
        raise ValueError(
            f"word vectors need at least {MIN_TRAINING_PAPERS} papers, each with a row of title "
            f"and of abstract; got {number}"
        )
    start = start if start is not None and len(start.columns) else None
    schedule = _FROM_SCRATCH if start is None else _CONTINUED
    both = (titles + abstracts).tocsr()
    document_counts = np.bincount(both.indices, minlength=COLUMNS)[:WORDS]
    columns = _choose_vocabulary(document_counts, number, start, schedule.min_documents)
    rng = np.random.default_rng(seed)
    vectors = _initial_vectors(columns, start, rng)
    idf = _idf(columns, document_counts, number, start)
    title_rows, abstract_rows = (_weigh(counts, columns, idf) for counts in (titles, abstracts))
    no_abstract = np.flatnonzero(np.diff(abstract_rows.indptr) == 0)
    if len(no_abstract):
        # A paper without an abstract is matched by the halves of its title.
        abstract_rows = _replace_rows(abstract_rows, title_rows, no_abstract)
    title_batches = TITLE_BATCHES if len(no_abstract) <= number / 2 else 0.0
    squared_gradients = np.full(len(columns), 1e-8, dtype=np.float32)
    for pair, rate in _draw_batches(
        title_rows, abstract_rows, schedule, title_batches, rng, progress
    ):
        _train_batch(vectors, squared_gradients, *pair, rate)
    _pull_towards_papers(vectors, _weigh(both, columns, idf))
    return Table(
        columns=columns,
        document_counts=_add_document_counts(columns, document_counts, start),
        papers=number + (start.papers if start else 0),
        vectors=vectors,
    ).quantized()


def _draw_batches(
    titles: sp.csr_matrix,
    abstracts: sp.csr_matrix,
    schedule: _Schedule,
    title_batches: float,
    rng: np.random.Generator,
    progress: Progress | None,
) -> Iterator[tuple[tuple[sp.csr_matrix, sp.csr_matrix], float]]:
    """Yield the two sides of each batch, and its step size.

    Args:
        titles, abstracts: weighed words, shape (papers, words).
        title_batches: share of batches that match titles with abstracts.
    """
    number = titles.shape[0]
    size = min(schedule.batch_size, number)
    epochs = int(np.clip(round(schedule.examples / number), 2, schedule.max_epochs))
    steps, done = epochs * (number // size), 0
    for _ in range(epochs):
        order = rng.permutation(number)
        for begin in range(0, number - size + 1, size):
            rows = order[begin : begin + size]
            if title_batches and rng.random() < title_batches:
                pair = titles[rows], abstracts[rows]
            else:
                pair = _split_into_halves(abstracts[rows], rng)
            yield pair, schedule.learning_rate * (1 - 0.9 * done / steps)
            done += 1
            if progress:
                progress(done, steps)


def _choose_vocabulary(
    document_counts: NDArray[np.int64], papers: int, start: Table | None, min_documents: int
) -> NDArray[np.int32]:
    """Return the columns of the words that get a vector, ascending."""
    too_common = max(TOO_COMMON * papers, _FROM_SCRATCH.min_documents)
    chosen = (document_counts >= min_documents) & (document_counts <= too_common)
    if start is not None:
        chosen[start.columns] = True
    return np.flatnonzero(chosen).astype(np.int32)


def _initial_vectors(
    columns: NDArray[np.int32], start: Table | None, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the vectors that training begins with, shape (words, DIMENSIONS)."""
    vectors = rng.standard_normal((len(columns), DIMENSIONS)).astype(np.float32)
    vectors *= 0.1 / np.sqrt(DIMENSIONS)
    if start is not None:
        # A new word says little until papers have moved it: a tenth of the length of a known one.
        vectors *= float(np.linalg.norm(start.vectors, axis=1).mean())
        vectors[np.searchsorted(columns, start.columns)] = start.vectors
    return vectors


def _idf(
    columns: NDArray[np.int32],
    document_counts: NDArray[np.int64],
    papers: float,
    start: Table | None,
) -> NDArray[np.float32]:
    """Return the inverse document frequency of each word, shape (words,)."""
    counts = document_counts[columns].astype(np.float64)
    if start is not None:
        rows = np.searchsorted(columns, start.columns)
        counts[rows] += PRIOR_PAPERS * start.document_counts / start.papers
        papers += PRIOR_PAPERS
    return np.log((1 + papers) / (1 + counts)).astype(np.float32)


def _add_document_counts(
    columns: NDArray[np.int32], document_counts: NDArray[np.int64], start: Table | None
) -> NDArray[np.uint32]:
    counts = document_counts[columns].astype(np.uint32)
    if start is not None:
        counts[np.searchsorted(columns, start.columns)] += start.document_counts
    return counts


def _weigh(
    counts: sp.csr_matrix, columns: NDArray[np.int32], idf: NDArray[np.float32]
) -> sp.csr_matrix:
    """Return (1 + ln tf) * idf of the words that have a vector, shape (papers, words)."""
    word_by_column = np.full(COLUMNS, -1, dtype=np.int32)
    word_by_column[columns] = np.arange(len(columns))
    words = word_by_column[counts.indices]
    is_used = words >= 0
    indptr = np.concatenate(([0], np.cumsum(is_used)))[counts.indptr].astype(np.int32)
    data = (1 + np.log(counts.data[is_used])).astype(np.float32) * idf[words[is_used]]
    return sp.csr_matrix((data, words[is_used], indptr), shape=(counts.shape[0], len(idf)))


def _replace_rows(
    rows: sp.csr_matrix, others: sp.csr_matrix, row_numbers: NDArray[np.int64]
) -> sp.csr_matrix:
    order = np.arange(rows.shape[0])
    order[row_numbers] = rows.shape[0] + np.arange(len(row_numbers))
    return sp.vstack((rows, others[row_numbers]), format="csr")[order]


def _split_into_halves(
    rows: sp.csr_matrix, rng: np.random.Generator
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Put each word of a paper into one of two halves at random."""
    in_first = rng.random(len(rows.data)) < 0.5
    halves = []
    for is_used in (in_first, ~in_first):
        indptr = np.concatenate(([0], np.cumsum(is_used)))[rows.indptr].astype(np.int32)
        halves.append(
            sp.csr_matrix((rows.data[is_used], rows.indices[is_used], indptr), shape=rows.shape)
        )
    return halves[0], halves[1]


def _train_batch(
    vectors: NDArray[np.float32],
    squared_gradients: NDArray[np.float32],
    left: sp.csr_matrix,
    right: sp.csr_matrix,
    rate: float,
) -> None:
    """Descend one batch, in place, by AdaGrad.

    Row i of `left` has to find row i of `right` among all of them, and the other way round.

    Args:
        vectors: word vectors, shape (words, DIMENSIONS).
        squared_gradients: their sums so far, shape (words,).
        left, right: weighed words, shape (papers, words).
        rate: the step size.
    """
    usable = np.flatnonzero((np.diff(left.indptr) > 0) & (np.diff(right.indptr) > 0))
    if len(usable) < 2:
        return
    left, right = left[usable], right[usable]
    words, indices = np.unique(np.concatenate((left.indices, right.indices)), return_inverse=True)
    indices = indices.astype(np.int32)
    shape = (len(usable), len(words))
    left = sp.csr_matrix((left.data, indices[: left.nnz], left.indptr), shape=shape)
    right = sp.csr_matrix((right.data, indices[left.nnz :], right.indptr), shape=shape)
    current = vectors[words]
    left_unit, left_norms = _normalize_rows(left @ current)
    right_unit, right_norms = _normalize_rows(right @ current)
    logits = left_unit @ right_unit.T
    logits /= TEMPERATURE
    # The gradient of the loss by the logits is the mean of both directions' softmax, less 1 for
    # the right pairs.
    by_row = np.exp(logits - logits.max(axis=1, keepdims=True))
    by_row /= by_row.sum(axis=1, keepdims=True)
    by_column = np.exp(logits - logits.max(axis=0, keepdims=True))
    by_column /= by_column.sum(axis=0, keepdims=True)
    errors = (by_row + by_column) / 2
    errors[np.diag_indices(len(errors))] -= 1
    errors /= TEMPERATURE * len(errors)
    left_gradient = _normalization_gradient(errors @ right_unit, left_unit, left_norms)
    right_gradient = _normalization_gradient(errors.T @ left_unit, right_unit, right_norms)
    gradient = left.T @ left_gradient + right.T @ right_gradient
    squared_gradients[words] += (gradient**2).mean(axis=1)
    vectors[words] = current - rate * gradient / np.sqrt(squared_gradients[words])[:, None]


def _pull_towards_papers(vectors: NDArray[np.float32], papers: sp.csr_matrix) -> None:
    """Turn each vector, in place, towards the sum of the papers that hold its word.

    Vectors keep their lengths. `papers` are weighed words, shape (papers, words).
    """
    directions = np.zeros_like(vectors)
    for begin in range(0, papers.shape[0], _PULL_BATCH):
        batch = papers[begin : begin + _PULL_BATCH]
        directions += batch.T @ _normalize_rows(batch @ vectors)[0]
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors += PULL * norms * _normalize_rows(directions)[0]
    vectors *= norms / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def _normalize_rows(
    rows: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return rows of length 1, and the norms that they had, shape (n, 1)."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6
    return rows / norms, norms


def _normalization_gradient(
    gradient: NDArray[np.float32], unit_rows: NDArray[np.float32], norms: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Backpropagate a gradient through the scaling of rows to length 1."""
    radial = (gradient * unit_rows).sum(axis=1, keepdims=True) * unit_rows
    before: NDArray[np.float32] = (gradient - radial) / norms
    return before
