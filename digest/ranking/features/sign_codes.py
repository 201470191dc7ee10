"""Sign codes: which of a paper's dense columns are positive, one bit each.

Columns that are whitened point either way about equally often, so the number of differing bits
follows the angle between two papers (Charikar, "Similarity estimation techniques from rounding
algorithms", 2002). A code takes 32 bytes, and a processor compares some hundred million a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digest.ranking.features.table import DIMENSIONS

#: 64-bit words of a code
CODE_WORDS = DIMENSIONS // 64
#: papers with the fewest differing bits whose cosines are estimated, at least
_COMPARED = 10_000


def encode_signs(dense: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Encode dense rows of shape (n, DIMENSIONS) as codes of shape (CODE_WORDS, n).

    The words of all codes stand together, so that each is compared in one sweep.
    """
    bits = np.packbits(dense > 0, axis=1)
    return np.ascontiguousarray(bits.view(np.uint64).T)


def find_nearest(
    codes: NDArray[np.uint64], query: NDArray[np.float32], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the codes that are nearest to a dense row.

    Args:
        codes: shape (CODE_WORDS, n).
        query: shape (DIMENSIONS,).
        limit: as many at most.

    Returns:
        Their places and what `estimate_cosines` says of them, nearest first.
    """
    places = _find_fewest_differences(codes, encode_signs(query[None])[:, 0], _COMPARED)
    cosines = estimate_cosines(codes[:, places], query)
    order = np.argsort(-cosines, kind="stable")[:limit]
    return places[order], cosines[order]


def estimate_cosines(codes: NDArray[np.uint64], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosines of a dense row to rows of signs, shape (n,).

    The query keeps its numbers, which orders papers much better than bits alone.
    """
    bits = np.unpackbits(np.ascontiguousarray(codes.T).view(np.uint8), axis=1)
    length = np.float32(max(float(np.linalg.norm(query)), 1e-9) * np.sqrt(DIMENSIONS))
    products = 2 * (bits.astype(np.float32) @ query) - query.sum()
    return np.asarray(products / length, dtype=np.float32)


def _find_fewest_differences(
    codes: NDArray[np.uint64], code: NDArray[np.uint64], number: int
) -> NDArray[np.int64]:
    """Return the places of at least so many codes, and of all that differ as little."""
    if codes.shape[1] <= number:
        return np.arange(codes.shape[1])
    differences = np.zeros(codes.shape[1], np.uint16)
    for words, word in zip(codes, code, strict=True):
        differences += np.bitwise_count(words ^ word)
    totals = np.cumsum(np.bincount(differences, minlength=DIMENSIONS + 1))
    return np.flatnonzero(differences <= np.searchsorted(totals, number))
