"""Liked papers of readers without interests -> clusters, one for each taste.

Works on rows of weighed words; knows no paper, profile or score.

Spherical k-means is own code: many readers with a dozen papers each are clustered in one batch
from their cosines alone, which scikit-learn's `KMeans` (one data set a call, Euclidean, no
precomputed cosines) cannot do; a library that clusters batches of cosine matrices would replace it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: likes from which a reader's tastes are looked for, tastes at most, and likes of a taste at least
MIN_LIKES, MAX_TASTES, MIN_TASTE_SIZE = 12, 3, 4
#: least mean silhouette of every taste (0 = as near to the next taste, 1 = nothing in common), and
#: the least part of all likes with a positive silhouette
MIN_SILHOUETTE, MIN_WELL_PLACED = 0.55, 0.9
#: initialisations of k-means, the best of which counts, and iterations at most
_STARTS, _ITERATIONS = 8, 30
#: fixed-point steps between a cosine of 0 and one of 1
_COSINE_STEPS = 16384
#: readers in a batch
_BATCH_SIZE = 64


def find_tastes(rows: sp.csr_matrix) -> NDArray[np.int64]:
    """Return the tastes of one reader, given the rows of the liked papers, shape (n,)."""
    return find_tastes_of_readers(rows, [np.arange(rows.shape[0])])[0]


def find_tastes_of_readers(
    rows: sp.csr_matrix, liked: Sequence[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """Return the taste of each liked paper of each reader, shape (likes,) each.

    Tastes are numbered by their first papers; all are 0 for a reader with one taste or without
    clearly separate ones. Two or three tastes count when nearly every liked paper is much nearer
    to the others of its own taste than to those of the next. The result depends neither on the
    order of the readers nor on chance.

    Args:
        rows: weighed words of papers, shape (papers, columns), each of length 1.
        liked: the row numbers of each reader's liked papers.
    """
    tastes = [np.zeros(len(own_rows), dtype=np.int64) for own_rows in liked]
    # Readers with about as many likes share a batch, so that little of its table stays empty.
    readers = sorted(
        (reader for reader, own_rows in enumerate(liked) if len(own_rows) >= MIN_LIKES),
        key=lambda reader: len(liked[reader]),
    )
    sizes = np.array([len(liked[reader]) for reader in readers], dtype=np.int64)
    cosines, squares = _cosines_within_readers(
        rows, [np.empty(0, np.int64), *(liked[reader] for reader in readers)]
    )
    for start in range(0, len(readers), _BATCH_SIZE):
        batch = readers[start : start + _BATCH_SIZE]
        batch_sizes = sizes[start : start + _BATCH_SIZE]
        tables = _cosine_tables(cosines, squares, int(sizes[:start].sum()), batch_sizes)
        best: dict[int, NDArray[np.int64]] = {}
        for count in range(2, MAX_TASTES + 1):
            labels = _cluster(tables, batch_sizes, count)
            separate = _silhouettes(tables, batch_sizes, labels, count) >= MIN_SILHOUETTE
            best |= {index: labels[index] for index in np.flatnonzero(separate).tolist()}
        for index, labels_of_reader in best.items():
            own_labels = labels_of_reader[: batch_sizes[index]].tolist()
            number_of = {label: number for number, label in enumerate(dict.fromkeys(own_labels))}
            tastes[batch[index]] = np.array(
                [number_of[label] for label in own_labels], dtype=np.int64
            )
    return tastes


# ----------------------------------------------------------------------------------------------
# cosines


def _cosines_within_readers(
    rows: sp.csr_matrix, liked: Sequence[NDArray[np.int64]]
) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    """Return the cosines of each reader's papers to one another and themselves.

    The papers of all readers stand one after another: shape (papers, papers) and (papers,). Papers
    of different readers have no entry.
    """
    words = rows[np.concatenate(liked)]
    owners = np.repeat(np.arange(len(liked)), [len(own_rows) for own_rows in liked])
    by_word = words.tocsc()
    word_of_entry = np.repeat(np.arange(words.shape[1]), np.diff(by_word.indptr))
    owner_of_entry = owners[by_word.indices]
    # One row for each word of each reader: only words that several papers of one reader share
    # make these alike.
    run_starts = np.ones(words.nnz + 1, dtype=np.bool_)
    run_starts[1:-1] = (word_of_entry[1:] != word_of_entry[:-1]) | (
        owner_of_entry[1:] != owner_of_entry[:-1]
    )
    run_lengths = np.diff(np.flatnonzero(run_starts))
    is_shared = run_lengths > 1
    entries = np.repeat(is_shared, run_lengths)
    ends = np.concatenate(([0], np.cumsum(run_lengths[is_shared])))
    shared = sp.csr_matrix(
        (by_word.data[entries], by_word.indices[entries], ends),
        shape=(len(ends) - 1, words.shape[0]),
    )
    products = shared.T.tocsr() @ shared
    products.data = _quantize(products.data)
    squares = np.bincount(
        np.repeat(np.arange(words.shape[0]), np.diff(words.indptr)),
        weights=words.data**2,
        minlength=words.shape[0],
    )
    return products, _quantize(squares)


def _cosine_tables(
    cosines: sp.csr_matrix, squares: NDArray[np.float32], first: int, sizes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Expand the cosines of a batch, shape (readers, width, width); 0 = no paper.

    Args:
        cosines, squares: as `_cosines_within_readers` returns them.
        first: where the papers of the batch begin.
        sizes: number of papers of each reader, shape (readers,).
    """
    total, width = int(sizes.sum()), int(sizes.max())
    places = np.arange(total) - np.repeat(sizes.cumsum() - sizes, sizes)
    row_starts = np.repeat(np.arange(len(sizes)), sizes) * width**2 + places * width
    own = cosines[first : first + total]
    table = np.zeros(len(sizes) * width**2, dtype=np.float32)
    table[np.repeat(row_starts, np.diff(own.indptr)) + places[own.indices - first]] = own.data
    table[row_starts + places] = squares[first : first + total]
    return table.reshape(len(sizes), width, width)


def _quantize(cosines: NDArray[Any]) -> NDArray[np.float32]:
    """Round cosines to fixed-point numbers.

    The sums of up to a thousand of them have no error, so the result does not depend on the order
    in which a batch adds them up.
    """
    quantized: NDArray[np.float32] = (
        np.rint(np.nan_to_num(cosines) * _COSINE_STEPS) / _COSINE_STEPS
    ).astype(np.float32)
    return quantized


# ----------------------------------------------------------------------------------------------
# k-means


def _cluster(
    tables: NDArray[np.float32], sizes: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Run spherical k-means from several starts, and keep each reader's best.

    The centre of a cluster is the sum of its papers, so cosines are all that is needed.

    Returns:
        Labels, shape (readers, width), -1 = no paper.
    """
    readers, width, _ = tables.shape
    seeds = _draw_seeds(tables, sizes, count)
    to_seeds = [tables[np.arange(readers)[:, None], seed] for seed in seeds]
    labels = _nearest_centres(np.stack(to_seeds, axis=1))
    padding = np.broadcast_to((np.arange(width) >= sizes[:, None])[:, None, :], labels.shape)
    labels[padding] = -1
    objective = np.empty((readers, _STARTS))
    moving_tables, moving = tables, np.arange(readers)
    clusters = np.arange(count)[:, None, None]
    for _ in range(_ITERATIONS):
        old = labels[moving]
        membership = (old[:, None] == clusters).astype(np.float32)
        to_centres = (membership.reshape(len(moving), -1, width) @ moving_tables).reshape(
            membership.shape
        )
        squares = (membership * to_centres).sum(axis=3, dtype=np.float64)
        norms = np.sqrt(np.maximum(squares, 1e-12))
        objective[moving] = norms.sum(axis=1)
        new = _nearest_centres(to_centres / norms[:, :, :, None].astype(np.float32))
        new[padding[moving]] = -1
        labels[moving] = new
        # Nearly all readers converge after an iteration or two.
        changed = (new != old).any(axis=(1, 2))
        moving_tables, moving = moving_tables[changed], moving[changed]
        if not len(moving):
            break
    best: NDArray[np.int64] = labels[np.arange(readers), objective.argmax(axis=1)].astype(np.int64)
    return best


def _nearest_centres(cosines: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return the nearest centre of each paper, the first of equals.

    Cosines of shape (readers, centres, starts, width) give labels of shape (readers, starts,
    width).
    """
    nearest, best = np.zeros((len(cosines), *cosines.shape[2:]), dtype=np.int8), cosines[:, 0]
    for centre in range(1, cosines.shape[1]):
        nearer = cosines[:, centre] > best
        nearest[nearer] = centre
        best = np.maximum(best, cosines[:, centre])
    return nearest


def _draw_seeds(
    tables: NDArray[np.float32], sizes: NDArray[np.int64], count: int
) -> list[NDArray[np.int64]]:
    """Draw the papers to begin with: `count` arrays of shape (readers, _STARTS).

    As in k-means++ a paper is the likelier the less it is like those drawn before. The random
    numbers depend on `count` alone.
    """
    readers, width, _ = tables.shape
    random = np.random.default_rng(count).random((count, _STARTS))
    seeds = [(random[0] * sizes[:, None]).astype(np.int64)]
    reader_index = np.arange(readers)[:, None]
    is_paper = (np.arange(width) < sizes[:, None])[:, None, :]
    distances = np.repeat(is_paper.astype(np.float64), _STARTS, axis=1)
    for draws in random[1:]:
        distances = np.minimum(distances, np.maximum(1 - tables[reader_index, seeds[-1]], 0))
        np.put_along_axis(distances, seeds[-1][:, :, None], 0, axis=2)
        sums = distances.cumsum(axis=2)
        drawn = (sums <= (draws * sums[:, :, -1])[:, :, None]).sum(axis=2)
        seeds.append(
            np.where(
                sums[:, :, -1] > 0,
                np.minimum(drawn, sizes[:, None] - 1),
                (draws * sizes[:, None]).astype(np.int64),
            )
        )
    return seeds


def _silhouettes(
    tables: NDArray[np.float32], sizes: NDArray[np.int64], labels: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return the mean silhouette of each reader's worst cluster, shape (readers,).

    The silhouette of a paper is here 1 - (mean cosine to the nearest other cluster) / (mean cosine
    to its own), after Rousseeuw, "Silhouettes", 1987. It is 0 for a reader with a cluster that is
    too small, or with too many papers in the wrong one.
    """
    is_paper = labels >= 0
    membership = (labels[:, :, None] == np.arange(count)).astype(np.float32)
    counts = membership.sum(axis=1)
    sums = (tables @ membership).astype(np.float64)
    labels = np.maximum(labels, 0)
    own_counts = np.take_along_axis(counts, labels, axis=1)
    own_sums = np.take_along_axis(sums, labels[:, :, None], axis=2)[:, :, 0]
    own = (own_sums - tables.diagonal(axis1=1, axis2=2)) / np.maximum(own_counts - 1, 1)
    means = np.where(membership > 0, -np.inf, sums / np.maximum(counts, 1)[:, None, :])
    other = means.max(axis=2)
    silhouettes = np.where(is_paper, (own - other) / np.maximum(np.maximum(own, other), 1e-12), 0.0)
    least = ((silhouettes[:, None, :] @ membership)[:, 0, :] / np.maximum(counts, 1)).min(axis=1)
    well_placed = ((silhouettes > 0) & is_paper).sum(axis=1) / sizes
    counted: NDArray[np.float64] = np.where(
        (counts.min(axis=1) >= MIN_TASTE_SIZE) & (well_placed >= MIN_WELL_PLACED), least, 0.0
    )
    return counted
